//! Where a client may say that the files of a version are. Nothing that it names is ever opened by this rule: the text
//! is only told apart, and refused when it could mean a place of the server's own or reach out of what it names.

use flyball_core::{Error, ErrorCode, Result, limits};

/// Schemes that make whoever reads the files connect to a host that the text names.
const HOST_SCHEMES: [&str; 9] = ["ftp", "sftp", "hdfs", "viewfs", "http", "https", "r2", "b2", "abfss"];
/// The scheme of files that go through this server.
const ARTIFACTS: &str = "mlflow-artifacts";

/// What a source means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A path of the machine.
    Local,
    /// `runs:/RUN/…`
    Run(String),
    /// `models:/m-…`
    LoggedModel(String),
    /// `models:/NAME/…`: another version.
    Version(Reference),
    /// `mlflow-artifacts:/…`
    Artifacts,
    /// A place elsewhere, such as `s3://…`, which only clients go to.
    Elsewhere,
}

/// How `models:/…` names a version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// By its number.
    Number(String, i64),
    /// By an alias.
    Alias(String, String),
    /// As the newest, of a stage or of all.
    Newest(String, Option<String>),
}

impl Source {
    /// Tells what a text means.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.len() > limits::PATH_BYTES {
            let message = format!("'source' exceeds the maximum length of {} characters", limits::PATH_BYTES);
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        let uri = Uri::parse(text);
        let scheme = uri.scheme.as_str();
        if HOST_SCHEMES.contains(&scheme) || scheme == ARTIFACTS && !uri.authority.is_empty() {
            return Err(Error::invalid(format!(
                "'source' cannot use the '{scheme}' scheme: it addresses a host that the text names"
            ))
            .hint("name files that this server keeps, a run, a model, or an object store"));
        }
        match scheme {
            "" | "file" => Ok(Source::Local),
            "runs" => {
                let run = uri.path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
                if run.is_empty() || !uri.authority.is_empty() {
                    return Err(not_of(text, "run_id"));
                }
                Ok(Source::Run(run.to_owned()))
            }
            "models" if uri.authority.is_empty() => reference(text, uri.path),
            "models" => Err(invalid(text, "Registered model sources must use the active model registry.")),
            ARTIFACTS => Ok(Source::Artifacts),
            _ => Ok(Source::Elsewhere),
        }
    }
}

/// What `models:/…` names; `path` is what follows the colon.
pub(crate) fn reference(text: &str, path: &str) -> Result<Source> {
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or_default().trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        [name, suffix] if !name.trim().is_empty() && !suffix.trim().is_empty() => {
            let name = (*name).to_owned();
            if suffix.bytes().all(|byte| byte.is_ascii_digit()) {
                let number = suffix.parse().map_err(|_| not_of(text, "model_id"))?;
                return Ok(Source::Version(Reference::Number(name, number)));
            }
            let stage = (!suffix.eq_ignore_ascii_case(super::names::LATEST)).then(|| (*suffix).to_owned());
            Ok(Source::Version(Reference::Newest(name, stage)))
        }
        [one] if !one.trim().is_empty() => match one.rsplit_once('@') {
            None => Ok(Source::LoggedModel((*one).to_owned())),
            Some((name, alias)) if !alias.trim().is_empty() => {
                Ok(Source::Version(Reference::Alias(name.to_owned(), alias.to_owned())))
            }
            Some(_) => Err(not_of(text, "model_id")),
        },
        _ => Err(not_of(text, "model_id")),
    }
}

/// Refuses a text whose path is not absolute and in normal form, however often it is encoded.
pub(crate) fn unsafe_path(text: &str) -> Result<()> {
    let decoded = decode(text, true);
    let path = Uri::parse(&decoded).path.trim_end_matches('/');
    let normal = path.starts_with('/') && !path.split('/').any(|segment| segment == ".");
    let climbs = decoded.split('/').any(|segment| segment == "..");
    if normal && !climbs && !decoded.contains(|c: char| c.is_control() || c == '\\') {
        return Ok(());
    }
    Err(invalid(
        text,
        "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute \
         path must be provided without relative path references present. Please provide an absolute path.",
    ))
}

/// Whether a text names something at or below a root, both as URIs or both as paths.
pub(crate) fn inside(text: &str, root: &str) -> bool {
    let (inner, outer) = (Uri::parse(text), Uri::parse(root));
    let scheme = |uri: &Uri<'_>| if uri.scheme == "file" { String::new() } else { uri.scheme.clone() };
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect()
    };
    let (inner_parts, outer_parts) = (parts(inner.path), parts(outer.path));
    scheme(&inner) == scheme(&outer)
        && inner.authority.eq_ignore_ascii_case(outer.authority)
        && !outer_parts.is_empty()
        && inner_parts.starts_with(&outer_parts)
}

/// The error for a source that does not belong to the run or model that the request names.
pub(crate) fn not_of(source: &str, parameter: &str) -> Error {
    invalid(source, &format!("The {parameter} request parameter must identify the resource that contains the source."))
}

/// The error for a path of the machine.
pub(crate) fn local(source: &str, parameter: &str) -> Error {
    invalid(
        source,
        &format!(
            "To use a local path as a model version source, the {parameter} request parameter has to be specified and \
             the local path has to be contained within the artifact directory of the run specified by the {parameter}."
        ),
    )
}

/// The error for a source, with the reason.
pub(crate) fn invalid(source: &str, reason: &str) -> Error {
    Error::invalid(format!("Invalid model version source: '{source}'. {reason}"))
}

/// The parts of a URI that the rules look at.
struct Uri<'a> {
    scheme: String,
    authority: &'a str,
    path: &'a str,
}

impl<'a> Uri<'a> {
    fn parse(text: &'a str) -> Self {
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        };
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => (String::new(), text),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match rest.strip_prefix("//") {
            Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
            None => ("", rest),
        };
        Self { scheme, authority, path }
    }
}

/// Undoes percent-encoding until nothing is left of it, and `+` for a space where that is meant.
fn decode(text: &str, plus: bool) -> String {
    let mut text = text.to_owned();
    loop {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            let encoded = (byte == b'%').then(|| Some(digit(0)? * 16 + digit(1)?)).flatten();
            bytes.push(match encoded {
                Some(value) => u8::try_from(value).unwrap_or(byte),
                None if plus && byte == b'+' => b' ',
                None => byte,
            });
            rest = &after[if encoded.is_some() { 2 } else { 0 }..];
        }
        let decoded = String::from_utf8_lossy(&bytes).into_owned();
        if decoded == text {
            return decoded;
        }
        text = decoded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        let parse = |text: &str| Source::parse(text).unwrap();
        assert_eq!(parse("runs:/abc/model"), Source::Run("abc".into()));
        assert_eq!(parse("models:/m-12"), Source::LoggedModel("m-12".into()));
        assert_eq!(parse("models:/a b/12"), Source::Version(Reference::Number("a b".into(), 12)));
        assert_eq!(parse("models:/a@b@c"), Source::Version(Reference::Alias("a@b".into(), "c".into())));
        assert_eq!(parse("models:/a/Latest"), Source::Version(Reference::Newest("a".into(), None)));
        assert_eq!(
            parse("models:/a/production"),
            Source::Version(Reference::Newest("a".into(), Some("production".into())))
        );
        assert_eq!(parse("mlflow-artifacts:/1/r/artifacts/m"), Source::Artifacts);
        for local in
            ["file:///etc/", "FILE:/etc", "/etc", "a/b", "", "a%3f/../../..", ";/../", "fi\tle:///etc", " s3://x"]
        {
            assert_eq!(parse(local), Source::Local, "{local:?}");
        }
        for elsewhere in ["s3://bucket/x", "gs://b/x", "dbfs:/x", "wasbs://c@a.blob.core.windows.net/x"] {
            assert_eq!(parse(elsewhere), Source::Elsewhere, "{elsewhere}");
        }
    }

    #[test]
    fn hosts_that_the_text_names_and_broken_references_are_refused() {
        let long = format!("s3://b/{}", "x".repeat(3_000));
        for bad in [
            "http:///#/../../etc/",
            "https://example.com/model",
            "mlflow-artifacts://h/..%2f..",
            "hdfs://h/x",
            "runs:/",
            "runs://other@host/x",
            "models:/",
            "models://other/a/1",
            "models:/a/b/c",
            "models:/a@",
            "models:/a/99999999999999999999",
            &long,
        ] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_that_climb_are_refused_however_they_are_encoded() {
        for good in
            ["s3://bucket/a/b", "s3://bucket/a/b/", "mlflow-artifacts:/1/r/artifacts", "dbfs:/x//y", "gs://b/a+b%20c"]
        {
            assert!(unsafe_path(good).is_ok(), "{good}");
        }
        for bad in [
            "s3://bucket",
            "s3://b/a/../c",
            "s3:/b/%2e%2e/c",
            "s3://b/a/%252e%252e/c",
            "s3://b/%25252e%25252e%25252fetc",
            "dbfs:/x/a%3f/../..",
            "mlflow-artifacts:/..%2f..",
            "s3://b/a%00",
            "s3://b/./a",
            "s3:a/b",
            "s3://b/..\\..",
            "s3://b/a\r\nX: y",
        ] {
            assert!(unsafe_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn inside_compares_whole_segments_after_decoding() {
        let root = "mlflow-artifacts:/1/run/artifacts";
        for good in [
            "mlflow-artifacts:/1/run/artifacts",
            "mlflow-artifacts:/1/run/artifacts/m",
            "MLFLOW-artifacts:///1/%72un/artifacts/x",
        ] {
            assert!(inside(good, root), "{good}");
        }
        for bad in [
            "mlflow-artifacts:/1/run/artifacts2",
            "mlflow-artifacts:/1/other/artifacts",
            "s3:/1/run/artifacts",
            "/1/run/artifacts",
        ] {
            assert!(!inside(bad, root), "{bad}");
        }
        assert!(inside("file:///a/b/c", "/a/b"));
        assert!(!inside("/a", "/"), "a root without a path holds nothing");
    }
}

//! A package index, as pip and uv ask it (PEP 503 and PEP 691).

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flyball_core::{Error, ErrorCode, Result};
use flyball_egress::{Download, Egress, Fetched, Reach};

/// The index where nobody names one.
const PYPI: &str = "https://pypi.org/simple";
/// The longest list of files that is read.
const LIST_BYTES: u64 = 32 * 1024 * 1024;
/// Most redirects that are followed for one file.
const REDIRECTS: usize = 5;
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.9, text/html;q=0.8";

/// Which index is asked, as the user's own tools would. Who starts the process knows its environment and fills this in.
// No Debug: the addresses may hold passwords.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// What the environment names, the first that is not empty counts: `UV_DEFAULT_INDEX`, `UV_INDEX_URL`,
    /// `PIP_INDEX_URL`.
    pub urls: Vec<String>,
    /// The authorities to trust instead of the public ones, a file in PEM: `PIP_CERT`, `SSL_CERT_FILE`.
    pub certificates: Option<PathBuf>,
    /// Files of pip's configuration, the first that names an index counts. [`Index::pip_files`] has the usual ones.
    pub pip_files: Vec<PathBuf>,
}

impl Index {
    /// Where pip's configuration usually lies, the closest first: `PIP_CONFIG_FILE`, that of the environment of Python, that
    /// of the user, that of the machine.
    pub fn pip_files(named: Option<&Path>, environment: Option<&Path>, home: Option<&Path>) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = named.map(Path::to_owned).into_iter().collect();
        files.extend(environment.map(|folder| folder.join("pip.conf")));
        files.extend(home.map(|home| home.join(".config/pip/pip.conf")));
        files.extend(home.map(|home| home.join(".pip/pip.conf")));
        files.extend(["/etc/pip.conf", "/etc/xdg/pip/pip.conf"].map(PathBuf::from));
        files
    }

    fn setting(&self, name: &str) -> Option<String> {
        let texts = self.pip_files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
        texts.filter_map(|text| pip_setting(&text, name)).next()
    }

    fn url(&self) -> String {
        let named = self.urls.iter().map(|url| url.trim()).find(|url| !url.is_empty()).map(str::to_owned);
        named.or_else(|| self.setting("index-url")).unwrap_or_else(|| PYPI.to_owned())
    }

    /// A file of a package.
    ///
    /// # Errors
    /// `Unavailable` when the index does not answer or has no such file.
    pub(super) fn fetch(&self, package: &str, file: &str, bytes: u64) -> Result<Vec<u8>> {
        let certificates = self.certificates.clone().or_else(|| self.setting("cert").map(PathBuf::from));
        let authorities = certificates
            .map(std::fs::read)
            .transpose()
            .map_err(|cause| Error::invalid(format!("the file of authorities cannot be read: {cause}")))?;
        let (index, authorization) = without_password(&self.url())?;
        // An operator's own index stands in the operator's own network.
        let caller = Caller {
            egress: Egress::new(Reach::Anywhere),
            authorities,
            authorization,
            index: origin(&index).to_owned(),
        };
        let hint = format!("with the file {file} at hand, `flyball engines install onnxruntime --from FILE`");
        let list_url = format!("{}/{package}/", index.trim_end_matches('/'));
        let list = caller.get(&list_url, LIST_BYTES).map_err(|error| error.hint(hint.clone()))?;
        let is_json = list.content_type.is_some_and(|kind| kind.contains("json"));
        let text = String::from_utf8_lossy(&list.body);
        let found = if is_json { in_json(&text, file) } else { in_html(&text, file) };
        let Some(link) = found else {
            let message = format!("the package index {index} has no file {file}");
            return Err(Error::new(ErrorCode::Unavailable, message).hint(hint));
        };
        Ok(caller.get(&join(&list.url, &link), bytes).map_err(|error| error.hint(hint))?.body)
    }
}

/// Asks the index and the hosts that it names.
struct Caller {
    egress: Egress,
    authorities: Option<Vec<u8>>,
    /// The header for the index itself; nobody else gets it.
    authorization: Option<String>,
    /// Scheme and host of the index.
    index: String,
}

struct Answer {
    url: String,
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Caller {
    fn get(&self, url: &str, limit: u64) -> Result<Answer> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            let mut body = Vec::new();
            let fetched = self.ask(&url, limit, &mut body).map_err(|error| error.context(format!("calling {url}")))?;
            match (fetched.status, &fetched.location) {
                (200, _) => return Ok(Answer { url, content_type: fetched.content_type, body }),
                (301..=308, Some(location)) => {
                    let next = join(&url, location);
                    if url.starts_with("https:") && !next.starts_with("https:") {
                        return Err(unavailable(format!("{url} leads to an address without TLS")));
                    }
                    url = next;
                }
                (status, _) => return Err(unavailable(format!("{url} answered with the status {status}"))),
            }
        }
        Err(unavailable(format!("{url} was reached by more than {REDIRECTS} redirects")))
    }

    fn ask(&self, url: &str, limit: u64, body: &mut Vec<u8>) -> Result<Fetched> {
        let mut headers = vec![("Accept", ACCEPT)];
        if let Some(authorization) = &self.authorization
            && origin(url) == self.index
        {
            headers.push(("Authorization", authorization));
        }
        self.egress.get(&Download { url, headers: &headers, limit, authorities: self.authorities.as_deref() }, body)
    }
}

fn unavailable(message: String) -> Error {
    Error::new(ErrorCode::Unavailable, message)
}

/// A value of pip's configuration; what stands for all commands counts less than what stands for one.
fn pip_setting(text: &str, name: &str) -> Option<String> {
    let mut section = String::new();
    let (mut of_all, mut of_one) = (None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = title.trim().to_owned();
        } else if let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().replace('_', "-") == name
            && !value.trim().is_empty()
        {
            match section.as_str() {
                "global" => of_all = Some(value.trim().to_owned()),
                "install" | "download" => of_one = Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    of_one.or(of_all)
}

/// A URL without the user and password in it, and the header that says them.
fn without_password(url: &str) -> Result<(String, Option<String>)> {
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) else {
        return Err(Error::invalid("the address of the package index is no http(s) URL"));
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((user, host)) = authority.rsplit_once('@') else { return Ok((url.to_owned(), None)) };
    let user = if user.contains(':') { percent_decoded(user) } else { [percent_decoded(user), vec![b':']].concat() };
    Ok((format!("{scheme}://{host}{path}"), Some(format!("Basic {}", STANDARD.encode(user)))))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match code.filter(|_| *first == b'%') {
            Some(byte) => {
                decoded.push(byte);
                rest = &tail[2..];
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    decoded
}

/// The link to a file in a page of links.
fn in_html(page: &str, file: &str) -> Option<String> {
    let links = page.split("href=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        rest[1..].split(quote).next()
    });
    links.map(|link| link.replace("&amp;", "&")).find(|link| is_link_to(link, file))
}

/// The link to a file in a list as JSON.
fn in_json(list: &str, file: &str) -> Option<String> {
    let list: serde_json::Value = serde_json::from_str(list).ok()?;
    let files = list.get("files")?.as_array()?;
    let entry = files.iter().find(|entry| entry["filename"] == file)?;
    entry["url"].as_str().map(str::to_owned)
}

fn is_link_to(link: &str, file: &str) -> bool {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    path.rsplit('/').next().is_some_and(|last| percent_decoded(last) == file.as_bytes())
}

/// Scheme and host of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |at| &url[..host + at])
}

/// Where a link on a page leads.
fn join(page: &str, link: &str) -> String {
    let link = link.split('#').next().unwrap_or_default();
    if link.starts_with("https://") || link.starts_with("http://") {
        return link.to_owned();
    }
    if let Some(rest) = link.strip_prefix("//") {
        let scheme = page.split("//").next().unwrap_or_default();
        return format!("{scheme}//{rest}");
    }
    let origin = origin(page);
    if link.starts_with('/') {
        return format!("{origin}{link}");
    }
    let path = page[origin.len()..].split(['#', '?']).next().unwrap_or_default();
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." if parts.len() > 1 => drop(parts.pop()),
            ".." => {}
            part => parts.push(part),
        }
    }
    format!("{origin}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_they_lead_in_a_browser() {
        let page = "https://host:8/root/pypi/+simple/onnxruntime/";
        for (link, wanted) in [
            ("https://files.example/a.whl#sha256=1", "https://files.example/a.whl"),
            ("//files.example/a.whl", "https://files.example/a.whl"),
            ("/packages/a.whl", "https://host:8/packages/a.whl"),
            ("../../+f/a.whl#sha256=1", "https://host:8/root/pypi/+f/a.whl"),
            ("a.whl", "https://host:8/root/pypi/+simple/onnxruntime/a.whl"),
            ("../../../../../../a.whl", "https://host:8/a.whl"),
        ] {
            assert_eq!(join(page, link), wanted, "{link}");
        }
    }

    #[test]
    fn the_index_is_the_one_of_pip_and_uv() {
        let text = "; mine\n[global]\nindex_url = https://one/simple\ncert=/ca.pem\n[install]\nindex-url: https://two/simple\n";
        assert_eq!(pip_setting(text, "index-url").unwrap(), "https://two/simple");
        assert_eq!(pip_setting(text, "cert").unwrap(), "/ca.pem");
        assert_eq!(pip_setting("[list]\nindex-url=x\n", "index-url"), None);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pip.conf");
        std::fs::write(&file, text).unwrap();
        let mut index = Index { urls: vec!["".into()], pip_files: vec!["/none".into(), file], ..Index::default() };
        assert_eq!(index.url(), "https://two/simple");
        index.urls.push("https://three/simple".into());
        assert_eq!(index.url(), "https://three/simple");
        assert_eq!(Index::default().url(), PYPI);
    }

    #[test]
    fn a_password_leaves_the_url() {
        let (url, header) = without_password("https://us%40er:se%3Acret@host/simple").unwrap();
        assert_eq!(url, "https://host/simple");
        assert_eq!(header.unwrap(), format!("Basic {}", STANDARD.encode("us@er:se:cret")));
        assert_eq!(without_password("https://host/a@b").unwrap(), ("https://host/a@b".into(), None));
        assert!(without_password("file:///etc").is_err());
    }

    #[test]
    fn files_are_found_in_both_kinds_of_lists() {
        let page = "<a href='../x/a%2Bb.whl?y=1&amp;z=2#sha256=0' data-yanked>a+b.whl</a><a href=\"a.whl\">";
        assert_eq!(in_html(page, "a+b.whl").unwrap(), "../x/a%2Bb.whl?y=1&z=2#sha256=0");
        assert_eq!(in_html(page, "b.whl"), None);
        let list = r#"{"files": [{"filename": "a.whl", "url": "u"}]}"#;
        assert_eq!(in_json(list, "a.whl").unwrap(), "u");
        assert_eq!(in_json("[]", "a.whl"), None);
    }
}

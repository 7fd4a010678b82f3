//! The packages that a model asks for. It names them; where they come from is the operator's business.

use flyball_core::{Error, ErrorCode, Result};

/// Most packages of one model.
const MOST_LINES: usize = 2_000;

/// The requirements in their one form, sorted.
///
/// # Errors
/// `UnsupportedModel` that shows the line which is more than a package with its versions.
pub(crate) fn read(text: &str) -> Result<Vec<String>> {
    let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        lines.push(one(line).ok_or_else(|| refusal(line))?);
    }
    if lines.len() > MOST_LINES {
        return Err(Error::new(ErrorCode::UnsupportedModel, "requirements.txt of the model is too long"));
    }
    lines.sort_unstable();
    lines.dedup();
    Ok(lines)
}

/// Whether a package is among the requirements.
pub(crate) fn has(lines: &[String], package: &str) -> bool {
    lines.iter().any(|line| {
        line.strip_prefix(package)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
    })
}

fn refusal(line: &str) -> Error {
    let shown = crate::log::shown(line);
    Error::new(ErrorCode::UnsupportedModel, format!("requirements.txt of the model has the line '{shown}'"))
        .hint("a model may name packages and their versions, not options, addresses or paths; where packages come from is set for the server, for example with PIP_INDEX_URL")
}

/// `name[extra,…] versions; marker` in its one form.
fn one(line: &str) -> Option<String> {
    if !line.chars().all(|c| c == '\t' || (' '..='~').contains(&c)) || line.contains(['\\', '@', '$', '`']) {
        return None;
    }
    let (package, marker) = line.split_once(';').map_or((line, ""), |(package, marker)| (package, marker.trim()));
    let end = package.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(package.len());
    let (name, rest) = package.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    if [".whl", ".zip", ".tar.gz", ".tgz", ".txt"].iter().any(|ending| name.to_ascii_lowercase().ends_with(ending)) {
        return None;
    }
    let rest = rest.trim();
    let (extras, versions) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut extras: Vec<String> = extras.split(',').map(|extra| same_name(extra.trim())).collect();
    extras.retain(|extra| !extra.is_empty());
    extras.sort_unstable();
    if !extras.iter().all(|extra| extra.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
        return None;
    }
    let versions = versions.trim();
    let versions = versions.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(versions);
    let parts: Vec<String> = versions.split(',').map(version).collect::<Option<_>>()?;
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let marker = if marker.is_empty() { String::new() } else { format!("; {}", marker_text(marker)?) };
    Some(format!("{}{extras}{}{marker}", same_name(name), parts.join(",")))
}

/// An operator and a version, without spaces; empty for any version.
fn version(part: &str) -> Option<String> {
    let part = part.trim();
    if part.is_empty() {
        return Some(String::new());
    }
    let operator = ["===", "==", ">=", "<=", "~=", "!=", ">", "<"].into_iter().find(|word| part.starts_with(word))?;
    let number = part[operator.len()..].trim();
    let plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_alphanumeric() || ".*+!-_".contains(c));
    plain.then(|| format!("{operator}{number}"))
}

/// A condition on the machine: no options may hide in it.
fn marker_text(marker: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " \t'\"()<>=!~._,-*+".contains(c);
    let words: Vec<&str> = marker.split_whitespace().collect();
    (marker.chars().all(plain) && !words.iter().any(|word| word.starts_with('-'))).then(|| words.join(" "))
}

/// A name as indexes compare it.
fn same_name(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_one_form() {
        let text = "# made by MLflow\nmlflow==3.17.2\n\nScikit_Learn >= 1.3 , <2  # why\nuvicorn[Standard] (>=0.1)\n\
                    pywin32==306; sys_platform == 'win32'\nnumpy\nnumpy\n";
        let lines = read(text).unwrap();
        let wanted = [
            "mlflow==3.17.2",
            "numpy",
            "pywin32==306; sys_platform == 'win32'",
            "scikit-learn>=1.3,<2",
            "uvicorn[standard]>=0.1",
        ];
        assert_eq!(lines, wanted);
        assert!(has(&lines, "mlflow") && has(&lines, "numpy") && !has(&lines, "scikit"));
    }

    #[test]
    fn a_model_does_not_choose_where_code_comes_from() {
        for line in [
            "--index-url https://evil.example/simple",
            "-i https://evil.example",
            "--extra-index-url=https://evil.example",
            "-r other.txt",
            "-c constraints.txt",
            "-e .",
            "--find-links /tmp",
            "--trusted-host evil.example",
            "https://evil.example/a.whl",
            "git+https://evil.example/a.git",
            "evil @ https://evil.example/a.whl",
            "evil@https://evil.example/a.whl",
            "./local",
            "../local",
            "/tmp/a.whl",
            "file:///tmp/a",
            "code/wheel.whl",
            "wheel-1.0-py3-none-any.whl",
            "numpy --install-option=x",
            "numpy==1 --hash=sha256:00",
            "numpy; rm -rf /",
            "numpy==1; python_version > '3' --index-url x",
            "numpy==$(id)",
            "nümpy",
            "numpy==1 \\\n --index-url https://evil.example",
        ] {
            let error = read(&format!("mlflow\n{line}\n")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UnsupportedModel, "{line}");
            assert!(error.next_step().is_some());
        }
        assert!(read("mlflow\nevil @ https://a\n").unwrap_err().message().contains("'evil @ https://a'"));
    }
}

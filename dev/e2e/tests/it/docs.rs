//! What the pages tell users to type works: each block of shell commands is run, in order, one folder a page.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::product::{Project, binary, copy, python, root};

/// The README and the guide.
fn pages() -> Vec<PathBuf> {
    let guide = std::fs::read_dir(root().join("docs/guide")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = guide.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// The lines of all blocks of a language, as of `sh`.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.trim().strip_prefix("```") {
            Some("") => inside = false,
            Some(opened) => inside = opened == language,
            None if inside => lines.push(line),
            None => {}
        }
    }
    lines
}

/// A server is stopped at the end, also when a command failed.
const PRELUDE: &str = "set -eu\nserver=\ntrap 'test -z \"$server\" || kill $server' EXIT\n";

/// The commands as one script. Getting the source and building it is what has been done when this test runs; a server
/// goes to the background, on a port that is free here.
fn script(lines: &[&str], port: u16) -> String {
    let mut script = String::new();
    for line in lines {
        let line = line.replace("5050", &port.to_string());
        let building = ["git clone ", "cargo ", "cd flyball"].iter().any(|start| line.starts_with(start));
        if building {
            continue;
        }
        if line.starts_with("flyball serve") {
            script.push_str(&format!("{line} --port {port} >server.log 2>&1 &\nserver=$!\nawait_server\n"));
        } else {
            script.push_str(&line);
            script.push('\n');
        }
    }
    format!(
        "{PRELUDE}await_server() {{ curl -sf --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:{port}/health; }}\n{script}"
    )
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn every_command_of_every_page_works() {
    let tools = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(binary(), tools.path().join("flyball")).unwrap();
    let python = python();
    let python = std::path::Path::new(&python).parent().unwrap();
    let path = format!("{}:{}:{}", tools.path().display(), python.display(), std::env::var("PATH").unwrap());
    let mut played = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let lines = blocks(&text, "sh");
        let folder = tempfile::tempdir().unwrap();
        copy(&root().join("examples"), &folder.path().join("examples"));
        let script = script(&lines, free_port());
        let mut shell = Command::new("timeout");
        shell.args(["--kill-after=5", "180", "sh"]).current_dir(folder.path()).env("PATH", &path);
        shell.env("FLYBALL_CACHE_DIR", folder.path().join("cache"));
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{}: {}\n{script}\n{}\n{}",
            page.display(),
            output.status,
            said(&output.stdout),
            said(&output.stderr)
        );
        played += lines.len();
    }
    assert!(played > 20, "only {played} lines were found");
}

#[test]
fn the_examples_of_the_page_on_the_loop_file_are_one_loop_file() {
    let text = std::fs::read_to_string(root().join("docs/guide/loop-file.md")).unwrap();
    let project = Project::of_example("flights");
    project.write("whole.yaml", &blocks(&text, "yaml").join("\n"));
    let planned = project.done(&["plan", "whole.yaml"]);
    assert!(planned.contains("create loop flight-delays"), "{planned}");
}

/// The anchors of a page's headings, as they are made of their words.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut followed = 0;
    for page in pages().into_iter().chain([root().join("ARCHITECTURE.md"), root().join("examples/README.md")]) {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let found = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(found.exists(), "{}: {target} is not there", page.display());
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&found).unwrap());
                assert!(there.iter().any(|known| known == anchor), "{}: {target} is none of {there:?}", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 50, "only {followed} links were found");
}

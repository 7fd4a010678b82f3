//! The README promises two commands; there are these two, and they are what they were announced to be.

use crate::product::root;

#[test]
fn the_readme_has_exactly_the_two_commands() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let cargo: Vec<&str> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| line.starts_with("cargo "))
        .collect();
    assert_eq!(cargo, ["cargo run --release -- demo", "cargo xtask test"]);
    let aliases = std::fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    assert!(aliases.contains("xtask ="), "cargo knows xtask");
}

#[test]
fn links_and_pictures_lead_to_files() {
    for page in ["README.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.starts_with("http");
            assert!(outside || root().join(target).exists(), "{page} points at {target}");
        }
    }
}

//! Rules for the templates and the static files.

use std::fs;
use std::path::{Path, PathBuf};

use flyball_web::asset;
use flyball_web::assets::asset_paths;

#[expect(clippy::disallowed_methods, reason = "cargo says in the environment where the checkout is")]
fn templates() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("templates"), &mut found);
    assert!(found.len() > 20);
    found
}

/// The names of all attributes in a template, in lower case.
fn attributes(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '<')
        .filter_map(|word| word.split_once('='))
        .map(|(name, _)| name.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_lowercase())
        .collect()
}

#[test]
fn templates_have_nothing_inline_and_nothing_from_elsewhere() {
    for (path, text) in templates() {
        let shown = path.display();
        for name in attributes(&text) {
            assert!(name != "style" && !name.starts_with("on") && !name.starts_with("hx-on"), "{shown}: {name}=");
        }
        let text = text.to_lowercase();
        for bad in ["http://", "https://", "javascript:", "<style", "|safe", "src=\"//", "href=\"//"] {
            assert!(!text.contains(bad), "{shown}: {bad}");
        }
        for script in text.split("<script").skip(1) {
            assert!(script.contains("src=") && script.contains("></script>"), "{shown}: inline script");
        }
    }
}

#[test]
fn own_files_load_nothing_from_elsewhere() {
    for path in asset_paths().filter(|path| !path.starts_with("vendor/")) {
        let text = String::from_utf8(asset(&path).unwrap().bytes.into_owned()).unwrap();
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for bad in ["http://", "https://", "@import", "url(", "innerHTML", "eval(", "new Function"] {
            assert!(!text.contains(bad), "{path}: {bad}");
        }
    }
}

#[test]
fn every_file_that_a_template_names_exists() {
    let mut seen = 0;
    for (path, text) in templates() {
        for rest in text.split("asset_url(\"").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(asset(name).is_some(), "{}: {name}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 6);
}

#[test]
fn all_a_page_loads_is_small() {
    let total: usize = asset_paths().filter_map(|path| asset(&path)).map(|file| file.bytes.len()).sum();
    assert!(total < 200_000, "{total}");
}

/// The two colours of a token of the style sheet: light and dark.
fn token(css: &str, name: &str) -> [[f64; 3]; 2] {
    let rest = css.split(&format!("--{name}: light-dark(")).nth(1).unwrap_or_else(|| panic!("no token {name}"));
    let mut colours = rest.split(')').next().unwrap().split(", ").map(|hex| {
        let digits = u32::from_str_radix(hex.trim_start_matches('#'), 16).unwrap();
        [16, 8, 0].map(|shift| f64::from(digits >> shift & 255) / 255.0)
    });
    [colours.next().unwrap(), colours.next().unwrap()]
}

/// The contrast of two colours as WCAG 2.2 defines it.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(one) + 0.05, luminance(other) + 0.05);
    if a > b { a / b } else { b / a }
}

#[test]
fn every_pair_of_colours_in_use_has_enough_contrast() {
    let css = String::from_utf8(asset("app.css").unwrap().bytes.into_owned()).unwrap();
    let check = |front: &str, back: &str, wanted: f64| {
        for (mode, (front_colour, back_colour)) in
            ["light", "dark"].iter().zip(token(&css, front).into_iter().zip(token(&css, back)))
        {
            let found = contrast(front_colour, back_colour);
            assert!(found >= wanted, "{front} on {back} in {mode}: {found:.2}");
        }
    };
    for text in ["text", "muted", "accent", "ok", "failed", "attention"] {
        for ground in ["ground", "panel", "raised"] {
            check(text, ground, 4.5);
        }
    }
    for state in ["idle", "active", "ok", "attention", "failed"] {
        check(state, &format!("{state}-tint"), 4.5);
    }
    for series in ["s0", "s1", "s2", "s3", "s4", "s5"] {
        check(series, "panel", 2.9);
    }
}

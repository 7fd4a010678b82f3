//! The reference pages say what the product says.

use std::collections::BTreeSet;

use flyball_core::ErrorCode;
use serde_json::Value;

use crate::product::{Project, root};

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

#[test]
fn the_page_of_errors_has_every_code_with_its_status_and_no_other() {
    let text = page("guide/errors.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let found: Vec<(String, String)> = rows.iter().map(|row| (row[0].replace('`', ""), row[1].to_owned())).collect();
    let wanted: Vec<(String, String)> =
        ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), code.status().to_string())).collect();
    assert_eq!(found, wanted, "docs/guide/errors.md lists the codes in the order of crates/core/src/error.rs");
    assert!(rows.iter().all(|row| row.len() == 4 && row.iter().all(|cell| !cell.is_empty())), "a cell is empty");
}

#[test]
fn the_page_of_the_loop_file_names_every_key() {
    let schema: Value = serde_json::from_str(&Project::new().done(&["schema"])).unwrap();
    let mut keys = BTreeSet::new();
    collect(&schema, &mut keys);
    assert!(keys.len() > 50, "{keys:?}");
    let text = page("guide/loop-file.md");
    let missing: Vec<&String> = keys.iter().filter(|key| !text.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/guide/loop-file.md does not name {missing:?}");
}

/// The keys of all maps in a schema.
fn collect(schema: &Value, keys: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        keys.extend(properties.keys().cloned());
    }
    let parts =
        schema.as_object().into_iter().flat_map(|map| map.values()).chain(schema.as_array().into_iter().flatten());
    for part in parts {
        collect(part, keys);
    }
}

#[test]
fn the_published_schema_is_that_of_the_binary() {
    let published = page("reference/loop-file.schema.json");
    assert_eq!(
        published,
        Project::new().done(&["schema"]),
        "run `flyball schema > docs/reference/loop-file.schema.json`"
    );
}

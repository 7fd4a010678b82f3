//! The published JSON Schema agrees with the decoder.

use flyball_loops::file::{LoopFile, schema};
use serde_json::Value;

#[test]
fn every_key_of_the_example_is_in_the_schema() {
    let file = LoopFile::parse("flyball.yaml", crate::good_files::FLIGHTS).unwrap();
    let shown = serde_json::to_value(&file).unwrap();
    let schema = schema();
    for key in shown.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    for section in ["monitor", "deploy"] {
        for key in shown[section].as_object().unwrap().keys() {
            assert!(schema["properties"][section]["properties"].get(key).is_some(), "{section}.{key}");
        }
    }
}

/// The decoder is asked about each key of the schema, so that neither can have one that the other lacks.
#[test]
fn each_key_of_the_schema_is_known_to_the_decoder() {
    let schema = schema();
    for (key, shape) in schema["properties"].as_object().unwrap() {
        assert!(!problems(&format!("{key}: x\n")).contains(&format!("unknown key '{key}'")), "{key}");
        assert!(problems(&format!("x{key}: x\n")).contains("unknown key"), "{key}");
        if let Some(inner) = shape.get("properties").and_then(Value::as_object) {
            for inner in inner.keys() {
                let report = problems(&format!("task: regression\n{key}:\n  {inner}: {{ never: 1 }}\n"));
                assert!(!report.contains(&format!("unknown key '{inner}'")), "{key}.{inner}: {report}");
                let nonsense = report.contains("never") || report.contains(&format!("{key}.{inner}: expected"));
                let free = key == "train" && inner == "with" || report.contains(&format!("{key}.{inner}"));
                assert!(nonsense || free, "the decoder does not read {key}.{inner}: {report}");
            }
        }
    }
}

fn problems(text: &str) -> String {
    LoopFile::parse("f", text).unwrap_err().to_string()
}

#[test]
fn every_key_is_described() {
    fn walk(value: &Value, path: &str) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            assert_eq!(value["additionalProperties"], false, "{path}");
            for (key, inner) in properties {
                assert!(inner["description"].as_str().is_some_and(|about| about.len() > 5), "{path}.{key}");
                walk(inner, &format!("{path}.{key}"));
            }
        }
        for inner in ["items", "additionalProperties"] {
            if let Some(inner) = value.get(inner) {
                walk(inner, path);
            }
        }
    }
    walk(&schema(), "");
}

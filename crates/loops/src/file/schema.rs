//! The JSON Schema of the loop file, for editors.

use serde_json::{Map, Value, json};

use super::grammar::{Field, LOOP_FILE, Shape};
use super::suites::{WORDS, fields_of};

/// The JSON Schema (draft 2020-12) of `flyball.yaml`. It knows every key, its description and the form of its value; what
/// concerns several keys, and the inside of conditions, only `LoopFile::parse` checks.
pub fn schema() -> Value {
    let mut schema = map(LOOP_FILE);
    if let Value::Object(entries) = &mut schema {
        entries.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        entries.insert("title".into(), json!("Flyball loop file"));
    }
    schema
}

fn map(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut shape = shape(&field.shape);
            if let Value::Object(entries) = &mut shape {
                entries.insert("description".into(), json!(field.about));
            }
            (field.key.to_owned(), shape)
        })
        .collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn shape(shape_of: &Shape) -> Value {
    const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";
    match shape_of {
        Shape::Text | Shape::Condition => json!({ "type": "string", "minLength": 1 }),
        Shape::Name => json!({ "type": "string", "pattern": NAME, "maxLength": flyball_core::limits::NAME_BYTES }),
        Shape::Duration => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d|w)$" }),
        Shape::Patience => {
            json!({ "type": "string", "pattern": "^([1-9][0-9]* windows?|[0-9]+(ms|s|m|h|d|w))$" })
        }
        Shape::Share => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *%$" },
        ] }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Limit => json!({ "anyOf": [
            { "type": "number" },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *%$" },
        ] }),
        Shape::Suites => {
            let groups: Map<String, Value> =
                WORDS.iter().map(|word| ((*word).to_owned(), map(&fields_of(word)))).collect();
            let options = json!({ "type": "object", "properties": groups, "additionalProperties": false,
                "minProperties": 1, "maxProperties": 1 });
            json!({ "type": "array", "items": { "anyOf": [{ "enum": WORDS }, options] }, "minItems": 1 })
        }
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole => json!({ "type": "integer", "minimum": 0 }),
        Shape::Values => {
            json!({ "type": "array", "items": { "type": ["string", "number", "boolean"] }, "minItems": 1 })
        }
        Shape::Parameters => json!({ "type": "object" }),
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Columns => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "uniqueItems": true }),
        Shape::Map(fields) => map(fields),
        Shape::ListOf(inner) => json!({ "type": "array", "items": shape(inner) }),
        Shape::Named(fields) => json!({
            "type": "object", "propertyNames": { "pattern": NAME }, "additionalProperties": map(fields), "minProperties": 1,
        }),
        Shape::OneOf(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
    }
}

//! The description that MLflow puts beside a model: which flavours it has and what it takes. Read as plain YAML, without
//! tags, anchors and aliases: it comes from whoever logged the model.

use flyball_core::package::PackageFile;
use flyball_core::{Error, ErrorCode, Format, Manifest, Result};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The name of the description in a model's folder.
pub(crate) const DESCRIPTION: &str = "MLmodel";
/// The file of a graph that was logged without a description.
pub(crate) const GRAPH: &str = "model.onnx";
/// Largest description: a signature of thousands of columns.
pub(crate) const BYTES: u64 = 4 * 1024 * 1024;
/// Deepest nesting; those that MLflow writes need five levels.
const DEPTH: usize = 32;

/// Reads a description.
///
/// # Errors
/// `InvalidData` when it is no plain YAML.
pub(crate) fn read(text: &str) -> Result<Value> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            event => return reader.value(&event, 0),
        }
    }
}

fn broken(why: &str) -> Error {
    Error::new(ErrorCode::InvalidData, format!("the {DESCRIPTION} file of the model is broken: {why}"))
        .hint("log the model again with mlflow's log_model")
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(broken(error.info())),
            None => Err(broken("it ends early")),
        }
    }

    fn value(&mut self, event: &Event<'a>, depth: usize) -> Result<Value> {
        if depth == DEPTH {
            return Err(broken("it is nested too deep"));
        }
        match event {
            Event::Scalar(text, style, 0, None) => Ok(scalar(text, *style)),
            Event::SequenceStart(0, None) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Ok(Value::Array(items)),
                        event => items.push(self.value(&event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(0, None) => {
                let mut entries = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Ok(Value::Object(entries)),
                        Event::Scalar(text, _, 0, None) => text.into_owned(),
                        _ => return Err(broken("a key is not a word")),
                    };
                    let event = self.next()?;
                    let value = self.value(&event, depth + 1)?;
                    entries.insert(key, value);
                }
            }
            _ => Err(broken("it has a tag, an anchor or an alias")),
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        _ if style != ScalarStyle::Plain => Value::String(text.to_owned()),
        "null" | "~" | "" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => Value::String(other.to_owned()),
    }
}

/// The forms in which a described model can be loaded, the fastest first. `wanted` leaves only that one.
///
/// # Errors
/// `UnsupportedModel` when there is none.
pub(crate) fn manifests(described: &Value, files: &[PackageFile], wanted: Option<Format>) -> Result<Vec<Manifest>> {
    let flavours = &described["flavors"];
    let there = |path: &str| files.iter().any(|file| file.path == path);
    let data = |flavour: &str| flavours[flavour]["data"].as_str().filter(|path| there(path));
    let named = |flavour: &str, endings: &[&str]| {
        data(flavour).filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
    };
    let mut forms: Vec<(Format, &str)> = Vec::new();
    forms.extend(named("onnx", &[".onnx"]).map(|path| (Format::Onnx, path)));
    forms.extend(named("xgboost", &[".json", ".ubj"]).map(|path| (Format::Xgboost, path)));
    forms.extend(named("lightgbm", &[".lgb", ".txt"]).map(|path| (Format::Lightgbm, path)));
    // A graph that cannot be loaded lacks a library; Python would need another one, and be slower.
    if flavours["python_function"].is_object() && (wanted.is_some() || flavours["onnx"].is_null()) {
        forms.push((Format::Pyfunc, DESCRIPTION));
    }
    forms.retain(|(format, _)| wanted.is_none_or(|wanted| wanted == *format));
    if forms.is_empty() {
        let known: Vec<&str> = flavours.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let asked = wanted.map_or_else(String::new, |wanted| format!(" as {}", wanted.as_str()));
        let message = format!("a model of the flavours {} cannot be served{asked}", known.join(", "));
        return Err(Error::new(ErrorCode::UnsupportedModel, message)
            .hint("log it with a flavour that has a Python function, or as ONNX with mlflow.onnx.log_model"));
    }
    let signature = Some(&described["signature"]).filter(|signature| signature.is_object()).cloned();
    let manifest = |(format, main): (Format, &str)| {
        let files = files.to_vec();
        Manifest { format, main: main.to_owned(), files, signature: signature.clone() }
    };
    Ok(forms.into_iter().map(manifest).collect())
}

#[cfg(test)]
mod tests {
    use flyball_core::Digest;

    use super::*;

    const SAMPLE: &str = "flavors:\n  python_function:\n    data: model.ubj\n    env:\n      conda: conda.yaml\n    loader_module: mlflow.xgboost\n  xgboost:\n    code: null\n    data: model.ubj\n    model_format: ubj\nsignature:\n  inputs: '[{\"type\": \"double\", \"name\": \"a\"}]'\n  outputs: null\n";

    fn files(names: &[&str]) -> Vec<PackageFile> {
        let file = |name: &&str| PackageFile { path: (*name).to_owned(), digest: Digest::of(name.as_bytes()), size: 1 };
        names.iter().map(file).collect()
    }

    #[test]
    fn the_fastest_form_comes_first_and_another_can_be_asked_for() {
        let described = read(SAMPLE).unwrap();
        let formats = |wanted| -> Vec<Format> {
            let manifests = manifests(&described, &files(&["MLmodel", "model.ubj"]), wanted).unwrap();
            manifests.iter().map(|manifest| manifest.format).collect()
        };
        assert_eq!(formats(None), [Format::Xgboost, Format::Pyfunc]);
        assert_eq!(formats(Some(Format::Pyfunc)), [Format::Pyfunc]);
        let signature = manifests(&described, &files(&["MLmodel"]), None).unwrap()[0].signature.clone().unwrap();
        assert!(signature["inputs"].as_str().unwrap().contains("double"));
        assert!(manifests(&described, &files(&["MLmodel"]), Some(Format::Onnx)).is_err());
    }

    #[test]
    fn what_is_no_plain_yaml_is_refused() {
        for text in ["a: &x 1", "a: !!python/object:os.system []", "a: [", "? [1]\n: 2", &"[".repeat(100), ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

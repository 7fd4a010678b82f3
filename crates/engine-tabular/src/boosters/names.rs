//! What a booster's features and classes are called.

use std::collections::HashSet;

use flyball_core::{Feature, FeatureKind, Signature, Task};
use serde_json::Value;

use super::{Booster, Levels};

/// The contract of a booster. The features are called as MLflow's signature calls them, else as the model does, else
/// f0, f1, ….
pub(super) fn signature(booster: &Booster, stored: Option<&Value>) -> Signature {
    let fits = |names: &Vec<String>| {
        names.len() == booster.features && names.iter().collect::<HashSet<_>>().len() == names.len()
    };
    let names = stored.and_then(columns).filter(fits);
    let names = names.or_else(|| Some(booster.names.clone()).filter(fits));
    let names = names.unwrap_or_else(|| (0..booster.features).map(|feature| format!("f{feature}")).collect());
    let kind = |feature: usize| match booster.levels.get(feature) {
        Some(Some(Levels::Texts(_))) => FeatureKind::Text,
        _ => FeatureKind::Number,
    };
    let features = names.into_iter().enumerate().map(|(at, name)| Feature { name, kind: kind(at) });
    Signature {
        task: if booster.classes > 0 { Task::Classification } else { Task::Regression },
        features: features.collect(),
        classes: (0..booster.classes).map(|class| class.to_string()).collect(),
    }
}

/// The names of the columns in MLflow's signature; `None` when it takes tensors or does not name all.
fn columns(signature: &Value) -> Option<Vec<String>> {
    let inputs = signature.get("inputs")?;
    let parsed: Value;
    let inputs = match inputs.as_str() {
        Some(text) => {
            parsed = serde_json::from_str(text).ok()?;
            &parsed
        }
        None => inputs,
    };
    let name = |input: &Value| {
        let named = input.get("name")?.as_str()?;
        (input.get("type")?.as_str()? != "tensor").then(|| named.to_owned())
    };
    inputs.as_array()?.iter().map(name).collect()
}

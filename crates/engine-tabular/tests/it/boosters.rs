//! Agreement with XGBoost and LightGBM on their own files.

use std::fs;
use std::path::Path;

use flyball_core::model::{ExplainRequest, Model};
use flyball_core::{FeatureKind, Format, Table, Task};
use serde::de::DeserializeOwned;

use crate::common::{agrees, python, table, try_booster};

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Option<T> {
    let bytes = fs::read(folder.join(name)).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn boosters_give_the_scores_of_their_libraries() {
    let folder = tempfile::tempdir().unwrap();
    python("python/boosters.py", &[folder.path()]);
    let mut places: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    places.sort();
    assert!(places.len() > 90, "{}", places.len());
    for place in places {
        let name = place.file_name().unwrap().to_string_lossy().into_owned();
        let format = if name.starts_with("xgb") { Format::Xgboost } else { Format::Lightgbm };
        let model = try_booster(format, &fs::read(place.join("model")).unwrap(), read(&place, "signature.json"));
        let model = model.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let rows = table(&read(&place, "rows.json").unwrap());
        let expected: Vec<Vec<f64>> = read(&place, "scores.json").unwrap();
        agrees(&name, model.as_ref(), &rows, &expected);
        if let Some(contributions) = read::<Vec<Vec<f64>>>(&place, "contributions.json") {
            explains(&name, model.as_ref(), &rows, &contributions);
        }
        let signature = model.signature();
        let classifies =
            ["binary", "classes", "softmax", "wrapper", "xgb_forest"].iter().any(|word| name.contains(word));
        if classifies && !name.contains("wrapper_1") {
            assert_eq!(signature.task, Task::Classification, "{name}");
            let classes: Vec<String> = (0..expected[0].len()).map(|class| class.to_string()).collect();
            assert_eq!(signature.classes, classes, "{name}");
        } else {
            assert_eq!((signature.task, signature.classes.len()), (Task::Regression, 0), "{name}");
        }
        let texts = signature.features.iter().filter(|feature| feature.kind == FeatureKind::Text).count();
        assert_eq!(texts, usize::from(name.contains("_categories")), "{name}");
    }
}

/// Compares Shapley values with those of the library, which come with the expected value at the end.
fn explains(name: &str, model: &dyn Model, rows: &Table, expected: &[Vec<f64>]) {
    let scale = expected.iter().flatten().fold(1.0, |largest: f64, amount| largest.max(amount.abs()));
    let found = model.explain(rows, &ExplainRequest::default()).unwrap().unwrap();
    for ((row, expected), amounts) in expected.iter().enumerate().zip(found.amounts.chunks_exact(found.features)) {
        for (ours, theirs) in amounts.iter().chain([&found.base]).zip(expected) {
            assert!((ours - theirs).abs() <= 1e-5 * scale, "{name}, row {row}: {ours} instead of {theirs}");
        }
    }
}

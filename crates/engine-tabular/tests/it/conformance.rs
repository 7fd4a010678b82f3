//! Agreement with ONNX Runtime, in both directions.

use std::fs;
use std::path::Path;

use flyball_core::model::Trainer;
use flyball_core::{Column, Task, TextColumn, Value};
use flyball_engine_tabular::{Gbdt, Linear};

use crate::common::{agrees, flight_features, flights, load, python, table, train};

/// The scores of the models in a folder by ONNX Runtime, compared with ours in batch and row by row.
fn agrees_in(folder: &Path) {
    python("python/conformance.py", &[Path::new("evaluate"), folder]);
    let mut models: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    models.retain(|path| path.extension().is_some_and(|e| e == "onnx"));
    models.sort();
    assert!(!models.is_empty());
    for path in models {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let expected: Vec<Vec<f64>> =
            serde_json::from_slice(&fs::read(path.with_extension("scores")).unwrap()).unwrap();
        let inputs = table(&serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap());
        let model = load(&fs::read(&path).unwrap());
        agrees(&name, model.as_ref(), &inputs, &expected);
    }
}

#[test]
fn converted_scikit_learn_models_give_the_scores_of_onnx_runtime() {
    let folder = tempfile::tempdir().unwrap();
    python("python/conformance.py", &[Path::new("convert"), folder.path()]);
    agrees_in(folder.path());
}

#[test]
fn our_exported_models_give_the_same_scores_in_onnx_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let rows = flights(3000, 1);
    let mut asked = flights(500, 2);
    // Every tenth carrier is one that training never saw.
    let carriers = asked.column("carrier").unwrap();
    let texts: Vec<_> =
        (0..500).map(|r| if r % 10 == 0 { Some("new".into()) } else { carriers.value(r).text() }).collect();
    let carriers = TextColumn::from_texts(texts.iter().map(Option::as_deref));
    asked = asked.select(&["wind", "distance", "hour"]).unwrap();
    asked.push("carrier", Column::Text(carriers)).unwrap();
    let columns: serde_json::Map<_, _> = flight_features()
        .into_iter()
        .map(|name| {
            let column = asked.column(&name).unwrap();
            let values: Vec<_> = (0..500).map(|row| column.value(row).json()).collect();
            (name, values.into())
        })
        .collect();
    let trainers: [(&dyn Trainer, &str); 2] = [(&Gbdt, "{}"), (&Linear, "{}")];
    for (trainer, with) in trainers {
        for task in [Task::Classification, Task::Regression] {
            let trained = train(trainer, &rows, task, with).unwrap();
            let name = format!("{}_{task:?}", trainer.name());
            fs::write(folder.path().join(format!("{name}.onnx")), trained.artifact).unwrap();
            fs::write(folder.path().join(format!("{name}.json")), serde_json::to_vec(&columns).unwrap()).unwrap();
        }
    }
    agrees_in(folder.path());
}

#[test]
fn rows_and_batches_agree_for_values_of_any_kind() {
    let rows = flights(800, 3);
    let trained = train(&Gbdt, &rows, Task::Classification, r#"{"trees": 20}"#).unwrap();
    let model = load(&trained.artifact);
    assert_eq!(model.signature(), &trained.signature);
    let texts = rows.select(&["wind", "distance", "hour", "carrier"]).unwrap();
    let batch = model.predict(&texts).unwrap();
    for row in 0..rows.rows() {
        let mut single = Vec::new();
        model.predict_row(&texts.row(row), &mut single).unwrap();
        assert_eq!(single, batch.row(row));
    }
    // A number where a category is expected is a category that nobody knows; text where a number is expected is wrong.
    let mut scores = Vec::new();
    model.predict_row(&[Value::Missing, Value::Float(1.0), Value::Int(1), Value::Int(3)], &mut scores).unwrap();
    assert_eq!(scores.len(), 2);
    let text = Value::Text("far".into());
    assert!(model.predict_row(&[text, Value::Float(1.0), Value::Int(1), Value::Missing], &mut scores).is_err());
    assert!(model.predict_row(&[Value::Missing], &mut scores).is_err());
}

//! Explanations add up, in log-odds for classifiers.

use flyball_core::model::{ExplainRequest, Method, Unit};
use flyball_core::{Column, Table, Task, TextColumn};
use flyball_engine_tabular::{Gbdt, Linear};

use crate::common::{flights, load, train};

#[test]
fn contributions_add_up_to_the_raw_score() {
    let rows = flights(1500, 4);
    let asked = rows.select(&["wind", "distance", "hour", "carrier"]).unwrap();
    for trainer in [&Gbdt as &dyn flyball_core::model::Trainer, &Linear] {
        for task in [Task::Classification, Task::Regression] {
            let model = load(&train(trainer, &rows, task, "{}").unwrap().artifact);
            let background = asked.take(&(0..40).collect::<Vec<_>>());
            let plain = ExplainRequest::default();
            for request in [plain, ExplainRequest { background: Some(&background), ..plain }] {
                let found = model.explain(&asked, &request).unwrap().unwrap();
                assert!(found.exact && found.errors.is_none() && found.features == 4);
                let unit = if task == Task::Classification { Unit::LogOdds } else { Unit::Target };
                assert_eq!(found.unit, unit);
                let predictions = model.predict(&asked).unwrap();
                let mut raw_sum = 0.0;
                for (row, amounts) in found.amounts.chunks_exact(4).enumerate() {
                    let total = found.base + amounts.iter().sum::<f64>();
                    let raw = match predictions.row(row) {
                        [value] => *value,
                        pair => (pair[1] / pair[0]).ln(),
                    };
                    assert!((total - raw).abs() < 1e-3, "{} {task:?}: {total} instead of {raw}", trainer.name());
                    raw_sum += raw;
                }
                // Covers and means count the training rows: the base is the mean raw score over them. (The texts of
                // training rows are encoded in order by gbdt, hence its slack.)
                let mean = raw_sum / rows.rows() as f64;
                if request.background.is_none() {
                    assert!((found.base - mean).abs() < 0.3, "{} {task:?}: {}, {mean}", trainer.name(), found.base);
                }
            }
            if task == Task::Classification {
                let negative = model.explain(&asked, &ExplainRequest { class: Some(0), ..plain }).unwrap().unwrap();
                let positive = model.explain(&asked, &ExplainRequest { class: Some(1), ..plain }).unwrap().unwrap();
                assert_eq!(negative.base, -positive.base);
                assert!(negative.amounts.iter().zip(&positive.amounts).all(|(a, b)| *a == -b));
            }
            let refused = model.explain(&asked, &ExplainRequest { class: Some(2), ..plain }).unwrap_err();
            assert!(refused.next_step().is_some(), "{refused}");
        }
    }
}

#[test]
fn interactions_sum_to_the_amounts() {
    let rows = flights(300, 4);
    let asked = rows.select(&["wind", "distance", "hour", "carrier"]).unwrap();
    for trainer in [&Gbdt as &dyn flyball_core::model::Trainer, &Linear] {
        let model = load(&train(trainer, &rows, Task::Regression, "{}").unwrap().artifact);
        let request = ExplainRequest { interactions: true, ..ExplainRequest::default() };
        let found = model.explain(&asked, &request).unwrap().unwrap();
        let matrices = found.interactions.unwrap();
        for (line, amount) in matrices.chunks_exact(4).zip(&found.amounts) {
            assert!((line.iter().sum::<f64>() - amount).abs() < 1e-9);
        }
    }
}

#[test]
fn the_feature_that_decides_gets_the_largest_amount() {
    let rows = flights(3000, 4);
    let model = load(&train(&Gbdt, &rows, Task::Regression, "{}").unwrap().artifact);
    let windy = Table::new(vec![
        ("wind".into(), Column::Float(vec![30.0])),
        ("distance".into(), Column::Float(vec![1350.0])),
        ("hour".into(), Column::Int(vec![12])),
        ("carrier".into(), Column::Text(TextColumn::from_texts([Some("AA")]))),
    ])
    .unwrap();
    let found = model.explain(&windy, &ExplainRequest::default()).unwrap().unwrap();
    assert_eq!(found.method, Method::Tree);
    let largest = (0..4).max_by(|&a, &b| found.amounts[a].abs().total_cmp(&found.amounts[b].abs())).unwrap();
    assert_eq!(model.signature().features[largest].name, "wind");
    assert!(found.amounts[largest] > 10.0, "{found:?}");
}

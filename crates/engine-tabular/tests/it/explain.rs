//! Explanations add up, in log-odds for classifiers.

use flyball_core::{Task, Value};
use flyball_engine_tabular::{Gbdt, Linear};

use crate::common::{flights, load, train};

#[test]
fn contributions_add_up_to_the_raw_score() {
    let rows = flights(1500, 4);
    let asked = rows.select(&["wind", "distance", "hour", "carrier"]).unwrap();
    for trainer in [&Gbdt as &dyn flyball_core::model::Trainer, &Linear] {
        for task in [Task::Classification, Task::Regression] {
            let model = load(&train(trainer, &rows, task, "{}").unwrap().artifact);
            let mut raw_sum = 0.0;
            let mut expected_value = 0.0;
            for row in 0..rows.rows() {
                let values = asked.row(row);
                let (expected, contributions) = model.explain_row(&values).unwrap().unwrap();
                let total = expected + contributions.iter().map(|c| c.amount).sum::<f64>();
                let mut scores = Vec::new();
                model.predict_row(&values, &mut scores).unwrap();
                let raw = match scores.as_slice() {
                    [value] => *value,
                    pair => (pair[1] / pair[0]).ln(),
                };
                assert!((total - raw).abs() < 1e-3, "{} {task:?}: {total} instead of {raw}", trainer.name());
                assert_eq!(contributions[3].value, values[3].text());
                raw_sum += raw;
                expected_value = expected;
            }
            // Covers and means count the training rows: the expected value is the mean raw score over them. (The texts of
            // training rows are encoded in order by gbdt, hence its slack.)
            let mean = raw_sum / rows.rows() as f64;
            assert!((expected_value - mean).abs() < 0.3, "{} {task:?}: {expected_value}, {mean}", trainer.name());
        }
    }
}

#[test]
fn the_feature_that_decides_gets_the_largest_amount() {
    let rows = flights(3000, 4);
    let model = load(&train(&Gbdt, &rows, Task::Regression, "{}").unwrap().artifact);
    let windy = [Value::Float(30.0), Value::Float(1350.0), Value::Int(12), Value::Text("AA".into())];
    let (_, contributions) = model.explain_row(&windy).unwrap().unwrap();
    let largest = contributions.iter().max_by(|a, b| a.amount.abs().total_cmp(&b.amount.abs())).unwrap();
    assert_eq!(largest.feature, "wind");
    assert!(largest.amount > 10.0, "{contributions:?}");
}

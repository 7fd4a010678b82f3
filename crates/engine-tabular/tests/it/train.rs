//! What the trainers promise.

use flyball_core::model::{TrainRequest, Trainer};
use flyball_core::{Column, ErrorCode, Table, Task};
use flyball_engine_tabular::{Gbdt, Linear, trainers};

use crate::common::{flight_features, flights, load, train};

#[test]
fn the_same_request_gives_the_same_bytes_on_any_number_of_threads() {
    let rows = flights(6000, 9);
    for trainer in trainers() {
        let with =
            if trainer.name() == "gbdt" { r#"{"trees": 30, "subsample": 0.7, "column_sample": 0.7}"# } else { "{}" };
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| train(trainer.as_ref(), &rows, Task::Classification, with).unwrap().artifact)
        };
        let one = on(1);
        assert!(one == on(1) && one == on(4), "{}", trainer.name());
    }
}

#[test]
fn early_stopping_keeps_the_best_trees_and_the_curve() {
    let (rows, validation) = (flights(1500, 1), flights(1000, 2));
    let parameters = serde_json::from_str(r#"{"trees": 400, "early_stopping": 10}"#).unwrap();
    let request = TrainRequest {
        task: Task::Classification,
        rows: &rows,
        label: "late",
        features: &flight_features(),
        weights: None,
        validation: Some(&validation),
        parameters: &parameters,
        seed: 1,
    };
    let trained = Gbdt.train(&request).unwrap();
    let (metric, curve) = trained.curve.unwrap();
    assert_eq!(metric, "log_loss");
    let best = curve.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(curve.len() < 400 && *curve.last().unwrap() > best);
    // The model scores the validation rows as well as its best iteration did.
    let scores = load(&trained.artifact).predict(&validation).unwrap().headline();
    let late = validation.column("late").unwrap().numbers();
    let loss = |(p, y): (&f64, &f64)| -(y * p.ln() + (1.0 - y) * (1.0 - p).ln());
    let mean = scores.iter().zip(&late).map(loss).sum::<f64>() / late.len() as f64;
    assert!((mean - best).abs() < 1e-5, "{mean}, {best}");
}

#[test]
fn rows_count_by_their_weights() {
    let rows = flights(2000, 3);
    let late = rows.column("late").unwrap().numbers();
    // Late flights count three times: the mean probability follows.
    let weights: Vec<f64> = late.iter().map(|late| 1.0 + 2.0 * late).collect();
    let positive: f64 = late.iter().sum();
    let share = 3.0 * positive / (3.0 * positive + (late.len() as f64 - positive));
    let parameters = serde_json::Map::new();
    let features = flight_features();
    let mut request = TrainRequest {
        task: Task::Classification,
        rows: &rows,
        label: "late",
        features: &features,
        weights: Some(&weights),
        validation: None,
        parameters: &parameters,
        seed: 1,
    };
    for trainer in trainers() {
        let trained = trainer.train(&request).unwrap();
        let scores = load(&trained.artifact).predict(&rows).unwrap().headline();
        let weighted: f64 = scores.iter().zip(&weights).map(|(score, weight)| score * weight).sum();
        let mean = weighted / weights.iter().sum::<f64>();
        assert!((mean - share).abs() < 0.03, "{}: {mean}, {share}", trainer.name());
    }
    let wrong = [vec![1.0], vec![-1.0; 2000], vec![f64::NAN; 2000], vec![0.0; 2000]];
    for weights in &wrong {
        request.weights = Some(weights);
        for trainer in trainers() {
            assert_eq!(trainer.train(&request).unwrap_err().code(), ErrorCode::InvalidData);
        }
    }
}

#[test]
fn importance_ranks_the_features_and_parameters_are_complete() {
    for trainer in trainers() {
        let trained = train(trainer.as_ref(), &flights(2000, 1), Task::Regression, "{}").unwrap();
        let (name, share) = &trained.importance[0];
        assert!(name == "wind" && *share < 1.0, "{:?}", trained.importance);
        assert!((trained.importance.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(trained.parameters.contains_key("l2"));
    }
}

#[test]
fn requests_that_cannot_be_learned_from_are_refused() {
    let rows = flights(50, 1);
    let code = |rows: &Table, with: &str| train(&Gbdt, rows, Task::Classification, with).err().map(|e| e.code());
    assert_eq!(code(&rows.take(&[]), "{}"), Some(ErrorCode::EmptyWindow));
    assert_eq!(code(&rows, r#"{"leafs": 3}"#), Some(ErrorCode::InvalidLoopFile));
    let late: Vec<usize> = (0..50).filter(|&r| rows.column("late").unwrap().number(r) == 1.0).collect();
    assert_eq!(code(&rows.take(&late), "{}"), Some(ErrorCode::ClassVanished));
    assert_eq!(code(&rows.select(&["wind", "late"]).unwrap(), "{}"), Some(ErrorCode::InvalidData));
    assert_eq!(
        train(&Linear, &rows, Task::Classification, r#"{"l3": 1}"#).err().unwrap().code(),
        ErrorCode::InvalidLoopFile
    );
}

#[test]
fn features_may_be_called_like_outputs_and_hold_one_value_or_none() {
    let rows = flights(200, 1);
    let mut odd = Table::default();
    odd.push("label", rows.column("wind").unwrap().clone()).unwrap();
    odd.push("probabilities", rows.column("carrier").unwrap().clone()).unwrap();
    odd.push("concat", Column::Float(vec![f64::NAN; 200])).unwrap();
    odd.push("one", Column::Int(vec![1; 200])).unwrap();
    odd.push("late", rows.column("late").unwrap().clone()).unwrap();
    let features = ["label", "probabilities", "concat", "one"].map(String::from);
    for trainer in trainers() {
        let request = TrainRequest {
            task: Task::Classification,
            rows: &odd,
            label: "late",
            features: &features,
            weights: None,
            validation: None,
            parameters: &serde_json::Map::new(),
            seed: 0,
        };
        let model = load(&trainer.train(&request).unwrap().artifact);
        let predictions = model.predict(&odd).unwrap();
        assert!(predictions.scores.iter().all(|p| (0.0..=1.0).contains(p)), "{}", trainer.name());
    }
}

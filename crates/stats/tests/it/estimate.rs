use flyball_core::rng::Rng;
use flyball_stats::classification::{Confusion, roc_auc};
use flyball_stats::estimate::{Cbpe, CbpeSettings, Dle, DleMetric, Estimate};

/// Rows whose score is a calibrated probability, or that to a power that makes it none; and what comes of them.
fn rows(seed: u64, count: usize, power: f64, shift: f64) -> (Vec<bool>, Vec<f64>, Vec<bool>) {
    let mut rng = Rng::seeded(seed);
    let mut drawn = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let logit = (0..4).map(|_| rng.unit() - 0.5).sum::<f64>() * 3.0 + shift;
        let probability = 1.0 / (1.0 + (-logit).exp());
        let score = 1.0 / (1.0 + (-logit * power).exp());
        drawn.0.push(rng.unit() < probability);
        drawn.1.push(score);
        drawn.2.push(score >= 0.5);
    }
    drawn
}

fn fit(y: &[bool], scores: &[f64], predicted: &[bool]) -> Option<Cbpe> {
    let mut rng = Rng::seeded(1);
    Cbpe::fit(y, scores, predicted, CbpeSettings::default(), |n| rng.below(n))
}

fn of<'a>(estimates: &'a [Estimate], metric: &str) -> Option<&'a Estimate> {
    estimates.iter().find(|estimate| estimate.metric == metric)
}

#[test]
fn estimates_follow_a_shift_of_the_inputs_to_where_the_truth_goes() {
    for power in [1.0, 3.0] {
        let (y, scores, predicted) = rows(1, 20_000, power, 0.0);
        let fitted = fit(&y, &scores, &predicted).unwrap();
        // Overconfident scores are calibrated.
        assert!(fitted.calibrator.is_some() || power == 1.0, "{:?}", fitted.calibration);
        let (truth, scores, predicted) = rows(2, 20_000, power, 1.0);
        let estimates = fitted.estimate(&scores, &predicted);
        let cells = Confusion::from_labels(&truth, &predicted, None).unwrap();
        let realized = [
            ("roc_auc", roc_auc(&truth, &scores).unwrap()),
            ("accuracy", cells.accuracy().unwrap()),
            ("precision", cells.precision().unwrap()),
            ("recall", cells.recall().unwrap()),
            ("f1", cells.f1().unwrap()),
        ];
        for (metric, realized) in realized {
            let estimate = of(&estimates, metric).unwrap();
            assert!((estimate.value - realized).abs() < 0.02, "{metric}: {} and {realized}", estimate.value);
        }
        assert_eq!(of(&estimates, "f1").unwrap().is_outside(), Some(true));
    }
}

#[test]
fn intervals_hold_the_truth_and_narrow_with_the_window() {
    let (y, scores, predicted) = rows(3, 20_000, 1.0, 0.0);
    let fitted = fit(&y, &scores, &predicted).unwrap();
    let mut held = 0;
    for seed in 100..200 {
        let (truth, scores, predicted) = rows(seed, 300, 1.0, 0.0);
        let estimates = fitted.estimate(&scores, &predicted);
        let interval = of(&estimates, "accuracy").unwrap().interval.unwrap();
        let realized = Confusion::from_labels(&truth, &predicted, None).unwrap().accuracy().unwrap();
        held += usize::from((interval.low..=interval.high).contains(&realized));
    }
    assert!(held >= 98, "{held} of 100");
    let error = |rows: usize| {
        let estimates = fitted.estimate(&scores[..rows], &predicted[..rows]);
        of(&estimates, "roc_auc").unwrap().sampling_error.unwrap()
    };
    assert!((error(100) / error(10_000) - 10.0).abs() < 1e-9);
}

#[test]
fn what_cannot_be_known_is_absent_and_not_zero() {
    assert_eq!(fit(&[], &[], &[]), None);
    assert_eq!(fit(&[true], &[0.5], &[]), None);
    assert_eq!(fit(&[true, false], &[0.5, f64::NAN], &[true, false]), None);
    assert_eq!(fit(&[true, false], &[0.5, 1.5], &[true, false]), None);
    let (y, scores, predicted) = rows(4, 500, 1.0, 0.0);
    let fitted = fit(&y, &scores, &predicted).unwrap();
    assert_eq!(fitted.estimate(&[], &[]), []);
    assert_eq!(fitted.estimate(&[f64::NAN], &[true]), []);
    // Nothing selected: precision has no denominator; recall is 0 of something.
    let estimates = fitted.estimate(&[0.1, 0.2], &[false, false]);
    assert!(of(&estimates, "precision").is_none());
    assert_eq!(of(&estimates, "recall").unwrap().value, 0.0);
    // One class in the reference: no sampling error and no limits for the area, but an estimate.
    let single = fit(&[true; 30], &[0.7; 30], &[true; 30]).unwrap();
    let estimates = single.estimate(&[0.7, 0.4], &[true, false]);
    let area = of(&estimates, "roc_auc").unwrap();
    assert_eq!((area.sampling_error, area.interval, area.limits, area.is_outside()), (None, None, None, None));
}

#[test]
fn a_window_of_one_row_has_wide_intervals_within_the_range() {
    let (y, scores, predicted) = rows(5, 2_000, 1.0, 0.0);
    let fitted = fit(&y, &scores, &predicted).unwrap();
    for estimate in fitted.estimate(&[0.8], &[true]) {
        let Some(interval) = estimate.interval else { continue };
        assert!(interval.low <= estimate.value && estimate.value <= interval.high, "{estimate:?}");
        assert!(interval.low >= 0.0, "{estimate:?}");
    }
}

/// A regression whose error grows with its first column.
fn regression(seed: u64, count: usize, shift: f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut rng = Rng::seeded(seed);
    let mut drawn = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let spread = (rng.unit() + shift).max(0.0);
        let predicted = 20.0 + 10.0 * rng.unit();
        drawn.0.push(spread);
        drawn.1.push(predicted + spread * 6.0 * (rng.unit() - 0.5));
        drawn.2.push(predicted);
    }
    drawn
}

#[test]
fn the_error_of_a_regression_is_foretold_where_the_inputs_shift() {
    let (column, y, predicted) = regression(11, 6_000, 0.0);
    let fitted = Dle::fit(&[&column], &y, &predicted, None).unwrap();
    assert_eq!(fitted.metrics.len(), DleMetric::ALL.len());
    for learnt in &fitted.metrics {
        assert!(learnt.bias.unwrap().abs() < 0.1, "{:?}: {:?}", learnt.metric, learnt.bias);
    }
    let (column, y, predicted) = regression(12, 3_000, -0.5);
    let estimates = fitted.estimate(&[&column], &predicted);
    for (metric, estimate) in DleMetric::ALL.into_iter().zip(&estimates) {
        let errors: Vec<f64> = y.iter().zip(&predicted).map(|(&y, &p)| metric.row_error(y, p).unwrap()).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let root = matches!(metric, DleMetric::Rmse | DleMetric::Rmsle);
        let realized = if root { mean.sqrt() } else { mean };
        assert!(
            (estimate.value / realized - 1.0).abs() < 0.15,
            "{}: {} and {realized}",
            estimate.metric,
            estimate.value
        );
        assert_eq!(estimate.is_outside(), Some(true), "{}", estimate.metric);
    }
}

#[test]
fn sampling_errors_of_a_regression_are_those_of_the_mean_and_of_its_root() {
    // Absolute errors 1 and 3: mean 2, deviation 1; squares 1 and 9: mean 5, deviation 4.
    let y: Vec<f64> = (0..100).map(|row| if row % 2 == 0 { 11.0 } else { 7.0 }).collect();
    let predicted = vec![10.0; 100];
    let fitted = Dle::fit(&[], &y, &predicted, Some(10)).unwrap();
    let estimates = fitted.estimate(&[], &predicted[..25]);
    let error = |metric| of(&estimates, metric).unwrap().sampling_error.unwrap();
    assert!((error("mae") - 0.2).abs() < 1e-12 && (error("mse") - 0.8).abs() < 1e-12);
    assert!((error("rmse") - (16.0 / (4.0 * 25.0 * 5.0_f64)).sqrt()).abs() < 1e-12);
    let mae = of(&estimates, "mae").unwrap();
    assert!((mae.value - 2.0).abs() < 1e-9 && mae.limits.unwrap().low == 2.0, "{mae:?}");
}

#[test]
fn a_regression_without_rows_or_outside_a_domain_is_undefined() {
    assert_eq!(Dle::fit(&[], &[], &[], None), None);
    assert_eq!(Dle::fit(&[], &[1.0], &[], None), None);
    assert_eq!(Dle::fit(&[], &[f64::NAN], &[1.0], None), None);
    let fitted = Dle::fit(&[], &[-1.0, 2.0, 3.0], &[1.0, 2.0, 4.0], None).unwrap();
    let names: Vec<&str> = fitted.metrics.iter().map(|learnt| learnt.metric.name()).collect();
    assert_eq!(names, ["mae", "mape", "mse", "rmse"]);
    assert_eq!(fitted.estimate(&[], &[]), []);
    assert_eq!(fitted.estimate(&[], &[f64::NAN]), []);
    assert_eq!(fitted.estimate(&[&[1.0, 2.0]], &[1.0]), []);
}

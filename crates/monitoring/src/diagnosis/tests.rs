use std::collections::BTreeMap;

use flyball_core::Timestamp;
use flyball_evaluation::expression::{Condition, Scope};

use super::*;
use crate::attributions::{AttributionChange, ChangedShare};
use crate::domain::ToldApart;
use crate::quality::ColumnQuality;

fn metric(value: f64) -> Measure {
    Measure { value, low: Some(value - 0.01), high: Some(value + 0.01), rows: 1000 }
}

/// A window in which nothing is wrong.
fn sound() -> WindowReport {
    let metrics = |auc, base| BTreeMap::from([("auc".to_owned(), metric(auc)), ("base_rate".to_owned(), metric(base))]);
    let calm = |name: &str| ColumnDrift {
        column: name.to_owned(),
        p_value: Some(0.5),
        adjusted_p: Some(0.5),
        effect: 0.01,
        effect_name: "D".to_owned(),
        alarm: false,
        quantiles: None,
        levels: Vec::new(),
        statistics: BTreeMap::new(),
    };
    let quality = ["temperature", "wind", "rain"].map(|name| (name.to_owned(), ColumnQuality::default()));
    WindowReport {
        rows: 1000,
        labelled: 1000,
        versions: BTreeMap::from([("loop/1".to_owned(), 1000)]),
        columns: vec![calm("temperature"), calm(PREDICTION)],
        quality: BTreeMap::from(quality),
        performance: metrics(0.75, 0.2),
        note: None,
        ..WindowReport::silent((Timestamp(0), Timestamp(1)), metrics(0.75, 0.2))
    }
}

fn kinds(window: &WindowReport, before: &[WindowReport]) -> Vec<CauseKind> {
    diagnose(window, before).iter().map(|cause| cause.kind).collect()
}

/// A window whose temperature drifted to this mean and standard deviation; it was 70 with 15 before.
fn drifted(mut window: WindowReport, mean: f64, deviation: f64) -> WindowReport {
    window.drift = true;
    window.columns[0].alarm = true;
    window.columns[0].effect = 0.9;
    let statistics = [("mean_before", 70.0), ("deviation_before", 15.0), ("mean", mean), ("deviation", deviation)];
    window.columns[0].statistics = statistics.map(|(name, value)| (name.to_owned(), value)).into();
    window
}

#[test]
fn nothing_is_diagnosed_where_nothing_is_wrong() {
    assert!(kinds(&sound(), &[sound(), sound(), sound()]).is_empty());
    assert!(kinds(&sound(), &[]).is_empty());
    let silent = WindowReport::silent((Timestamp(0), Timestamp(1)), BTreeMap::new());
    assert!(kinds(&silent, &[]).is_empty(), "an endpoint that was never asked has no gap");
}

#[test]
fn faults_of_the_data_stand_before_shifts() {
    let mut gap = drifted(sound(), 70.0, 15.0);
    gap.quality.insert("temperature".into(), ColumnQuality { missing: 0.4, ..ColumnQuality::default() });
    gap.columns[0].column = "temperature missing".into();
    let causes = diagnose(&gap, &[]);
    assert_eq!(causes.len(), 1, "the drift of the gap is not told twice: {causes:?}");
    assert_eq!((causes[0].kind, causes[0].suggestion.as_str()), (CauseKind::MissingFeature, "quarantine"));
    assert!(causes[0].evidence.contains("40 % of temperature is missing"));

    let celsius = drifted(sound(), 21.1, 8.3);
    assert_eq!(kinds(&celsius, &[]), [CauseKind::UnitChange]);
    let mut slight = celsius.clone();
    slight.columns[0].effect = 0.5;
    assert_eq!(kinds(&slight, &[]), [CauseKind::CovariateShift], "another unit moves more than that");
    assert_eq!(kinds(&drifted(sound(), 80.0, 15.0), &[]), [CauseKind::CovariateShift]);

    for name in ["temperature", "wind", "rain"] {
        gap.quality.insert(name.into(), ColumnQuality { missing: 0.9, ..ColumnQuality::default() });
    }
    assert_eq!(kinds(&gap, &[])[0], CauseKind::UpstreamGap);
    let quiet = WindowReport { rows: 20, labelled: 20, ..sound() };
    assert_eq!(kinds(&quiet, &[sound(), sound(), sound()]), [CauseKind::UpstreamGap]);
    assert!(kinds(&quiet, &[sound(), sound()]).is_empty(), "two windows do not tell what is usual");
}

#[test]
fn performance_tells_concept_label_and_challenger_apart() {
    let mut worse = sound();
    worse.performance.insert("auc".into(), metric(0.6));
    assert_eq!(kinds(&worse, &[sound()]), [CauseKind::ConceptShift]);

    let mut new = worse.clone();
    new.versions = BTreeMap::from([("loop/1".to_owned(), 10), ("loop/2".to_owned(), 990)]);
    assert_eq!(kinds(&new, &[sound()]), [CauseKind::BadChallenger]);
    assert_eq!(kinds(&new, &[new.clone(), sound()]), [CauseKind::BadChallenger], "it stays one until it is gone");
    assert_eq!(kinds(&new, &[]), [CauseKind::ConceptShift], "nothing is known of a version before");

    let mut label = sound();
    label.performance.insert("base_rate".into(), metric(0.4));
    assert_eq!(kinds(&label, &[]), [CauseKind::LabelShift]);
    label.performance.insert("base_rate".into(), metric(0.23));
    assert!(kinds(&label, &[]).is_empty(), "too small to matter");
}

#[test]
fn failures_unknown_categories_and_late_labels_are_told() {
    let failing = WindowReport { errors: 40, ..sound() };
    assert_eq!(kinds(&failing, &[]), [CauseKind::FailingModel]);
    assert!(kinds(&WindowReport { errors: 4, ..sound() }, &[]).is_empty(), "an accident");
    let late = WindowReport { labelled: 300, ..sound() };
    assert_eq!(kinds(&late, &[sound(), sound(), sound()]), [CauseKind::LateLabels]);
    let mut unseen = sound();
    unseen.quality.insert("origin".into(), ColumnQuality { unseen: Some(0.3), ..ColumnQuality::default() });
    assert_eq!(kinds(&unseen, &[]), [CauseKind::NewCategories]);
}

#[test]
fn conditions_may_name_what_was_diagnosed() {
    let mut gap = sound();
    gap.quality.insert("wind".into(), ColumnQuality { missing: 0.4, ..ColumnQuality::default() });
    let holds = |window: &WindowReport, text: &str| {
        let condition = Condition::parse(text, Scope::Remedy, flyball_core::Task::Classification).unwrap();
        let window = &WindowReport { causes: diagnose(window, &[]), ..window.clone() };
        condition.evaluate(&Diagnosed { window }).holds
    };
    for (text, expected) in [
        ("data_fault", Some(true)),
        ("data_fault and missing(wind) > 20%", Some(true)),
        ("concept_shift or covariate_shift", Some(false)),
        ("missing(nobody) > 20%", None),
        ("unseen(wind) > 1%", None),
        ("labels >= 100% and rows == 1000", Some(true)),
        ("estimated.auc < 0.5", None),
    ] {
        assert_eq!(holds(&gap, text), expected, "{text}");
    }
    let silent = WindowReport::silent((Timestamp(0), Timestamp(1)), BTreeMap::new());
    assert_eq!(holds(&silent, "data_fault"), None);
    assert_eq!(holds(&silent, "label_shift"), None);
}

#[test]
fn what_matters_to_the_model_comes_first() {
    let column =
        |name: &str, effect: f64| ColumnDrift { column: name.into(), effect, alarm: true, ..ColumnDrift::default() };
    let mut window = sound();
    window.columns = vec![column("wind", 0.2), column("rain missing", 0.3), column("temperature", 0.4)];
    let order = |window: &WindowReport| -> Vec<String> {
        diagnose(window, &[]).into_iter().filter_map(|cause| cause.column).collect()
    };
    assert_eq!(order(&window), ["temperature", "rain missing", "wind"]);
    let share = |feature: &str, before: f64, after: f64| ChangedShare {
        feature: feature.into(),
        before,
        after,
        low: 0.01,
        high: 0.3,
    };
    let changed = vec![share("wind", 0.12, 0.31), share("rain", 0.3, 0.35), share("site", 0.4, 0.3)];
    window.attributions = Some(AttributionChange { ndcg: 0.95, jensen_shannon: 0.1, rows: 200, changed });
    assert_eq!(order(&window), ["rain missing", "wind", "temperature"]);
    let causes = diagnose(&window, &[]);
    assert!(causes[1].evidence.ends_with("its part in the answers was 12 % and is 31 %"), "{causes:?}");
    assert!(!causes[2].evidence.contains("part in the answers"), "{causes:?}");
}

#[test]
fn features_that_only_changed_together_are_named_when_it_is_beyond_doubt() {
    let told = |auc: f64, p_value: f64| ToldApart {
        auc,
        low: auc - 0.02,
        high: auc + 0.02,
        p_value,
        rows: 1000,
        features: vec![("wind".into(), 0.6), ("rain".into(), 0.4)],
    };
    let mut worse = sound();
    worse.performance.insert("auc".into(), metric(0.6));
    let with = |told: ToldApart| WindowReport { told_apart: Some(told), ..worse.clone() };
    assert_eq!(kinds(&with(told(0.8, 1e-9)), &[]), [CauseKind::CovariateShift], "the features explain the loss");
    assert!(diagnose(&with(told(0.8, 1e-9)), &[])[0].evidence.contains("wind, rain tell the rows"));
    assert_eq!(kinds(&with(told(0.8, 0.02)), &[]), [CauseKind::ConceptShift]);
    assert_eq!(kinds(&with(told(0.55, 1e-9)), &[]), [CauseKind::ConceptShift]);
}

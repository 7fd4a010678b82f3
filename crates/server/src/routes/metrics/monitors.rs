//! What monitors measured, for Prometheus: the newest judged window of every loop, and the alerts that fire.
//!
//! The names are meant to stay. Every series has the labels of its family, empty where there is nothing to say, so that
//! queries can rely on them; how many series a loop may have is limited, because whoever stores them pays for each.

use flyball_core::{Permit, Read, Result};
use flyball_monitoring::WindowReport;
use flyball_monitoring::alert::{AlertKind, Severity, store as alerts};
use flyball_monitoring::drift::ColumnDrift;
use flyball_monitoring::store::{self, Latest};
use flyball_store::Tx;

use super::text::{GAUGE, Page, labels};

/// Most features of a loop that are told, those that drifted most first: a thousand series a loop are what a usual
/// Prometheus takes without being asked.
const FEATURES: usize = 200;
/// Most metrics, segments and groups of a loop that are told.
const MEASURES: usize = 200;
/// What drift is measured against.
const BASELINE: &str = "training";

/// What is told of all loops.
pub(super) struct Monitors {
    newest: Vec<Latest>,
    firing: Vec<(String, AlertKind, Severity, i64)>,
}

impl Monitors {
    /// Reads it.
    pub(super) fn read(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Self> {
        Ok(Self { newest: store::newest_of_each(tx, permit)?, firing: alerts::firing(tx, permit)? })
    }
}

/// The version that answered most of a window, as `model` and `version`.
fn main_version(one: &Latest) -> (&str, &str) {
    let most = one.report.versions.iter().max_by_key(|(_, rows)| **rows);
    most.and_then(|(version, _)| version.rsplit_once('/')).unwrap_or((&one.loop_name, ""))
}

/// The name of a statistic, as others call it.
fn method(column: &ColumnDrift) -> &str {
    match column.effect_name.as_str() {
        "D" => "kolmogorov_smirnov",
        "TV" => "total_variation",
        "V" => "cramers_v",
        other => other,
    }
}

/// The columns that are told, and how many are not.
fn told(report: &WindowReport) -> (Vec<&ColumnDrift>, usize) {
    let mut columns: Vec<&ColumnDrift> = report.columns.iter().collect();
    columns.sort_by(|a, b| b.effect.total_cmp(&a.effect).then_with(|| a.column.cmp(&b.column)));
    let left_out = columns.len().saturating_sub(FEATURES);
    columns.truncate(FEATURES);
    (columns, left_out)
}

/// All families.
pub(super) fn render(page: &mut Page, monitors: &Monitors) {
    drift(page, &monitors.newest);
    quality(page, &monitors.newest);
    performance(page, &monitors.newest);
    fairness(page, &monitors.newest);
    standing(page, monitors);
}

fn drift(page: &mut Page, newest: &[Latest]) {
    let each = |page: &mut Page, name: &str, value: fn(&ColumnDrift) -> Option<f64>| {
        for one in newest {
            let (model, version) = main_version(one);
            for column in told(&one.report).0 {
                let (feature, method) = (column.column.as_str(), method(column));
                let pairs = [
                    ("model", model),
                    ("version", version),
                    ("feature", feature),
                    ("method", method),
                    ("baseline", BASELINE),
                    ("slice", ""),
                ];
                page.measured(name, &labels(&pairs), value(column));
            }
        }
    };
    let score = "ml_feature_drift_score";
    page.family(score, GAUGE, "How far a feature is from the reference in the newest window, 0 to 1.");
    each(page, score, |column| Some(column.effect));
    let p_value = "ml_feature_drift_pvalue";
    page.family(p_value, GAUGE, "The p-value of no drift, adjusted over all features.");
    each(page, p_value, |column| column.adjusted_p);
    let alarm = "ml_feature_drift_alarm";
    page.family(alarm, GAUGE, "Whether a feature drifted significantly and by enough to matter.");
    each(page, alarm, |column| Some(f64::from(u8::from(column.alarm))));
    let left_out = "flyball_metrics_features_omitted";
    page.family(left_out, GAUGE, "Features that are not told here because there are too many.");
    for one in newest {
        let omitted = told(&one.report).1 + one.report.quality.len().saturating_sub(FEATURES);
        page.measured(left_out, &labels(&[("loop", &one.loop_name)]), Some(omitted as f64));
    }
}

fn quality(page: &mut Page, newest: &[Latest]) {
    let missing = "ml_feature_missing_ratio";
    page.family(missing, GAUGE, "The share of a feature's values that are missing in the newest window.");
    for one in newest {
        let (model, version) = main_version(one);
        let mut features: Vec<_> = one.report.quality.iter().collect();
        features.sort_by(|a, b| b.1.missing.total_cmp(&a.1.missing).then_with(|| a.0.cmp(b.0)));
        for (feature, quality) in features.into_iter().take(FEATURES) {
            let pairs = [("model", model), ("version", version), ("feature", feature)];
            page.measured(missing, &labels(&pairs), Some(quality.missing));
        }
    }
}

fn performance(page: &mut Page, newest: &[Latest]) {
    let name = "ml_model_metric";
    page.family(
        name,
        GAUGE,
        "A metric of the newest window (realized, or estimated before labels come), or of held-out rows (reference).",
    );
    for one in newest {
        let (model, version) = main_version(one);
        let report = &one.report;
        let whole = [
            ("", "realized", &report.performance),
            ("", "estimated", &report.estimated),
            ("", "reference", &report.reference),
        ];
        let segments = one.report.segments.iter().map(|part| (part.name.as_str(), "realized", &part.performance));
        let all = whole.into_iter().chain(segments);
        let values =
            all.flat_map(|(slice, kind, metrics)| metrics.iter().map(move |(metric, m)| (slice, kind, metric, m)));
        for (slice, kind, metric, measure) in values.take(MEASURES) {
            let pairs =
                [("model", model), ("version", version), ("metric", metric.as_str()), ("slice", slice), ("kind", kind)];
            page.measured(name, &labels(&pairs), Some(measure.value));
        }
    }
    let coverage = "ml_label_coverage_ratio";
    page.family(coverage, GAUGE, "The share of the newest window's predictions whose ground truth is known.");
    for one in newest {
        let (model, version) = main_version(one);
        let share = (one.report.rows > 0).then(|| one.report.labelled as f64 / one.report.rows as f64);
        page.measured(coverage, &labels(&[("model", model), ("version", version)]), share);
    }
}

fn fairness(page: &mut Page, newest: &[Latest]) {
    let name = "ml_fairness_metric";
    page.family(name, GAUGE, "A measure of how alike the groups of an attribute are treated, in the newest window.");
    for one in newest {
        let (model, version) = main_version(one);
        let attributes = one.report.fairness.iter().flat_map(|report| &report.attributes);
        let values = attributes
            .flat_map(|one| one.measures.iter().map(|(metric, value)| (one.columns.join(","), metric, value)));
        for (attribute, metric, value) in values.take(MEASURES) {
            let pairs =
                [("model", model), ("version", version), ("metric", metric.as_str()), ("attribute", &attribute)];
            page.measured(name, &labels(&pairs), *value);
        }
    }
}

fn standing(page: &mut Page, monitors: &Monitors) {
    let last = "ml_monitor_last_success_timestamp_seconds";
    page.family(last, GAUGE, "When a window of the loop was judged last, in seconds since 1970.");
    for one in &monitors.newest {
        let at = one.judged_at.0 as f64 / 1000.0;
        page.measured(last, &labels(&[("loop", &one.loop_name)]), Some(at));
    }
    let firing = "ml_alerts_firing";
    page.family(firing, GAUGE, "Alerts that fire and that nobody has taken on.");
    for (loop_name, kind, severity, count) in &monitors.firing {
        let pairs = [("loop", loop_name.as_str()), ("kind", kind.as_str()), ("severity", severity.as_str())];
        page.measured(firing, &labels(&pairs), Some(*count as f64));
    }
}

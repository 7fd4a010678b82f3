//! What a finding comes from, by pure rules: given what a window shows beside the reference and the windows before it,
//! the causes that fit, the most telling first, each with its evidence and what is best done about it.
//!
//! A fault of the data stands before a shift of the world, because a model must not learn from it; what changed last
//! stands before what is as it was.

use flyball_evaluation::expression::{Aggregate, Facts, Measured, Metric, Subject, higher_is_better, metric};
use flyball_evaluation::measure::Measure;
use serde::{Deserialize, Serialize};

use crate::drift::{ColumnDrift, MISSING, PREDICTION};
use crate::units::{self, Spread};
use crate::window::WindowReport;

/// A feature has gone missing when its share of missing values grew by this much: fewer gaps come and go by themselves.
const MISSING_JUMP: f64 = 0.1;
/// With at least this many features gone missing at once, what is upstream of them all has a gap.
const JOINT_GAPS: usize = 3;
/// Another unit moves most values past the old ones. Less than this distance may be the weather: what varies in
/// proportion, as wind does, looks like a change of units when it is only calmer.
const UNIT_EFFECT: f64 = 0.6;
/// A text has new categories when this share of its rows has one.
const UNSEEN_SHARE: f64 = 0.05;
/// Data arrives no more when a window has less than this part of the rows that windows had before.
const ROWS_LEFT: f64 = 0.1;
/// Labels are late when less than this part of the usual share of rows has one.
const LABELS_LEFT: f64 = 0.5;
/// How many windows tell what is usual.
const USUAL_WINDOWS: usize = 3;
/// The share of positives must move by this much to count as a shift of the label, beside being significant.
const LABEL_SHIFT: f64 = 0.05;
/// From this share of failed requests on, the model is failing.
const FAILING_RATE: f64 = 0.01;
/// Fewer failed requests than this are an accident.
const FEWEST_ERRORS: usize = 5;

/// Rows are told from the reference by chance in one of so many windows at most: with daily ones not even once a year.
const JOINT_P: f64 = 0.001;
/// The area from which on that matters: below it hardly a row is told from the reference.
const JOINT_AUC: f64 = 0.6;

/// What a finding can come from, in the order in which causes of the same strength are to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// Requests fail.
    FailingModel,
    /// Answers take long.
    SlowModel,
    /// Several features went missing at once, or hardly any data comes.
    UpstreamGap,
    /// A feature went missing.
    MissingFeature,
    /// A feature comes in another unit.
    UnitChange,
    /// The trouble began with another model version.
    BadChallenger,
    /// What really happened is known of far fewer rows than usual.
    LateLabels,
    /// A text has values that the model does not know.
    NewCategories,
    /// The share of positives changed, and each class looks as before.
    LabelShift,
    /// The same features lead to other outcomes than before.
    ConceptShift,
    /// The features changed.
    CovariateShift,
}

impl CauseKind {
    /// Whether the data is at fault, so that nothing may be learned from it.
    pub fn is_data_fault(self) -> bool {
        matches!(self, Self::UpstreamGap | Self::MissingFeature | Self::UnitChange)
    }

    /// The word for the cause.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailingModel => "failing_model",
            Self::SlowModel => "slow_model",
            Self::UpstreamGap => "upstream_gap",
            Self::MissingFeature => "missing_feature",
            Self::UnitChange => "unit_change",
            Self::BadChallenger => "bad_challenger",
            Self::LateLabels => "late_labels",
            Self::NewCategories => "new_categories",
            Self::LabelShift => "label_shift",
            Self::ConceptShift => "concept_shift",
            Self::CovariateShift => "covariate_shift",
        }
    }

    /// The action that usually helps, by its word in the loop file.
    pub fn suggestion(self) -> &'static str {
        match self {
            Self::FailingModel | Self::SlowModel | Self::BadChallenger => "rollback",
            Self::UpstreamGap | Self::MissingFeature | Self::UnitChange => "quarantine",
            Self::LateLabels => "page",
            Self::NewCategories | Self::LabelShift | Self::ConceptShift | Self::CovariateShift => "retrain",
        }
    }
}

/// One possible cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// The feature that shows it, where one does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<String>,
    /// How strongly it shows, from 0 to 1; comparable among causes of the same kind.
    pub strength: f64,
    /// What shows it, in words.
    pub evidence: String,
    /// The action that usually helps, by its word in the loop file.
    pub suggestion: String,
}

impl Cause {
    /// A cause with its usual suggestion.
    pub fn new(kind: CauseKind, column: Option<&str>, strength: f64, evidence: String) -> Self {
        let (column, suggestion) = (column.map(str::to_owned), kind.suggestion().to_owned());
        Self { kind, column, strength: strength.clamp(0.0, 1.0), evidence, suggestion }
    }

    /// What shows it, with the feature that shows it.
    pub fn shown(&self) -> String {
        match &self.column {
            Some(column) if !self.evidence.contains(column.as_str()) => format!("{column}: {}", self.evidence),
            _ => self.evidence.clone(),
        }
    }
}

/// The causes that fit a window, the most telling first; empty when nothing is wrong. `before` are the windows before
/// it, newest first.
pub fn diagnose(window: &WindowReport, before: &[WindowReport]) -> Vec<Cause> {
    let mut causes = of_data(window, before);
    causes.extend(failing(window));
    causes.extend(late_labels(window, before).filter(|_| window.labels_due));
    let at_fault: Vec<&str> = causes.iter().filter_map(|cause| cause.column.as_deref()).collect();
    let shifted = shifted(window, &at_fault);
    let data_fault = causes.iter().any(|cause| cause.kind.is_data_fault());
    let lost = performance_loss(window).filter(|_| window.labels_due);
    let newcomer = newcomer(window, before);
    if let (Some(loss), Some(version)) = (&lost, &newcomer) {
        let evidence = format!("{} since version {version} serves", loss.text);
        causes.push(Cause::new(CauseKind::BadChallenger, None, loss.strength, evidence));
    }
    // Where the outcomes of each class look as before, ranking by score is as good as before.
    let label = label_shift(window).filter(|_| window.labels_due && lost.is_none() && !data_fault);
    let joint = joint_shift(window).filter(|_| shifted.is_empty());
    let nothing_moved = shifted.is_empty() && joint.is_none();
    if let (Some(loss), None, true, false) = (&lost, &newcomer, nothing_moved, data_fault) {
        causes.push(Cause::new(
            CauseKind::ConceptShift,
            None,
            loss.strength,
            format!("{} while no feature drifted", loss.text),
        ));
    }
    causes.extend(label);
    causes.extend(joint);
    causes.extend(shifted.into_iter().map(|column| {
        let evidence = format!("{} {:.2} from the reference", column.effect_name, column.effect);
        Cause::new(CauseKind::CovariateShift, Some(&column.column), column.effect, evidence)
    }));
    weigh(window, &mut causes);
    causes
}

/// Orders causes by their kind. Of one kind what matters to the model comes first: the features whose part in its answers
/// changed, which is told with them; then by strength.
fn weigh(window: &WindowReport, causes: &mut [Cause]) {
    let shares = window.attributions.as_ref().map_or(&[][..], |attributions| &attributions.changed);
    let share = |cause: &Cause| {
        let column = cause.column.as_deref()?;
        shares.iter().find(|share| share.feature == column.strip_suffix(MISSING).unwrap_or(column))
    };
    for cause in causes.iter_mut() {
        if let Some(share) = share(cause) {
            let [before, after] = [share.before, share.after].map(|part| part * 100.0);
            cause.evidence.push_str(&format!("; its part in the answers was {before:.0} % and is {after:.0} %"));
        }
    }
    causes.sort_by(|a, b| {
        let matters = share(b).is_some().cmp(&share(a).is_some());
        a.kind.cmp(&b.kind).then(matters).then(b.strength.total_cmp(&a.strength)).then(a.column.cmp(&b.column))
    });
}

/// What is wrong with the data itself.
fn of_data(window: &WindowReport, before: &[WindowReport]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let usual = usual(before.iter().filter(|window| window.rows > 0).map(|window| window.rows as f64));
    if let Some(usual) = usual
        && (window.rows as f64) < usual * ROWS_LEFT
    {
        let evidence = format!("{} rows; windows before had {usual:.0}", window.rows);
        causes.push(Cause::new(CauseKind::UpstreamGap, None, 1.0 - window.rows as f64 / usual, evidence));
    }
    let gone: Vec<_> = window
        .quality
        .iter()
        .filter(|(name, quality)| {
            quality.missing - quality.missing_before >= MISSING_JUMP && !is_stable(window, &format!("{name}{MISSING}"))
        })
        .map(|(name, quality)| {
            let evidence = format!(
                "{:.0} % of {name} is missing, {:.0} % before",
                quality.missing * 100.0,
                quality.missing_before * 100.0
            );
            Cause::new(CauseKind::MissingFeature, Some(name), quality.missing - quality.missing_before, evidence)
        })
        .collect();
    if gone.len() >= JOINT_GAPS {
        let evidence = format!("{} features went missing at once", gone.len());
        let strength = gone.iter().map(|cause| cause.strength).fold(0.0, f64::max);
        causes.push(Cause::new(CauseKind::UpstreamGap, None, strength, evidence));
    }
    causes.extend(gone);
    let moved = |column: &&ColumnDrift| column.alarm && column.effect >= UNIT_EFFECT && column.column != PREDICTION;
    for column in window.columns.iter().filter(moved) {
        let known = |name: &str| column.statistics.get(name).copied();
        let spread = |mean: &str, deviation: &str, quantiles: Option<[f64; 5]>| {
            Some(Spread { mean: known(mean)?, deviation: known(deviation)?, quantiles })
        };
        let (before, after) = column.quantiles.unzip();
        let spreads = spread("mean_before", "deviation_before", before).zip(spread("mean", "deviation", after));
        if let Some(change) = spreads.and_then(|(then, now)| units::changed(then, now)) {
            let evidence = format!("{} looks {change}", column.column);
            causes.push(Cause::new(CauseKind::UnitChange, Some(&column.column), column.effect, evidence));
        }
    }
    for (name, quality) in &window.quality {
        if let Some(unseen) = quality.unseen.filter(|share| *share >= UNSEEN_SHARE) {
            let evidence = format!("{:.0} % of {name} has values that the model does not know", unseen * 100.0);
            causes.push(Cause::new(CauseKind::NewCategories, Some(name), unseen, evidence));
        }
    }
    causes
}

/// Whether a column was judged and chance explains what it shows.
fn is_stable(window: &WindowReport, name: &str) -> bool {
    window.columns.iter().any(|column| column.column == name && column.adjusted_p.is_some() && !column.alarm)
}

fn failing(window: &WindowReport) -> Option<Cause> {
    let asked = window.rows + window.errors;
    let rate = window.errors as f64 / asked.max(1) as f64;
    (rate >= FAILING_RATE && window.errors >= FEWEST_ERRORS).then(|| {
        let evidence = format!("{} of {asked} requests failed", window.errors);
        Cause::new(CauseKind::FailingModel, None, rate, evidence)
    })
}

fn late_labels(window: &WindowReport, before: &[WindowReport]) -> Option<Cause> {
    let coverage = |window: &WindowReport| (window.rows > 0).then(|| window.labelled as f64 / window.rows as f64);
    let (now, usual) = (coverage(window)?, usual(before.iter().filter_map(coverage))?);
    (now < usual * LABELS_LEFT).then(|| {
        let evidence = format!("labels are {:.0} % complete, usually {:.0} %", now * 100.0, usual * 100.0);
        Cause::new(CauseKind::LateLabels, None, 1.0 - now / usual, evidence)
    })
}

/// The median of what the newest windows had; `None` while there are too few to say.
fn usual(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.take(2 * USUAL_WINDOWS + 1).collect();
    values.sort_by(f64::total_cmp);
    (values.len() >= USUAL_WINDOWS).then(|| values[values.len() / 2]).filter(|usual| *usual > 0.0)
}

/// The features that drifted and have no fault that explains it.
fn shifted<'a>(window: &'a WindowReport, at_fault: &[&str]) -> Vec<&'a ColumnDrift> {
    let explained = |column: &ColumnDrift| {
        let known =
            |name: &&str| column.column.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest == " missing");
        column.column == PREDICTION || at_fault.iter().any(known)
    };
    window.columns.iter().filter(|column| column.alarm && !explained(column)).collect()
}

/// The features that changed together though none did alone; only where that is as sure and as large as drift must be for
/// somebody to act on it, since it is looked at in every window.
fn joint_shift(window: &WindowReport) -> Option<Cause> {
    let told = window.told_apart.as_ref()?;
    (told.p_value <= JOINT_P && told.low >= JOINT_AUC && !told.features.is_empty()).then(|| {
        let names: Vec<&str> = told.features.iter().map(|(name, _)| name.as_str()).collect();
        let evidence = format!(
            "no feature drifted alone, but {} tell the rows from the reference together (AUC {:.2})",
            names.join(", "),
            told.auc
        );
        Cause::new(CauseKind::CovariateShift, None, 2.0 * told.auc - 1.0, evidence)
    })
}

struct Loss {
    strength: f64,
    text: String,
}

/// The metric that lost most against the reference, where the intervals of both do not meet.
fn performance_loss(window: &WindowReport) -> Option<Loss> {
    let losses = ["auc", "rmse"].into_iter().filter_map(|metric| {
        let (now, then) = (window.performance.get(metric)?, window.reference.get(metric)?);
        let worse = if higher_is_better(metric) { apart(now, then) } else { apart(then, now) };
        worse.then(|| Loss {
            strength: (now.value - then.value).abs() / then.value.abs().max(f64::MIN_POSITIVE),
            text: format!("{metric} {:.3}, {:.3} on the held-out rows", now.value, then.value),
        })
    });
    losses.max_by(|a, b| a.strength.total_cmp(&b.strength))
}

/// Whether all of `low`'s interval is below `high`'s; without intervals nothing is said.
fn apart(low: &Measure, high: &Measure) -> bool {
    low.high.zip(high.low).is_some_and(|(low, high)| low < high)
}

/// The version that answers most now, when another one did so in the newest sound window before.
fn newcomer(window: &WindowReport, before: &[WindowReport]) -> Option<String> {
    let main = |window: &WindowReport| {
        let most = window.versions.iter().max_by_key(|(_, rows)| **rows);
        most.map(|(version, _)| version.clone())
    };
    let sound = before.iter().find(|earlier| !earlier.performance.is_empty() && performance_loss(earlier).is_none())?;
    let now = main(window)?;
    (main(sound)? != now).then_some(now)
}

fn label_shift(window: &WindowReport) -> Option<Cause> {
    let (now, then) = (window.performance.get("base_rate")?, window.reference.get("base_rate")?);
    let moved = now.value - then.value;
    (moved.abs() >= LABEL_SHIFT && (apart(now, then) || apart(then, now))).then(|| {
        let evidence = format!("{:.1} % are positive, {:.1} % before", now.value * 100.0, then.value * 100.0);
        Cause::new(CauseKind::LabelShift, None, moved.abs(), evidence)
    })
}

/// A window with its diagnosis, as facts for conditions.
#[derive(Debug)]
pub struct Diagnosed<'a> {
    /// The window.
    pub window: &'a WindowReport,
}

impl Diagnosed<'_> {
    /// Whether a metric is final: what needs labels is not acted on before they are due.
    fn is_known(&self, name: &str) -> bool {
        self.window.labels_due || !metric(name).is_some_and(Metric::needs_labels)
    }
}

impl Facts for Diagnosed<'_> {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        let known = subject != Subject::Current || self.is_known(metric);
        known.then(|| self.window.value(subject, metric)).flatten()
    }

    fn by_group(&self, aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured> {
        self.is_known(metric).then(|| self.window.by_group(aggregate, metric, column)).flatten()
    }

    fn across(&self, aggregate: Aggregate, metric: &str, columns: &[String]) -> Option<Measured> {
        self.is_known(metric).then(|| self.window.across(aggregate, metric, columns)).flatten()
    }

    fn fairness(&self, measure: &str, columns: &[String]) -> Option<Measured> {
        let known = self.window.labels_due || measure.starts_with("demographic_parity");
        known.then(|| self.window.fairness(measure, columns)).flatten()
    }

    fn of_column(&self, fact: &str, column: &str) -> Option<Measured> {
        self.window.of_column(fact, column)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        let found = |is: &dyn Fn(CauseKind) -> bool| self.window.causes.iter().any(|cause| is(cause.kind));
        let judged = self.window.note.is_none();
        match name {
            // A gap upstream shows in a window that is too small to judge otherwise.
            "data_fault" if judged || !self.window.causes.is_empty() => Some(found(&CauseKind::is_data_fault)),
            "concept_shift" | "label_shift" if !self.window.labels_due => None,
            "covariate_shift" | "concept_shift" | "label_shift" if judged => Some(found(&|kind| kind.as_str() == name)),
            _ => self.window.flag(name),
        }
    }
}

#[cfg(test)]
mod tests;

//! The list of checks: what each one asks, its usual limit, and what to do when it is missed.

use flyball_core::Result;
use serde::{Deserialize, Serialize};

use super::bench::{Bench, Finding};
use super::{
    Group, integrity, leaks, performance, relations, robustness, segments, speed, stability, texts, train_test,
};

/// What a failed check does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The suite fails.
    Error,
    /// It is told.
    Warn,
}

/// What a value is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// It is at most this.
    Most(f64),
    /// It is at least this.
    Least(f64),
}

impl Limit {
    /// The number.
    pub fn value(self) -> f64 {
        let (Limit::Most(value) | Limit::Least(value)) = self;
        value
    }
}

/// A check of the catalogue.
pub struct Check {
    /// What it is called in suites and reports.
    pub name: &'static str,
    /// Its group.
    pub group: Group,
    /// Its usual limit; `None` for what is only told.
    pub limit: Option<Limit>,
    /// What a failure does, unless a suite says otherwise.
    pub severity: Severity,
    /// What its value is.
    pub about: &'static str,
    /// What to do about a failure.
    pub next: &'static str,
    pub(super) run: fn(&Bench<'_>) -> Result<Finding>,
}

/// The checks of a group.
pub fn of_group(group: Group) -> impl Iterator<Item = &'static Check> {
    CATALOG.iter().filter(move |check| check.group == group)
}

macro_rules! checks {
    ($($group:ident { $($name:ident: $limit:ident($value:literal) $severity:ident $run:path, $about:literal, $next:literal;)* })*) => {
        /// Every check there is, in the order in which they run.
        pub const CATALOG: &[Check] = &[$($(Check {
            name: stringify!($name),
            group: Group::$group,
            limit: Some(Limit::$limit($value)),
            severity: Severity::$severity,
            about: $about,
            next: $next,
            run: $run,
        },)*)*];
    };
}

checks! {
    Integrity {
        single_value: Most(0.0) Warn integrity::single_value,
            "columns that hold one value only",
            "drop the column, or find out why it never changes";
        mixed_nulls: Most(1.0) Warn texts::mixed_nulls,
            "spellings of a missing value in one column",
            "write missing values in one way";
        mixed_types: Most(0.0) Warn texts::mixed_types,
            "columns of text in which a tenth or less is numbers, or the reverse",
            "repair the odd values, or read the column as one type";
        string_mismatch: Most(0.0) Warn texts::string_mismatch,
            "texts that differ from another only in case, spaces or signs",
            "spell each value in one way";
        special_characters: Most(0.001) Warn texts::special_characters,
            "the share of texts without a letter or digit",
            "find out where these texts come from";
        out_of_bounds_strings: Most(0.001) Warn texts::out_of_bounds,
            "the share of texts far longer or shorter than usual",
            "look at the texts; they may be cut off or run together";
        duplicates: Most(0.05) Warn integrity::duplicates,
            "the share of rows that repeat another in everything but the key",
            "remove repetitions before training, or weigh rows";
        conflicting_labels: Most(0.0) Warn integrity::conflicting_labels,
            "the share of rows whose features occur with several labels",
            "look at how these rows were labelled, or add what tells them apart";
        outliers: Most(0.05) Warn integrity::outliers,
            "the largest share of a column beyond three times its middle range",
            "check units and sensors of the column";
        class_imbalance: Least(0.1) Warn integrity::class_imbalance,
            "the rarest class over the most common one",
            "judge by metrics that do not hide the rare class, and weigh it in training";
        feature_label_correlation: Most(0.8) Error relations::feature_label,
            "how well the best single feature predicts the label, 0 to 1",
            "make sure that the feature is known before the label, else leave it out";
        feature_feature_correlation: Most(0.9) Warn relations::feature_feature,
            "the strongest association of two features, 0 to 1",
            "one of the two is enough";
        id_label: Most(0.0) Warn relations::id_label,
            "how well the key predicts the label, 0 to 1",
            "the order of rows tells the label: find out why before training";
    }
    TrainTest {
        size_ratio: Least(0.01) Warn train_test::size_ratio,
            "test rows over training rows",
            "hold more rows back";
        new_labels: Most(0.0) Error train_test::new_labels,
            "the share of rows whose class was never learned",
            "train on rows that have the class";
        new_categories: Most(0.05) Warn train_test::new_categories,
            "the share of rows with a category that was never learned",
            "retrain, or map new categories to known ones";
        date_leakage: Most(0.0) Error leaks::date_leakage,
            "the share of test rows that are not later than all training rows",
            "split by time: test on what came after training";
        index_leakage: Most(0.0) Error leaks::index_leakage,
            "the share of test keys that are in the training rows",
            "keep each key on one side of the split";
        sample_mix: Most(0.05) Warn leaks::sample_mix,
            "the share of test rows that are in the training rows, but for the key",
            "remove repetitions before splitting";
        feature_drift: Most(0.2) Warn train_test::feature_drift,
            "the largest proven distance of a feature's distributions, 0 to 1",
            "find out what changed, and train on newer rows";
        label_drift: Most(0.15) Warn train_test::label_drift,
            "the distance of the labels' distributions where it is proven, 0 to 1",
            "train on newer rows, and check how labels are made";
        multivariate_drift: Most(0.25) Warn train_test::multivariate_drift,
            "how well training and test rows can be told apart, 0 to 1",
            "look at the features that tell them apart";
        pps_change: Most(0.2) Warn train_test::pps_change,
            "the largest change of how well a single feature predicts the label",
            "the feature means something else now: find out why";
    }
    Performance {
        floor: Least(0.7) Warn performance::floor,
            "the AUC",
            "add features or data, or lower the limit if this is what the problem allows";
        degradation: Most(0.1) Error performance::degradation,
            "the relative loss of the metric from training to test rows",
            "the model has learned its rows by heart, or the world has moved: simplify it or train on newer rows";
        overfit: Most(0.05) Warn performance::overfit,
            "the relative loss of the watched metric from its best iteration to the last",
            "train for fewer iterations, or set early_stopping";
        better_than_dummy: Least(0.1) Error performance::better_than_dummy,
            "the part of the way from answers without features to perfect ones",
            "the features say little about the label: look for better ones";
        better_than_baseline: Least(0.1) Warn performance::better_than_baseline,
            "the part of the way from the baseline to perfect answers",
            "prefer the baseline unless this is worth its cost";
        prediction_drift: Most(0.15) Warn performance::prediction_drift,
            "the proven distance of the answers to training and test rows, 0 to 1",
            "look at feature_drift: inputs have moved";
        weak_segments: Most(0.2) Warn segments::weak_segments,
            "the largest proven excess of a segment's loss that the model did not expect itself",
            "collect rows of the segment, or do not decide by the model there";
        systematic_error: Most(0.01) Warn performance::systematic_error,
            "the mean error over the root mean squared one",
            "the answers lean to one side: look for a change of the target's level";
        error_kurtosis: Least(-0.1) Warn performance::error_kurtosis,
            "the excess kurtosis of the errors",
            "the errors fall in groups: something that matters is not among the features";
        calibration: Most(0.05) Warn performance::calibration,
            "the mean distance of probability and frequency, where it is proven",
            "calibrate the probabilities before they are used as such";
        unused_features: Most(5.0) Warn performance::unused_features,
            "features that vary and that no answer depends on",
            "leave them out: they cost and can only break";
    }
    Robustness {
        noise: Most(0.1) Warn robustness::noise,
            "the share of decisions that turn when numbers shift by a tenth of their deviation",
            "smooth the model: fewer or shallower trees, more data, stronger regularization";
        missing_values: Most(0.2) Warn robustness::missing_values,
            "the share of decisions that turn when a tenth of the values is missing",
            "train with missing values, or reject rows that lack what matters";
        unseen_categories: Most(0.0) Error robustness::unseen_categories,
            "the share of rows with an unseen category that get no answer",
            "make the encoder ignore unknown categories";
        extremes: Most(0.0) Error robustness::extremes,
            "the share of rows with extreme numbers that get no answer",
            "clip numbers in front of the model, or declare a range for the column at the endpoint";
        unit_errors: Most(0.0) Error robustness::unit_errors,
            "the share of rows with a number in a wrong unit that get no answer",
            "declare ranges for the columns that matter at the endpoint, so that wrong units are refused";
        text_perturbation: Most(0.1) Warn robustness::text_perturbation,
            "the share of decisions that turn with a typing error in a text",
            "train with such errors, or clean texts in front of the model";
        invariance: Most(0.05) Error robustness::invariance,
            "the share of decisions that turn though they should stay the same",
            "leave the column out, or train with both values";
        direction: Most(0.05) Error robustness::direction,
            "the share of answers that move against the expected direction",
            "constrain the model to the direction, or revise the expectation";
        monotonic: Most(0.05) Error robustness::monotonic,
            "the share of rows whose answers are not monotonic as expected",
            "constrain the model to be monotonic in the column";
    }
    Stability {
        determinism: Most(0.0) Error stability::determinism,
            "the share of rows that are answered otherwise when asked again",
            "find the randomness in the model: sampling at inference, or threads that race";
        seed_metric: Most(0.02) Warn stability::seed_metric,
            "the deviation of the metric over seeds, relative to its value",
            "more rows or stronger regularization; or average several models";
        seed_flips: Most(0.1) Warn stability::seed_flips,
            "the share of decisions that turn with another seed",
            "more rows or stronger regularization; or average several models";
    }
    Speed {
        latency_row_ms: Most(1.0) Warn speed::latency_row,
            "milliseconds for one row, the 99th of a hundred",
            "a smaller model, or another form of it";
        latency_batch_ms: Most(1.0) Warn speed::latency_batch,
            "milliseconds per row in a batch",
            "a smaller model, or another form of it";
        memory_mb: Most(1024.0) Warn speed::memory,
            "megabytes that the model takes in memory",
            "a smaller model";
        artifact_mb: Most(1024.0) Warn speed::artifact,
            "megabytes that the model's files take",
            "a smaller model";
    }
}

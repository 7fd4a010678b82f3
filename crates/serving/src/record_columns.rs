//! The names of the columns of inference records.

use std::borrow::Cow;

/// The id of the prediction.
pub const PREDICTION_ID: &str = "prediction_id";
/// The number of the request row at its endpoint; it grows, with gaps.
pub const SEQUENCE: &str = "sequence";
/// The event time.
pub const AT: &str = "at";
/// What joins a prediction with what really happened.
pub const KEY: &str = "key";
/// The id of the revision that answered.
pub const REVISION: &str = "revision";
/// The headline number: the probability of the last class, or the predicted value.
pub const SCORE: &str = "score";
/// Why the model failed; missing when it answered.
pub const ERROR: &str = "error";

/// What a model of tensors answered, as text; there only when one of its outputs has one value a row.
pub const ANSWER: &str = "answer";

const RESERVED: [&str; 8] = [PREDICTION_ID, SEQUENCE, AT, KEY, REVISION, SCORE, ERROR, ANSWER];

/// The column that holds a feature: its own name, or `feature.NAME` when that would meet one of ours.
pub fn of_feature(name: &str) -> Cow<'_, str> {
    let taken = RESERVED.contains(&name) || name.starts_with("score.") || name.starts_with("feature.");
    if taken { Cow::Owned(format!("feature.{name}")) } else { Cow::Borrowed(name) }
}

/// The column that holds the probability of a class, when there are more than two.
pub fn of_class(class: &str) -> String {
    format!("score.{class}")
}

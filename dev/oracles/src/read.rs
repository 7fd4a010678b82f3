//! Reading values of fixtures. A part that is missing reads as empty.

use serde_json::Value;

use crate::checks::number;

/// The items of a list.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Numbers; `null` is NaN.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    items(value).iter().map(number).collect()
}

/// Rows of numbers.
pub(crate) fn rows(value: &Value) -> Vec<Vec<f64>> {
    items(value).iter().map(numbers).collect()
}

/// Truths: a number above zero, or `true`.
pub(crate) fn truths(value: &Value) -> Vec<bool> {
    items(value).iter().map(|item| number(item) > 0.0).collect()
}

/// The members of an object.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

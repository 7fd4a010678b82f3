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

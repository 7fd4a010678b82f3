//! Reading the fixtures.

use serde_json::Value;

/// A fixture by name.
#[expect(clippy::disallowed_methods, reason = "cargo says in the environment where the checkout is")]
pub(crate) fn load(name: &str) -> Value {
    // Asked when it runs, not built in: the build folder is shared between checkouts.
    let path = format!("{}/../../dev/oracles/fixtures/{name}.json", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Numbers, with null as NaN.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    items(value).iter().map(|number| number.as_f64().unwrap_or(f64::NAN)).collect()
}

pub(crate) fn bools(value: &Value) -> Vec<bool> {
    items(value).iter().map(|number| number.as_f64().unwrap() > 0.0).collect()
}

/// Within an absolute distance.
#[track_caller]
pub(crate) fn near(got: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((got - expected).abs() <= tolerance, "{what}: {got} is not {expected}");
}

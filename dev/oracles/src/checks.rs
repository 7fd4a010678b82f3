//! Keeping count of comparisons and of the worst deviation.

use serde_json::Value;

/// The absolute tolerance of statistics and metrics, where the fixture names none.
pub(crate) const ABSOLUTE: f64 = 1e-9;
/// The relative tolerance of p-values.
pub(crate) const RELATIVE_P: f64 = 1e-6;
/// P-values below this are compared absolutely: the tools differ in how they run out of digits.
const LEAST_P: f64 = 1e-290;

/// One comparison.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// What was compared.
    pub what: String,
    /// What we computed; NaN stands for undefined.
    pub got: f64,
    /// What the fixture expects.
    pub expected: f64,
    /// How far they are apart, in units of the tolerance: more than 1 is a failure.
    pub tolerances: f64,
}

/// The comparisons of one fixture.
#[derive(Clone, Debug)]
pub struct Checks {
    /// The name of the fixture.
    pub name: String,
    /// How many values were compared.
    pub compared: usize,
    /// The comparison that came out worst.
    pub worst: Option<Deviation>,
    /// Those beyond their tolerance.
    pub failures: Vec<Deviation>,
    /// What the fixture expects and was not compared, with the reason.
    pub left_out: Vec<String>,
}

impl Checks {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), compared: 0, worst: None, failures: Vec::new(), left_out: Vec::new() }
    }

    /// Says that something of the fixture is not compared, and why.
    pub(crate) fn leave_out(&mut self, what_and_why: impl Into<String>) {
        self.left_out.push(what_and_why.into());
    }

    /// Compares with an absolute tolerance. `null` expects an undefined value: `None` or NaN. Infinities are equal to
    /// themselves.
    pub(crate) fn near(&mut self, what: &str, got: impl Into<Option<f64>>, expected: &Value, tolerance: f64) {
        self.take(what, got.into(), number(expected), |_| tolerance);
    }

    /// Compares with the tolerance of statistics.
    pub(crate) fn same(&mut self, what: &str, got: impl Into<Option<f64>>, expected: &Value) {
        self.near(what, got, expected, ABSOLUTE);
    }

    /// Compares p-values.
    pub(crate) fn p_value(&mut self, what: &str, got: impl Into<Option<f64>>, expected: &Value) {
        self.take(what, got.into(), number(expected), |expected| (RELATIVE_P * expected).max(LEAST_P));
    }

    /// Compares what must be equal: decisions, indexes, counts, names.
    pub(crate) fn equal(&mut self, what: &str, got: &Value, expected: &Value) {
        let differ = match (got.as_f64(), expected.as_f64()) {
            (Some(got), Some(expected)) => got != expected,
            _ => got != expected,
        };
        let what = if differ { format!("{what}: {got} is not {expected}") } else { what.to_owned() };
        self.take(&what, Some(f64::from(u8::from(differ))), 0.0, |_| 0.5);
    }

    fn take(&mut self, what: &str, got: Option<f64>, expected: f64, tolerance: impl Fn(f64) -> f64) {
        let got = got.unwrap_or(f64::NAN);
        let tolerances = if got.is_nan() || expected.is_nan() {
            if got.is_nan() && expected.is_nan() { 0.0 } else { f64::INFINITY }
        } else if got == expected {
            0.0
        } else {
            (got - expected).abs() / tolerance(expected)
        };
        self.compared += 1;
        let deviation = Deviation { what: what.to_owned(), got, expected, tolerances };
        if tolerances > 1.0 {
            self.failures.push(deviation.clone());
        }
        if self.worst.as_ref().is_none_or(|worst| tolerances > worst.tolerances) {
            self.worst = Some(deviation);
        }
    }
}

/// A number of a fixture; `null` and words such as "nan" are NaN, "inf" is infinite.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::String(word) => word.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_deviation_beyond_its_tolerance_is_a_failure_and_undefined_is_no_number() {
        let mut checks = Checks::new("t");
        checks.same("fits", 1.0 + 1e-10, &json!(1.0));
        checks.same("undefined", None, &Value::Null);
        checks.p_value("tiny", 2.0e-20, &json!(2.0e-20 * (1.0 + 1e-7)));
        checks.equal("word", &json!("a"), &json!("a"));
        assert!(checks.failures.is_empty(), "{:?}", checks.failures);
        checks.same("off", 1.1, &json!(1.0));
        checks.same("a number for nothing", 0.0, &Value::Null);
        checks.equal("index", &json!(3), &json!(4));
        assert_eq!((checks.compared, checks.failures.len()), (7, 3));
        assert_eq!(checks.worst.unwrap().what, "a number for nothing");
    }
}

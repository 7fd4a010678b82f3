//! What the templates call to show values: [`crate::format`] as askama filters, and moments as elements.

#![allow(unreachable_pub, reason = "filter_fn makes public methods on private types")]

use askama::filters::Safe;
use askama::{Result, Values, filter_fn};
use flyball_core::Timestamp;

use crate::format;

/// What can be shown as a number; behind any depth of references, as templates pass them.
pub(crate) trait Number {
    /// Its value; NaN if there is none.
    fn value(&self) -> f64;
}

impl Number for f64 {
    fn value(&self) -> f64 {
        *self
    }
}

impl Number for u64 {
    fn value(&self) -> f64 {
        *self as f64
    }
}

impl<T: Number> Number for Option<T> {
    fn value(&self) -> f64 {
        self.as_ref().map_or(f64::NAN, Number::value)
    }
}

impl<T: Number + ?Sized> Number for &T {
    fn value(&self) -> f64 {
        (**self).value()
    }
}

/// What can be shown as a moment.
pub(crate) trait Moment {
    /// The moment, if known.
    fn moment(&self) -> Option<Timestamp>;
}

impl Moment for Timestamp {
    fn moment(&self) -> Option<Timestamp> {
        Some(*self)
    }
}

impl<T: Moment> Moment for Option<T> {
    fn moment(&self) -> Option<Timestamp> {
        self.as_ref().and_then(Moment::moment)
    }
}

impl<T: Moment + ?Sized> Moment for &T {
    fn moment(&self) -> Option<Timestamp> {
        (**self).moment()
    }
}

macro_rules! number_filters {
    ($($name:ident: $what:literal),*) => {$(
        #[doc = $what]
        #[filter_fn]
        pub(crate) fn $name<T: Number>(value: T, _: &dyn Values) -> Result<String> {
            Ok(format::$name(value.value()))
        }
    )*};
}

number_filters!(metric: "A metric.", delta: "A signed amount.", percent: "A share.", p_value: "A p-value.",
    duration_ms: "A duration.");

/// How many; missing is a dash.
#[filter_fn]
pub(crate) fn count<T: Number>(value: T, _: &dyn Values) -> Result<String> {
    let value = value.value();
    Ok(if value.is_finite() { format::count(value as u64) } else { format::MISSING.to_owned() })
}

/// A metric in few digits, for large type.
#[filter_fn]
pub(crate) fn hero<T: Number>(value: T, _: &dyn Values) -> Result<String> {
    let value = value.value();
    Ok(if value.abs() < 10.0 { format!("{value:.3}") } else { format::metric(value) })
}

/// A moment to the minute, as an element that machines can read.
#[filter_fn]
pub(crate) fn when<T: Moment>(value: T, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(value.moment().map_or_else(
        || format::MISSING.to_owned(),
        |at| format!("<time datetime=\"{at}\">{}</time>", format::minute(at)),
    )))
}

/// A day.
#[filter_fn]
pub(crate) fn day<T: Moment>(value: T, _: &dyn Values) -> Result<String> {
    Ok(value.moment().map_or_else(|| format::MISSING.to_owned(), format::day))
}

/// The start of a long text.
#[filter_fn]
pub(crate) fn clip<T: AsRef<str>>(value: T, _: &dyn Values, limit: usize) -> Result<String> {
    Ok(format::clip(value.as_ref(), limit))
}

/// The start of an id.
#[filter_fn]
pub(crate) fn short_id<T: AsRef<str>>(value: T, _: &dyn Values) -> Result<String> {
    Ok(format::short_id(value.as_ref()))
}

//! Tests and intervals that are valid at every moment: one may look after each observation and stop whenever one likes, and
//! the chance of ever being wrong stays below 1 − confidence. They are wider than those of a planned sample; that is the
//! price of looking.

mod bounded;
mod means;
mod rates;

pub use bounded::{BoundedMean, bounded_difference};
pub use means::{FEWEST, mean_difference};
pub use rates::{rate_difference, rate_interval};

#[cfg(test)]
mod error_rates;

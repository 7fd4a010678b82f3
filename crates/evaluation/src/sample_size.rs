//! How many rows a comparison needs before it is worth making, with what the number means.

use flyball_core::{Error, Result};
use flyball_stats::power;
pub use flyball_stats::power::Demand;
use serde::Serialize;

/// What shall be found, and where.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "test")]
pub enum Question {
    /// That a rate (of errors, of clicks) moved, between two groups of rows.
    Proportions {
        /// The rate of the first group, 0 to 1.
        from: f64,
        /// The rate of the second group, 0 to 1.
        to: f64,
        /// Rows of the second group for each of the first.
        ratio: f64,
    },
    /// That a mean (of losses, of latencies) moved, between two groups of rows.
    Means {
        /// By how much.
        difference: f64,
        /// The standard deviation of the numbers.
        deviation: f64,
        /// Rows of the second group for each of the first.
        ratio: f64,
    },
    /// That a mean moved, where both models answer the same rows.
    PairedMeans {
        /// By how much.
        difference: f64,
        /// The standard deviation of the differences of rows.
        deviation: f64,
    },
    /// That one model ranks better than the other.
    Auc {
        /// The AUC of the first model, between 0 and 1.
        from: f64,
        /// The AUC of the second model, between 0 and 1.
        to: f64,
        /// The share of positives, between 0 and 1.
        prevalence: f64,
        /// How the two AUCs correlate, from 0, as on different rows, to below 1.
        correlation: f64,
    },
    /// That one classifier is right more often than the other, on the same rows (McNemar).
    Mcnemar {
        /// The share of rows where the challenger alone is right.
        challenger_only: f64,
        /// The share of rows where the champion alone is right.
        champion_only: f64,
    },
    /// That a column of a window drifted from the reference.
    Drift {
        /// The Kolmogorov–Smirnov distance, 0 to 1.
        effect: f64,
        /// Rows of the reference.
        reference: u64,
        /// Columns that are looked at together, among which the false alarms are shared.
        columns: u32,
    },
}

/// How many rows are needed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Needed {
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// The chance of finding a difference that is not there.
    pub alpha: f64,
    /// The chance of finding one that is.
    pub power: f64,
    /// Rows of the first group, or of the only one.
    pub rows: u64,
    /// Rows of the second group, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<u64>,
}

/// Says how many rows are needed.
///
/// # Errors
/// `InvalidInput` for chances, rates or sizes that are none, for nothing to find, and for what no number of rows would find.
pub fn needed(question: Question, demand: Demand) -> Result<Needed> {
    check("alpha", demand.alpha, 0.0, 1.0)?;
    check("power", demand.power, 0.0, 1.0)?;
    if demand.power <= demand.alpha {
        return Err(Error::invalid("the power must be above alpha").hint("power 0.8 and alpha 0.05 are usual"));
    }
    let (rows, ratio) = match question {
        Question::Proportions { from, to, ratio } => {
            share("from", from)?;
            share("to", to)?;
            differ(from, to)?;
            (power::proportions(from, to, positive("ratio", ratio)?, demand), Some(ratio))
        }
        Question::Means { difference, deviation, ratio } => {
            differ(difference, 0.0)?;
            let deviation = positive("deviation", deviation)?;
            (power::means(difference, deviation, positive("ratio", ratio)?, demand), Some(ratio))
        }
        Question::PairedMeans { difference, deviation } => {
            differ(difference, 0.0)?;
            (power::paired_means(difference, positive("deviation", deviation)?, demand), None)
        }
        Question::Auc { from, to, prevalence, correlation } => {
            check("from", from, 0.0, 1.0)?;
            check("to", to, 0.0, 1.0)?;
            check("prevalence", prevalence, 0.0, 1.0)?;
            if !(0.0..1.0).contains(&correlation) {
                return Err(Error::invalid("the correlation must be at least 0 and below 1"));
            }
            differ(from, to)?;
            (power::aucs(from, to, prevalence, correlation, demand), None)
        }
        Question::Mcnemar { challenger_only, champion_only } => {
            share("better", challenger_only)?;
            share("worse", champion_only)?;
            if challenger_only + champion_only > 1.0 {
                return Err(Error::invalid("the shares of rows where one model alone is right exceed 1 together"));
            }
            differ(challenger_only, champion_only)?;
            (power::mcnemar(challenger_only, champion_only, demand), None)
        }
        Question::Drift { effect, reference, columns } => {
            if !(effect > 0.0 && effect <= 1.0) {
                return Err(Error::invalid("the effect must be above 0 and at most 1"));
            }
            let alpha = demand.alpha / f64::from(columns.max(1));
            (power::ks_window(effect, reference, Demand { alpha, ..demand }), None)
        }
    };
    let rows = rows.ok_or_else(|| beyond(&question))?;
    let second = ratio.map(|ratio| (rows as f64 * ratio).ceil() as u64);
    Ok(Needed { question, alpha: demand.alpha, power: demand.power, rows, second })
}

/// Why no number of rows is enough.
fn beyond(question: &Question) -> Error {
    match question {
        Question::Drift { reference, .. } => Error::invalid(format!(
            "a reference of {reference} rows is too small to find that, however large the window"
        ))
        .hint("take a larger reference, or a larger effect"),
        _ => Error::invalid("the difference is so small that no number of rows would find it")
            .hint("ask for the smallest difference that would change a decision"),
    }
}

fn check(name: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if value > low && value < high {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} must be above {low} and below {high}, not {value}")))
}

fn share(name: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} must be a share from 0 to 1, not {value}")).hint("write 25 % as 0.25"))
}

fn positive(name: &str, value: f64) -> Result<f64> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::invalid(format!("the {name} must be positive, not {value}")))
}

fn differ(one: f64, other: f64) -> Result<()> {
    if one.is_finite() && (one - other).abs() > 0.0 {
        return Ok(());
    }
    Err(Error::invalid("there is no difference to find").hint("ask for the smallest one that would change a decision"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(question: Question) -> Result<(u64, Option<u64>)> {
        needed(question, Demand::default()).map(|needed| (needed.rows, needed.second))
    }

    #[test]
    fn each_question_has_its_size() {
        let mean = |ratio| Question::Means { difference: 0.5, deviation: 1.0, ratio };
        assert_eq!(rows(mean(1.0)).unwrap(), (63, Some(63)));
        assert_eq!(rows(mean(2.0)).unwrap(), (48, Some(96)));
        assert_eq!(rows(Question::Proportions { from: 0.25, to: 0.4, ratio: 1.0 }).unwrap(), (152, Some(152)));
        assert_eq!(rows(Question::PairedMeans { difference: -0.5, deviation: 1.0 }).unwrap(), (32, None));
        assert_eq!(rows(Question::Mcnemar { challenger_only: 0.2, champion_only: 0.1 }).unwrap(), (234, None));
        let auc = |correlation| Question::Auc { from: 0.80, to: 0.82, prevalence: 0.2, correlation };
        assert!(rows(auc(0.5)).unwrap() < rows(auc(0.0)).unwrap());
        let drift = |columns| Question::Drift { effect: 0.1, reference: 10_000, columns };
        assert!(rows(drift(1)).unwrap() < rows(drift(20)).unwrap());
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        let told = |question| rows(question).unwrap_err().to_string();
        assert!(told(Question::Proportions { from: 25.0, to: 0.4, ratio: 1.0 }).contains("from must be a share"));
        assert!(told(Question::Proportions { from: 0.2, to: 0.2, ratio: 1.0 }).contains("no difference"));
        assert!(
            told(Question::Means { difference: 1.0, deviation: 0.0, ratio: 1.0 })
                .contains("deviation must be positive")
        );
        assert!(told(Question::Means { difference: 1e-12, deviation: 1e6, ratio: 1.0 }).contains("no number of rows"));
        assert!(told(Question::Means { difference: f64::NAN, deviation: 1.0, ratio: 1.0 }).contains("no difference"));
        assert!(
            told(Question::Auc { from: 0.8, to: 1.0, prevalence: 0.2, correlation: 0.0 })
                .contains("to must be above 0")
        );
        assert!(told(Question::Mcnemar { challenger_only: 0.8, champion_only: 0.3 }).contains("exceed 1"));
        assert!(told(Question::Drift { effect: 0.1, reference: 10, columns: 1 }).contains("reference of 10 rows"));
        let weak = needed(Question::PairedMeans { difference: 1.0, deviation: 1.0 }, Demand { alpha: 0.5, power: 0.4 });
        assert!(weak.unwrap_err().to_string().contains("above alpha"));
    }
}

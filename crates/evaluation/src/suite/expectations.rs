//! What users know about how answers move with the rows: invariance, direction, monotonicity (metamorphic tests).

use flyball_core::{Column, Error, Result, Table};
use serde::{Deserialize, Serialize};

use super::answers::{Answers, deviation};
use super::perturb::{map, retext, with};

/// Values that a column sweeps through for monotonicity.
const SWEEP: usize = 9;
/// An answer moved when it did so by more than this part of the answers' deviation; less is rounding.
const ROUNDING: f64 = 1e-6;

/// What an answer does when a column is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The decision stays the same.
    Same,
    /// The answer does not get lower.
    Higher,
    /// The answer does not get higher.
    Lower,
    /// The answer never falls while the column rises, all else equal.
    Rising,
    /// The answer never rises while the column rises, all else equal.
    Falling,
}

impl Expected {
    /// The words, in the order of the variants.
    pub const WORDS: [&'static str; 5] = ["same", "higher", "lower", "rising", "falling"];
    /// All of them, in the order of their words.
    pub const ALL: [Expected; 5] =
        [Expected::Same, Expected::Higher, Expected::Lower, Expected::Rising, Expected::Falling];
}

/// How a column is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// This is added to it.
    Add(f64),
    /// It is multiplied by this.
    Times(f64),
    /// It takes each of these values in turn.
    Values(Vec<String>),
    /// It sweeps through the values that it has.
    Sweep,
}

/// An expectation about one column. The answer is the probability of the last class, or the predicted number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// The column.
    pub column: String,
    /// How it is changed.
    pub change: Change,
    /// What the answer does then.
    pub expect: Expected,
}

/// Answers rows.
type Ask<'a> = dyn Fn(&Table) -> Result<Answers> + 'a;

/// How many answers are against an expectation, and how many were asked.
///
/// # Errors
/// `InvalidInput` when the expectation does not fit the column; what the model fails with.
pub(super) fn violations(
    expectation: &Expectation,
    rows: &Table,
    before: &Answers,
    ask: &Ask<'_>,
) -> Result<(usize, usize)> {
    let column = rows.column(&expectation.column)?;
    if matches!(expectation.expect, Expected::Rising | Expected::Falling) {
        return swept(expectation, rows, column, ask);
    }
    let (mut against, mut asked) = (0, 0);
    for changed in changed(expectation, column)? {
        let after = ask(&with(rows, &expectation.column, changed)?)?;
        asked += after.rows();
        against += match expectation.expect {
            Expected::Same => before.flips(&after).into_iter().filter(|turned| *turned).count(),
            direction => {
                let (was, is) = (before.predictions.headline(), after.predictions.headline());
                let sign = if direction == Expected::Higher { 1.0 } else { -1.0 };
                let least = ROUNDING * deviation(&was).unwrap_or(0.0);
                was.iter().zip(&is).filter(|(was, is)| falls(sign * (*is - *was), least)).count()
            }
        };
    }
    Ok((against, asked))
}

/// Whether a move goes down by more than rounding; no answer is no move in the right direction.
fn falls(moved: f64, rounding: f64) -> bool {
    moved < -rounding || moved.is_nan()
}

fn unfit(expectation: &Expectation, why: &str) -> Error {
    Error::invalid(format!("the expectation for the column '{}' {why}", expectation.column))
        .hint("add and times are for numbers, values for anything; rising and falling need neither")
}

fn changed(expectation: &Expectation, column: &Column) -> Result<Vec<Column>> {
    let is_text = matches!(column, Column::Text(_));
    match &expectation.change {
        Change::Add(_) | Change::Times(_) if is_text => Err(unfit(expectation, "calculates with texts")),
        Change::Add(amount) => Ok(vec![map(column, |_, value| value + amount)]),
        Change::Times(factor) => Ok(vec![map(column, |_, value| value * factor)]),
        Change::Values(values) if is_text => Ok(values.iter().map(|value| retext(column, |_| value.clone())).collect()),
        Change::Values(values) => {
            let number =
                |value: &String| value.parse::<f64>().map_err(|_| unfit(expectation, "names a text, not a number"));
            values.iter().map(|value| number(value).map(|number| map(column, |_, _| number))).collect()
        }
        Change::Sweep => Err(unfit(expectation, "says not how the column is changed")),
    }
}

/// Counts the rows whose answer moves against the direction somewhere on the way from the least to the greatest value.
fn swept(expectation: &Expectation, rows: &Table, column: &Column, ask: &Ask<'_>) -> Result<(usize, usize)> {
    if matches!(column, Column::Text(_)) {
        return Err(unfit(expectation, "has no order: it holds texts"));
    }
    let mut known: Vec<f64> = column.numbers().into_iter().filter(|value| value.is_finite()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let Some(last) = known.len().checked_sub(1) else { return Ok((0, 0)) };
    let mut steps: Vec<f64> = (0..SWEEP).map(|step| known[last * step / (SWEEP - 1)]).collect();
    steps.dedup();
    let sign = if expectation.expect == Expected::Rising { 1.0 } else { -1.0 };
    let mut against = vec![false; rows.rows()];
    let mut before: Option<Vec<f64>> = None;
    for step in steps {
        let answers = ask(&with(rows, &expectation.column, map(column, |_, _| step))?)?.predictions.headline();
        if let Some(before) = &before {
            let least = ROUNDING * deviation(before).unwrap_or(0.0);
            for (row, against) in against.iter_mut().enumerate() {
                *against |= falls(sign * (answers[row] - before[row]), least);
            }
        }
        before = Some(answers);
    }
    Ok((against.iter().filter(|against| **against).count(), against.len()))
}

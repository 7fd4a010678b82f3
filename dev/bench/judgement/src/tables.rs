//! Tables as monitoring meets them: ten numeric columns, normal and lognormal, and ten categorical ones of Zipf's law with 2 to
//! 200 levels.

use flyball_core::rng::Rng;
use flyball_stats::report::Values;

/// Levels of the categorical columns.
pub(crate) const LEVELS: [usize; 10] = [2, 3, 5, 8, 10, 20, 30, 50, 100, 200];
/// Columns of a table.
pub(crate) const COLUMNS: usize = 20;

/// One column.
pub(crate) enum Column {
    Numbers(Vec<f64>),
    Codes(Vec<u32>, usize),
}

impl Column {
    pub(crate) fn values(&self) -> Values<'_> {
        match self {
            Self::Numbers(values) => Values::Numbers(values),
            Self::Codes(codes, levels) => Values::Codes { codes, levels: *levels },
        }
    }
}

/// A normal number.
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

/// Cumulative shares of Zipf's law.
pub(crate) fn zipf(levels: usize) -> Vec<f64> {
    let total: f64 = (1..=levels).map(|rank| 1.0 / rank as f64).sum();
    let mut sum = 0.0;
    let share = |rank: usize| {
        sum += 1.0 / rank as f64 / total;
        sum
    };
    (1..=levels).map(share).collect()
}

/// A level drawn by cumulative shares.
pub(crate) fn level(rng: &mut Rng, cumulative: &[f64]) -> u32 {
    let draw = rng.unit();
    cumulative.partition_point(|&edge| edge <= draw).min(cumulative.len() - 1) as u32
}

/// A table of so many rows, its first column moved by `shift` standard deviations.
pub(crate) fn table(rng: &mut Rng, rows: usize, shift: f64) -> Vec<Column> {
    let column = |column: usize| {
        let Some(rank) = column.checked_sub(LEVELS.len()) else {
            let shift = if column == 0 { shift } else { 0.0 };
            let value = |rng: &mut Rng| normal(rng) + shift;
            let skewed = column % 2 == 1;
            let values = (0..rows).map(|_| if skewed { value(rng).exp() } else { value(rng) });
            return Column::Numbers(values.collect());
        };
        let shares = zipf(LEVELS[rank]);
        Column::Codes((0..rows).map(|_| level(rng, &shares)).collect(), LEVELS[rank])
    };
    (0..COLUMNS).map(column).collect()
}

/// The names of levels.
pub(crate) fn names(levels: usize) -> Vec<String> {
    (0..levels).map(|level| format!("level-{level}")).collect()
}

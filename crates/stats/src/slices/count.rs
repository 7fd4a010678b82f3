//! Sums of losses by groups, and what they say.

use crate::special::student_t_sf;

/// Count, sum and sum of squares of the losses of some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Losses {
    pub(super) rows: f64,
    sum: f64,
    squares: f64,
}

impl Losses {
    #[inline]
    pub(super) fn add(&mut self, loss: f64) {
        self.rows += 1.0;
        self.sum += loss;
        self.squares += loss * loss;
    }

    pub(super) fn of(losses: impl Iterator<Item = f64>) -> Self {
        let mut all = Self::default();
        losses.for_each(|loss| all.add(loss));
        all
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        Self { rows: self.rows - other.rows, sum: self.sum - other.sum, squares: self.squares - other.squares }
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.rows
    }

    /// The sample variance.
    fn variance(&self) -> f64 {
        ((self.squares - self.sum * self.sum / self.rows) / (self.rows - 1.0)).max(0.0)
    }

    /// The difference of the means in units of the pooled deviation (SliceFinder's effect size); 0 where nothing varies.
    pub(super) fn effect(&self, rest: &Self) -> f64 {
        let deviation = ((self.variance() + rest.variance()) / 2.0).sqrt();
        if deviation > 0.0 { (self.mean() - rest.mean()) / deviation } else { 0.0 }
    }

    /// One-sided p-value that the mean is not above that of the rest (Welch 1947); 1 where it cannot be tested.
    pub(super) fn p_value(&self, rest: &Self) -> f64 {
        if self.rows < 2.0 || rest.rows < 2.0 {
            return 1.0;
        }
        let (own, other) = (self.variance() / self.rows, rest.variance() / rest.rows);
        if own + other <= 0.0 {
            return 1.0;
        }
        let t = (self.mean() - rest.mean()) / (own + other).sqrt();
        let freedom = (own + other).powi(2) / (own * own / (self.rows - 1.0) + other * other / (rest.rows - 1.0));
        if t > 0.0 { student_t_sf(t, freedom) } else { 1.0 - student_t_sf(-t, freedom) }
    }

    /// How far the sum of the losses lies above that of as many rows drawn from all at random, in standard deviations:
    /// it weighs how much worse a group is against how many rows it has.
    pub(super) fn score(&self, all: &Self) -> f64 {
        score(self.sum, self.rows, all)
    }

    /// The highest score that any part of these rows of at least `least` rows can have, if no loss exceeds `largest`.
    pub(super) fn bound(&self, all: &Self, least: f64, largest: f64) -> f64 {
        // While every row has the largest loss the score grows with the rows; when the losses are used up it falls.
        let turn = if largest > 0.0 { self.sum / largest } else { 0.0 };
        let rows = turn.clamp(least, self.rows.max(least));
        score(self.sum.min(rows * largest), rows, all)
    }
}

fn score(sum: f64, rows: f64, all: &Losses) -> f64 {
    let deviation = (all.variance() * rows).sqrt();
    if deviation > 0.0 { (sum - rows * all.mean()) / deviation } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Moments, welch};

    #[test]
    fn the_test_is_welchs_and_the_bound_holds() {
        let (left, right) = ([3.9, 4.8, 6.1, 5.5], [2.1, 3.4, 1.9, 5.0, 4.4]);
        let (own, rest) = (Losses::of(left.into_iter()), Losses::of(right.into_iter()));
        let moments = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.add(*value));
            moments
        };
        let expected = welch(&moments(&right), &moments(&left), 0.95).unwrap().p_value / 2.0;
        assert!((own.p_value(&rest) - expected).abs() < 1e-12);
        assert!((rest.p_value(&own) - (1.0 - expected)).abs() < 1e-12);
        let all = Losses::of(left.into_iter().chain(right));
        for part in 2..=left.len() {
            let mut sorted = left;
            sorted.sort_by(|a, b| b.total_cmp(a));
            let best = Losses::of(sorted.into_iter().take(part));
            assert!(best.score(&all) <= own.bound(&all, 2.0, 6.1) + 1e-12);
        }
    }
}

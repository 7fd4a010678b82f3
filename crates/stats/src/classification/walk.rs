//! One walk down the scores, adding up for every group what its order says.

use super::order::Order;
use super::{Confusion, CurvePoint};

/// The shares of the best rows at which lift is read.
pub(super) const LIFT_SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.5];
/// Steps of a curve that is thinned for drawing: it moves at most 1/64 in true and false positive rate together from one
/// point to the next, which is less than a pixel of the charts that show it.
const CURVE_STEPS: f64 = 128.0;

const POSITIVE: u8 = 1;
/// The next row has the same score.
const TIED: u8 = 2;

/// The rows in the order of their scores.
pub(super) struct Ranked<'a> {
    scores: &'a [f64],
    order: &'a [u32],
    flags: Vec<u8>,
}

/// What the order says of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranks {
    /// Area under the ROC curve.
    pub(super) area: f64,
    /// Mean squared deviation from the area of the share of negatives below each positive, and of positives above
    /// each negative.
    pub(super) spread: [f64; 2],
    /// Average precision.
    pub(super) average_precision: f64,
    /// The largest true less false positive rate, and both rates there.
    pub(super) ks: [f64; 3],
}

/// Sums of one group on the way down.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    positives: f64,
    negatives: f64,
    tp: f64,
    fp: f64,
    /// The run of equal scores in which the group was last met, and its counts before that run.
    run: usize,
    before: [f64; 2],
    /// Σ over negatives of twice the positives above, and of its square.
    above: [f64; 2],
    /// Σ over positives of the square of twice the negatives above.
    squares_of_positives: f64,
    precision: f64,
    ks: [f64; 3],
    seen: usize,
    hits: usize,
    /// The next share at which lift is read, its row, and the hits among the best rows so far.
    lift: usize,
    lift_row: usize,
    lift_hits: [usize; 4],
    rows: usize,
}

impl Walk {
    pub(super) fn new(positives: f64, negatives: f64, rows: usize) -> Self {
        Self {
            positives,
            negatives,
            tp: 0.0,
            fp: 0.0,
            run: usize::MAX,
            before: [0.0; 2],
            above: [0.0; 2],
            squares_of_positives: 0.0,
            precision: 0.0,
            ks: [0.0; 3],
            seen: 0,
            hits: 0,
            lift: 0,
            lift_row: best_rows(rows, LIFT_SHARES[0]),
            lift_hits: [0; 4],
            rows,
        }
    }

    #[inline]
    fn count(&mut self, positive: bool, weight: f64) {
        *(if positive { &mut self.tp } else { &mut self.fp }) += weight;
        self.hits += usize::from(positive);
        self.seen += 1;
        while self.seen == self.lift_row {
            self.lift_hits[self.lift] = self.hits;
            self.lift += 1;
            self.lift_row = LIFT_SHARES.get(self.lift).map_or(usize::MAX, |&share| best_rows(self.rows, share));
        }
    }

    /// Scores a row, after all rows of its run are counted.
    #[inline]
    fn score(&mut self, positive: bool, weight: f64, before: [f64; 2]) {
        if positive {
            let above = before[1] + self.fp;
            self.squares_of_positives += weight * above * above;
            if weight > 0.0 {
                self.precision += weight * self.tp / (self.tp + self.fp);
            }
        } else {
            let above = before[0] + self.tp;
            self.above[0] += weight * above;
            self.above[1] += weight * above * above;
        }
    }

    #[inline]
    fn look_at_ks(&mut self) {
        // Multiplied out, so that most rows cost no division.
        let distance = self.tp * self.negatives - self.fp * self.positives;
        if distance > self.ks[0] {
            self.ks = [distance, self.tp, self.fp];
        }
    }

    /// Hits among the best rows at each of [`LIFT_SHARES`], with how many rows those are; then of all rows.
    pub(super) fn lifts(&self) -> [(usize, usize); 5] {
        std::array::from_fn(|at| match LIFT_SHARES.get(at) {
            Some(&share) => (self.lift_hits[at], best_rows(self.rows, share)),
            None => (self.hits, self.rows),
        })
    }

    /// What the order says; `None` where a class is missing.
    pub(super) fn ranks(&self) -> Option<Ranks> {
        let (positives, negatives) = (self.positives, self.negatives);
        if !(positives > 0.0 && negatives > 0.0) {
            return None;
        }
        let area = self.above[0] / (2.0 * positives * negatives);
        let of_positives = self.squares_of_positives / (4.0 * negatives * negatives * positives) - (1.0 - area).powi(2);
        let of_negatives = self.above[1] / (4.0 * positives * positives * negatives) - area * area;
        let [distance, tp, fp] = self.ks;
        Some(Ranks {
            area,
            spread: [of_positives.max(0.0), of_negatives.max(0.0)],
            average_precision: self.precision / positives,
            ks: [distance / (positives * negatives), tp / positives, fp / negatives],
        })
    }
}

/// How many rows the best `share` of `rows` are: rounded down, at least one.
fn best_rows(rows: usize, share: f64) -> usize {
    ((rows as f64 * share).floor() as usize).max(1)
}

impl<'a> Ranked<'a> {
    pub(super) fn new(y: &[bool], scores: &'a [f64], order: &'a Order) -> Self {
        let flag = |(&row, &tied): (&u32, &bool)| (u8::from(y[row as usize]) * POSITIVE) | (u8::from(tied) * TIED);
        Self { scores, order: &order.rows, flags: order.rows.iter().zip(&order.ties).map(flag).collect() }
    }

    /// Walks from the highest score down.
    pub(super) fn walk(&self, walks: &mut [Walk], code: impl Fn(usize) -> usize, weight: impl Fn(usize) -> f64) {
        let mut start = 0;
        while start < self.order.len() {
            if self.flags[start] & TIED == 0 {
                let row = self.order[start] as usize;
                if let Some(walk) = walks.get_mut(code(row)) {
                    let (positive, before) = (self.flags[start] & POSITIVE != 0, [walk.tp, walk.fp]);
                    walk.count(positive, weight(row));
                    walk.score(positive, weight(row), before);
                    if positive {
                        walk.look_at_ks();
                    }
                }
                start += 1;
                continue;
            }
            let tied = self.flags[start..].iter().take_while(|&&flags| flags & TIED != 0).count();
            let run = start..(start + tied + 1);
            for at in run.clone() {
                let row = self.order[at] as usize;
                let Some(walk) = walks.get_mut(code(row)) else { continue };
                if walk.run != run.start {
                    (walk.run, walk.before) = (run.start, [walk.tp, walk.fp]);
                }
                walk.count(self.flags[at] & POSITIVE != 0, weight(row));
            }
            for at in run.clone() {
                let row = self.order[at] as usize;
                let Some(walk) = walks.get_mut(code(row)) else { continue };
                walk.score(self.flags[at] & POSITIVE != 0, weight(row), walk.before);
                walk.look_at_ks();
            }
            start = run.end;
        }
    }

    /// The selection at falling scores, at most about two hundred points: one wherever the ROC curve has moved a step,
    /// and one at each doubling of the selected rows, where precision moves fastest.
    pub(super) fn curve(&self, totals: &Confusion, weight: impl Fn(usize) -> f64) -> Vec<CurvePoint> {
        let (positives, negatives) = (totals.positives(), totals.negatives());
        if !(positives > 0.0 && negatives > 0.0) {
            return Vec::new();
        }
        let (mut tp, mut fp, mut points) = (0.0, 0.0, Vec::new());
        let (mut next_step, mut next_rows) = (0.0, 1);
        for (at, (&row, flags)) in self.order.iter().zip(&self.flags).enumerate() {
            *(if flags & POSITIVE != 0 { &mut tp } else { &mut fp }) += weight(row as usize);
            if flags & TIED != 0 {
                continue;
            }
            let moved = tp / positives + fp / negatives;
            let selected = at + 1;
            if moved >= next_step || selected >= next_rows || selected == self.order.len() {
                points.push(CurvePoint { threshold: self.scores[row as usize], tp, fp });
                next_step = moved + 2.0 / CURVE_STEPS;
                next_rows = selected.saturating_mul(2).max(next_rows);
            }
        }
        points
    }
}

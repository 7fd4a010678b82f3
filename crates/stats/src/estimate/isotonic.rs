//! Isotonic regression: the non-decreasing function nearest to the rows, by pooling adjacent violators.

/// x closer than this are one point, as in scikit-learn.
const RESOLUTION: f64 = 1e-15;

/// A non-decreasing function, linear between its points and constant outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// Ascending places of the points.
    pub xs: Vec<f64>,
    /// The values there, as many, not descending.
    pub ys: Vec<f64>,
}

impl Isotonic {
    /// Fits scores to what came of them. `None` for no rows, lengths that differ, or a NaN.
    pub fn fit(scores: &[f64], y: &[bool]) -> Option<Self> {
        if scores.is_empty() || scores.len() != y.len() || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(y.iter().copied()).collect();
        rows.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
        let mut blocks: Vec<Block> = Vec::new();
        let mut begin = 0;
        while begin < rows.len() {
            let x = rows[begin].0;
            let count = rows[begin..].iter().take_while(|row| row.0 - x < RESOLUTION || row.0 == x).count();
            let positives = rows[begin..begin + count].iter().filter(|row| row.1).count();
            let mut block = Block { first: x, last: x, rows: count as f64, positives: positives as f64 };
            while let Some(before) = blocks.pop_if(|before| before.mean() >= block.mean()) {
                block = Block {
                    first: before.first,
                    rows: before.rows + block.rows,
                    positives: before.positives + block.positives,
                    ..block
                };
            }
            blocks.push(block);
            begin += count;
        }
        let mut curve = Self { xs: Vec::new(), ys: Vec::new() };
        for block in blocks {
            curve.xs.push(block.first);
            curve.ys.push(block.mean());
            if block.last > block.first {
                curve.xs.push(block.last);
                curve.ys.push(block.mean());
            }
        }
        Some(curve)
    }

    /// The function's value. `None` for a NaN, and of a function without points.
    pub fn at(&self, x: f64) -> Option<f64> {
        if x.is_nan() {
            return None;
        }
        let above = self.xs.partition_point(|&point| point <= x);
        let point = |index: usize| Some((*self.xs.get(index)?, *self.ys.get(index)?));
        match (above.checked_sub(1).and_then(point), point(above)) {
            (Some(left), Some(right)) => Some((right.1 - left.1) / (right.0 - left.0) * (x - left.0) + left.1),
            (only, None) | (None, only) => only.map(|(_, y)| y),
        }
    }
}

/// Rows that share a value.
#[derive(Clone, Copy)]
struct Block {
    first: f64,
    last: f64,
    rows: f64,
    positives: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.positives / self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_and_values_between_points_are_interpolated() {
        let curve = Isotonic::fit(&[0.1, 0.2, 0.3, 0.4, 0.4], &[false, true, false, true, true]).unwrap();
        assert_eq!(curve, Isotonic { xs: vec![0.1, 0.2, 0.3, 0.4], ys: vec![0.0, 0.5, 0.5, 1.0] });
        assert_eq!([curve.at(-1.0), curve.at(0.25), curve.at(2.0)], [Some(0.0), Some(0.5), Some(1.0)]);
        assert!((curve.at(0.15).unwrap() - 0.25).abs() < 1e-15);
        assert_eq!((curve.at(f64::NAN), Isotonic::fit(&[], &[])), (None, None));
        assert_eq!(Isotonic::fit(&[0.5, 0.5], &[true, false]).unwrap().at(0.9), Some(0.5));
    }
}

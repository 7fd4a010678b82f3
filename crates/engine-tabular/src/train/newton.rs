//! Penalised least squares and logistic regression by Newton's method, on a dense matrix.

use flyball_core::{Error, ErrorCode, Result, Task};
use rayon::prelude::*;

/// Rows per piece when sums are formed in parallel; fixed, so that sums do not depend on the number of threads.
const PIECE_ROWS: usize = 4_096;

/// The coefficients of a linear model; the last one is the intercept, which is not penalised.
///
/// `rows` is row-major with `columns` values per row. Ridge regression is solved at once; logistic regression by
/// iteratively reweighted least squares (Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 4.4.1),
/// each step halved until the penalised loss does not grow.
pub(crate) fn fit(
    rows: &[f64],
    columns: usize,
    target: &Targets<'_>,
    task: Task,
    l2: f64,
    steps: usize,
) -> Result<Vec<f64>> {
    let problem = Problem { rows, columns, target, task, l2 };
    let mut weights = vec![0.0; columns + 1];
    let sum: f64 = target.values.iter().zip(target.weights).map(|(value, weight)| value * weight).sum();
    let mean = sum / target.weights.iter().sum::<f64>();
    weights[columns] = if task == Task::Classification { (mean / (1.0 - mean)).ln() } else { mean };
    let mut loss = problem.loss(&weights);
    for _ in 0..steps {
        let step = problem.newton_step(&weights)?;
        let mut scale = 1.0;
        let (candidate, next) = loop {
            let candidate: Vec<f64> = weights.iter().zip(&step).map(|(w, s)| w - scale * s).collect();
            let next = problem.loss(&candidate);
            if next <= loss || scale < 1e-6 {
                break (candidate, next);
            }
            scale /= 2.0;
        };
        let gained = loss - next;
        if gained > 0.0 {
            (weights, loss) = (candidate, next);
        }
        if gained <= 1e-10 * loss.abs() {
            break;
        }
    }
    Ok(weights)
}

/// What the rows shall give, and how much each of them counts.
pub(crate) struct Targets<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) weights: &'a [f64],
}

struct Problem<'a> {
    rows: &'a [f64],
    columns: usize,
    target: &'a Targets<'a>,
    task: Task,
    l2: f64,
}

impl Problem<'_> {
    fn score(&self, row: &[f64], weights: &[f64]) -> f64 {
        row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + weights[self.columns]
    }

    /// The rows with their targets and weights, in pieces.
    fn pieces(&self) -> impl IndexedParallelIterator<Item = impl Iterator<Item = (&[f64], f64, f64)>> {
        let rows = self.rows.par_chunks(PIECE_ROWS * self.columns);
        let targets = self.target.values.par_chunks(PIECE_ROWS).zip(self.target.weights.par_chunks(PIECE_ROWS));
        rows.zip(targets).map(|(rows, (target, weights))| {
            let targets = target.iter().zip(weights);
            rows.chunks_exact(self.columns).zip(targets).map(|(row, (y, weight))| (row, *y, *weight))
        })
    }

    fn penalty(&self, weights: &[f64]) -> f64 {
        self.l2 / 2.0 * weights[..self.columns].iter().map(|w| w * w).sum::<f64>()
    }

    /// Half the squared error, or the negative log-likelihood, plus the penalty.
    fn loss(&self, weights: &[f64]) -> f64 {
        let of_row = |(row, y, weight): (&[f64], f64, f64)| {
            let score = self.score(row, weights);
            weight
                * match self.task {
                    Task::Regression => (y - score).powi(2) / 2.0,
                    Task::Classification => score.max(0.0) - score * y + (-score.abs()).exp().ln_1p(),
                }
        };
        let pieces: Vec<f64> = self.pieces().map(|piece| piece.map(of_row).sum()).collect();
        pieces.iter().sum::<f64>() + self.penalty(weights)
    }

    /// The inverse Hessian times the gradient.
    fn newton_step(&self, weights: &[f64]) -> Result<Vec<f64>> {
        let size = self.columns + 1;
        let pieces: Vec<(Vec<f64>, Vec<f64>)> = self
            .pieces()
            .map(|piece| {
                let (mut hessian, mut gradient) = (vec![0.0; size * size], vec![0.0; size]);
                let mut extended = vec![1.0; size];
                for (row, y, weight) in piece {
                    let score = self.score(row, weights);
                    let (error, curvature) = match self.task {
                        Task::Regression => (weight * (score - y), weight),
                        Task::Classification => {
                            let p = 1.0 / (1.0 + (-score).exp());
                            (weight * (p - y), weight * (p * (1.0 - p)))
                        }
                    };
                    extended[..self.columns].copy_from_slice(row);
                    for i in (0..size).filter(|&i| extended[i] != 0.0) {
                        gradient[i] += error * extended[i];
                        let factor = curvature * extended[i];
                        let line = &mut hessian[i * size..i * size + i + 1];
                        line.iter_mut().zip(&extended).for_each(|(h, x)| *h += factor * x);
                    }
                }
                (hessian, gradient)
            })
            .collect();
        let (mut hessian, mut gradient) = (vec![0.0; size * size], vec![0.0; size]);
        for (h, g) in pieces {
            hessian.iter_mut().zip(h).for_each(|(sum, x)| *sum += x);
            gradient.iter_mut().zip(g).for_each(|(sum, x)| *sum += x);
        }
        for i in 0..self.columns {
            hessian[i * size + i] += self.l2;
            gradient[i] += self.l2 * weights[i];
        }
        solve(hessian, gradient, size)
    }
}

/// Solves a symmetric positive system given by its lower triangle (Cholesky). Columns that others explain entirely
/// get a tiny ridge instead of a division by zero.
fn solve(mut matrix: Vec<f64>, mut x: Vec<f64>, size: usize) -> Result<Vec<f64>> {
    let largest = (0..size).map(|i| matrix[i * size + i]).fold(0.0, f64::max);
    for i in 0..size {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i * size + k] * matrix[j * size + k]).sum();
            let rest = matrix[i * size + j] - dot;
            matrix[i * size + j] =
                if i == j { rest.max(1e-10 * largest).max(1e-300).sqrt() } else { rest / matrix[j * size + j] };
        }
    }
    for i in 0..size {
        let dot: f64 = (0..i).map(|k| matrix[i * size + k] * x[k]).sum();
        x[i] = (x[i] - dot) / matrix[i * size + i];
    }
    for i in (0..size).rev() {
        let dot: f64 = (i + 1..size).map(|k| matrix[k * size + i] * x[k]).sum();
        x[i] = (x[i] - dot) / matrix[i * size + i];
    }
    if x.iter().all(|v| v.is_finite()) {
        return Ok(x);
    }
    Err(Error::new(ErrorCode::InvalidData, "the linear model has no finite solution on these rows")
        .hint("check the features for infinite values, or raise the parameter l2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(values: &[f64]) -> Targets<'_> {
        Targets { values, weights: &[1.0; 32][..values.len()] }
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let rows = [0.3, 1.0, -0.5, 2.0, 0.1];
        let twice = [0.3, 1.0, 1.0, -0.5, 2.0, 0.1];
        for (task, target, target_twice) in [
            (Task::Classification, [0.0, 1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
            (Task::Regression, [0.2, 1.5, -1.0, 3.0, 0.4], [0.2, 1.5, 1.5, -1.0, 3.0, 0.4]),
        ] {
            let weighted = Targets { values: &target, weights: &[1.0, 2.0, 1.0, 1.0, 1.0] };
            let found = fit(&rows, 1, &weighted, task, 1.0, 100).unwrap();
            let expected = fit(&twice, 1, &alike(&target_twice), task, 1.0, 100).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-6, "{task:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn ridge_without_penalty_is_least_squares() {
        // y = 3 + 2a − b exactly.
        let rows = [1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 4.0, 3.0];
        let target = [5.0, 2.0, 6.0, 8.0];
        let weights = fit(&rows, 2, &alike(&target), Task::Regression, 0.0, 10).unwrap();
        for (weight, expected) in weights.iter().zip([2.0, -1.0, 3.0]) {
            assert!((weight - expected).abs() < 1e-9, "{weights:?}");
        }
    }

    #[test]
    fn logistic_regression_matches_scikit_learn() {
        // LogisticRegression(C=1).fit([[0],[1],[2],[3]], [0,0,1,1]): coefficient 0.95828595, intercept −1.43742892.
        let target = alike(&[0.0, 0.0, 1.0, 1.0]);
        let weights = fit(&[0.0, 1.0, 2.0, 3.0], 1, &target, Task::Classification, 1.0, 100).unwrap();
        assert!((weights[0] - 0.958_285_95).abs() < 1e-6 && (weights[1] + 1.437_428_92).abs() < 1e-6, "{weights:?}");
    }

    #[test]
    fn separable_classes_and_copied_columns_still_have_a_solution() {
        let rows: Vec<f64> = (0..20).flat_map(|i| [f64::from(i), f64::from(i), 0.0]).collect();
        let target: Vec<f64> = (0..20).map(|i| f64::from(u8::from(i >= 10))).collect();
        let weights = fit(&rows, 3, &alike(&target), Task::Classification, 0.0, 100).unwrap();
        assert!(weights.iter().all(|w| w.is_finite()));
    }
}

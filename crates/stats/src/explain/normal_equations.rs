//! Weighted least squares by the normal equations, in sums that can be taken apart again.

/// The sums of a weighted regression: XᵀWX and XᵀWy.
#[derive(Debug, Clone)]
pub(super) struct NormalEquations {
    size: usize,
    /// The lower triangle, line by line, each `size` long.
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl NormalEquations {
    pub(super) fn new(size: usize) -> Self {
        Self { size, matrix: vec![0.0; size * size], right: vec![0.0; size] }
    }

    /// Adds one observation.
    pub(super) fn add(&mut self, x: &[f64], y: f64, weight: f64) {
        for (i, &xi) in x.iter().enumerate().filter(|(_, xi)| **xi != 0.0) {
            self.right[i] += weight * xi * y;
            let line = &mut self.matrix[i * self.size..][..=i];
            line.iter_mut().zip(x).for_each(|(sum, xj)| *sum += weight * xi * xj);
        }
    }

    /// Adds the sums of others, times a factor.
    pub(super) fn add_all(&mut self, others: &Self, factor: f64) {
        self.matrix.iter_mut().zip(&others.matrix).for_each(|(sum, other)| *sum += factor * other);
        self.right.iter_mut().zip(&others.right).for_each(|(sum, other)| *sum += factor * other);
    }

    /// The coefficients, by Cholesky's decomposition; `None` if they are not determined.
    pub(super) fn solve(&self) -> Option<Vec<f64>> {
        let n = self.size;
        let mut lower = self.matrix.clone();
        for i in 0..n {
            for j in 0..=i {
                let (above, line) = lower.split_at(i * n);
                let other = if i == j { line } else { &above[j * n..] };
                let sum: f64 = line[..j].iter().zip(&other[..j]).map(|(a, b)| a * b).sum();
                let rest = line[j] - sum;
                lower[i * n + j] = if i == j {
                    // Relative to what stood there: less is rounding.
                    (rest > 1e-12 * self.matrix[i * n + i]).then(|| rest.sqrt())?
                } else {
                    rest / lower[j * n + j]
                };
            }
        }
        let mut solution = self.right.clone();
        for i in 0..n {
            let sum: f64 = (0..i).map(|j| lower[i * n + j] * solution[j]).sum();
            solution[i] = (solution[i] - sum) / lower[i * n + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|j| lower[j * n + i] * solution[j]).sum();
            solution[i] = (solution[i] - sum) / lower[i * n + i];
        }
        Some(solution)
    }
}

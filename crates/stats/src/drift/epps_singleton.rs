//! Epps and Singleton's test: do both samples have the same characteristic function?

use super::{Test, sorted};
use crate::special::chi_square_sf;
use crate::summary::quantile;

/// Where the characteristic functions are compared, in halves of the interquartile range (Epps & Singleton 1986).
const POINTS: [f64; 2] = [0.4, 0.8];
/// Real and imaginary part at each point.
const SIZE: usize = 2 * POINTS.len();
/// Fewer rows on a side are refused.
const LEAST_ROWS: usize = 5;
/// Below this many rows on both sides the statistic is corrected.
const FEW_ROWS: usize = 25;
/// Directions whose variance is below this part of the largest one are rounding: the samples do not vary along them.
const ROUNDING: f64 = 1e-12;
/// Sweeps of Jacobi's method; a 4 × 4 matrix needs about six.
const SWEEPS: usize = 50;

type Row = [f64; SIZE];
type Matrix = [Row; SIZE];

/// The test of values in any order; NaN and infinities are dropped. `None` with fewer than five rows on a side, or where
/// the middle half of all values is one value.
pub fn epps_singleton(reference: &[f64], current: &[f64]) -> Option<Test> {
    let (reference, current) = (sorted(reference), sorted(current));
    if reference.len().min(current.len()) < LEAST_ROWS {
        return None;
    }
    let all = sorted(&[reference.as_slice(), current.as_slice()].concat());
    let half = (quantile(&all, 0.75)? - quantile(&all, 0.25)?) / 2.0;
    if half <= 0.0 || !half.is_finite() {
        return None;
    }
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let (mean_before, before) = waves(&reference, half);
    let (mean_now, now) = waves(&current, half);
    let covariance: Matrix = std::array::from_fn(|row| {
        std::array::from_fn(|column| (n + m) * (before[row][column] / n + now[row][column] / m))
    });
    let difference: Row = std::array::from_fn(|row| mean_before[row] - mean_now[row]);
    let (eigenvalues, eigenvectors) = eigen(covariance);
    let largest = eigenvalues.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    // Left out as in a pseudo-inverse.
    let least = largest * ROUNDING;
    let (mut statistic, mut degrees) = (0.0, 0.0);
    for (column, &eigenvalue) in eigenvalues.iter().enumerate().filter(|(_, value)| value.abs() > least) {
        let along: f64 = (0..SIZE).map(|row| eigenvectors[row][column] * difference[row]).sum();
        statistic += (n + m) * along * along / eigenvalue;
        degrees += 1.0;
    }
    if reference.len().max(current.len()) < FEW_ROWS {
        statistic /= 1.0 + (n + m).powf(-0.45) + 10.1 * (n.powf(-1.7) + m.powf(-1.7));
    }
    (degrees > 0.0).then(|| Test { statistic, p_value: chi_square_sf(statistic, degrees) })
}

/// Means and covariances (dividing by the rows) of the cosines and sines of one side.
fn waves(values: &[f64], half: f64) -> (Row, Matrix) {
    let wave = |value: f64| -> Row {
        let [first, second] = POINTS.map(|point| (point / half * value).sin_cos());
        [first.1, second.1, first.0, second.0]
    };
    let rows = values.len() as f64;
    let mut mean = [0.0; SIZE];
    for &value in values {
        for (sum, part) in mean.iter_mut().zip(wave(value)) {
            *sum += part / rows;
        }
    }
    let mut covariance = [[0.0; SIZE]; SIZE];
    for &value in values {
        let wave = wave(value);
        for row in 0..SIZE {
            for column in 0..SIZE {
                covariance[row][column] += (wave[row] - mean[row]) * (wave[column] - mean[column]) / rows;
            }
        }
    }
    (mean, covariance)
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric matrix by Jacobi's rotations.
fn eigen(mut matrix: Matrix) -> (Row, Matrix) {
    let mut vectors: Matrix =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(u8::from(row == column))));
    for _ in 0..SWEEPS {
        let off: f64 =
            (0..SIZE).flat_map(|row| (0..row).map(move |column| (row, column))).map(|(r, c)| matrix[r][c].abs()).sum();
        if off == 0.0 {
            break;
        }
        for p in 0..SIZE {
            for q in p + 1..SIZE {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    (std::array::from_fn(|row| matrix[row][row]), vectors)
}

/// Turns the plane of two axes so that their common entry vanishes.
fn rotate(matrix: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) {
    if matrix[p][q] == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |left: f64, right: f64| (cosine * left - sine * right, sine * left + cosine * right);
    for row in matrix.iter_mut().chain(vectors.iter_mut()) {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    let (upper, lower) = matrix.split_at_mut(q);
    for (left, right) in upper[p].iter_mut().zip(&mut lower[0]) {
        (*left, *right) = turn(*left, *right);
    }
    (matrix[p][q], matrix[q][p]) = (0.0, 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_matrix_is_taken_apart() {
        let matrix = [[4.0, 1.0, 0.5, 0.0], [1.0, 3.0, 0.2, 0.1], [0.5, 0.2, 2.0, 0.3], [0.0, 0.1, 0.3, 1.0]];
        let (values, vectors) = eigen(matrix);
        for row in 0..SIZE {
            for column in 0..SIZE {
                let back: f64 = (0..SIZE).map(|k| values[k] * vectors[row][k] * vectors[column][k]).sum();
                assert!((back - matrix[row][column]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn few_rows_and_a_constant_middle_are_undefined() {
        assert_eq!(epps_singleton(&[1.0; 4], &[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        assert_eq!(epps_singleton(&[1.0; 50], &[1.0; 50]), None);
    }
}

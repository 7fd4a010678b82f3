//! Eigenvalues of a symmetric matrix by Jacobi's rotations.

/// Rotations of all pairs after which even nearly equal eigenvalues have settled; ten are usual.
const SWEEPS: usize = 100;

/// Eigenvalues and eigenvectors, the largest eigenvalue first.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// Eigenvalues in descending order.
    pub values: Vec<f64>,
    /// The eigenvector of each, of length 1.
    pub vectors: Vec<Vec<f64>>,
}

/// Decomposes a symmetric matrix given by rows. `None` if it is not square or holds a NaN or an infinity.
pub fn symmetric_eigen(matrix: &[Vec<f64>]) -> Option<Eigen> {
    let size = matrix.len();
    if matrix.iter().any(|row| row.len() != size || row.iter().any(|value| !value.is_finite())) {
        return None;
    }
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..size {
            for q in p + 1..size {
                rotated |= rotate(&mut a, &mut vectors, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&left, &right| a[right][right].total_cmp(&a[left][left]));
    Some(Eigen {
        values: order.iter().map(|&index| a[index][index]).collect(),
        vectors: order.iter().map(|&index| vectors[index].clone()).collect(),
    })
}

/// Makes the element at (p, q) zero. False if it already is as good as that.
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) -> bool {
    let apart = a[p][q];
    if apart.abs() <= f64::EPSILON * (a[p][p].abs() * a[q][q].abs()).sqrt() || apart.abs() < f64::MIN_POSITIVE {
        return false;
    }
    let slope = (a[q][q] - a[p][p]) / (2.0 * apart);
    let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |left: f64, right: f64| (cosine * left - sine * right, sine * left + cosine * right);
    for row in a.iter_mut() {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    for column in 0..a.len() {
        (a[p][column], a[q][column]) = turn(a[p][column], a[q][column]);
        (vectors[p][column], vectors[q][column]) = turn(vectors[p][column], vectors[q][column]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_values_rebuild_the_matrix() {
        let matrix = vec![vec![4.0, 1.0, -2.0], vec![1.0, 2.0, 0.0], vec![-2.0, 0.0, 3.0]];
        let eigen = symmetric_eigen(&matrix).unwrap();
        assert!(eigen.values.windows(2).all(|pair| pair[0] >= pair[1]));
        for (i, row) in matrix.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let rebuilt: f64 = (0..3).map(|k| eigen.values[k] * eigen.vectors[k][i] * eigen.vectors[k][j]).sum();
                assert!((rebuilt - value).abs() < 1e-12);
            }
        }
        assert_eq!(symmetric_eigen(&[vec![1.0, 2.0]]), None);
        assert_eq!(symmetric_eigen(&[vec![f64::NAN]]), None);
        assert_eq!(symmetric_eigen(&[]).unwrap().values, [0.0; 0]);
    }
}

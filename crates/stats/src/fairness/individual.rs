//! Are similar people treated alike?

use crate::summary::mean;

/// Consistency (Zemel et al. 2013, as AIF360 has it): 1 − mean |ŷᵢ − mean of ŷ over the `neighbours` rows nearest to i|, by
/// Euclidean distance over `width` features; a row is its own nearest neighbour, and equally near rows are taken in
/// their order. `features` holds the rows one after another, on scales that can be compared.
///
/// The work grows with the square of the rows: give a sample of some thousand. `None` when lengths do not fit, a feature
/// is not finite, or there are fewer rows than neighbours.
pub fn consistency(features: &[f64], width: usize, predicted: &[f64], neighbours: usize) -> Option<f64> {
    let rows = predicted.len();
    let fits = width > 0 && rows.checked_mul(width) == Some(features.len());
    if !fits || neighbours == 0 || rows < neighbours || features.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let points: Vec<&[f64]> = features.chunks_exact(width).collect();
    let mut distances: Vec<(f64, usize)> = Vec::with_capacity(rows);
    let gaps = (0..rows).map(|row| {
        distances.clear();
        let square = |other: &[f64]| points[row].iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        distances.extend(points.iter().enumerate().map(|(other, point)| (square(point), other)));
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        distances.select_nth_unstable_by(neighbours - 1, order);
        let near: f64 = distances[..neighbours].iter().map(|(_, other)| predicted[*other]).sum();
        (predicted[row] - near / neighbours as f64).abs()
    });
    let gaps: Vec<f64> = gaps.collect();
    mean(&gaps).map(|gap| 1.0 - gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_are_treated_alike_are_consistent() {
        let features = [0.0, 0.1, 0.2, 9.0, 9.1, 9.2];
        assert_eq!(consistency(&features, 1, &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 3), Some(1.0));
        // One of three is treated otherwise: it is ⅔ away from its neighbours, each of them ⅓.
        let found = consistency(&features, 1, &[1.0, 0.0, 1.0, 0.0, 0.0, 0.0], 3).unwrap();
        assert!((found - (1.0 - (4.0 / 3.0) / 6.0)).abs() < 1e-15, "{found}");
    }

    #[test]
    fn what_does_not_fit_is_undefined() {
        assert_eq!(consistency(&[0.0, 1.0], 1, &[1.0], 1), None);
        assert_eq!(consistency(&[0.0], 1, &[1.0], 2), None);
        assert_eq!(consistency(&[f64::NAN], 1, &[1.0], 1), None);
        assert_eq!(consistency(&[], 0, &[], 1), None);
    }
}

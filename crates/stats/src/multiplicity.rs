//! Keeping the false alarm rate when many things are tested at once.

/// Benjamini–Hochberg adjusted p-values, in the given order: rejecting those ≤ q keeps the expected share of false
/// rejections at or below q (and, when nothing is true, the chance of any rejection) for independent or positively
/// dependent tests. A NaN stays NaN and is not counted as a test.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&test| !p_values[test].is_nan()).collect();
    order.sort_unstable_by(|&left, &right| p_values[right].total_cmp(&p_values[left]));
    let tests = order.len();
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut smallest = 1.0_f64;
    for (from_largest, &test) in order.iter().enumerate() {
        smallest = smallest.min(p_values[test] * tests as f64 / (tests - from_largest) as f64);
        adjusted[test] = smallest;
    }
    adjusted
}

/// Holm's adjusted p-values, in the given order: rejecting those ≤ α keeps the chance of any false rejection at or below α,
/// however the tests depend on each other. A NaN stays NaN and is not counted as a test.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&test| !p_values[test].is_nan()).collect();
    order.sort_unstable_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let tests = order.len();
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut largest = 0.0_f64;
    for (from_smallest, &test) in order.iter().enumerate() {
        largest = largest.max((p_values[test] * (tests - from_smallest) as f64).min(1.0));
        adjusted[test] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holms_values_follow_the_published_procedure() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, f64::NAN]);
        for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - expected).abs() < 1e-15, "{adjusted:?}");
        }
        assert!(adjusted[4].is_nan());
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
    }

    #[test]
    fn adjusted_values_follow_the_published_procedure() {
        let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]);
        for (got, expected) in adjusted.iter().zip([0.02, 0.04, 0.04, 0.02]) {
            assert!((got - expected).abs() < 1e-15, "{adjusted:?}");
        }
    }

    #[test]
    fn an_untested_column_costs_nothing() {
        let adjusted = benjamini_hochberg(&[0.02, f64::NAN]);
        assert_eq!(adjusted[0], 0.02);
        assert!(adjusted[1].is_nan());
    }
}

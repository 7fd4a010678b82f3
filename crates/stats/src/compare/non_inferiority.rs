//! A challenger may be promoted if it is shown to be not worse than the champion by more than a margin.

use crate::special::{normal_quantile, normal_sf};

/// Outcome of a non-inferiority test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonInferiority {
    /// One-sided lower confidence bound of the difference.
    pub lower_bound: f64,
    /// P-value of the hypothesis that the challenger is worse by the margin or more.
    pub p_value: f64,
    /// Whether the bound lies above −margin.
    pub holds: bool,
}

/// Tests a difference (challenger − champion, higher is better) with its standard error against −`margin` at
/// one-sided `confidence`. `None` for a negative margin or error, a NaN, or a confidence outside (0, 1).
///
/// Without a standard error (equal predictions) the difference itself decides, and an equal challenger passes.
pub fn non_inferior(delta_estimate: f64, standard_error: f64, margin: f64, confidence: f64) -> Option<NonInferiority> {
    let valid = margin >= 0.0 && standard_error >= 0.0 && confidence > 0.0 && confidence < 1.0;
    if !valid || delta_estimate.is_nan() {
        return None;
    }
    if standard_error == 0.0 {
        let holds = delta_estimate >= -margin;
        return Some(NonInferiority { lower_bound: delta_estimate, p_value: f64::from(u8::from(!holds)), holds });
    }
    let lower_bound = delta_estimate - normal_quantile(confidence) * standard_error;
    let p_value = normal_sf((delta_estimate + margin) / standard_error);
    Some(NonInferiority { lower_bound, p_value, holds: lower_bound > -margin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_interval_proves_nothing() {
        assert!(!non_inferior(0.0, 0.01, 0.005, 0.95).unwrap().holds);
        assert!(non_inferior(0.0, 0.003, 0.005, 0.95).unwrap().holds);
        assert!(!non_inferior(-0.004, 0.003, 0.005, 0.95).unwrap().holds);
    }

    #[test]
    fn bound_and_p_value_agree() {
        for delta in [-0.01, -0.002, 0.0, 0.004] {
            let test = non_inferior(delta, 0.003, 0.005, 0.9).unwrap();
            assert_eq!(test.holds, test.p_value < 0.1, "{delta}");
        }
    }

    #[test]
    fn an_equal_challenger_passes_and_nonsense_is_refused() {
        assert!(non_inferior(0.0, 0.0, 0.0, 0.95).unwrap().holds);
        assert_eq!(non_inferior(0.0, -1.0, 0.0, 0.95), None);
        assert_eq!(non_inferior(f64::NAN, 1.0, 0.0, 0.95), None);
    }
}

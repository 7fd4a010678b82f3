//! The shape of the errors: are they normal, and which rows are over- and underestimated?

use crate::special::{chi_square_sf, normal_quantile};
use crate::summary::{finite_sorted, mean, quantile, ratio};

/// How far the errors are from a normal distribution (Jarque & Bera 1980).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normality {
    /// Skewness: positive if large errors are mostly predictions too high.
    pub skewness: f64,
    /// Kurtosis less that of a normal distribution: positive for heavy tails.
    pub excess_kurtosis: f64,
    /// n/6 · (skewness² + excess²/4).
    pub statistic: f64,
    /// Its p-value by χ² with two degrees of freedom, which holds for some hundred rows and more.
    pub p_value: f64,
}

/// Tests whether finite errors are normal. `None` for fewer than two of them, or when all are equal.
pub fn error_normality(errors: &[f64]) -> Option<Normality> {
    let errors = finite_sorted(errors);
    let center = mean(&errors)?;
    let moment = |power: i32| mean(&errors.iter().map(|error| (error - center).powi(power)).collect::<Vec<_>>());
    let variance = moment(2)?;
    let skewness = ratio(moment(3)?, variance.powf(1.5))?;
    let excess_kurtosis = ratio(moment(4)?, variance * variance)? - 3.0;
    let statistic = errors.len() as f64 / 6.0 * (skewness * skewness + excess_kurtosis * excess_kurtosis / 4.0);
    Some(Normality { skewness, excess_kurtosis, statistic, p_value: chi_square_sf(statistic, 2.0) })
}

/// Points of a normal quantile plot of the finite errors, at most `points` of them and evenly spread over the ranks:
/// (standard normal quantile, error). The straight line of normal errors passes through their mean with their deviation.
pub fn normal_quantiles(errors: &[f64], points: usize) -> Vec<(f64, f64)> {
    let sorted = finite_sorted(errors);
    let rows = sorted.len();
    let count = points.min(rows);
    (0..count)
        .map(|at| {
            let rank = if count < 2 { 0 } else { at * (rows - 1) / (count - 1) };
            (normal_quantile((rank as f64 + 0.5) / rows as f64), sorted[rank])
        })
        .collect()
}

/// A part of the rows by the size and side of their errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// The lowest errors: predictions too low.
    Underestimated,
    /// The errors between.
    Expected,
    /// The highest errors: predictions too high.
    Overestimated,
}

/// How a feature differs between the segments: its mean in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorBias {
    /// Mean of the feature where the prediction is far too low.
    pub underestimated: f64,
    /// Mean of the feature where the error is ordinary.
    pub expected: f64,
    /// Mean of the feature where the prediction is far too high.
    pub overestimated: f64,
    /// |mean of the overestimated − mean of the underestimated| over the range of the feature: 0 means that the
    /// feature does not say which way the model errs.
    pub range: f64,
}

/// The error-bias table of a feature: `share` of the rows at each end of the errors (5 % in the common reports) make up
/// the segments. Rows whose error or feature is not finite are left out. `None` if lengths differ, a segment is empty, the
/// share is outside (0, ½), or the feature is constant.
pub fn error_bias(feature: &[f64], errors: &[f64], share: f64) -> Option<ErrorBias> {
    let valid = feature.len() == errors.len() && share > 0.0 && share < 0.5;
    let sorted = finite_sorted(errors);
    let (low, high) = (quantile(&sorted, share)?, quantile(&sorted, 1.0 - share)?);
    let rows = feature.iter().zip(errors).filter(|(feature, error)| valid && feature.is_finite() && error.is_finite());
    let (mut segments, mut least, mut most) = ([(0.0, 0.0); 3], f64::INFINITY, f64::NEG_INFINITY);
    for (&feature, &error) in rows {
        let segment = if error <= low {
            Segment::Underestimated
        } else if error >= high {
            Segment::Overestimated
        } else {
            Segment::Expected
        };
        let (count, sum) = &mut segments[segment as usize];
        *count += 1.0;
        *sum += feature;
        (least, most) = (least.min(feature), most.max(feature));
    }
    let [underestimated, expected, overestimated] = segments.map(|(count, sum)| ratio(sum, count));
    let (underestimated, overestimated) = (underestimated?, overestimated?);
    let range = ratio((overestimated - underestimated).abs(), most - least)?;
    Some(ErrorBias { underestimated, expected: expected?, overestimated, range })
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    #[test]
    fn normality_equals_scipy() {
        // scipy.stats.jarque_bera([0.3, -1.2, 0.7, 2.9, -0.4, 0.1, 0.0, -0.6])
        let test = error_normality(&[0.3, -1.2, 0.7, 2.9, -0.4, 0.1, 0.0, -0.6]).unwrap();
        assert!((test.statistic - 2.536964838709073).abs() < 1e-9, "{test:?}");
        assert!((test.p_value - 0.2812581299606502).abs() < 1e-9, "{test:?}");
        assert_eq!(error_normality(&[1.0, 1.0]), None);
    }

    #[test]
    fn the_quantile_plot_of_normal_errors_is_straight() {
        let mut rng = Rng::seeded(4);
        let errors: Vec<f64> = (0..20_000).map(|_| 3.0 + 2.0 * normal_quantile(rng.unit().max(1e-12))).collect();
        let points = normal_quantiles(&errors, 100);
        assert_eq!(points.len(), 100);
        for (deviate, error) in points.iter().filter(|(deviate, _)| deviate.abs() < 2.0) {
            assert!((error - (3.0 + 2.0 * deviate)).abs() < 0.15, "{deviate} {error}");
        }
        assert!(normal_quantiles(&[f64::NAN], 10).is_empty());
    }

    #[test]
    fn a_feature_that_turns_the_error_is_found() {
        let mut rng = Rng::seeded(6);
        let (guilty, innocent): (Vec<f64>, Vec<f64>) = (0..5_000).map(|_| (rng.unit(), rng.unit())).unzip();
        let errors: Vec<f64> = guilty.iter().map(|feature| feature - 0.5 + 0.1 * rng.unit()).collect();
        let (bad, good) = (error_bias(&guilty, &errors, 0.05).unwrap(), error_bias(&innocent, &errors, 0.05).unwrap());
        assert!(bad.range > 0.8 && bad.overestimated > bad.expected && bad.expected > bad.underestimated, "{bad:?}");
        assert!(good.range < 0.15, "{good:?}");
        assert_eq!(error_bias(&[1.0], &[], 0.05), None);
        assert_eq!(error_bias(&[1.0, 1.0, 1.0], &[0.0, 1.0, 2.0], 0.4), None);
    }
}

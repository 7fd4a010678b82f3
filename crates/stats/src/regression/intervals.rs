//! All metrics of predicted numbers, each with its interval.

use super::{
    d2_absolute_error, error_std, explained_variance, gamma, gamma_deviance, log_square, max_error, mean_error,
    median_absolute_error, msle, pearson, pinball, poisson, poisson_deviance, r2, relative, sorted_errors, symmetric,
    wape, weighted_median,
};
use crate::interval::{Estimate, Interval, Named, mean_interval_from, two_sided_deviate};
use crate::summary::{ratio, weighted_mean};

/// Every regression metric that is defined for these rows, by name, with its interval at `confidence`. `None` if lengths
/// differ.
///
/// Means of a row's loss have Student's interval (RMSE and RMSLE its root); R², explained variance, WAPE and D² the
/// delta method by the influence of each row on the quotient; the correlation Fisher's; the median of the errors that of
/// the order statistics, which assumes nothing. The largest error has none: a sample does not say what it never saw.
/// Weighted rows count by their effective number (Kish 1965); the median and the largest error ignore weights.
pub fn regression_metrics(y: &[f64], predicted: &[f64], weights: Option<&[f64]>, confidence: f64) -> Option<Named> {
    let fits = y.len() == predicted.len() && weights.is_none_or(|weights| weights.len() == y.len());
    let rows = effective_rows(y.len(), weights);
    let mut found = fits.then(|| Found { y, predicted, weights, rows, confidence, metrics: Named::new() })?;
    found.means();
    found.quotients();
    found.others();
    Some(found.metrics)
}

/// A value of a row from its truth and its prediction.
type OfRow<'a> = &'a dyn Fn(f64, f64) -> f64;

/// Kish's effective number of rows.
fn effective_rows(rows: usize, weights: Option<&[f64]>) -> f64 {
    weights.map_or(rows as f64, |weights| {
        let sum: f64 = weights.iter().sum();
        ratio(sum * sum, weights.iter().map(|weight| weight * weight).sum()).unwrap_or(0.0)
    })
}

struct Found<'a> {
    y: &'a [f64],
    predicted: &'a [f64],
    weights: Option<&'a [f64]>,
    rows: f64,
    confidence: f64,
    metrics: Named,
}

impl Found<'_> {
    fn add(&mut self, name: &'static str, value: Option<f64>, interval: Option<Interval>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.metrics.push((name, Estimate { value, interval }));
        }
    }

    fn mean(&self, of: OfRow<'_>) -> Option<f64> {
        weighted_mean(self.y.iter().zip(self.predicted).map(|(&y, &p)| of(y, p)), self.weights)
    }

    fn mean_with_interval(&self, of: OfRow<'_>) -> Option<(f64, Option<Interval>)> {
        let mean = self.mean(of)?;
        let spread = self.mean(&|y, p| (of(y, p) - mean).powi(2))?;
        Some((mean, mean_interval_from(mean, spread, self.rows, self.confidence)))
    }

    fn means(&mut self) {
        let positive = |value: Option<f64>| value.is_some();
        let (y, p, w) = (self.y, self.predicted, self.weights);
        let pin = |level: f64| move |y: f64, p: f64| (level * (y - p)).max((level - 1.0) * (y - p));
        let (pin_10, pin_50, pin_90) = (pin(0.1), pin(0.5), pin(0.9));
        let means: [(&'static str, OfRow<'_>, bool); 11] = [
            ("mae", &|y, p| (p - y).abs(), true),
            ("mse", &|y, p| (p - y).powi(2), true),
            ("mape", &relative, true),
            ("smape", &symmetric, true),
            ("mean_error", &|y, p| p - y, true),
            ("pinball_10", &pin_10, pinball(y, p, 0.1, w).is_some()),
            ("pinball_50", &pin_50, pinball(y, p, 0.5, w).is_some()),
            ("pinball_90", &pin_90, pinball(y, p, 0.9, w).is_some()),
            ("msle", &log_square, positive(msle(y, p, w))),
            ("poisson_deviance", &poisson, positive(poisson_deviance(y, p, w))),
            ("gamma_deviance", &gamma, positive(gamma_deviance(y, p, w))),
        ];
        for (name, of, defined) in means {
            let Some((value, interval)) = self.mean_with_interval(of).filter(|_| defined) else { continue };
            let least = if name == "mean_error" { f64::NEG_INFINITY } else { 0.0 };
            let interval = interval.map(|interval| interval.within(least, f64::INFINITY));
            self.add(name, Some(value), interval);
            if let Some(root) = ROOTS.iter().find(|(square, _)| *square == name).map(|(_, root)| *root) {
                self.add(root, Some(value.sqrt()), interval.map(|interval| interval.map(f64::sqrt)));
            }
        }
    }

    fn quotients(&mut self) {
        let (y, p, w) = (self.y, self.predicted, self.weights);
        let (Some(center), Some(median)) = (weighted_mean(y.iter().copied(), w), weighted_median(y, w)) else { return };
        let shift = mean_error(y, p, w).unwrap_or(0.0);
        let square = |y: f64, _: f64| (y - center).powi(2);
        let absolute = |y: f64, p: f64| (p - y).abs();
        let one_less = |quotient: Interval| Interval { low: 1.0 - quotient.high, high: 1.0 - quotient.low };
        let interval = self.quotient(&|y, p| (p - y).powi(2), &square).map(one_less);
        self.add("r2", r2(y, p, w), interval);
        let interval = self.quotient(&|y, p| (p - y - shift).powi(2), &square).map(one_less);
        self.add("explained_variance", explained_variance(y, p, w), interval);
        let interval = self.quotient(&absolute, &|y, _| (y - median).abs()).map(one_less);
        self.add("d2_absolute_error", d2_absolute_error(y, p, w), interval);
        let interval = self.quotient(&absolute, &|y, _| y.abs());
        self.add("wape", wape(y, p, w), interval.map(|interval| interval.within(0.0, f64::INFINITY)));
    }

    /// The interval of mean(above) / mean(below): the spread of (above − quotient · below) / mean(below).
    fn quotient(&self, above: OfRow<'_>, below: OfRow<'_>) -> Option<Interval> {
        let divisor = self.mean(below)?;
        let quotient = ratio(self.mean(above)?, divisor)?;
        let spread = self.mean(&|y, p| ((above(y, p) - quotient * below(y, p)) / divisor).powi(2))?;
        mean_interval_from(quotient, spread, self.rows, self.confidence)
    }

    fn others(&mut self) {
        let (y, p, w) = (self.y, self.predicted, self.weights);
        let deviation = error_std(y, p, w);
        // The spread of squares around a variance is that of a mean of squares.
        let shift = mean_error(y, p, w).unwrap_or(0.0);
        let squares = self.mean_with_interval(&|y, p| (p - y - shift).powi(2));
        let interval = squares.and_then(|(_, interval)| interval);
        self.add("error_std", deviation, interval.map(|interval| interval.map(|end| end.max(0.0).sqrt())));
        let correlation = pearson(y, p, w);
        let deviate = two_sided_deviate(self.confidence);
        let interval =
            correlation.zip(deviate).filter(|(r, _)| self.rows > 3.0 && r.abs() < 1.0).map(|(r, deviate)| {
                let half = deviate / (self.rows - 3.0).sqrt();
                Interval { low: (r.atanh() - half).tanh(), high: (r.atanh() + half).tanh() }
            });
        self.add("pearson", correlation, interval);
        self.add("max_error", max_error(y, p), None);
        let sorted = sorted_errors(y, p).unwrap_or_default();
        let interval = deviate.and_then(|deviate| median_interval(&sorted, deviate));
        self.add("median_absolute_error", median_absolute_error(y, p), interval);
    }
}

/// Metrics of which a second one is the root.
const ROOTS: [(&str, &str); 2] = [("mse", "rmse"), ("msle", "rmsle")];

/// The order statistics whose ranks hold the median: n/2 ± deviate · √n / 2, rounded outwards. `None` where the sample is
/// too small for such ranks.
fn median_interval(sorted: &[f64], deviate: f64) -> Option<Interval> {
    let rows = sorted.len() as f64;
    let half = deviate * rows.sqrt() / 2.0;
    let (low, high) = ((rows / 2.0 - half).floor(), (rows / 2.0 + half).ceil());
    (low >= 1.0 && high < rows).then(|| Interval { low: sorted[low as usize - 1], high: sorted[high as usize] })
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    fn drawn(rng: &mut Rng, rows: usize) -> (Vec<f64>, Vec<f64>) {
        let normal = |rng: &mut Rng| crate::special::normal_quantile(rng.unit().max(1e-12));
        (0..rows)
            .map(|_| {
                let signal = normal(rng);
                (2.0 * signal + normal(rng), 2.0 * signal)
            })
            .unzip()
    }

    #[test]
    fn intervals_cover_as_often_as_they_say() {
        // The truth is twice a normal signal plus a normal error: R² = 4/5, correlation √(4/5), RMSE 1, MAE √(2/π).
        let expected = [
            ("r2", 0.8),
            ("rmse", 1.0),
            ("mae", (2.0 / std::f64::consts::PI).sqrt()),
            ("pearson", 0.8_f64.sqrt()),
            ("median_absolute_error", 0.674_489_750_196_081_7),
        ];
        let (mut covered, mut rng) = ([0; 5], Rng::seeded(8));
        for _ in 0..300 {
            let (y, p) = drawn(&mut rng, 200);
            let metrics = regression_metrics(&y, &p, None, 0.95).unwrap();
            for (at, (name, truth)) in expected.into_iter().enumerate() {
                let interval = metrics.iter().find(|(known, _)| *known == name).unwrap().1.interval.unwrap();
                covered[at] += usize::from(interval.low <= truth && truth <= interval.high);
            }
        }
        assert!(covered.iter().all(|&times| times >= 270), "{covered:?}");
    }

    #[test]
    fn every_metric_but_the_largest_error_has_an_interval_that_holds_it() {
        let (y, p) = drawn(&mut Rng::seeded(2), 100);
        let (y, p): (Vec<f64>, Vec<f64>) = y.iter().zip(&p).map(|(y, p)| (y.abs() + 0.1, p.abs() + 0.1)).unzip();
        let metrics = regression_metrics(&y, &p, None, 0.95).unwrap();
        assert_eq!(metrics.len(), 21);
        for (name, estimate) in metrics {
            let Some(interval) = estimate.interval else {
                assert_eq!(name, "max_error");
                continue;
            };
            assert!(interval.low <= estimate.value && estimate.value <= interval.high, "{name}: {estimate:?}");
        }
    }

    #[test]
    fn hostile_numbers_leave_no_false_zero() {
        assert!(regression_metrics(&[1.0], &[], None, 0.95).is_none());
        assert!(regression_metrics(&[], &[], None, 0.95).unwrap().is_empty());
        let metrics = regression_metrics(&[f64::NAN, 1.0], &[1.0, f64::INFINITY], None, 0.95).unwrap();
        assert!(metrics.is_empty(), "{metrics:?}");
        let constant = regression_metrics(&[2.0, 2.0, 2.0], &[2.0, 2.5, 1.0], None, 0.95).unwrap();
        assert!(constant.iter().all(|(name, _)| !["r2", "explained_variance", "pearson"].contains(name)));
    }
}

//! The incomplete beta function, Student's t and the binomial distribution.

use super::gamma::{away_from_zero, ln_gamma};
use super::normal::normal_quantile;

const EPSILON: f64 = 1e-16;
const MAX_TERMS: usize = 100_000;

/// I_x(a, b): the incomplete beta function divided by B(a, b), for a, b > 0 and x in [0, 1]. NaN outside.
pub fn regularized_beta(a: f64, b: f64, x: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x)) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

/// Lentz's method on the continued fraction of the incomplete beta function.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = away_from_zero(1.0 - (a + b) * x / (a + 1.0)).recip();
    let mut h = d;
    for m in 1..MAX_TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = away_from_zero(1.0 + even * d).recip();
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = away_from_zero(1.0 + odd * d).recip();
        c = away_from_zero(1.0 + odd / c);
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < EPSILON {
            break;
        }
    }
    h
}

/// P(T ≥ t) of Student's t with `degrees` degrees of freedom.
pub fn student_t_sf(t: f64, degrees: f64) -> f64 {
    let tail = 0.5 * regularized_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
    if t >= 0.0 { tail } else { 1.0 - tail }
}

/// The t with P(T ≤ t) = `probability`, by bisection between bounds grown from the normal quantile (to 1e-12).
/// NaN outside (0, 1) or without degrees of freedom.
pub fn student_t_quantile(probability: f64, degrees: f64) -> f64 {
    if !(probability > 0.0 && probability < 1.0 && degrees > 0.0) {
        return f64::NAN;
    }
    if probability < 0.5 {
        return -student_t_quantile(1.0 - probability, degrees);
    }
    let tail = 1.0 - probability;
    let mut low = 0.0;
    let mut high = normal_quantile(probability).max(1.0);
    while student_t_sf(high, degrees) > tail && high < 1e150 {
        low = high;
        high *= 2.0;
    }
    while high - low > 1e-13 * high.max(1.0) {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if student_t_sf(middle, degrees) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(X ≤ successes) for X binomial with `trials` trials of probability `p` in [0, 1].
pub fn binomial_cdf(successes: u64, trials: u64, p: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    regularized_beta((trials - successes) as f64, successes as f64 + 1.0, 1.0 - p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got / expected - 1.0).abs() < 1e-11, "{got} is not {expected}");
    }

    #[test]
    fn beta_of_integers_is_a_binomial_tail() {
        close(binomial_cdf(4, 13, 0.5), 1093.0 / 8192.0);
        assert_eq!(binomial_cdf(3, 3, 0.2), 1.0);
        close(regularized_beta(1.0, 3.0, 0.2), 1.0 - 0.8_f64.powi(3));
        assert!(regularized_beta(1.0, 1.0, 1.5).is_nan());
    }

    #[test]
    fn student_with_one_degree_is_cauchy() {
        close(student_t_sf(1.0, 1.0), 0.25);
        close(student_t_sf(-1.0, 1.0), 0.75);
        close(student_t_quantile(0.75, 1.0), 1.0);
        close(student_t_quantile(0.975, 10.0), 2.228_138_851_964_939);
        close(student_t_quantile(0.025, 10.0), -2.228_138_851_964_939);
    }
}

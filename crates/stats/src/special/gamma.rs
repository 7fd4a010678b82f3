//! The gamma function and the chi-square distribution.

use std::f64::consts::PI;

/// Lanczos coefficients for g = 7, n = 9 (Godfrey 2001).
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// Where continued fractions and series stop.
const EPSILON: f64 = 1e-16;
/// Stands for zero in Lentz's method.
const TINY: f64 = 1e-300;
/// Far above what any argument in use needs; a bound, so that no input can hang the caller.
const MAX_TERMS: usize = 100_000;

/// Natural logarithm of |Γ(x)|. Infinite at the poles 0, −1, −2, …
pub fn ln_gamma(x: f64) -> f64 {
    if x < 0.5 {
        return (PI / (PI * x).sin().abs()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum =
        LANCZOS.iter().enumerate().skip(1).fold(LANCZOS[0], |sum, (i, coefficient)| sum + coefficient / (x + i as f64));
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// P(a, x): the lower incomplete gamma function divided by Γ(a), for a > 0 and x ≥ 0. NaN outside.
pub fn regularized_gamma_lower(a: f64, x: f64) -> f64 {
    if x < a + 1.0 { lower_series(a, x) } else { 1.0 - upper_fraction(a, x) }
}

/// Q(a, x) = 1 − P(a, x), keeping its relative accuracy where it is small. NaN outside a > 0, x ≥ 0.
pub fn regularized_gamma_upper(a: f64, x: f64) -> f64 {
    if x < a + 1.0 { 1.0 - lower_series(a, x) } else { upper_fraction(a, x) }
}

/// P(χ² ≥ x) with `degrees` degrees of freedom.
pub fn chi_square_sf(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { regularized_gamma_upper(degrees / 2.0, x / 2.0) }
}

/// The x with P(χ² ≤ x) = `probability`, by bisection to full precision. NaN outside [0, 1) or without degrees.
pub fn chi_square_quantile(probability: f64, degrees: f64) -> f64 {
    if !(0.0..1.0).contains(&probability) || degrees.is_nan() || degrees <= 0.0 {
        return f64::NAN;
    }
    let (mut low, mut high) = (0.0, degrees.max(1.0));
    while regularized_gamma_lower(degrees / 2.0, high / 2.0) < probability {
        (low, high) = (high, 2.0 * high);
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if regularized_gamma_lower(degrees / 2.0, middle / 2.0) < probability { low = middle } else { high = middle }
    }
}

/// The factor xᵃ e⁻ˣ / Γ(a) that both expansions share.
fn prefactor(a: f64, x: f64) -> f64 {
    (a * x.ln() - x - ln_gamma(a)).exp()
}

fn outside(a: f64, x: f64) -> bool {
    a <= 0.0 || x < 0.0 || a.is_nan() || x.is_nan()
}

fn lower_series(a: f64, x: f64) -> f64 {
    if outside(a, x) {
        return f64::NAN;
    }
    if x == 0.0 {
        return 0.0;
    }
    let mut term = 1.0 / a;
    let mut sum = term;
    for i in 1..MAX_TERMS {
        term *= x / (a + i as f64);
        sum += term;
        if term < sum * EPSILON {
            break;
        }
    }
    sum * prefactor(a, x)
}

/// Lentz's method on Legendre's continued fraction.
fn upper_fraction(a: f64, x: f64) -> f64 {
    if outside(a, x) {
        return f64::NAN;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..MAX_TERMS {
        let i = i as f64;
        let an = -i * (i - a);
        b += 2.0;
        d = away_from_zero(an * d + b).recip();
        c = away_from_zero(b + an / c);
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < EPSILON {
            break;
        }
    }
    h * prefactor(a, x)
}

/// Lentz's guard against a division by zero.
pub(super) fn away_from_zero(value: f64) -> f64 {
    if value.abs() < TINY { TINY } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got / expected - 1.0).abs() < 1e-12, "{got} is not {expected}");
    }

    #[test]
    fn ln_gamma_is_the_log_factorial() {
        close(ln_gamma(11.0), 3_628_800.0_f64.ln());
        close(ln_gamma(0.5), PI.sqrt().ln());
        close(ln_gamma(-0.5), (2.0 * PI.sqrt()).ln());
    }

    #[test]
    fn chi_square_with_two_degrees_is_exponential() {
        close(chi_square_sf(3.0, 2.0), (-1.5_f64).exp());
        close(chi_square_sf(600.0, 2.0), (-300.0_f64).exp());
        close(chi_square_sf(3.841_458_820_694_124, 1.0), 0.05);
        assert_eq!(chi_square_sf(0.0, 3.0), 1.0);
        close(chi_square_quantile(0.95, 9.0), 16.918_977_604_620_448);
        assert_eq!(chi_square_quantile(0.0, 3.0), 0.0);
        assert!(chi_square_quantile(1.0, 3.0).is_nan());
    }

    #[test]
    fn both_tails_sum_to_one() {
        for (a, x) in [(0.5, 0.1), (3.0, 2.5), (50.0, 60.0), (500.0, 470.0)] {
            close(regularized_gamma_lower(a, x) + regularized_gamma_upper(a, x), 1.0);
        }
        assert!(regularized_gamma_lower(-1.0, 1.0).is_nan());
    }
}

//! The limiting distribution of Cramér and von Mises' statistic, and the Bessel function it is made of.

use std::f64::consts::PI;

/// Below this the distribution function is under 1.3e-18.
const LEAST: f64 = 0.003;
/// From here on the series would be long, and has no digit left to give.
const MOST: f64 = 1e5;
/// A term below this ends scipy's series.
const LAST_TERM: f64 = 1e-7;
/// From here on the tail is integrated: one less the series has no digits left.
const FAR: f64 = 1.5;

/// P(W² ≥ x) of the limiting law, to about nine digits anywhere.
pub fn cramer_von_mises_sf(x: f64) -> f64 {
    if x < FAR { cramer_von_mises_series(x, 0.0) } else { far_tail(x) }
}

/// P(W² ≥ x) as scipy computes it: the series ends with the first term below 1e-7, so that small p-values are of that
/// order whatever x is.
pub(crate) fn cramer_von_mises_sf_as_scipy(x: f64) -> f64 {
    cramer_von_mises_series(x, LAST_TERM)
}

/// One less Csörgő and Faraway's series (1996, equation 1.2) up to a term of `last`.
fn cramer_von_mises_series(x: f64, last: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if !(LEAST..MOST).contains(&x) {
        return if x < LEAST { 1.0 } else { 0.0 };
    }
    let mut below = 0.0;
    let mut k = 0.0;
    // Γ(k + ½) / Γ(k + 1), by its recurrence: the last digits count where the probability is small.
    let mut gammas = PI.sqrt();
    loop {
        let odd = 4.0 * k + 1.0;
        let argument = odd * odd / (16.0 * x);
        let term = gammas / (PI * PI.sqrt() * x.sqrt()) * odd.sqrt() * scaled_bessel_quarter(argument);
        below += term;
        if term.is_nan() || term <= last.max(below * f64::EPSILON) {
            break;
        }
        gammas *= (k + 0.5) / (k + 1.0);
        k += 1.0;
    }
    (1.0 - below).max(0.0)
}

/// The first integral of Smirnov's formula (1936), over u from π to 2π with u = π + s²; the others are smaller by
/// exp(−37x). Its integrand is even in s and falls as exp(−πxs²), where the trapezoidal rule has all digits.
fn far_tail(x: f64) -> f64 {
    if !x.is_finite() {
        return if x.is_nan() { f64::NAN } else { 0.0 };
    }
    const POINTS: u32 = 48;
    // Beyond, exp(−πxs²) is below 1e-16; for the least x that is still away from the end of the interval.
    let step = (37.0 / (PI * x)).sqrt().min(1.7) / f64::from(POINTS);
    let integrand = |s: f64| {
        let u = PI + s * s;
        let slope = if s == 0.0 { 1.0 } else { s / (-u.sin()).sqrt() };
        slope / u.sqrt() * (-x / 2.0 * (u - PI) * (u + PI)).exp()
    };
    let sum = 0.5 * integrand(0.0) + (1..POINTS).map(|point| integrand(f64::from(point) * step)).sum::<f64>();
    4.0 / PI * sum * step * (-x * PI * PI / 2.0).exp()
}

/// exp(−x) K(x) of order ¼: ∫ exp(−x (1 + cosh t)) cosh(t/4) dt over t ≥ 0 by the trapezoidal rule, which converges
/// faster than any power of its step here.
fn scaled_bessel_quarter(x: f64) -> f64 {
    const STEP: f64 = 0.125;
    let mut sum = 0.5 * (-2.0 * x).exp();
    let mut t = STEP;
    loop {
        let term = (-x * (1.0 + t.cosh())).exp() * (t / 4.0).cosh();
        sum += term;
        // Falling for good once x cosh t outgrows t/4, and then faster than a geometric series.
        if term <= sum * 1e-18 && x * t.cosh() > 1.0 || t > 800.0 {
            return sum * STEP;
        }
        t += STEP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_quantiles_are_met() {
        for (x, p) in [(0.347_30, 0.1), (0.461_36, 0.05), (0.743_46, 0.01)] {
            assert!((cramer_von_mises_sf(x) - p).abs() < 5e-6, "{x}: {}", cramer_von_mises_sf(x));
        }
        assert_eq!(cramer_von_mises_sf(0.0), 1.0);
        assert_eq!(cramer_von_mises_sf(f64::INFINITY), 0.0);
        assert!(cramer_von_mises_sf_as_scipy(200.0) < 1e-6);
    }

    #[test]
    fn the_tail_meets_the_series_and_goes_on() {
        for x in [1.0, 1.5, 2.0] {
            let (series, tail) = (cramer_von_mises_series(x, 0.0), far_tail(x));
            assert!((tail / series - 1.0).abs() < 1e-6, "{x}: {tail} is not {series}");
        }
        let ratio = cramer_von_mises_sf(20.0) / cramer_von_mises_sf(19.0);
        assert!((ratio / (-PI * PI / 2.0).exp() - 1.0).abs() < 0.05, "{ratio}");
    }
}

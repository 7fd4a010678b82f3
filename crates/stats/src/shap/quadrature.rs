//! Gauss–Legendre quadrature on [0, 1].

use std::f64::consts::PI;

/// Points and weights; exact for polynomials of degree below twice their number.
#[derive(Debug, Clone)]
pub(super) struct Quadrature {
    pub(super) points: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Quadrature {
    /// The rule with `count` points, as roots of the Legendre polynomial found by Newton's method.
    pub(super) fn new(count: usize) -> Self {
        let mut rule = Self { points: Vec::with_capacity(count), weights: Vec::with_capacity(count) };
        for i in 0..count {
            let mut x = (PI * (i as f64 + 0.75) / (count as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (value, derivative) = legendre(count, x);
                slope = derivative;
                let step = value / derivative;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            rule.points.push((1.0 + x) / 2.0);
            rule.weights.push(1.0 / ((1.0 - x * x) * slope * slope));
        }
        rule
    }
}

/// The Legendre polynomial of the degree and its derivative at x in (−1, 1).
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for n in 2..=degree {
        let n = n as f64;
        (before, value) = (value, ((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n);
    }
    (value, degree as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly() {
        for count in [1, 2, 3, 8, 32] {
            let rule = Quadrature::new(count);
            for power in 0..2 * count as i32 {
                let sum: f64 = rule.points.iter().zip(&rule.weights).map(|(x, w)| w * x.powi(power)).sum();
                assert!((sum - 1.0 / f64::from(power + 1)).abs() < 1e-13, "{count} {power}: {sum}");
            }
        }
    }
}

//! The path-dependent game.
//!
//! For one leaf it is the product over the conditions i of its path of o if i is in the coalition and z if not, where o
//! is 1 if the row meets the condition and else 0, and z is the share of cover that meets it. The Shapley value of such
//! a product is ∫₀¹ (oᵢ − zᵢ) Π_{j≠i} (zⱼ + t(oⱼ − zⱼ)) dt, its Shapley interaction index ∫₀¹ (oᵢ − zᵢ)(oⱼ − zⱼ)
//! Π_{k≠i,j} … dt (Owen's multilinear extension). The integrand is a polynomial, so that a Gauss–Legendre rule of half
//! its degree is exact.

use super::path::{Game, pairs};
use super::quadrature::Quadrature;

/// A condition at one point of the quadrature, for rows that fail (0) and meet it (1).
#[derive(Debug, Clone, Copy, Default)]
struct Factor {
    /// z + t(o − z).
    product: [f64; 2],
    /// (o − z) over that.
    change: [f64; 2],
}

/// The game, standing at a path.
#[derive(Debug, Clone)]
pub(super) struct Cover {
    rule: Quadrature,
    /// For each point the factors of all conditions.
    factors: Vec<Vec<Factor>>,
}

impl Cover {
    /// The game on paths with no more conditions than `widest`.
    pub(super) fn new(widest: usize) -> Self {
        let rule = Quadrature::new(widest.div_ceil(2).max(1));
        let factors = vec![vec![Factor::default(); widest]; rule.points.len()];
        Self { rule, factors }
    }
}

impl Game for Cover {
    fn condition(&mut self, at: usize, share: f64) {
        for (t, factors) in self.rule.points.iter().zip(&mut self.factors) {
            // The points lie inside (0, 1), so that nothing is divided by zero, even where no cover passes.
            let met = share + t * (1.0 - share);
            factors[at] = Factor { product: [share * (1.0 - t), met], change: [-1.0 / (1.0 - t), (1.0 - share) / met] };
        }
    }

    fn arrive(&mut self, _background: &[u64]) {}

    fn add_values(&self, conditions: usize, pattern: u64, value: f64, out: &mut [f64]) {
        for (weight, factors) in self.rule.weights.iter().zip(&self.factors) {
            let factors = &factors[..conditions];
            let met = |at: usize| (pattern >> at & 1) as usize;
            let product = factors.iter().enumerate().fold(weight * value, |p, (at, f)| p * f.product[met(at)]);
            for (at, (out, factor)) in out.iter_mut().zip(factors).enumerate() {
                *out += product * factor.change[met(at)];
            }
        }
    }

    fn add_pairs(&self, conditions: usize, pattern: u64, value: f64, out: &mut [f64]) {
        for (weight, factors) in self.rule.weights.iter().zip(&self.factors) {
            let factors = &factors[..conditions];
            let met = |at: usize| (pattern >> at & 1) as usize;
            let half = 0.5 * weight * value;
            let product = factors.iter().enumerate().fold(half, |p, (at, f)| p * f.product[met(at)]);
            for (out, (i, j)) in out.iter_mut().zip(pairs(conditions)) {
                *out += product * factors[i].change[met(i)] * factors[j].change[met(j)];
            }
        }
    }
}

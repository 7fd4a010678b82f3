//! Seeded draws for bootstraps: the same seed gives the same interval everywhere.

/// SplitMix64 (Steele, Lea & Flood 2014).
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in (0, 1).
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A whole number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// A Poisson count; above a mean of 30 by the normal distribution, whose quantiles differ by less than half a count.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 30.0 {
            let deviate = crate::special::normal_quantile(self.unit());
            return (mean + deviate * mean.sqrt()).round().max(0.0);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0.0);
        while product > limit {
            product *= self.unit();
            count += 1.0;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_mean_and_the_variance_of_their_distribution() {
        for mean in [0.0, 0.4, 5.0, 80.0] {
            let mut draws = Draws::seeded(1);
            let counts: Vec<f64> = (0..20_000).map(|_| draws.poisson(mean)).collect();
            let average = counts.iter().sum::<f64>() / 20_000.0;
            let variance = counts.iter().map(|count| (count - average).powi(2)).sum::<f64>() / 20_000.0;
            let allowed = 0.05 * mean + 1e-12;
            assert!((average - mean).abs() <= allowed && (variance - mean).abs() <= allowed, "{average} {variance}");
        }
    }
}

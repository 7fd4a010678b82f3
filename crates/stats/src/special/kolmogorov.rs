//! The distributions of the one-sample Kolmogorov–Smirnov statistics for n rows.
//!
//! The choice of method by n and d follows Simard & L'Ecuyer, "Computing the Two-Sided Kolmogorov–Smirnov
//! Distribution", Journal of Statistical Software 39 (2011).

use std::f64::consts::PI;

use super::gamma::ln_gamma;

/// Above this many rows the one-sided sum is replaced by its expansion, whose relative error is then below 1e-6 down to
/// probabilities of 1e-20.
const SUM_ROWS: u64 = 5_000;
/// Up to this many rows the matrix method stays cheap over its whole range.
const MATRIX_ROWS: u64 = 140;

/// P(Dₙ ≥ d) for the two-sided statistic: the law of sup |Fₙ − F|.
pub fn kolmogorov_sf(rows: u64, d: f64) -> f64 {
    if rows == 0 || d.is_nan() {
        return f64::NAN;
    }
    if d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let n = rows as f64;
    let squared = n * d * d;
    // Counting both sides twice is exact for d ≥ ½; its relative error is about exp(−6nd²) elsewhere.
    let twice_one_sided = d >= 0.5 || squared >= if rows <= MATRIX_ROWS { 4.0 } else { 2.2 };
    let probability = if twice_one_sided {
        2.0 * smirnov_sf(rows, d)
    } else if rows <= MATRIX_ROWS || (rows <= 100_000 && n * d.powf(1.5) <= 1.4) {
        1.0 - durbin_cdf(rows, d)
    } else {
        1.0 - pelz_good_cdf(n, d)
    };
    probability.clamp(0.0, 1.0)
}

/// P(√n·Dₙ ≥ λ) in the limit of many rows (Kolmogorov 1933), by the series that converges fast on either side of λ = 1. For few
/// rows it is too large rather than too small.
pub fn kolmogorov_limit_sf(lambda: f64) -> f64 {
    use std::f64::consts::PI;
    if lambda.is_nan() {
        return f64::NAN;
    }
    if lambda <= 0.0 {
        return 1.0;
    }
    let terms = 1..=LIMIT_TERMS;
    if lambda < 1.0 {
        let below: f64 = terms.map(|k| (-(f64::from(2 * k - 1) * PI / lambda).powi(2) / 8.0).exp()).sum();
        return (1.0 - (2.0 * PI).sqrt() / lambda * below).clamp(0.0, 1.0);
    }
    let term = |k: i32| (-2.0 * (f64::from(k) * lambda).powi(2)).exp() * if k % 2 == 1 { 2.0 } else { -2.0 };
    terms.map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// Terms of the limit's series; at λ = 1 the next one is below 1e-20.
const LIMIT_TERMS: i32 = 5;

/// P(Dₙ⁺ ≥ d) for the one-sided statistic, by the sum of Birnbaum and Tingey.
pub fn smirnov_sf(rows: u64, d: f64) -> f64 {
    if d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let n = rows as f64;
    if rows > SUM_ROWS {
        return smirnov_expansion(n, d);
    }
    let mut ln_choose = 0.0;
    let mut sum = 0.0;
    for j in 0..=(n * (1.0 - d)).floor() as u64 {
        let j = j as f64;
        let left = d + j / n;
        let right = 1.0 - left;
        if right > 0.0 {
            sum += (ln_choose + (j - 1.0) * left.ln() + (n - j) * right.ln()).exp();
        }
        ln_choose += ((n - j) / (j + 1.0)).ln();
    }
    (d * sum).min(1.0)
}

/// The logarithm of the one-sided probability in powers of n^(−1/2) at z = d√n. The terms to 1/n are the expansion of
/// Gnedenko, Korolyuk & Skorokhod (1960); those beyond were matched to the sum for 3,000 to 20,000 rows.
fn smirnov_expansion(n: f64, d: f64) -> f64 {
    let z = d * n.sqrt();
    let z2 = z * z;
    let first = -2.0 * z / 3.0;
    let second = 4.0 * z2 / 9.0 * (1.0 - z2);
    let third = z * (4.0 / 45.0 - 88.0 / 405.0 * z2);
    let fourth = z2 * z2 * (0.3 - 32.0 / 135.0 * z2);
    let root = n.sqrt();
    (-2.0 * z2 + (first + (second + (third + fourth / root) / root) / root) / root).exp().min(1.0)
}

/// P(Dₙ < d) as an entry of a matrix power (Durbin 1968; Marsaglia, Tsang & Wang 2003).
fn durbin_cdf(rows: u64, d: f64) -> f64 {
    let scaled = rows as f64 * d;
    if scaled <= 0.5 {
        return 0.0;
    }
    let k = scaled.ceil() as usize;
    let (base, size) = (Scaled::new(durbin_matrix(k, k as f64 - scaled)), 2 * k - 1);
    let power = base.power(rows, size);
    // n!/nⁿ is multiplied in as a logarithm: the entry alone may be out of range.
    let n = rows as f64;
    let entry = power.values[(k - 1) * size + k - 1];
    if entry <= 0.0 {
        return 0.0;
    }
    (entry.ln() + power.ln_scale + ln_gamma(n + 1.0) - n * n.ln()).exp()
}

/// Durbin's matrix for d = (k − h)/n, row by row.
fn durbin_matrix(k: usize, h: f64) -> Vec<f64> {
    let size = 2 * k - 1;
    let mut inverse_factorial = vec![1.0; size + 1];
    for i in 1..=size {
        inverse_factorial[i] = inverse_factorial[i - 1] / i as f64;
    }
    let mut matrix = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..size.min(row + 2) {
            matrix[row * size + column] = inverse_factorial[row + 1 - column];
        }
    }
    for i in 0..size - 1 {
        let edge = (1.0 - h.powi(i as i32 + 1)) * inverse_factorial[i + 1];
        matrix[i * size] = edge;
        matrix[(size - 1) * size + size - 1 - i] = edge;
    }
    let corner = 1.0 - 2.0 * h.powi(size as i32) + (2.0 * h - 1.0).max(0.0).powi(size as i32);
    matrix[(size - 1) * size] = corner * inverse_factorial[size];
    matrix
}

/// A matrix times exp(`ln_scale`), so that high powers stay in range.
#[derive(Clone)]
struct Scaled {
    values: Vec<f64>,
    ln_scale: f64,
}

impl Scaled {
    fn new(values: Vec<f64>) -> Self {
        Self { values, ln_scale: 0.0 }
    }

    fn times(&self, other: &Self, size: usize) -> Self {
        let mut values = vec![0.0; size * size];
        for (row, out) in self.values.chunks_exact(size).zip(values.chunks_exact_mut(size)) {
            for (&factor, line) in row.iter().zip(other.values.chunks_exact(size)) {
                for (sum, value) in out.iter_mut().zip(line) {
                    *sum += factor * value;
                }
            }
        }
        let largest = values.iter().fold(0.0_f64, |largest, &value| largest.max(value));
        for value in &mut values {
            *value /= largest;
        }
        Self { values, ln_scale: self.ln_scale + other.ln_scale + largest.ln() }
    }

    /// The matrix to the power `exponent` ≥ 1, by squaring.
    fn power(self, exponent: u64, size: usize) -> Self {
        let mut result: Option<Self> = None;
        let mut square = self;
        let mut rest = exponent;
        loop {
            if rest & 1 == 1 {
                result = Some(result.map_or_else(|| square.clone(), |result| result.times(&square, size)));
            }
            rest >>= 1;
            if rest == 0 {
                return result.unwrap_or(square);
            }
            square = square.times(&square, size);
        }
    }
}

/// P(Dₙ ≤ d) by the expansion in powers of n^(−1/2) (Pelz & Good 1976), with theta series that converge at once for
/// the small z = d√n where it is used.
fn pelz_good_cdf(n: f64, d: f64) -> f64 {
    let z = d * n.sqrt();
    let (z2, z4) = (z * z, z.powi(4));
    let (z6, z8) = (z4 * z2, z4 * z4);
    let mut sums = [0.0; 4];
    let mut whole = [0.0; 2];
    for k in 0..=(16.0 * z / PI).ceil() as u32 {
        let half = (PI * (f64::from(k) + 0.5)).powi(2);
        let weight = (-half / (2.0 * z2)).exp();
        sums[0] += weight;
        sums[1] += weight * (half - z2);
        sums[2] += weight * (6.0 * z6 + 2.0 * z4 + half * ((2.0 * z4 - 5.0 * z2) + half * (1.0 - 2.0 * z2)));
        let inner = (212.0 * z4 - 60.0 * z2) + half * (5.0 - 30.0 * z2);
        sums[3] += weight * (half * ((135.0 * z4 - 96.0 * z6) + half * inner) - 30.0 * z6 - 90.0 * z8);
        let integer = (PI * f64::from(k)).powi(2);
        let weight = (-integer / (2.0 * z2)).exp();
        whole[0] += weight * integer;
        whole[1] += weight * integer * (3.0 * z2 - integer);
    }
    // The series run over all integers and are even, hence twice √(π/2).
    let factor = (2.0 * PI).sqrt();
    let leading = sums[0] / z;
    let first = sums[1] / (6.0 * z4);
    let second = sums[2] / (72.0 * z4 * z2 * z) - whole[0] / (36.0 * z2 * z);
    let third = sums[3] / (6480.0 * z8 * z2) + whole[1] / (216.0 * z6);
    factor * (leading + first / n.sqrt() + second / n + third / (n * n.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_that_of_many_rows_and_has_its_known_quantiles() {
        for (lambda, expected) in [(1.3581, 0.05), (1.6276, 0.01), (0.8276, 0.5), (1.9495, 0.001)] {
            assert!((kolmogorov_limit_sf(lambda) / expected - 1.0_f64).abs() < 1e-3, "{lambda}");
        }
        let (below, above) = (kolmogorov_limit_sf(1.0 - 1e-12), kolmogorov_limit_sf(1.0));
        assert!((below - above).abs() < 1e-10);
        assert!((kolmogorov_limit_sf(1.2) - kolmogorov_sf(1_000_000, 1.2e-3)).abs() < 1e-3);
        // The largest distance of few rows is possible by chance.
        assert!(kolmogorov_limit_sf(1.0) > 0.2 && kolmogorov_limit_sf(0.0) == 1.0 && kolmogorov_limit_sf(9.0) < 1e-60);
    }

    #[test]
    fn one_row_is_uniform_distance() {
        // D₁ = max(U, 1 − U), uniform on [½, 1].
        for d in [0.55, 0.75, 0.9] {
            assert!((kolmogorov_sf(1, d) - 2.0 * (1.0 - d)).abs() < 1e-12, "{d}");
        }
        assert_eq!(kolmogorov_sf(1, 0.4), 1.0);
    }

    #[test]
    fn the_exact_distribution_is_met() {
        // From Steck's determinant in rational numbers.
        for (rows, d, cdf) in [(10, 0.274, 0.628_479_615_456_504_3), (20, 0.3, 0.956_932_933_341_482_2)] {
            assert!((1.0 - kolmogorov_sf(rows, d) - cdf).abs() < 1e-12, "{rows} {d}");
        }
    }

    #[test]
    fn the_methods_agree_where_they_meet() {
        for (rows, d) in [(400, 0.04), (400, 0.06), (1000, 0.045)] {
            let exact = 1.0 - durbin_cdf(rows, d);
            let series = 1.0 - pelz_good_cdf(rows as f64, d);
            assert!((series / exact - 1.0).abs() < 1e-6, "{rows} {d}: {series} is not {exact}");
        }
        let exact = 1.0 - durbin_cdf(300, 0.11);
        let doubled = 2.0 * smirnov_sf(300, 0.11);
        assert!((doubled / exact - 1.0).abs() < 1e-6, "{doubled} is not {exact}");
    }

    #[test]
    fn the_expansion_of_the_sum_is_close_where_it_takes_over() {
        for z in [0.9, 1.5, 2.5, 4.0] {
            let d = z / (SUM_ROWS as f64).sqrt();
            let sum = smirnov_sf(SUM_ROWS, d);
            let expansion = smirnov_expansion(SUM_ROWS as f64, d);
            assert!((expansion / sum - 1.0).abs() < 1e-6, "{z}: {expansion} is not {sum}");
        }
    }
}

//! Maximum mean discrepancy with a Gaussian kernel (Gretton and others 2012).

/// The kernel of all pairs is kept, 8 bytes each: at most 128 MB.
const MOST_ROWS: usize = 4_000;

/// Distance of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmd {
    /// Width σ of the kernel exp(−|x − y|² / 2σ²).
    pub sigma: f64,
    /// Unbiased estimate of the squared discrepancy; about 0, or below, without drift.
    pub squared: f64,
}

/// The distance with its test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MmdTest {
    /// The distance.
    pub mmd: Mmd,
    /// Share of random splits of all rows that are at least as far apart.
    pub p_value: f64,
}

/// Rows of `width` numbers, those with one that is not finite left out. `None` if the slice is no whole number of rows.
pub(super) fn finite_rows(values: &[f64], width: usize) -> Option<Vec<&[f64]>> {
    if width == 0 || !values.len().is_multiple_of(width) {
        return None;
    }
    Some(values.chunks_exact(width).filter(|row| row.iter().all(|value| value.is_finite())).collect())
}

pub(super) fn squared_distance(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum()
}

/// σ = √(½ median) of the squared distances of all pairs of rows, a row with itself included; of two middle values the one
/// with the even index. `None` without rows, or if most rows are equal.
fn median_width(rows: &[&[f64]]) -> Option<f64> {
    let mut distances: Vec<f64> =
        rows.iter().flat_map(|left| rows.iter().map(|right| squared_distance(left, right))).collect();
    let last = distances.len().checked_sub(1)?;
    let middle = (last as f64 / 2.0).round_ties_even() as usize;
    let (_, median, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    Some((0.5 * if *median > 0.0 { *median } else { 1.0 }).sqrt())
}

/// Kernel values of all pairs of rows of both sides, the reference's first.
struct Kernel {
    values: Vec<f64>,
    rows: usize,
}

impl Kernel {
    fn new(rows: &[&[f64]], sigma: f64) -> Self {
        let kernel = |left: &&[f64], right: &&[f64]| (-squared_distance(left, right) / (2.0 * sigma * sigma)).exp();
        let values = rows.iter().flat_map(|left| rows.iter().map(move |right| kernel(left, right))).collect();
        Self { values, rows: rows.len() }
    }

    /// The discrepancy of the rows that are in the reference from the others.
    fn discrepancy(&self, in_reference: &[bool]) -> f64 {
        let (mut within, mut across, mut beyond) = (0.0, 0.0, 0.0);
        for (i, values) in self.values.chunks_exact(self.rows).enumerate() {
            let (mut same, mut other) = (0.0, 0.0);
            for (j, &value) in values[..i].iter().enumerate() {
                if in_reference[j] == in_reference[i] {
                    same += value;
                } else {
                    other += value;
                }
            }
            *(if in_reference[i] { &mut within } else { &mut beyond }) += same;
            across += other;
        }
        let n = in_reference.iter().filter(|&&it| it).count() as f64;
        let m = self.rows as f64 - n;
        2.0 * within / (n * (n - 1.0)) + 2.0 * beyond / (m * (m - 1.0)) - 2.0 * across / (n * m)
    }
}

/// The kernel with its width, and which of its rows are of the reference.
fn prepare(reference: &[f64], current: &[f64], width: usize) -> Option<(Kernel, Vec<bool>, f64)> {
    let mut rows = finite_rows(reference, width)?;
    let n = rows.len();
    let sigma = median_width(&rows)?;
    rows.extend(finite_rows(current, width)?);
    if n < 2 || rows.len() < n + 2 || rows.len() > MOST_ROWS {
        return None;
    }
    let in_reference = (0..rows.len()).map(|row| row < n).collect();
    Some((Kernel::new(&rows, sigma), in_reference, sigma))
}

/// The distance of two samples of rows of `width` numbers each. Rows with a value that is not finite are left out.
///
/// `None` for fewer than two rows on a side, or more than 4,000 on both (draw some, or use
/// [`FourierFeatures`](super::FourierFeatures)).
pub fn mmd(reference: &[f64], current: &[f64], width: usize) -> Option<Mmd> {
    let (kernel, in_reference, sigma) = prepare(reference, current, width)?;
    Some(Mmd { sigma, squared: kernel.discrepancy(&in_reference) })
}

/// As [`mmd`], with a p-value from random splits; `below(n)` draws a number in 0..n.
pub fn mmd_test(
    reference: &[f64],
    current: &[f64],
    width: usize,
    permutations: usize,
    mut below: impl FnMut(usize) -> usize,
) -> Option<MmdTest> {
    let (kernel, mut in_reference, sigma) = prepare(reference, current, width)?;
    let squared = kernel.discrepancy(&in_reference);
    let mut as_far = 0;
    for _ in 0..permutations {
        for last in (1..in_reference.len()).rev() {
            in_reference.swap(last, below(last + 1).min(last));
        }
        as_far += usize::from(kernel.discrepancy(&in_reference) >= squared);
    }
    // The split that was observed is one of them, so that the p-value is never 0.
    let p_value = (as_far + 1) as f64 / (permutations + 1) as f64;
    Some(MmdTest { mmd: Mmd { sigma, squared }, p_value })
}

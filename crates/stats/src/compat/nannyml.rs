//! NannyML 0.13: distances of chunks from the reference, and thresholds from the reference's own chunks.

use super::{Column, Decision, Prepared, sorted};
use crate::drift::{
    KsMethod, contingency_corrected, hellinger, histogram, jensen_shannon_base_2, ks_sorted, l_infinity,
    wasserstein_sorted,
};
use crate::summary::{mean, squared_deviations};

/// From this many rows of the reference KS and Wasserstein are estimated from equal bins…
const ESTIMATED_ROWS: usize = 10_000;
/// … of this number.
const ESTIMATED_BINS: usize = 10_000;
/// Into how many chunks the reference is cut.
const CHUNKS: usize = 10;
/// Standard deviations above the mean score of the reference's chunks.
const DEVIATIONS: f64 = 3.0;
/// Level of the χ² test.
const LEVEL: f64 = 0.05;

/// NannyML's univariate methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Jensen–Shannon distance to base 2.
    JensenShannon,
    /// Kolmogorov–Smirnov's D, for numbers.
    KolmogorovSmirnov,
    /// Wasserstein's distance, for numbers.
    Wasserstein,
    /// Hellinger distance.
    Hellinger,
    /// χ² of homogeneity, for levels.
    Chi2,
    /// Largest difference of a share, for levels.
    LInfinity,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::JensenShannon, Self::KolmogorovSmirnov, Self::Wasserstein, Self::Hellinger, Self::Chi2, Self::LInfinity];

    /// NannyML's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::JensenShannon => "jensen_shannon",
            Self::KolmogorovSmirnov => "kolmogorov_smirnov",
            Self::Wasserstein => "wasserstein",
            Self::Hellinger => "hellinger",
            Self::Chi2 => "chi2",
            Self::LInfinity => "l_infinity",
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// The distance of a chunk from the reference. `None` if a side is empty, or the method is not for such columns.
pub fn score(column: &Column<'_>, method: Method) -> Option<f64> {
    let prepared = Prepared::of(column)?;
    match (&prepared, method) {
        (Prepared::Numbers(reference, current), Method::KolmogorovSmirnov) if reference.len() < ESTIMATED_ROWS => {
            Some(ks_sorted(reference, current, KsMethod::Asymptotic)?.statistic)
        }
        (Prepared::Numbers(reference, current), Method::KolmogorovSmirnov) => estimated_ks(reference, current),
        (Prepared::Numbers(reference, current), Method::Wasserstein) if reference.len() < ESTIMATED_ROWS => {
            wasserstein_sorted(reference, current)
        }
        (Prepared::Numbers(reference, current), Method::Wasserstein) => estimated_wasserstein(reference, current),
        (Prepared::Levels(reference, current), Method::Chi2) => {
            Some(contingency_corrected(reference, current)?.statistic)
        }
        (Prepared::Levels(reference, current), Method::LInfinity) => l_infinity(reference, current),
        (_, Method::JensenShannon | Method::Hellinger) => {
            let (reference, current) = binned(&prepared)?;
            if method == Method::Hellinger {
                hellinger(&reference, &current)
            } else {
                jensen_shannon_base_2(&reference, &current)
            }
        }
        _ => None,
    }
}

/// Decides on one chunk of numbers against a reference whose rows are in their order of time: the threshold is mean + 3
/// standard deviations of the scores of the reference's own ten chunks. `None` if a side is empty, or the method is not
/// for numbers.
pub fn decide_numbers(reference: &[f64], current: &[f64], method: Method) -> Option<Decision> {
    let score_of = |current: &[f64]| score(&Column::Numbers { reference, current }, method);
    let scores: Vec<f64> = chunks(reference.len()).filter_map(|chunk| score_of(&reference[chunk])).collect();
    Some(above(method, score_of(current)?, &scores))
}

/// Decides on one chunk of levels against a reference whose rows are in their order of time, each row the place of its
/// level among `levels`; other codes are missing values. χ² alarms below p 0.05, the others as for numbers.
pub fn decide_levels(reference: &[u32], current: &[u32], levels: usize, method: Method) -> Option<Decision> {
    let count = |codes: &[u32]| {
        let mut counts = vec![0_u64; levels];
        for &code in codes {
            if let Some(count) = counts.get_mut(code as usize) {
                *count += 1;
            }
        }
        counts
    };
    let all = count(reference);
    let score_of = |current: &[u64]| score(&Column::Levels { reference: &all, current }, method);
    let now = count(current);
    let found = score_of(&now)?;
    if method == Method::Chi2 {
        let p_value = contingency_corrected(&all, &now)?.p_value;
        return Some(Decision { method: method.name(), score: Some(found), threshold: None, drifted: p_value < LEVEL });
    }
    let scores: Vec<f64> = chunks(reference.len()).filter_map(|chunk| score_of(&count(&reference[chunk]))).collect();
    Some(above(method, found, &scores))
}

/// The rows of the reference's chunks: ten of equal size, and what is left over.
fn chunks(rows: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let size = (rows / CHUNKS).max(1);
    (0..rows).step_by(size).map(move |from| from..(from + size).min(rows))
}

/// Above the threshold is drift; a threshold that a statistic cannot pass is none.
fn above(method: Method, score: f64, scores: &[f64]) -> Decision {
    let threshold = mean(scores).map(|center| {
        let deviation = (squared_deviations(scores, center) / scores.len() as f64).sqrt();
        center + DEVIATIONS * deviation
    });
    let threshold = threshold.filter(|&bound| method != Method::KolmogorovSmirnov || bound < 1.0);
    Decision {
        method: method.name(),
        score: Some(score),
        threshold,
        drifted: threshold.is_some_and(|bound| score > bound),
    }
}

/// Counts in Doane's bins of the reference, what lies outside in one more; or per level of the reference, unseen ones in
/// one more.
fn binned(column: &Prepared) -> Option<(Vec<u64>, Vec<u64>)> {
    let (mut before, mut now, rows) = match column {
        Prepared::Numbers(reference, current) => {
            let edges = doane_edges(reference)?;
            (histogram(&edges, reference), histogram(&edges, current), current.len() as u64)
        }
        Prepared::Levels(reference, current) => {
            let known = reference.iter().zip(current).filter(|(before, _)| **before > 0);
            let (before, now): (Vec<u64>, Vec<u64>) = known.unzip();
            (before, now, current.iter().sum())
        }
    };
    let outside = rows - now.iter().sum::<u64>();
    before.push(0);
    now.push(outside);
    Some((before, now))
}

/// Edges of equal bins by Doane's rule (1976), which counts with the skewness. `None` without finite values, or where
/// their range is not finite.
pub fn doane_edges(values: &[f64]) -> Option<Vec<f64>> {
    let ascending = sorted(values);
    let (&low, &high) = (ascending.first()?, ascending.last()?);
    if !(high - low).is_finite() {
        return None;
    }
    let rows = ascending.len() as f64;
    let center = mean(&ascending)?;
    let deviation = (squared_deviations(&ascending, center) / rows).sqrt();
    let bins = if rows > 2.0 && deviation > 0.0 {
        let error = (6.0 * (rows - 2.0) / ((rows + 1.0) * (rows + 3.0))).sqrt();
        let skewness = ascending.iter().map(|value| ((value - center) / deviation).powi(3)).sum::<f64>() / rows;
        let width = (high - low) / (1.0 + rows.log2() + (1.0 + skewness.abs() / error).log2());
        ((high - low) / width).ceil() as usize
    } else {
        1
    };
    let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
    Some(equal_edges(low, high, bins))
}

fn equal_edges(low: f64, high: f64, bins: usize) -> Vec<f64> {
    let step = (high - low) / bins as f64;
    (0..=bins).map(|bin| if bin == bins { high } else { low + step * bin as f64 }).collect()
}

/// Cumulative shares of both sides at the upper edges of equal bins over the reference's range, and the bins' width.
struct Estimated {
    low: f64,
    high: f64,
    width: f64,
    reference: Vec<f64>,
    current: Vec<f64>,
}

impl Estimated {
    fn new(reference: &[f64], current: &[f64]) -> Option<Self> {
        let (&low, &high) = (reference.first()?, reference.last()?);
        let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
        if !(high - low).is_finite() {
            return None;
        }
        let edges = equal_edges(low, high, ESTIMATED_BINS);
        let cumulative = |side: &[f64]| {
            let shares = histogram(&edges, side).into_iter().map(|rows| rows as f64 / side.len() as f64);
            shares
                .scan(0.0, |sum, share| {
                    *sum += share;
                    Some(*sum)
                })
                .collect()
        };
        let width = edges.get(1)? - low;
        Some(Self { low, high, width, reference: cumulative(reference), current: cumulative(current) })
    }

    /// |F − G| at each edge, the current side lifted by what lies below.
    fn apart(&self, below: f64) -> impl Iterator<Item = f64> {
        self.reference.iter().zip(&self.current).map(move |(before, now)| (before - (now + below)).abs())
    }
}

fn estimated_ks(reference: &[f64], current: &[f64]) -> Option<f64> {
    let estimated = Estimated::new(reference, current)?;
    let below = current.partition_point(|&value| value < estimated.low) as f64 / current.len() as f64;
    Some(estimated.apart(below).fold(0.0, f64::max))
}

fn estimated_wasserstein(reference: &[f64], current: &[f64]) -> Option<f64> {
    let estimated = Estimated::new(reference, current)?;
    let (low, high) = (estimated.low, estimated.high);
    let rows = current.len() as f64;
    let below = &current[..current.partition_point(|&value| value < low)];
    let above = &current[current.partition_point(|&value| value <= high)..];
    // NannyML counts the edge itself as one more row on either side.
    let amount = |side: &[f64]| if side.is_empty() { 0.0 } else { (side.len() + 1) as f64 / rows };
    let area =
        |side: &[f64], edge: f64| side.iter().map(|value| (value - edge).abs()).sum::<f64>() / (side.len() + 1) as f64;
    let outside = amount(below) * area(below, low) + amount(above) * area(above, high);
    Some(estimated.apart(amount(below)).sum::<f64>() * estimated.width + outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_compared_with_the_chunks_of_the_reference() {
        let reference: Vec<f64> = (0..1005).map(|row| f64::from(row * 37 % 101)).collect();
        let same = decide_numbers(&reference, &reference[200..300], Method::JensenShannon).unwrap();
        assert!(!same.drifted, "{same:?}");
        let shifted: Vec<f64> = reference[..100].iter().map(|value| value + 50.0).collect();
        for method in [Method::JensenShannon, Method::KolmogorovSmirnov, Method::Wasserstein, Method::Hellinger] {
            assert!(decide_numbers(&reference, &shifted, method).unwrap().drifted, "{method:?}");
        }
        assert_eq!(decide_numbers(&reference, &shifted, Method::Chi2), None);
        assert_eq!(decide_numbers(&reference, &[], Method::Wasserstein), None);
        assert_eq!(chunks(1005).count(), 11);
    }

    #[test]
    fn levels_alarm_by_p_value_or_threshold() {
        let reference: Vec<u32> = (0..1000).map(|row| row * 7 % 3).collect();
        let shifted = vec![0; 100];
        for method in [Method::Chi2, Method::LInfinity, Method::JensenShannon, Method::Hellinger] {
            assert!(decide_levels(&reference, &shifted, 3, method).unwrap().drifted, "{method:?}");
            assert!(!decide_levels(&reference, &reference[100..200], 3, method).unwrap().drifted, "{method:?}");
        }
        assert_eq!(decide_levels(&reference, &[9, 9], 3, Method::Chi2), None);
    }

    #[test]
    fn large_references_are_estimated_close_to_the_truth() {
        let reference: Vec<f64> = (0..12_000).map(|row| f64::from(row * 7919 % 12_000)).collect();
        let current: Vec<f64> = (0..500).map(|row| f64::from(row) * 26.0 - 500.0).collect();
        let column = Column::Numbers { reference: &reference, current: &current };
        let exact = wasserstein_sorted(&sorted(&reference), &sorted(&current)).unwrap();
        assert!((score(&column, Method::Wasserstein).unwrap() / exact - 1.0).abs() < 0.1);
        let exact = ks_sorted(&sorted(&reference), &sorted(&current), KsMethod::Asymptotic).unwrap().statistic;
        assert!((score(&column, Method::KolmogorovSmirnov).unwrap() - exact).abs() < 0.005);
    }
}

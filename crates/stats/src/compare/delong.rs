//! DeLong's variance of the ROC AUC (DeLong, DeLong & Clarke-Pearson 1988), by mid-ranks (Sun & Xu 2014).

use crate::special::normal_sf;
use crate::summary::{mean, mid_ranks};

/// An AUC with its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeLong {
    /// Area under the ROC curve.
    pub auc: f64,
    /// Its variance; 0 for a perfect order.
    pub variance: f64,
    /// Positive rows.
    pub positives: usize,
    /// Negative rows.
    pub negatives: usize,
}

/// Two correlated AUCs on the same rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeLongComparison {
    /// AUC of the champion, then of the challenger.
    pub aucs: [f64; 2],
    /// Their covariance matrix.
    pub covariance: [[f64; 2]; 2],
    /// (champion − challenger) over its standard error; `None` if the difference has no variance.
    pub z: Option<f64>,
    /// Two-sided p-value; 1 if both models order all rows alike.
    pub p_value: Option<f64>,
}

impl DeLongComparison {
    /// Challenger minus champion.
    pub fn difference(&self) -> f64 {
        self.aucs[1] - self.aucs[0]
    }

    /// Standard error of the difference.
    pub fn standard_error(&self) -> f64 {
        let [[champion, shared], [_, challenger]] = self.covariance;
        (champion + challenger - 2.0 * shared).max(0.0).sqrt()
    }
}

/// For each positive the share of negatives below it, for each negative the share of positives above it.
struct Placements {
    of_positives: Vec<f64>,
    of_negatives: Vec<f64>,
}

fn placements(y: &[bool], scores: &[f64]) -> Option<Placements> {
    if y.len() != scores.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let of_class = |class: bool| -> Vec<f64> {
        y.iter().zip(scores).filter(|(y, _)| **y == class).map(|(_, &score)| score).collect()
    };
    let (positives, negatives) = (of_class(true), of_class(false));
    let (m, n) = (positives.len(), negatives.len());
    if m == 0 || n == 0 {
        return None;
    }
    let together: Vec<f64> = positives.iter().chain(&negatives).copied().collect();
    let (all, _) = mid_ranks(&together);
    let (among_positives, _) = mid_ranks(&positives);
    let (among_negatives, _) = mid_ranks(&negatives);
    let of_positives = all[..m].iter().zip(&among_positives).map(|(all, own)| (all - own) / n as f64).collect();
    let of_negatives = all[m..].iter().zip(&among_negatives).map(|(all, own)| 1.0 - (all - own) / m as f64).collect();
    Some(Placements { of_positives, of_negatives })
}

/// Sample covariance; 0 for a single value, which says nothing about spread.
fn covariance(left: &[f64], right: &[f64]) -> Option<f64> {
    let (left_mean, right_mean) = (mean(left)?, mean(right)?);
    let sum: f64 = left.iter().zip(right).map(|(l, r)| (l - left_mean) * (r - right_mean)).sum();
    Some(if left.len() < 2 { 0.0 } else { sum / (left.len() as f64 - 1.0) })
}

fn shared_variance(left: &Placements, right: &Placements) -> Option<f64> {
    Some(
        covariance(&left.of_positives, &right.of_positives)? / left.of_positives.len() as f64
            + covariance(&left.of_negatives, &right.of_negatives)? / left.of_negatives.len() as f64,
    )
}

/// The AUC and its variance. `None` when a class is missing, lengths differ, or a score is NaN.
pub fn delong(y: &[bool], scores: &[f64]) -> Option<DeLong> {
    let placements = placements(y, scores)?;
    Some(DeLong {
        auc: mean(&placements.of_positives)?,
        variance: shared_variance(&placements, &placements)?,
        positives: placements.of_positives.len(),
        negatives: placements.of_negatives.len(),
    })
}

/// Compares two models on the same rows. `None` when a class is missing, lengths differ, or a score is NaN.
pub fn delong_paired(y: &[bool], champion: &[f64], challenger: &[f64]) -> Option<DeLongComparison> {
    let models = [placements(y, champion)?, placements(y, challenger)?];
    let aucs = [mean(&models[0].of_positives)?, mean(&models[1].of_positives)?];
    let shared = shared_variance(&models[0], &models[1])?;
    let covariance =
        [[shared_variance(&models[0], &models[0])?, shared], [shared, shared_variance(&models[1], &models[1])?]];
    let mut comparison = DeLongComparison { aucs, covariance, z: None, p_value: None };
    let error = comparison.standard_error();
    let difference = comparison.difference();
    // Rounding leaves about 1e-17 of variance between equal models.
    if error > 1e-8 {
        let z = -difference / error;
        comparison.z = Some(z);
        comparison.p_value = Some((2.0 * normal_sf(z.abs())).min(1.0));
    } else if difference.abs() < 1e-12 {
        comparison.p_value = Some(1.0);
    }
    Some(comparison)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_does_not_differ_from_itself() {
        let (y, p) = ([true, false, true, false], [0.9, 0.5, 0.4, 0.1]);
        let comparison = delong_paired(&y, &p, &p).unwrap();
        assert_eq!((comparison.z, comparison.p_value), (None, Some(1.0)));
        assert_eq!(comparison.aucs, [0.75, 0.75]);
    }

    #[test]
    fn one_class_has_no_auc() {
        assert_eq!(delong(&[true, true], &[0.1, 0.2]), None);
    }
}

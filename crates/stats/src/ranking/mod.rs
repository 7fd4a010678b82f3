//! Metrics of an order: graded relevance and the score that sorted it. Slices of different lengths, no rows, or a NaN
//! give `None`.

mod recommendations;
mod variety;

pub use recommendations::{AtRank, Recommendation, Relevance, mean_at, values_at};
pub use variety::{
    Popularity, diversity, entropy_of_scores, novelty, personalisation, popularity, serendipity, share_of_values,
};

use crate::summary::ratio;

/// What a grade of relevance is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gain {
    /// The grade itself.
    Linear,
    /// 2^grade − 1, which favours the best grades.
    Exponential,
}

impl Gain {
    fn of(self, relevance: f64) -> f64 {
        match self {
            Self::Linear => relevance,
            Self::Exponential => relevance.exp2() - 1.0,
        }
    }
}

/// Row indexes from the highest score down; equal scores keep their order.
fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    order
}

/// Discounted cumulative gain of the best `k` scores, with discount log₂(rank + 1). Rows of equal score share the
/// mean of their gains, so that their accidental order does not count.
pub fn dcg(relevance: &[f64], scores: &[f64], k: usize, gain: Gain) -> Option<f64> {
    let numbers = relevance.iter().chain(scores).all(|value| !value.is_nan());
    if relevance.len() != scores.len() || relevance.is_empty() || !numbers {
        return None;
    }
    let discount = |rank: usize| if rank < k { 1.0 / (rank as f64 + 2.0).log2() } else { 0.0 };
    let (mut rank, mut sum) = (0, 0.0);
    for group in order(scores).chunk_by(|&left, &right| scores[left] == scores[right]) {
        let gains: f64 = group.iter().map(|&row| gain.of(relevance[row])).sum();
        let discounts: f64 = (rank..rank + group.len()).map(discount).sum();
        sum += gains / group.len() as f64 * discounts;
        rank += group.len();
    }
    Some(sum)
}

/// DCG divided by that of the best possible order. `None` if nothing is relevant.
pub fn ndcg(relevance: &[f64], scores: &[f64], k: usize, gain: Gain) -> Option<f64> {
    let ideal = dcg(relevance, relevance, k, gain)?;
    if ideal <= 0.0 { None } else { Some(dcg(relevance, scores, k, gain)? / ideal) }
}

/// Relevance from the highest score down.
fn ranked(relevant: &[bool], scores: &[f64]) -> Option<Vec<bool>> {
    let numbers = scores.iter().all(|score| !score.is_nan());
    let valid = numbers && relevant.len() == scores.len() && !relevant.is_empty();
    valid.then(|| order(scores).into_iter().map(|row| relevant[row]).collect())
}

fn hits(ranked: &[bool], k: usize) -> usize {
    ranked.iter().take(k).filter(|&&relevant| relevant).count()
}

/// Share of the best `k` that are relevant. `None` for k = 0.
pub fn precision_at(relevant: &[bool], scores: &[f64], k: usize) -> Option<f64> {
    let ranked = ranked(relevant, scores)?;
    (k > 0).then(|| hits(&ranked, k) as f64 / k as f64)
}

/// Share of the relevant that are among the best `k`. `None` if nothing is relevant.
pub fn recall_at(relevant: &[bool], scores: &[f64], k: usize) -> Option<f64> {
    let ranked = ranked(relevant, scores)?;
    let total = hits(&ranked, ranked.len());
    (total > 0).then(|| hits(&ranked, k) as f64 / total as f64)
}

/// F score of precision and recall among the best `k`; β > 1 weighs recall higher. `None` if nothing is relevant, or for
/// k = 0.
pub fn f_beta_at(relevant: &[bool], scores: &[f64], k: usize, beta: f64) -> Option<f64> {
    let (precision, recall) = (precision_at(relevant, scores, k)?, recall_at(relevant, scores, k)?);
    let squared = beta * beta;
    // Without a hit both are 0, and so is what lies between them.
    Some(ratio((1.0 + squared) * precision * recall, squared * precision + recall).unwrap_or(0.0))
}

/// Whether any of the best `k` is relevant.
pub fn hit_at(relevant: &[bool], scores: &[f64], k: usize) -> Option<bool> {
    Some(hits(&ranked(relevant, scores)?, k) > 0)
}

/// One over the rank of the first relevant row. `None` if nothing is relevant.
pub fn reciprocal_rank(relevant: &[bool], scores: &[f64]) -> Option<f64> {
    let first = ranked(relevant, scores)?.iter().position(|&relevant| relevant)?;
    Some(1.0 / (first as f64 + 1.0))
}

/// Mean precision at the ranks of the relevant rows among the best `k`, over min(k, relevant rows). With `k` the
/// number of rows this is average precision. `None` if nothing is relevant, or for k = 0.
pub fn average_precision_at(relevant: &[bool], scores: &[f64], k: usize) -> Option<f64> {
    let ranked = ranked(relevant, scores)?;
    let possible = hits(&ranked, ranked.len()).min(k);
    let (mut found, mut sum) = (0.0, 0.0);
    for (rank, _) in ranked.iter().enumerate().take(k).filter(|(_, relevant)| **relevant) {
        found += 1.0;
        sum += found / (rank as f64 + 1.0);
    }
    (possible > 0).then(|| sum / possible as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_share_their_gain() {
        let together = dcg(&[1.0, 0.0], &[0.5, 0.5], 1, Gain::Linear);
        assert_eq!(together, Some(0.5));
        assert_eq!(ndcg(&[0.0, 0.0], &[0.1, 0.2], 2, Gain::Linear), None);
    }

    #[test]
    fn nothing_relevant_is_undefined_and_not_zero() {
        assert_eq!(recall_at(&[false], &[0.1], 1), None);
        assert_eq!(reciprocal_rank(&[false], &[0.1]), None);
        assert_eq!(average_precision_at(&[false, true], &[0.9, 0.1], 1), Some(0.0));
        assert_eq!(hit_at(&[false, true], &[0.9, 0.1], 1), Some(false));
    }
}

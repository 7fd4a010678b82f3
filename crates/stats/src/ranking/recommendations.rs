//! Metrics of recommendations: the mean over users of what each of them was shown.

use super::{Gain, average_precision_at, f_beta_at, hit_at, ndcg, precision_at, recall_at, reciprocal_rank};
use crate::interval::{Estimate, mean_interval, wilson};
use crate::summary::mean;

/// What one user was shown: items with a relevance and the score that ordered them.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// The graded relevance of each item; 0 or less is not relevant.
    pub relevance: Vec<f64>,
    /// The score of each item.
    pub scores: Vec<f64>,
}

/// A metric among the best k of each user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AtRank {
    /// Share of the shown that are relevant.
    Precision,
    /// Share of the relevant that are shown.
    Recall,
    /// F score of both, with its β.
    FBeta(f64),
    /// Mean average precision.
    MeanAveragePrecision,
    /// Normalised discounted cumulative gain.
    Ndcg(Gain),
    /// Share of the users that are shown anything relevant.
    HitRate,
    /// Mean of one over the rank of the first relevant item, 0 if it is not among the shown.
    MeanReciprocalRank,
}

/// How users for whom nothing is relevant count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relevance {
    /// They do not: nothing could have been right for them.
    Required,
    /// As zero, as some libraries do.
    Assumed,
}

/// A metric of each user at rank `k`. `None` where it is undefined: for k = 0, for lists that do not fit together or hold a
/// NaN, and, if relevance is required, where nothing is relevant.
pub fn values_at(users: &[Recommendation], metric: AtRank, k: usize, relevance: Relevance) -> Vec<Option<f64>> {
    let of_user = |user: &Recommendation| -> Option<f64> {
        let relevant: Vec<bool> = user.relevance.iter().map(|&grade| grade > 0.0).collect();
        let value = of_user(user, &relevant, metric, k);
        // A list that can be judged but holds nothing relevant.
        let judged = k > 0 && hit_at(&relevant, &user.scores, k).is_some() && !relevant.contains(&true);
        match relevance {
            Relevance::Required if judged => None,
            Relevance::Assumed if judged => Some(0.0),
            _ => value,
        }
    };
    users.iter().map(of_user).collect()
}

/// The mean of [`values_at`] over the users for whom it is defined, with its interval at `confidence`: Wilson's for the hit
/// rate, Student's over users for the others. `None` without such users.
pub fn mean_at(
    users: &[Recommendation],
    metric: AtRank,
    k: usize,
    relevance: Relevance,
    confidence: f64,
) -> Option<Estimate> {
    let values: Vec<f64> = values_at(users, metric, k, relevance).into_iter().flatten().collect();
    let value = mean(&values)?;
    let interval = match metric {
        AtRank::HitRate => wilson(values.iter().sum(), values.len() as f64, confidence),
        _ => mean_interval(&values, confidence).map(|interval| interval.within(0.0, 1.0)),
    };
    Some(Estimate { value, interval })
}

fn of_user(user: &Recommendation, relevant: &[bool], metric: AtRank, k: usize) -> Option<f64> {
    let scores = &user.scores;
    match metric {
        _ if k == 0 => None,
        AtRank::Precision => precision_at(relevant, scores, k),
        AtRank::Recall => recall_at(relevant, scores, k),
        AtRank::FBeta(beta) => f_beta_at(relevant, scores, k, beta),
        AtRank::MeanAveragePrecision => average_precision_at(relevant, scores, k),
        AtRank::Ndcg(gain) => ndcg(&user.relevance, scores, k, gain),
        AtRank::HitRate => hit_at(relevant, scores, k).map(|hit| f64::from(u8::from(hit))),
        AtRank::MeanReciprocalRank => {
            let reciprocal = reciprocal_rank(relevant, scores)?;
            Some(if reciprocal * k as f64 >= 1.0 { reciprocal } else { 0.0 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(relevance: &[f64], scores: &[f64]) -> Recommendation {
        Recommendation { relevance: relevance.to_vec(), scores: scores.to_vec() }
    }

    #[test]
    fn means_over_users_are_those_of_the_definitions() {
        // Found at rank 1; found at rank 3; nothing to find; lists that do not fit.
        let users = [
            user(&[1.0, 0.0, 0.0], &[0.9, 0.5, 0.1]),
            user(&[0.0, 0.0, 2.0], &[0.9, 0.5, 0.1]),
            user(&[0.0, 0.0, 0.0], &[0.9, 0.5, 0.1]),
            user(&[1.0], &[]),
        ];
        let value = |metric, k, relevance| mean_at(&users, metric, k, relevance, 0.95).map(|mean| mean.value);
        let required = |metric, k| value(metric, k, Relevance::Required);
        assert_eq!(required(AtRank::HitRate, 2), Some(0.5));
        assert_eq!(value(AtRank::HitRate, 2, Relevance::Assumed), Some(1.0 / 3.0));
        assert_eq!(required(AtRank::Precision, 2), Some(0.25));
        assert_eq!(required(AtRank::Recall, 3), Some(1.0));
        assert_eq!(required(AtRank::MeanReciprocalRank, 3), Some((1.0 + 1.0 / 3.0) / 2.0));
        assert_eq!(required(AtRank::MeanReciprocalRank, 2), Some(0.5));
        assert_eq!(required(AtRank::MeanAveragePrecision, 3), Some((1.0 + 1.0 / 3.0) / 2.0));
        assert_eq!(required(AtRank::Ndcg(Gain::Linear), 3), Some(0.75));
        assert_eq!(required(AtRank::FBeta(1.0), 2), Some((2.0 * 0.5 / 1.5 + 0.0) / 2.0));
        assert_eq!(required(AtRank::Precision, 0), None);
        assert_eq!(mean_at(&[], AtRank::HitRate, 1, Relevance::Assumed, 0.95), None);
        let interval = mean_at(&users, AtRank::HitRate, 2, Relevance::Required, 0.95).unwrap().interval.unwrap();
        assert!(interval.low > 0.0 && interval.high < 1.0, "{interval:?}");
    }
}

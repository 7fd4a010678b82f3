//! Consensus: majority vote, and Dawid–Skene, which learns how reliable each annotator is.

/// One answer: annotator and class, as numbers from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub annotator: usize,
    /// Which class.
    pub class: usize,
}

/// Keeps logarithms finite; what crowd-kit takes.
const LEAST_PROBABILITY: f64 = 1e-10;
/// Rounds of EM at most, and the gain of the bound per vote under which it has converged: the defaults of crowd-kit.
const ROUNDS: usize = 100;
const TOLERANCE: f64 = 1e-5;

/// For each item the share of its votes that each class got. An item without votes, or with a vote for a class out of range,
/// gets an empty list.
pub fn majority_vote(votes: &[Vec<Vote>], classes: usize) -> Vec<Vec<f64>> {
    let shares = |item: &Vec<Vote>| {
        if item.is_empty() || item.iter().any(|vote| vote.class >= classes) {
            return Vec::new();
        }
        let mut shares = vec![0.0; classes];
        item.iter().for_each(|vote| shares[vote.class] += 1.0 / item.len() as f64);
        shares
    };
    votes.iter().map(shares).collect()
}

/// The most probable class, the first of equals; `None` of an empty list.
pub fn most_probable(probabilities: &[f64]) -> Option<usize> {
    // The last of those that are greatest in reverse order is the first.
    (0..probabilities.len()).rev().max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
}

/// What Dawid–Skene found.
#[derive(Clone, Debug, PartialEq)]
pub struct DawidSkene {
    /// For each item the probability of each class; empty where nobody voted.
    pub probabilities: Vec<Vec<f64>>,
    /// How frequent each class is.
    pub priors: Vec<f64>,
    /// For each annotator, by answered and true class, how probable the answer is.
    pub errors: Vec<Vec<Vec<f64>>>,
    /// Rounds of EM that were made.
    pub rounds: usize,
}

impl DawidSkene {
    /// How often an annotator answers rightly, over the classes as frequent as they are.
    pub fn accuracy(&self, annotator: usize) -> Option<f64> {
        let errors = self.errors.get(annotator)?;
        Some(self.priors.iter().enumerate().map(|(class, prior)| prior * errors[class][class]).sum())
    }
}

/// Dawid and Skene's model (1979) by EM from the majority vote, with the stopping rule of crowd-kit. `None` without votes or
/// for a class out of range.
pub fn dawid_skene(votes: &[Vec<Vote>], classes: usize) -> Option<DawidSkene> {
    let all = || votes.iter().flatten();
    let annotators = all().map(|vote| vote.annotator + 1).max()?;
    if all().any(|vote| vote.class >= classes) {
        return None;
    }
    let count = all().count() as f64;
    let mut seen = vec![vec![false; classes]; annotators];
    all().for_each(|vote| seen[vote.annotator][vote.class] = true);
    let mut probabilities = majority_vote(votes, classes);
    let mut priors = mean(&probabilities, classes);
    let mut errors = maximise(votes, &probabilities, &seen);
    let (mut bound, mut rounds) = (f64::NEG_INFINITY, 0);
    while rounds < ROUNDS {
        rounds += 1;
        for (item, probabilities) in votes.iter().zip(&mut probabilities).filter(|(item, _)| !item.is_empty()) {
            *probabilities = expect(item, &priors, &errors);
        }
        priors = mean(&probabilities, classes);
        errors = maximise(votes, &probabilities, &seen);
        let new = lower_bound(votes, &probabilities, &priors, &errors) / count;
        if new - bound < TOLERANCE {
            break;
        }
        bound = new;
    }
    Some(DawidSkene { probabilities, priors, errors, rounds })
}

fn mean(probabilities: &[Vec<f64>], classes: usize) -> Vec<f64> {
    let voted: Vec<&Vec<f64>> = probabilities.iter().filter(|item| !item.is_empty()).collect();
    let share = |class: usize| voted.iter().map(|item| item[class]).sum::<f64>() / voted.len() as f64;
    (0..classes).map(|class| share(class).max(LEAST_PROBABILITY)).collect()
}

/// The answers of each annotator by true class, as probabilities; answers that an annotator never gives have none.
fn maximise(votes: &[Vec<Vote>], probabilities: &[Vec<f64>], seen: &[Vec<bool>]) -> Vec<Vec<Vec<f64>>> {
    let classes = seen.first().map_or(0, Vec::len);
    let mut errors = vec![vec![vec![0.0; classes]; classes]; seen.len()];
    for (item, probabilities) in votes.iter().zip(probabilities) {
        for vote in item {
            let row = &mut errors[vote.annotator][vote.class];
            row.iter_mut().zip(probabilities).for_each(|(cell, probability)| *cell += probability);
        }
    }
    for (matrix, seen) in errors.iter_mut().zip(seen) {
        let mut totals = vec![0.0; classes];
        for (row, _) in matrix.iter_mut().zip(seen).filter(|(_, seen)| **seen) {
            for (cell, total) in row.iter_mut().zip(&mut totals) {
                *cell = cell.max(LEAST_PROBABILITY);
                *total += *cell;
            }
        }
        for row in matrix {
            row.iter_mut().zip(&totals).filter(|(_, total)| **total > 0.0).for_each(|(cell, total)| *cell /= total);
        }
    }
    errors
}

fn expect(item: &[Vote], priors: &[f64], errors: &[Vec<Vec<f64>>]) -> Vec<f64> {
    let log_likelihood = |(class, prior): (usize, &f64)| {
        prior.ln() + item.iter().map(|vote| errors[vote.annotator][vote.class][class].ln()).sum::<f64>()
    };
    normalised(priors.iter().enumerate().map(log_likelihood).collect())
}

/// Probabilities from logarithms of likelihoods, shifted so that the greatest is 1 before it is exponentiated.
pub(super) fn normalised(logs: Vec<f64>) -> Vec<f64> {
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scaled: Vec<f64> = logs.iter().map(|log| (log - greatest).exp()).collect();
    let total: f64 = scaled.iter().sum();
    scaled.into_iter().map(|value| value / total).collect()
}

/// The evidence lower bound as crowd-kit writes it: the prior counts once a vote.
fn lower_bound(votes: &[Vec<Vote>], probabilities: &[Vec<f64>], priors: &[f64], errors: &[Vec<Vec<f64>>]) -> f64 {
    let mut bound = 0.0;
    for (item, probabilities) in votes.iter().zip(probabilities) {
        for (class, probability) in probabilities.iter().enumerate() {
            let logs = item.iter().map(|vote| errors[vote.annotator][vote.class][class].ln() + priors[class].ln());
            bound += probability * logs.sum::<f64>();
            let kept = probability.max(LEAST_PROBABILITY);
            bound -= kept * kept.ln();
        }
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reliable_minority_outvotes_annotators_who_guess() {
        // Two annotators always agree; two others answer 0 whatever comes.
        let item = |class: usize| {
            vec![
                Vote { annotator: 0, class },
                Vote { annotator: 1, class },
                Vote { annotator: 2, class: 0 },
                Vote { annotator: 3, class: 0 },
            ]
        };
        let votes: Vec<Vec<Vote>> = (0..30).map(|at| item(at % 2)).chain([Vec::new()]).collect();
        let found = dawid_skene(&votes, 2).unwrap();
        assert_eq!(most_probable(&found.probabilities[1]), Some(1));
        assert_eq!(most_probable(&majority_vote(&votes, 2)[1]), Some(0));
        assert_eq!(found.probabilities[30], Vec::<f64>::new());
        assert!(found.accuracy(0).unwrap() > 0.99 && found.accuracy(2).unwrap() < 0.6);
        assert_eq!(found.accuracy(9), None);
        assert!(dawid_skene(&[Vec::new()], 2).is_none());
        assert!(dawid_skene(&[vec![Vote { annotator: 0, class: 2 }]], 2).is_none());
    }
}

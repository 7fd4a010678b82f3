//! Labelling functions: rules that vote for a class or abstain, how they get along, and one label from all of them.

use super::consensus::normalised;

/// How a labelling function relates to the others, as shares of all items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FunctionSummary {
    /// Items on which it votes.
    pub coverage: f64,
    /// Items on which it and another vote.
    pub overlap: f64,
    /// Items on which another votes for another class.
    pub conflict: f64,
}

/// Coverage, overlap and conflict of each function; `votes` has one row per item and one place per function, `None` where it
/// abstains. `None` without items, or for rows of different lengths.
pub fn function_summary(votes: &[Vec<Option<usize>>]) -> Option<Vec<FunctionSummary>> {
    let functions = votes.first()?.len();
    if votes.iter().any(|item| item.len() != functions) {
        return None;
    }
    let share = |holds: &dyn Fn(&Vec<Option<usize>>) -> bool| {
        votes.iter().filter(|item| holds(item)).count() as f64 / votes.len() as f64
    };
    let others = |item: &Vec<Option<usize>>, at: usize, fits: &dyn Fn(usize) -> bool| {
        item.iter().enumerate().any(|(place, vote)| place != at && vote.is_some_and(fits))
    };
    let summary = |at: usize| FunctionSummary {
        coverage: share(&|item| item[at].is_some()),
        overlap: share(&|item| item[at].is_some() && others(item, at, &|_| true)),
        conflict: share(&|item| item[at].is_some_and(|own| others(item, at, &|other| other != own))),
    };
    Some((0..functions).map(summary).collect())
}

/// One label from the votes of all functions.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelModel {
    /// For each item the probability of each class; empty where every function abstains.
    pub probabilities: Vec<Vec<f64>>,
    /// For each function how often its votes are right; `None` when it never votes.
    pub accuracies: Vec<Option<f64>>,
}

/// Rounds of EM: it has converged long before, or goes in circles.
const ROUNDS: usize = 200;
/// Rounds end when no probability moves by more.
const TOLERANCE: f64 = 1e-6;
/// Votes that each cell of a function's table begins with, so that no probability becomes 0.
const SMOOTHING: f64 = 0.1;
/// The belief that a vote is right, in votes for each item that has any: it names the classes, which could change places
/// without it, and holds where few functions leave much open.
const BELIEF: f64 = 0.05;

/// Learns how accurate each function is from how it agrees with the others, without any true label, by EM: Dawid–Skene in
/// which to abstain is an answer too, so that a function that votes for one class only tells something by its silence.
/// How frequent the classes are cannot be told apart from how often functions are silent: they are `balance`, or equally
/// frequent where that is `None`, as Snorkel takes them. `None` without votes, or for votes out of range.
pub fn label_model(votes: &[Vec<Option<usize>>], classes: usize, balance: Option<&[f64]>) -> Option<LabelModel> {
    let functions = votes.first()?.len();
    let fits = |item: &Vec<Option<usize>>| item.len() == functions && item.iter().flatten().all(|&vote| vote < classes);
    let balanced = balance.is_none_or(|balance| balance.len() == classes && balance.iter().all(|share| *share > 0.0));
    let voted: Vec<&Vec<Option<usize>>> = votes.iter().filter(|item| item.iter().any(Option::is_some)).collect();
    if voted.is_empty() || !balanced || !votes.iter().all(fits) {
        return None;
    }
    let priors = balance.map_or_else(|| vec![1.0 / classes as f64; classes], <[f64]>::to_vec);
    let mut probabilities: Vec<Vec<f64>> = voted.iter().map(|item| shares(item, classes)).collect();
    for _ in 0..ROUNDS {
        let tables: Vec<Table> = (0..functions).map(|at| table(&voted, &probabilities, at, classes)).collect();
        let mut moved: f64 = 0.0;
        for (item, old) in voted.iter().zip(&mut probabilities) {
            let new = posterior(item, &priors, &tables);
            moved = new.iter().zip(old.iter()).fold(moved, |most, (new, old)| most.max((new - old).abs()));
            *old = new;
        }
        if moved < TOLERANCE {
            break;
        }
    }
    let accuracies = (0..functions).map(|at| accuracy(&voted, &probabilities, at)).collect();
    let mut known = probabilities.into_iter();
    let of_item = |item: &Vec<Option<usize>>| {
        if item.iter().any(Option::is_some) { known.next().unwrap_or_default() } else { Vec::new() }
    };
    Some(LabelModel { probabilities: votes.iter().map(of_item).collect(), accuracies })
}

/// The share of votes that each class got.
fn shares(item: &[Option<usize>], classes: usize) -> Vec<f64> {
    let count = item.iter().flatten().count() as f64;
    let mut shares = vec![0.0; classes];
    item.iter().flatten().for_each(|&vote| shares[vote] += 1.0 / count);
    shares
}

/// By true class and answer, the last of which is to abstain: the logarithm of how probable it is.
type Table = Vec<Vec<f64>>;

fn table(items: &[&Vec<Option<usize>>], probabilities: &[Vec<f64>], function: usize, classes: usize) -> Table {
    let mut counts = vec![vec![SMOOTHING; classes + 1]; classes];
    for (item, probabilities) in items.iter().zip(probabilities) {
        let answer = item[function].unwrap_or(classes);
        counts.iter_mut().zip(probabilities).for_each(|(row, probability)| row[answer] += probability);
    }
    for (class, row) in counts.iter_mut().enumerate() {
        row[class] += BELIEF * items.len() as f64;
        let total: f64 = row.iter().sum();
        row.iter_mut().for_each(|cell| *cell = (*cell / total).ln());
    }
    counts
}

fn posterior(item: &[Option<usize>], priors: &[f64], tables: &[Table]) -> Vec<f64> {
    let log = |(class, prior): (usize, &f64)| {
        let answers = item.iter().zip(tables).map(|(vote, table)| table[class][vote.unwrap_or(priors.len())]);
        prior.ln() + answers.sum::<f64>()
    };
    normalised(priors.iter().enumerate().map(log).collect())
}

fn accuracy(items: &[&Vec<Option<usize>>], probabilities: &[Vec<f64>], function: usize) -> Option<f64> {
    let votes = items.iter().zip(probabilities).filter_map(|(item, of)| item[function].map(|vote| of[vote]));
    let (count, right) = votes.fold((0_usize, 0.0), |(count, right), probability| (count + 1, right + probability));
    (count > 0).then(|| right / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_no_vote_and_rows_must_fit() {
        let votes = vec![vec![Some(0), None], vec![Some(0), Some(1)], vec![None, None], vec![Some(1), Some(1)]];
        let summary = function_summary(&votes).unwrap();
        assert_eq!(summary[0], FunctionSummary { coverage: 0.75, overlap: 0.5, conflict: 0.25 });
        assert_eq!(summary[1], FunctionSummary { coverage: 0.5, overlap: 0.5, conflict: 0.25 });
        assert_eq!(function_summary(&[]), None);
        assert_eq!(function_summary(&[vec![None], vec![]]), None);
        let model = label_model(&votes, 2, None).unwrap();
        assert_eq!(model.probabilities[2], Vec::<f64>::new());
        assert!((model.probabilities[3].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(label_model(&votes, 1, None).is_none() && label_model(&[vec![None]], 2, None).is_none());
        assert!(label_model(&votes, 2, Some(&[1.0])).is_none());
    }
}

//! Confident learning (Northcutt, Jiang, Chuang 2021): which labels are probably wrong, from probabilities of a model that did
//! not learn from them. The same answers as cleanlab's.

use super::consensus::most_probable;

/// Probabilities closer than this are as good.
const FUZZY: f64 = 1e-6;
/// Examples that each class keeps.
const KEPT_PER_CLASS: usize = 1;

/// How issues are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// As many of each pair of classes as the confident joint says, by margin; the usual one.
    NoiseRate,
    /// As many of each class as the confident joint says, by self-confidence.
    Class,
    /// Those that both of these find.
    Both,
    /// The examples that are counted off the diagonal of the confident joint.
    ConfidentLearning,
    /// Those whose most probable class is another.
    PredictedIsNotGiven,
}

/// How good one label is, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// The probability of the given label.
    SelfConfidence,
    /// That less the greatest of the other classes, moved to 0..1.
    NormalizedMargin,
    /// The entropy by the probability of the given label, moved to 0..1.
    ConfidenceWeightedEntropy,
}

fn fits(labels: &[usize], probabilities: &[Vec<f64>]) -> Option<usize> {
    let classes = probabilities.first()?.len();
    let good = |row: &Vec<f64>| row.len() == classes && row.iter().all(|p| (0.0..=1.0).contains(p));
    let fits = classes > 1
        && labels.len() == probabilities.len()
        && labels.iter().all(|&label| label < classes)
        && probabilities.iter().all(good);
    fits.then_some(classes)
}

/// How good each label is. `None` for lengths or classes that do not fit.
pub fn label_quality(labels: &[usize], probabilities: &[Vec<f64>], by: Quality) -> Option<Vec<f64>> {
    let classes = fits(labels, probabilities)?;
    let score = |(&label, row): (&usize, &Vec<f64>)| match by {
        Quality::SelfConfidence => row[label],
        Quality::NormalizedMargin => {
            let others = row.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, p)| *p);
            (row[label] - others.fold(0.0, f64::max) + 1.0) / 2.0
        }
        Quality::ConfidenceWeightedEntropy => {
            let entropy = -row.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>() / (classes as f64).ln();
            let weighted = entropy / row[label].max(FUZZY);
            (weighted + 1.0).ln() / weighted.max(FUZZY)
        }
    };
    Some(labels.iter().zip(probabilities).map(score).collect())
}

/// The confident joint: how many examples with each given label (row) are confidently of each class (column), scaled so that
/// the rows add up to how many examples have that label; and which examples stand off its diagonal.
pub fn confident_joint(labels: &[usize], probabilities: &[Vec<f64>]) -> Option<(Vec<Vec<usize>>, Vec<bool>)> {
    let classes = fits(labels, probabilities)?;
    let mut sums = vec![(0.0, 0_usize); classes];
    for (&label, row) in labels.iter().zip(probabilities) {
        sums[label].0 += row[label];
        sums[label].1 += 1;
    }
    // A class without labels is confident of nothing.
    let threshold = |&(sum, count): &(f64, usize)| if count == 0 { 2.0 } else { (sum / count as f64).max(FUZZY) };
    let thresholds: Vec<f64> = sums.iter().map(threshold).collect();
    let mut joint = vec![vec![0.0_f64; classes]; classes];
    let mut off_diagonal = vec![false; labels.len()];
    for (at, (&label, row)) in labels.iter().zip(probabilities).enumerate() {
        let mut confident = (0..classes).filter(|&class| row[class] >= thresholds[class] - FUZZY);
        let guess = match (confident.next(), confident.next()) {
            (None, _) => continue,
            (Some(only), None) => only,
            (Some(_), Some(_)) => most_probable(row)?,
        };
        joint[label][guess] += 1.0;
        off_diagonal[at] = guess != label;
    }
    for (class, row) in joint.iter_mut().enumerate() {
        row[class] = row[class].max(1.0);
        let total: f64 = row.iter().sum();
        row.iter_mut().for_each(|cell| *cell = *cell / total * sums[class].1 as f64);
    }
    let (total, wanted) = (joint.iter().flatten().sum::<f64>(), labels.len() as f64);
    let scaled = joint.iter().map(|row| row.iter().map(|cell| cell / total * wanted).collect::<Vec<f64>>());
    Some((scaled.map(|row| rounded(&row)).collect(), off_diagonal))
}

/// Whole numbers with the same sum, those changed that are nearest to the next one.
fn rounded(values: &[f64]) -> Vec<usize> {
    let mut whole: Vec<f64> = values.iter().map(|value| value.round_ties_even()).collect();
    let wanted = values.iter().sum::<f64>().round_ties_even();
    let mut missing = wanted - whole.iter().sum::<f64>();
    while missing.abs() > FUZZY {
        let step = if missing < 0.0 { -1.0 } else { 1.0 };
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| (values[a] - whole[a]).total_cmp(&(values[b] - whole[b])));
        if step > 0.0 {
            order.reverse();
        }
        for &at in order.iter().take(missing.abs() as usize) {
            whole[at] += step;
        }
        missing = wanted - whole.iter().sum::<f64>();
    }
    whole.into_iter().map(|value| value.max(0.0) as usize).collect()
}

/// By given label (row) and true class (column), how many examples to take out, so that each class keeps some.
fn prune_counts(joint: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let prune = |(class, row): (usize, &Vec<usize>)| {
        let kept = row[class].max(KEPT_PER_CLASS);
        let others = row.iter().filter(|count| **count > 0).count().saturating_sub(1).max(1);
        let less = (kept - row[class]) as f64 / others as f64;
        let cell = |(other, &count): (usize, &usize)| {
            if other == class { kept } else { (count as f64 - less).max(0.0) as usize }
        };
        row.iter().enumerate().map(cell).collect()
    };
    joint.iter().enumerate().map(prune).collect()
}

/// Which labels are probably wrong. `None` for lengths or classes that do not fit.
pub fn label_issues(labels: &[usize], probabilities: &[Vec<f64>], by: Filter) -> Option<Vec<bool>> {
    let classes = fits(labels, probabilities)?;
    let (joint, off_diagonal) = confident_joint(labels, probabilities)?;
    let counts = prune_counts(&joint);
    let mut issues = match by {
        Filter::NoiseRate => by_noise_rate(labels, probabilities, &counts),
        Filter::Class => by_class(labels, probabilities, &counts),
        Filter::Both => {
            let by_class = by_class(labels, probabilities, &counts);
            let by_rate = by_noise_rate(labels, probabilities, &counts);
            by_rate.iter().zip(by_class).map(|(rate, class)| *rate && class).collect()
        }
        Filter::ConfidentLearning => off_diagonal,
        Filter::PredictedIsNotGiven => vec![true; labels.len()],
    };
    // What the model says too, or as probably, is no issue.
    for ((issue, &label), row) in issues.iter_mut().zip(labels).zip(probabilities) {
        let raised = |class: usize| row[class] + if class == label { FUZZY } else { 0.0 };
        let said = match by {
            Filter::PredictedIsNotGiven => most_probable(row),
            _ => most_probable(&(0..classes).map(raised).collect::<Vec<f64>>()),
        };
        *issue &= said != Some(label);
    }
    Some(issues)
}

/// Marks the first `count` of the examples of a class in the order of a score, smallest first.
fn mark(issues: &mut [bool], examples: &[usize], count: usize, score: impl Fn(usize) -> f64) {
    let mut order = examples.to_vec();
    order.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
    order.iter().take(count).for_each(|&at| issues[at] = true);
}

/// The examples with each label that has more than it must keep.
fn examples_by_class(labels: &[usize], classes: usize) -> impl Iterator<Item = (usize, Vec<usize>)> + '_ {
    let of = |class: usize| (0..labels.len()).filter(|&at| labels[at] == class).collect::<Vec<_>>();
    (0..classes).map(move |class| (class, of(class))).filter(|(_, examples)| examples.len() > KEPT_PER_CLASS)
}

fn by_noise_rate(labels: &[usize], probabilities: &[Vec<f64>], counts: &[Vec<usize>]) -> Vec<bool> {
    let mut issues = vec![false; labels.len()];
    for (class, examples) in examples_by_class(labels, counts.len()) {
        for (other, &count) in counts[class].iter().enumerate().filter(|(other, _)| *other != class) {
            mark(&mut issues, &examples, count, |at| probabilities[at][class] - probabilities[at][other]);
        }
    }
    issues
}

fn by_class(labels: &[usize], probabilities: &[Vec<f64>], counts: &[Vec<usize>]) -> Vec<bool> {
    let mut issues = vec![false; labels.len()];
    for (class, examples) in examples_by_class(labels, counts.len()) {
        let count = examples.len().saturating_sub(counts[class][class]);
        mark(&mut issues, &examples, count, |at| probabilities[at][class]);
    }
    issues
}

/// The positions of the issues, worst label first.
pub fn ranked_by_quality(issues: &[bool], quality: &[f64]) -> Vec<usize> {
    let mut found: Vec<usize> = (0..issues.len().min(quality.len())).filter(|&at| issues[at]).collect();
    found.sort_by(|&a, &b| quality[a].total_cmp(&quality[b]));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_the_model_surely_denies_is_an_issue() {
        let sure = |class: usize| if class == 0 { vec![0.95, 0.05] } else { vec![0.05, 0.95] };
        let mut labels: Vec<usize> = (0..20).map(|at| at % 2).collect();
        let probabilities: Vec<Vec<f64>> = labels.iter().map(|&class| sure(class)).collect();
        for by in [Filter::NoiseRate, Filter::Class, Filter::Both, Filter::ConfidentLearning] {
            assert_eq!(label_issues(&labels, &probabilities, by).unwrap(), vec![false; 20]);
        }
        labels[3] = 0;
        for by in [Filter::NoiseRate, Filter::Class, Filter::Both, Filter::ConfidentLearning] {
            let issues = label_issues(&labels, &probabilities, by).unwrap();
            let quality = label_quality(&labels, &probabilities, Quality::SelfConfidence).unwrap();
            assert_eq!(ranked_by_quality(&issues, &quality), [3], "{by:?}");
        }
        assert_eq!(label_issues(&labels, &probabilities[1..], Filter::NoiseRate), None);
        assert_eq!(label_quality(&[2], &[vec![0.5, 0.5]], Quality::SelfConfidence), None);
        assert_eq!(confident_joint(&[0], &[vec![f64::NAN, 0.5]]), None);
    }
}

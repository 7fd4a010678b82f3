//! What a model must beat: the same answer for every row.

use std::collections::BTreeMap;

use flyball_core::Task;
use flyball_stats::baseline::{same_class_for_all, same_number_for_all};

use crate::answers::Subject;

/// The metrics of the best constant answer: the shares of the classes as probabilities, the mean (for absolute errors
/// the median) as number.
pub(crate) fn naive(task: Task, subject: &Subject) -> BTreeMap<String, f64> {
    let weights = subject.weights.as_deref();
    let metrics = match task {
        Task::Regression => same_number_for_all(&subject.truth, weights),
        Task::Classification => {
            let classes = subject.classes.as_ref().map_or(2, |classes| classes.names.len());
            let labels: Vec<usize> = subject.truth.iter().map(|&truth| truth as usize).collect();
            same_class_for_all(&labels, classes, weights)
        }
    };
    metrics.unwrap_or_default().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

//! How well rows are ordered where they are ranked against each other: what is shown to one user, or found for one
//! query. Each list of rows counts once, whatever its rows weigh.

use std::collections::HashMap;

use flyball_core::rng::Rng;
use flyball_core::{Column, Result, Table};
use flyball_stats::interval::Named;
use flyball_stats::ranking::{AtRank, Gain, Recommendation, Relevance, mean_at, values_at};
use serde::{Deserialize, Serialize};

use crate::answers::Subject;
use crate::measure::CONFIDENCE;

/// The metrics of lists: the name, what it is, and how many of the best rows are looked at.
const METRICS: [(&str, AtRank, usize); 13] = [
    ("ndcg_5", AtRank::Ndcg(Gain::Linear), 5),
    ("ndcg_10", AtRank::Ndcg(Gain::Linear), 10),
    ("map_5", AtRank::MeanAveragePrecision, 5),
    ("map_10", AtRank::MeanAveragePrecision, 10),
    ("mrr", AtRank::MeanReciprocalRank, usize::MAX),
    ("hit_rate_5", AtRank::HitRate, 5),
    ("hit_rate_10", AtRank::HitRate, 10),
    ("precision_5", AtRank::Precision, 5),
    ("precision_10", AtRank::Precision, 10),
    ("recall_5", AtRank::Recall, 5),
    ("recall_10", AtRank::Recall, 10),
    ("f1_5", AtRank::FBeta(1.0), 5),
    ("f1_10", AtRank::FBeta(1.0), 10),
];
/// What a row that is in no list belongs to.
const NOWHERE: u32 = u32::MAX;
/// The seed of the order of equal scores.
const SEED: u64 = 3;

/// Which rows are ranked against each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The column whose values say it.
    pub column: String,
    /// The list of each row; a row without a value is in none.
    codes: Vec<u32>,
}

/// The lists that an evaluation judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankedLists {
    /// The column whose values say which rows are ranked against each other.
    pub column: String,
    /// The lists that were judged.
    pub lists: usize,
    /// The rows in them.
    pub rows: usize,
    /// Lists without a relevant row; nothing could have been right for them, and they are in no metric.
    pub without_relevant: usize,
}

impl RankedLists {
    /// In words: `120 lists by user, 14 without a relevant row left out`.
    pub fn sentence(&self) -> String {
        let left_out = match self.without_relevant {
            0 => String::new(),
            count => format!(", {count} without a relevant row left out"),
        };
        format!("{} lists by {}{left_out}", self.lists, self.column)
    }
}

impl Lists {
    /// The lists that a column makes.
    ///
    /// # Errors
    /// `NotFound` without the column.
    pub fn of(rows: &Table, column: &str) -> Result<Self> {
        let values = rows.column(column)?;
        let mut seen: HashMap<u64, u32> = HashMap::new();
        let code = |row: usize| {
            if values.is_missing(row) {
                return NOWHERE;
            }
            // Whole numbers are compared as such: as floats large ones would run together.
            let bits = match values {
                Column::Int(own) | Column::Time(own) => own[row].cast_unsigned(),
                Column::Text(own) => u64::from(own.codes[row]),
                Column::Float(_) | Column::Bool(_) => (values.number(row) + 0.0).to_bits(),
            };
            let next = seen.len() as u32;
            *seen.entry(bits).or_insert(next)
        };
        Ok(Self { column: column.to_owned(), codes: (0..rows.rows()).map(code).collect() })
    }

    /// The lists of some rows, in that order.
    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        Self { column: self.column.clone(), codes: rows.iter().map(|&row| self.codes[row]).collect() }
    }

    /// The rows of each list, in the order in which lists begin. Rows of one list are shuffled: where scores are equal, the
    /// order of the file, which may be that of the labels, must not count.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut place: HashMap<u32, usize> = HashMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (row, &code) in self.codes.iter().enumerate().filter(|(_, code)| **code != NOWHERE) {
            let list = *place.entry(code).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[list].push(row);
        }
        let mut rng = Rng::seeded(SEED);
        members.iter_mut().for_each(|list| rng.shuffle(list));
        members
    }

    /// Each list with what is relevant in it: the label, where it is above 0; of two classes the positive one is 1.
    fn judged(&self, truth: &[f64], score: &[f64]) -> Vec<Recommendation> {
        let list = |rows: Vec<usize>| Recommendation {
            relevance: rows.iter().map(|&row| truth[row].max(0.0)).collect(),
            scores: rows.iter().map(|&row| score[row]).collect(),
        };
        self.members().into_iter().map(list).collect()
    }

    /// The metric of each list under two scores, where it is defined; `None` for what is no metric of lists.
    pub(crate) fn compared(&self, metric: &str, truth: &[f64], scores: [&[f64]; 2]) -> Option<[Vec<f64>; 2]> {
        let (_, metric, k) = METRICS.into_iter().find(|(name, ..)| *name == metric)?;
        let [left, right] = scores.map(|score| values_at(&self.judged(truth, score), metric, k, Relevance::Required));
        Some(left.into_iter().zip(right).filter_map(|(left, right)| left.zip(right)).unzip().into())
    }
}

/// The metrics of the lists; none without lists, and for more than two classes. Rows must be known.
pub(crate) fn metrics(subject: &Subject) -> Named {
    let Some(lists) = subject.lists.as_ref().filter(|_| subject.classes.is_none()) else { return Named::new() };
    let judged = lists.judged(&subject.truth, &subject.score);
    let of = |(name, metric, k)| Some((name, mean_at(&judged, metric, k, Relevance::Required, CONFIDENCE)?));
    METRICS.into_iter().filter_map(of).collect()
}

/// How many lists are judged; `None` where [`metrics`] has none to judge.
pub(crate) fn judged(subject: &Subject) -> Option<RankedLists> {
    let lists = subject.lists.as_ref().filter(|_| subject.classes.is_none())?;
    let mut found = RankedLists { column: lists.column.clone(), ..RankedLists::default() };
    for rows in lists.members() {
        if rows.iter().any(|&row| subject.truth[row] > 0.0) {
            found.lists += 1;
            found.rows += rows.len();
        } else {
            found.without_relevant += 1;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use flyball_core::{Task, TextColumn};

    use super::*;
    use crate::evaluate::evaluate;
    use crate::expression::{self, Domain};

    /// Three users of four rows; nothing is relevant for the last one, and one row belongs to nobody.
    fn shown() -> (Table, Subject) {
        let user = |row: usize| (row < 12).then(|| ["ann", "bob", "cy"][row / 4]);
        let users = TextColumn::from_texts((0..13).map(user));
        let truth = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0; 4]].concat();
        let score = [[0.9, 0.5, 0.4, 0.1], [0.8, 0.6, 0.7, 0.2], [0.9, 0.8, 0.7, 0.6]].concat();
        let table = Table::new(vec![("user".into(), Column::Text(users))]).unwrap();
        let subject = Subject::new([truth, vec![1.0]].concat(), [score, vec![0.3]].concat());
        (table.clone(), subject.ranked(&table, "user").unwrap())
    }

    #[test]
    fn lists_are_judged_where_something_is_relevant() {
        let (table, subject) = shown();
        let evaluation = evaluate(Task::Classification, &subject, &table, &[]).unwrap();
        let value = |name: &str| evaluation.metrics[name].value;
        let second = (1.0 / 3.0_f64.log2() + 1.0 / 5.0_f64.log2()) / (1.0 + 1.0 / 3.0_f64.log2());
        for (name, expected) in [
            ("ndcg_5", (1.0 + second) / 2.0),
            ("mrr", 0.75),
            ("map_10", (1.0 + 0.5) / 2.0),
            ("hit_rate_5", 1.0),
            ("precision_5", (0.2 + 0.4) / 2.0),
            ("recall_5", 1.0),
        ] {
            assert!((value(name) - expected).abs() < 1e-12, "{name}: {}", value(name));
        }
        let judged = evaluation.ranking.unwrap();
        assert_eq!((judged.lists, judged.rows, judged.without_relevant), (2, 8, 1));
        assert_eq!(judged.sentence(), "2 lists by user, 1 without a relevant row left out");
        assert_eq!(evaluation.metrics["ndcg_10"].rows, 8);
        for (name, ..) in METRICS {
            assert_eq!(expression::metric(name).map(|metric| metric.domain), Some(Domain::Ranking), "{name}");
        }
    }

    #[test]
    fn labels_are_the_relevance_of_a_regression_and_the_order_of_the_file_does_not_count() {
        // Everything is scored alike, and the best row of each list stands first.
        let rows = 4000;
        let list = Column::Int((0..rows).map(|row| i64::MAX - 1 - row / 20).collect());
        let table = Table::new(vec![("query".into(), list)]).unwrap();
        let truth = (0..rows).map(|row| if row % 20 == 0 { 3.0 } else { -1.0 }).collect();
        let subject = Subject::new(truth, vec![0.5; 4000]).ranked(&table, "query").unwrap();
        let evaluation = evaluate(Task::Regression, &subject, &table, &[]).unwrap();
        assert_eq!(evaluation.ranking.unwrap().lists, 200);
        let hits = &evaluation.metrics["hit_rate_5"];
        assert!(hits.low.unwrap() < 0.25 && hits.high.unwrap() > 0.25, "{hits:?}");
        let subject = Subject::new(vec![-1.0; 4000], vec![0.5; 4000]).ranked(&table, "query").unwrap();
        let evaluation = evaluate(Task::Regression, &subject, &table, &[]).unwrap();
        assert!(!evaluation.metrics.contains_key("mrr"));
        assert_eq!(evaluation.ranking.unwrap().sentence(), "0 lists by query, 200 without a relevant row left out");
    }
}

//! Where a model errs most: slices found by search, and the features that turn its errors.

use std::sync::Arc;

use flyball_core::{Column, Result, Table, Task};
use flyball_stats::classification::row_log_loss;
use flyball_stats::regression;
use flyball_stats::slices::{Attribute, Search, weak_slices};
use serde::{Deserialize, Serialize};

use crate::answers::Subject;
use crate::evaluate::{Evaluation, SMALL_GROUP_ROWS};
use crate::measure::with_classes;
use crate::slicing::groups_of;

/// Slices that are told: a person looks into a few.
const SLICES: usize = 5;
/// Most conditions of a slice: more could not be remembered.
const CONDITIONS: usize = 3;
/// A slice holds at least one row in so many; smaller ones are anecdotes.
const ROWS_PER_SLICE: usize = 100;
/// Smallest difference in loss that is told, in standard deviations: half of what is called a small effect (Cohen 1988)
/// would be found everywhere in a million rows.
const EFFECT: f64 = 0.1;
/// The chance of telling of a slice when the model errs everywhere alike.
const SIGNIFICANCE: f64 = 0.05;
/// Texts of a column that are conditions of their own; the most common ones.
const TEXTS: usize = 60;
/// The code of a row that meets no condition.
const NO_LEVEL: u8 = u8::MAX;
/// Rows at each end of the errors that make up the segments of the error-bias table, as in the common reports.
const BIAS_SHARE: f64 = 0.05;

/// A group of rows on which the model errs more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeakSlice {
    /// What the rows have in common, all at once.
    pub conditions: Vec<SliceCondition>,
    /// How many rows.
    pub rows: usize,
    /// Their mean loss: log loss of a classifier, absolute error of a regression.
    pub loss: f64,
    /// The mean loss of all other rows.
    pub rest_loss: f64,
    /// The difference in pooled standard deviations.
    pub effect: f64,
    /// P-value of no higher loss, adjusted for all slices that were looked at.
    pub p_value: f64,
}

/// A column has a value, or one in a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceCondition {
    /// The column.
    pub column: String,
    /// The value, or the range of values.
    pub group: String,
}

/// How a column of numbers differs between rows that are far under- and overestimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorBias {
    /// The column.
    pub column: String,
    /// Its mean over the rows with the lowest errors (predicted far too low).
    pub underestimated: f64,
    /// Its mean over the rows between.
    pub expected: f64,
    /// Its mean over the rows with the highest errors (predicted far too high).
    pub overestimated: f64,
    /// The distance of both over the range of the column: 0 says nothing of the errors, 1 everything.
    pub range: f64,
}

impl Evaluation {
    /// Searches the rows for where the model errs most, by conditions on `columns`, and for a regression which of them
    /// turn its errors. Weights are not used.
    ///
    /// # Errors
    /// `NotFound` for an unknown column.
    pub fn look_for_weakness(&mut self, task: Task, subject: &Subject, rows: &Table, columns: &[String]) -> Result<()> {
        let known = subject.known();
        let answers = subject.take(&known);
        let losses = losses(task, &answers);
        let coded = columns.iter().map(|name| levels(rows, name, &known)).collect::<Result<Vec<Levels>>>()?;
        let attributes: Vec<Attribute<'_>> =
            coded.iter().map(|column| Attribute { codes: &column.codes, levels: column.names.len() }).collect();
        let search = Search {
            conditions: CONDITIONS,
            least_rows: SMALL_GROUP_ROWS.max(known.len() / ROWS_PER_SLICE),
            slices: SLICES,
            effect: EFFECT,
            significance: SIGNIFICANCE,
        };
        let told = |slice: flyball_stats::slices::WeakSlice| WeakSlice {
            conditions: slice
                .conditions
                .iter()
                .map(|condition| SliceCondition {
                    column: columns[condition.attribute].clone(),
                    group: coded[condition.attribute].names[condition.level as usize].clone(),
                })
                .collect(),
            rows: slice.rows,
            loss: slice.loss,
            rest_loss: slice.rest_loss,
            effect: slice.effect,
            p_value: slice.p_value,
        };
        self.weak_slices = weak_slices(&attributes, &losses, &search).into_iter().map(told).collect();
        if task == Task::Regression {
            self.error_bias = error_bias(&answers, rows, columns, &known)?;
        }
        Ok(())
    }
}

/// What each row cost.
fn losses(task: Task, answers: &Subject) -> Vec<f64> {
    let rows = || answers.truth.iter().zip(&answers.score);
    match (task, &answers.classes) {
        (Task::Regression, _) => rows().map(|(truth, score)| (score - truth).abs()).collect(),
        (Task::Classification, None) => rows().map(|(truth, score)| row_log_loss(*truth > 0.5, *score)).collect(),
        (Task::Classification, Some(classes)) => {
            with_classes(answers, classes, |data| Some(data.log_loss_rows())).unwrap_or_default()
        }
    }
}

/// A column as conditions.
struct Levels {
    names: Vec<String>,
    codes: Vec<u8>,
}

/// The most common texts, or the values or ranges of numbers, for the known rows.
fn levels(rows: &Table, name: &str, known: &[usize]) -> Result<Levels> {
    let Column::Text(text) = rows.column(name)? else {
        let grouping = groups_of(rows, name)?;
        let codes = known.iter().map(|&row| u8::try_from(grouping.codes[row]).unwrap_or(NO_LEVEL)).collect();
        return Ok(Levels { names: grouping.names, codes });
    };
    let mut counts: Vec<(usize, &Arc<str>)> = text.levels.iter().map(|level| (0, level)).collect();
    for &row in known {
        if let Some((count, _)) = counts.get_mut(text.codes[row] as usize) {
            *count += 1;
        }
    }
    let mut common: Vec<usize> = (0..counts.len()).filter(|&level| counts[level].0 > 0).collect();
    common.sort_by(|&left, &right| counts[right].0.cmp(&counts[left].0).then(counts[left].1.cmp(counts[right].1)));
    common.truncate(TEXTS);
    let mut codes = vec![NO_LEVEL; counts.len()];
    for (code, level) in (0..).zip(&common) {
        codes[*level] = code;
    }
    Ok(Levels {
        names: common.iter().map(|&level| counts[level].1.to_string()).collect(),
        codes: known.iter().map(|&row| codes.get(text.codes[row] as usize).copied().unwrap_or(NO_LEVEL)).collect(),
    })
}

/// The error-bias table, the column that says most of the errors first.
fn error_bias(answers: &Subject, rows: &Table, columns: &[String], known: &[usize]) -> Result<Vec<ErrorBias>> {
    let errors: Vec<f64> = answers.score.iter().zip(&answers.truth).map(|(score, truth)| score - truth).collect();
    let mut table = Vec::new();
    for name in columns {
        let column = rows.column(name)?;
        let feature: Vec<f64> = known.iter().map(|&row| column.number(row)).collect();
        let Some(bias) = regression::error_bias(&feature, &errors, BIAS_SHARE) else { continue };
        table.push(ErrorBias {
            column: name.clone(),
            underestimated: bias.underestimated,
            expected: bias.expected,
            overestimated: bias.overestimated,
            range: bias.range,
        });
    }
    table.sort_by(|left, right| right.range.total_cmp(&left.range));
    Ok(table)
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;
    use flyball_core::rng::Rng;

    use super::*;
    use crate::evaluate::evaluate;

    #[test]
    fn a_slice_of_a_text_and_a_range_is_told_in_words() {
        let mut rng = Rng::seeded(5);
        let carriers: Vec<&str> = (0..8_000).map(|_| ["AA", "B6", "UA", "WN"][rng.below(4)]).collect();
        let distance: Vec<f64> = (0..8_000).map(|_| rng.unit() * 1000.0).collect();
        let score: Vec<f64> = (0..8_000).map(|_| rng.unit()).collect();
        let truth: Vec<f64> = (0..8_000)
            .map(|row| {
                let honest = if carriers[row] == "B6" && distance[row] >= 800.0 { 0.5 } else { score[row] };
                f64::from(u8::from(rng.unit() < honest))
            })
            .collect();
        let texts = TextColumn::from_texts(carriers.iter().map(|carrier| Some(*carrier)));
        let noise = Column::Float((0..8_000).map(|_| rng.unit()).collect());
        let table = Table::new(vec![
            ("carrier".into(), Column::Text(texts)),
            ("distance".into(), Column::Float(distance)),
            ("noise".into(), noise),
        ])
        .unwrap();
        let subject = Subject::new(truth, score);
        let columns = ["carrier", "distance", "noise"].map(str::to_owned);
        let mut evaluation = evaluate(Task::Classification, &subject, &table, &[]).unwrap();
        evaluation.look_for_weakness(Task::Classification, &subject, &table, &columns).unwrap();
        assert_eq!(evaluation.weak_slices.len(), 1, "{:?}", evaluation.weak_slices);
        let told: Vec<String> = evaluation.weak_slices[0]
            .conditions
            .iter()
            .map(|condition| format!("{} {}", condition.column, condition.group))
            .collect();
        assert_eq!(told[0], "carrier B6");
        assert!(told[1].starts_with("distance ") && told[1].ends_with(" and above"), "{told:?}");
        assert!(evaluation.error_bias.is_empty());
    }

    #[test]
    fn the_feature_that_turns_a_regressions_errors_comes_first() {
        let mut rng = Rng::seeded(6);
        let heat: Vec<f64> = (0..2_000).map(|_| rng.unit()).collect();
        let noise: Vec<f64> = (0..2_000).map(|_| rng.unit()).collect();
        let truth: Vec<f64> = heat.iter().map(|heat| 10.0 + heat).collect();
        let subject = Subject::new(truth, vec![10.5; 2_000]);
        let table =
            Table::new(vec![("noise".into(), Column::Float(noise)), ("heat".into(), Column::Float(heat))]).unwrap();
        let columns = ["noise", "heat"].map(str::to_owned);
        let mut evaluation = evaluate(Task::Regression, &subject, &table, &[]).unwrap();
        evaluation.look_for_weakness(Task::Regression, &subject, &table, &columns).unwrap();
        let bias = &evaluation.error_bias[0];
        assert!(bias.column == "heat" && bias.overestimated < bias.underestimated && bias.range > 0.8, "{bias:?}");
    }

    #[test]
    fn a_column_of_a_million_texts_is_reduced_to_its_common_ones() {
        let texts: Vec<String> =
            (0..3_000).map(|row| if row % 3 == 0 { "often".into() } else { format!("t{row}") }).collect();
        let column = Column::Text(TextColumn::from_texts(texts.iter().map(|text| Some(text.as_str()))));
        let table = Table::new(vec![("id".into(), column)]).unwrap();
        let known: Vec<usize> = (0..3_000).collect();
        let levels = levels(&table, "id", &known).unwrap();
        assert_eq!((levels.names.len(), levels.names[0].as_str(), levels.codes[3]), (TEXTS, "often", 0));
        assert!(levels.codes.contains(&NO_LEVEL));
    }
}

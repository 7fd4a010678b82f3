//! Answers of a model beside what really happened.

use flyball_core::model::Model;
use flyball_core::{Column, Error, Result, Table};

use crate::ranking::Lists;

/// Answers of a model beside what really happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// Per row the position of the class, or the target value; NaN where it is not known.
    pub truth: Vec<f64>,
    /// Per row the probability of the last (positive) class, or the predicted value.
    pub score: Vec<f64>,
    /// The probability of every class, where there are more than two.
    pub classes: Option<ClassScores>,
    /// How much each row counts; all the same where it is not told.
    pub weights: Option<Vec<f64>>,
    /// Which rows are ranked against each other, where any are.
    pub lists: Option<Lists>,
}

/// The probabilities of more than two classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassScores {
    /// The classes.
    pub names: Vec<String>,
    /// A probability for each class, row after row.
    pub scores: Vec<f64>,
}

impl Subject {
    /// Answers of a classifier of two classes (truth 0 or 1), or of a regression, that all count the same.
    pub fn new(truth: Vec<f64>, score: Vec<f64>) -> Self {
        Self { truth, score, ..Self::default() }
    }

    /// Lets the model answer the rows and puts the labels beside.
    ///
    /// # Errors
    /// `NotFound` without the label's column; what the model fails with.
    pub fn of(model: &dyn Model, rows: &Table, label: &str) -> Result<Self> {
        let names = &model.signature().classes;
        let truth = truth_of(rows.column(label)?, names);
        let predictions = model.predict(rows)?;
        let classes =
            (names.len() > 2).then(|| ClassScores { names: names.clone(), scores: predictions.scores.clone() });
        Ok(Self { classes, ..Self::new(truth, predictions.headline()) })
    }

    /// The same answers with the weights that a column holds.
    ///
    /// # Errors
    /// Those of [`weights_of`].
    pub fn weighted(mut self, rows: &Table, column: &str) -> Result<Self> {
        self.weights = Some(weights_of(rows, column)?);
        Ok(self)
    }

    /// The same answers, where rows with the same value of a column are ranked against each other.
    ///
    /// # Errors
    /// `NotFound` without the column.
    pub fn ranked(mut self, rows: &Table, column: &str) -> Result<Self> {
        self.lists = Some(Lists::of(rows, column)?);
        Ok(self)
    }

    /// Adds the answers to more rows, of the same classes; weights and lists are not added to.
    pub fn extend(&mut self, more: Self) {
        self.truth.extend(more.truth);
        self.score.extend(more.score);
        if let (Some(classes), Some(more)) = (&mut self.classes, more.classes) {
            classes.scores.extend(more.scores);
        }
    }

    /// The probabilities of one of more than two classes; none for two, for numbers, and beyond the classes.
    pub fn of_class(&self, class: usize) -> Vec<f64> {
        let Some(classes) = self.classes.as_ref().filter(|classes| class < classes.names.len()) else {
            return Vec::new();
        };
        classes.scores.iter().skip(class).step_by(classes.names.len()).copied().collect()
    }

    /// The rows whose truth is known and that the model gave a number.
    pub fn known(&self) -> Vec<usize> {
        let answered = |row: usize| match &self.classes {
            None => !self.score[row].is_nan(),
            Some(classes) => {
                let width = classes.names.len();
                classes.scores[row * width..(row + 1) * width].iter().all(|score| !score.is_nan())
            }
        };
        (0..self.truth.len()).filter(|&row| !self.truth[row].is_nan() && answered(row)).collect()
    }

    /// The answers of some rows, in that order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        let classes = self.classes.as_ref().map(|classes| {
            let width = classes.names.len();
            let scores = rows.iter().flat_map(|&row| classes.scores[row * width..(row + 1) * width].iter().copied());
            ClassScores { names: classes.names.clone(), scores: scores.collect() }
        });
        Self {
            truth: pick(&self.truth),
            score: pick(&self.score),
            classes,
            weights: self.weights.as_deref().map(pick),
            lists: self.lists.as_ref().map(|lists| lists.take(rows)),
        }
    }
}

/// How much each row counts, as a column says.
///
/// # Errors
/// `NotFound` without the column; `InvalidInput` when a weight is missing, negative or infinite, or all are 0.
pub fn weights_of(rows: &Table, column: &str) -> Result<Vec<f64>> {
    let weights = rows.column(column)?.numbers();
    if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        let message = format!("row {row} of the weights '{column}' is not a number from 0 up");
        return Err(Error::invalid(message).hint("leave such rows out in the SQL, or give them a weight"));
    }
    if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        return Err(Error::invalid(format!("every one of the weights '{column}' is 0"))
            .hint("weights are relative: give the rows that count one above 0"));
    }
    Ok(weights)
}

/// Labels as numbers: of two classes 1 where the label is the second one and 0 elsewhere, of more the position of the
/// class, without classes the number itself. NaN where the label is missing, or none of several classes.
pub fn truth_of(labels: &Column, classes: &[String]) -> Vec<f64> {
    let Some(positive) = classes.last() else { return labels.numbers() };
    let of_text = |text: String| match classes.len() {
        0..=2 => f64::from(u8::from(same_class(&text, positive))),
        _ => classes.iter().position(|class| same_class(&text, class)).map_or(f64::NAN, |position| position as f64),
    };
    (0..labels.len()).map(|row| labels.value(row).text().map_or(f64::NAN, of_text)).collect()
}

/// Whether two spellings name the same class: `1`, `1.0` and `true` are one.
fn same_class(label: &str, class: &str) -> bool {
    let plain = |text: &str| match text {
        "1.0" | "true" => "1".to_owned(),
        "0.0" | "false" => "0".to_owned(),
        other => other.to_owned(),
    };
    label == class || plain(label) == plain(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_positions_and_what_is_no_class_is_not_known() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let flag = Column::Bool(vec![1, 0, 2]);
        let truth = truth_of(&flag, &names(&["0", "1"]));
        assert_eq!(truth[..2], [1.0, 0.0]);
        assert!(truth[2].is_nan());
        let many = Column::Float(vec![2.0, 0.0, 7.0]);
        let truth = truth_of(&many, &names(&["0", "1", "2"]));
        assert_eq!(truth[..2], [2.0, 0.0]);
        assert!(truth[2].is_nan());
    }

    #[test]
    fn rows_without_truth_or_answer_are_not_known_and_weights_must_be_numbers() {
        let subject = Subject::new(vec![1.0, f64::NAN, 0.0], vec![0.5, 0.5, f64::NAN]);
        assert_eq!(subject.known(), [0]);
        let table = Table::new(vec![("w".into(), Column::Float(vec![1.0, 2.0, -1.0]))]).unwrap();
        assert!(subject.clone().weighted(&table, "w").unwrap_err().to_string().contains("row 2"));
        let nothing = Table::new(vec![("w".into(), Column::Int(vec![0, 0, 0]))]).unwrap();
        assert!(subject.clone().weighted(&nothing, "w").unwrap_err().to_string().contains("is 0"));
        assert!(subject.clone().weighted(&table.take(&[]), "w").is_ok());
        let scores = vec![0.1, 0.2, 0.7, 0.3, f64::NAN, 0.3];
        let names = vec!["a".into(), "b".into(), "c".into()];
        let several =
            Subject { classes: Some(ClassScores { names, scores }), ..Subject::new(vec![0.0, 1.0], vec![0.7, 0.3]) };
        assert_eq!(several.known(), [0]);
        assert_eq!(several.take(&[0]).classes.unwrap().scores, [0.1, 0.2, 0.7]);
    }
}

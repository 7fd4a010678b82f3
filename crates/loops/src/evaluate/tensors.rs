//! Models that take tensors, asked as models of rows: columns become inputs, and scores are found among the outputs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::{Model, Predictions, TensorModel};
use flyball_core::{Column, Error, ErrorCode, Feature, FeatureKind, Kind, Result, Signature, Table, Task, Value};
use flyball_serving::columns;

use super::Aside;

/// Rows that a model is given at once: enough to be fast, few enough for the memory of networks.
const ROWS: usize = 1_024;
/// How long it may take for them.
const WITHIN: Duration = Duration::from_secs(600);
/// A label of whole numbers with more values than this is a number, not a class.
const CLASSES: usize = 50;

/// Where the scores are among the columns of the outputs.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    /// One column for each class, in their order.
    Probabilities(Vec<String>),
    /// The probability of the second class.
    Positive(String),
    /// The name of the class.
    Class(String),
    /// The predicted number.
    Number(String),
}

/// A model of tensors that answers rows.
pub(crate) struct RowsOfTensors {
    model: Arc<dyn TensorModel>,
    signature: Signature,
    kinds: Vec<Kind>,
    answer: Answer,
}

impl RowsOfTensors {
    /// Looks at some rows to learn which columns it takes and where its scores are.
    ///
    /// # Errors
    /// `UnsupportedModel` when its outputs hold no score of the label; what the model fails with.
    pub(crate) fn over(model: Arc<dyn TensorModel>, rows: &Table, aside: &Aside<'_>) -> Result<Self> {
        let takes = model.signature();
        let by_name = takes.columns || takes.inputs.iter().any(|input| rows.position(&input.name).is_some());
        let names: Vec<String> = if by_name && !takes.open {
            takes
                .inputs
                .iter()
                .filter(|input| rows.position(&input.name).is_some())
                .map(|input| input.name.clone())
                .collect()
        } else {
            rows.names().iter().filter(|name| !aside.has(name)).cloned().collect()
        };
        let kinds = names.iter().map(|name| Ok(rows.column(name)?.kind())).collect::<Result<Vec<Kind>>>()?;
        let feature = |(name, kind): (&String, &Kind)| Feature { name: name.clone(), kind: FeatureKind::from(*kind) };
        let features = names.iter().zip(&kinds).map(feature).collect();
        let mut own = Self {
            model,
            signature: Signature { task: Task::Regression, features, classes: Vec::new() },
            kinds,
            answer: Answer::Number(String::new()),
        };
        let probe = rows.take(&(0..rows.rows().min(ROWS)).collect::<Vec<_>>());
        let outputs = if probe.rows() == 0 { Vec::new() } else { own.outputs(&probe)? };
        let classes = aside.label.and_then(|label| classes_of(rows.column(label).ok()?));
        own.answer = find(&outputs, classes.as_deref())?;
        if let Some(classes) = classes {
            own.signature.task = Task::Classification;
            own.signature.classes = classes;
        } else if let Answer::Class(name) = &own.answer {
            own.signature.task = Task::Classification;
            own.signature.classes =
                outputs.iter().find(|(own, _)| own == name).and_then(|(_, c)| classes_of(c)).unwrap_or_default();
        }
        Ok(own)
    }

    fn outputs(&self, rows: &Table) -> Result<Vec<(String, Column)>> {
        let names: Vec<&str> = self.signature.features.iter().map(|feature| feature.name.as_str()).collect();
        let inputs = columns::tensors(self.model.signature(), &rows.select(&names)?)?;
        self.model.signature().check(&inputs)?;
        columns::of_outputs(&self.model.run(&inputs, None, WITHIN)?, rows.rows())
    }

    /// The scores of some rows, one behind the other.
    fn scores(&self, outputs: &[(String, Column)], rows: usize) -> Result<Vec<f64>> {
        let column = |name: &str| {
            let found = outputs.iter().find(|(own, _)| own == name).map(|(_, column)| column);
            found.ok_or_else(|| {
                Error::new(ErrorCode::InvalidData, format!("the model gives no output '{name}' for these rows"))
            })
        };
        let width = self.signature.width();
        let mut scores = Vec::with_capacity(rows * width);
        match &self.answer {
            Answer::Number(name) => scores.extend(column(name)?.numbers()),
            Answer::Positive(name) => scores.extend(column(name)?.numbers().into_iter().flat_map(|p| [1.0 - p, p])),
            Answer::Probabilities(names) => {
                let columns = names.iter().map(|name| column(name)).collect::<Result<Vec<_>>>()?;
                scores.extend((0..rows).flat_map(|row| columns.iter().map(move |column| column.number(row))));
            }
            Answer::Class(name) => {
                let said = column(name)?;
                for row in 0..rows {
                    let said = plain(said, row);
                    let is = |class: &String| f64::from(u8::from(said.as_ref() == Some(class)));
                    scores.extend(self.signature.classes.iter().map(is));
                }
            }
        }
        Ok(scores)
    }
}

impl Model for RowsOfTensors {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let mut scores = Vec::new();
        for start in (0..rows.rows()).step_by(ROWS) {
            let part = rows.take(&(start..rows.rows().min(start + ROWS)).collect::<Vec<_>>());
            scores.extend(self.scores(&self.outputs(&part)?, part.rows())?);
        }
        Ok(Predictions { width: self.signature.width(), scores })
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        let mut columns = Vec::with_capacity(row.len());
        for ((feature, kind), value) in self.signature.features.iter().zip(&self.kinds).zip(row) {
            columns.push((feature.name.clone(), Column::from_values(*kind, std::slice::from_ref(value))?));
        }
        scores.extend(self.scores(&self.outputs(&Table::new(columns)?)?, 1)?);
        Ok(())
    }

    fn memory_bytes(&self) -> u64 {
        self.model.memory_bytes()
    }
}

/// The classes of a label, ascending; `None` when it is a number.
fn classes_of(label: &Column) -> Option<Vec<String>> {
    let whole = |row: usize| label.is_missing(row) || label.number(row).fract() == 0.0;
    let is_class = match label.kind() {
        Kind::Text | Kind::Bool => true,
        Kind::Int | Kind::Float => (0..label.len()).all(whole),
        Kind::Time => false,
    };
    let mut classes: Vec<String> = (0..label.len()).filter_map(|row| plain(label, row)).collect();
    classes.sort();
    classes.dedup();
    (is_class && classes.len() > 1 && (classes.len() <= CLASSES || label.kind() == Kind::Text)).then_some(classes)
}

/// A class as text, the same however it is kept: `1`, `1.0` and `true` are one.
fn plain(column: &Column, row: usize) -> Option<String> {
    match column.value(row) {
        Value::Bool(value) => Some(u8::from(value).to_string()),
        value => value.text(),
    }
}

/// Finds the scores among the outputs: probabilities of all classes first, then of one, then the name of the class.
fn find(outputs: &[(String, Column)], classes: Option<&[String]>) -> Result<Answer> {
    let numbers =
        || outputs.iter().filter(|(_, column)| matches!(column, Column::Float(_) | Column::Int(_) | Column::Bool(_)));
    let number = || numbers().next().map(|(name, _)| Answer::Number(name.clone()));
    let text = || outputs.iter().find(|(_, column)| matches!(column, Column::Text(_)));
    let found = match classes {
        None => text().map(|(name, _)| Answer::Class(name.clone())).or_else(number),
        Some(classes) => {
            let mut families: BTreeMap<&str, Vec<&(String, Column)>> = BTreeMap::new();
            for output in outputs.iter().filter(|(_, column)| matches!(column, Column::Float(_))) {
                families.entry(output.0.rsplit_once('.').map_or("", |(base, _)| base)).or_default().push(output);
            }
            let whole = families.into_values().find(|family| family.len() == classes.len() && sums_to_one(family));
            let probabilities =
                whole.map(|family| Answer::Probabilities(family.iter().map(|(name, _)| name.clone()).collect()));
            let is_class = |column: &Column| {
                (0..column.len()).filter_map(|row| plain(column, row)).all(|said| classes.contains(&said))
            };
            let class = || outputs.iter().find(|(_, column)| !column.is_empty() && is_class(column));
            let share = |column: &Column| column.numbers().iter().all(|p| (0.0..=1.0).contains(p));
            let positive = || {
                numbers()
                    .find(|(_, column)| classes.len() == 2 && !column.is_empty() && share(column) && !is_class(column))
            };
            probabilities
                .or_else(|| positive().map(|(name, _)| Answer::Positive(name.clone())))
                .or_else(|| class().map(|(name, _)| Answer::Class(name.clone())))
        }
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
        Error::new(ErrorCode::UnsupportedModel, format!("no output of the model ({}) is a score", names.join(", ")))
            .hint("give the rows a label that the model predicts, or log it with probabilities")
    })
}

fn sums_to_one(family: &[&(String, Column)]) -> bool {
    let rows = family.first().map_or(0, |(_, column)| column.len());
    let sum = |row: usize| family.iter().map(|(_, column)| column.number(row)).sum::<f64>();
    rows > 0 && (0..rows).all(|row| (sum(row) - 1.0).abs() < 1e-3)
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;

    use super::*;

    fn float(name: &str, values: &[f64]) -> (String, Column) {
        (name.to_owned(), Column::Float(values.to_vec()))
    }

    #[test]
    fn scores_are_found_among_the_outputs() {
        let classes = vec!["0".to_owned(), "1".to_owned()];
        let label = ("label".to_owned(), Column::Int(vec![0, 1]));
        let both = [float("p.0", &[0.9, 0.2]), float("p.1", &[0.1, 0.8])];
        let sklearn = [label.clone(), both[0].clone(), both[1].clone()];
        assert_eq!(find(&sklearn, Some(&classes)).unwrap(), Answer::Probabilities(vec!["p.0".into(), "p.1".into()]));
        assert_eq!(find(std::slice::from_ref(&label), Some(&classes)).unwrap(), Answer::Class("label".into()));
        assert_eq!(find(&[float("p", &[0.9, 0.2])], Some(&classes)).unwrap(), Answer::Positive("p".into()));
        assert_eq!(find(&[float("y", &[3.5, 9.0])], None).unwrap(), Answer::Number("y".into()));
        assert!(find(&[float("y", &[3.5, 9.0])], Some(&classes)).is_err());
        assert!(find(&[], None).is_err());
    }

    #[test]
    fn a_label_is_a_class_or_a_number() {
        let text = Column::Text(TextColumn::from_texts([Some("late"), None, Some("early")]));
        assert_eq!(classes_of(&text).unwrap(), ["early", "late"]);
        assert_eq!(classes_of(&Column::Bool(vec![1, 0, 2])).unwrap(), ["0", "1"]);
        assert_eq!(classes_of(&Column::Float(vec![0.0, 1.0, f64::NAN])).unwrap(), ["0", "1"]);
        assert_eq!(classes_of(&Column::Float(vec![0.5, 1.0])), None);
        assert_eq!(classes_of(&Column::Int((0..100).collect())), None);
        assert_eq!(classes_of(&Column::Int(vec![1, 1])), None, "one value is no question");
    }
}

//! What an endpoint takes and gives: the features of all its revisions together.

use std::borrow::Cow;
use std::sync::Arc;

use flyball_core::model::Interface;
use flyball_core::{
    Column, DataType, Error, ErrorCode, Feature, FeatureKind, Kind, Result, Signature, Table, Task, TensorSignature,
    TensorSpec, Value,
};

use crate::column_rules::ColumnRules;
use crate::model::WHOLE;
use crate::settings::Settings;
use crate::split;

/// What the revisions of an endpoint take and give.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The task, the union of the features (those of the first revision come first), and the classes. Of models that take
    /// tensors it is what is recorded: the inputs that have one value a row, and a number of the answer.
    pub signature: Signature,
    /// Whether every revision takes exactly these features in this order.
    pub uniform: bool,
    /// What revisions that take tensors take and give.
    pub tensors: Option<TensorSignature>,
    pub(crate) classes: Arc<[String]>,
    pub(crate) rules: ColumnRules,
    /// For each feature whether it is recorded; empty when all are.
    recorded: Vec<bool>,
    /// The part of the predictions that is recorded, per mille.
    sampled: u16,
}

impl Default for Contract {
    fn default() -> Self {
        Self::rows(&Signature { task: Task::Regression, features: Vec::new(), classes: Vec::new() })
    }
}

impl Contract {
    /// The contract of a first revision.
    pub fn of(interface: &Interface) -> Self {
        match interface {
            Interface::Rows(signature) => Self::rows(signature),
            Interface::Tensors(signature) => {
                let features = signature.inputs.iter().filter_map(recorded).collect();
                let recorded = Signature { task: Task::Regression, features, classes: Vec::new() };
                Self { tensors: Some(signature.clone()), ..Self::rows(&recorded) }
            }
        }
    }

    fn rows(signature: &Signature) -> Self {
        Self {
            signature: signature.clone(),
            uniform: true,
            tensors: None,
            classes: signature.classes.clone().into(),
            rules: ColumnRules::default(),
            recorded: Vec::new(),
            sampled: WHOLE,
        }
    }

    /// The contract with what the endpoint's settings say about its columns.
    ///
    /// # Errors
    /// `InvalidInput` for a rule that fits no column.
    pub fn with(mut self, settings: &Settings) -> Result<Self> {
        self.rules = ColumnRules::compile(&settings.columns, &self.signature.features)?;
        if self.tensors.is_some() && self.rules.changes() {
            return Err(Error::invalid("a column of a model that takes tensors cannot be changed on its way")
                .hint("set otherwise to reject"));
        }
        self.sampled = (settings.capture.share * f64::from(WHOLE)).round() as u16;
        let mask = &settings.capture.mask;
        if !mask.is_empty() {
            self.recorded = self.signature.features.iter().map(|feature| !mask.contains(&feature.name)).collect();
        }
        Ok(self)
    }

    /// Whether the feature at a position is recorded.
    pub(crate) fn records(&self, position: usize) -> bool {
        self.recorded.get(position).copied().unwrap_or(true)
    }

    /// Whether the prediction with this number is recorded.
    pub(crate) fn samples(&self, sequence: u64) -> bool {
        self.sampled == WHOLE || split::sampled(sequence, self.sampled)
    }

    /// Takes in a further revision.
    ///
    /// # Errors
    /// `Conflict` when it reads a feature as another kind, or answers another question.
    pub fn join(&mut self, other: &Interface) -> Result<()> {
        match (other, &self.tensors) {
            (Interface::Rows(other), None) => self.join_rows(other),
            (Interface::Tensors(other), Some(own)) if other == own => Ok(()),
            _ => Err(conflict("the version takes or gives other tensors than the one before".to_owned())),
        }
    }

    fn join_rows(&mut self, other: &Signature) -> Result<()> {
        if other.task != self.signature.task || other.classes != self.signature.classes {
            return Err(conflict("the version answers another task or other classes than the one before".to_owned()));
        }
        for feature in &other.features {
            let known = self.signature.features.iter().find(|known| known.name == feature.name);
            if known.is_some_and(|known| known.kind != feature.kind) {
                return Err(conflict(format!(
                    "the version reads '{}' as {}, the one before does not",
                    feature.name,
                    word(feature.kind)
                )));
            }
        }
        self.uniform &= self.signature.features == other.features;
        for feature in &other.features {
            if !self.signature.features.contains(feature) {
                self.signature.features.push(feature.clone());
            }
        }
        Ok(())
    }

    /// For each feature of a revision its position here, or `None` when they are the same list.
    pub(crate) fn positions(&self, of: &Interface) -> Option<Vec<usize>> {
        let Interface::Rows(of) = of else { return None };
        if self.signature.features == of.features {
            return None;
        }
        let position = |feature: &Feature| self.signature.features.iter().position(|known| known == feature);
        Some(of.features.iter().filter_map(position).collect())
    }

    /// Checks one row whose values stand in the order of the contract, and changes what the endpoint's rules change.
    ///
    /// # Errors
    /// `InvalidInput` that names the column and what is expected.
    pub(crate) fn check_row<'a>(&self, values: &'a [Value]) -> Result<Cow<'a, [Value]>> {
        let features = &self.signature.features;
        if let Some(missing) = features.get(values.len()) {
            return Err(missing_column(missing));
        }
        if values.len() > features.len() {
            return Err(Error::invalid(format!(
                "the row has {} values, the model takes {}",
                values.len(),
                features.len()
            )));
        }
        for (feature, value) in features.iter().zip(values) {
            let fits = match value {
                Value::Missing => true,
                Value::Text(_) => feature.kind == FeatureKind::Text,
                Value::Float(_) | Value::Int(_) | Value::Bool(_) | Value::Time(_) => {
                    feature.kind == FeatureKind::Number
                }
            };
            if !fits {
                return Err(wrong_kind(feature, if feature.kind == FeatureKind::Text { "a number" } else { "text" }));
            }
        }
        if self.rules.is_empty() { Ok(Cow::Borrowed(values)) } else { self.rules.row(values) }
    }
}

fn conflict(what: String) -> Error {
    Error::new(ErrorCode::Conflict, what)
        .hint("versions that share traffic must fit together; deploy this one at its own endpoint")
}

/// The feature under which an input is recorded: those that have one value a row.
fn recorded(input: &TensorSpec) -> Option<Feature> {
    let one = input.shape.iter().skip(1).all(|size| *size == 1);
    let kind = if input.datatype == DataType::Bytes { FeatureKind::Text } else { FeatureKind::Number };
    one.then(|| Feature { name: input.name.clone(), kind })
}

/// Checks that a table has each feature with its kind. A column without any value fits every feature; the answer is
/// whether there was none of those of another kind, so that the table can be predicted as it is.
///
/// # Errors
/// `InvalidInput` that names the column and what is expected.
pub(crate) fn check_table(features: &[Feature], rows: &Table) -> Result<bool> {
    let mut exact = true;
    for feature in features {
        let position = rows.position(&feature.name).ok_or_else(|| missing_column(feature))?;
        let column = rows.at(position);
        if FeatureKind::from(column.kind()) == feature.kind {
            continue;
        }
        if (0..column.len()).any(|row| !column.is_missing(row)) {
            return Err(wrong_kind(feature, column.kind().as_str()));
        }
        exact = false;
    }
    Ok(exact)
}

/// The table with exactly these features, in order; columns without any value get the kind of their feature.
pub(crate) fn fitted(features: &[Feature], rows: &Table) -> Result<Table> {
    let columns = features.iter().map(|feature| {
        let column = rows.column(&feature.name)?;
        let column = match feature.kind {
            FeatureKind::Number if column.kind() == Kind::Text => Column::Float(vec![f64::NAN; column.len()]),
            FeatureKind::Text if column.kind() != Kind::Text => {
                Column::from_values(Kind::Text, &vec![Value::Missing; column.len()])?
            }
            FeatureKind::Number | FeatureKind::Text => column.clone(),
        };
        Ok((feature.name.clone(), column))
    });
    Table::new(columns.collect::<Result<_>>()?)
}

/// The error for a column that a model needs and a request does not have.
pub fn missing_column(feature: &Feature) -> Error {
    Error::invalid(format!("the column '{}' is missing", feature.name))
        .hint(format!("the model takes it as {}; send null for an unknown value", word(feature.kind)))
}

/// The error for a column of the wrong kind.
pub fn wrong_kind(feature: &Feature, got: &str) -> Error {
    Error::invalid(format!("the column '{}' is {got}, the model takes {}", feature.name, word(feature.kind)))
}

fn word(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::Number => "a number",
        FeatureKind::Text => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(features: &[(&str, FeatureKind)]) -> Interface {
        Interface::Rows(signature(features))
    }

    fn signature(features: &[(&str, FeatureKind)]) -> Signature {
        let features = features.iter().map(|(name, kind)| Feature { name: (*name).to_owned(), kind: *kind }).collect();
        Signature { task: Task::Regression, features, classes: Vec::new() }
    }

    #[test]
    fn revisions_share_one_contract() {
        let first = interface(&[("a", FeatureKind::Number), ("b", FeatureKind::Text)]);
        let second = interface(&[("c", FeatureKind::Number), ("b", FeatureKind::Text)]);
        let mut contract = Contract::of(&first);
        contract.join(&first).unwrap();
        assert!(contract.uniform);
        contract.join(&second).unwrap();
        assert!(!contract.uniform);
        assert_eq!(contract.positions(&second), Some(vec![2, 1]));
        assert_eq!(contract.positions(&first), Some(vec![0, 1]));
        let error = contract.join(&interface(&[("a", FeatureKind::Text)])).unwrap_err();
        assert!(error.message().contains("'a' as text"), "{error}");
    }

    #[test]
    fn rows_that_break_the_contract_name_the_column() {
        let contract = Contract::of(&interface(&[("a", FeatureKind::Number), ("b", FeatureKind::Text)]));
        assert!(contract.check_row(&[Value::Int(1), Value::Text("x".into())]).is_ok());
        assert!(contract.check_row(&[Value::Missing, Value::Missing]).is_ok());
        let message = |values: &[Value]| contract.check_row(values).unwrap_err().message().to_owned();
        assert_eq!(message(&[Value::Int(1)]), "the column 'b' is missing");
        assert_eq!(
            message(&[Value::Text("1".into()), Value::Missing]),
            "the column 'a' is text, the model takes a number"
        );
        assert_eq!(message(&[Value::Int(1), Value::Int(2)]), "the column 'b' is a number, the model takes text");
        assert!(message(&vec![Value::Missing; 3]).contains("3 values"));
    }

    #[test]
    fn a_column_without_values_fits_every_feature() {
        let features = signature(&[("a", FeatureKind::Number), ("b", FeatureKind::Text)]).features;
        let none = || Column::from_values(Kind::Text, &[Value::Missing]).unwrap();
        let table = Table::new(vec![("b".into(), Column::Float(vec![f64::NAN])), ("a".into(), none())]).unwrap();
        assert!(!check_table(&features, &table).unwrap());
        let fitted = fitted(&features, &table).unwrap();
        assert_eq!((fitted.at(0).kind(), fitted.at(1).kind()), (Kind::Float, Kind::Text));
        let wrong =
            Table::new(vec![("a".into(), Column::Float(vec![1.0])), ("b".into(), Column::Int(vec![1]))]).unwrap();
        assert!(check_table(&features, &wrong).unwrap_err().message().contains("'b' is int"));
    }
}

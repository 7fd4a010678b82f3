//! Values that a column may not hold: refused, or changed as the endpoint's settings say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flyball_core::{Column, Error, Feature, FeatureKind, Kind, Result, Table, Tensor, Value};

use crate::settings::{ColumnRule, Otherwise};

/// The rules of a contract, by the position of their column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ColumnRules(Vec<(usize, String, ColumnRule)>);

impl ColumnRules {
    /// The rules for these features.
    ///
    /// # Errors
    /// `InvalidInput` when a rule is for no feature, or not for one of its kind.
    pub(crate) fn compile(rules: &BTreeMap<String, ColumnRule>, features: &[Feature]) -> Result<Self> {
        let mut compiled = Vec::with_capacity(rules.len());
        for (name, rule) in rules {
            let place = features.iter().position(|feature| feature.name == *name).ok_or_else(|| {
                let known: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).take(30).collect();
                Error::invalid(format!("the setting columns.{name} is for no column of the model"))
                    .hint(format!("its columns are: {}", known.join(", ")))
            })?;
            let number = features[place].kind == FeatureKind::Number;
            if (number && rule.categories.is_some()) || (!number && (rule.min.is_some() || rule.max.is_some())) {
                let message = format!("the setting columns.{name} does not fit: the column is {}", word(number));
                return Err(Error::invalid(message).hint("numbers have min and max, texts have categories"));
            }
            compiled.push((place, name.clone(), rule.clone()));
        }
        Ok(Self(compiled))
    }

    /// Whether every value is fine as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a value may be changed, which tensors cannot be.
    pub(crate) fn changes(&self) -> bool {
        self.0.iter().any(|(_, _, rule)| rule.otherwise != Otherwise::Reject)
    }

    /// A row whose values are as the rules want them.
    ///
    /// # Errors
    /// `InvalidInput` that names the column and what it may hold.
    pub(crate) fn row<'a>(&self, values: &'a [Value]) -> Result<Cow<'a, [Value]>> {
        let mut values = Cow::Borrowed(values);
        for (place, name, rule) in &self.0 {
            if let Some(changed) = rule.judge(name, &values[*place])? {
                values.to_mut()[*place] = changed;
            }
        }
        Ok(values)
    }

    /// A table whose values are as the rules want them.
    ///
    /// # Errors
    /// As [`ColumnRules::row`], with the row.
    pub(crate) fn table<'a>(&self, rows: &'a Table) -> Result<Cow<'a, Table>> {
        let mut changed: Option<Vec<(String, Column)>> = None;
        for (_, name, rule) in &self.0 {
            let Some(position) = rows.position(name) else { continue };
            let column = rows.at(position);
            let mut values: Option<Vec<Value>> = None;
            for row in 0..column.len() {
                let judged = rule.judge(name, &column.value(row));
                if let Some(value) = judged.map_err(|error| error.context(format_args!("row {row}")))? {
                    let all = || (0..column.len()).map(|row| column.value(row)).collect();
                    values.get_or_insert_with(all)[row] = value;
                }
            }
            if let Some(values) = values {
                let kind = if column.kind() == Kind::Text { Kind::Text } else { Kind::Float };
                let numbers =
                    |value: &Value| if kind == Kind::Text { value.clone() } else { Value::Float(value.number()) };
                let values: Vec<Value> = values.iter().map(numbers).collect();
                let copy =
                    || rows.names().iter().enumerate().map(|(at, name)| (name.clone(), rows.at(at).clone())).collect();
                changed.get_or_insert_with(copy)[position].1 = Column::from_values(kind, &values)?;
            }
        }
        changed.map_or(Ok(Cow::Borrowed(rows)), |columns| Ok(Cow::Owned(Table::new(columns)?)))
    }

    /// Checks the columns among tensors.
    ///
    /// # Errors
    /// As [`ColumnRules::row`], with the row.
    pub(crate) fn tensors(&self, inputs: &[Tensor]) -> Result<()> {
        for (_, name, rule) in &self.0 {
            let Some(tensor) = inputs.iter().find(|tensor| tensor.name() == name) else { continue };
            for row in 0..tensor.len() {
                let value = match tensor.text(row) {
                    Some(bytes) => Value::Text(String::from_utf8_lossy(bytes).into()),
                    None => Value::Float(tensor.number(row)),
                };
                rule.judge(name, &value).map_err(|error| error.context(format_args!("row {row}")))?;
            }
        }
        Ok(())
    }
}

impl ColumnRule {
    /// What the value becomes; `None` when it is fine.
    fn judge(&self, name: &str, value: &Value) -> Result<Option<Value>> {
        let missing = match value {
            Value::Missing => true,
            Value::Float(number) => number.is_nan(),
            _ => false,
        };
        if missing {
            let refused = || Error::invalid(format!("the column '{name}' may not be missing"));
            return if self.required { Err(refused()) } else { Ok(None) };
        }
        match (value, &self.categories) {
            (Value::Text(text), Some(known)) if !known.iter().any(|category| **category == **text) => {
                if self.otherwise != Otherwise::Reject {
                    return Ok(Some(Value::Missing));
                }
                let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
                let listed: Vec<&str> = known.iter().map(String::as_str).take(30).collect();
                Err(Error::invalid(format!("the column '{name}' does not know '{shown}'"))
                    .hint(format!("it knows: {}", listed.join(", "))))
            }
            (Value::Text(_), _) => Ok(None),
            (value, _) => self.judge_number(name, value.number()),
        }
    }

    fn judge_number(&self, name: &str, number: f64) -> Result<Option<Value>> {
        let (min, max) = (self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
        if (min..=max).contains(&number) {
            return Ok(None);
        }
        match self.otherwise {
            Otherwise::Missing => Ok(Some(Value::Missing)),
            Otherwise::Clip => Ok(Some(Value::Float(number.clamp(min, max)))),
            Otherwise::Reject => Err(Error::invalid(format!("the column '{name}' is {number}, out of range"))
                .hint(format!("it is from {min} to {max}"))),
        }
    }
}

fn word(number: bool) -> &'static str {
    if number { "a number" } else { "text" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(otherwise: &str) -> ColumnRules {
        let text = format!(
            r#"{{"age":{{"min":0.0,"max":120.0,"otherwise":"{otherwise}"}},
                "site":{{"categories":["east","west"],"required":true,"otherwise":"{otherwise}"}}}}"#
        );
        let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
        let features = [feature("site", FeatureKind::Text), feature("age", FeatureKind::Number)];
        ColumnRules::compile(&serde_json::from_str(&text).unwrap(), &features).unwrap()
    }

    #[test]
    fn values_out_of_range_are_refused_dropped_or_clipped() {
        let good = [Value::Text("east".into()), Value::Float(20.0)];
        let odd = [Value::Text("north".into()), Value::Float(130.0)];
        assert!(matches!(rules("reject").row(&good).unwrap(), Cow::Borrowed(_)));
        let message = |row: &[Value]| rules("reject").row(row).unwrap_err().message().to_owned();
        assert_eq!(message(&[good[0].clone(), odd[1].clone()]), "the column 'age' is 130, out of range");
        assert_eq!(
            message(&odd[..1].iter().cloned().chain([Value::Missing]).collect::<Vec<_>>()),
            "the column 'site' does not know 'north'"
        );
        assert_eq!(message(&[Value::Missing, Value::Missing]), "the column 'site' may not be missing");
        assert_eq!(rules("missing").row(&odd).unwrap().into_owned(), vec![Value::Missing, Value::Missing]);
        assert_eq!(rules("clip").row(&odd).unwrap()[1], Value::Float(120.0));
    }

    #[test]
    fn tables_are_changed_where_they_must_be() {
        let table = Table::new(vec![
            (
                "site".into(),
                Column::from_values(Kind::Text, &[Value::Text("east".into()), Value::Text("x".into())]).unwrap(),
            ),
            ("age".into(), Column::Int(vec![5, -3])),
        ])
        .unwrap();
        let fitted = rules("clip").table(&table).unwrap().into_owned();
        assert_eq!((fitted.at(0).value(1), fitted.at(1).value(1)), (Value::Missing, Value::Float(0.0)));
        let error = rules("reject").table(&table).unwrap_err();
        assert!(error.message().contains("row 1"), "{error}");
    }

    #[test]
    fn rules_that_fit_no_column_are_refused() {
        let compile = |text: &str| {
            let features = [Feature { name: "age".into(), kind: FeatureKind::Number }];
            ColumnRules::compile(&serde_json::from_str(text).unwrap(), &features).unwrap_err()
        };
        assert!(compile(r#"{"ago":{}}"#).message().contains("no column"));
        assert!(compile(r#"{"age":{"categories":["a"]}}"#).message().contains("does not fit"));
    }
}

//! Rows as people and MLflow's clients send them for scoring: read into a table, and answered as records.

use std::collections::HashMap;

use bytes::Bytes;
use flyball_core::{
    Column, Error, ErrorCode, Feature, Kind, Result, Table, Tensor, TensorSignature, TextColumn, limits,
};
use flyball_data::formats;
use flyball_serving::{Answers, Contract, LiveEndpoint};
use serde_json::{Map, Value, json};

use crate::inference::Answered;
use crate::oip::elements::Nested;
use crate::oip::tensors;

/// In what form rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One of the JSON forms of MLflow's scoring protocol.
    Json,
    /// With a line of names.
    Csv,
    Parquet,
}

impl Form {
    /// The form that a media type names.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        let mut parts = media_type.split(';').map(str::trim);
        let form = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "text/csv" => Self::Csv,
            "application/vnd.apache.parquet" => Self::Parquet,
            _ => return None,
        };
        let is_utf8 = |part: &str| {
            !part.to_ascii_lowercase().starts_with("charset=") || part.to_ascii_lowercase().ends_with("utf-8")
        };
        parts.all(is_utf8).then_some(form)
    }
}

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Rows.
    Table(Table),
    /// Tensors, as lists in lists.
    Tensors(Vec<Tensor>),
}

/// Reads what is asked of an endpoint with this contract.
///
/// # Errors
/// `InvalidInput` that says what is wrong with it, `LimitExceeded` for too many rows.
pub(crate) fn read(form: Form, body: Bytes, contract: &Contract) -> Result<Asked> {
    let table = match form {
        Form::Json => {
            let body: Value = serde_json::from_slice(&body)
                .map_err(|error| Error::invalid(format!("the body is not JSON: {error}")))?;
            match contract.tensors.as_ref().filter(|signature| !signature.columns) {
                Some(signature) if is_nested(&body) => return of_nested(body, signature).map(Asked::Tensors),
                _ => of_json(body, &contract.signature.features)?,
            }
        }
        Form::Csv | Form::Parquet => {
            let parsed = formats::read(if form == Form::Csv { "csv" } else { "parquet" }, body)?;
            if let Some(broken) = parsed.broken.first() {
                return Err(Error::invalid(format!("line {} cannot be read: {}", broken.line, broken.reason)));
            }
            parsed.table
        }
    };
    if table.rows() > limits::INFER_ROWS {
        let message = format!("there are {} rows, at most {} are answered at once", table.rows(), limits::INFER_ROWS);
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests"));
    }
    Ok(Asked::Table(table))
}

/// Whether a body asks for tensors by lists in lists, and not for rows by the names of their columns.
fn is_nested(body: &Value) -> bool {
    let list = |value: &Value| value.as_array().is_some_and(|items| !items.iter().any(Value::is_object));
    list(&body["instances"])
        || list(&body["inputs"])
        || body["inputs"].as_object().is_some_and(|named| named.values().all(list))
}

/// Lists in lists as the inputs of a model: one for its only input, or one for each by its name.
fn of_nested(mut body: Value, signature: &TensorSignature) -> Result<Vec<Tensor>> {
    let given = if body["instances"].is_array() { body["instances"].take() } else { body["inputs"].take() };
    let tensor = |name: &str, value: Value| {
        let nested: Nested = serde_json::from_value(value)
            .map_err(|error| Error::invalid(format!("the input '{}' is no tensor: {error}", shown(name))))?;
        let datatype = signature.input(name).map(|spec| spec.datatype);
        tensors::of_nested(name, datatype, nested)
            .map_err(|error| error.context(format_args!("input '{}'", shown(name))))
    };
    match (given, signature.inputs.as_slice()) {
        (Value::Object(named), _) => named.into_iter().map(|(name, value)| tensor(&name, value)).collect(),
        (list, [only]) => Ok(vec![tensor(&only.name, list)?]),
        (list, []) => Ok(vec![tensor("input", list)?]),
        (_, several) => {
            let names: Vec<&str> = several.iter().map(|spec| spec.name.as_str()).take(30).collect();
            Err(Error::invalid("the model takes several inputs")
                .hint(format!("send them by name: {}", names.join(", "))))
        }
    }
}

/// The names of the JSON forms, of which a body has one.
const FORMS: [&str; 4] = ["dataframe_split", "dataframe_records", "instances", "inputs"];

fn of_json(body: Value, features: &[Feature]) -> Result<Table> {
    let Value::Object(mut body) = body else { return Err(one_form()) };
    let given: Vec<&str> = FORMS.into_iter().filter(|form| body.contains_key(*form)).collect();
    let [form] = given.as_slice() else { return Err(one_form()) };
    match (*form, body.remove(*form).unwrap_or_default()) {
        ("dataframe_split", Value::Object(mut split)) => {
            let names = split.remove("columns").and_then(|names| serde_json::from_value::<Vec<String>>(names).ok());
            let names =
                names.ok_or_else(|| Error::invalid("dataframe_split has no list of column names under 'columns'"))?;
            let data = split.remove("data").and_then(|data| serde_json::from_value::<Vec<Vec<Value>>>(data).ok());
            let data = data.ok_or_else(|| Error::invalid("dataframe_split has no list of rows under 'data'"))?;
            of_lists(&names, &data)
        }
        ("inputs" | "instances", Value::Object(columns)) => of_columns(columns),
        (_, Value::Array(rows)) if rows.iter().all(Value::is_object) => {
            let object = |row| if let Value::Object(row) = row { Some(row) } else { None };
            of_records(rows.into_iter().filter_map(object).collect())
        }
        ("inputs" | "instances", Value::Array(rows)) if rows.iter().all(Value::is_array) => {
            let names: Vec<String> = features.iter().map(|feature| feature.name.clone()).collect();
            let list = |row| if let Value::Array(row) = row { Some(row) } else { None };
            of_lists(&names, &rows.into_iter().filter_map(list).collect::<Vec<_>>())
        }
        (form, _) => Err(Error::invalid(format!("'{form}' holds no rows"))
            .hint("send a list of objects with the names of the columns, or for `inputs` one list a column")),
    }
}

fn one_form() -> Error {
    Error::invalid(format!("the body must be a JSON object with exactly one of {}", FORMS.join(", ")))
        .hint(r#"for example {"dataframe_records": [{"heat": 28.0, "site": "west"}]}"#)
}

/// Rows as objects; what an object does not name is missing in its row.
///
/// # Errors
/// `InvalidInput` when a column mixes texts and numbers, or holds lists or objects.
pub(crate) fn of_records(rows: Vec<Map<String, Value>>) -> Result<Table> {
    let mut names: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut columns: Vec<Vec<Value>> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for (name, value) in row {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                names.push(name.clone());
                columns.push(Vec::with_capacity(rows.len()));
                columns.len() - 1
            });
            columns[place].resize(number, Value::Null);
            columns[place].push(value.clone());
        }
        if names.len() > limits::TABLE_COLUMNS {
            return Err(Error::invalid(format!("there are more than {} columns", limits::TABLE_COLUMNS)));
        }
    }
    for column in &mut columns {
        column.resize(rows.len(), Value::Null);
    }
    table(names.iter().map(String::as_str).zip(columns.iter().map(Vec::as_slice)))
}

fn of_lists(names: &[String], rows: &[Vec<Value>]) -> Result<Table> {
    if let Some((number, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != names.len()) {
        let (values, columns) = (row.len(), names.len());
        return Err(Error::invalid(format!("row {number} has {values} values for {columns} columns")));
    }
    let columns: Vec<Vec<Value>> =
        (0..names.len()).map(|place| rows.iter().map(|row| row[place].clone()).collect()).collect();
    table(names.iter().map(String::as_str).zip(columns.iter().map(Vec::as_slice)))
}

fn of_columns(columns: Map<String, Value>) -> Result<Table> {
    let mut lists = Vec::with_capacity(columns.len());
    for (name, values) in columns {
        // A column of a matrix with one column comes as a list of lists.
        let Value::Array(values) = values else {
            return Err(Error::invalid(format!("the column '{}' is no list", shown(&name))));
        };
        let one = |value: Value| match value {
            Value::Array(mut inner) if inner.len() == 1 => inner.swap_remove(0),
            other => other,
        };
        lists.push((name, values.into_iter().map(one).collect::<Vec<Value>>()));
    }
    table(lists.iter().map(|(name, values)| (name.as_str(), values.as_slice())))
}

fn table<'a>(columns: impl Iterator<Item = (&'a str, &'a [Value])>) -> Result<Table> {
    let columns = columns.map(|(name, values)| Ok((name.to_owned(), column(name, values)?)));
    Table::new(columns.collect::<Result<_>>()?).map_err(|error| Error::invalid(error.message()))
}

/// A column of texts, or of numbers with booleans as 0 and 1.
fn column(name: &str, values: &[Value]) -> Result<Column> {
    use flyball_core::Value as Cell;
    let mut kind = None;
    let mut cells = Vec::with_capacity(values.len());
    for value in values {
        let cell = match value {
            Value::Null => Cell::Missing,
            Value::Bool(value) => Cell::Float(f64::from(u8::from(*value))),
            Value::Number(number) => Cell::Float(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Cell::Text(text.as_str().into()),
            Value::Array(_) | Value::Object(_) => {
                return Err(Error::invalid(format!("the column '{}' holds lists or objects", shown(name)))
                    .hint("a value is a number, a boolean, a text or null"));
            }
        };
        let own = match cell {
            Cell::Missing => None,
            Cell::Text(_) => Some(Kind::Text),
            _ => Some(Kind::Float),
        };
        if own.is_some() && kind.is_some() && own != kind {
            return Err(Error::invalid(format!("the column '{}' mixes texts and numbers", shown(name))));
        }
        kind = kind.or(own);
        cells.push(cell);
    }
    Column::from_values(kind.unwrap_or(Kind::Float), &cells)
}

fn shown(name: &str) -> String {
    name.chars().take(60).flat_map(char::escape_debug).collect()
}

/// The answers as records: the prediction, and the probability of each class.
pub(crate) fn records(endpoint: &LiveEndpoint, answers: &Answers) -> Vec<Value> {
    let width = endpoint.contract.signature.width();
    let record = |scores: &[f64]| {
        let Some(class) = best(&answers.classes, scores) else { return json!({ "prediction": scores.first() }) };
        let mut record = json!({ "prediction": class });
        for (class, score) in answers.classes.iter().zip(scores) {
            record[format!("probability_{class}")] = json!(score);
        }
        record
    };
    answers.scores.chunks_exact(width).map(record).collect()
}

/// The answers as records, each with the id of its prediction and the version that answered.
pub(crate) fn identified(endpoint: &LiveEndpoint, answered: &Answered) -> Vec<Value> {
    match answered {
        Answered::Scores(answers) => {
            let mut all = records(endpoint, answers);
            for (place, record) in all.iter_mut().enumerate() {
                record["prediction_id"] = json!(answers.prediction_ids.get(place));
                let by = answers.answered_by.get(place).and_then(|by| answers.revisions.get(*by as usize));
                record["version"] = json!(by.map(|revision| revision.version));
            }
            all
        }
        Answered::Tensors(answer) => {
            let all = match tensors::rows(&answer.outputs) {
                Value::Array(rows) if rows.len() == answer.prediction_ids.len() => rows,
                whole => vec![whole],
            };
            let record = |(row, id): (Value, &String)| {
                let mut record = if row.is_object() { row } else { json!({ "prediction": row }) };
                record["prediction_id"] = json!(id);
                record["version"] = json!(answer.revision.version);
                record
            };
            all.into_iter().zip(&answer.prediction_ids).map(record).collect()
        }
    }
}

/// The answers as a table: what was predicted, the id of each prediction, and the version that answered.
///
/// # Errors
/// `InvalidData` when the model's outputs are no columns.
pub(crate) fn table_of(endpoint: &LiveEndpoint, answered: &Answered) -> Result<Table> {
    let texts = |ids: &[String]| Column::Text(TextColumn::from_texts(ids.iter().map(|id| Some(id.as_str()))));
    let (mut columns, ids, versions) = match answered {
        Answered::Scores(answers) => {
            let width = endpoint.contract.signature.width();
            let scores = |place: usize| answers.scores.chunks_exact(width).map(move |row| row[place]);
            let mut columns = Vec::new();
            if answers.classes.is_empty() {
                columns.push(("prediction".to_owned(), Column::Float(scores(0).collect())));
            } else {
                let labels = answers.scores.chunks_exact(width).map(|row| best(&answers.classes, row));
                columns.push(("prediction".to_owned(), Column::Text(TextColumn::from_texts(labels))));
            }
            for (place, class) in answers.classes.iter().enumerate() {
                columns.push((format!("probability_{class}"), Column::Float(scores(place).collect())));
            }
            let version = |by: &u32| answers.revisions.get(*by as usize).map_or(0, |revision| revision.version);
            (columns, texts(&answers.prediction_ids), answers.answered_by.iter().map(version).collect())
        }
        Answered::Tensors(answer) => {
            let rows = answer.prediction_ids.len();
            let columns = flyball_serving::columns::of_outputs(&answer.outputs, rows)?;
            (columns, texts(&answer.prediction_ids), vec![answer.revision.version; rows])
        }
    };
    columns.push(("prediction_id".to_owned(), ids));
    columns.push(("version".to_owned(), Column::Int(versions)));
    Table::new(columns)
}

/// The most probable class; of equals the last, so that the positive class wins at one half.
pub(crate) fn best<'a>(classes: &'a [String], scores: &[f64]) -> Option<&'a str> {
    classes.iter().zip(scores).max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class.as_str())
}

#[cfg(test)]
mod tests {
    use flyball_core::model::Interface;
    use flyball_core::{FeatureKind, Signature, Task};

    use super::*;

    fn read_json(body: &str) -> Result<Table> {
        let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
        let features = [feature("a", FeatureKind::Number), feature("b", FeatureKind::Text)];
        let signature = Signature { task: Task::Regression, features: features.to_vec(), classes: Vec::new() };
        table_of(Form::Json, body, &Contract::of(&Interface::Rows(signature)))
    }

    fn table_of(form: Form, body: &str, contract: &Contract) -> Result<Table> {
        match read(form, Bytes::from(body.to_owned()), contract)? {
            Asked::Table(table) => Ok(table),
            Asked::Tensors(_) => unreachable!(),
        }
    }

    fn told(table: &Table) -> String {
        let names = table.names().join(",");
        let rows: Vec<String> = (0..table.rows())
            .map(|row| table.row(row).iter().map(|value| value.json().to_string()).collect::<Vec<_>>().join(","))
            .collect();
        format!("{names} | {}", rows.join(" | "))
    }

    #[test]
    fn all_forms_of_the_same_rows_are_the_same_table() {
        for body in [
            r#"{"dataframe_split":{"index":[0,1],"columns":["a","b"],"data":[[1,"x"],[null,"y"]]}}"#,
            r#"{"dataframe_records":[{"a":1,"b":"x"},{"b":"y"}],"params":{}}"#,
            r#"{"instances":[{"a":1.0,"b":"x"},{"a":null,"b":"y"}]}"#,
            r#"{"instances":[[1,"x"],[null,"y"]]}"#,
            r#"{"inputs":{"a":[1,null],"b":["x","y"]}}"#,
            r#"{"inputs":{"a":[[1],[null]],"b":[["x"],["y"]]}}"#,
        ] {
            assert_eq!(told(&read_json(body).unwrap()), r#"a,b | 1.0,"x" | null,"y""#, "{body}");
        }
        let csv = table_of(Form::Csv, "a,b\n1,x\n2,y\n", &Contract::default()).unwrap();
        assert_eq!((csv.rows(), csv.names().len()), (2, 2));
        assert_eq!(
            told(&read_json(r#"{"instances":[{"a":true},{"b":"x"}]}"#).unwrap()),
            r#"a,b | 1.0,null | null,"x""#
        );
    }

    #[test]
    fn what_holds_no_rows_is_refused_with_the_reason() {
        for (body, wanted) in [
            ("", "not JSON"),
            ("[]", "exactly one of"),
            ("{}", "exactly one of"),
            (r#"{"inputs":[[1]],"instances":[[1]]}"#, "exactly one of"),
            (r#"{"inputs":5}"#, "holds no rows"),
            (r#"{"instances":[1,2]}"#, "holds no rows"),
            (r#"{"instances":[[1]]}"#, "1 values for 2 columns"),
            (r#"{"dataframe_split":{"columns":["a"],"data":[[1,2]]}}"#, "2 values for 1 columns"),
            (r#"{"dataframe_split":{"columns":["a"]}}"#, "'data'"),
            (r#"{"dataframe_split":{"data":[[1]]}}"#, "'columns'"),
            (r#"{"dataframe_records":[{"a":1},{"a":"x"}]}"#, "mixes"),
            (r#"{"dataframe_records":[{"a":[1]}]}"#, "lists or objects"),
            (r#"{"inputs":{"a":[1],"b":["x","y"]}}"#, "rows"),
            (r#"{"inputs":{"a":1}}"#, "is no list"),
        ] {
            let error = read_json(body).unwrap_err();
            assert!(error.message().contains(wanted), "{body}: {error}");
        }
        assert!(read(Form::Parquet, Bytes::from_static(b"PAR1"), &Contract::default()).is_err());
        assert_eq!(Form::of("application/json; charset=UTF-8"), Some(Form::Json));
        assert_eq!((Form::of("application/json; charset=latin-1"), Form::of("text/html")), (None, None));
    }
}

//! The fields of a request: a JSON body or a query string, read with the leniency that clients rely on.
//!
//! Names come in snake_case or lowerCamelCase; null means absent; numbers may be written as texts, whole numbers as 1.0.
//! Unknown fields are ignored.

use flyball_core::{Error, Result};
use serde_json::{Map, Value};

/// The fields of a request or of an object in one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    values: Map<String, Value>,
    /// Where the object stands in the request, such as `metrics[3].`; empty at the top.
    place: String,
}

impl Fields {
    /// The fields of a body. A body that is no JSON object counts as empty, as clients expect; what is missing then says so.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Self { values, place: String::new() },
            _ => Self::default(),
        }
    }

    /// The fields of a query string; a repeated name is a list.
    pub(crate) fn of_query(pairs: Vec<(String, String)>) -> Self {
        let mut values = Map::new();
        for (name, value) in pairs {
            let value = Value::String(value);
            match values.get_mut(&name) {
                None => drop(values.insert(name, value)),
                Some(Value::Array(list)) => list.push(value),
                Some(one) => *one = Value::Array(vec![one.take(), value]),
            }
        }
        Self { values, place: String::new() }
    }

    /// The value of a field, `None` when it is absent or null.
    ///
    /// # Errors
    /// `InvalidInput` when it is spelled both ways.
    pub(crate) fn value(&self, name: &str) -> Result<Option<&Value>> {
        let snake = self.values.get(name);
        let camel = if name.contains('_') { self.values.get(&camel(name)) } else { None };
        match (snake, camel) {
            (Some(_), Some(_)) => Err(Error::invalid(format!("'{}{name}' is given in two spellings", self.place))),
            (found, None) | (None, found) => Ok(found.filter(|value| !value.is_null())),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// `InvalidInput` for another type.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.invalid(name, other, "a text")),
        }
    }

    /// A text that must be there and not empty.
    ///
    /// # Errors
    /// `InvalidInput` when it is absent, empty or of another type.
    pub(crate) fn required_text(&self, name: &str) -> Result<String> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    /// A whole number.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let whole = match value {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) => text.parse().ok().or_else(|| text.parse().ok().and_then(whole)),
            _ => None,
        };
        whole.map(Some).ok_or_else(|| self.invalid(name, value, "a whole number"))
    }

    /// A whole number that must be there.
    ///
    /// # Errors
    /// `InvalidInput` when it is absent or anything else.
    pub(crate) fn required_integer(&self, name: &str) -> Result<i64> {
        self.integer(name)?.ok_or_else(|| self.missing(name))
    }

    /// A number; `"NaN"`, `"Infinity"` and `"-Infinity"` are texts.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                other => other.parse().ok().filter(|number: &f64| number.is_finite()),
            },
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.invalid(name, value, "a number"))
    }

    /// A number that must be there.
    ///
    /// # Errors
    /// `InvalidInput` when it is absent or anything else.
    pub(crate) fn required_number(&self, name: &str) -> Result<f64> {
        self.number(name)?.ok_or_else(|| self.missing(name))
    }

    /// Yes or no.
    ///
    /// # Errors
    /// `InvalidInput` for anything but a boolean or the words for it.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(self.invalid(name, other, "true or false")),
        }
    }

    /// Texts; one alone is a list of one.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>> {
        match self.value(name)? {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(value @ Value::Array(list)) => list
                .iter()
                .map(|one| one.as_str().map(str::to_owned).ok_or_else(|| self.invalid(name, value, "a list of texts")))
                .collect(),
            Some(other) => Err(self.invalid(name, other, "a list of texts")),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields>> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Object(values)) => {
                Ok(Some(Fields { values: values.clone(), place: format!("{}{name}.", self.place) }))
            }
            Some(other) => Err(self.invalid(name, other, "an object")),
        }
    }

    /// A list of objects.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Fields>> {
        self.value(name)?.map_or(Ok(Vec::new()), |list| self.objects_of(name, list.clone()))
    }

    /// A list of objects, moved out of the request: for long ones.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub(crate) fn take_objects(&mut self, name: &str) -> Result<Vec<Fields>> {
        // Refuses two spellings, of which there is at most one from here on.
        if self.value(name)?.is_none() {
            return Ok(Vec::new());
        }
        let list = self.values.remove(name).filter(|list| !list.is_null()).or_else(|| self.values.remove(&camel(name)));
        list.map_or(Ok(Vec::new()), |list| self.objects_of(name, list))
    }

    fn objects_of(&self, name: &str, list: Value) -> Result<Vec<Fields>> {
        let Value::Array(list) = list else { return Err(self.invalid(name, &list, "a list of objects")) };
        let object = |(index, one): (usize, Value)| match one {
            Value::Object(values) => Ok(Fields { values, place: format!("{}{name}[{index}].", self.place) }),
            other => Err(self.invalid(name, &other, "a list of objects")),
        };
        list.into_iter().enumerate().map(object).collect()
    }

    /// One of some words, given by its name or its number. An unknown word counts as absent, as clients expect.
    ///
    /// # Errors
    /// `InvalidInput` for another type.
    pub(crate) fn choice(&self, name: &str, words: &[(&str, i64)]) -> Result<Option<i64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        match value {
            Value::String(text) => Ok(words
                .iter()
                .find(|(word, number)| word == text || number.to_string() == *text)
                .map(|(_, number)| *number)),
            Value::Number(given) => {
                Ok(words.iter().find(|(_, number)| given.as_i64() == Some(*number)).map(|(_, number)| *number))
            }
            other => Err(self.invalid(name, other, "a word")),
        }
    }

    /// The error for a field that must be there.
    pub(crate) fn missing(&self, name: &str) -> Error {
        Error::invalid(format!("Missing value for required parameter '{}{name}'", self.place))
            .hint("a GET takes it from its query, other calls from a JSON object as the body")
    }

    fn invalid(&self, name: &str, value: &Value, wanted: &str) -> Error {
        let mut shown = value.to_string();
        if let Some((end, _)) = shown.char_indices().nth(200) {
            shown.truncate(end);
            shown.push('…');
        }
        Error::invalid(format!(
            "Invalid value {shown} for parameter '{}{name}' supplied: {wanted} is wanted",
            self.place
        ))
    }
}

/// A float without a fraction, within the numbers that it tells exactly.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// `run_id` as `runId`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: &str) -> Fields {
        Fields::of_body(body.as_bytes())
    }

    #[test]
    fn both_spellings_are_read_but_not_together() {
        assert_eq!(fields(r#"{"runId":"a"}"#).text("run_id").unwrap(), Some("a".into()));
        assert_eq!(fields(r#"{"run_id":null}"#).text("run_id").unwrap(), None);
        assert!(fields(r#"{"run_id":"a","runId":"a"}"#).text("run_id").is_err());
        assert_eq!(camel("max_timestamp_millis"), "maxTimestampMillis");
    }

    #[test]
    fn numbers_come_in_several_forms() {
        for (text, wanted) in
            [("5", Some(5)), ("\"5\"", Some(5)), ("5.0", Some(5)), ("\"5.0\"", Some(5)), ("null", None)]
        {
            assert_eq!(fields(&format!(r#"{{"n":{text}}}"#)).integer("n").unwrap(), wanted, "{text}");
        }
        for text in ["5.5", "\"a\"", "true", "[]", "1e300"] {
            assert!(fields(&format!(r#"{{"n":{text}}}"#)).integer("n").is_err(), "{text}");
        }
        assert!(fields(r#"{"v":"NaN"}"#).number("v").unwrap().unwrap().is_nan());
        assert_eq!(fields(r#"{"v":"-Infinity"}"#).number("v").unwrap(), Some(f64::NEG_INFINITY));
        assert!(fields(r#"{"v":"inf"}"#).number("v").is_err());
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_with_its_place() {
        let batch = fields(r#"{"metrics":[{"key":"a"},{"key":5}]}"#).objects("metrics").unwrap();
        assert!(batch[0].required_integer("timestamp").unwrap_err().message().contains("'metrics[0].timestamp'"));
        assert!(batch[1].text("key").unwrap_err().message().contains("Invalid value 5 for parameter 'metrics[1].key'"));
        assert!(fields("not json").required_text("name").unwrap_err().message().contains("Missing value"));
        assert!(fields(r#"{"name":""}"#).required_text("name").is_err());
    }

    #[test]
    fn queries_repeat_names_for_lists() {
        let pairs = [("id", "1"), ("id", "2"), ("name", "x"), ("flag", "True")];
        let query = Fields::of_query(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        assert_eq!(query.texts("id").unwrap(), ["1", "2"]);
        assert_eq!(query.texts("name").unwrap(), ["x"]);
        assert_eq!(query.flag("flag").unwrap(), Some(true));
    }

    #[test]
    fn words_come_as_names_or_numbers_and_unknown_ones_are_absent() {
        let words = [("RUNNING", 1), ("FAILED", 4)];
        for (text, wanted) in
            [("\"FAILED\"", Some(4)), ("4", Some(4)), ("\"1\"", Some(1)), ("\"BOGUS\"", None), ("9", None)]
        {
            assert_eq!(fields(&format!(r#"{{"s":{text}}}"#)).choice("s", &words).unwrap(), wanted, "{text}");
        }
    }
}

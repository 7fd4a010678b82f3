//! The trainers' parameters: read from the loop file's `with`, checked, with defaults.

use flyball_core::{Error, ErrorCode, Result};
use serde_json::{Map, Value};

/// One numeric parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) default: f64,
    /// Least and most allowed.
    pub(crate) range: (f64, f64),
    /// Whether only whole numbers make sense.
    pub(crate) whole: bool,
}

/// A whole-number parameter.
pub(crate) const fn whole(name: &'static str, default: f64, least: f64, most: f64) -> Parameter {
    Parameter { name, default, range: (least, most), whole: true }
}

/// A parameter that may have a fraction.
pub(crate) const fn real(name: &'static str, default: f64, least: f64, most: f64) -> Parameter {
    Parameter { name, default, range: (least, most), whole: false }
}

/// The parameters as used.
pub(crate) struct Parameters(Map<String, Value>);

impl Parameters {
    /// Reads `given` against the list of known parameters of `trainer`.
    pub(crate) fn read(trainer: &str, known: &[Parameter], given: &Map<String, Value>) -> Result<Self> {
        if let Some(name) = given.keys().find(|name| known.iter().all(|p| p.name != name.as_str())) {
            return Err(unknown(trainer, known, name));
        }
        let mut used = Map::new();
        for parameter in known {
            let number = match given.get(parameter.name) {
                None => parameter.default,
                Some(value) => {
                    value.as_f64().filter(|&x| parameter.allows(x)).ok_or_else(|| parameter.refuse(value))?
                }
            };
            let value = if parameter.whole { Value::from(number as i64) } else { Value::from(number) };
            used.insert(parameter.name.to_owned(), value);
        }
        Ok(Self(used))
    }

    /// The value of a known parameter.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// The value of a known parameter that is a count.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl Parameter {
    fn allows(&self, x: f64) -> bool {
        (self.range.0..=self.range.1).contains(&x) && (!self.whole || x.fract() == 0.0)
    }

    fn refuse(&self, value: &Value) -> Error {
        let kind = if self.whole { "a whole number" } else { "a number" };
        let (least, most) = self.range;
        Error::new(ErrorCode::InvalidLoopFile, format!("the parameter '{}' cannot be {value}", self.name))
            .hint(format!("give {kind} from {least} to {most}"))
    }
}

fn unknown(trainer: &str, known: &[Parameter], name: &str) -> Error {
    let nearest = known.iter().min_by_key(|p| strsim::damerau_levenshtein(p.name, name));
    let hint = match nearest.filter(|p| strsim::jaro_winkler(p.name, name) > 0.75) {
        Some(parameter) => format!("did you mean '{}'?", parameter.name),
        None => format!("the parameters are: {}", known.iter().map(|p| p.name).collect::<Vec<_>>().join(", ")),
    };
    Error::new(ErrorCode::InvalidLoopFile, format!("the trainer {trainer} has no parameter '{name}'")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter] = &[whole("trees", 200.0, 1.0, 1000.0), real("learning_rate", 0.1, 0.0, 1.0)];

    fn read(json: &str) -> Result<Parameters> {
        Parameters::read("gbdt", KNOWN, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn defaults_fill_what_is_not_given() {
        let used = read(r#"{"trees": 50}"#).unwrap().into_map();
        assert_eq!(serde_json::Value::Object(used).to_string(), r#"{"trees":50,"learning_rate":0.1}"#);
    }

    #[test]
    fn a_misspelt_parameter_names_its_neighbour() {
        let error = read(r#"{"tress": 50}"#).err().unwrap();
        assert_eq!(error.code(), ErrorCode::InvalidLoopFile);
        assert_eq!(error.next_step(), Some("did you mean 'trees'?"));
        let error = read(r#"{"zzz": 50}"#).err().unwrap();
        assert!(error.next_step().unwrap().contains("trees, learning_rate"));
    }

    #[test]
    fn values_out_of_range_or_of_another_type_are_refused() {
        for json in [r#"{"trees": 0}"#, r#"{"trees": 1.5}"#, r#"{"trees": "many"}"#, r#"{"learning_rate": 1.1}"#] {
            assert_eq!(read(json).err().unwrap().code(), ErrorCode::InvalidLoopFile, "{json}");
        }
    }
}

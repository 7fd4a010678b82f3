//! Statements that are put together from conditions: numbers the parameters and knows what the engines say differently.

use flyball_core::{Error, Result};
use flyball_store::{DatabaseKind, Param, Tx};

use super::grammar::Comparator;
use super::parse::Value;
use super::scan::excerpt;

/// The parameters of a statement under construction.
#[derive(Debug)]
pub struct Sql {
    kind: DatabaseKind,
    params: Vec<Param>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `BIGINT`
    Whole,
    /// `DOUBLE PRECISION`
    Number,
    /// `TEXT`
    Text,
}

impl Sql {
    /// A statement for the engine of this transaction.
    pub fn new(tx: &Tx<'_>) -> Self {
        Self { kind: tx.kind(), params: Vec::new() }
    }

    /// Adds a parameter and returns its place, such as `$3`.
    pub fn bind(&mut self, value: impl Into<Param>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    /// The parameters, in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// A list of parameters for `IN`, repeating the last one up to a power of two, so that a statement has few texts.
    pub fn list<T: Into<Param>>(&mut self, values: impl IntoIterator<Item = T>) -> String {
        let mut values: Vec<Param> = values.into_iter().map(Into::into).collect();
        if let Some(last) = values.last().cloned() {
            values.resize(values.len().next_power_of_two(), last);
        }
        values.into_iter().map(|value| self.bind(value)).collect::<Vec<_>>().join(", ")
    }

    /// The test that a column, or an expression without side effects, compares so. It is never true for NULL.
    ///
    /// # Errors
    /// `InvalidInput` when the value is not of the column's type; a grammar that fits the column prevents it.
    pub fn compare(
        &mut self,
        column: &str,
        holds: ColumnType,
        comparator: Comparator,
        value: &Value,
    ) -> Result<String> {
        Ok(match (comparator, value, holds) {
            (Comparator::IsNull, ..) => format!("{column} IS NULL"),
            (Comparator::IsNotNull, ..) => format!("{column} IS NOT NULL"),
            (Comparator::In | Comparator::NotIn, Value::Texts(texts), ColumnType::Text) => {
                format!("{column} {comparator} ({})", self.list(texts))
            }
            (Comparator::Like | Comparator::ILike | Comparator::RLike, Value::Text(pattern), ColumnType::Text) => {
                if comparator == Comparator::RLike {
                    check_regular(pattern)?;
                }
                self.matches(column, comparator, pattern)
            }
            (Comparator::Equal | Comparator::NotEqual, Value::Text(text), ColumnType::Text) => {
                format!("{column} {comparator} {}", self.bind(text))
            }
            (_, Value::Whole(number), ColumnType::Whole) => format!("{column} {comparator} {}", self.bind(*number)),
            (_, Value::Whole(number), ColumnType::Number) => {
                format!("{column} {comparator} {}", self.bind(*number as f64))
            }
            (_, Value::Number(number), ColumnType::Number) => format!("{column} {comparator} {}", self.bind(*number)),
            (_, Value::Number(number), ColumnType::Whole) => self.against_fraction(column, comparator, *number),
            _ => return Err(Error::invalid(format!("the comparator {comparator} does not fit the value"))),
        })
    }

    fn matches(&mut self, column: &str, comparator: Comparator, pattern: &str) -> String {
        match (self.kind, comparator) {
            // SQLite's LIKE takes upper and lower case for the same, its GLOB does not.
            (DatabaseKind::Sqlite, Comparator::Like) => format!("{column} GLOB {}", self.bind(as_glob(pattern))),
            (DatabaseKind::Sqlite, Comparator::ILike) => format!("{column} LIKE {}", self.bind(pattern)),
            (DatabaseKind::Sqlite, _) => format!("{column} REGEXP {}", self.bind(pattern)),
            (DatabaseKind::Postgres, Comparator::RLike) => format!("{column} ~ {}", self.bind(pattern)),
            // A backslash is a character like any other.
            (DatabaseKind::Postgres, like) => format!("{column} {like} {} ESCAPE ''", self.bind(pattern)),
        }
    }

    /// A whole number against one with a fraction, or one too large to be whole: moved to the whole number beside it.
    fn against_fraction(&mut self, column: &str, comparator: Comparator, number: f64) -> String {
        let whole = number.floor();
        // Casts of floats saturate, and that is the right answer here.
        let below = whole as i64;
        let exact = number == whole && (-(2f64.powi(63))..2f64.powi(63)).contains(&number);
        let comparator = match comparator {
            _ if exact => comparator,
            Comparator::Equal => return format!("({column} IS NOT NULL AND 1 = 0)"),
            Comparator::NotEqual => return format!("{column} IS NOT NULL"),
            Comparator::Less | Comparator::LessOrEqual if below > i64::MIN => Comparator::LessOrEqual,
            Comparator::Less | Comparator::LessOrEqual => Comparator::Less,
            Comparator::Greater | Comparator::GreaterOrEqual if below > i64::MIN => Comparator::Greater,
            _ => Comparator::GreaterOrEqual,
        };
        format!("{column} {comparator} {}", self.bind(below))
    }
}

/// Checks a regular expression before a database sees it. Without back references it costs neither engine more than the
/// length of the text allows.
fn check_regular(pattern: &str) -> Result<()> {
    regex::Regex::new(pattern).map(drop).map_err(|error| {
        Error::invalid(format!("Invalid regular expression {}", excerpt(pattern)))
            .hint("back references and look-around are not supported")
            .cause(error)
    })
}

/// The pattern in the words of GLOB.
fn as_glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(c);
                glob.push(']');
            }
            _ => glob.push(c),
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite() -> Sql {
        Sql { kind: DatabaseKind::Sqlite, params: Vec::new() }
    }

    #[test]
    fn patterns_are_written_in_the_words_of_glob() {
        assert_eq!(as_glob("a%_b"), "a*?b");
        assert_eq!(as_glob("*?[]\\"), "[*][?][[]]\\");
    }

    #[test]
    fn fractions_move_to_the_whole_number_beside_them() {
        for (comparator, number, wanted, bound) in [
            (Comparator::Less, 5.5, "c <= $1", 5),
            (Comparator::GreaterOrEqual, 5.5, "c > $1", 5),
            (Comparator::GreaterOrEqual, -5.5, "c > $1", -6),
            (Comparator::Less, 5.0, "c < $1", 5),
            (Comparator::Equal, 5.0, "c = $1", 5),
            (Comparator::Greater, 1e300, "c > $1", i64::MAX),
            (Comparator::Less, 1e300, "c <= $1", i64::MAX),
            (Comparator::Less, -1e300, "c < $1", i64::MIN),
            (Comparator::Greater, -1e300, "c >= $1", i64::MIN),
        ] {
            let mut sql = sqlite();
            let text = sql.compare("c", ColumnType::Whole, comparator, &Value::Number(number)).unwrap();
            assert_eq!((text.as_str(), sql.params()), (wanted, &[Param::Int(bound)][..]), "{comparator} {number}");
        }
        let mut sql = sqlite();
        let never = sql.compare("c", ColumnType::Whole, Comparator::Equal, &Value::Number(5.5)).unwrap();
        assert_eq!(never, "(c IS NOT NULL AND 1 = 0)");
    }

    #[test]
    fn values_of_the_wrong_kind_and_bad_expressions_are_refused() {
        let mut sql = sqlite();
        assert!(sql.compare("c", ColumnType::Number, Comparator::Equal, &Value::Text("x".into())).is_err());
        for bad in ["(", "(a)\\1", "a{1000000}"] {
            assert!(sql.compare("c", ColumnType::Text, Comparator::RLike, &Value::Text(bad.into())).is_err(), "{bad}");
        }
        assert_eq!(sql.list(["a", "b", "c"]), "$1, $2, $3, $4");
    }
}

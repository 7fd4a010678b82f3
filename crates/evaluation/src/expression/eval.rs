//! Judging a condition against measured facts.

use serde::{Deserialize, Serialize};

use super::ast::{Aggregate, Arithmetic, Claim, Comparison, Condition, Logic, Operator, Subject, Term};

/// A measured value: evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// The lower end of its interval, where one is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub low: Option<f64>,
    /// The upper end of its interval.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub high: Option<f64>,
    /// What a reader should know with it (rows behind it, the group, a paired comparison).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

impl From<f64> for Measured {
    fn from(value: f64) -> Self {
        Self { value, low: None, high: None, note: None }
    }
}

/// What conditions are judged on. Each answer is `None` when it was not or could not be measured.
pub trait Facts {
    /// A metric of a subject.
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured>;

    /// A metric of the judged version over the groups of a column.
    fn by_group(&self, aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured>;

    /// A metric of the judged version over the combinations of several columns.
    fn across(&self, _aggregate: Aggregate, _metric: &str, _columns: &[String]) -> Option<Measured> {
        None
    }

    /// A measure of fairness over the groups of a column, or of several that are crossed.
    fn fairness(&self, _measure: &str, _columns: &[String]) -> Option<Measured> {
        None
    }

    /// Whether a claim is shown: 1 or 0.
    fn claim(&self, _claim: &Claim) -> Option<Measured> {
        None
    }

    /// What is known of one feature: one of [`super::COLUMN_FACTS`].
    fn of_column(&self, _fact: &str, _column: &str) -> Option<Measured> {
        None
    }

    /// Whether something is so.
    fn flag(&self, name: &str) -> Option<bool>;
}

/// The outcome of a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it holds; `None` when that hangs on a value that is missing.
    pub holds: Option<bool>,
    /// Each different term of the text with its value; a flag is 0 or 1.
    pub evidence: Vec<(String, Option<Measured>)>,
    /// The condition as written.
    pub text: String,
}

impl Verdict {
    /// The condition with the values behind it: `auc < reference.auc - 0.02 (auc 0.655, reference.auc 0.712)`.
    pub fn explain(&self) -> String {
        let value =
            |measured: &Option<Measured>| measured.as_ref().map_or("unknown".to_owned(), |m| format!("{:.3}", m.value));
        let terms: Vec<String> =
            self.evidence.iter().map(|(term, measured)| format!("{term} {}", value(measured))).collect();
        format!("{} ({})", self.text, terms.join(", "))
    }
}

impl Condition {
    /// Judges the condition by the measured values themselves; intervals go into the evidence only. Asks for each term
    /// once. `for N windows` is the caller's to count.
    pub fn evaluate(&self, facts: &dyn Facts) -> Verdict {
        let known: Vec<(Term, Option<Measured>)> = self
            .terms()
            .into_iter()
            .map(|term| {
                let measured = ask(&term, facts);
                (term, measured)
            })
            .collect();
        let holds = truth(&self.root, &known);
        let evidence = known.into_iter().map(|(term, measured)| (term.to_string(), measured)).collect();
        Verdict { holds, evidence, text: self.text.clone() }
    }
}

fn ask(term: &Term, facts: &dyn Facts) -> Option<Measured> {
    let measured = match term {
        Term::Value(subject, metric) => facts.value(*subject, metric.name),
        Term::Grouped(aggregate, metric, columns) => match columns.as_slice() {
            [column] => facts.by_group(*aggregate, metric.name, column),
            several => facts.across(*aggregate, metric.name, several),
        },
        Term::Fairness(measure, columns) => facts.fairness(measure, columns),
        Term::Claim(claim) => facts.claim(claim),
        Term::Column(fact, column) => facts.of_column(fact, column),
        Term::Flag(name) => facts.flag(name).map(|so| Measured::from(f64::from(u8::from(so)))),
    };
    measured.filter(|measured| measured.value.is_finite())
}

type Known = [(Term, Option<Measured>)];

fn look_up(term: &Term, known: &Known) -> Option<f64> {
    known.iter().find(|(other, _)| other == term).and_then(|(_, measured)| measured.as_ref()).map(|m| m.value)
}

fn truth(logic: &Logic, known: &Known) -> Option<bool> {
    match logic {
        Logic::And(left, right) => match (truth(left, known), truth(right, known)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Logic::Or(left, right) => match (truth(left, known), truth(right, known)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Logic::Not(inner) => truth(inner, known).map(|so| !so),
        Logic::Flag(term) => look_up(term, known).map(|value| value != 0.0),
        Logic::Compare(left, comparison, right) => {
            let (left, right) = (number(left, known)?, number(right, known)?);
            Some(match comparison {
                Comparison::AtLeast => left >= right,
                Comparison::Above => left > right,
                Comparison::AtMost => left <= right,
                Comparison::Below => left < right,
                Comparison::Equal => left == right,
                Comparison::Different => left != right,
            })
        }
    }
}

fn number(arithmetic: &Arithmetic, known: &Known) -> Option<f64> {
    let value = match arithmetic {
        Arithmetic::Number(value) => *value,
        Arithmetic::Term(term) => look_up(term, known)?,
        Arithmetic::Negative(inner) => -number(inner, known)?,
        Arithmetic::Binary(left, operator, right) => {
            let (left, right) = (number(left, known)?, number(right, known)?);
            match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
            }
        }
    };
    // A division by zero gives no value that could be compared.
    value.is_finite().then_some(value)
}

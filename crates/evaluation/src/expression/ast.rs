//! What a condition is made of.

use std::fmt;

use serde::{Serialize, Serializer};

use super::metric::{Domain, Metric};

/// Whose metric is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The version that is judged: the candidate at a gate, the serving one elsewhere. Written without a prefix.
    Current,
    /// The version that serves now.
    Champion,
    /// The reference period of the monitor.
    Reference,
    /// The simple model that any version should beat.
    Baseline,
    /// The serving version while its truth is not known: what its own answers let expect.
    Estimated,
}

impl Subject {
    /// The subjects that are written before a metric, with their words.
    pub const NAMED: &'static [(&'static str, Subject)] = &[
        ("champion", Subject::Champion),
        ("reference", Subject::Reference),
        ("baseline", Subject::Baseline),
        ("estimated", Subject::Estimated),
    ];
}

/// What is made of a metric's values over the groups of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// The group where the metric is worst.
    Worst,
    /// The group where it is best.
    Best,
    /// Smallest divided by largest.
    Ratio,
    /// Largest minus smallest.
    Difference,
}

impl Aggregate {
    /// The functions, with their words.
    pub const NAMED: &'static [(&'static str, Aggregate)] = &[
        ("worst", Aggregate::Worst),
        ("best", Aggregate::Best),
        ("ratio", Aggregate::Ratio),
        ("difference", Aggregate::Difference),
    ];
}

/// What may be claimed of a version beside the champion, on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// Not worse by the margin or more.
    NonInferior,
    /// Better by more than the margin.
    Superior,
    /// Different by less than the margin on either side.
    Equivalent,
}

impl ClaimKind {
    /// The claims, with their words.
    pub const NAMED: &'static [(&'static str, ClaimKind)] = &[
        ("non_inferior", ClaimKind::NonInferior),
        ("superior", ClaimKind::Superior),
        ("equivalent", ClaimKind::Equivalent),
    ];
}

/// A claim that holds where it is shown at 95 % confidence, in every group where groups are named.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What is claimed.
    pub kind: ClaimKind,
    /// Of which metric.
    pub metric: &'static Metric,
    /// The margin, in the metric's unit.
    pub margin: f64,
    /// The columns whose groups it must hold in; over all rows when empty.
    pub by: Vec<String>,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}", word(ClaimKind::NAMED, &self.kind), self.metric.name)?;
        if self.margin > 0.0 {
            write!(f, ", margin: {}", self.margin)?;
        }
        if !self.by.is_empty() {
            write!(f, ", by: {}", list(&self.by))?;
        }
        f.write_str(")")
    }
}

/// Columns as they are written behind `by:`.
fn list(columns: &[String]) -> String {
    match columns {
        [column] => column.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// One measured thing that a condition names.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A metric of a subject.
    Value(Subject, &'static Metric),
    /// A metric of the judged version over the groups of a column, or of several that are crossed.
    Grouped(Aggregate, &'static Metric, Vec<String>),
    /// A measure of fairness over the groups of a column, or of several that are crossed.
    Fairness(&'static str, Vec<String>),
    /// Whether something is shown of the judged version beside the champion.
    Claim(Claim),
    /// What a window knows of one feature.
    Column(&'static str, String),
    /// Something that is so or not.
    Flag(&'static str),
}

fn word<T: PartialEq>(named: &'static [(&'static str, T)], wanted: &T) -> &'static str {
    named.iter().find(|(_, item)| item == wanted).map_or("", |(word, _)| word)
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Value(Subject::Current, metric) => f.write_str(metric.name),
            Term::Value(subject, metric) => write!(f, "{}.{}", word(Subject::NAMED, subject), metric.name),
            Term::Grouped(aggregate, metric, columns) => {
                write!(f, "{}({}, by: {})", word(Aggregate::NAMED, aggregate), metric.name, list(columns))
            }
            Term::Fairness(measure, columns) => write!(f, "{measure}(by: {})", list(columns)),
            Term::Claim(claim) => claim.fmt(f),
            Term::Column(fact, column) => write!(f, "{fact}({column})"),
            Term::Flag(name) => f.write_str(name),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Arithmetic {
    Number(f64),
    Term(Term),
    Negative(Box<Arithmetic>),
    Binary(Box<Arithmetic>, Operator, Box<Arithmetic>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
    Different,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Logic {
    And(Box<Logic>, Box<Logic>),
    Or(Box<Logic>, Box<Logic>),
    Not(Box<Logic>),
    Compare(Arithmetic, Comparison, Arithmetic),
    Flag(Term),
}

impl Arithmetic {
    fn visit(&self, visitor: &mut dyn FnMut(&Term)) {
        match self {
            Arithmetic::Number(_) => {}
            Arithmetic::Term(term) => visitor(term),
            Arithmetic::Negative(inner) => inner.visit(visitor),
            Arithmetic::Binary(left, _, right) => {
                left.visit(visitor);
                right.visit(visitor);
            }
        }
    }
}

impl Logic {
    fn visit(&self, visitor: &mut dyn FnMut(&Term)) {
        match self {
            Logic::And(left, right) | Logic::Or(left, right) => {
                left.visit(visitor);
                right.visit(visitor);
            }
            Logic::Not(inner) => inner.visit(visitor),
            Logic::Compare(left, _, right) => {
                left.visit(visitor);
                right.visit(visitor);
            }
            Logic::Flag(term) => visitor(term),
        }
    }

    /// Every different term, in the order of the text.
    pub(super) fn terms(&self) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::new();
        self.visit(&mut |term| {
            if !terms.contains(term) {
                terms.push(term.clone());
            }
        });
        terms
    }
}

/// A condition that was read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub(super) root: Logic,
    pub(super) text: String,
    pub(super) windows: u32,
}

impl Condition {
    /// The condition as written, runs of white space as one space.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In how many windows in a row it must hold before it acts; 1 unless it ends in `for N windows`.
    pub fn windows(&self) -> u32 {
        self.windows
    }

    /// Every different thing that it names, in the order of the text: what has to be measured to judge it.
    pub fn terms(&self) -> Vec<Term> {
        self.root.terms()
    }

    /// Whether it is about nothing but how the endpoint serves: it can be judged at any moment, without truths.
    pub fn is_of_serving(&self) -> bool {
        let serving =
            |term: &Term| matches!(term, Term::Value(Subject::Current, metric) if metric.domain == Domain::Serving);
        self.terms().iter().all(serving)
    }

    /// Whether what it names can only be known when the truth is.
    pub fn needs_labels(&self) -> bool {
        let needs = |term: &Term| match term {
            Term::Value(Subject::Current, metric) | Term::Grouped(_, metric, _) => metric.needs_labels(),
            Term::Fairness(measure, _) => {
                !matches!(*measure, "demographic_parity_difference" | "demographic_parity_ratio")
            }
            Term::Flag(name) => matches!(*name, "concept_shift" | "label_shift"),
            Term::Value(..) | Term::Column(..) | Term::Claim(_) => false,
        };
        self.terms().iter().any(needs)
    }

    /// Whether it names a metric of this subject; a claim is about the champion.
    pub fn mentions(&self, subject: Subject) -> bool {
        self.terms().iter().any(|term| match term {
            Term::Value(of, _) => *of == subject,
            Term::Claim(_) => subject == Subject::Champion,
            _ => false,
        })
    }

    /// The columns whose groups it needs, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for term in self.terms() {
            let (Term::Grouped(_, _, by) | Term::Fairness(_, by) | Term::Claim(Claim { by, .. })) = term else {
                continue;
            };
            for column in by {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        columns
    }

    /// The metrics that it needs, of any subject or group, each once.
    pub fn metrics(&self) -> Vec<&'static Metric> {
        let mut metrics: Vec<&'static Metric> = Vec::new();
        for term in self.terms() {
            if let Term::Value(_, metric) | Term::Grouped(_, metric, _) | Term::Claim(Claim { metric, .. }) = term
                && !metrics.contains(&metric)
            {
                metrics.push(metric);
            }
        }
        metrics
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

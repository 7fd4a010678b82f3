//! Reading a condition: from tokens to a checked tree.

mod functions;

use std::fmt;

use flyball_core::Task;

use super::ast::{Arithmetic, Comparison, Condition, Logic, Operator, Subject, Term};
use super::lexer::{Sign, Token, tokens};
use super::metric::{Domain, FLAGS, METRICS, Metric, listed, metric};
use super::suggest::nearest;

/// Longest text of a condition, in bytes: past it nobody can read it, and the tree stays shallow.
const TEXT_BYTES: usize = 1000;
/// Deepest nesting of brackets, `not` and signs: bounds the stack.
const DEPTH: usize = 32;
/// Most windows that a condition may have to hold for.
const WINDOWS: f64 = 1000.0;

/// Where a condition stands: it decides what it may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A gate: judged on data, before the version serves.
    Gate,
    /// A rollout's `abort_if`: judged on live traffic.
    Abort,
    /// A remedy: judged on the windows of the monitor.
    Remedy,
}

/// Why a text is not a condition; `start..end` are the characters that are to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// The first character, counted from 0.
    pub start: usize,
    /// The character after the last one.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ExpressionError {
    pub(super) fn new(start: usize, end: usize, message: impl Into<String>) -> Self {
        Self { start, end, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExpressionError {}

type Parsed<T> = Result<T, ExpressionError>;

impl Condition {
    /// Reads a condition of a loop with this task.
    ///
    /// # Errors
    /// Says which characters are to blame: an unknown metric or function, a metric of the other task, something that
    /// cannot be known in this scope, or a text that is not of the grammar.
    pub fn parse(text: &str, scope: Scope, task: Task) -> Result<Condition, ExpressionError> {
        let length = text.chars().count();
        if text.len() > TEXT_BYTES {
            return Err(ExpressionError::new(0, length, format!("a condition has at most {TEXT_BYTES} bytes"))
                .hint("split it into several"));
        }
        let mut parser = Parser { tokens: tokens(text)?, at: 0, length, depth: 0, scope, task };
        let (root, start) = (parser.any()?, 0);
        let root = root.logic(start, length)?;
        let windows = parser.windows()?;
        if let Some(token) = parser.tokens.get(parser.at) {
            return Err(ExpressionError::new(token.start, token.end, format!("{} does not belong here", shown(token)))
                .hint("join two conditions with 'and' or 'or'"));
        }
        if root.terms().is_empty() {
            return Err(ExpressionError::new(0, length, "the condition names no metric, so nothing can change it")
                .hint("compare a metric, as in auc >= 0.65"));
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Condition { root, text, windows })
    }
}

/// Either kind of value; which one is wanted is known to the operator around it.
enum Either {
    Truth(Logic),
    Number(Arithmetic),
}

impl Either {
    fn logic(self, start: usize, end: usize) -> Parsed<Logic> {
        match self {
            Either::Truth(logic) => Ok(logic),
            Either::Number(_) => Err(ExpressionError::new(start, end, "this is a number, not a condition")
                .hint("compare it, as in auc >= 0.65")),
        }
    }

    fn number(self, start: usize, end: usize) -> Parsed<Arithmetic> {
        match self {
            Either::Number(number) => Ok(number),
            Either::Truth(Logic::Flag(term)) => {
                Err(ExpressionError::new(start, end, format!("'{term}' is so or not; it has no number"))
                    .hint(format!("write '{term}' or 'not {term}' alone")))
            }
            Either::Truth(_) => Err(ExpressionError::new(start, end, "this is a condition, not a number")
                .hint("compare two values at a time and join the comparisons with 'and'")),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    length: usize,
    depth: usize,
    scope: Scope,
    task: Task,
}

impl Parser {
    fn any(&mut self) -> Parsed<Either> {
        self.chain("or", Self::all, |left, right| Logic::Or(Box::new(left), Box::new(right)))
    }

    fn all(&mut self) -> Parsed<Either> {
        self.chain("and", Self::opposite, |left, right| Logic::And(Box::new(left), Box::new(right)))
    }

    /// `part { word part }`, joined from the left.
    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Parsed<Either>,
        join: fn(Logic, Logic) -> Logic,
    ) -> Parsed<Either> {
        let start = self.start();
        let mut left = part(self)?;
        while self.take_word(word) {
            let first = left.logic(start, self.end_before(2))?;
            let second_start = self.start();
            let second = part(self)?.logic(second_start, self.end())?;
            left = Either::Truth(join(first, second));
        }
        Ok(left)
    }

    fn opposite(&mut self) -> Parsed<Either> {
        if !self.take_word("not") {
            return self.comparison();
        }
        self.deeper(|parser| {
            let start = parser.start();
            let inner = parser.opposite()?.logic(start, parser.end())?;
            Ok(Either::Truth(Logic::Not(Box::new(inner))))
        })
    }

    fn comparison(&mut self) -> Parsed<Either> {
        let start = self.start();
        let left = self.sum()?;
        let Some((comparison, mark)) = self.comparison_sign() else { return Ok(left) };
        let left = left.number(start, mark)?;
        let right_start = self.start();
        let right = self.sum()?.number(right_start, self.end())?;
        if let Some((_, mark)) = self.comparison_sign() {
            return Err(
                ExpressionError::new(mark, self.end(), "a comparison has two sides").hint("write a < b and b < c")
            );
        }
        Ok(Either::Truth(Logic::Compare(left, comparison, right)))
    }

    fn comparison_sign(&mut self) -> Option<(Comparison, usize)> {
        let token = self.tokens.get(self.at)?;
        let Sign::Mark(mark) = token.sign else { return None };
        let comparison = match mark {
            ">=" => Comparison::AtLeast,
            ">" => Comparison::Above,
            "<=" => Comparison::AtMost,
            "<" => Comparison::Below,
            "==" => Comparison::Equal,
            "!=" => Comparison::Different,
            _ => return None,
        };
        let start = token.start;
        self.at += 1;
        Some((comparison, start))
    }

    fn sum(&mut self) -> Parsed<Either> {
        self.operation(&[("+", Operator::Add), ("-", Operator::Subtract)], Self::product)
    }

    fn product(&mut self) -> Parsed<Either> {
        self.operation(&[("*", Operator::Multiply), ("/", Operator::Divide)], Self::signed)
    }

    /// `part { operator part }`, joined from the left.
    fn operation(&mut self, operators: &[(&str, Operator)], part: fn(&mut Self) -> Parsed<Either>) -> Parsed<Either> {
        let start = self.start();
        let mut left = part(self)?;
        while let Some(&(_, operator)) = operators.iter().find(|(mark, _)| self.take(mark)) {
            let first = left.number(start, self.end_before(2))?;
            let second_start = self.start();
            let second = part(self)?.number(second_start, self.end())?;
            left = Either::Number(Arithmetic::Binary(Box::new(first), operator, Box::new(second)));
        }
        Ok(left)
    }

    fn signed(&mut self) -> Parsed<Either> {
        if self.take("-") {
            return self.deeper(|parser| {
                let start = parser.start();
                let inner = parser.signed()?.number(start, parser.end())?;
                Ok(Either::Number(Arithmetic::Negative(Box::new(inner))))
            });
        }
        if self.take("(") {
            return self.deeper(|parser| {
                let inner = parser.any()?;
                parser.expect(")")?;
                Ok(inner)
            });
        }
        let Some(token) = self.tokens.get(self.at).cloned() else {
            return Err(self.ended("a metric or a number"));
        };
        match &token.sign {
            Sign::Number(value) => {
                self.at += 1;
                Ok(Either::Number(Arithmetic::Number(*value)))
            }
            Sign::Word(word) => {
                self.at += 1;
                self.named(word, &token)
            }
            Sign::Mark(_) => {
                Err(ExpressionError::new(token.start, token.end, format!("{} does not belong here", shown(&token)))
                    .hint("a metric or a number belongs here"))
            }
        }
    }

    /// What begins with a word: a flag, a function, a subject with its metric, or a metric.
    fn named(&mut self, word: &str, token: &Token) -> Parsed<Either> {
        if self.take("(") {
            return self.function(word, token);
        }
        if self.take(".") {
            let subject = one_of(Subject::NAMED, word, token, "subject")?;
            let metric = self.metric()?;
            if subject == Subject::Estimated && self.scope != Scope::Remedy {
                return Err(ExpressionError::new(token.start, self.end(), "only the monitor estimates metrics")
                    .hint("use it in the 'when' of a remedy"));
            }
            if !matches!(metric.domain, Domain::Model(_) | Domain::Ranking) {
                return Err(ExpressionError::new(
                    token.start,
                    self.end(),
                    format!("'{}' is only known of what serves", metric.name),
                )
                .hint(format!("write '{}' without '{word}.'", metric.name)));
            }
            return Ok(Either::Number(Arithmetic::Term(Term::Value(subject, metric))));
        }
        if let Some(flag) = FLAGS.iter().find(|flag| **flag == word) {
            self.only_monitored(flag, token)?;
            return Ok(Either::Truth(Logic::Flag(Term::Flag(flag))));
        }
        let metric = self.known(word, token)?;
        Ok(Either::Number(Arithmetic::Term(Term::Value(Subject::Current, metric))))
    }

    /// Refuses what only the windows of the monitor know, elsewhere than in a remedy.
    fn only_monitored(&self, word: &str, token: &Token) -> Parsed<()> {
        if self.scope == Scope::Remedy {
            return Ok(());
        }
        Err(ExpressionError::new(token.start, token.end, format!("'{word}' is only known to the monitor"))
            .hint("use it in the 'when' of a remedy"))
    }

    fn metric(&mut self) -> Parsed<&'static Metric> {
        let (word, token) = self.word("a metric")?;
        self.known(&word, &token)
    }

    /// The metric with this name, if it can be known here.
    fn known(&self, word: &str, token: &Token) -> Parsed<&'static Metric> {
        let wrong = |message: String| ExpressionError::new(token.start, token.end, message);
        let usable = |metric: &&Metric| match metric.domain {
            Domain::Model(task) => task == self.task && self.scope != Scope::Abort,
            Domain::Ranking => self.scope == Scope::Gate,
            Domain::Serving => self.scope != Scope::Gate,
            Domain::Window => self.scope == Scope::Remedy,
        };
        let Some(metric) = metric(word) else {
            let names = || METRICS.iter().filter(usable).map(|metric| metric.name);
            let flags = FLAGS.iter().copied().filter(|_| self.scope == Scope::Remedy);
            return Err(wrong(format!("there is no metric '{word}'")).hint(
                match nearest(word, names().chain(flags)) {
                    Some(name) => format!("did you mean '{name}'?"),
                    None => listed(names()),
                },
            ));
        };
        match metric.domain {
            Domain::Model(_) if self.scope == Scope::Abort => {
                Err(wrong(format!("'{word}' needs what really happened, which a rollout does not wait for"))
                    .hint(listed(METRICS.iter().filter(usable).map(|metric| metric.name))))
            }
            Domain::Model(task) if task != self.task => Err(wrong(format!(
                "'{word}' is a metric of {}; this loop's task is {}",
                task_word(task),
                task_word(self.task)
            ))
            .hint(listed(METRICS.iter().filter(usable).map(|metric| metric.name)))),
            Domain::Ranking if self.scope != Scope::Gate => Err(wrong(format!(
                "'{word}' is only known at training, where it is told which rows are ranked together"
            ))
            .hint("use it in 'gates'")),
            Domain::Serving if self.scope == Scope::Gate => {
                Err(wrong(format!("'{word}' is only known while a version serves; a gate is judged before"))
                    .hint("use it in 'abort_if' or in a remedy"))
            }
            Domain::Window => self.only_monitored(metric.name, token).map(|()| metric),
            _ => Ok(metric),
        }
    }

    /// The trailing `for N windows`; 1 without it.
    fn windows(&mut self) -> Parsed<u32> {
        let start = self.start();
        if !self.take_word("for") {
            return Ok(1);
        }
        let count = match self.tokens.get(self.at).map(|token| &token.sign) {
            Some(&Sign::Number(count)) if count.fract() == 0.0 && (1.0..=WINDOWS).contains(&count) => count,
            _ => return Err(self.unexpected("a whole number of windows")),
        };
        self.at += 1;
        if !(self.take_word("windows") || self.take_word("window")) {
            return Err(self.unexpected("windows"));
        }
        if self.scope != Scope::Remedy {
            return Err(ExpressionError::new(start, self.end(), "only remedies are judged window after window")
                .hint("leave out 'for … windows'"));
        }
        Ok(count as u32)
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<Either>) -> Parsed<Either> {
        if self.depth == DEPTH {
            return Err(ExpressionError::new(self.start(), self.length, format!("nested deeper than {DEPTH} levels")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| matches!(token.sign, Sign::Mark(m) if m == mark));
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| matches!(&token.sign, Sign::Word(w) if w == word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(&format!("'{mark}'"))) }
    }

    fn word(&mut self, wanted: &str) -> Parsed<(String, Token)> {
        match self.tokens.get(self.at).cloned() {
            Some(Token { sign: Sign::Word(word), start, end }) => {
                self.at += 1;
                Ok((word.clone(), Token { sign: Sign::Word(word), start, end }))
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn unexpected(&self, wanted: &str) -> ExpressionError {
        match self.tokens.get(self.at) {
            Some(token) => {
                ExpressionError::new(token.start, token.end, format!("expected {wanted}, found {}", shown(token)))
            }
            None => self.ended(wanted),
        }
    }

    fn ended(&self, wanted: &str) -> ExpressionError {
        ExpressionError::new(self.length, self.length + 1, format!("the condition ends where {wanted} belongs"))
    }

    /// Where the next token begins.
    fn start(&self) -> usize {
        self.tokens.get(self.at).map_or(self.length, |token| token.start)
    }

    /// Where the last taken token ends.
    fn end(&self) -> usize {
        self.end_before(1)
    }

    /// Where the token ends that was taken `back` tokens ago.
    fn end_before(&self, back: usize) -> usize {
        self.at.checked_sub(back).and_then(|at| self.tokens.get(at)).map_or(self.length, |token| token.end)
    }
}

fn one_of<T: Copy>(named: &'static [(&'static str, T)], word: &str, token: &Token, kind: &str) -> Parsed<T> {
    named.iter().find(|(name, _)| *name == word).map(|&(_, item)| item).ok_or_else(|| {
        let names = || named.iter().map(|(name, _)| *name);
        ExpressionError::new(token.start, token.end, format!("there is no {kind} '{word}'")).hint(
            match nearest(word, names()) {
                Some(name) => format!("did you mean '{name}'?"),
                None => format!("the {kind}s are: {}", names().collect::<Vec<_>>().join(", ")),
            },
        )
    })
}

fn task_word(task: Task) -> &'static str {
    match task {
        Task::Classification => "classification",
        Task::Regression => "regression",
    }
}

fn shown(token: &Token) -> String {
    match &token.sign {
        Sign::Word(word) => format!("'{word}'"),
        Sign::Number(_) => "a number".to_owned(),
        Sign::Mark(mark) => format!("'{mark}'"),
    }
}

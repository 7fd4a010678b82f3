//! What is written with brackets behind a word: functions over groups, measures of fairness, claims, facts of a column.

use flyball_core::Task;

use super::super::ast::{Aggregate, Arithmetic, Claim, ClaimKind, Logic, Term};
use super::super::lexer::{Sign, Token};
use super::super::metric::{COLUMN_FACTS, Direction, Domain, METRICS, Metric};
use super::super::rates::RATES;
use super::super::suggest::nearest;
use super::{Either, ExpressionError, Parsed, Parser, Scope};
use crate::fairness::{MEASURES, measure_named};

/// Most columns that are crossed: beyond, hardly a group has rows enough to say something.
const CROSSED: usize = 4;

fn number(term: Term) -> Either {
    Either::Number(Arithmetic::Term(term))
}

impl Parser {
    /// A function with its opening bracket taken: `worst(metric, by: column)`, `equalized_odds_difference(by: column)`,
    /// `non_inferior(metric, margin: 0.01)` or `missing(column)`.
    pub(super) fn function(&mut self, word: &str, token: &Token) -> Parsed<Either> {
        if let Some(fact) = COLUMN_FACTS.iter().find(|fact| **fact == word) {
            self.only_monitored(fact, token)?;
            let column = self.word("a column")?.0;
            self.expect(")")?;
            return Ok(number(Term::Column(fact, column)));
        }
        if let Some((measure, ..)) = measure_named(word) {
            return self.fairness(measure, token);
        }
        if let Some((_, kind)) = ClaimKind::NAMED.iter().find(|(name, _)| *name == word) {
            return self.claim(*kind, word, token);
        }
        let Some((_, aggregate)) = Aggregate::NAMED.iter().find(|(name, _)| *name == word) else {
            return Err(unknown(word, token));
        };
        let at = self.start();
        let metric = self.rate_or_metric()?;
        if !matches!(metric.domain, Domain::Model(_) | Domain::Ranking) {
            return Err(ExpressionError::new(at, self.end(), format!("'{}' is not measured by group", metric.name)));
        }
        if matches!(aggregate, Aggregate::Worst | Aggregate::Best) && metric.direction == Direction::Neither {
            return Err(ExpressionError::new(at, self.end(), format!("'{}' has no better side", metric.name))
                .hint("compare its groups with ratio(…) or difference(…)"));
        }
        self.expect(",")?;
        let columns = self.by()?;
        self.expect(")")?;
        Ok(number(Term::Grouped(*aggregate, metric, columns)))
    }

    fn fairness(&mut self, measure: &'static str, token: &Token) -> Parsed<Either> {
        let wrong = |message: String| ExpressionError::new(token.start, token.end, message);
        if self.task != Task::Classification {
            return Err(wrong(format!("'{measure}' is a measure of decisions; this loop's task is regression"))
                .hint("compare errors, as in ratio(mae, by: origin) >= 0.8"));
        }
        if self.scope == Scope::Abort {
            return Err(
                wrong(format!("'{measure}' is not measured while a rollout is watched")).hint("use it in a gate")
            );
        }
        let columns = self.by()?;
        self.expect(")")?;
        Ok(number(Term::Fairness(measure, columns)))
    }

    fn claim(&mut self, kind: ClaimKind, word: &str, token: &Token) -> Parsed<Either> {
        if self.scope != Scope::Gate {
            let message = format!("'{word}' compares a candidate with the champion on the same rows");
            return Err(ExpressionError::new(token.start, token.end, message).hint("use it in a gate"));
        }
        let at = self.start();
        let metric = self.metric()?;
        if metric.direction == Direction::Neither {
            return Err(ExpressionError::new(at, self.end(), format!("'{}' has no better side", metric.name))
                .hint("claim something of a metric that has one, as in superior(auc)"));
        }
        let (mut margin, mut by) = (None, Vec::new());
        while self.take(",") {
            if margin.is_none() && by.is_empty() && self.take_word("margin") {
                self.expect(":")?;
                margin = Some(self.size("a margin")?);
            } else {
                by = self.by()?;
                break;
            }
        }
        self.expect(")")?;
        let Some(margin) = margin.or((kind == ClaimKind::Superior).then_some(0.0)) else {
            return Err(ExpressionError::new(token.start, self.end(), format!("'{word}' needs a margin"))
                .hint(format!("say which difference does not matter: {word}({}, margin: 0.005)", metric.name)));
        };
        Ok(Either::Truth(Logic::Flag(Term::Claim(Claim { kind, metric, margin, by }))))
    }

    /// `by: column` or `by: [column, column]`.
    fn by(&mut self) -> Parsed<Vec<String>> {
        if !self.take_word("by") {
            return Err(self.unexpected("by: and a column"));
        }
        self.expect(":")?;
        if !self.take("[") {
            return Ok(vec![self.word("a column")?.0]);
        }
        let start = self.start();
        let mut columns = vec![self.word("a column")?.0];
        while self.take(",") {
            columns.push(self.word("a column")?.0);
        }
        if columns.len() > CROSSED {
            return Err(ExpressionError::new(start, self.end(), format!("at most {CROSSED} columns are crossed")));
        }
        self.expect("]")?;
        Ok(columns)
    }

    /// A number that is not negative.
    fn size(&mut self, wanted: &str) -> Parsed<f64> {
        let Some(&Sign::Number(size)) = self.tokens.get(self.at).map(|token| &token.sign) else {
            return Err(self.unexpected(wanted));
        };
        self.at += 1;
        Ok(size)
    }

    /// A metric of a model, or a rate that is compared between groups only.
    fn rate_or_metric(&mut self) -> Parsed<&'static Metric> {
        let (word, token) = self.word("a metric")?;
        let of_model = |metric: &&Metric| metric.name == word && matches!(metric.domain, Domain::Model(_));
        let rate = RATES.iter().find(|rate| rate.name == word);
        match rate.filter(|_| self.task == Task::Classification && self.scope != Scope::Abort) {
            Some(rate) if !METRICS.iter().any(|metric| of_model(&metric)) => Ok(rate),
            _ => self.known(&word, &token),
        }
    }
}

fn unknown(word: &str, token: &Token) -> ExpressionError {
    let names = || {
        let aggregates = Aggregate::NAMED.iter().map(|(name, _)| *name);
        let claims = ClaimKind::NAMED.iter().map(|(name, _)| *name);
        aggregates.chain(claims).chain(MEASURES.iter().map(|(name, ..)| *name)).chain(COLUMN_FACTS.iter().copied())
    };
    ExpressionError::new(token.start, token.end, format!("there is no function '{word}'")).hint(
        match nearest(word, names()) {
            Some(name) => format!("did you mean '{name}'?"),
            None => format!("the functions are: {}", names().collect::<Vec<_>>().join(", ")),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::ast::Condition;
    use super::*;

    fn parse(text: &str, scope: Scope, task: Task) -> Result<Condition, String> {
        Condition::parse(text, scope, task).map_err(|error| {
            let blamed: String = text.chars().take(error.end).skip(error.start).collect();
            format!("[{blamed}] {}; {}", error.message, error.hint.unwrap_or_default())
        })
    }

    fn gate(text: &str) -> Result<Condition, String> {
        parse(text, Scope::Gate, Task::Classification)
    }

    #[test]
    fn terms_are_written_back_as_they_are_read() {
        for (text, terms, columns) in [
            ("difference(tpr, by: origin) <= 0.1", "difference(tpr, by: origin)", "origin"),
            ("ratio(auc,by:[origin,carrier]) > 0.8", "ratio(auc, by: [origin, carrier])", "origin,carrier"),
            ("equalized_odds_difference(by: [a]) < 10%", "equalized_odds_difference(by: a)", "a"),
            ("non_inferior(auc, margin: 0.5%)", "non_inferior(auc, margin: 0.005)", ""),
            ("not superior(f1, by: [a, b])", "superior(f1, by: [a, b])", "a,b"),
            ("equivalent(auc, margin: 0.1, by: a)", "equivalent(auc, margin: 0.1, by: a)", "a"),
        ] {
            let condition = gate(text).unwrap();
            let found: Vec<String> = condition.terms().iter().map(ToString::to_string).collect();
            assert_eq!((found.join("; ").as_str(), condition.columns().join(",").as_str()), (terms, columns), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_blamed_and_a_way_out_is_named() {
        for (text, expected) in [
            ("non_inferor(auc) > 1", "[non_inferor] there is no function 'non_inferor'; did you mean 'non_inferior'?"),
            (
                "non_inferior(auc)",
                "[non_inferior(auc)] 'non_inferior' needs a margin; say which difference does not matter: non_inferior(auc, margin: 0.005)",
            ),
            ("superior(auc) > 0.5", "[superior(auc) ] "),
            (
                "superior(base_rate)",
                "[base_rate] 'base_rate' has no better side; claim something of a metric that has one, as in superior(auc)",
            ),
            ("superior(auc, margin: -1)", "[-] expected a margin, found '-'; "),
            ("superior(auc, by: [a, b)", "[)] expected ']', found ')'; "),
            ("ratio(auc, by: [a, b, c, d, e]) > 1", "[a, b, c, d, e] at most 4 columns are crossed; "),
            ("fdr > 0.5", "[fdr] there is no metric 'fdr'"),
            ("theil_index(auc) > 1", "[auc] expected by: and a column, found 'auc'; "),
            ("ratio(tpr, by: []) > 1", "[]] expected a column, found ']'; "),
        ] {
            let error = gate(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn scopes_and_tasks_refuse_what_they_cannot_know() {
        let regression = |text| parse(text, Scope::Gate, Task::Regression);
        assert!(regression("theil_index(by: a) < 1").unwrap_err().contains("this loop's task is regression"));
        assert!(regression("ratio(tpr, by: a) < 1").is_err() && regression("ratio(mae, by: [a, b]) < 1").is_ok());
        for scope in [Scope::Abort, Scope::Remedy] {
            let error = parse("superior(auc)", scope, Task::Classification).unwrap_err();
            assert!(error.contains("use it in a gate"), "{error}");
        }
        assert!(parse("theil_index(by: a) < 1", Scope::Abort, Task::Classification).is_err());
        assert!(parse("demographic_parity_ratio(by: a) < 0.8", Scope::Remedy, Task::Classification).is_ok());
    }
}

//! The checks of the loop file as the data context knows them.

use flyball_core::{Error, ErrorCode, Result};
use flyball_data::check::CheckOutcome;
use flyball_data::model::ValidationReport;
use flyball_data::{Check, Literal, Rule, Severity};

use crate::file::{self, CheckRule, Dataset};

/// The checks that a dataset declares.
pub fn of(dataset: &Dataset) -> Result<Vec<Check>> {
    dataset.checks.iter().map(check).collect()
}

fn check(declared: &file::Check) -> Result<Check> {
    let severity = match declared.severity {
        file::Severity::Error => Severity::Error,
        file::Severity::Warn => Severity::Warn,
    };
    Ok(Check { rule: rule(&declared.rule)?, severity, mostly: declared.mostly })
}

fn rule(rule: &CheckRule) -> Result<Rule> {
    Ok(match rule.clone() {
        CheckRule::Unique(columns) => Rule::Unique { columns },
        CheckRule::NotNull(columns) => Rule::NotNull { columns },
        CheckRule::InSet { column, values } => Rule::InSet { column, values: literals(values)? },
        CheckRule::NotInSet { column, values } => Rule::NotInSet { column, values: literals(values)? },
        CheckRule::Between { column, min, max } => {
            Rule::Between { column, min: min.map(Literal::Float), max: max.map(Literal::Float) }
        }
        CheckRule::NullRate { column, max } => Rule::NullRate { column, max },
        CheckRule::RowCount { min, max } => Rule::RowCount { min, max },
        CheckRule::Regex { column, pattern } => Rule::Regex { column, pattern },
    })
}

fn literals(values: Vec<serde_json::Value>) -> Result<Vec<Literal>> {
    let literal = |value| {
        serde_json::from_value(value).map_err(|error| {
            Error::new(ErrorCode::InvalidLoopFile, "a value of a check is not text, a number or a boolean").cause(error)
        })
    };
    values.into_iter().map(literal).collect()
}

/// The warnings of a validation report, or an error when a check failed that blocks.
pub fn judge(dataset: &str, report: &ValidationReport) -> Result<Vec<String>> {
    let describe = |outcome: &CheckOutcome| match &outcome.finding {
        Some(finding) => format!("{}: {finding}", outcome.text),
        None => format!("{}: {} of {} rows fail", outcome.text, outcome.failing, outcome.examined),
    };
    let failed = |severity: Severity| {
        report
            .outcomes
            .iter()
            .filter(move |outcome| !outcome.passed && outcome.check.severity == severity)
            .map(describe)
    };
    let blocking: Vec<String> = failed(Severity::Error).collect();
    if blocking.is_empty() {
        return Ok(failed(Severity::Warn).map(|text| format!("dataset {dataset}: {text}")).collect());
    }
    Err(Error::new(ErrorCode::CheckFailed, format!("dataset {dataset}: {}", blocking.join("; ")))
        .hint(format!("look at the failing rows with `flyball data show {dataset}`; `severity: warn` lets them pass")))
}

//! What follows from the checks of a dataset.

use flyball_core::{Error, ErrorCode, Result};
use flyball_data::model::ValidationReport;
use flyball_data::{CheckOutcome, Severity};

/// The warnings of a validation report, or an error when a check failed that blocks.
pub fn judge(dataset: &str, report: &ValidationReport) -> Result<Vec<String>> {
    let failed = |severity: Severity| {
        report
            .outcomes
            .iter()
            .filter(move |outcome| !outcome.passed && outcome.check.severity == severity)
            .map(CheckOutcome::told)
    };
    let blocking: Vec<String> = failed(Severity::Error).collect();
    if blocking.is_empty() {
        return Ok(failed(Severity::Warn).map(|text| format!("dataset {dataset}: {text}")).collect());
    }
    Err(Error::new(ErrorCode::CheckFailed, format!("dataset {dataset}: {}", blocking.join("; ")))
        .hint(format!("look at the failing rows with `flyball data check {dataset}`; `severity: warn` lets them pass")))
}

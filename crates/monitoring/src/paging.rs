//! When drift is worth waking somebody: what a window adds to what the windows before it showed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_core::Duration;
use flyball_stats::calibrated::{ColumnDecision, Verdict};
use flyball_stats::over_time::{PagePolicy, PageState};

use crate::drift::ColumnDrift;
use crate::window::WindowReport;

/// The days of a year, for how many windows it has.
const DAYS: i64 = 365;

/// Notes in a window's report which columns somebody must know of, given the report of the window before it. `stride` is
/// how far one window begins after the other.
pub fn observe(report: &mut WindowReport, before: Option<&WindowReport>, stride: Duration) {
    // What cannot be read is as if nothing had been seen: at the worst a page comes a window later.
    let kept = before.and_then(|before| STANDARD.decode(&before.remembered).ok());
    let mut state = kept.and_then(|bytes| PageState::from_bytes(&bytes).ok()).unwrap_or_default();
    let windows_per_year = Duration::days(DAYS).0 as f64 / stride.0.max(1) as f64;
    let policy = PagePolicy { windows_per_year, ..PagePolicy::default() };
    policy.observe(&mut state, report.columns.iter().map(|column| (column.column.as_str(), decision(column))));
    report.paging = state.open().map(str::to_owned).collect();
    report.remembered = STANDARD.encode(state.to_bytes());
}

fn decision(column: &ColumnDrift) -> ColumnDecision {
    let verdict = match (column.alarm, column.adjusted_p) {
        (true, _) => Verdict::Drifted,
        (false, Some(_)) => Verdict::Stable,
        (false, None) => Verdict::NotJudged,
    };
    ColumnDecision { adjusted_p: column.adjusted_p, verdict }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use flyball_core::Timestamp;

    fn window(p_value: Option<f64>) -> WindowReport {
        let column = ColumnDrift {
            column: "wind".into(),
            adjusted_p: p_value,
            effect: 0.3,
            alarm: p_value.is_some_and(|p| p < 0.05),
            ..ColumnDrift::default()
        };
        let silent = WindowReport::silent((Timestamp(0), Timestamp(1)), BTreeMap::new());
        WindowReport { columns: vec![column], ..silent }
    }

    #[test]
    fn a_page_needs_two_windows_and_stays_until_it_is_quiet() {
        let mut before: Option<WindowReport> = None;
        let mut paged = Vec::new();
        for p_value in [Some(1e-9), Some(1e-9), None, Some(1e-9), Some(0.5), Some(1e-9)] {
            let mut report = window(p_value);
            observe(&mut report, before.as_ref(), Duration::days(1));
            paged.push(!report.paging.is_empty());
            before = Some(report);
        }
        assert_eq!(paged, [false, true, true, true, false, false]);
    }

    #[test]
    fn what_cannot_be_read_is_as_if_nothing_had_been_seen() {
        let mut damaged = window(Some(1e-9));
        damaged.remembered = "no base64".into();
        let mut report = window(Some(1e-9));
        observe(&mut report, Some(&damaged), Duration::days(1));
        assert!(report.paging.is_empty() && !report.remembered.is_empty());
    }
}

//! Whether groups are selected too unequally to let it be.
//!
//! One window says little: who is selected depends on its days. So the newest windows that the same version answered are
//! counted together, and only what their intervals show beyond doubt is told.

use std::collections::BTreeMap;

use flyball_core::Task;
use flyball_evaluation::fairness::AttributeFairness;
use flyball_monitoring::WindowReport;
use flyball_stats::interval::wilson;

/// The confidence of the intervals.
const CONFIDENCE: f64 = 0.95;
/// The value that is compared.
const RATE: &str = "selection_rate";

/// What was decided about a group.
#[derive(Clone, Copy, Debug, Default)]
struct Decided {
    selected: f64,
    rows: f64,
}

impl Decided {
    fn rate(self) -> f64 {
        self.selected / self.rows
    }
}

/// The columns whose groups are selected too unequally, in words: where the smallest rate is less than `least` of the
/// largest. `before` are the windows before it, newest first.
pub(super) fn unfair(task: Task, window: &WindowReport, before: &[WindowReport], least: f64) -> Vec<String> {
    let Some(report) = window.fairness.as_ref().filter(|_| task == Task::Classification) else { return Vec::new() };
    let alike: Vec<&WindowReport> = std::iter::once(window)
        .chain(before.iter().take_while(|earlier| earlier.reference == window.reference))
        .collect();
    report.attributes.iter().filter_map(|attribute| told(attribute, &alike, least)).collect()
}

fn told(attribute: &AttributeFairness, windows: &[&WindowReport], least: f64) -> Option<String> {
    let compared: Vec<&str> =
        attribute.groups.iter().filter(|group| group.compared).map(|group| group.group.as_str()).collect();
    let mut groups: BTreeMap<&str, Decided> = BTreeMap::new();
    let known = windows.iter().filter_map(|window| window.fairness.as_ref());
    let same = known.flat_map(|report| &report.attributes).filter(|other| other.columns == attribute.columns);
    for group in same.flat_map(|attribute| &attribute.groups) {
        let Some(name) = compared.iter().find(|name| **name == group.group) else { continue };
        let Some((rate, rows)) = group.values.get(RATE).and_then(|rate| Some((rate.value?, rate.rows as f64))) else {
            continue;
        };
        let decided = groups.entry(name).or_default();
        decided.selected += rate * rows;
        decided.rows += rows;
    }
    let by_rate = |a: &(&&str, &Decided), b: &(&&str, &Decided)| a.1.rate().total_cmp(&b.1.rate());
    let ((lowest, low), (highest, high)) = (groups.iter().min_by(by_rate)?, groups.iter().max_by(by_rate)?);
    // Even by the ends of the intervals that are closest to each other.
    let ratio = wilson(low.selected, low.rows, CONFIDENCE)?.high / wilson(high.selected, high.rows, CONFIDENCE)?.low;
    (ratio < least).then(|| {
        let over = if windows.len() == 1 { String::new() } else { format!(" over {} windows", windows.len()) };
        format!(
            "by {}, {lowest} is selected at {:.3} and {highest} at {:.3}{over}: less than {least} of it",
            attribute.columns.join(", "),
            low.rate(),
            high.rate()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::{Column, Table, TextColumn, Timestamp};
    use flyball_evaluation::Evaluated;
    use flyball_evaluation::fairness::{FairnessOptions, fairness};
    use flyball_evaluation::grouping::Grouping;
    use flyball_evaluation::measure::Measure;

    /// A window of a thousand rows of each of two groups, so many of which are selected.
    fn window(selected: [usize; 2]) -> WindowReport {
        let (mut site, mut score) = (Vec::new(), Vec::new());
        for (name, selected) in ["east", "west"].into_iter().zip(selected) {
            for row in 0..1000 {
                site.push(Some(name));
                score.push(if row < selected { 0.9 } else { 0.1 });
            }
        }
        let rows = Table::new(vec![("site".to_owned(), Column::Text(TextColumn::from_texts(site)))]).unwrap();
        let grouping = Grouping::of(&rows, &["site".to_owned()]).unwrap();
        let answers = Evaluated::new(vec![f64::NAN; score.len()], score);
        let report = fairness(Task::Classification, &answers, &[grouping], &FairnessOptions::default()).unwrap();
        let silent = WindowReport::silent((Timestamp(0), Timestamp(1)), BTreeMap::new());
        WindowReport { fairness: Some(report), note: None, ..silent }
    }

    fn said(now: [usize; 2], before: &[[usize; 2]]) -> Vec<String> {
        let before: Vec<WindowReport> = before.iter().map(|selected| window(*selected)).collect();
        unfair(Task::Classification, &window(now), &before, 0.8)
    }

    #[test]
    fn a_window_is_told_with_those_before_it() {
        assert_eq!(
            said([100, 300], &[]),
            ["by site, east is selected at 0.100 and west at 0.300: less than 0.8 of it"]
        );
        // What one window shows, the windows before it take back; what each alone leaves open, all show together.
        assert!(said([10, 40], &[[100, 90], [90, 80], [110, 100]]).is_empty());
        assert!(said([70, 100], &[]).is_empty());
        let together = said([70, 100], &[[70, 110], [72, 104], [68, 100], [75, 110], [70, 105]]);
        assert_eq!(
            together,
            ["by site, east is selected at 0.071 and west at 0.105 over 6 windows: less than 0.8 of it"]
        );
    }

    #[test]
    fn another_version_and_no_selection_say_nothing() {
        let mut other = window([100, 300]);
        other.reference.insert("auc".into(), Measure { value: 0.7, low: None, high: None, rows: 1 });
        let now = window([100, 101]);
        assert!(unfair(Task::Classification, &now, &[other], 0.8).is_empty());
        assert!(said([0, 0], &[]).is_empty());
        assert!(unfair(Task::Regression, &window([100, 300]), &[], 0.8).is_empty());
    }
}

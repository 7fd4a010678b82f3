//! What stands beside the drift of single columns: several features together, reasoning, segments, quality, fairness.

use flyball_evaluation::measure::Measure;
use flyball_monitoring::WindowReport;
use flyball_monitoring::attributions::AttributionChange;
use flyball_monitoring::domain::ToldApart;
use flyball_monitoring::quality::ColumnQuality;
use flyball_monitoring::window::{SegmentReport, Together};
use flyball_web::{Grid, Panel, format};

use crate::pages::fairness;

/// How many features a panel names.
const FEATURES: usize = 15;

pub(super) fn of(window: &WindowReport) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    panels.extend(quality(window));
    panels.extend(window.together.as_ref().map(together));
    panels.extend(window.told_apart.as_ref().map(told_apart));
    panels.extend(window.attributions.as_ref().map(reasoning));
    panels.extend(segments(window));
    panels.extend(window.fairness.iter().flat_map(fairness::panels));
    panels
}

/// The features whose values are missing, unknown, out of range or of another type.
fn quality(window: &WindowReport) -> Option<Panel> {
    let noted = |quality: &ColumnQuality| {
        let shares = [Some(quality.missing), quality.unseen, quality.range, Some(quality.mismatched)];
        shares.into_iter().flatten().any(|share| share > 0.0) || quality.missing_before > 0.0
    };
    // What a feature cannot have is not zero: a number has no unseen level.
    let share = |share: Option<f64>| share.map_or_else(|| format::MISSING.to_owned(), format::percent);
    let row = |(name, quality): (&String, &ColumnQuality)| {
        let [before, now, mismatched] =
            [quality.missing_before, quality.missing, quality.mismatched].map(format::percent);
        vec![name.clone(), now, before, share(quality.unseen), share(quality.range), mismatched]
    };
    let mut found: Vec<(&String, &ColumnQuality)> =
        window.quality.iter().filter(|(_, quality)| noted(quality)).collect();
    let jump = |quality: &ColumnQuality| (quality.missing - quality.missing_before).abs();
    found.sort_by(|a, b| jump(b.1).total_cmp(&jump(a.1)));
    let (all, rows) = (found.len(), found.into_iter().take(FEATURES).map(row).collect::<Vec<_>>());
    let head = ["Feature", "Missing", "Before", "Never seen", "Out of range", "Other type"];
    let text =
        if all > FEATURES { format!("{FEATURES} of {all} features, those that changed most.") } else { String::new() };
    (all > 0).then(|| Panel { title: "Quality".into(), text, grid: Grid::new(&head, rows), ..Panel::default() })
}

fn together(found: &Together) -> Panel {
    let [error, low, high] = [found.error, found.low, found.high].map(format::short);
    let side = if found.outside {
        "That is outside: single columns may look as before, and their combinations do not."
    } else {
        "That is inside: the features vary together as they did."
    };
    let text = format!(
        "The rows lie {error} standard deviations from the directions in which the reference varies (its principal \
         components); parts of the reference itself lie {low} to {high} from them. {side} {} rows without a missing value \
         were counted.",
        format::count(found.rows as u64)
    );
    Panel { title: "Features together".into(), text, ..Panel::default() }
}

fn told_apart(found: &ToldApart) -> Panel {
    let area = format::interval(found.auc, Some(found.low), Some(found.high));
    let side = if found.features.is_empty() {
        "Chance explains that: the rows cannot be told apart."
    } else {
        "The rows can be told apart, most of all by these features together."
    };
    let text = format!(
        "A classifier learned to tell rows of this window from rows of the reference; its AUC on other rows is {area}, where \
         0.5 is guessing (p {}, {} rows of each). {side}",
        format::p_value(found.p_value),
        format::count(found.rows as u64)
    );
    let row = |(feature, share): &(String, f64)| vec![feature.clone(), format::percent(*share)];
    let rows: Vec<Vec<String>> = found.features.iter().take(FEATURES).map(row).collect();
    let grid = if rows.is_empty() { Grid::default() } else { Grid::new(&["Feature", "Share"], rows) };
    Panel { title: "Told from the reference".into(), text, grid, ..Panel::default() }
}

fn reasoning(found: &AttributionChange) -> Panel {
    let side = match found.changed.len() {
        0 => "No feature has another part in the answers than chance explains.",
        _ => "These features have another part in the answers than before:",
    };
    let text = format!(
        "The features that matter most are in the same order to {} (NDCG; 1 is the same, below 0.9 is much), and their \
         shares are {} apart (Jensen–Shannon; 0 is the same, 1 the most). {} rows were explained. {side}",
        format::short(found.ndcg),
        format::short(found.jensen_shannon),
        format::count(found.rows as u64)
    );
    let rows: Vec<Vec<String>> = found
        .changed
        .iter()
        .take(FEATURES)
        .map(|share| {
            let points = |value: f64| format::delta((value * 1e4).round() / 1e4);
            let change = format!("{} to {}", points(share.low), points(share.high));
            vec![share.feature.clone(), format::percent(share.before), format::percent(share.after), change]
        })
        .collect();
    let head = ["Feature", "Share before", "Share now", "Change, 99 % sure"];
    let grid = if rows.is_empty() { Grid::default() } else { Grid::new(&head, rows) };
    Panel { title: "How the model reasons".into(), text, grid, ..Panel::default() }
}

/// The parts of the rows that are judged by themselves.
fn segments(window: &WindowReport) -> Option<Panel> {
    let metric = if window.reference.contains_key("rmse") { "rmse" } else { "auc" };
    let row = |segment: &SegmentReport| {
        let shown = |m: &Measure| format::interval(m.value, m.low, m.high);
        let measured = segment.performance.get(metric).map_or_else(|| format::MISSING.into(), shown);
        let drifted: Vec<&str> = segment.drifted.iter().map(|column| column.column.as_str()).collect();
        let drifted = if drifted.is_empty() { "none".to_owned() } else { drifted.join(", ") };
        let [rows, labelled] = [segment.rows, segment.labelled].map(|rows| format::count(rows as u64));
        vec![segment.name.clone(), rows, labelled, measured, drifted]
    };
    let name = format::name(metric);
    let head = ["Segment", "Predictions", "Labelled", name.as_str(), "Drifted"];
    let rows: Vec<Vec<String>> = window.segments.iter().map(row).collect();
    (!rows.is_empty()).then(|| Panel { title: "Segments".into(), grid: Grid::new(&head, rows), ..Panel::default() })
}

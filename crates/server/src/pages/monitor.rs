//! A monitor and its windows.

use flyball_core::{Error, Permit, Read, Result, Timestamp};
use flyball_evaluation::fairness::{AttributeFairness, GroupFairness, GroupGap, GroupValue};
use flyball_loops::platform::Platform;
use flyball_loops::status;
use flyball_monitoring::alert::AlertState;
use flyball_monitoring::diagnosis::Cause;
use flyball_monitoring::drift::ColumnDrift;
use flyball_monitoring::window::SegmentReport;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_web::{
    Badge, CauseRow, Chart, Distribution, Fact, FeatureDrift, Grid, HeatCell, HeatMap, HeatRow, Link, MetricRow,
    MonitorPage, Panel, Section, State, WindowPage, format, links,
};

use super::{alert_row, estimate, period, shell, window_row};
use crate::routes::api::loops::windows_chart;

/// How many windows the heat map shows: as many as fit a screen.
const HEAT_WINDOWS: usize = 24;

/// The monitor of a loop.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, name: &str) -> Result<MonitorPage> {
    let details = status::details(platform, permit, name)?;
    let alerts = platform.db.read(|tx| monitoring::alerts(tx, permit, Some(name), 50))?;
    let metric = details.status.metric.clone();
    let (monitor, windows) = (&details.declared.file.monitor, &details.windows);
    let firing = alerts.iter().any(|alert| alert.state == AlertState::Firing);
    Ok(MonitorPage {
        shell: shell(platform, permit, Section::Monitors)?,
        name: name.to_owned(),
        badge: if firing { Badge::new(State::Attention, "firing") } else { Badge::from(State::Ok) },
        facts: vec![
            Fact::link("loop", name, links::loop_page(name)),
            Fact::new("window", monitor.window.to_string()),
            Fact::new("accepted false alarms", format::percent(monitor.drift.false_alarm_rate)),
        ],
        performance: Chart {
            title: format!("{metric} by window"),
            src: format!("/api/v1/loops/{name}/series"),
            refresh: String::new(),
            data: windows_chart(windows, &metric),
        },
        drift: heat_map(name, windows),
        windows: windows.iter().map(|window| window_row(name, window, &metric)).collect(),
        alerts: alerts.iter().map(alert_row).collect(),
    })
}

/// Features by windows, oldest window first.
fn heat_map(name: &str, windows: &[WindowReport]) -> HeatMap {
    let judged: Vec<&WindowReport> = windows.iter().filter(|w| w.note.is_none()).take(HEAT_WINDOWS).collect();
    let mut features: Vec<&str> = judged.iter().flat_map(|w| &w.columns).map(|column| column.column.as_str()).collect();
    features.sort_unstable();
    features.dedup();
    let cell = |window: &WindowReport, feature: &str| {
        let found = window.columns.iter().find(|column| column.column == feature);
        HeatCell { effect: found.map_or(f64::NAN, |c| c.effect), drifted: found.is_some_and(|c| c.alarm) }
    };
    HeatMap {
        windows: judged
            .iter()
            .rev()
            .map(|w| Link::new(format::day(w.from), links::window(name, &w.from.0.to_string())))
            .collect(),
        rows: features
            .iter()
            .map(|feature| HeatRow {
                feature: (*feature).to_owned(),
                cells: judged.iter().rev().map(|window| cell(window, feature)).collect(),
            })
            .collect(),
    }
}

/// One window.
pub(crate) fn window_page(platform: &Platform, permit: &Permit<Read>, name: &str, id: &str) -> Result<WindowPage> {
    let from = id.parse().map(Timestamp).map_err(|_| Error::not_found("window", format!("{name}/{id}")))?;
    let window = platform.db.read(|tx| monitoring::window(tx, permit, name, from))?;
    let metrics = window.performance.iter().map(|(metric, measure)| MetricRow {
        name: metric.clone(),
        estimate: estimate(measure),
        on: window
            .reference
            .get(metric)
            .map(|r| format!("{} when it was made", format::metric(r.value)))
            .unwrap_or_default(),
    });
    Ok(WindowPage {
        shell: shell(platform, permit, Section::Monitors)?,
        monitor: Link::new(name, links::monitor(name)),
        period: period(window.from, window.to),
        badge: if window.drift { Badge::new(State::Attention, "drift") } else { Badge::from(State::Ok) },
        verdict: verdict(&window),
        causes: window.causes.iter().map(cause).collect(),
        metrics: metrics.collect(),
        facts: facts(&window),
        panels: panels(&window),
        features: window.columns.iter().map(feature).collect(),
        alerts: Vec::new(),
    })
}

/// What happened, in a sentence.
fn verdict(window: &WindowReport) -> String {
    if let Some(note) = &window.note {
        return format!("Not judged: {note}.");
    }
    let drifted = window.drifted();
    let names: Vec<&str> = drifted.iter().take(3).map(|column| column.column.as_str()).collect();
    match (drifted.len(), window.columns.len()) {
        (0, columns) => format!("No drift in {columns} columns."),
        (drifted, columns) if drifted > names.len() => {
            format!("{drifted} of {columns} columns drifted, most of all {}.", names.join(", "))
        }
        (drifted, columns) => format!("{drifted} of {columns} columns drifted: {}.", names.join(", ")),
    }
}

fn cause(cause: &Cause) -> CauseRow {
    let kind = cause.kind.as_str().replace('_', " ");
    let what = cause.column.as_ref().map_or_else(|| kind.clone(), |column| format!("{kind}: {column}"));
    CauseRow { what, evidence: cause.evidence.clone(), suggestion: cause.suggestion.clone() }
}

fn facts(window: &WindowReport) -> Vec<Fact> {
    let coverage = window.labelled as f64 / window.rows.max(1) as f64;
    let due = if window.labels_due { "" } else { ", more are due" };
    let mut facts = vec![
        Fact::new("predictions", format::count(window.rows as u64)),
        Fact::new("labels complete", format!("{}{due}", format::percent(coverage))),
        Fact::new("failed", format::count(window.errors as u64)),
    ];
    facts.extend(window.versions.iter().map(|(version, rows)| Fact::new(version.clone(), format::count(*rows as u64))));
    facts
}

/// What else was judged.
fn panels(window: &WindowReport) -> Vec<Panel> {
    let mut panels = Vec::new();
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let share = |share: Option<f64>| share.map_or_else(|| format::MISSING.to_owned(), format::percent);
    let quality: Vec<Vec<String>> = window
        .quality
        .iter()
        .filter(|(_, quality)| {
            let noted = [Some(quality.missing), quality.unseen, quality.range, Some(quality.mismatched)];
            noted.into_iter().flatten().any(|share| share > 0.0) || quality.missing_before > 0.0
        })
        .map(|(name, quality)| {
            let [before, now, mismatched] =
                [quality.missing_before, quality.missing, quality.mismatched].map(format::percent);
            vec![name.clone(), before, now, share(quality.unseen), share(quality.range), mismatched]
        })
        .collect();
    if !quality.is_empty() {
        let head = texts(&["Feature", "Missing before", "Missing", "Never seen", "Out of range", "Other type"]);
        panels.push(Panel { title: "Quality".into(), grid: Grid { head, rows: quality }, ..Panel::default() });
    }
    if !window.segments.is_empty() {
        let metric = if window.reference.contains_key("rmse") { "rmse" } else { "auc" };
        let row = |segment: &SegmentReport| {
            let measured =
                segment.performance.get(metric).map_or_else(|| format::MISSING.into(), |m| format::metric(m.value));
            let drifted: Vec<&str> = segment.drifted.iter().map(|column| column.column.as_str()).collect();
            let rows = format::count(segment.rows as u64);
            vec![segment.name.clone(), rows, measured, drifted.join(", ")]
        };
        let rows = window.segments.iter().map(row).collect();
        let grid = Grid { head: texts(&["Segment", "Predictions", metric, "Drifted"]), rows };
        panels.push(Panel { title: "Segments".into(), grid, ..Panel::default() });
    }
    panels.extend(window.fairness.iter().flat_map(|report| &report.attributes).map(groups));
    panels
}

/// How the groups of a column are treated.
fn groups(attribute: &AttributeFairness) -> Panel {
    const SHOWN: [&str; 4] = ["selection_rate", "tpr", "fpr", "mean_prediction"];
    let known: Vec<&str> = SHOWN.into_iter().filter(|name| attribute.overall.contains_key(*name)).collect();
    let cell = |value: Option<&GroupValue>| match value.and_then(|value| Some((value.value?, value))) {
        None => "undefined".to_owned(),
        Some((found, GroupValue { low: Some(low), high: Some(high), .. })) => {
            format!("{} ({} to {})", format::metric(found), format::metric(*low), format::metric(*high))
        }
        Some((found, _)) => format::metric(found),
    };
    let row = |group: &GroupFairness| {
        let own = [group.group.clone(), format::count(group.rows as u64)];
        own.into_iter().chain(known.iter().map(|name| cell(group.values.get(*name)))).collect()
    };
    let head = ["Group", "Predictions"].iter().chain(&known).map(|name| name.replace('_', " ")).collect();
    let gap = |(name, gap): (&String, &GroupGap)| {
        let ratio = gap.ratio.map_or_else(|| "undefined".to_owned(), format::metric);
        Fact::new(format!("{} ratio", name.replace('_', " ")), format!("{ratio} ({} to {})", gap.lowest, gap.highest))
    };
    let gaps = attribute.gaps.iter().filter(|(name, _)| known.contains(&name.as_str()));
    Panel {
        title: format!("Groups of {}", attribute.columns.join(", ")),
        text: attribute.warnings.join(" "),
        facts: gaps.map(gap).collect(),
        grid: Grid { head, rows: attribute.groups.iter().map(row).collect() },
    }
}

fn feature(column: &ColumnDrift) -> FeatureDrift {
    let (then, now) = match (&column.quantiles, column.levels.as_slice()) {
        (Some((then, now)), _) => (Distribution::Quantiles(*then), Distribution::Quantiles(*now)),
        (None, []) => (Distribution::Unknown, Distribution::Unknown),
        (None, levels) => (
            Distribution::Shares(levels.iter().map(|(level, then, _)| (level.clone(), *then)).collect()),
            Distribution::Shares(levels.iter().map(|(level, _, now)| (level.clone(), *now)).collect()),
        ),
    };
    FeatureDrift {
        feature: column.column.clone(),
        test: if column.effect_name == "D" { "Kolmogorov–Smirnov".into() } else { "χ²".into() },
        effect: column.effect,
        p_value: column.p_value.unwrap_or(f64::NAN),
        adjusted: column.adjusted_p.unwrap_or(f64::NAN),
        drifted: column.alarm,
        then,
        now,
    }
}

//! A monitor and its windows.

use flyball_core::{Error, Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_loops::status;
use flyball_monitoring::drift::ColumnDrift;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_web::{
    Badge, Chart, Distribution, Fact, FeatureDrift, HeatCell, HeatMap, HeatRow, Link, MetricRow, MonitorPage, Section,
    State, WindowPage, format, links,
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
    let firing = alerts.iter().any(|alert| alert.state == "firing");
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
    let windows = platform.db.read(|tx| monitoring::windows(tx, permit, name, 1000))?;
    let window = windows.into_iter().find(|window| window.from.0.to_string() == id);
    let window = window.ok_or_else(|| Error::not_found("window", format!("{name}/{id}")))?;
    let metrics = window.performance.iter().map(|(metric, measure)| MetricRow {
        name: metric.clone(),
        estimate: estimate(measure),
        on: window
            .reference
            .get(metric)
            .map(|r| format!("{} when it was made", format::metric(r.value)))
            .unwrap_or_default(),
    });
    let mut facts = vec![
        Fact::new("predictions", format::count(window.rows as u64)),
        Fact::new("with ground truth", format::count(window.labelled as u64)),
        Fact::new("failed", format::count(window.errors as u64)),
    ];
    facts.extend(window.versions.iter().map(|(version, rows)| Fact::new(version.clone(), format::count(*rows as u64))));
    facts.extend(window.note.iter().map(|note| Fact::new("not judged", note.clone())));
    Ok(WindowPage {
        shell: shell(platform, permit, Section::Monitors)?,
        monitor: Link::new(name, links::monitor(name)),
        period: period(window.from, window.to),
        badge: if window.drift { Badge::new(State::Attention, "drift") } else { Badge::from(State::Ok) },
        verdict: String::new(),
        causes: Vec::new(),
        panels: Vec::new(),
        metrics: metrics.collect(),
        facts,
        features: window.columns.iter().map(feature).collect(),
        alerts: Vec::new(),
    })
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

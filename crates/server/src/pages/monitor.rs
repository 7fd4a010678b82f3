//! A monitor over its windows.

use std::collections::BTreeMap;

use flyball_core::{Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_loops::status;
use flyball_monitoring::alert::AlertState;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_web::{Badge, Chart, Fact, HeatCell, HeatMap, HeatRow, Link, MonitorPage, Section, State, format, links};

use super::{alert_row, shell, window_row};
use crate::routes::api::loops::windows_chart;

/// How many windows the heat map shows: as many as fit a screen.
const HEAT_WINDOWS: usize = 20;
/// How many features it shows: a table of thousands would neither load fast nor be read.
const HEAT_ROWS: usize = 40;

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

/// Features by windows, oldest window first, those with the most alarms first.
fn heat_map(name: &str, windows: &[WindowReport]) -> HeatMap {
    let mut judged: Vec<&WindowReport> = windows.iter().filter(|w| w.note.is_none()).take(HEAT_WINDOWS).collect();
    judged.reverse();
    let blank = vec![HeatCell { effect: f64::NAN, drifted: false }; judged.len()];
    let mut features: BTreeMap<&str, Vec<HeatCell>> = BTreeMap::new();
    for (at, window) in judged.iter().enumerate() {
        for column in &window.columns {
            let cells = features.entry(&column.column).or_insert_with(|| blank.clone());
            cells[at] = HeatCell { effect: column.effect, drifted: column.alarm };
        }
    }
    let mut rows: Vec<HeatRow> =
        features.into_iter().map(|(feature, cells)| HeatRow { feature: feature.to_owned(), cells }).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.cells.iter().filter(|cell| cell.drifted).count()));
    let unshown = rows.len().saturating_sub(HEAT_ROWS) as u64;
    rows.truncate(HEAT_ROWS);
    // The days of one year are told apart without it.
    let day =
        |w: &WindowReport| format::day(w.from).split_once('-').map_or_else(String::new, |(_, day)| day.to_owned());
    let link = |w: &&WindowReport| Link::new(day(w), links::window(name, &w.from.0.to_string()));
    HeatMap { windows: judged.iter().map(link).collect(), rows, unshown }
}

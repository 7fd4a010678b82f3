//! What a stretch of a loop's life had to show, for people who want to see one of everything: its strongest alarm with
//! the diagnosis, how groups were treated, and one answer explained.

use flyball_core::{Permit, Read, Result, Timestamp};
use flyball_evaluation::fairness::FairnessReport;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_serving::record_columns as columns;
use serde::Serialize;

use crate::declared::{self, Declared};
use crate::platform::Platform;
use crate::watch;
use crate::watch::period::{self, Span};
use crate::why::{self, Why};

/// Most windows that are looked through for the strongest alarm: a year of them, one an hour.
const WINDOWS: usize = 10_000;
/// From which score on a positive was expected rather than not.
const EXPECTED: f64 = 0.5;

/// One of everything; what there was none of is absent.
#[derive(Clone, Debug, Serialize)]
pub struct Highlights {
    /// Windows that could be judged.
    pub windows: usize,
    /// Those with an alarm.
    pub alarmed: usize,
    /// The window whose alarm was the strongest among those that somebody had to know of, else among all.
    pub alarm: Option<WindowReport>,
    /// How the groups that the loop compares were treated.
    pub fairness: Option<FairnessReport>,
    /// The positive of the alarm's window that was foreseen most surely, explained.
    pub explained: Option<Why>,
}

/// Looks through a stretch of event time.
///
/// # Errors
/// Those of the database, of the store, and of the explanation.
pub fn of(platform: &Platform, permit: &Permit<Read>, name: &str, (from, to): Span) -> Result<Highlights> {
    let (declared, windows) = platform.db.read(|tx| {
        let declared = declared::get(tx, permit, name)?;
        let mut windows = monitoring::windows_until(tx, permit, name, to, WINDOWS)?;
        windows.retain(|window| window.from >= from && window.note.is_none());
        Ok((declared, windows))
    })?;
    let alarmed = windows.iter().filter(|window| window.drift).count();
    let judged = windows.len();
    let alarm = windows.into_iter().max_by(|a, b| strength(a).partial_cmp(&strength(b)).unwrap_or(a.from.cmp(&b.from)));
    let fairness = match &declared.file.monitor.fairness {
        Some(groups) if judged > 0 => period::fairness(platform, permit, name, (from, to), &groups.by)?,
        _ => None,
    };
    let foreseen = match &alarm {
        Some(window) => foreseen(platform, &declared, (window.from, window.to))?,
        None => None,
    };
    let explained = foreseen.map(|id| why::explain(platform, permit, &id)).transpose()?;
    Ok(Highlights { windows: judged, alarmed, alarm: alarm.filter(|window| window.drift), fairness, explained })
}

/// Whether somebody had to know, and the largest effect of a column.
fn strength(window: &WindowReport) -> (bool, f64) {
    (!window.paging.is_empty(), window.drifted().first().map_or(0.0, |column| column.effect))
}

/// The positive that had the highest score, by its prediction's id; `None` where none was expected.
fn foreseen(platform: &Platform, declared: &Declared, span: (Timestamp, Timestamp)) -> Result<Option<String>> {
    let mut surest: Option<(f64, String)> = None;
    watch::each_joined(platform, declared, span, |records, truth, scores| {
        let ids = records.column(columns::PREDICTION_ID)?;
        for (row, (&truth, &score)) in truth.iter().zip(scores).enumerate() {
            let best = surest.as_ref().map_or(EXPECTED, |(best, _)| *best);
            if truth == 1.0 && score > best {
                surest = ids.value(row).text().map(|id| (score, id));
            }
        }
        Ok(())
    })?;
    Ok(surest.map(|(_, id)| id))
}

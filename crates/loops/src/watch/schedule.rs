//! When windows are judged: once when they end, again when their labels are due, and again when rows or labels come late.

use flyball_core::{Duration, Result, Timestamp};
use flyball_jobs::{NewJob, enqueue};
use flyball_monitoring::store as monitoring;
use flyball_store::Tx;
use serde_json::json;

use crate::declared::Declared;
use crate::file::Window;
use crate::platform::{Platform, permit_of};

/// The kind of the job that closes a window.
pub const KIND: &str = "loop.window";
/// The kind of the job that judges a window again when its labels are due.
pub const LABELS: &str = "loop.labels";

/// How long after its end a window is closed: what was answered at its end is written within a second.
const CLOSING: Duration = Duration::seconds(2);
/// Most windows that are judged again at one closing; the others wait for the next.
const REOPENED: usize = 16;

/// Plans the closing of the window that begins at `from`.
///
/// # Errors
/// Those of the database.
pub fn plan(tx: &mut Tx<'_>, declared: &Declared, from: Timestamp, now: Timestamp) -> Result<()> {
    let monitor = &declared.file.monitor;
    let due = from + monitor.length().unwrap_or(monitor.stride()) + CLOSING;
    let key = format!("window:{}:{}", declared.name, from.0);
    let payload = json!({ "loop": declared.name, "from": from });
    enqueue(tx, &NewJob::new(KIND, key, declared.name.as_str(), payload, due), now).map(drop)
}

/// Plans the second judgement of a window whose labels are not due when it ends.
pub(super) fn plan_labels(
    tx: &mut Tx<'_>,
    declared: &Declared,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<()> {
    let due = labels_due(declared, to)?;
    if due <= now {
        return Ok(());
    }
    enqueue_labels(tx, declared, (from, to), due, now)
}

/// Plans it once more after it failed, until the window is as old as late rows and labels may be.
pub(super) fn plan_labels_later(
    tx: &mut Tx<'_>,
    declared: &Declared,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<()> {
    let due = now + declared.file.monitor.stride();
    if due > labels_due(declared, to)? + declared.file.monitor.late {
        return Ok(());
    }
    enqueue_labels(tx, declared, (from, to), due, now)
}

fn enqueue_labels(
    tx: &mut Tx<'_>,
    declared: &Declared,
    (from, to): (Timestamp, Timestamp),
    due: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let key = format!("labels:{}:{}:{}", declared.name, from.0, due.0);
    let payload = json!({ "loop": declared.name, "from": from, "to": to });
    enqueue(tx, &NewJob::new(LABELS, key, declared.name.as_str(), payload, due), now).map(drop)
}

/// When the labels of a window that ends at `to` are due.
pub(super) fn labels_due(declared: &Declared, to: Timestamp) -> Result<Timestamp> {
    Ok(to + declared.file.training_dataset()?.label_delay + CLOSING)
}

/// The windows that end with the job of the window that begins at `from`: that one, after those right before it that could
/// not be judged; or of windows by count all that are full, from the first record that no window has.
pub(super) fn ended(platform: &Platform, declared: &Declared, from: Timestamp) -> Result<Vec<(Timestamp, Timestamp)>> {
    let monitor = &declared.file.monitor;
    let permit = permit_of(&declared.name)?.read();
    let name = declared.name.as_str();
    let newest = platform.db.read(|tx| monitoring::newest(tx, &permit, name))?;
    let rows = match monitor.window {
        Window::Time(length) => {
            let since = newest.map_or(from, |newest| newest.to.max(from - monitor.late));
            let earlier = (1..REOPENED as i64).map(|back| from - Duration(back * monitor.stride().0));
            let left_out = earlier.take_while(|begin| *begin + length > since && newest.is_some());
            let mut windows: Vec<_> = left_out.map(|begin| (begin, begin + length)).collect();
            windows.reverse();
            windows.push((from, from + length));
            return Ok(windows);
        }
        Window::Rows { rows } => usize::try_from(rows).unwrap_or(usize::MAX),
    };
    let (mut last, mut begin) = newest.map_or((-1, declared.state.anchor), |newest| (newest.last_sequence, newest.to));
    let mut windows = Vec::new();
    while windows.len() < REOPENED {
        let next = platform.serving.times_after(name, last, rows)?;
        let (Some((number, _)), true) = (next.last(), next.len() == rows) else { break };
        let end = next.iter().map(|(_, at)| *at).max().unwrap_or(begin) + Duration::millis(1);
        let end = end.max(begin + Duration::millis(1));
        windows.push((begin, end));
        (last, begin) = (*number, end);
    }
    Ok(windows)
}

/// Judged windows for which rows or labels have come since.
pub(super) fn changed(platform: &Platform, declared: &Declared, now: Timestamp) -> Result<Vec<(Timestamp, Timestamp)>> {
    let permit = permit_of(&declared.name)?.read();
    let delay = declared.file.training_dataset()?.label_delay;
    let since = now - declared.file.monitor.late - delay;
    platform.db.read(|tx| monitoring::changed(tx, &permit, declared.name.as_str(), (since, delay), REOPENED))
}

//! Any stretch of time on demand: drift from the kept windows without reading a row again, and how groups were treated.

use flyball_core::{Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_evaluation::Evaluated;
use flyball_evaluation::fairness::FairnessReport;
use flyball_monitoring::drift::{self, ColumnDrift};
use flyball_monitoring::intake::Intake;
use flyball_monitoring::store::{self as monitoring, KeptSketches};
use flyball_registry::{CHAMPION, PackagedVersion, packages as registry};
use serde::Serialize;

use super::groups::Groups;
use super::report::{prepared, settings};
use super::served::each_batch;
use crate::declared::{self, Declared};
use crate::platform::Platform;

/// From (inclusive) and to (exclusive), in event time.
pub type Span = (Timestamp, Timestamp);

/// The drift of a stretch of time.
#[derive(Clone, Debug, Serialize)]
pub struct PeriodDrift {
    /// The windows that were added up.
    pub windows: usize,
    /// Windows that were compared with another version's reference; they are left out.
    pub left_out: usize,
    /// Each column against the reference, or against the earlier stretch.
    pub columns: Vec<ColumnDrift>,
}

/// The drift of the windows of a loop that lie in a stretch of time, added up: against what the version was built on that
/// most of them were compared with, or against the windows of another stretch.
///
/// # Errors
/// `NotFound` without a champion, and when no window lies in a stretch.
pub fn drift(
    platform: &Platform,
    permit: &Permit<Read>,
    name: &str,
    span: Span,
    against: Option<Span>,
) -> Result<PeriodDrift> {
    let (declared, champion) = watched(platform, permit, name)?;
    let kept = platform.db.read(|tx| monitoring::sketches_between(tx, permit, name, span))?;
    let judge = match most_common(&kept) {
        Some(version) => platform.db.read(|tx| super::version_of(tx, permit, version))?.unwrap_or(champion),
        None => champion,
    };
    let prepared = prepared(platform, &declared, &judge)?;
    let alike = prepared.alike(span.1 - span.0);
    let mut left_out = 0;
    let mut gather = |kept: &[KeptSketches], span: Span| -> Result<(Intake<'_>, usize)> {
        let (mut intake, mut windows) = (Intake::timed(&prepared.reference, &alike), 0);
        for kept in kept {
            match intake.add_kept(&kept.bytes) {
                Ok(()) => windows += 1,
                Err(_) => left_out += 1,
            }
        }
        if windows == 0 {
            let version = format!("{}/{}", judge.model, judge.version);
            let message =
                format!("{name} has no window from {} to {} that was compared with {version}", span.0, span.1);
            return Err(Error::new(ErrorCode::NotFound, message).hint("`flyball monitors windows` lists the windows"));
        }
        Ok((intake, windows))
    };
    let (now, windows) = gather(&kept, span)?;
    let before = match against {
        Some(span) => {
            let kept = platform.db.read(|tx| monitoring::sketches_between(tx, permit, name, span))?;
            Some(gather(&kept, span)?)
        }
        None => None,
    };
    let settings = settings(&declared.file.monitor);
    let columns = match &before {
        Some((before, _)) => drift::compare_windows(before, &now, &settings),
        None => drift::compare(&now, &settings),
    };
    Ok(PeriodDrift { windows, left_out, columns })
}

/// The version that most of the windows were compared with; of several the later.
fn most_common(kept: &[KeptSketches]) -> Option<&str> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for version in kept.iter().filter_map(|kept| kept.against.as_deref()) {
        match counts.iter_mut().find(|(known, _)| *known == version) {
            Some((_, count)) => *count += 1,
            None => counts.push((version, 1)),
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(version, _)| version)
}

/// How the groups of some features were treated by what answered in a stretch of time.
///
/// # Errors
/// `NotFound` without a champion; `InvalidLoopFile` when a column is no feature; those of the database and of the store.
pub fn fairness(
    platform: &Platform,
    permit: &Permit<Read>,
    name: &str,
    span: Span,
    by: &[String],
) -> Result<Option<FairnessReport>> {
    let (declared, champion) = watched(platform, permit, name)?;
    let mut groups = Groups::new(by);
    let mut answers = Evaluated::new(Vec::new(), Vec::new());
    each_batch(platform, &declared, &champion.signature, span, |batch| {
        answers.truth.extend(&batch.truth);
        answers.score.extend(&batch.scores);
        groups.add(&batch.features)
    })?;
    groups.judge(declared.file.task, answers)
}

fn watched(platform: &Platform, permit: &Permit<Read>, name: &str) -> Result<(Declared, PackagedVersion)> {
    platform.db.read(|tx| {
        let declared = declared::get(tx, permit, name)?;
        let champion = registry::by_alias(tx, permit, name, CHAMPION)?;
        let champion = champion.ok_or_else(|| {
            Error::not_found("champion of the loop", name).hint("its first training has not passed its gates yet")
        })?;
        Ok((declared, champion))
    })
}

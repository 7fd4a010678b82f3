//! Judges a window by what the champion of its loop was built on.

use std::collections::BTreeMap;

use flyball_core::{Error, Result, Table, Timestamp};
use flyball_evaluation::Evaluation;
use flyball_monitoring::store::Judged;
use flyball_monitoring::window::{Served, judge};
use flyball_monitoring::{Reference, WindowReport, WindowSettings};
use flyball_registry::PackagedVersion;

use super::schedule;
use super::segments::Segments;
use super::served::{count_revisions, each_batch, versions};
use crate::declared::Declared;
use crate::platform::Platform;
use crate::train;

/// The smallest effect that counts as drift when the loop file names none: a Kolmogorov–Smirnov distance or total
/// variation of 0.05 moves one row in twenty.
const EFFECT_FLOOR: f64 = 0.05;

/// What windows of a loop are judged by.
pub(super) struct Judge<'a> {
    platform: &'a Platform,
    declared: &'a Declared,
    champion: &'a PackagedVersion,
    reference: Reference,
    evaluation: Evaluation,
    segments: Segments,
    settings: WindowSettings,
}

impl<'a> Judge<'a> {
    /// Reads what the champion was built on.
    pub(super) fn new(platform: &'a Platform, declared: &'a Declared, champion: &'a PackagedVersion) -> Result<Self> {
        let monitor = &declared.file.monitor;
        let reference = train::load_reference(platform, champion)?;
        Ok(Self {
            platform,
            declared,
            champion,
            evaluation: serde_json::from_value(champion.evaluation.clone()).map_err(Error::internal)?,
            segments: Segments::new(&monitor.segments, &reference.learnt)?,
            settings: WindowSettings {
                false_alarm_rate: monitor.drift.false_alarm_rate,
                effect_floor: monitor.drift.effect_floor.unwrap_or(EFFECT_FLOOR),
                min_rows: usize::try_from(monitor.min_rows).unwrap_or(usize::MAX),
            },
            reference,
        })
    }

    /// Judges what was served in a stretch of event time.
    pub(super) fn judge(&self, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Result<Judged> {
        let mut tables: Vec<Table> = Vec::new();
        let (mut scores, mut truth, mut failed) = (Vec::new(), Vec::new(), 0);
        let mut revisions = BTreeMap::new();
        let seen = each_batch(self.platform, self.declared, &self.champion.signature, (from, to), |batch| {
            count_revisions(&batch.records, &mut revisions)?;
            scores.extend(&batch.scores);
            truth.extend(&batch.truth);
            failed += batch.failed;
            tables.push(batch.features);
            Ok(())
        })?;
        let _ = (&self.segments, &tables);
        let served = Served {
            rows: &tables[0],
            scores: &scores,
            truth: &truth,
            errors: failed,
            versions: versions(self.platform, &revisions)?,
        };
        let mut report = judge(
            self.declared.file.task,
            (from, to),
            &served,
            &self.reference,
            &self.evaluation.metrics,
            &self.settings,
        )?;
        report.labels_due = schedule::labels_due(self.declared, to)? <= now;
        Ok(Judged {
            report,
            seen_rows: seen.rows,
            last_sequence: seen.last_sequence.unwrap_or(-1),
            sketches: Vec::new(),
        })
    }
}

//! Judges a window by what the champion of its loop was built on.

use std::collections::BTreeMap;

use flyball_core::{Error, Result, Timestamp};
use flyball_evaluation::{Evaluated, Evaluation};
use flyball_monitoring::diagnosis::diagnose;
use flyball_monitoring::intake::Intake;
use flyball_monitoring::store::{self as monitoring, Judged};
use flyball_monitoring::window::{Served, judge};
use flyball_monitoring::{Reference, WindowSettings};
use flyball_registry::PackagedVersion;

use super::groups::Groups;
use super::schedule;
use super::segments::Segments;
use super::served::{count_revisions, each_batch, versions};
use crate::declared::Declared;
use crate::file::Monitor;
use crate::platform::{Platform, permit_of};
use crate::train;

/// The smallest effect that counts as drift when the loop file names none: a Kolmogorov–Smirnov distance or total
/// variation of 0.05 moves one row in twenty.
const EFFECT_FLOOR: f64 = 0.05;
/// How many windows before it a diagnosis looks at.
const BEFORE: usize = 5;

/// How the windows of a monitor are judged.
pub(super) fn settings(monitor: &Monitor) -> WindowSettings {
    WindowSettings {
        false_alarm_rate: monitor.drift.false_alarm_rate,
        effect_floor: monitor.drift.effect_floor.unwrap_or(EFFECT_FLOOR),
        min_rows: usize::try_from(monitor.min_rows).unwrap_or(usize::MAX),
    }
}

/// What windows of a loop are judged by.
pub(super) struct Judge<'a> {
    platform: &'a Platform,
    declared: &'a Declared,
    champion: &'a PackagedVersion,
    reference: Reference,
    /// The reference's rows of each segment.
    parts: BTreeMap<String, Reference>,
    evaluation: Evaluation,
    segments: Segments,
    settings: WindowSettings,
}

impl<'a> Judge<'a> {
    /// Reads what the champion was built on.
    pub(super) fn new(platform: &'a Platform, declared: &'a Declared, champion: &'a PackagedVersion) -> Result<Self> {
        let monitor = &declared.file.monitor;
        let reference = train::load_reference(platform, champion)?;
        let segments = Segments::new(&monitor.segments, &reference.learnt)?;
        let parts = segments.of(platform.query.as_ref(), &reference.learnt)?;
        Ok(Self {
            platform,
            declared,
            champion,
            evaluation: serde_json::from_value(champion.evaluation.clone()).map_err(Error::internal)?,
            parts: parts.into_iter().map(|(name, rows)| (name, reference.part(&rows))).collect(),
            segments,
            settings: settings(monitor),
            reference,
        })
    }

    /// Judges what was served in a stretch of event time.
    pub(super) fn judge(&self, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Result<Judged> {
        let mut intake = Intake::new(&self.reference);
        let mut segments: BTreeMap<&str, Intake<'_>> =
            self.parts.iter().map(|(name, part)| (name.as_str(), Intake::new(part))).collect();
        let by = self.declared.file.monitor.fairness.as_ref().map(|fairness| fairness.by.as_slice());
        let mut groups = Groups::new(by.unwrap_or_default());
        let (mut revisions, mut errors) = (BTreeMap::new(), 0);
        let seen = each_batch(self.platform, self.declared, &self.champion.signature, (from, to), |batch| {
            count_revisions(&batch.records, &mut revisions)?;
            errors += batch.failed;
            intake.add(&batch.features, &batch.scores, &batch.truth);
            groups.add(&batch.features)?;
            for (name, rows) in self.segments.of(self.platform.query.as_ref(), &batch.features)? {
                let Some(segment) = segments.get_mut(name.as_str()) else { continue };
                let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
                segment.add(&batch.features.take(&rows), &pick(&batch.scores), &pick(&batch.truth));
            }
            Ok(())
        })?;
        let sketches = if intake.rows() == 0 { Vec::new() } else { intake.to_bytes() };
        let segments = segments.into_iter().map(|(name, intake)| (name.to_owned(), intake)).collect();
        let served = Served { intake, segments, errors, versions: versions(self.platform, &revisions)? };
        let metrics = &self.evaluation.metrics;
        let mut report = judge(self.declared.file.task, (from, to), &served, metrics, &self.settings);
        if report.note.is_none() {
            let (truth, score) = (served.intake.truth, served.intake.scores);
            report.fairness = groups.judge(self.declared.file.task, Evaluated::new(truth, score))?;
        }
        report.labels_due = schedule::labels_due(self.declared, to)? <= now;
        let permit = permit_of(&self.declared.name)?.read();
        let name = self.declared.name.as_str();
        let mut before = self.platform.db.read(|tx| monitoring::windows_until(tx, &permit, name, from, BEFORE + 1))?;
        before.retain(|window| window.from < from);
        report.causes = diagnose(&report, &before);
        Ok(Judged { report, seen_rows: seen.rows, last_sequence: seen.last_sequence.unwrap_or(-1), sketches })
    }
}

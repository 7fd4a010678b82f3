//! Judges a window by what the champion of its loop was built on.

use std::collections::BTreeMap;
use std::sync::Arc;

use flyball_core::rng::Rng;
use flyball_core::{Column, Duration, Error, ErrorCode, Result, Table, Timestamp, limits};
use flyball_evaluation::{Evaluated, Evaluation};
use flyball_monitoring::compat::{self, Tool};
use flyball_monitoring::diagnosis::diagnose;
use flyball_monitoring::domain::{self, ToldApart};
use flyball_monitoring::encode::Sample;
use flyball_monitoring::grouped::{GROUP, GroupedEvidence};
use flyball_monitoring::intake::Intake;
use flyball_monitoring::prepared::Prepared;
use flyball_monitoring::reference::{PREDICTION, SCORE};
use flyball_monitoring::store::{self as monitoring, Judged};
use flyball_monitoring::window::{Served, judge};
use flyball_monitoring::{Reference, WindowReport, WindowSettings, paging};
use flyball_registry::PackagedVersion;

use super::columns::RowsOf;
use super::groups::Groups;
use super::rows::Rows;
use super::segments::Segments;
use super::served::{Batch, count_revisions, each_batch, versions};
use super::unfair::unfair;
use super::{reasoning, schedule};
use crate::declared::Declared;
use crate::file::{Compat, Monitor};
use crate::platform::{Platform, permit_of};
use crate::train;

/// The smallest effect that counts as drift when the loop file names none: a Kolmogorov–Smirnov distance or total
/// variation of 0.05 moves one row in twenty.
const EFFECT_FLOOR: f64 = 0.05;
/// How many windows before it a diagnosis looks at.
const BEFORE: usize = 5;
/// Most rows of a window that are looked at one by one; the others are counted only.
const SAMPLE_ROWS: usize = 20_000;
/// Most rows of a window that are looked at as groups: as many as a reference has.
const GROUPED_ROWS: usize = limits::REFERENCE_SAMPLE_ROWS;
/// Most rows of a window that another tool's decisions are made from: such tools hold them all in memory.
const COMPAT_ROWS: usize = 1_000_000;

/// How the windows of a monitor are judged.
pub(super) fn settings(monitor: &Monitor) -> WindowSettings {
    WindowSettings {
        false_alarm_rate: monitor.drift.false_alarm_rate,
        effect_floor: monitor.drift.effect_floor.unwrap_or(EFFECT_FLOOR),
        min_rows: usize::try_from(monitor.min_rows).unwrap_or(usize::MAX),
    }
}

/// What a version is judged by.
pub(super) fn prepared(platform: &Platform, declared: &Declared, champion: &PackagedVersion) -> Result<Arc<Prepared>> {
    platform.references.get(champion.reference, || {
        let reference = train::load_reference(platform, champion)?;
        Ok(Prepared::new(declared.file.task, reference, declared.file.seed))
    })
}

/// What windows of a loop are judged by.
pub(super) struct Judge<'a> {
    platform: &'a Platform,
    declared: &'a Declared,
    champion: &'a PackagedVersion,
    prepared: Arc<Prepared>,
    /// The reference's rows of each segment.
    parts: BTreeMap<String, Reference>,
    evaluation: Evaluation,
    segments: Segments,
    rows_of: Option<RowsOf>,
    settings: WindowSettings,
}

/// What passes by of a window.
struct Passing<'a> {
    intake: Intake<'a>,
    segments: BTreeMap<&'a str, Intake<'a>>,
    groups: Groups,
    sample: Sample,
    /// A sample of whole rows: the features, and where some belong together the answers and [`GROUP`].
    rows: Rows,
    /// Whole rows, for another tool's decisions.
    tables: Vec<Table>,
    revisions: BTreeMap<String, usize>,
    errors: usize,
}

impl<'a> Judge<'a> {
    /// Reads what the champion was built on.
    pub(super) fn new(platform: &'a Platform, declared: &'a Declared, champion: &'a PackagedVersion) -> Result<Self> {
        let monitor = &declared.file.monitor;
        let prepared = prepared(platform, declared, champion)?;
        let learnt = &prepared.reference.learnt;
        let segments = Segments::new(&monitor.segments, learnt)?;
        let parts = segments.of(platform.query.as_ref(), learnt)?;
        Ok(Self {
            platform,
            declared,
            champion,
            evaluation: serde_json::from_value(champion.evaluation.clone()).map_err(Error::internal)?,
            parts: parts.into_iter().map(|(name, rows)| (name, prepared.reference.part(&rows))).collect(),
            segments,
            rows_of: RowsOf::of(&declared.file, learnt.names())?,
            settings: settings(monitor),
            prepared,
        })
    }

    /// Judges what was served in a stretch of event time.
    pub(super) fn judge(&self, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Result<Judged> {
        let monitor = &self.declared.file.monitor;
        let by = monitor.fairness.as_ref().map(|fairness| fairness.by.as_slice());
        let alike = self.prepared.alike(self.length((from, to)));
        let mut passing = Passing {
            intake: Intake::timed(&self.prepared.reference, &alike),
            segments: self.parts.iter().map(|(name, part)| (name.as_str(), Intake::timed(part, &alike))).collect(),
            groups: Groups::new(by.unwrap_or_default()),
            sample: Sample::of_classes(self.prepared.encoder.width(), self.several(), SAMPLE_ROWS),
            rows: Rows::new(self.rows_of.as_ref().map_or(domain::ROWS, |_| GROUPED_ROWS), self.declared.file.seed),
            tables: Vec::new(),
            revisions: BTreeMap::new(),
            errors: 0,
        };
        let mut rng = Rng::seeded(self.declared.file.seed);
        let seen = each_batch(self.platform, self.declared, &self.champion.signature, (from, to), |batch| {
            self.take(&mut passing, batch, &mut rng)
        })?;
        self.group(&mut passing)?;
        let Passing { intake, segments, groups, sample, rows, tables, revisions, errors } = passing;
        let sketches = if intake.rows() == 0 { Vec::new() } else { intake.to_bytes() };
        let segments = segments.into_iter().map(|(name, intake)| (name.to_owned(), intake)).collect();
        let served = Served { intake, segments, errors, versions: versions(self.platform, &revisions)? };
        let task = self.declared.file.task;
        let mut report = judge(task, (from, to), &served, &self.evaluation.metrics, &self.settings);
        report.against = Some(format!("{}/{}", self.champion.model, self.champion.version));
        report.labels_due = schedule::labels_due(self.declared, to)? <= now;
        if report.note.is_none() {
            let answers = Evaluated::new(served.intake.truth, served.intake.scores);
            report.fairness = groups.judge(task, answers)?;
            self.look_closer(&mut report, &sample, &tables)?;
            self.look_at_rows(&mut report, &rows.gathered()?)?;
        }
        self.look_back(&mut report)?;
        Ok(Judged { report, seen_rows: seen.rows, last_sequence: seen.last_sequence.unwrap_or(-1), sketches })
    }

    /// A length for which what is learned can be kept: windows by count are each as long as they took.
    fn length(&self, (from, to): (Timestamp, Timestamp)) -> Duration {
        let about =
            |length: i64| Duration(i64::try_from(length.max(1).unsigned_abs().next_power_of_two()).unwrap_or(length));
        self.declared.file.monitor.length().unwrap_or_else(|| about((to - from).0))
    }

    /// How many classes the model tells apart, where they are more than two; otherwise none.
    fn several(&self) -> usize {
        Some(self.champion.signature.classes.len()).filter(|classes| *classes > 2).unwrap_or(0)
    }

    fn take(&self, passing: &mut Passing<'_>, batch: Batch, rng: &mut Rng) -> Result<()> {
        count_revisions(&batch.records, &mut passing.revisions)?;
        passing.errors += batch.failed;
        passing.intake.add(&batch.features, &batch.scores, &batch.truth);
        passing.groups.add(&batch.features)?;
        let mut columns = self.prepared.encoder.encode(&batch.features);
        if let Some(answers) = &batch.several {
            columns.extend((0..self.several()).map(|class| answers.of_class(class)));
            passing.intake.add_several(answers.clone());
        }
        passing.sample.add(&columns, &batch.scores, |limit| rng.below(limit));
        passing.rows.add(batch.features.rows(), |taken| self.whole(&batch, taken))?;
        for (name, rows) in self.segments.of(self.platform.query.as_ref(), &batch.features)? {
            let Some(segment) = passing.segments.get_mut(name.as_str()) else { continue };
            let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
            segment.add(&batch.features.take(&rows), &pick(&batch.scores), &pick(&batch.truth));
            if let Some(answers) = &batch.several {
                segment.add_several(answers.take(&rows));
            }
        }
        if self.declared.file.monitor.drift.compat.is_some()
            && passing.tables.iter().map(Table::rows).sum::<usize>() < COMPAT_ROWS
        {
            passing.tables.push(batch.features);
        }
        Ok(())
    }

    /// Some rows of a batch with everything that is looked at of them.
    fn whole(&self, batch: &Batch, rows: &[usize]) -> Result<Table> {
        let mut whole = batch.features.take(rows);
        if let Some(rows_of) = &self.rows_of {
            whole.push(SCORE, Column::Float(rows.iter().map(|&row| batch.scores[row]).collect()))?;
            whole.push(GROUP, rows_of.column(&batch.features, &batch.records)?.take(rows))?;
        }
        Ok(whole)
    }

    /// Where rows belong together, weighs them so: in the window, and in its segments.
    fn group(&self, passing: &mut Passing<'_>) -> Result<()> {
        let Some(column) = self.declared.file.monitor.drift.rows_of.as_deref() else { return Ok(()) };
        let rows = passing.rows.gathered()?;
        if rows.rows() == 0 {
            return Ok(());
        }
        passing.intake.grouped = GroupedEvidence::of(&self.prepared.reference, column, &rows);
        for (name, members) in self.segments.of(self.platform.query.as_ref(), &rows)? {
            if let (Some(segment), Some(part)) = (passing.segments.get_mut(name.as_str()), self.parts.get(&name)) {
                segment.grouped = GroupedEvidence::of(part, column, &rows.take(&members));
            }
        }
        Ok(())
    }

    /// What needs rows and not only counts: estimates, how features vary together, another tool's decisions, fairness.
    fn look_closer(&self, report: &mut WindowReport, sample: &Sample, tables: &[Table]) -> Result<()> {
        let monitor = &self.declared.file.monitor;
        let complete = report.labels_due && report.labelled == report.rows;
        if let Some(estimator) = self.prepared.estimator.as_ref().filter(|_| !complete) {
            report.estimated = estimator.estimate(sample);
        }
        if monitor.drift.multivariate {
            report.together = self.prepared.together(sample, self.length((report.from, report.to)));
        }
        if let Some(tool) = monitor.drift.compat {
            let rows = flyball_serving::concat(tables)?;
            let (columns, drifted) = compat::decide(tool_of(tool), &self.prepared.reference.learnt, &rows);
            (report.columns, report.drift) = (columns, drifted);
        }
        Ok(())
    }

    /// Why a finding was made, from some whole rows: by what features they are told from the reference where none drifted
    /// alone, and how the model reasons about them where some did. It moves no alarm.
    fn look_at_rows(&self, report: &mut WindowReport, rows: &Table) -> Result<()> {
        let file = &self.declared.file;
        let alone = report.columns.iter().any(|column| column.alarm && column.column != PREDICTION);
        let odd = report.together.is_some_and(|together| together.outside) && !alone;
        if !odd && !report.drift {
            return Ok(());
        }
        if let Some(earlier) = self.earlier(report)? {
            (report.told_apart, report.attributions) = (earlier.told_apart, earlier.attributions);
            return Ok(());
        }
        if odd {
            let (rows_of, rate) = (file.monitor.drift.rows_of.as_deref(), self.settings.false_alarm_rate);
            report.told_apart = ToldApart::of_rows(&self.prepared, rows, rows_of, rate, file.seed);
        }
        if report.drift {
            let learnt = &self.prepared.reference.learnt;
            let found = reasoning::change(self.platform, self.champion, learnt, rows, file.seed);
            // A model that cannot explain itself leaves its windows judged.
            report.attributions = found.ok().flatten();
        }
        Ok(())
    }

    /// What was found when the same rows were judged before, against the same reference: looking again finds the same.
    fn earlier(&self, report: &WindowReport) -> Result<Option<WindowReport>> {
        let permit = permit_of(&self.declared.name)?.read();
        let name = self.declared.name.as_str();
        match self.platform.db.read(|tx| monitoring::window(tx, &permit, name, report.from)) {
            Ok(earlier) => Ok(Some(earlier).filter(|earlier| {
                earlier.columns == report.columns && earlier.reference == report.reference && earlier.to == report.to
            })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the windows before it add: whether drift is worth a page, and what the findings may come from.
    fn look_back(&self, report: &mut WindowReport) -> Result<()> {
        let permit = permit_of(&self.declared.name)?.read();
        let until = Timestamp(report.from.0.saturating_sub(1));
        let name = self.declared.name.as_str();
        let before = self.platform.db.read(|tx| monitoring::windows_until(tx, &permit, name, until, BEFORE))?;
        let monitor = &self.declared.file.monitor;
        if monitor.drift.compat.is_some() {
            report.paging = report.drifted().iter().filter(|_| report.drift).map(|c| c.column.clone()).collect();
        } else {
            paging::observe(report, before.first(), monitor.stride());
        }
        if let Some(asked) = &monitor.fairness {
            report.unfair = unfair(self.declared.file.task, report, &before, asked.selection_ratio);
        }
        report.causes = diagnose(report, &before);
        Ok(())
    }
}

fn tool_of(compat: Compat) -> Tool {
    match compat {
        Compat::Evidently => Tool::Evidently,
        Compat::Nannyml => Tool::Nannyml,
        Compat::Scouter => Tool::Scouter,
    }
}

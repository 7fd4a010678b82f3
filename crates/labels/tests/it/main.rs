//! Labelling from outside, on both databases: the queue, answers, agreement, functions, commits and formats.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod commits;
mod exchange;
mod functions;
mod queue;

use std::sync::Arc;

use flyball_core::{Edit, Error, Name, Permit, Result, Table, Timestamp, VirtualClock};
use flyball_data::{Datasets, QueryEngine};
use flyball_governance::{audit, identity};
use flyball_labels::annotate::{self, Answer};
use flyball_labels::tasks::{self, NewTask, TaskView};
use flyball_labels::{Annotation, Class, Kind, Label, Settings, projects};
use flyball_store::{Blobs, Db, Tx};
use flyball_testkit::TestDb;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers `SELECT flyball_row, (text LIKE '%WORD%') AS vote …`, and `(lower)` with the text in lower case.
struct Like;

impl QueryEngine for Like {
    fn sql(&self, sql: &str, tables: &[(String, Arc<Table>)]) -> Result<Table> {
        let (_, table) = tables.first().unwrap();
        let texts: Vec<String> =
            (0..table.rows()).map(|row| table.column("text").unwrap().value(row).text().unwrap_or_default()).collect();
        let mut rows = Table::default();
        rows.push("flyball_row", table.column("flyball_row")?.clone())?;
        if let Some((_, word)) = sql.split_once("LIKE '%") {
            let word = word.split('%').next().unwrap_or_default();
            let holds: Vec<bool> = texts.iter().map(|text| text.contains(word)).collect();
            if sql.contains("WHERE") {
                let kept: Vec<usize> = (0..holds.len()).filter(|row| holds[*row]).collect();
                return Ok(rows.take(&kept));
            }
            rows.push("vote", flyball_core::Column::Bool(holds.into_iter().map(u8::from).collect()))?;
        } else if sql.contains("(lower") {
            let lower: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
            let column = flyball_core::TextColumn::from_texts(lower.iter().map(|text| Some(text.as_str())));
            rows.push("vote", flyball_core::Column::Text(column))?;
        } else {
            return Err(Error::new(flyball_core::ErrorCode::SqlError, "not understood"));
        }
        Ok(rows)
    }

    fn referenced_tables(&self, _: &str) -> Result<Vec<String>> {
        Ok(vec!["tasks".to_owned()])
    }
}

struct Setup {
    folder: TempDir,
    db: Db,
    datasets: Datasets,
    permit: Permit<Edit>,
    name: Name,
    /// The database, where it is this set-up's alone.
    _own: Option<TestDb>,
}

fn class(name: &str) -> Class {
    Class { name: name.to_owned(), hot_key: None }
}

fn settings(kind: Kind, classes: &[&str]) -> Settings {
    Settings { classes: classes.iter().map(|name| class(name)).collect(), ..Settings::of(kind) }
}

fn choice(name: &str) -> Label {
    Label::Choice(name.to_owned())
}

impl Setup {
    fn new(db: &TestDb, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::clone(db);
        let blobs = Blobs::open(folder.path().join("blobs").to_str().unwrap()).unwrap();
        let clock = Arc::new(VirtualClock::at(Timestamp(1000)));
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let datasets = Datasets::new(db.clone(), blobs, clock, Arc::new(Like), folder.path().join("project"));
        let permit = identity::local_user().unwrap().edit();
        let setup = Self { folder, db, datasets, permit, name: "animals".parse().unwrap(), _own: None };
        let name = setup.name.clone();
        setup.write(move |tx, permit| projects::create(tx, permit, &name, settings, Timestamp(1000))).unwrap();
        setup
    }

    fn alone(settings: Settings) -> Self {
        let db = TestDb::sqlite();
        let setup = Self::new(&db, settings);
        Self { _own: Some(db), ..setup }
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permit.clone();
        self.db.write(move |tx| work(tx, &permit))
    }

    fn add(&self, data: &[Value]) {
        let (name, data) = (self.name.clone(), data.to_vec());
        self.write(move |tx, permit| {
            let settings = projects::get(tx, &permit.read(), &name)?.project.settings;
            let new: Vec<NewTask> = data.into_iter().map(|data| NewTask::of(&settings, data)).collect::<Result<_>>()?;
            tasks::add(tx, permit, &name, &new, Timestamp(1000))
        })
        .unwrap();
    }

    fn texts(&self, texts: &[&str]) {
        self.add(&texts.iter().map(|text| json!({ "text": text })).collect::<Vec<_>>());
    }

    fn next(&self, annotator: &str, at: i64) -> Option<TaskView> {
        let (name, annotator) = (self.name.clone(), annotator.to_owned());
        self.write(move |tx, permit| tasks::next(tx, permit, &name, Some(&annotator), Timestamp(at))).unwrap()
    }

    fn submit(&self, task_id: &str, annotator: &str, label: Option<Label>) -> Result<Annotation> {
        let (task_id, annotator) = (task_id.to_owned(), Some(annotator.to_owned()));
        let answer = Answer { annotator, label, ..Answer::default() };
        self.write(move |tx, permit| annotate::submit(tx, permit, &task_id, answer, Timestamp(2000)))
    }

    /// The ids of all tasks, in order.
    fn ids(&self) -> Vec<String> {
        let found = self.db.read(|tx| tasks::list(tx, &self.permit.read(), &self.name, None, 0, 1000)).unwrap();
        found.into_iter().map(|task| task.id).collect()
    }

    fn actions(&self) -> Vec<String> {
        let recorded = self.db.read(|tx| audit::newest(tx, None, 1000)).unwrap();
        recorded.into_iter().rev().map(|recorded| recorded.event.action).collect()
    }
}

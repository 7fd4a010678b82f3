//! The sink that is another tracking server.

use std::collections::HashMap;
use std::io::Read;

use flyball_core::{Digest, Error, ErrorCode, Result};
use serde_json::Value;

use super::Progress;
use super::calls::{Calls, DONE, MODEL_ID, ORIGIN, tag, text};
use super::compare::{self, PARENT};
use crate::record::{Experiment, LoggedModel, ModelMetric, ModelUse, ModelVersion, Pair, Point, RegisteredModel, Run};
use crate::server::Server;
use crate::source::{LeftOut, Sink, Wish};
use crate::tally::{Grand, Kind, Tally};
use crate::weigh::{self, Weight};

/// The tag of an experiment of the server that took in the runs of another one.
pub(super) const MERGED: &str = "flyball.export.merged";
/// The experiment that every server has.
const DEFAULT: &str = "Default";

pub(super) struct Target<'a> {
    pub(super) calls: Calls,
    server: Server,
    pub(super) origin: String,
    progress: &'a mut dyn Progress,
    pub(super) grand: Grand,
    left_out: Vec<LeftOut>,
    experiment: Option<Place>,
    current: Option<Current>,
    /// The state and the former id of the logged model that is being carried.
    model_status: (i64, String),
    /// What runs are called there: some 150 bytes for each run.
    pub(super) runs: HashMap<String, String>,
    pub(super) models: HashMap<String, String>,
    /// Runs that wait for others of their experiment, which they name.
    waiting: Vec<Ending>,
    pub(super) registered: Option<super::registry::Registered>,
}

/// The experiment in which things arrive.
struct Place {
    id: String,
    former: String,
    deleted: bool,
}

/// The run or logged model that is being carried.
struct Current {
    id: String,
    root: String,
    weight: Weight,
    whole: bool,
    ending: Option<Ending>,
}

/// What is left to do with a run when everything else is there.
struct Ending {
    id: String,
    former: String,
    status: String,
    ended_at: Option<i64>,
    models_in: Vec<ModelUse>,
    models_out: Vec<ModelUse>,
    parent: Option<String>,
    deleted: bool,
    tally: Option<Tally>,
}

impl<'a> Target<'a> {
    pub(super) fn new(server: Server, origin: String, progress: &'a mut dyn Progress) -> Self {
        Self {
            calls: Calls(server.api.clone()),
            server,
            origin,
            progress,
            grand: Grand::default(),
            left_out: Vec::new(),
            experiment: None,
            current: None,
            model_status: (0, String::new()),
            runs: HashMap::new(),
            models: HashMap::new(),
            waiting: Vec::new(),
            registered: None,
        }
    }

    pub(super) fn finish(mut self) -> Result<(Grand, Vec<LeftOut>)> {
        self.settle_experiment()?;
        self.settle_model()?;
        Ok((self.grand, self.left_out))
    }

    /// Passes on what concerns everything, and tells of what concerns one thing.
    pub(super) fn one<T>(&mut self, outcome: Result<T>, kind: Kind, id: &str) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Unauthenticated) => Err(error),
            Err(error) => {
                self.left_out(LeftOut { kind, id: id.to_owned(), reason: error.message().to_owned() });
                Ok(None)
            }
        }
    }

    /// Finds or makes the experiment there.
    fn place(&mut self, experiment: &Experiment) -> Result<Option<String>> {
        let mark = format!("{}#{}", self.origin, experiment.id);
        if let Some(there) = self.calls.experiment_named(&experiment.name)? {
            let id = text(&there, "experiment_id")?;
            let is_deleted = there["lifecycle_stage"] == "deleted";
            let ours = tag(&there["tags"], ORIGIN) == Some(&mark);
            if ours && is_deleted {
                self.calls.turn_experiment("restore", &id)?;
            }
            if !ours && (experiment.name != DEFAULT || is_deleted) {
                let reason = "an experiment of this name is there already; rename one of them".to_owned();
                self.left_out(LeftOut { kind: Kind::Experiments, id: experiment.name.clone(), reason });
                return Ok(None);
            }
            if !ours {
                self.calls.set_experiment_tag(&id, ORIGIN, &mark)?;
                self.calls.set_experiment_tag(&id, MERGED, "true")?;
            }
            if !ours || tag(&there["tags"], MERGED).is_some() {
                for pair in &experiment.tags {
                    self.calls.set_experiment_tag(&id, &pair.key, &pair.value)?;
                }
                return Ok(Some(id));
            }
            weigh::experiment(&compare::experiment(experiment), &mut self.grand)?;
            return Ok(Some(id));
        }
        let mut tags = experiment.tags.clone();
        tags.retain(|tag| tag.key != ORIGIN);
        tags.push(Pair::new(ORIGIN, mark));
        let made = self.calls.create_experiment(&experiment.name, &tags);
        let made = self.one(made, Kind::Experiments, &experiment.name)?;
        if made.is_some() {
            weigh::experiment(&compare::experiment(experiment), &mut self.grand)?;
        }
        Ok(made)
    }

    /// Ends the runs that waited, and puts the experiment into the bin when it was there.
    fn settle_experiment(&mut self) -> Result<()> {
        for ending in std::mem::take(&mut self.waiting) {
            self.end_run(ending)?;
        }
        match self.experiment.take() {
            Some(place) if place.deleted => self.calls.turn_experiment("delete", &place.id),
            _ => Ok(()),
        }
    }

    fn begin_run(&mut self, run: &Run) -> Result<Option<(String, String)>> {
        let Some(place) = &self.experiment else { return Ok(None) };
        let there = match self.calls.run_of(&place.id, &run.id)? {
            Some(there) => there,
            None => self.calls.create_run(&place.id, run)?,
        };
        let id = text(&there["info"], "run_id")?;
        self.runs.insert(run.id.clone(), id.clone());
        if let Some(done) = tag(&there["data"]["tags"], DONE).and_then(|text| serde_json::from_str(text).ok()) {
            self.grand.add(&format!("run\0{}", run.id), &done);
            return Ok(None);
        }
        let mut tags = run.tags.clone();
        tags.retain(|tag| tag.key != PARENT);
        self.calls.log_pairs(&id, "params", &run.params)?;
        self.calls.log_pairs(&id, "tags", &tags)?;
        self.calls.log_datasets(&id, &run.datasets)?;
        Ok(Some((id, text(&there["info"], "artifact_uri")?)))
    }

    fn end_run(&mut self, ending: Ending) -> Result<()> {
        let former = ending.former.clone();
        let outcome = self.try_end_run(ending);
        self.one(outcome, Kind::Runs, &former).map(drop)
    }

    fn try_end_run(&mut self, ending: Ending) -> Result<()> {
        let mut uses = [ending.models_in, ending.models_out];
        for used in uses.iter_mut().flatten() {
            let here = self.models.get(&used.model_id);
            here.cloned().unwrap_or_else(|| used.model_id.clone()).clone_into(&mut used.model_id);
        }
        self.calls.log_models(&ending.id, &uses[0], &uses[1])?;
        if let Some(parent) = &ending.parent {
            let here = self.runs.get(parent).unwrap_or(parent);
            self.calls.set_tag(&ending.id, PARENT, here)?;
        }
        self.calls.update_run(&ending.id, &ending.status, ending.ended_at)?;
        if let Some(tally) = &ending.tally {
            let text = serde_json::to_string(tally).map_err(Error::internal)?;
            self.calls.set_tag(&ending.id, DONE, &text)?;
            self.grand.add(&format!("run\0{}", ending.former), tally);
        }
        if ending.deleted { self.calls.delete_run(&ending.id) } else { Ok(()) }
    }

    fn begin_model(&mut self, model: &LoggedModel) -> Result<Option<(String, String)>> {
        let Some(place) = &self.experiment else { return Ok(None) };
        let there: Value = match self.calls.model_of(&place.id, &model.id)? {
            Some(there) => there,
            None => {
                let run = self.runs.get(&model.source_run_id).unwrap_or(&model.source_run_id).clone();
                self.calls.create_model(&place.id, model, &run, &Pair::new(MODEL_ID, model.id.as_str()))?
            }
        };
        let id = text(&there["info"], "model_id")?;
        self.models.insert(model.id.clone(), id.clone());
        if let Some(done) = tag(&there["info"]["tags"], DONE).and_then(|text| serde_json::from_str(text).ok()) {
            self.grand.add(&format!("logged_model\0{}", model.id), &done);
            return Ok(None);
        }
        self.log_measured(&id, model)?;
        Ok(Some((id, text(&there["info"], "artifact_uri")?)))
    }

    /// Logs what was measured of a model. A server takes such a value only together with the run's own, which must be
    /// there already, so that nothing is added to its history.
    fn log_measured(&mut self, id: &str, model: &LoggedModel) -> Result<()> {
        for metric in &model.metrics {
            let run = self.runs.get(&metric.run_id).unwrap_or(&metric.run_id).clone();
            let Point(time, step, value) = metric.point;
            let mut found = None;
            self.server.history(&run, &metric.key, |points| {
                for point in points.iter().filter(|point| (point.0, point.1) == (time, step)) {
                    // Some servers keep a NaN of a model as 0.
                    if point.2 == value || found.is_none() && point.2.is_nan() && (value == 0.0 || value.is_nan()) {
                        found = Some(point.2);
                    }
                }
                Ok(())
            })?;
            match found {
                Some(value) => {
                    let metric = ModelMetric { point: Point(time, step, value), ..metric.clone() };
                    self.calls.log_model_metric(&run, id, &metric)?;
                }
                None => {
                    let reason = "its run does not have this value".to_owned();
                    let id = format!("{}/{}", model.id, metric.key);
                    self.left_out(LeftOut { kind: Kind::LoggedModels, id, reason });
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, began: Option<(String, String)>, weight: Weight, ending: Option<Ending>) -> Wish {
        let Some((id, root)) = began else { return Wish::Nothing };
        let ending = ending.map(|ending| Ending { id: id.clone(), ..ending });
        self.current = Some(Current { id, root, weight, whole: true, ending });
        Wish::Whole
    }

    fn end_model(&mut self, current: Current, status: &(i64, String)) -> Result<()> {
        let tally = current.weight.tally()?;
        self.calls.end_model(&current.id, status.0, current.whole.then_some(&tally))?;
        if current.whole {
            self.grand.add(&format!("logged_model\0{}", status.1), &tally);
        }
        Ok(())
    }
}

impl Sink for Target<'_> {
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish> {
        self.settle_experiment()?;
        let Some(id) = self.place(&experiment)? else { return Ok(Wish::Nothing) };
        self.experiment = Some(Place { id, former: experiment.id, deleted: experiment.deleted });
        Ok(Wish::Whole)
    }

    fn run(&mut self, run: Run) -> Result<Wish> {
        let began = self.begin_run(&run);
        let Some(began) = self.one(began, Kind::Runs, &run.id)? else { return Ok(Wish::Nothing) };
        let same = Run { experiment_id: self.former(), ..compare::run(&run) };
        let ending = Ending {
            id: String::new(),
            former: run.id,
            status: run.status,
            ended_at: run.ended_at,
            models_in: run.models_in,
            models_out: run.models_out,
            parent: run.tags.into_iter().find(|tag| tag.key == PARENT).map(|tag| tag.value),
            deleted: run.deleted,
            tally: None,
        };
        Ok(self.begin(began, Weight::of_run(&same)?, Some(ending)))
    }

    fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        current.weight.points(key, points)?;
        let outcome = self.calls.log_points(&current.id, key, points);
        let id = format!("{}/{key}", current.id);
        if self.one(outcome, Kind::MetricPoints, &id)?.is_none() {
            self.incomplete();
        }
        Ok(())
    }

    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish> {
        let began = self.begin_model(&model);
        let Some(began) = self.one(began, Kind::LoggedModels, &model.id)? else { return Ok(Wish::Nothing) };
        let same = LoggedModel { experiment_id: self.former(), ..compare::logged_model(&model) };
        let wish = self.begin(began, Weight::of_logged_model(&same)?, None);
        self.model_status = (model.status, model.id);
        Ok(wish)
    }

    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let mut hashing = Hashing { bytes, hasher: blake3::Hasher::new(), size: 0 };
        let outcome = self.calls.put_file(&current.root, path, &mut hashing);
        let (size, digest) = (hashing.size, Digest::from(hashing.hasher.finalize()));
        current.weight.file(path, size, digest);
        let id = format!("{}/{path}", current.id);
        self.one(outcome, Kind::Artifacts, &id).map(drop)
    }

    fn incomplete(&mut self) {
        if let Some(current) = &mut self.current {
            current.whole = false;
        }
    }

    fn end(&mut self) -> Result<()> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        match current.ending.take() {
            None => {
                let status = std::mem::take(&mut self.model_status);
                let outcome = self.end_model(current, &status);
                self.one(outcome, Kind::LoggedModels, &status.1)?;
            }
            Some(mut ending) => {
                ending.tally = current.whole.then(|| current.weight.tally()).transpose()?;
                let waits = ending.parent.is_some() || !(ending.models_in.is_empty() && ending.models_out.is_empty());
                if waits || ending.deleted {
                    self.waiting.push(ending);
                } else {
                    self.end_run(ending)?;
                }
            }
        }
        self.progress.moved(&self.grand.counts());
        Ok(())
    }

    fn registered_model(&mut self, model: RegisteredModel) -> Result<Wish> {
        self.settle_experiment()?;
        self.settle_model()?;
        self.begin_registered(model)
    }

    fn model_version(&mut self, version: ModelVersion) -> Result<()> {
        self.carry_version(&version)
    }

    fn left_out(&mut self, left_out: LeftOut) {
        self.incomplete();
        self.progress.left_out(&left_out);
        self.left_out.push(left_out);
    }
}

impl Target<'_> {
    /// The number that the experiment had.
    fn former(&self) -> String {
        self.experiment.as_ref().map(|place| place.former.clone()).unwrap_or_default()
    }
}

/// Hashes what is read through it.
struct Hashing<'a> {
    bytes: &'a mut dyn Read,
    hasher: blake3::Hasher,
    size: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(into)?;
        self.hasher.update(&into[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

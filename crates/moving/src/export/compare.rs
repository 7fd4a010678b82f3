//! What of a record is the same on both servers, and reading it back from the other one.

use std::collections::HashMap;
use std::io::Read;

use flyball_core::Result;

use super::calls::{MODEL_ID, ORIGIN, PREFIX, RUN_ID, SOURCE};
use crate::record::{Experiment, LoggedModel, ModelUse, ModelVersion, Pair, Point, RegisteredModel, Run};
use crate::server::Server;
use crate::source::{LeftOut, Sink, Source, Wish};
use crate::tally::Grand;
use crate::weigh::Scales;

/// The tag of a run that names the one that it is nested in.
pub(super) const PARENT: &str = "mlflow.parentRunId";
/// The tag that a server keeps at a logged model by itself.
const VERSIONS: &str = "mlflow.modelVersions";

fn without_ours(tags: &mut Vec<Pair>) {
    tags.retain(|tag| !tag.key.starts_with(PREFIX) && tag.key != VERSIONS);
}

pub(super) fn experiment(experiment: &Experiment) -> Experiment {
    let mut same = Experiment { artifact_location: String::new(), created_at: 0, updated_at: 0, ..experiment.clone() };
    without_ours(&mut same.tags);
    same
}

pub(super) fn run(run: &Run) -> Run {
    let mut same = Run { artifact_uri: String::new(), ..run.clone() };
    without_ours(&mut same.tags);
    same
}

pub(super) fn logged_model(model: &LoggedModel) -> LoggedModel {
    let mut same = LoggedModel {
        created_at: 0,
        updated_at: 0,
        artifact_uri: String::new(),
        status_message: None,
        ..model.clone()
    };
    without_ours(&mut same.tags);
    // A stock server keeps a NaN of a model as 0.
    for value in same.metrics.iter_mut().map(|metric| &mut metric.point.2).filter(|value| value.is_nan()) {
        *value = 0.0;
    }
    same
}

pub(super) fn registered_model(model: &RegisteredModel) -> RegisteredModel {
    let mut same = RegisteredModel { created_at: 0, updated_at: 0, last_version: 0, ..model.clone() };
    same.description = same.description.filter(|text| !text.is_empty());
    without_ours(&mut same.tags);
    same
}

pub(super) fn model_version(version: &ModelVersion) -> ModelVersion {
    let mut same = ModelVersion {
        created_at: 0,
        updated_at: 0,
        location: String::new(),
        user_id: None,
        status_message: None,
        // Servers do not tell it of every version.
        model_id: None,
        ..version.clone()
    };
    same.description = same.description.filter(|text| !text.is_empty());
    without_ours(&mut same.tags);
    same
}

/// Weighs what an export from `origin` left on a server.
pub(super) fn read_back(server: Server, origin: &str) -> Result<Grand> {
    let mut server = server;
    let mut ids = Ids::default();
    server.read(&mut Names { ids: &mut ids, origin })?;
    let mut back = Back { ids, origin: origin.to_owned(), scales: Scales::default(), experiment: String::new() };
    server.read(&mut back)?;
    Ok(back.scales.grand)
}

/// The former ids of runs and logged models, by those that they have now.
#[derive(Default)]
struct Ids {
    runs: HashMap<String, String>,
    models: HashMap<String, String>,
}

fn value(tags: &[Pair], key: &str) -> Option<String> {
    tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone())
}

/// The number that an experiment had, when it is from there.
fn former_number(experiment: &Experiment, origin: &str) -> Option<String> {
    let mark = value(&experiment.tags, ORIGIN)?;
    mark.strip_prefix(origin)?.strip_prefix('#').map(str::to_owned)
}

/// Learns the former ids.
struct Names<'a> {
    ids: &'a mut Ids,
    origin: &'a str,
}

impl Sink for Names<'_> {
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish> {
        let ours = former_number(&experiment, self.origin).is_some();
        Ok(if ours { Wish::Whole } else { Wish::Nothing })
    }

    fn run(&mut self, run: Run) -> Result<Wish> {
        self.ids.runs.extend(value(&run.tags, RUN_ID).map(|former| (run.id, former)));
        Ok(Wish::Nothing)
    }

    fn points(&mut self, _: &str, _: &[Point]) -> Result<()> {
        Ok(())
    }

    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish> {
        self.ids.models.extend(value(&model.tags, MODEL_ID).map(|former| (model.id, former)));
        Ok(Wish::Nothing)
    }

    fn file(&mut self, _: &str, _: &mut dyn Read) -> Result<()> {
        Ok(())
    }

    fn incomplete(&mut self) {}

    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    fn registered_model(&mut self, _: RegisteredModel) -> Result<Wish> {
        Ok(Wish::Nothing)
    }

    fn model_version(&mut self, _: ModelVersion) -> Result<()> {
        Ok(())
    }

    fn left_out(&mut self, _: LeftOut) {}
}

/// Gives things their former ids back and weighs them.
struct Back {
    ids: Ids,
    origin: String,
    scales: Scales,
    experiment: String,
}

impl Back {
    fn uses(&self, used: &mut [ModelUse]) {
        for used in used {
            if let Some(former) = self.ids.models.get(&used.model_id) {
                used.model_id.clone_from(former);
            }
        }
    }

    fn run_id(&self, id: &mut String) {
        if let Some(former) = self.ids.runs.get(id.as_str()) {
            id.clone_from(former);
        }
    }
}

impl Sink for Back {
    fn experiment(&mut self, there: Experiment) -> Result<Wish> {
        let Some(number) = former_number(&there, &self.origin) else { return Ok(Wish::Nothing) };
        self.experiment.clone_from(&number);
        let is_merged = value(&there.tags, super::target::MERGED).is_some();
        if is_merged {
            return Ok(Wish::Whole);
        }
        self.scales.experiment(experiment(&Experiment { id: number, ..there }))
    }

    fn run(&mut self, there: Run) -> Result<Wish> {
        let Some(former) = value(&there.tags, RUN_ID) else { return Ok(Wish::Nothing) };
        let mut there = run(&Run { id: former, experiment_id: self.experiment.clone(), ..there });
        self.uses(&mut there.models_in);
        self.uses(&mut there.models_out);
        for tag in there.tags.iter_mut().filter(|tag| tag.key == PARENT) {
            self.run_id(&mut tag.value);
        }
        self.scales.run(there)
    }

    fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        self.scales.points(key, points)
    }

    fn logged_model(&mut self, there: LoggedModel) -> Result<Wish> {
        let Some(former) = value(&there.tags, MODEL_ID) else { return Ok(Wish::Nothing) };
        let mut there = logged_model(&LoggedModel { id: former, experiment_id: self.experiment.clone(), ..there });
        self.run_id(&mut there.source_run_id);
        for metric in &mut there.metrics {
            self.run_id(&mut metric.run_id);
        }
        self.scales.logged_model(there)
    }

    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        self.scales.file(path, bytes)
    }

    fn incomplete(&mut self) {}

    fn end(&mut self) -> Result<()> {
        self.scales.end()
    }

    fn registered_model(&mut self, there: RegisteredModel) -> Result<Wish> {
        if value(&there.tags, ORIGIN).as_deref() != Some(&self.origin) {
            return Ok(Wish::Nothing);
        }
        self.scales.registered_model(registered_model(&there))
    }

    fn model_version(&mut self, there: ModelVersion) -> Result<()> {
        let mut same = model_version(&there);
        same.source = value(&there.tags, SOURCE).unwrap_or(there.source);
        self.run_id(&mut same.run_id);
        self.scales.model_version(same)
    }

    fn left_out(&mut self, left_out: LeftOut) {
        self.scales.left_out(left_out);
    }
}

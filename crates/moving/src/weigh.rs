//! Weighs what a source reads: one tally a thing, and the sum of all.

use std::collections::HashSet;
use std::io::Read;

use flyball_core::{Digest, Result};

use crate::record::{Experiment, LoggedModel, ModelVersion, Ordered, Point, RegisteredModel, Run};
use crate::source::{LeftOut, Sink, Wish};
use crate::tally::{self, Files, Grand, Histories, Kind, Tally};

/// The run or logged model that is being weighed.
pub(crate) struct Weight {
    id: String,
    tally: Tally,
    histories: Option<Histories>,
    files: Files,
}

impl Weight {
    pub(crate) fn of_run(run: &Run) -> Result<Self> {
        let tally = tally::of_run(&run.clone().ordered())?;
        Ok(Self {
            id: format!("run\0{}", run.id),
            tally,
            histories: Some(Histories::default()),
            files: Files::default(),
        })
    }

    pub(crate) fn of_logged_model(model: &LoggedModel) -> Result<Self> {
        let tally = tally::of_logged_model(&model.clone().ordered())?;
        Ok(Self { id: format!("logged_model\0{}", model.id), tally, histories: None, files: Files::default() })
    }

    pub(crate) fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        self.histories.as_mut().map_or(Ok(()), |histories| histories.add(key, points))
    }

    pub(crate) fn file(&mut self, path: &str, size: u64, digest: Digest) {
        self.files.add(path, size, digest);
    }

    pub(crate) fn end(self, grand: &mut Grand) -> Result<()> {
        let id = self.id.clone();
        grand.add(&id, &self.tally()?);
        Ok(())
    }

    /// What it weighs with all that hangs on it.
    pub(crate) fn tally(self) -> Result<Tally> {
        let mut tally = self.tally;
        if let Some(histories) = self.histories {
            tally.insert(Kind::MetricPoints, histories.sum()?);
        }
        tally.insert(Kind::Artifacts, self.files.sum()?);
        Ok(tally)
    }
}

pub(crate) fn experiment(experiment: &Experiment, grand: &mut Grand) -> Result<()> {
    grand.add(&format!("experiment\0{}", experiment.id), &tally::of_experiment(&experiment.clone().ordered())?);
    Ok(())
}

pub(crate) fn registered_model(model: &RegisteredModel, grand: &mut Grand) -> Result<()> {
    grand.add(&format!("registered_model\0{}", model.name), &tally::of_registered_model(&model.clone().ordered())?);
    Ok(())
}

pub(crate) fn model_version(version: &ModelVersion, grand: &mut Grand) -> Result<()> {
    let id = format!("model_version\0{}/{}", version.model, version.version);
    grand.add(&id, &tally::of_version(&version.clone().ordered())?);
    Ok(())
}

/// A sink that only weighs.
#[derive(Default)]
pub(crate) struct Scales {
    pub(crate) grand: Grand,
    pub(crate) left_out: Vec<LeftOut>,
    /// Experiments and registered models that were named: a cut off export names them again when it goes on.
    named: HashSet<Digest>,
    current: Option<Weight>,
}

impl Sink for Scales {
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish> {
        if self.named.insert(Digest::of_parts([b"experiment".as_slice(), experiment.id.as_bytes()])) {
            self::experiment(&experiment, &mut self.grand)?;
        }
        Ok(Wish::Whole)
    }

    fn run(&mut self, run: Run) -> Result<Wish> {
        self.current = Some(Weight::of_run(&run)?);
        Ok(Wish::Whole)
    }

    fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        self.current.as_mut().map_or(Ok(()), |current| current.points(key, points))
    }

    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish> {
        self.current = Some(Weight::of_logged_model(&model)?);
        Ok(Wish::Whole)
    }

    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        let mut hasher = blake3::Hasher::new();
        let size = std::io::copy(bytes, &mut hasher);
        match (size, &mut self.current) {
            (Ok(size), Some(current)) => current.file(path, size, Digest::from(hasher.finalize())),
            (Ok(_), None) => {}
            (Err(error), _) => {
                self.left_out(LeftOut { kind: Kind::Artifacts, id: path.to_owned(), reason: error.to_string() });
            }
        }
        Ok(())
    }

    fn incomplete(&mut self) {}

    fn end(&mut self) -> Result<()> {
        self.current.take().map_or(Ok(()), |current| current.end(&mut self.grand))
    }

    fn registered_model(&mut self, model: RegisteredModel) -> Result<Wish> {
        if self.named.insert(Digest::of_parts([b"model".as_slice(), model.name.as_bytes()])) {
            registered_model(&model, &mut self.grand)?;
        }
        Ok(Wish::Whole)
    }

    fn model_version(&mut self, version: ModelVersion) -> Result<()> {
        model_version(&version, &mut self.grand)
    }

    fn left_out(&mut self, left_out: LeftOut) {
        self.left_out.push(left_out);
    }
}

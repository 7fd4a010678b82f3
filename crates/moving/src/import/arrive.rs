//! Takes what a source reads, and puts it where it belongs here.

use std::io::Read;

use flyball_core::{Digest, Error, ErrorCode, Result};
use flyball_tracking::artifacts::TreePath;
use flyball_tracking::{import, rules};

use super::journal::{self, Entry, Thing};
use super::names::{self, Place, Placed};
use super::own;
use super::queue::{Body, POINTS, Queue, Ready};
use super::{Arrived, Home, Options, Progress};
use crate::record::{Experiment, LoggedModel, ModelVersion, Ordered, Point, RegisteredModel, Run};
use crate::source::{LeftOut, Sink, Wish};
use crate::tally::{self, Files, Histories, Kind, Tally, Totals};

/// How many bytes of a file are in memory at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The sink that is Flyball.
pub struct Importer<'a> {
    pub(super) home: Home,
    pub(super) origin: String,
    pub(super) options: Options,
    progress: &'a mut dyn Progress,
    place: Option<Place>,
    current: Option<Current>,
    queue: Queue,
    pub(super) moved: Totals,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
    experiments: Vec<String>,
    pub(super) seen: Totals,
    /// What the registered model whose versions come in is called here.
    pub(super) model: Option<String>,
}

/// The run or logged model that is coming in.
struct Current {
    thing: Thing,
    id: String,
    root: TreePath,
    body: Body,
    anew: bool,
    tally: Tally,
    histories: Histories,
    points: Vec<(String, Vec<Point>)>,
    waiting: usize,
    files: Files,
    new_files: Vec<(TreePath, Digest, u64)>,
    whole: bool,
}

impl<'a> Importer<'a> {
    /// A sink for what comes from `origin`.
    pub fn new(home: Home, origin: String, options: Options, progress: &'a mut dyn Progress) -> Self {
        Self {
            home,
            origin,
            options,
            progress,
            place: None,
            current: None,
            queue: Queue::default(),
            moved: Totals::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
            experiments: Vec::new(),
            seen: Totals::new(),
            model: None,
        }
    }

    /// Writes what still waits.
    pub(super) fn finish(mut self) -> Result<Arrived> {
        self.write()?;
        Ok(Arrived {
            moved: self.moved,
            left_out: self.left_out,
            notes: self.notes,
            experiments: self.experiments,
            seen: self.seen,
        })
    }

    pub(super) fn write(&mut self) -> Result<()> {
        for (ready, refused) in self.queue.write(&self.home, &self.origin)? {
            match (refused, ready.entry.tally) {
                (Some(reason), _) => self.leave_out(kind_of(ready.thing), &ready.entry.source_id, reason),
                (None, Some(tally)) => {
                    add(&mut self.moved, &tally);
                    add(&mut self.seen, &tally);
                }
                (None, None) => {}
            }
        }
        self.progress.moved(&self.moved);
        Ok(())
    }

    pub(super) fn leave_out(&mut self, kind: Kind, id: &str, reason: impl Into<String>) {
        let left_out = LeftOut { kind, id: id.to_owned(), reason: reason.into() };
        self.progress.left_out(&left_out);
        self.left_out.push(left_out);
    }

    pub(super) fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }

    fn known(&self, thing: Thing, id: &str) -> Result<Known> {
        self.home.db.read(|tx| {
            let permit = self.home.permit.read();
            match journal::find(tx, &permit, &self.origin, thing, id)? {
                Some(Entry { whole: true, tally: Some(tally), .. }) => return Ok(Known::Whole(tally)),
                Some(_) => return Ok(Known::InPart),
                None => {}
            }
            let taken = match thing {
                Thing::Run => import::has_run(tx, id)?,
                _ => import::has_logged_model(tx, id)?,
            };
            Ok(if taken { Known::Taken } else { Known::New })
        })
    }

    /// Begins with a run or logged model when it can come in.
    fn begin(&mut self, thing: Thing, id: &str, begin: impl FnOnce(&Place) -> Result<Begun>) -> Result<Wish> {
        let kind = kind_of(thing);
        let Some(place) = &self.place else { return Ok(Wish::Nothing) };
        let anew = match self.known(thing, id)? {
            Known::Whole(tally) => {
                add(&mut self.seen, &tally);
                return Ok(Wish::Nothing);
            }
            Known::New => false,
            Known::InPart => true,
            Known::Taken => {
                self.leave_out(kind, id, "one of this id is here already and did not come from this source");
                return Ok(Wish::Nothing);
            }
        };
        let begun = rules::check_run_id(id).and_then(|()| begin(place)).and_then(|begun| {
            let root = TreePath::from_uri(&begun.uri)?;
            Ok((root, begun))
        });
        let (root, Begun { body, tally, .. }) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.leave_out(kind, id, error.message());
                return Ok(Wish::Nothing);
            }
        };
        self.current = Some(Current {
            thing,
            id: id.to_owned(),
            root,
            body,
            anew,
            tally,
            histories: Histories::default(),
            points: Vec::new(),
            waiting: 0,
            files: Files::default(),
            new_files: Vec::new(),
            whole: true,
        });
        Ok(Wish::Whole)
    }

    /// Writes the beginning of a run that is too long to wait in memory.
    fn spill(&mut self) -> Result<()> {
        if let Some(current) = &mut self.current {
            self.queue.push(current.part(None));
        }
        self.write()
    }

    fn take_file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let place = current.root.join(&path.parse()?)?;
        let mut writer = self.home.blobs.writer()?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = bytes
                .read(&mut piece)
                .map_err(|error| Error::new(ErrorCode::InvalidData, format!("it could not be read: {error}")))?;
            if read == 0 {
                break;
            }
            writer.write(&piece[..read])?;
        }
        let (digest, size) = writer.finish()?;
        current.files.add(path, size, digest);
        current.new_files.push((place, digest, size));
        Ok(())
    }
}

/// What is known of a run or logged model of the source.
enum Known {
    New,
    /// A part of it is in, or all that could be read when not all could.
    InPart,
    Whole(Tally),
    /// Something else has its id.
    Taken,
}

pub(super) fn add(totals: &mut Totals, tally: &Tally) {
    for (kind, sum) in tally {
        *totals.entry(*kind).or_default() += sum.count;
    }
}

/// What a run or logged model is here.
struct Begun {
    uri: String,
    body: Body,
    tally: Tally,
}

impl Current {
    /// What waits of it; with a tally it is the last part.
    fn part(&mut self, tally: Option<Tally>) -> Ready {
        self.waiting = 0;
        let entry = Entry { source_id: self.id.clone(), target_id: self.id.clone(), tally, whole: self.whole };
        Ready {
            thing: self.thing,
            entry,
            body: std::mem::replace(&mut self.body, Body::Rest),
            points: std::mem::take(&mut self.points),
            files: std::mem::take(&mut self.new_files),
            anew: self.anew,
        }
    }
}

fn kind_of(thing: Thing) -> Kind {
    match thing {
        Thing::Experiment => Kind::Experiments,
        Thing::Run => Kind::Runs,
        Thing::LoggedModel => Kind::LoggedModels,
        Thing::RegisteredModel => Kind::RegisteredModels,
        Thing::ModelVersion => Kind::ModelVersions,
    }
}

impl Sink for Importer<'_> {
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish> {
        self.place = None;
        let chosen = &self.options.experiments;
        if !chosen.is_empty() && !chosen.contains(&experiment.name) {
            return Ok(Wish::Nothing);
        }
        let (origin, options, permit) = (self.origin.clone(), self.options.clone(), self.home.permit.clone());
        let (there, now) = (experiment.clone(), self.home.clock.now());
        let placed = self.home.db.write(move |tx| names::place(tx, &permit, &origin, &options, &there, now))?;
        match placed {
            Placed::Made(place, tally) => {
                add(&mut self.moved, &tally);
                self.place = Some(place);
            }
            Placed::In(place) => self.place = Some(place),
            Placed::Merged(place) => {
                let name = &experiment.name;
                self.note(&format!("the runs of '{name}' join those that are here; its own tags and times stay there"));
                self.place = Some(place);
            }
            Placed::Taken(name) => {
                let reason = format!(
                    "an experiment called '{name}' is here already; nothing in it was carried; call again with another \
                     --rename-suffix"
                );
                self.leave_out(Kind::Experiments, &experiment.name, reason);
                return Ok(Wish::Nothing);
            }
        }
        self.experiments.push(experiment.id);
        Ok(Wish::Whole)
    }

    fn run(&mut self, run: Run) -> Result<Wish> {
        let id = run.id.clone();
        self.begin(Thing::Run, &id, |place| {
            let mut run = run;
            run.artifact_uri = place.uri(&run.artifact_uri, &run.id, &mut run.tags);
            run.experiment_id = place.id.to_string();
            let run = run.ordered();
            let (stored, tally) = (own::stored_run(&run, place.id)?, tally::of_run(&run)?);
            Ok(Begun { uri: run.artifact_uri, body: Body::Run(Box::new(stored)), tally })
        })
    }

    fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let finite: Vec<Point> = points.iter().map(|point| Point(point.0, point.1, rules::finite(point.2))).collect();
        current.histories.add(key, &finite)?;
        current.waiting += finite.len();
        match current.points.last_mut().filter(|(last, _)| last == key) {
            Some((_, waiting)) => waiting.extend(finite),
            None => current.points.push((key.to_owned(), finite)),
        }
        if current.waiting >= POINTS { self.spill() } else { Ok(()) }
    }

    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish> {
        let id = model.id.clone();
        self.begin(Thing::LoggedModel, &id, |place| {
            let mut model = model;
            let below = format!("models/{}", model.id);
            model.artifact_uri = place.uri(&model.artifact_uri, &below, &mut model.tags);
            model.experiment_id = place.id.to_string();
            for metric in &mut model.metrics {
                metric.point.2 = rules::finite(metric.point.2);
            }
            let model = model.ordered();
            let (stored, tally) = (own::stored_model(&model, place.id), tally::of_logged_model(&model)?);
            Ok(Begun { uri: model.artifact_uri, body: Body::LoggedModel(Box::new(stored)), tally })
        })
    }

    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        match self.take_file(path, bytes) {
            Err(error) if matches!(error.code(), ErrorCode::StorageFull | ErrorCode::Unavailable) => Err(error),
            Err(error) => {
                let id = self.current.as_ref().map_or_else(String::new, |current| format!("{}/{path}", current.id));
                self.left_out(LeftOut { kind: Kind::Artifacts, id, reason: error.message().to_owned() });
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn incomplete(&mut self) {
        if let Some(current) = &mut self.current {
            current.whole = false;
        }
    }

    fn end(&mut self) -> Result<()> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        let mut tally = std::mem::take(&mut current.tally);
        if current.thing == Thing::Run {
            tally.insert(Kind::MetricPoints, std::mem::take(&mut current.histories).sum()?);
        }
        tally.insert(Kind::Artifacts, current.files.sum()?);
        self.queue.push(current.part(Some(tally)));
        if self.queue.is_full() { self.write() } else { Ok(()) }
    }

    fn registered_model(&mut self, model: RegisteredModel) -> Result<Wish> {
        if !self.options.experiments.is_empty() {
            self.note("only experiments were asked for, so the registry was left where it is");
            return Ok(Wish::Nothing);
        }
        self.arrive_model(model)
    }

    fn model_version(&mut self, version: ModelVersion) -> Result<()> {
        self.arrive_version(version)
    }

    fn left_out(&mut self, left_out: LeftOut) {
        self.incomplete();
        self.leave_out(left_out.kind, &left_out.id, left_out.reason);
    }
}

//! Writing a store into a folder. A call that was cut off is gone on with: what is whole stays, the rest is written again.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flyball_core::{Digest, Error, ErrorCode, Result};
use flyball_store::Blobs;

use super::{FORMAT, Folder, Line, MANIFEST, Manifest, RECORDS, UNFINISHED, VERSION};
use crate::export::{Progress, Report};
use crate::import::Compared;
use crate::record::{Experiment, LoggedModel, ModelVersion, Point, RegisteredModel, Run};
use crate::source::{LeftOut, Sink, Source, Wish};
use crate::tally::{Grand, Kind};
use crate::weigh::{self, Scales, Weight};

/// Most points of one line: about 1 MB.
const POINTS: usize = 20_000;
/// How many bytes of a file are in memory at once.
const PIECE_BYTES: usize = 256 * 1024;
/// The file that says which store the folder is of, from its beginning on.
const ORIGIN: &str = "origin.txt";

/// Writes all of a source into a folder, reads it back, and compares.
///
/// # Errors
/// `Conflict` when the folder holds something else, `StorageFull` or `Unavailable` when it cannot be written; what
/// concerns one thing is in the report.
pub fn export(source: &mut dyn Source, path: &Path, progress: &mut dyn Progress) -> Result<Report> {
    let origin = source.origin();
    let mut writer = Writer::open(path, &origin, progress)?;
    source.read(&mut writer)?;
    let (written, left_out) = writer.finish()?;
    let mut scales = Scales::default();
    Folder::of(path, UNFINISHED)?.read(&mut scales)?;
    let (written, here) = (written.tally(), scales.grand.tally());
    let compared: BTreeMap<Kind, Compared> = written
        .iter()
        .map(|(kind, read)| (*kind, Compared { read: read.clone(), here: here.get(kind).cloned().unwrap_or_default() }))
        .collect();
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        origin: origin.clone(),
        tally: written,
        left_out: left_out.clone(),
    };
    let report = Report {
        origin,
        target: path.display().to_string(),
        compared,
        differences: scales.left_out,
        left_out,
        notes: source.notes(),
    };
    if report.differs() {
        return Ok(report);
    }
    let text = serde_json::to_string_pretty(&manifest).map_err(Error::internal)?;
    let failed = failed(path);
    std::fs::rename(path.join(UNFINISHED), path.join(RECORDS)).map_err(&failed)?;
    let mut file = File::create(path.join(MANIFEST)).map_err(&failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(&failed)?;
    Ok(report)
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::StorageFull,
            _ => ErrorCode::Unavailable,
        };
        Error::new(code, format!("the folder {} cannot be written: {error}", path.display()))
            .hint("the same command goes on where it stopped")
    }
}

struct Writer<'a> {
    path: PathBuf,
    file: BufWriter<File>,
    blobs: Blobs,
    progress: &'a mut dyn Progress,
    grand: Grand,
    /// What was whole before this call, by digest of kind and name: 32 bytes for each thing.
    whole: HashSet<Digest>,
    experiment: Option<Experiment>,
    named: Option<String>,
    current: Option<Weight>,
    left_out: Vec<LeftOut>,
}

impl<'a> Writer<'a> {
    fn open(path: &Path, origin: &str, progress: &'a mut dyn Progress) -> Result<Self> {
        let failed = failed(path);
        std::fs::create_dir_all(path).map_err(&failed)?;
        let known = std::fs::read_to_string(path.join(ORIGIN)).ok();
        let is_empty = std::fs::read_dir(path).map_err(&failed)?.next().is_none();
        if known.as_deref() != Some(origin) && !is_empty || path.join(MANIFEST).exists() {
            return Err(Error::new(ErrorCode::Conflict, format!("the folder {} is in use", path.display()))
                .hint("name a new or empty folder"));
        }
        std::fs::write(path.join(ORIGIN), origin).map_err(&failed)?;
        let place = path.join(UNFINISHED);
        let file = File::options().create(true).read(true).write(true).truncate(false).open(&place).map_err(&failed)?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            blobs: Blobs::open(&path.to_string_lossy())?,
            progress,
            grand: Grand::default(),
            whole: HashSet::new(),
            experiment: None,
            named: None,
            current: None,
            left_out: Vec::new(),
        };
        writer.take_up()?;
        Ok(writer)
    }

    /// Takes up what an earlier call wrote: everything up to the last thing that is whole.
    fn take_up(&mut self) -> Result<()> {
        let (mut end, mut open) = (0, None::<(Digest, Weight)>);
        let outcome = Folder::of(&self.path, UNFINISHED)?.lines(|line, at| {
            match line {
                Line::Experiment(experiment) => {
                    if self.whole.insert(name("experiment", &experiment.id)) {
                        weigh::experiment(&experiment, &mut self.grand)?;
                    }
                }
                Line::RegisteredModel(model) => {
                    if self.whole.insert(name("registered", &model.name)) {
                        weigh::registered_model(&model, &mut self.grand)?;
                    }
                }
                Line::ModelVersion(version) => {
                    self.whole.insert(name(&version.model, &version.version.to_string()));
                    weigh::model_version(&version, &mut self.grand)?;
                }
                Line::Run(run) => open = Some((name("run", &run.id), Weight::of_run(&run)?)),
                Line::LoggedModel(model) => {
                    open = Some((name("model", &model.id), Weight::of_logged_model(&model)?));
                }
                Line::Points { key, points } => {
                    if let Some((_, weight)) = &mut open {
                        weight.points(&key, &points)?;
                    }
                }
                Line::File { path, size, digest } => {
                    if let Some((_, weight)) = &mut open {
                        weight.file(&path, size, digest);
                    }
                }
                Line::End {} => {
                    if let Some((name, weight)) = open.take() {
                        self.whole.insert(name);
                        weight.end(&mut self.grand)?;
                    }
                }
            }
            if open.is_none() {
                end = at;
            }
            Ok(())
        });
        match outcome {
            // What was being written when the call was cut off.
            Err(error) if error.code() == ErrorCode::InvalidData => {}
            outcome => outcome?,
        }
        let failed = failed(&self.path);
        let file = self.file.get_mut();
        file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).map_err(failed)?;
        Ok(())
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(Error::internal)?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed(&self.path))
    }

    /// Begins a run or logged model, unless it is whole.
    fn begin(&mut self, name: &Digest, line: &Line, weight: Weight) -> Result<Wish> {
        if self.whole.contains(name) {
            return Ok(Wish::Nothing);
        }
        if let Some(experiment) = self.experiment.take() {
            if self.whole.insert(self::name("experiment", &experiment.id)) {
                weigh::experiment(&experiment, &mut self.grand)?;
            }
            self.line(&Line::Experiment(experiment))?;
        }
        self.line(line)?;
        self.current = Some(weight);
        Ok(Wish::Whole)
    }

    /// Writes an experiment in which nothing new was.
    fn settle(&mut self) -> Result<()> {
        match self.experiment.take() {
            Some(experiment) if self.whole.insert(name("experiment", &experiment.id)) => {
                weigh::experiment(&experiment, &mut self.grand)?;
                self.line(&Line::Experiment(experiment))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<(Grand, Vec<LeftOut>)> {
        self.settle()?;
        let failed = failed(&self.path);
        self.file.flush().map_err(&failed)?;
        self.file.get_ref().sync_all().map_err(&failed)?;
        Ok((self.grand, self.left_out))
    }

    fn keep(&self, bytes: &mut dyn Read) -> Result<(Digest, u64)> {
        let mut writer = self.blobs.writer()?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = bytes
                .read(&mut piece)
                .map_err(|error| Error::new(ErrorCode::InvalidData, format!("it could not be read: {error}")))?;
            if read == 0 {
                return writer.finish();
            }
            writer.write(&piece[..read])?;
        }
    }
}

fn name(kind: &str, id: &str) -> Digest {
    Digest::of_parts([kind.as_bytes(), id.as_bytes()])
}

impl Sink for Writer<'_> {
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish> {
        self.settle()?;
        self.experiment = Some(experiment);
        Ok(Wish::Whole)
    }

    fn run(&mut self, run: Run) -> Result<Wish> {
        let (name, weight) = (name("run", &run.id), Weight::of_run(&run)?);
        self.begin(&name, &Line::Run(Box::new(run)), weight)
    }

    fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        for part in points.chunks(POINTS) {
            self.line(&Line::Points { key: key.to_owned(), points: part.to_vec() })?;
        }
        self.current.as_mut().map_or(Ok(()), |current| current.points(key, points))
    }

    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish> {
        let (name, weight) = (name("model", &model.id), Weight::of_logged_model(&model)?);
        self.begin(&name, &Line::LoggedModel(Box::new(model)), weight)
    }

    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        match self.keep(bytes) {
            Ok((digest, size)) => {
                if let Some(current) = &mut self.current {
                    current.file(path, size, digest);
                }
                self.line(&Line::File { path: path.to_owned(), size, digest })
            }
            Err(error) if error.code() == ErrorCode::InvalidData => {
                let reason = error.message().to_owned();
                self.left_out(LeftOut { kind: Kind::Artifacts, id: path.to_owned(), reason });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn incomplete(&mut self) {}

    fn end(&mut self) -> Result<()> {
        self.line(&Line::End {})?;
        if let Some(current) = self.current.take() {
            current.end(&mut self.grand)?;
        }
        self.progress.moved(&self.grand.counts());
        Ok(())
    }

    fn registered_model(&mut self, model: RegisteredModel) -> Result<Wish> {
        self.settle()?;
        // Named again when versions follow that an earlier call did not reach.
        if self.whole.insert(name("registered", &model.name)) {
            weigh::registered_model(&model, &mut self.grand)?;
            self.line(&Line::RegisteredModel(model))?;
            self.named = None;
        } else {
            self.named = Some(serde_json::to_string(&Line::RegisteredModel(model)).map_err(Error::internal)?);
        }
        Ok(Wish::Whole)
    }

    fn model_version(&mut self, version: ModelVersion) -> Result<()> {
        if !self.whole.insert(name(&version.model, &version.version.to_string())) {
            return Ok(());
        }
        if let Some(model) = self.named.take() {
            self.file.write_all(format!("{model}\n").as_bytes()).map_err(failed(&self.path))?;
        }
        weigh::model_version(&version, &mut self.grand)?;
        self.line(&Line::ModelVersion(Box::new(version)))
    }

    fn left_out(&mut self, left_out: LeftOut) {
        self.progress.left_out(&left_out);
        self.left_out.push(left_out);
    }
}

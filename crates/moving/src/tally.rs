//! Counts and digests: the proof that what arrived is what was read.

use std::collections::BTreeMap;

use flyball_core::{Digest, Error, Result};
use serde::{Deserialize, Serialize};

use crate::record::{Experiment, LoggedModel, ModelVersion, Point, RegisteredModel, Run};

/// The prefix of tags that say what something was elsewhere. They are ours, so they do not count.
pub(crate) const OWN_TAGS: &str = "flyball.import.";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Experiments with their tags.
    Experiments,
    /// Runs by themselves.
    Runs,
    /// Parameters of runs.
    Params,
    /// Points of metrics of runs.
    MetricPoints,
    /// Tags of runs.
    Tags,
    /// Datasets and models that runs used and made.
    Inputs,
    /// Logged models with their parameters, tags and metrics.
    LoggedModels,
    /// Registered models with their tags and aliases.
    RegisteredModels,
    /// Versions with their tags.
    ModelVersions,
    /// Files.
    Artifacts,
    /// Traces, which stay where they are.
    Traces,
    /// Everything else that a store may keep.
    Other,
}

impl Kind {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Experiments => "experiments",
            Kind::Runs => "runs",
            Kind::Params => "params",
            Kind::MetricPoints => "metric points",
            Kind::Tags => "tags",
            Kind::Inputs => "inputs",
            Kind::LoggedModels => "logged models",
            Kind::RegisteredModels => "registered models",
            Kind::ModelVersions => "model versions",
            Kind::Artifacts => "artifacts",
            Kind::Traces => "traces",
            Kind::Other => "other",
        }
    }
}

/// How much of each kind there is.
pub type Totals = BTreeMap<Kind, u64>;

/// A count with the digest of what was counted, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// BLAKE3 over their lines in canonical order.
    pub digest: Digest,
}

impl Default for Sum {
    /// The sum of nothing.
    fn default() -> Self {
        Summing::default().sum()
    }
}

/// The sums of one thing, such as a run with all that hangs on it, or of everything.
pub type Tally = BTreeMap<Kind, Sum>;

/// The sum of lines in the order in which they come.
pub(crate) fn sum<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<Sum> {
    let mut summing = Summing::default();
    for item in items {
        summing.add(&item)?;
    }
    Ok(summing.sum())
}

/// A sum that grows line by line.
#[derive(Default)]
pub(crate) struct Summing {
    count: u64,
    hasher: blake3::Hasher,
}

impl Summing {
    pub(crate) fn add(&mut self, item: &impl Serialize) -> Result<()> {
        self.count += 1;
        serde_json::to_writer(&mut self.hasher, item).map_err(Error::internal)?;
        self.hasher.update(b"\n");
        Ok(())
    }

    pub(crate) fn sum(&self) -> Sum {
        Sum { count: self.count, digest: Digest::from(self.hasher.finalize()) }
    }
}

/// The tally of an experiment.
pub(crate) fn of_experiment(experiment: &Experiment) -> Result<Tally> {
    let mut experiment = experiment.clone();
    experiment.tags.retain(|tag| !tag.key.starts_with(OWN_TAGS));
    Ok(Tally::from([(Kind::Experiments, sum([experiment])?)]))
}

/// The tally of a run, which is in canonical order, without its points and files.
pub(crate) fn of_run(run: &Run) -> Result<Tally> {
    let params = sum(&run.params)?;
    let tags = sum(run.tags.iter().filter(|tag| !tag.key.starts_with(OWN_TAGS)))?;
    let mut inputs = Summing::default();
    run.datasets.iter().try_for_each(|dataset| inputs.add(dataset))?;
    run.models_in.iter().try_for_each(|used| inputs.add(&("in", used)))?;
    run.models_out.iter().try_for_each(|made| inputs.add(&("out", made)))?;
    let bare =
        Run { params: vec![], tags: vec![], datasets: vec![], models_in: vec![], models_out: vec![], ..run.clone() };
    Ok(Tally::from([
        (Kind::Runs, sum([bare])?),
        (Kind::Params, params),
        (Kind::Tags, tags),
        (Kind::Inputs, inputs.sum()),
    ]))
}

/// The tally of a logged model, which is in canonical order, without its files.
pub(crate) fn of_logged_model(model: &LoggedModel) -> Result<Tally> {
    let mut model = model.clone();
    model.tags.retain(|tag| !tag.key.starts_with(OWN_TAGS));
    Ok(Tally::from([(Kind::LoggedModels, sum([model])?)]))
}

/// The tally of a registered model.
pub(crate) fn of_registered_model(model: &RegisteredModel) -> Result<Tally> {
    Ok(Tally::from([(Kind::RegisteredModels, sum([model])?)]))
}

/// The tally of a version.
pub(crate) fn of_version(version: &ModelVersion) -> Result<Tally> {
    let mut version = version.clone();
    version.tags.retain(|tag| !tag.key.starts_with(OWN_TAGS));
    Ok(Tally::from([(Kind::ModelVersions, sum([version])?)]))
}

/// The points of all metrics of a run, which may come metric after metric in any order of the metrics.
#[derive(Default)]
pub(crate) struct Histories(BTreeMap<String, History>);

#[derive(Default)]
struct History {
    summing: Summing,
    /// Points at the same time and step, whose order among each other no source promises.
    together: Vec<Point>,
}

impl Histories {
    /// Adds points of a metric, by time and step.
    pub(crate) fn add(&mut self, key: &str, points: &[Point]) -> Result<()> {
        if !self.0.contains_key(key) {
            self.0.insert(key.to_owned(), History::default());
        }
        let Some(history) = self.0.get_mut(key) else { return Ok(()) };
        for point in points {
            if history.together.first().is_some_and(|first| (first.0, first.1) != (point.0, point.1)) {
                history.settle()?;
            }
            history.together.push(*point);
        }
        Ok(())
    }

    pub(crate) fn sum(mut self) -> Result<Sum> {
        let mut all = Summing::default();
        let mut count = 0;
        for (key, history) in &mut self.0 {
            history.settle()?;
            let sum = history.summing.sum();
            count += sum.count;
            all.add(&(key, sum))?;
        }
        Ok(Sum { count, ..all.sum() })
    }
}

impl History {
    fn settle(&mut self) -> Result<()> {
        let bits = |point: &Point| if point.2.is_nan() { (true, 0) } else { (false, point.2.to_bits()) };
        self.together.sort_by_key(bits);
        self.together.dedup_by_key(|point| bits(point));
        for Point(time, step, value) in self.together.drain(..) {
            self.summing.add(&Point(time, step, value))?;
        }
        Ok(())
    }
}

/// The files of a run or logged model: path, size and content.
#[derive(Default)]
pub(crate) struct Files(BTreeMap<String, (u64, Digest)>);

impl Files {
    pub(crate) fn add(&mut self, path: &str, size: u64, digest: Digest) {
        self.0.insert(path.to_owned(), (size, digest));
    }

    pub(crate) fn sum(&self) -> Result<Sum> {
        sum(&self.0)
    }
}

/// Sums up the tallies of many things. Their digests, each with the name of its thing, are added as numbers of four times
/// 64 bits: so the sum is the same in whatever order the things come, and needs no memory for them.
#[derive(Clone, Default)]
pub(crate) struct Grand(BTreeMap<Kind, (u64, [u64; 4])>);

impl Grand {
    pub(crate) fn add(&mut self, id: &str, tally: &Tally) {
        for (kind, sum) in tally {
            let (count, total) = self.0.entry(*kind).or_default();
            *count += sum.count;
            if sum.count == 0 {
                continue;
            }
            let digest = Digest::of_parts([id.as_bytes(), sum.digest.bytes()]);
            for (total, bytes) in total.iter_mut().zip(digest.bytes().as_chunks::<8>().0) {
                *total = total.wrapping_add(u64::from_le_bytes(*bytes));
            }
        }
    }

    pub(crate) fn counts(&self) -> Totals {
        self.0.iter().map(|(kind, (count, _))| (*kind, *count)).collect()
    }

    pub(crate) fn tally(&self) -> Tally {
        let sum = |(kind, (count, total)): (&Kind, &(u64, [u64; 4]))| {
            let parts: Vec<[u8; 8]> = total.iter().map(|part| part.to_le_bytes()).collect();
            (*kind, Sum { count: *count, digest: Digest::of_parts(parts.iter().map(<[u8; 8]>::as_slice)) })
        };
        self.0.iter().map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histories(parts: &[(&str, &[Point])]) -> Sum {
        let mut histories = Histories::default();
        for (key, points) in parts {
            histories.add(key, points).unwrap();
        }
        histories.sum().unwrap()
    }

    #[test]
    fn a_history_has_one_sum_however_it_is_cut_and_ties_are_ordered() {
        let (a, b, c) = (Point(1, 0, 0.5), Point(1, 0, f64::NAN), Point(2, 0, 0.0));
        let whole = histories(&[("loss", &[a, b, c]), ("auc", &[a])]);
        assert_eq!(whole.count, 4);
        assert_eq!(histories(&[("auc", &[a]), ("loss", &[b]), ("loss", &[a, a]), ("loss", &[c])]), whole);
        assert_ne!(histories(&[("loss", &[a, b]), ("auc", &[a, c])]).digest, whole.digest);
    }

    #[test]
    fn grand_totals_tell_whose_parts_they_are() {
        let of = |ids: &[&str]| {
            let mut grand = Grand::default();
            for id in ids {
                grand.add(id, &Tally::from([(Kind::Params, sum([id.len()]).unwrap())]));
            }
            grand.tally()
        };
        assert_eq!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["a", "b"]), of(&["a", "c"]));
        assert_ne!(of(&["a", "a"]), of(&["b", "b"]));
        assert_eq!(of(&["a", "b"])[&Kind::Params].count, 2);
    }
}

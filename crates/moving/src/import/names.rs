//! What things are called here.

use flyball_core::{Edit, Permit, Result, Timestamp};
use flyball_store::Tx;
use flyball_tracking::artifacts::TreePath;
use flyball_tracking::{Experiment as Stored, Lifecycle, Pair as StoredPair, experiments, import};

use super::Options;
use super::journal::{self, Entry, Thing};
use crate::record::{Experiment, Pair};
use crate::tally::{self, OWN_TAGS, Tally};

/// The tag that keeps the URI that artifacts had before.
pub(crate) const FORMER_URI: &str = "flyball.import.artifact_uri";

/// The experiment in which things arrive.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its number here.
    pub(crate) id: i64,
    /// Where its artifacts are here.
    pub(crate) root: String,
    /// Whether artifacts keep the URIs that they had.
    pub(crate) keeps_uris: bool,
}

impl Place {
    /// The URI of artifacts that had `former` and belong to what is at `below`. One that changes is kept in a tag.
    pub(crate) fn uri(&self, former: &str, below: &str, tags: &mut Vec<Pair>) -> String {
        if self.keeps_uris && TreePath::from_uri(former).is_ok() {
            return former.to_owned();
        }
        let uri = format!("{}/{below}/artifacts", self.root);
        if uri != former && !former.is_empty() {
            // An earlier move may have left its own.
            tags.retain(|tag| tag.key != FORMER_URI);
            tags.push(Pair::new(FORMER_URI, former));
        }
        uri
    }
}

/// Where an experiment of the source goes.
pub(crate) enum Placed {
    /// Into this one, which was made for it.
    Made(Place, Tally),
    /// Into this one, which an earlier call made or found.
    In(Place),
    /// Into one that was there before, whose own name, tags and times stay.
    Merged(Place),
    /// Nowhere: its name is taken.
    Taken(String),
}

/// Finds or makes the experiment in which the runs of one from the source arrive.
pub(crate) fn place(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    origin: &str,
    options: &Options,
    there: &Experiment,
    now: Timestamp,
) -> Result<Placed> {
    if let Some(known) = journal::find(tx, permit, origin, Thing::Experiment, &there.id)? {
        let here = experiments::get(tx, permit, known.target_id.parse().unwrap_or(-1))?;
        return Ok(Placed::In(placed(&here, there)));
    }
    let mut name = there.name.clone();
    let mut number = there.id.parse().ok();
    if let Some(taken) = experiments::find(tx, permit, &name)? {
        if taken.name == experiments::DEFAULT {
            if !import::is_untouched(tx, permit, taken.id)? {
                note(tx, permit, origin, there, taken.id, None)?;
                return Ok(Placed::Merged(placed(&taken, there)));
            }
            return arrive(tx, permit, origin, there, &name, taken.id, now);
        }
        let Some(suffix) = &options.rename_suffix else { return Ok(Placed::Taken(name)) };
        name.push_str(suffix);
        if experiments::find(tx, permit, &name)?.is_some() {
            return Ok(Placed::Taken(name));
        }
        number = None;
    }
    let number = import::experiment_number(tx, number)?;
    arrive(tx, permit, origin, there, &name, number, now)
}

fn placed(here: &Stored, there: &Experiment) -> Place {
    let root = here.artifact_location.clone();
    Place { id: here.id, keeps_uris: root == there.artifact_location, root }
}

fn arrive(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    origin: &str,
    there: &Experiment,
    name: &str,
    number: i64,
    now: Timestamp,
) -> Result<Placed> {
    let mut tags = there.tags.clone();
    let keeps = there.id == number.to_string() && TreePath::from_uri(&there.artifact_location).is_ok();
    let location = if keeps { there.artifact_location.clone() } else { format!("mlflow-artifacts:/{number}") };
    for (key, former, here) in
        [("artifact_location", &there.artifact_location, &location), ("name", &there.name, &name.to_owned())]
    {
        if former != here {
            tags.retain(|tag| tag.key != format!("{OWN_TAGS}{key}"));
            tags.push(Pair::new(format!("{OWN_TAGS}{key}"), former));
        }
    }
    tags.sort();
    let here = Stored {
        id: number,
        name: name.to_owned(),
        artifact_location: location,
        lifecycle: lifecycle(there.deleted),
        created_at: Timestamp(there.created_at),
        updated_at: Timestamp(there.updated_at),
        tags: stored_pairs(&tags),
    };
    import::put_experiment(tx, permit, &here, now)?;
    let tally = tally::of_experiment(&super::own::experiment(here.clone()))?;
    note(tx, permit, origin, there, number, Some(tally.clone()))?;
    Ok(Placed::Made(placed(&here, there), tally))
}

fn note(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    origin: &str,
    there: &Experiment,
    number: i64,
    tally: Option<Tally>,
) -> Result<()> {
    let entry = Entry { source_id: there.id.clone(), target_id: number.to_string(), tally, whole: true };
    journal::note(tx, permit, origin, Thing::Experiment, &entry)
}

pub(crate) fn lifecycle(deleted: bool) -> Lifecycle {
    if deleted { Lifecycle::Deleted } else { Lifecycle::Active }
}

pub(crate) fn stored_pairs(pairs: &[Pair]) -> Vec<StoredPair> {
    pairs.iter().map(|pair| StoredPair::new(pair.key.as_str(), pair.value.as_str())).collect()
}

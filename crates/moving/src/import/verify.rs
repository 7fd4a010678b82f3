//! Compares what is here with what was read, kind by kind and thing by thing.

use std::collections::BTreeMap;

use flyball_core::{ErrorCode, Result};
use serde::Serialize;

use super::journal::{self, Entry, Thing};
use super::{Arrived, Home, Progress, own};
use crate::source::{LeftOut, Source};
use crate::tally::{Grand, Kind, Sum, Tally, Totals};

/// How many rows are asked for at once.
const PAGE: usize = 500;
/// Most differences that a report names; the sums tell of the others.
const NAMED: usize = 100;

/// What an import did, and whether what is here is what was read.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it came from.
    pub origin: String,
    /// What this call brought in.
    pub moved: Totals,
    /// What all calls together brought in from there, as it was read and as it is here.
    pub compared: BTreeMap<Kind, Compared>,
    /// What is here but not as it was read, or not here any more.
    pub differences: Vec<LeftOut>,
    /// What was not carried, with the reasons.
    pub left_out: Vec<LeftOut>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// The two sides of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// What was read.
    pub read: Sum,
    /// What is here.
    pub here: Sum,
}

impl Report {
    /// Whether everything came in and is here as it was read.
    pub fn is_complete(&self) -> bool {
        self.left_out.is_empty()
            && self.differences.is_empty()
            && self.compared.values().all(|compared| compared.read == compared.here)
    }
}

pub(super) fn run(
    home: &Home,
    source: &mut dyn Source,
    arrived: Arrived,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let origin = source.origin();
    let permit = home.permit.read();
    let things = home.db.read(|tx| journal::count(tx, &permit, &origin))?;
    let (mut read, mut here, mut differences) = (Grand::default(), Grand::default(), Vec::new());
    let mut done = 0;
    for thing in Thing::ALL {
        let mut after = String::new();
        loop {
            let page = home.db.read(|tx| journal::page(tx, &permit, &origin, thing, &after, PAGE))?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.source_id);
            for entry in &page {
                done += 1;
                let Some(tally) = &entry.tally else { continue };
                let found = own_tally(home, thing, entry)?;
                let id = format!("{}\0{}", thing.as_str(), entry.source_id);
                read.add(&id, tally);
                here.add(&id, &found);
                differences.extend(differing(&entry.source_id, tally, &found));
                differences.truncate(NAMED);
            }
            progress.verified(done, things);
        }
    }
    differences.extend(uncounted(source, &arrived)?);
    let here = here.tally();
    let compared = read
        .tally()
        .into_iter()
        .map(|(kind, read)| (kind, Compared { read, here: here.get(&kind).cloned().unwrap_or_default() }))
        .collect();
    let Arrived { moved, left_out, mut notes, .. } = arrived;
    notes.extend(source.notes());
    Ok(Report { origin, moved, compared, differences, left_out, notes })
}

fn own_tally(home: &Home, thing: Thing, entry: &Entry) -> Result<Tally> {
    let permit = home.permit.read();
    let outcome = home.db.read(|tx| match thing {
        Thing::Experiment => own::tally_of_experiment(tx, &permit, &entry.target_id),
        Thing::Run => own::tally_of_run(tx, &permit, &entry.target_id),
        Thing::LoggedModel => own::tally_of_logged_model(tx, &permit, &entry.target_id),
        Thing::RegisteredModel => own::tally_of_registered(tx, &permit, &entry.target_id),
        Thing::ModelVersion => own::tally_of_version(tx, &permit, &entry.target_id),
    });
    match outcome {
        // What is missing is the difference that is looked for.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(Tally::new()),
        outcome => outcome,
    }
}

fn differing(id: &str, read: &Tally, here: &Tally) -> Vec<LeftOut> {
    let differs = |(kind, sum): (&Kind, &Sum)| {
        let found = here.get(kind);
        let count = found.map_or(0, |found| found.count);
        let reason = match count == sum.count {
            true if found == Some(sum) || sum.count == 0 => return None,
            true => "differs from what was read".to_owned(),
            false => format!("{count} are here, {} were read", sum.count),
        };
        Some(LeftOut { kind: *kind, id: id.to_owned(), reason })
    };
    read.iter().filter_map(differs).collect()
}

/// What the source itself counts and did not hand out.
fn uncounted(source: &mut dyn Source, arrived: &Arrived) -> Result<Vec<LeftOut>> {
    let Some(totals) = source.totals(&arrived.experiments)? else { return Ok(Vec::new()) };
    // What was left out has parts that nobody counted.
    if !arrived.left_out.is_empty() {
        return Ok(Vec::new());
    }
    let differs = |(kind, there): (Kind, u64)| {
        let seen = arrived.seen.get(&kind).copied().unwrap_or(0);
        let reason = format!(
            "the source counts {there} now and {seen} came in; what changes at the source after it came in is not \
             carried again"
        );
        (there != seen).then(|| LeftOut { kind, id: "all".to_owned(), reason })
    };
    Ok(totals.into_iter().filter_map(differs).collect())
}

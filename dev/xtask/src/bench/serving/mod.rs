//! Flyball as a server of models, beside the servers that are in use: the same models and rows, one server after the other.

mod cases;
mod figures;
mod flyball;
mod measure;
mod models;
mod paced;
mod peers;
mod venv;
mod wrk;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use self::figures::{Missing, Report};
use self::peers::Peer;
use super::load::Budget;
use super::scratch;
use crate::run::has;

/// How much is measured.
struct Sizes {
    budget: Budget,
    /// Endpoints beside which one endpoint is compared, and how often.
    endpoints: usize,
    rounds: usize,
}

const FULL: Sizes =
    Sizes { budget: Budget { seconds: 4.0, least: 50, most_seconds: 60.0 }, endpoints: 500, rounds: 10 };
const QUICK: Sizes = Sizes { budget: Budget { seconds: 1.0, least: 5, most_seconds: 10.0 }, endpoints: 50, rounds: 4 };
/// What `--only=` takes.
const CASES: [&str; 5] = ["sklearn", "xgboost", "binary", "worker", "endpoints"];

/// What was asked for.
struct Wanted {
    as_json: bool,
    sizes: &'static Sizes,
    peers: Vec<Peer>,
    cases: Vec<&'static str>,
}

impl Wanted {
    fn read(flags: &[&str]) -> Result<Self> {
        let mut wanted = Self { as_json: false, sizes: &FULL, peers: Peer::ALL.to_vec(), cases: CASES.to_vec() };
        let mut words = flags.iter().copied();
        while let Some(word) = words.next() {
            let (flag, given) = word.split_once('=').map_or((word, None), |(flag, given)| (flag, Some(given)));
            let mut list = || -> Result<Vec<&str>> {
                let list = given.or_else(|| words.next()).with_context(|| format!("{flag} needs a list"))?;
                Ok(list.split(',').collect())
            };
            match flag {
                "--json" => wanted.as_json = true,
                "--quick" => wanted.sizes = &QUICK,
                "--alone" => wanted.peers.clear(),
                "--peers" => wanted.peers = list()?.into_iter().map(Peer::named).collect::<Result<_>>()?,
                "--only" => {
                    let known = |name| CASES.into_iter().find(|case| *case == name);
                    let cases = list()?.into_iter().map(|name| known(name).with_context(|| format!("no case {name}")));
                    wanted.cases = cases.collect::<Result<_>>()?;
                }
                _ => bail!(
                    "bench serving knows no {word}; it knows --json, --quick, --alone, --peers={} and --only={}",
                    Peer::ALL.map(Peer::name).join(","),
                    CASES.join(",")
                ),
            }
        }
        Ok(wanted)
    }
}

/// The programs that take part.
struct Programs {
    flyball: PathBuf,
    /// A Python with MLflow's client and the libraries that the models are made with.
    python: PathBuf,
}

/// Measures Flyball and then the wanted peers, and prints the figures. A peer that fails is told of, at once and at the
/// end; the others are measured all the same.
pub(super) fn run(flags: &[&str]) -> Result<()> {
    let wanted = Wanted::read(flags)?;
    if !has("wrk") {
        bail!("this bench needs wrk; on Debian: sudo apt-get install -y wrk");
    }
    let programs = Programs { flyball: super::binary()?, python: venv::python("mlflow")? };
    for peer in &wanted.peers {
        venv::python(peer.environment())?;
    }
    let folder = scratch("serving")?;
    let mut report = Report::default();
    let models = cases::own(&programs, folder.path(), &wanted, &mut report)?;
    let mut failed = Vec::new();
    for peer in &wanted.peers {
        for model in models.both().filter(|model| wanted.cases.contains(&model.name)) {
            match peers::measure(*peer, model, &models, wanted.sizes) {
                Ok(figures) => report.add_peer(*peer, figures),
                Err(error) => {
                    let missing = format!("{}: {}", peer.name(), model.name);
                    eprintln!("error: {missing}: {error:#}");
                    let reason = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
                    report.missing.push(Missing { case: missing.clone(), reason });
                    failed.push(missing);
                }
            }
        }
    }
    if wanted.as_json {
        println!("{:#}", report.json());
    } else {
        print!("{}", report.text());
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}

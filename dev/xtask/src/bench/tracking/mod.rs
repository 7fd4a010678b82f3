//! MLflow's own server and Flyball side by side: the same load on the same databases, one after the other.

mod artifacts;
mod cases;
mod postgres;
mod side;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use self::cases::{Answers, Cases};
use self::side::{Database, Product, Programs, Side};
use super::load::Budget;
use super::table::{self, Figure, Row};
use crate::run::output;
use crate::setup;

/// How much is measured.
struct Sizes {
    budget: Budget,
    /// Seconds in which an idle server is watched.
    window: u64,
    runs: usize,
    /// Bytes of the artifact, and how often it is moved.
    artifact: u64,
    moves: usize,
}

const FULL: Sizes = Sizes {
    budget: Budget { seconds: 8.0, least: 30, most_seconds: 60.0 },
    window: 10,
    runs: 10_000,
    artifact: 512 << 20,
    moves: 3,
};
const QUICK: Sizes = Sizes {
    budget: Budget { seconds: 1.0, least: 2, most_seconds: 5.0 },
    window: 2,
    runs: 2_000,
    artifact: 16 << 20,
    moves: 1,
};
/// The runs of the search that only Flyball is asked.
const MILLION: usize = 1_000_000;
const FLAGS: [&str; 6] = ["--json", "--sqlite", "--postgres", "--million", "--quick", "--alone"];
/// What `--only=` takes.
const CASES: [&str; 5] = ["metric", "batch", "search", "history", "artifact"];

/// Measures on both databases, or on the one that a flag names, and prints the figures.
pub(super) fn run(flags: &[&str]) -> Result<()> {
    let only: Vec<&str> = flags.iter().filter_map(|flag| flag.strip_prefix("--only=")).collect();
    let is_known = |flag: &&&str| FLAGS.contains(flag) || flag.starts_with("--only=");
    let words = flags.iter().filter(|flag| !is_known(flag)).chain(only.iter().filter(|case| !CASES.contains(case)));
    if let Some(unknown) = words.into_iter().next() {
        bail!("bench tracking knows no {unknown}; it knows {} and --only={}", FLAGS.join(", "), CASES.join("|"));
    }
    let is_set = |flag: &str| flags.contains(&flag);
    let sizes = if is_set("--quick") { &QUICK } else { &FULL };
    let cases: &[&str] = if only.is_empty() { &CASES } else { &only };
    let programs = Programs { flyball: super::binary()?, python: python()? };
    let mut rows = Vec::new();
    for (database, flag) in [(Database::Sqlite, "--sqlite"), (Database::Postgres, "--postgres")] {
        if is_set(flag) || !(is_set("--sqlite") || is_set("--postgres")) {
            rows.extend(match is_set("--alone") {
                false => side_by_side(database, &programs, sizes, cases)?,
                true => {
                    Row::pairs(database.name(), one_side(Product::Flyball, database, &programs, sizes, cases)?.0, &[])
                }
            });
        }
    }
    if is_set("--million") {
        let runs = if is_set("--quick") { MILLION / 10 } else { MILLION };
        rows.extend(Row::pairs(Database::Sqlite.name(), many_runs(runs, &programs, sizes)?, &[]));
    }
    if is_set("--json") {
        println!("{:#}", table::json(&rows));
    } else {
        print!("{}", table::text(&rows));
    }
    Ok(())
}

fn side_by_side(database: Database, programs: &Programs, sizes: &Sizes, wanted: &[&str]) -> Result<Vec<Row>> {
    let (own, answers) = one_side(Product::Flyball, database, programs, sizes, wanted)?;
    let (peer, expected) = one_side(Product::Mlflow, database, programs, sizes, wanted)?;
    if answers != expected {
        bail!("Flyball and MLflow found different runs on {}: nothing to compare", database.name());
    }
    Ok(Row::pairs(database.name(), own, &peer))
}

/// The wanted cases on one product, and what it answered.
fn one_side(
    product: Product,
    database: Database,
    programs: &Programs,
    sizes: &Sizes,
    wanted: &[&str],
) -> Result<(Vec<Figure>, Answers)> {
    let side = Side::start(product, database, programs)?;
    measure(&side, programs, sizes, wanted).inspect_err(|_| eprintln!("{}", side.logged()))
}

fn measure(side: &Side, programs: &Programs, sizes: &Sizes, wanted: &[&str]) -> Result<(Vec<Figure>, Answers)> {
    let mut cases = Cases::new(side, sizes);
    cases.idle();
    let experiment = side.experiment("filled")?;
    side.fill(programs, &experiment, sizes.runs)?;
    for case in wanted {
        match *case {
            "metric" => cases.log_metric()?,
            "batch" => cases.log_batch()?,
            "search" => cases.search(&experiment, sizes.runs)?,
            "history" => cases.history()?,
            _ => artifacts::measure(&mut cases)?,
        }
    }
    cases.loaded();
    Ok((cases.figures, cases.answers))
}

fn many_runs(runs: usize, programs: &Programs, sizes: &Sizes) -> Result<Vec<Figure>> {
    let side = Side::start(Product::Flyball, Database::Sqlite, programs)?;
    let experiment = side.experiment("filled")?;
    let side = side.fill_offline(programs, &experiment, runs)?;
    let mut cases = Cases::new(&side, sizes);
    cases.search(&experiment, runs)?;
    cases.loaded();
    Ok(cases.figures)
}

/// A Python with MLflow and a driver for PostgreSQL: what `FLYBALL_PYTHON` names, otherwise that of the tests.
fn python() -> Result<PathBuf> {
    let python = std::env::var("FLYBALL_PYTHON").map(PathBuf::from).or_else(|_| setup::python())?;
    let test = "import importlib.util as u; assert u.find_spec('mlflow') and u.find_spec('psycopg2')";
    output(Command::new(&python).args(["-c", test])).with_context(|| {
        format!("{} lacks the packages mlflow or psycopg2-binary; install them with pip", python.display())
    })?;
    Ok(python)
}

//! A large artifact up and down through the server, beside copies of the same file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::cases::Cases;
use super::side::Side;
use crate::bench::load::Connection;
use crate::bench::table::{Better, Goal};

/// Seconds of one round.
struct Round {
    copy: f64,
    copy_and_sync: f64,
    up: f64,
    down: f64,
}

/// Measures the transfers; each figure is the median over the rounds.
pub(super) fn measure(cases: &mut Cases<'_>) -> Result<()> {
    let (side, size) = (cases.side, cases.sizes.artifact);
    let case = format!("artifact of {} MB", size >> 20);
    eprintln!("  {}: {case}", side.name());
    let (experiment, ended) = (side.experiment("artifacts")?, AtomicBool::new(false));
    let (rounds, peak) = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| peak(side, &ended));
        let rounds = (0..cases.sizes.moves).map(|_| round(side, &experiment, size)).collect::<Result<Vec<_>>>();
        ended.store(true, Relaxed);
        (rounds, sampler.join().unwrap_or(f64::NAN))
    });
    let rounds = rounds.with_context(|| format!("{}: {case}", side.name()))?;
    let median = |seconds: fn(&Round) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(seconds).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let goal = Goal::most(1.5);
    for (name, value, goal) in [
        ("cp s", median(|round| round.copy), Goal::default()),
        ("cp and sync s", median(|round| round.copy_and_sync), Goal::default()),
        ("up s", median(|round| round.up), Goal::default()),
        ("up, times cp", median(|round| round.up / round.copy), Goal::default()),
        ("up, times cp and sync", median(|round| round.up / round.copy_and_sync), goal),
        ("down s", median(|round| round.down), Goal::default()),
        ("down, times cp", median(|round| round.down / round.copy), goal),
        ("peak memory MB (PSS)", peak, Goal::most(100.0)),
    ] {
        cases.add(&case, name, value, Better::Less, goal);
    }
    Ok(())
}

/// New bytes each time: what is there already might not be written again.
fn round(side: &Side, experiment: &str, size: u64) -> Result<Round> {
    let [original, copy, back] = ["original", "copy", "back"].map(|name| side.folder.path().join(name));
    let mut file = File::create(&original)?;
    io::copy(&mut File::open("/dev/urandom")?.take(size), &mut file)?;
    file.sync_all()?;
    let uri = side.run(experiment)?.1;
    let place = uri.strip_prefix("mlflow-artifacts:/").context("artifacts do not go through the server")?;
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{}/model.bin", place.trim_start_matches('/'));

    let plain = timed(|| done(Command::new("cp").args([&original, &copy])))?;
    std::fs::remove_file(&copy)?;
    let copy_and_sync = timed(|| {
        done(Command::new("cp").args([&original, &copy]))?;
        done(Command::new("sync").arg(&copy))
    })?;
    let up = timed(|| {
        let mut connection = Connection::open(&side.address)?;
        connection.put(&path, &mut File::open(&original)?, size)
    })?;
    let down = timed(|| {
        let length = Connection::open(&side.address)?.get(&path, &mut File::create(&back)?)?;
        if length == size { Ok(()) } else { bail!("{length} of {size} bytes came back") }
    })?;
    if !is_same(&original, &back)? {
        bail!("the artifact came back changed");
    }
    Ok(Round { copy: plain, copy_and_sync, up, down })
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn done(command: &mut Command) -> Result<()> {
    if command.status()?.success() { Ok(()) } else { bail!("{command:?} failed") }
}

fn is_same(one: &Path, other: &Path) -> Result<bool> {
    Ok(Command::new("cmp").arg("-s").args([one, other]).status()?.success())
}

/// The most memory that the server has until `ended`.
fn peak(side: &Side, ended: &AtomicBool) -> f64 {
    let mut peak: f64 = 0.0;
    while !ended.load(Relaxed) {
        peak = peak.max(side.server.memory());
        std::thread::sleep(Duration::from_millis(100));
    }
    peak
}

//! One server under load: what it costs, and how long it takes.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Context, Result};

use super::figures::Figure;
use super::wrk::Script;
use super::{Sizes, paced};
use crate::bench::load::{self, Budget, Shape};
use crate::bench::process::Server;

/// Connections of the closed loops; the goals are set at the most of them.
const CONNECTIONS: [usize; 3] = [1, 8, 64];
/// How often each number of connections is measured, and how many windows there are at half load.
const ROUNDS: usize = 3;
const WINDOWS: usize = 5;
/// With fewer requests a connection, those that wrk cuts off at its end would count: they cost CPU and are no requests.
const ENOUGH: f64 = 50.0;

/// Where requests go, and their bodies in JSON.
pub(super) struct Target {
    pub(super) address: String,
    pub(super) path: String,
    pub(super) bodies: Vec<String>,
}

/// What a closed loop saw; times in milliseconds.
pub(super) struct Seen {
    pub(super) requests: f64,
    pub(super) seconds: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// The target at all numbers of connections, and at half of its most.
pub(super) fn server(who: &str, server: &Server, target: &Target, model: &str, sizes: &Sizes) -> Result<Vec<Figure>> {
    let asked: Vec<(&str, &[u8])> = target.bodies.iter().map(|body| (target.path.as_str(), body.as_bytes())).collect();
    let script = Script::json(&asked)?;
    let (mut figures, mut most) = (Vec::new(), 0.0);
    for connections in CONNECTIONS {
        let case = format!("{model}, {connections} connection{}", if connections == 1 { "" } else { "s" });
        eprintln!("  {who}: {case}");
        let (seen, spent) =
            closed(server, target, &script, connections, sizes.budget).with_context(|| format!("{who}: {case}"))?;
        let cpu = Figure::less(&case, "CPU µs/request", spent / seen.requests * 1e6);
        figures.push(if Some(&connections) == CONNECTIONS.last() { cpu.most(25.0).compared() } else { cpu });
        most = seen.requests / seen.seconds;
        figures.push(Figure::more(&case, "requests/s", most));
        figures.push(Figure::less(&case, "p50 ms", seen.p50));
        figures.push(Figure::less(&case, "p99 ms", seen.p99));
        figures.push(Figure::less(&case, "memory MB (PSS)", server.memory()));
    }
    let case = format!("{model}, half of the most requests/s");
    eprintln!("  {who}: {case}");
    let connections = CONNECTIONS[CONNECTIONS.len() - 1];
    let window = || paced::run(target, connections, most / 2.0, sizes.budget.seconds / 2.0);
    let windows = (0..WINDOWS).map(|_| window()).collect::<Result<Vec<_>>>();
    let paced = middle(windows.with_context(|| format!("{who}: {case}"))?, |paced| paced.p99)?;
    figures.push(Figure::more(&case, "requests/s", most / 2.0));
    figures.push(Figure::less(&case, "p50 ms", paced.p50));
    figures.push(Figure::less(&case, "p99 ms", paced.p99).most(1.0));
    figures.push(Figure::less(&case, "p99 ms from sending", paced.sent_p99));
    figures.push(Figure::less(&case, "sent late by p99 ms", paced.late_p99));
    Ok(figures)
}

/// Warms up, then measures; with the CPU seconds of the server. Of several rounds, the one whose CPU is in the middle.
fn closed(
    server: &Server,
    target: &Target,
    script: &Script,
    connections: usize,
    budget: Budget,
) -> Result<(Seen, f64)> {
    let turn = AtomicUsize::new(0);
    let body = |_: usize| target.bodies[turn.fetch_add(1, Relaxed) % target.bodies.len()].clone();
    let shape = Shape { method: "POST", path: target.path.clone(), body: &body };
    let warm = Budget { seconds: budget.seconds / 4.0, least: connections, ..budget };
    let warmed = load::run(&target.address, connections, warm, &shape)?;
    let expected = warmed.requests() as f64 / warmed.wall * budget.seconds;
    let round = || -> Result<(Seen, f64)> {
        let before = server.cpu();
        let seen = if expected < ENOUGH * connections as f64 {
            let timing = load::run(&target.address, connections, budget, &shape)?;
            let (p50, p99) = (timing.percentile(50), timing.percentile(99));
            Seen { requests: timing.requests() as f64, seconds: timing.wall, p50, p99 }
        } else {
            script.run(&target.address, connections, budget.seconds)?
        };
        Ok((seen, server.cpu() - before))
    };
    let rounds = (0..ROUNDS).map(|_| round()).collect::<Result<Vec<_>>>()?;
    middle(rounds, |(seen, spent)| spent / seen.requests)
}

/// The one in the middle: what the machine does beside this disturbs some rounds.
fn middle<T>(mut rounds: Vec<T>, value: impl Fn(&T) -> f64) -> Result<T> {
    rounds.sort_by(|one, other| value(one).total_cmp(&value(other)));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle).context("nothing was measured")
}

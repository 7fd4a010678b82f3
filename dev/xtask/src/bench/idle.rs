//! A server that nobody asks.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::load::Connection;
use super::process::{Server, resident};
use super::{round, scratch, text};

/// Goals: 40 MB, and `/health` within 300 ms of the start.
pub(super) fn run(binary: &Path) -> Result<Value> {
    let folder = scratch("idle")?;
    let started = Instant::now();
    let (server, address) = Server::flyball(binary, &["--project", &text(folder.path())])?;
    Connection::open(&address)?.call("GET", "/health", "")?;
    let healthy = started.elapsed().as_secs_f64() * 1000.0;
    std::thread::sleep(Duration::from_secs(5));
    let memory = resident(server.child.id()).unwrap_or_default();
    Ok(json!({ "start to /health ms (goal 300)": round(healthy), "idle memory MB (goal 40)": round(memory) }))
}

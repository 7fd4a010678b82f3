//! One row a request against a boosted model, everything on.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::process::{Server, usage};
use super::{round, scratch, text};
use crate::run::{self, command, has};

/// What is asked: one row of the diabetes data.
const BODY: &str = r#"{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[59]},{"name":"sex","shape":[1],"datatype":"FP64","data":[2]},{"name":"bmi","shape":[1],"datatype":"FP64","data":[32.1]},{"name":"bp","shape":[1],"datatype":"FP64","data":[101]},{"name":"s1","shape":[1],"datatype":"FP64","data":[157]},{"name":"s2","shape":[1],"datatype":"FP64","data":[93.2]},{"name":"s3","shape":[1],"datatype":"FP64","data":[38]},{"name":"s4","shape":[1],"datatype":"FP64","data":[4]},{"name":"s5","shape":[1],"datatype":"FP64","data":[4.8598]},{"name":"s6","shape":[1],"datatype":"FP64","data":[87]}]}"#;

/// Goal: 30 µs of CPU a request at 64 connections.
pub(super) fn run(binary: &Path) -> Result<Value> {
    if !has("wrk") {
        bail!("this bench needs wrk; on Debian: sudo apt-get install -y wrk");
    }
    let folder = scratch("infer")?;
    run::run(command(&["cp", "-r", "examples/diabetes/."]).arg(folder.path()))?;
    run::run(Command::new(binary).args(["apply", "--project"]).arg(folder.path()))?;
    let (server, address) = Server::flyball(binary, &["--project", &text(folder.path())])?;
    let pid = server.child.id();
    let script = folder.path().join("post.lua");
    let text = format!("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{BODY}'\n");
    std::fs::write(&script, text)?;
    let url = format!("http://{address}/v2/models/diabetes-progression/infer");
    let mut figures = serde_json::Map::new();
    for connections in ["1", "8", "64"] {
        let before = usage(pid).context("the server is gone")?.0;
        let mut load = Command::new("wrk");
        load.args(["-t1", "-d8s", "--latency", "-c", connections, "-s"]).arg(&script).arg(&url);
        let printed = run::output(&mut load).context("wrk failed")?;
        let spent = usage(pid).context("the server is gone")?.0 - before;
        if printed.contains("Non-2xx") {
            bail!("some requests were refused:\n{printed}");
        }
        let requests: f64 = printed
            .lines()
            .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())
            .context("wrk told no number of requests")?;
        let line = |name: &str| {
            let found = printed.lines().find(|line| line.trim().starts_with(name));
            found.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("–").to_owned()
        };
        figures.insert(format!("cpu µs a request at {connections}"), round(spent / requests * 1e6));
        figures.insert(format!("requests/s at {connections}"), round(requests / 8.0));
        figures.insert(format!("p99 at {connections}"), line("99%").into());
    }
    Ok(Value::Object(figures))
}

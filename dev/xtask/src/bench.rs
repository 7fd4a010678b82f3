//! Measurements of the shipped binary, as whole processes: wall time, CPU time, memory. Never a test: machines differ.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::run::{self, command, has, root};

/// The clock ticks of a second in /proc (fixed to 100 in Linux's interface).
const TICKS: f64 = 100.0;

/// Runs the bench called `name` and prints its figures.
pub(crate) fn run(name: &str, as_json: bool) -> Result<()> {
    let binary = build()?;
    let figures = match name {
        "demo" => demo(&binary)?,
        "idle" => idle(&binary)?,
        "infer" => infer(&binary)?,
        other => bail!("there is no bench '{other}'; there are demo, idle and infer"),
    };
    if as_json {
        println!("{figures:#}");
    } else {
        for (figure, value) in figures.as_object().into_iter().flatten() {
            println!("{figure:<34} {value}");
        }
    }
    Ok(())
}

/// The shipped binary, built as users build it.
pub(crate) fn build() -> Result<PathBuf> {
    run::run(&mut command(&["cargo", "build", "--release", "--package", "flyball-cli"]))?;
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from);
    Ok(target.join("release/flyball"))
}

/// The year of flights: goals 120 s on two idle cores, 500 MB.
fn demo(binary: &Path) -> Result<Value> {
    let folder = scratch("demo")?;
    let mut child = Command::new(binary)
        .args(["demo", "--exit", "--json", "--port", "0", "--dir"])
        .arg(&folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let started = Instant::now();
    let mut printed = String::new();
    let mut output = child.stdout.take().context("no output")?;
    let reader = std::thread::spawn(move || output.read_to_string(&mut printed).map(|_| printed));
    let (mut cpu, mut peak) = (0.0, 0.0);
    while child.try_wait()?.is_none() {
        (cpu, peak) = usage(child.id()).unwrap_or((cpu, peak));
        std::thread::sleep(Duration::from_millis(100));
    }
    let wall = started.elapsed().as_secs_f64();
    let printed = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
    let progress: Value = serde_json::from_str(&printed).context("the demo's JSON")?;
    let policy = |position: usize, key: &str| progress["policies"][position][key].clone();
    Ok(json!({
        "wall seconds (goal 120)": round(wall),
        "cpu seconds": round(cpu),
        "peak memory MB (goal 500)": round(peak),
        "predictions": progress["served"],
        "retrainings loop": policy(0, "retrainings"),
        "retrainings monthly": policy(2, "retrainings"),
        "mean monthly auc loop": mean_auc(&progress["policies"][0]),
        "mean monthly auc never": mean_auc(&progress["policies"][1]),
        "mean monthly auc monthly": mean_auc(&progress["policies"][2]),
    }))
}

fn mean_auc(policy: &Value) -> Value {
    let months = policy["months"].as_array().map(Vec::as_slice).unwrap_or_default();
    let values: Vec<f64> = months.iter().filter_map(|month| month["metrics"]["auc"]["value"].as_f64()).collect();
    round3(values.iter().sum::<f64>() / values.len().max(1) as f64)
}

/// A server that nobody asks: goals 40 MB, and `/health` within 300 ms of the start.
fn idle(binary: &Path) -> Result<Value> {
    let folder = scratch("idle")?;
    let started = Instant::now();
    let (mut server, address) = serve(binary, &folder)?;
    request(&address, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let healthy = started.elapsed().as_secs_f64() * 1000.0;
    std::thread::sleep(Duration::from_secs(5));
    let memory = resident(server.id()).unwrap_or_default();
    stop(&mut server)?;
    Ok(json!({ "start to /health ms (goal 300)": round(healthy), "idle memory MB (goal 40)": round(memory) }))
}

/// One row a request at 64 connections against a boosted model, everything on: goal 30 µs of CPU a request.
fn infer(binary: &Path) -> Result<Value> {
    if !has("wrk") {
        bail!("this bench needs wrk; on Debian: sudo apt-get install -y wrk");
    }
    let folder = scratch("infer")?;
    run::run(command(&["cp", "-r", "examples/diabetes/."]).arg(&folder))?;
    run::run(Command::new(binary).args(["apply", "--project"]).arg(&folder))?;
    let (mut server, address) = serve(binary, &folder)?;
    let body = r#"{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[59]},{"name":"sex","shape":[1],"datatype":"FP64","data":[2]},{"name":"bmi","shape":[1],"datatype":"FP64","data":[32.1]},{"name":"bp","shape":[1],"datatype":"FP64","data":[101]},{"name":"s1","shape":[1],"datatype":"FP64","data":[157]},{"name":"s2","shape":[1],"datatype":"FP64","data":[93.2]},{"name":"s3","shape":[1],"datatype":"FP64","data":[38]},{"name":"s4","shape":[1],"datatype":"FP64","data":[4]},{"name":"s5","shape":[1],"datatype":"FP64","data":[4.8598]},{"name":"s6","shape":[1],"datatype":"FP64","data":[87]}]}"#;
    let script = folder.join("post.lua");
    let text = format!("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'\n");
    std::fs::write(&script, text)?;
    let url = format!("http://{address}/v2/models/diabetes-progression/infer");
    let mut figures = serde_json::Map::new();
    for connections in ["1", "8", "64"] {
        let before = usage(server.id()).context("the server is gone")?.0;
        let mut load = Command::new("wrk");
        load.args(["-t1", "-d8s", "--latency", "-c", connections, "-s"]).arg(&script).arg(&url);
        let printed = run::output(&mut load).context("wrk failed")?;
        let spent = usage(server.id()).context("the server is gone")?.0 - before;
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
    stop(&mut server)?;
    Ok(Value::Object(figures))
}

/// Starts a server on a free port and reads its address from the line that it prints when it is ready.
fn serve(binary: &Path, folder: &Path) -> Result<(Child, String)> {
    let mut server =
        Command::new(binary).args(["serve", "--port", "0", "--project"]).arg(folder).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().context("no output")?).read_line(&mut line)?;
    let address = line.trim().rsplit_once("http://").context("the server told no address")?.1.to_owned();
    Ok((server, address))
}

fn stop(server: &mut Child) -> Result<()> {
    run::run(Command::new("kill").args(["-TERM", &server.id().to_string()]))?;
    server.wait()?;
    Ok(())
}

fn request(address: &str, text: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("{address} answered {answer}");
    }
    Ok(())
}

/// CPU seconds and peak resident megabytes of a process so far.
fn usage(pid: u32) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |position: usize| fields.get(position)?.parse::<f64>().ok();
    Some(((ticks(11)? + ticks(12)?) / TICKS, status(pid, "VmHWM:")?))
}

fn resident(pid: u32) -> Option<f64> {
    status(pid, "VmRSS:")
}

fn status(pid: u32, field: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kilobytes: f64 =
        status.lines().find_map(|line| line.strip_prefix(field))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// An empty folder for one bench.
fn scratch(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("flyball-bench-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn round(value: f64) -> Value {
    json!((value * 10.0).round() / 10.0)
}

fn round3(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}

//! What is measured of Flyball.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::figures::{Figure, Report};
use super::flyball::{Flyball, path};
use super::models::{Form, Model, Models};
use super::wrk::Script;
use super::{Programs, Wanted, measure};
use crate::run::{output, root};

/// Bytes of the large tensor.
const TENSOR: usize = 1 << 20;

/// Starts Flyball, registers the models with it, measures the wanted cases, and stops it.
pub(super) fn own(programs: &Programs, folder: &Path, wanted: &Wanted, report: &mut Report) -> Result<Models> {
    let mut flyball = Flyball::start(programs, folder)?;
    let models = Models::make(programs, &flyball.address, folder)?;
    for case in &wanted.cases {
        match *case {
            "sklearn" => classifier(&flyball, &models.sklearn, &["sklearn-onnx"], wanted, report)?,
            "xgboost" => classifier(&flyball, &models.xgboost, &["xgboost-native", "xgboost-onnx"], wanted, report)?,
            "binary" => binary(&flyball, programs, &models, wanted, report)?,
            "worker" => worker(&flyball, programs, &models, wanted, report)?,
            _ => {
                // What loads before have left in memory is no part of an endpoint.
                drop(flyball);
                flyball = Flyball::start(programs, folder)?;
                endpoints(&flyball, &models.sklearn, wanted, report)?;
            }
        }
    }
    Ok(models)
}

/// One row a request; of the versions the first that is not refused.
fn classifier(flyball: &Flyball, model: &Model, versions: &[&str], wanted: &Wanted, report: &mut Report) -> Result<()> {
    for version in versions {
        match flyball.deploy(model.name, &format!("{version}/1"))? {
            Err(refused) => report.miss(&format!("{} as {version}", model.name), refused),
            Ok(()) => {
                let target = flyball.target(model.name, model);
                model.check(&target)?;
                report.add(measure::server("flyball", &flyball.server, &target, model.name, wanted.sizes)?);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A megabyte as bytes, beside what it costs to copy and to reckon with it.
fn binary(flyball: &Flyball, programs: &Programs, models: &Models, wanted: &Wanted, report: &mut Report) -> Result<()> {
    let case = "binary tensor of 1 MB";
    if let Err(refused) = flyball.deploy("mean", "mean-onnx/1")? {
        report.miss(case, format!("not available: {refused}"));
        return Ok(());
    }
    eprintln!("  flyball: {case}");
    let columns = TENSOR / size_of::<f32>();
    let head = format!(
        r#"{{"inputs":[{{"name":"x","shape":[1,{columns}],"datatype":"FP32","parameters":{{"binary_data_size":{TENSOR}}}}}]}}"#
    );
    let mut body = head.clone().into_bytes();
    body.extend((0..columns).flat_map(|number| ((number % 997) as f32 / 997.0).to_le_bytes()));
    let length = head.len().to_string();
    let headers = [("Content-Type", "application/octet-stream"), ("Inference-Header-Content-Length", length.as_str())];
    let path = path("mean");
    let script = Script::new(&headers, &[(&path, &body)])?;
    script.run(&flyball.address, 1, 1.0)?;
    let before = flyball.server.cpu();
    let seen = script.run(&flyball.address, 1, wanted.sizes.budget.seconds)?;
    let cpu = (flyball.server.cpu() - before) / seen.requests * 1e6;
    let direct = direct(programs, models, "tensor")?;
    let part = |name: &str| direct[name].as_f64().with_context(|| format!("no {name}"));
    let (copy, engine, receive) = (part("copy")?, part("engine")?, part("receive")?);
    report.add([
        Figure::less(case, "p50 µs", seen.p50 * 1e3),
        Figure::less(case, "p99 µs", seen.p99 * 1e3),
        Figure::less(case, "CPU µs/request", cpu),
        Figure::less(case, "memory copy µs", copy),
        Figure::less(case, "engine in Python µs", engine),
        Figure::less(case, "received by a bare socket, CPU µs", receive),
        Figure::less(case, "CPU, times copy and engine", cpu / (copy + engine)).most(1.2),
        Figure::less(case, "CPU, times socket, copy and engine", cpu / (receive + copy + engine)),
    ]);
    Ok(())
}

/// A model that only Python can load, beside the same call inside of Python.
fn worker(flyball: &Flyball, programs: &Programs, models: &Models, wanted: &Wanted, report: &mut Report) -> Result<()> {
    let case = "Python worker";
    if let Err(refused) = flyball.deploy("worker", "sklearn-pickle/1")? {
        report.miss(case, format!("not available: {refused}"));
        return Ok(());
    }
    let target = flyball.target("worker", &models.sklearn);
    models.sklearn.check(&target)?;
    let bodies: Vec<(&str, &[u8])> = target.bodies.iter().map(|body| (target.path.as_str(), body.as_bytes())).collect();
    let script = Script::json(&bodies)?;
    let direct = direct(programs, models, "pickle")?;
    let part = |name: &str| direct[name].as_f64().with_context(|| format!("no {name}"));
    let (wall, cpu, bare) = (part("pyfunc")?, part("pyfunc_cpu")?, part("sklearn")?);
    for connections in [1, 8] {
        let case = format!("{case}, {connections} connection{}", if connections == 1 { "" } else { "s" });
        eprintln!("  flyball: {case}");
        script.run(&flyball.address, connections, 1.0)?;
        let before = flyball.server.cpu();
        let seen = script.run(&flyball.address, connections, wanted.sizes.budget.seconds)?;
        let spent = (flyball.server.cpu() - before) / seen.requests * 1e6;
        report.add([
            Figure::less(&case, "CPU µs/request", spent),
            Figure::less(&case, "CPU µs over the model's own", spent - cpu),
            Figure::more(&case, "requests/s", seen.requests / seen.seconds),
            Figure::less(&case, "p50 µs", seen.p50 * 1e3),
            Figure::less(&case, "p99 µs", seen.p99 * 1e3),
        ]);
        if connections == 1 {
            report.add([
                Figure::less(&case, "predict of pyfunc in Python, p50 µs", wall),
                Figure::less(&case, "predict of scikit-learn in Python, p50 µs", bare),
                Figure::less(&case, "p50 µs over the model's own", seen.p50 * 1e3 - wall).most(40.0),
            ]);
        }
    }
    report.add([Figure::less(case, "memory MB (PSS)", flyball.server.memory())]);
    Ok(())
}

/// Many endpoints of one model, asked by chance, beside one of them.
fn endpoints(flyball: &Flyball, model: &Model, wanted: &Wanted, report: &mut Report) -> Result<()> {
    let sizes = wanted.sizes;
    let case = format!("{} endpoints", sizes.endpoints);
    eprintln!("  flyball: {case}");
    let bodies = model.bodies(Form::Tensor);
    let version = "sklearn-onnx/1";
    let before = flyball.server.memory();
    for number in 0..sizes.endpoints {
        if let Err(refused) = flyball.deploy(&format!("many-{number}"), version)? {
            report.miss(&case, format!("not available: {refused}"));
            return Ok(());
        }
    }
    let deployed = flyball.server.memory();
    let paths: Vec<String> = (0..sizes.endpoints).map(|number| path(&format!("many-{number}"))).collect();
    // As many requests in both scripts: the generator must not differ.
    let asked = |path: &dyn Fn(usize) -> usize| -> Result<Script> {
        let one = |number: usize| (paths[path(number)].as_str(), bodies[number % bodies.len()].as_bytes());
        Script::json(&(0..sizes.endpoints).map(one).collect::<Vec<_>>())
    };
    let (one, many) = (asked(&|_| 0)?, asked(&|number| number)?);
    let spent = |script: &Script| -> Result<f64> {
        let before = flyball.server.cpu();
        let seen = script.run(&flyball.address, 64, sizes.budget.seconds)?;
        Ok((flyball.server.cpu() - before) / seen.requests * 1e6)
    };
    spent(&many)?;
    // In turns: what the machine does beside this changes more over minutes than what is looked for.
    let (mut single, mut several, mut extra) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..sizes.rounds {
        let (first, second) = if round % 2 == 0 { (&one, &many) } else { (&many, &one) };
        let (first, second) = (spent(first)?, spent(second)?);
        let (alone, among) = if round % 2 == 0 { (first, second) } else { (second, first) };
        single.push(alone);
        several.push(among);
        extra.push(among - alone);
    }
    report.add([
        Figure::less(&case, "CPU µs/request, one of them asked", median(single)),
        Figure::less(&case, "CPU µs/request, all of them asked", median(several)),
        Figure::less(&case, "extra µs", median(extra)).most(1.0),
        Figure::less(&case, "memory kB each (PSS)", (deployed - before) * 1024.0 / sizes.endpoints as f64),
        Figure::less(&case, "memory MB after the load (PSS)", flyball.server.memory()),
    ]);
    Ok(())
}

/// What the same takes without a server; see dev/bench/serving/direct.py.
fn direct(programs: &Programs, models: &Models, what: &str) -> Result<Value> {
    let mut script = Command::new(&programs.python);
    script.arg(root().join("dev/bench/serving/direct.py")).arg(what).arg(&models.folder).env("OMP_NUM_THREADS", "1");
    let printed = output(&mut script).with_context(|| format!("direct.py {what} failed"))?;
    Ok(serde_json::from_str(&printed)?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

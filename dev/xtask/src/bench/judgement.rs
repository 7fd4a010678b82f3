//! What judging models costs and how right it is, beside the field's tools: the measurements of `dev/bench/judgement`.
//!
//! Each runs as a process of its own. The figures of `peers_NAME.py` beside it, in an environment of `peers_NAME.txt`, are put
//! next to Flyball's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::table::short;
use crate::run::{self, command, root};
use crate::setup;

/// What is wanted of a figure.
#[derive(Clone, Copy)]
enum Wanted {
    /// At most so much.
    Most(f64),
    /// At least so much.
    Least(f64),
    /// Less than the peers, by any factor.
    Less,
    /// More than the peers.
    More,
}

use Wanted::{Least, Less, More, Most};

/// A figure that has a goal or a peer: the measurement, its name, what is wanted, and the peers' figures to put beside it.
/// Figures that are not listed are shown all the same.
type Listed = (&'static str, &'static str, Wanted, &'static [&'static str]);

const LISTED: &[Listed] = &[
    // One a line.
    ("calibration", "false_alarms_1000_200.rows", Most(0.075), &["drift:evidently_false_alarms_1000_200"]),
    ("calibration", "false_alarms_1000_1000.rows", Most(0.075), &["drift:evidently_false_alarms_1000_1000"]),
    ("calibration", "false_alarms_1000_5000.rows", Most(0.075), &[]),
    ("calibration", "false_alarms_5000_500.rows", Most(0.075), &["drift:evidently_false_alarms_5000_500"]),
    ("calibration", "false_alarms_20000_2000.rows", Most(0.075), &[]),
    ("calibration", "false_alarms_100000_1000.rows", Most(0.075), &[]),
    ("calibration", "false_alarms_100000_100000.rows", Most(0.075), &[]),
    ("calibration", "power_1000_1000.rows", Least(0.75), &[]),
    ("calibration", "power_20000_2000.rows", Least(0.95), &[]),
    ("calibration", "year_1000_1000.pages", Most(1.0), &[]),
    ("calibration", "year_5000_500.pages", Most(1.0), &[]),
    ("calibration", "year_20000_2000.pages", Most(1.0), &[]),
    ("drift", "report_milliseconds", Most(50.0), &["evidently_milliseconds", "alibi_detect_milliseconds"]),
    ("drift-large", "minutes_on_two_cores", Most(2.0), &[]),
    ("drift-large", "peak_mebibytes", Most(1024.0), &[]),
    ("fairness", "report_4_groups_ms", Less, &["metrics:fairlearn_ms"]),
    ("fairness", "confusion_rates_and_disparities_ms", Less, &["metrics:fairlearn_ms"]),
    ("metrics", "all_metrics_ms", Less, &["scikit_learn_all_metrics_ms"]),
    ("metrics", "all_metrics_and_fairness_with_slices_ms", Most(100.0), &["all_metrics_and_fairness_with_slices_ms"]),
    (
        "shap",
        "path_dependent_rows_per_cpu_s",
        Least(5600.0),
        &["shap_path_dependent_rows_per_cpu_s", "xgboost_path_dependent_rows_per_cpu_s"],
    ),
    ("shap", "interventional_100_rows_per_cpu_s", More, &["shap_interventional_100_rows_per_cpu_s"]),
    ("shap", "interactions_rows_per_cpu_s", More, &["shap_interactions_rows_per_cpu_s"]),
    ("shap", "kernel_rows_per_cpu_s", More, &["shap_kernel_rows_per_cpu_s"]),
    ("shap", "additivity_worst", Most(1e-6), &[]),
    ("streams", "adwin_updates_per_cpu_second", More, &["adwin_updates_per_cpu_second"]),
    ("streams", "page_hinkley_updates_per_cpu_second", More, &["page_hinkley_updates_per_cpu_second"]),
    ("streams", "ddm_updates_per_cpu_second", More, &["ddm_updates_per_cpu_second"]),
    ("streams", "eddm_updates_per_cpu_second", More, &["eddm_updates_per_cpu_second"]),
    ("streams", "hddm_a_updates_per_cpu_second", More, &["hddm_a_updates_per_cpu_second"]),
    ("streams", "hddm_w_updates_per_cpu_second", More, &["hddm_w_updates_per_cpu_second"]),
    ("streams", "fhddm_updates_per_cpu_second", More, &["fhddm_updates_per_cpu_second"]),
    ("streams", "kswin_updates_per_cpu_second", More, &["kswin_updates_per_cpu_second"]),
    ("windows", "rows_per_cpu_second", Least(1e6), &[]),
    ("windows", "bytes_per_column_most", Most(1000.0), &[]),
    ("windows", "judge_milliseconds", Most(1.0), &["drift:evidently_milliseconds"]),
];

/// Measurements that take minutes, which `--quick` leaves out.
const LONG: [&str; 2] = ["calibration", "drift-large"];

/// What was asked for.
struct Asked {
    as_json: bool,
    quick: bool,
    alone: bool,
    only: Option<Vec<String>>,
}

impl Asked {
    fn read(flags: &[&str]) -> Result<Self> {
        let mut asked = Self { as_json: false, quick: false, alone: false, only: None };
        for flag in flags {
            match flag.split_once('=').unwrap_or((flag, "")) {
                ("--json", "") => asked.as_json = true,
                ("--quick", "") => asked.quick = true,
                ("--alone", "") => asked.alone = true,
                ("--only", names) if !names.is_empty() => {
                    asked.only = Some(names.split(',').map(str::to_owned).collect());
                }
                _ => bail!("bench judgement knows no {flag}; it knows --json, --quick, --alone and --only=NAME,…"),
            }
        }
        Ok(asked)
    }

    fn wants(&self, name: &str) -> bool {
        match &self.only {
            Some(only) => only.iter().any(|wanted| wanted == name),
            None => !(self.quick && LONG.contains(&name)),
        }
    }
}

/// One figure, with a peer's if there is one.
struct Row {
    name: String,
    figure: String,
    value: f64,
    wanted: Option<Wanted>,
    peer: Option<(String, f64)>,
}

impl Row {
    /// How many times better Flyball is; nothing where no more and no less is wanted.
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        let ratio = match self.wanted? {
            Most(_) | Less => peer / self.value,
            Least(_) | More => self.value / peer,
        };
        ratio.is_finite().then_some(ratio)
    }

    fn is_reached(&self) -> Option<bool> {
        match self.wanted? {
            Most(most) => Some(self.value <= most),
            Least(least) => Some(self.value >= least),
            Less | More => None,
        }
    }

    fn json(&self) -> Value {
        let goal = match self.wanted {
            Some(Most(most)) => json!({ "most": most }),
            Some(Least(least)) => json!({ "least": least }),
            _ => Value::Null,
        };
        json!({
            "measurement": self.name,
            "figure": self.figure,
            "flyball": self.value,
            "goal": goal,
            "reached": self.is_reached(),
            "peer": self.peer.as_ref().map(|(name, value)| json!({ "figure": name, "value": value })),
            "ratio": self.ratio(),
        })
    }

    fn line(&self) -> String {
        let goal = match self.wanted {
            Some(Most(most)) => format!("≤ {}", short(most)),
            Some(Least(least)) => format!("≥ {}", short(least)),
            _ => String::new(),
        };
        let reached = self.is_reached().map_or("", |reached| if reached { "reached" } else { "missed" });
        let peer = self.peer.as_ref().map(|(name, value)| format!("{name} {}", short(*value))).unwrap_or_default();
        let ratio = self.ratio().map(|ratio| format!("{}×", short(ratio))).unwrap_or_default();
        let named = format!("{} {}", self.name, self.figure);
        format!("{named:<52} {:>12} {goal:<11} {reached:<8} {ratio:>7} {peer}", short(self.value)).trim_end().to_owned()
    }
}

/// Measures and prints. A measurement or a peer that fails is told of; the others are measured all the same.
pub(super) fn run(flags: &[&str]) -> Result<()> {
    let asked = Asked::read(flags)?;
    let binary = build()?;
    let names: Vec<String> = names(&binary)?.into_iter().filter(|name| asked.wants(name)).collect();
    if names.is_empty() {
        bail!("none of these is a measurement: {}", asked.only.unwrap_or_default().join(", "));
    }
    let mut failed = Vec::new();
    let mut own = Vec::new();
    for name in &names {
        match figures(Command::new(&binary).arg(name)) {
            Ok(found) => own.push((name.as_str(), found)),
            Err(error) => failed.push(format!("{name}: {error:#}")),
        }
    }
    let mut peers = Map::new();
    for name in names.iter().filter(|_| !asked.alone) {
        match peer(name) {
            Ok(found) => {
                peers.extend(found.into_iter().map(|(figure, value)| (format!("{name}:{figure}"), value.into())))
            }
            Err(error) => failed.push(format!("{name}, peers: {error:#}")),
        }
    }
    let rows: Vec<Row> = own.iter().flat_map(|(name, figures)| rows(name, figures, &peers)).collect();
    if asked.as_json {
        println!("{:#}", json!({ "rows": rows.iter().map(Row::json).collect::<Value>(), "peers": peers }));
    } else {
        rows.iter().for_each(|row| println!("{}", row.line()));
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join("; "));
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    run::run(&mut command(&["cargo", "build", "--release", "--package", "flyball-bench-judgement"]))?;
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from);
    Ok(target.join("release/flyball-bench-judgement"))
}

/// The measurements that there are: the program lists them.
fn names(binary: &PathBuf) -> Result<Vec<String>> {
    let listed = run::output(Command::new(binary).arg("--list")).context("the measurements cannot be listed")?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// The numbers that a program prints as a JSON object, nested ones by their path.
fn figures(command: &mut Command) -> Result<Vec<(String, f64)>> {
    let text = run::output(command).context("it ended with an error")?;
    let value: Value = serde_json::from_str(&text).context("it printed no JSON")?;
    let mut found = Vec::new();
    flatten("", &value, &mut found);
    Ok(found)
}

fn flatten(path: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, found);
            }
        }
        value => found.extend(value.as_f64().map(|number| (path.to_owned(), number))),
    }
}

/// The figures of the peers of a measurement; none if it has no peers.
fn peer(name: &str) -> Result<Vec<(String, f64)>> {
    let script = format!("dev/bench/judgement/peers_{name}.py");
    if !root().join(&script).is_file() {
        return Ok(Vec::new());
    }
    let requirements = format!("dev/bench/judgement/peers_{name}.txt");
    // alibi-detect takes no newer Python.
    let python = setup::environment(&format!("judgement-peers/{name}"), &requirements, (11, 12))?;
    figures(Command::new(python).arg(root().join(script)))
}

/// A row for each peer of each figure, and one for a figure without.
fn rows(name: &str, figures: &[(String, f64)], peers: &Map<String, Value>) -> Vec<Row> {
    let row = |(figure, value): &(String, f64)| {
        let listed = LISTED.iter().find(|listed| listed.0 == name && listed.1 == figure);
        // Peers are of the same measurement where no other is named.
        let beside = listed.into_iter().flat_map(|listed| listed.3).filter_map(|peer| {
            let key = if peer.contains(':') { (*peer).to_owned() } else { format!("{name}:{peer}") };
            Some((key.split(':').next_back()?.to_owned(), peers.get(&key)?.as_f64()?))
        });
        let mut beside: Vec<Option<(String, f64)>> = beside.map(Some).collect();
        if beside.is_empty() {
            beside.push(None);
        }
        let of = |peer| Row {
            name: name.to_owned(),
            figure: figure.clone(),
            value: *value,
            wanted: listed.map(|listed| listed.2),
            peer,
        };
        beside.into_iter().map(of).collect::<Vec<_>>()
    };
    figures.iter().flat_map(row).collect()
}

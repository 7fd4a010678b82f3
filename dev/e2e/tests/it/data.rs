//! Small made-up data with a known truth: machines that report heat, load and site before they run, and fail or not.

use flyball_core::rng::Rng;
use flyball_core::{Duration, Timestamp};
use serde_json::{Value, json};

use crate::product::Project;

/// The first event: 2024-01-01.
pub(crate) const START: Timestamp = Timestamp(1_704_067_200_000);
const SITES: [&str; 3] = ["north", "south", "west"];

/// What is made up.
#[derive(Clone, Copy)]
pub(crate) struct Machines {
    pub(crate) days: i64,
    pub(crate) per_day: i64,
    /// The day from which the machines run hotter, and heat matters the other way round.
    pub(crate) drift: Option<i64>,
    pub(crate) seed: u64,
}

impl Machines {
    /// Half a year with a drift in its middle.
    pub(crate) const HALF_A_YEAR: Machines = Machines { days: 182, per_day: 33, drift: Some(91), seed: 1 };
    /// Two months with nothing strange in them: enough to learn from.
    pub(crate) const CALM: Machines = Machines { days: 60, per_day: 20, drift: None, seed: 2 };

    /// The rows as CSV, in the order of time.
    pub(crate) fn csv(self) -> String {
        let mut rng = Rng::seeded(self.seed);
        let mut text = "id,at,heat,load,site,failed\n".to_owned();
        for row in 0..self.days * self.per_day {
            let at = START + Duration(Duration::days(1).0 * row / self.per_day);
            let drifted = self.drift.is_some_and(|day| row >= day * self.per_day);
            let (heat, load) = (rng.unit() * 20.0 + 10.0 + f64::from(u8::from(drifted)) * 8.0, rng.unit() * 100.0);
            let site = SITES[rng.below(SITES.len())];
            let pull = if drifted { 24.0 - heat } else { heat - 20.0 };
            let odds = pull * 0.25 + (load - 50.0) * 0.02 + f64::from(u8::from(site == "west")) - 0.8;
            let failed = rng.unit() < 1.0 / (1.0 + (-odds).exp());
            text.push_str(&format!("m{row:05},{at},{heat:.2},{load:.1},{site},{failed}\n"));
        }
        text
    }

    /// A project of these rows.
    pub(crate) fn project(self) -> Project {
        Project::with(&[("flyball.yaml", LOOP), ("data/machines.csv", &self.csv())])
    }
}

/// The loop over the machines.
pub(crate) const LOOP: &str = "\
name: machines
task: classification
data:
  machines:
    from: data/machines.csv
    key: id
    time: at
    label: failed
    label_delay: 1d
    checks:
      - unique: [id]
      - in_set: { column: site, values: [north, south, west] }
train:
  on: machines
  window: 60d
  holdout: 14d
  uses: gbdt
  with: { trees: 30, depth: 3 }
gates:
  - auc >= 0.6
deploy:
  strategy: { canary: [50%, 100%], bake: 1d }
monitor:
  window: 6d
remedies:
  - when: drift
    do: retrain
    limits: { cool_down: 14d, per_month: 2 }
";

/// The loop with one passage written differently.
pub(crate) fn loop_with(passage: &str, instead: &str) -> String {
    assert!(LOOP.contains(passage), "the loop has no '{passage}'");
    LOOP.replace(passage, instead)
}

/// An inference request for one machine.
pub(crate) fn machine(key: &str, heat: f64) -> Value {
    json!({
        "parameters": { "key": key },
        "inputs": [
            { "name": "heat", "shape": [1], "datatype": "FP64", "data": [heat] },
            { "name": "load", "shape": [1], "datatype": "FP64", "data": [50.0] },
            { "name": "site", "shape": [1], "datatype": "BYTES", "data": ["west"] },
        ],
    })
}

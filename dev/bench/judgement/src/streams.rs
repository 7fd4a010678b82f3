//! Stream detectors: updates per CPU-second, one stream, one thread.

use anyhow::{Context, Result};
use flyball_core::rng::Rng;
use flyball_stats::stream::{Detector, NAMES, Settings};
use serde_json::{Map, Value};

use crate::measure::per_call;

/// Values in the stream, a tenth of them errors.
const VALUES: usize = 100_000;
/// The same in the peer's script.
const SEED: u64 = 1;

/// Every detector with River's defaults.
pub(crate) fn bench() -> Result<Value> {
    let mut rng = Rng::seeded(SEED);
    let values: Vec<f64> = (0..VALUES).map(|_| f64::from(u8::from(rng.unit() < 0.1))).collect();
    let mut figures = Map::new();
    for name in NAMES {
        let fresh = Settings::named(name).and_then(Detector::new).context("a detector without defaults")?;
        let mut drifts = 0_u64;
        let seconds = per_call(|| {
            let mut detector = fresh.clone();
            values.iter().for_each(|&value| drifts += u64::from(detector.update(value).drift));
        })?;
        std::hint::black_box(drifts);
        figures.insert(format!("{name}_updates_per_cpu_second"), (VALUES as f64 / seconds).into());
        let mut seen = fresh;
        values.iter().for_each(|&value| {
            seen.update(value);
        });
        figures.insert(format!("{name}_bytes"), seen.to_bytes().len().into());
    }
    Ok(figures.into())
}

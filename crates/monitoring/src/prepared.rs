//! Everything that windows of a version are judged by, made once from what the version was registered with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Duration, Task};
use flyball_stats::multivariate::Pca;

use crate::alike::Alike;
use crate::encode::{Encoder, Sample};
use crate::estimate::Estimator;
use crate::reference::Reference;
use crate::window::Together;

/// A reference with what is learned from it.
#[derive(Debug)]
pub struct Prepared {
    /// The reference itself.
    pub reference: Reference,
    /// How features become numbers.
    pub encoder: Encoder,
    /// How the model does while the truth is unknown.
    pub estimator: Option<Estimator>,
    /// How features vary together.
    pub pca: Option<Pca>,
    /// How alike rows are that were made at about the same time, by the length of windows in milliseconds.
    alike: Mutex<BTreeMap<i64, Arc<Alike>>>,
}

impl Prepared {
    /// Learns from a reference.
    pub fn new(task: Task, reference: Reference, seed: u64) -> Self {
        let encoder = Encoder::of(&reference.learnt);
        let columns = encoder.encode(&reference.learnt);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        Self {
            estimator: Estimator::of(task, &reference, &encoder, seed),
            pca: Pca::fit(&slices, None),
            alike: Mutex::default(),
            encoder,
            reference,
        }
    }

    /// How alike rows are that were made at about the same time, for windows of a length.
    pub fn alike(&self, length: Duration) -> Arc<Alike> {
        let mut known = self.alike.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.entry(length.0).or_insert_with(|| Arc::new(Alike::of(&self.reference, length)));
        Arc::clone(found)
    }

    /// How features vary together in a window, beside the reference: the mean distance of its rows from the directions in
    /// which the reference varies.
    pub fn together(&self, sample: &Sample) -> Option<Together> {
        let pca = self.pca.as_ref()?;
        let found = pca.reconstruction(&sample.slices())?;
        Some(Together {
            error: found.error,
            low: pca.limits.low,
            high: pca.limits.high,
            rows: found.rows,
            outside: found.drift,
        })
    }
}

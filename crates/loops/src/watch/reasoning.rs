//! How the champion reasons about a window, beside what it was built on.

use std::sync::Arc;

use flyball_core::model::Loaded;
use flyball_core::rng::Rng;
use flyball_core::{Result, Table};
use flyball_monitoring::attributions::AttributionChange;
use flyball_registry::PackagedVersion;
use flyball_stats::attribution::mean_absolute;

use super::rows::spread;
use crate::explain::{BACKGROUND_ROWS, exact};
use crate::platform::Platform;

/// Rows of a window that are explained: the shares of features are known to a few percent then, within the time that
/// judging the window takes.
pub(super) const EXPLAINED_ROWS: usize = 200;
/// Rows of the reference that are explained, once: their shares are taken as known.
const USUAL_ROWS: usize = 1_000;

/// How a model reasons usually.
#[derive(Debug)]
pub struct Usual {
    /// What models that forgot their training are explained against.
    background: Table,
    /// The mean absolute attribution of each feature; `None` for a model that has no exact explanation.
    means: Option<Vec<(String, f64)>>,
}

impl Usual {
    fn of(model: &Loaded, learnt: &Table) -> Result<Self> {
        let background = spread(learnt, BACKGROUND_ROWS);
        let amounts = amounts(model, &spread(learnt, USUAL_ROWS), &background)?;
        let names: Vec<String> = match model {
            Loaded::Rows(model) => model.signature().features.iter().map(|feature| feature.name.clone()).collect(),
            Loaded::Tensors(_) => Vec::new(),
        };
        let means = amounts.and_then(|amounts| mean_absolute(&amounts, names.len()));
        Ok(Self { background, means: means.map(|means| names.into_iter().zip(means).collect()) })
    }
}

/// The attributions of rows, row after row; `None` for a model that has no exact explanation.
fn amounts(model: &Loaded, rows: &Table, background: &Table) -> Result<Option<Vec<f64>>> {
    let Loaded::Rows(model) = model else { return Ok(None) };
    Ok(exact(model.as_ref(), rows, background)?.map(|found| found.amounts))
}

/// How the champion's attributions differ between some rows of a window and its reference's rows; `None` where it has no
/// exact explanation. What it usually attributes is made once and kept.
///
/// # Errors
/// Those of the store, and what the model fails with.
pub(super) fn change(
    platform: &Platform,
    champion: &PackagedVersion,
    learnt: &Table,
    rows: &Table,
    seed: u64,
) -> Result<Option<AttributionChange>> {
    let held = platform.serving.load(champion.artifact)?;
    let key = (champion.reference, champion.artifact);
    let usual: Arc<Usual> = platform.references.usual(key, || Usual::of(&held, learnt))?;
    let Some(means) = &usual.means else { return Ok(None) };
    let found = amounts(&held, &spread(rows, EXPLAINED_ROWS), &usual.background)?;
    Ok(found.and_then(|amounts| AttributionChange::of(means, &amounts, &mut Rng::seeded(seed))))
}

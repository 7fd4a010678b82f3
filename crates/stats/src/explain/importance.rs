//! How much worse a model becomes without what a feature says.

use crate::summary::{mean, squared_deviations};

/// How much a feature matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Importance {
    /// The mean increase of the loss when the feature's values are dealt out anew.
    pub increase: f64,
    /// The standard deviation of the increase over the orders; `None` for a single one.
    pub deviation: Option<f64>,
}

/// The loss of a model when row i has the value of another row in one feature: the feature, and the other row of each.
pub type Loss<'a, E> = dyn FnMut(usize, &[usize]) -> Result<f64, E> + 'a;

/// Permutation importance (Breiman 2001, Fisher et al. 2019): `loss(feature, order)` is the loss when row i has the
/// feature's value of row `order[i]`, `loss_as_is` that of the rows as they are. `None` without an order, or when a loss
/// is no number.
///
/// # Errors
/// What `loss` fails with.
pub fn permutation_importance<E>(
    features: usize,
    loss_as_is: f64,
    orders: &[Vec<usize>],
    loss: &mut Loss<'_, E>,
) -> Result<Option<Vec<Importance>>, E> {
    let mut found = Vec::with_capacity(features);
    for feature in 0..features {
        let mut increases = Vec::with_capacity(orders.len());
        for order in orders {
            increases.push(loss(feature, order)? - loss_as_is);
        }
        let Some(increase) = mean(&increases).filter(|increase| increase.is_finite()) else { return Ok(None) };
        let squares = squared_deviations(&increases, increase);
        let deviation = (orders.len() > 1).then(|| (squares / (orders.len() - 1) as f64).sqrt());
        found.push(Importance { increase, deviation });
    }
    Ok(Some(found))
}

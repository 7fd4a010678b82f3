//! How predictions move with one feature: individual and partial dependence, and accumulated local effects.

use crate::summary::{finite_sorted, mean, quantile, squared_deviations};

/// The individual conditional expectations (Goldstein et al. 2015): for each grid point the predictions of all rows with
/// the feature set to it. `predict(point)` answers for the grid point of that number.
///
/// # Errors
/// What `predict` fails with.
pub fn individual_curves<E>(
    points: usize,
    predict: &mut dyn FnMut(usize) -> Result<Vec<f64>, E>,
) -> Result<Vec<Vec<f64>>, E> {
    (0..points).map(predict).collect()
}

/// Partial dependence (Friedman 2001): the mean of the individual curves at each grid point; `None` without rows.
pub fn partial_dependence(curves: &[Vec<f64>]) -> Option<Vec<f64>> {
    curves.iter().map(|answers| mean(answers)).collect()
}

/// How much a curve moves: the standard deviation of its points (Greenwell et al. 2018). `None` for less than two.
pub fn spread(curve: &[f64]) -> Option<f64> {
    let squares = squared_deviations(curve, mean(curve)?);
    (curve.len() > 1).then(|| (squares / (curve.len() - 1) as f64).sqrt())
}

/// Distinct quantiles of the values that are finite, at most `points` of them: where a feature's curve is drawn.
pub fn grid(values: &[f64], points: usize) -> Vec<f64> {
    let sorted = finite_sorted(values);
    let at = |point: usize| quantile(&sorted, point as f64 / (points.max(2) - 1) as f64);
    let mut grid: Vec<f64> = (0..points.max(2)).filter_map(at).collect();
    grid.dedup();
    grid
}

/// A model's answers to all rows when each has another value of one feature.
pub type Moved<'a, E> = dyn FnMut(&[f64]) -> Result<Vec<f64>, E> + 'a;

/// Accumulated local effects of a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalEffects {
    /// The edges of the intervals, in ascending order.
    pub edges: Vec<f64>,
    /// The effect at each edge; the mean over the rows is zero.
    pub effects: Vec<f64>,
    /// How many rows each interval has.
    pub counts: Vec<usize>,
}

impl LocalEffects {
    /// How much the effect moves over the rows: its standard deviation, rows standing in the middle of their interval.
    pub fn spread(&self) -> f64 {
        let middles = self.effects.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
        let squares: f64 = middles.zip(&self.counts).map(|(middle, &count)| middle * middle * count as f64).sum();
        (squares / self.counts.iter().sum::<usize>() as f64).sqrt()
    }
}

/// Accumulated local effects (Apley & Zhu 2020), which do not leave the data where features depend on each other. `values`
/// has the feature's value of each row, `predict(other)` the predictions when row i has the value `other[i]`. Rows whose
/// value is not finite are left out. `None` if there are less than two distinct values, or predictions do not fit.
///
/// # Errors
/// What `predict` fails with.
pub fn local_effects<E>(
    values: &[f64],
    intervals: usize,
    predict: &mut Moved<'_, E>,
) -> Result<Option<LocalEffects>, E> {
    let edges = grid(values, intervals.max(1) + 1);
    if edges.len() < 2 {
        return Ok(None);
    }
    // An interval holds its upper edge; the first one its lower edge too.
    let interval = |value: f64| edges[1..edges.len() - 1].partition_point(|&edge| edge < value);
    let moved = |upper: usize| -> Vec<f64> {
        let to = |&value: &f64| if value.is_finite() { edges[interval(value) + upper] } else { value };
        values.iter().map(to).collect()
    };
    let (low, high) = (predict(&moved(0))?, predict(&moved(1))?);
    if low.len() != values.len() || high.len() != values.len() {
        return Ok(None);
    }
    let mut counts = vec![0; edges.len() - 1];
    let mut sums = vec![0.0; edges.len() - 1];
    for (&value, (low, high)) in values.iter().zip(low.iter().zip(&high)).filter(|(value, _)| value.is_finite()) {
        counts[interval(value)] += 1;
        sums[interval(value)] += high - low;
    }
    let mut effects = vec![0.0];
    let (mut sum, mut centre) = (0.0, 0.0);
    for (total, &count) in sums.iter().zip(&counts) {
        let step = if count > 0 { total / count as f64 } else { 0.0 };
        centre += (sum + step / 2.0) * count as f64;
        sum += step;
        effects.push(sum);
    }
    let centre = centre / counts.iter().sum::<usize>() as f64;
    effects.iter_mut().for_each(|effect| *effect -= centre);
    Ok(centre.is_finite().then_some(LocalEffects { edges, effects, counts }))
}

//! The design matrix of the linear models.

use std::collections::HashMap;
use std::sync::Arc;

use flyball_core::{Column, Feature, Result, Table, TextColumn};

/// Most levels of a text feature that get a column; the Hessian is dense, and rarer levels count as unknown.
const LEVELS: usize = 200;

/// How a number feature is standardised: mean and 1 / standard deviation, as 32-bit floats like the exported model.
pub(crate) struct Numbers {
    pub(crate) feature: usize,
    pub(crate) mean: f32,
    pub(crate) scale: f32,
}

/// The training rows as a dense matrix, computed with the exported model's 32-bit arithmetic: standardised numbers,
/// then missing indicators, then one-hot levels.
pub(crate) struct Design {
    pub(crate) numbers: Vec<Numbers>,
    /// The number features that have missing values.
    pub(crate) gaps: Vec<usize>,
    /// The levels of each text feature.
    pub(crate) levels: Vec<(usize, Vec<Arc<str>>)>,
    pub(crate) columns: usize,
    /// Row-major.
    pub(crate) rows: Vec<f64>,
    /// The feature behind each column.
    pub(crate) features: Vec<usize>,
    /// The mean of each column.
    pub(crate) means: Vec<f64>,
}

impl Design {
    pub(crate) fn learn(table: &Table, features: &[Feature]) -> Result<Self> {
        let (mut numbers, mut gaps, mut levels) = (Vec::new(), Vec::new(), Vec::new());
        let (mut scaled, mut missing, mut one_hot) = (Vec::new(), Vec::new(), Vec::new());
        for (feature, Feature { name, .. }) in features.iter().enumerate() {
            match table.column(name)? {
                Column::Text(text) => {
                    let (known, positions) = frequent_levels(text);
                    for level in 0..known.len() {
                        let flags = positions.iter().map(|&p| f64::from(u8::from(p == Some(level)))).collect();
                        one_hot.push((feature, flags));
                    }
                    levels.push((feature, known));
                }
                column => {
                    let values: Vec<f32> = (0..column.len()).map(|row| column.number(row) as f32).collect();
                    if values.iter().any(|x| x.is_nan()) {
                        gaps.push(feature);
                        missing.push((feature, values.iter().map(|x| f64::from(u8::from(x.is_nan()))).collect()));
                    }
                    let rule = standardise(feature, &values);
                    scaled.push((feature, values.iter().map(|&x| f64::from(rule.apply(x))).collect::<Vec<f64>>()));
                    numbers.push(rule);
                }
            }
        }
        let columns: Vec<(usize, Vec<f64>)> = scaled.into_iter().chain(missing).chain(one_hot).collect();
        let count = table.rows();
        let mut rows = vec![0.0; count * columns.len()];
        for (position, (_, values)) in columns.iter().enumerate() {
            values.iter().enumerate().for_each(|(row, &x)| rows[row * columns.len() + position] = x);
        }
        let means = columns.iter().map(|(_, values)| values.iter().sum::<f64>() / count.max(1) as f64).collect();
        let features = columns.iter().map(|(feature, _)| *feature).collect();
        Ok(Self { numbers, gaps, levels, columns: columns.len(), rows, features, means })
    }
}

impl Numbers {
    fn apply(&self, x: f32) -> f32 {
        ((if x.is_nan() { self.mean } else { x }) - self.mean) * self.scale
    }
}

/// Mean and scale of the values that are there; a constant column keeps the scale 1.
fn standardise(feature: usize, values: &[f32]) -> Numbers {
    let present: Vec<f64> = values.iter().filter(|x| !x.is_nan()).map(|&x| f64::from(x)).collect();
    let count = present.len().max(1) as f64;
    let mean = present.iter().sum::<f64>() / count;
    let variance = present.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / variance.sqrt();
    Numbers { feature, mean: mean as f32, scale: if scale.is_finite() { scale as f32 } else { 1.0 } }
}

/// The most frequent levels in the order of their texts, and the level of each row. A missing text is the empty one.
fn frequent_levels(text: &TextColumn) -> (Vec<Arc<str>>, Vec<Option<usize>>) {
    let level = |row: usize| text.get(row).map_or("", |t| t.as_ref());
    let mut counts: HashMap<&str, usize> = HashMap::new();
    (0..text.codes.len()).for_each(|row| *counts.entry(level(row)).or_default() += 1);
    let mut levels: Vec<(&str, usize)> = counts.into_iter().collect();
    levels.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    levels.truncate(LEVELS);
    levels.sort_unstable();
    let index: HashMap<&str, usize> = levels.iter().zip(0..).map(|((text, _), i)| (*text, i)).collect();
    let positions = (0..text.codes.len()).map(|row| index.get(level(row)).copied()).collect();
    (levels.iter().map(|(text, _)| Arc::from(*text)).collect(), positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_standardised_gaps_flagged_and_texts_spread() {
        let table = Table::new(vec![
            ("a".into(), Column::Float(vec![1.0, 3.0, f64::NAN])),
            ("b".into(), Column::Text(TextColumn::from_texts([Some("y"), Some("x"), Some("y")]))),
        ])
        .unwrap();
        let features: Vec<Feature> =
            table.columns().map(|(name, column)| Feature { name: name.into(), kind: column.kind().into() }).collect();
        let design = Design::learn(&table, &features).unwrap();
        assert_eq!(design.rows, [-1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(design.features, [0, 0, 1, 1]);
    }
}

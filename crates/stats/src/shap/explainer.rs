//! Exact Shapley values and interactions of tree ensembles.

use super::background::Background;
use super::compiled::Compiled;
use super::cover::Cover;
use super::model::{Ensemble, InvalidTree};
use super::path::Game;
use super::walk::{Sums, Walk};

/// Rows that are walked at once: enough that the values of a pattern serve many rows, few enough for the nearer caches.
const BLOCK_ROWS: usize = 2_048;
/// Numbers that a walk adds up at once, at most: 32 MB.
const MOST_SUMS: usize = 4_194_304;

/// How a prediction comes about: prediction = expected value + Σ values.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The average prediction.
    pub expected_value: f64,
    /// One per feature.
    pub values: Vec<f64>,
}

/// How some predictions come about.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanations {
    /// The average prediction.
    pub expected_value: f64,
    /// How many features a row has.
    pub features: usize,
    /// One per feature, row after row.
    pub values: Vec<f64>,
}

impl Explanations {
    /// The values of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.features.max(1))
    }

    /// The mean absolute value of each feature; `None` without rows.
    pub fn mean_absolute(&self) -> Option<Vec<f64>> {
        let rows = self.values.len().checked_div(self.features).filter(|&rows| rows > 0)?;
        let mut means = vec![0.0; self.features];
        for row in self.rows() {
            means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value.abs() / rows as f64);
        }
        Some(means)
    }
}

/// An ensemble that was checked, ready to explain rows.
#[derive(Debug, Clone)]
pub struct Explainer {
    compiled: Compiled,
    /// The rows that features outside a coalition are taken from; `None` plays the path-dependent game.
    background: Option<Vec<f64>>,
    expected_value: f64,
}

impl Explainer {
    /// Explains by the path-dependent game.
    ///
    /// # Errors
    /// [`InvalidTree`] for a tree that is empty, is no tree (a node without, or with two parents), is deeper than
    /// 128, has more than 63 features on one path, names a column or feature that does not exist, compares with NaN, or has a
    /// split without positive cover.
    pub fn new(ensemble: &Ensemble) -> Result<Self, InvalidTree> {
        let compiled = Compiled::new(ensemble, true)?;
        let expected_value = compiled.expected_by_cover();
        Ok(Self { compiled, background: None, expected_value })
    }

    /// Explains by the interventional game against background rows, given row after row. Covers are not looked at.
    /// `None` without background, or if its length is not a multiple of the columns.
    ///
    /// # Errors
    /// [`InvalidTree`] as [`Self::new`], but for covers.
    pub fn against(ensemble: &Ensemble, background: Vec<f64>) -> Option<Result<Self, InvalidTree>> {
        let rows = background.len().checked_div(ensemble.columns.len())?;
        if rows == 0 || !background.len().is_multiple_of(ensemble.columns.len()) {
            return None;
        }
        Some(Compiled::new(ensemble, false).map(|compiled| {
            let predictions = background.chunks_exact(ensemble.columns.len()).map(|row| compiled.predict(row));
            let expected_value = predictions.sum::<f64>() / rows as f64;
            Self { compiled, background: Some(background), expected_value }
        }))
    }

    /// The average prediction, by training cover or over the background.
    pub fn expected_value(&self) -> f64 {
        self.expected_value
    }

    /// The prediction (margin) for a row, NaN being missing. `None` for another number of columns.
    pub fn predict(&self, x: &[f64]) -> Option<f64> {
        (x.len() == self.compiled.columns.len()).then(|| self.compiled.predict(x))
    }

    /// The SHAP values of a row, NaN being missing. `None` for another number of columns.
    pub fn explain(&self, x: &[f64]) -> Option<Explanation> {
        let one = (x.len() == self.compiled.columns.len()).then(|| self.explain_rows(x))??;
        Some(Explanation { expected_value: one.expected_value, values: one.values })
    }

    /// The SHAP values of some rows, given row after row, NaN being missing. `None` if their length is not a multiple of
    /// the columns. Many rows at once cost a fraction of what they cost one by one.
    pub fn explain_rows(&self, rows: &[f64]) -> Option<Explanations> {
        let count = self.count(rows)?;
        let features = self.compiled.features;
        let mut values = vec![0.0; count * features];
        let blocks = rows.chunks((BLOCK_ROWS * self.compiled.columns.len()).max(1));
        for (block, values) in blocks.zip(values.chunks_mut((BLOCK_ROWS * features).max(1))) {
            for (feature, sums) in self.walk(Sums::Values, block).iter().enumerate() {
                values.iter_mut().skip(feature).step_by(features).zip(sums).for_each(|(value, sum)| *value = *sum);
            }
        }
        Some(Explanations { expected_value: self.expected_value, features, values })
    }

    /// The SHAP interaction values of some rows, given row after row: for each row a symmetric matrix, row after row,
    /// with half of the interaction of two features in each of their two places, and on the diagonal what remains of the
    /// feature's own value, so that each line sums to the SHAP value. `None` as [`Self::explain_rows`].
    pub fn interactions(&self, rows: &[f64]) -> Option<Vec<f64>> {
        let rows_given = self.count(rows)?;
        let features = self.compiled.features;
        let mut matrices = vec![0.0; rows_given * features * features];
        let count = (MOST_SUMS / (features * (features + 1)).max(1)).clamp(1, BLOCK_ROWS);
        let blocks = rows.chunks((count * self.compiled.columns.len()).max(1));
        for (block, matrices) in blocks.zip(matrices.chunks_mut((count * features * features).max(1))) {
            let sums = self.walk(Sums::Interactions, block);
            for (row, matrix) in matrices.chunks_exact_mut(features * features).enumerate() {
                for i in 0..features {
                    let mut own = sums[i][row];
                    for j in (0..features).filter(|&j| j != i) {
                        let half = sums[features * (i.max(j) + 1) + i.min(j)][row];
                        matrix[i * features + j] = half;
                        own -= half;
                    }
                    matrix[i * features + i] = own;
                }
            }
        }
        Some(matrices)
    }

    /// How many rows these values are; `None` if they are no whole rows.
    fn count(&self, rows: &[f64]) -> Option<usize> {
        match self.compiled.columns.len() {
            0 => rows.is_empty().then_some(0),
            columns => rows.len().is_multiple_of(columns).then(|| rows.len() / columns),
        }
    }

    fn walk(&self, kind: Sums, rows: &[f64]) -> Vec<Vec<f64>> {
        fn walk<G: Game>(explainer: &Explainer, game: G, kind: Sums, rows: &[f64]) -> Vec<Vec<f64>> {
            Walk::run(&explainer.compiled, game, kind, rows, explainer.background.as_deref().unwrap_or_default())
        }
        let widest = self.compiled.widest;
        match self.background {
            None => walk(self, Cover::new(widest), kind, rows),
            Some(_) => walk(self, Background::new(widest), kind, rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shap::{Comparison, Node, Tree};

    fn leaf(value: f64, cover: f64) -> Node {
        Node::Leaf { value, cover }
    }

    fn split(column: usize, threshold: f64, left: usize, right: usize, cover: f64) -> Node {
        Node::Split { column, threshold, missing_left: true, left, right, cover }
    }

    fn ensemble(nodes: Vec<Node>, features: usize) -> Ensemble {
        let columns = (0..features).collect();
        Ensemble { trees: vec![Tree { nodes }], base: 1.0, comparison: Comparison::LessOrEqual, features, columns }
    }

    #[test]
    fn a_stump_moves_its_own_feature_only() {
        let stump = ensemble(vec![split(1, 0.0, 1, 2, 4.0), leaf(8.0, 1.0), leaf(0.0, 3.0)], 2);
        let explainer = Explainer::new(&stump).unwrap();
        let explanation = explainer.explain(&[5.0, -1.0]).unwrap();
        assert_eq!(explanation.expected_value, 3.0);
        assert!(explanation.values[0] == 0.0 && (explanation.values[1] - 6.0).abs() < 1e-14, "{explanation:?}");
        assert_eq!(explainer.explain(&[1.0]), None);
        assert_eq!(explainer.explain_rows(&[]).unwrap().mean_absolute(), None);
        let both = explainer.explain_rows(&[5.0, -1.0, 5.0, f64::NAN]).unwrap();
        assert_eq!(both.mean_absolute().unwrap(), [0.0, both.values[1].abs()]);
    }

    #[test]
    fn an_interaction_is_shared_and_a_leaf_without_cover_does_not_spoil_it() {
        // x₀ and x₁ both above 0 give 1; all four corners alike, the last one never seen in training.
        let nodes =
            vec![split(0, 0.0, 1, 2, 4.0), leaf(0.0, 2.0), split(1, 0.0, 3, 4, 2.0), leaf(0.0, 1.0), leaf(1.0, 1.0)];
        let explainer = Explainer::new(&ensemble(nodes.clone(), 2)).unwrap();
        let values = explainer.explain(&[1.0, 1.0]).unwrap().values;
        assert!((values[0] - 0.375).abs() < 1e-15 && (values[1] - 0.375).abs() < 1e-15, "{values:?}");
        let matrix = explainer.interactions(&[1.0, 1.0]).unwrap();
        for (got, expected) in matrix.iter().zip([0.25, 0.125, 0.125, 0.25]) {
            assert!((got - expected).abs() < 1e-15, "{matrix:?}");
        }

        let mut unseen = nodes;
        unseen[4] = leaf(1.0, 0.0);
        unseen[3] = leaf(0.0, 2.0);
        let explainer = Explainer::new(&ensemble(unseen, 2)).unwrap();
        for row in [[1.0, 1.0], [1.0, -1.0], [f64::NAN, 1.0]] {
            let explanation = explainer.explain(&row).unwrap();
            let sum: f64 = explanation.values.iter().sum();
            assert!((explanation.expected_value + sum - explainer.predict(&row).unwrap()).abs() < 1e-15, "{row:?}");
        }
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let refused = |nodes, features| Explainer::new(&ensemble(nodes, features)).unwrap_err().to_string();
        assert_eq!(refused(vec![], 1), "tree 0: a child does not exist");
        assert_eq!(refused(vec![split(0, 0.0, 0, 0, 1.0)], 1), "tree 0: a node has two parents");
        let leaves = || [leaf(0.0, 1.0), leaf(1.0, 1.0)];
        let on = |first| [vec![first], leaves().to_vec()].concat();
        assert_eq!(refused(on(split(3, 0.0, 1, 2, 2.0)), 1), "tree 0: a column does not exist");
        assert_eq!(refused(on(split(0, f64::NAN, 1, 2, 2.0)), 1), "tree 0: a threshold that is no number");
        assert_eq!(refused(on(split(0, 0.0, 1, 2, 0.0)), 1), "tree 0: a split without positive cover");
        // Against a background no cover is needed, but a background is.
        let uncovered = ensemble(on(split(0, 0.0, 1, 2, 0.0)), 1);
        assert_eq!(Explainer::against(&uncovered, vec![-1.0, 1.0]).unwrap().unwrap().expected_value(), 1.5);
        assert!(Explainer::against(&uncovered, Vec::new()).is_none());
    }
}

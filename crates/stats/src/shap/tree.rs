//! Exact path-dependent SHAP values of tree ensembles.
//!
//! The game is that of Lundberg et al., "Consistent Individualized Feature Attribution for Tree Ensembles" (2018): a
//! split on a feature outside the coalition sends a row both ways, by training cover. For one leaf with value v it is
//! a product over the features i of its path, of o if i is in the coalition and z if not, where o is 1 if the row
//! passes all splits on i and else 0, and z is the product of their cover shares. The Shapley value of such a product
//! is ∫₀¹ (oᵢ − zᵢ) v Π_{j≠i} (zⱼ + t(oⱼ − zⱼ)) dt (Owen's multilinear extension). The integrand is a polynomial, so
//! a Gauss–Legendre rule of half its degree is exact, and one walk over the tree serves all features and leaves: time
//! leaves × depth / 2 instead of leaves × depth².

use std::fmt;

use super::quadrature::Quadrature;

/// No sensible tree is deeper; the walk recurses, so that the stack must be bounded.
const DEEPEST: usize = 128;

/// Which rows go left at a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// x < threshold (XGBoost).
    Less,
    /// x ≤ threshold (scikit-learn, LightGBM).
    LessOrEqual,
}

/// A node; children are indexes into the tree's nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// An inner node.
    Split {
        /// Index of the feature.
        feature: usize,
        /// Compared with the feature's value.
        threshold: f64,
        /// Where NaN goes.
        missing_left: bool,
        /// Child of the rows that pass the comparison.
        left: usize,
        /// Child of the others.
        right: usize,
        /// Training rows (or the sum of their weights or Hessians) that reached the node.
        cover: f64,
    },
    /// A leaf.
    Leaf {
        /// What the tree adds to the prediction.
        value: f64,
        /// Training rows that reached the leaf.
        cover: f64,
    },
}

impl Node {
    fn cover(&self) -> f64 {
        match *self {
            Self::Split { cover, .. } | Self::Leaf { cover, .. } => cover,
        }
    }
}

/// One tree; its root is node 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The nodes, in any order after the root.
    pub nodes: Vec<Node>,
}

/// A model that adds up trees: prediction (margin) = base + Σ leaf values. For several classes make one ensemble for
/// each.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// The trees.
    pub trees: Vec<Tree>,
    /// Added to every prediction.
    pub base: f64,
    /// How all splits compare.
    pub comparison: Comparison,
    /// Number of features of a row.
    pub features: usize,
}

/// Why an ensemble cannot be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTree {
    /// Index of the tree.
    pub tree: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for InvalidTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tree {}: {}", self.tree, self.reason)
    }
}

impl std::error::Error for InvalidTree {}

/// How a prediction comes about: prediction = expected value + Σ values.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The average prediction.
    pub expected_value: f64,
    /// One per feature.
    pub values: Vec<f64>,
}

/// An ensemble that was checked, ready to explain rows.
#[derive(Debug, Clone)]
pub struct Explainer {
    ensemble: Ensemble,
    rule: Quadrature,
    expected_value: f64,
}

impl Explainer {
    /// Checks every tree once.
    ///
    /// # Errors
    /// [`InvalidTree`] for a tree that is empty, is no tree (a node without, or with two parents), is deeper than
    /// 128, names a feature that does not exist, or has a split without positive cover.
    pub fn new(ensemble: Ensemble) -> Result<Self, InvalidTree> {
        let mut depth = 0;
        let mut expected_value = ensemble.base;
        for (index, tree) in ensemble.trees.iter().enumerate() {
            let mut check = Check { tree, features: ensemble.features, seen: vec![false; tree.nodes.len()], depth: 0 };
            expected_value += check.visit(0, 1.0, 0).map_err(|reason| InvalidTree { tree: index, reason })?;
            depth = depth.max(check.depth);
        }
        // A path of d features needs a polynomial of degree d − 1; more points than needed are exact too.
        let points = depth.min(ensemble.features).div_ceil(2).max(1);
        let rule = Quadrature::new(if points <= 4 { points } else { points.next_power_of_two() });
        Ok(Self { ensemble, rule, expected_value })
    }

    /// The average prediction, by training cover.
    pub fn expected_value(&self) -> f64 {
        self.expected_value
    }

    /// The prediction (margin) for a row, NaN being missing. `None` for another number of features.
    pub fn predict(&self, x: &[f64]) -> Option<f64> {
        let leaf = |tree: &Tree| {
            let mut node = 0;
            loop {
                match tree.nodes[node] {
                    Node::Leaf { value, .. } => break value,
                    Node::Split { left, right, .. } => {
                        node = if goes_left(&tree.nodes[node], x, self.ensemble.comparison) { left } else { right };
                    }
                }
            }
        };
        let fits = x.len() == self.ensemble.features;
        fits.then(|| self.ensemble.base + self.ensemble.trees.iter().map(leaf).sum::<f64>())
    }

    /// The SHAP values of a row, NaN being missing. `None` for another number of features.
    pub fn explain(&self, x: &[f64]) -> Option<Explanation> {
        let explain = match self.rule.points.len() {
            1 => Self::explain_with::<1>,
            2 => Self::explain_with::<2>,
            3 => Self::explain_with::<3>,
            4 => Self::explain_with::<4>,
            8 => Self::explain_with::<8>,
            16 => Self::explain_with::<16>,
            32 => Self::explain_with::<32>,
            _ => Self::explain_with::<64>,
        };
        (x.len() == self.ensemble.features).then(|| explain(self, x))
    }

    /// The number of points is fixed at compile time so that the innermost loops become vector instructions.
    fn explain_with<const POINTS: usize>(&self, x: &[f64]) -> Explanation {
        let mut walk = Walk::<POINTS> {
            points: std::array::from_fn(|point| self.rule.points[point]),
            weights: std::array::from_fn(|point| self.rule.weights[point]),
            comparison: self.ensemble.comparison,
            x,
            edges: vec![Edge { passes: 1.0, share: 1.0, inverse: [1.0; POINTS] }; x.len()],
            values: vec![0.0; x.len()],
        };
        for tree in &self.ensemble.trees {
            walk.visit(tree, 0, &[1.0; POINTS]);
        }
        Explanation { expected_value: self.expected_value, values: walk.values }
    }
}

/// Whether a row goes left at a split; leaves have no left.
fn goes_left(node: &Node, x: &[f64], comparison: Comparison) -> bool {
    let Node::Split { feature, threshold, missing_left, .. } = *node else {
        return false;
    };
    let value = x[feature];
    match comparison {
        _ if value.is_nan() => missing_left,
        Comparison::Less => value < threshold,
        Comparison::LessOrEqual => value <= threshold,
    }
}

/// Validates a tree and averages its leaves on the way.
struct Check<'a> {
    tree: &'a Tree,
    features: usize,
    seen: Vec<bool>,
    depth: usize,
}

impl Check<'_> {
    /// The mean of the leaves below a node, times the share of rows that reach it.
    fn visit(&mut self, index: usize, share: f64, depth: usize) -> Result<f64, &'static str> {
        let node = self.tree.nodes.get(index).ok_or("a child does not exist")?;
        if std::mem::replace(&mut self.seen[index], true) {
            return Err("a node has two parents");
        }
        if depth > DEEPEST {
            return Err("deeper than 128 splits");
        }
        self.depth = self.depth.max(depth);
        match *node {
            Node::Leaf { value, .. } => Ok(share * value),
            Node::Split { feature, left, right, cover, .. } => {
                if feature >= self.features {
                    return Err("a feature does not exist");
                }
                if !(cover > 0.0 && cover.is_finite()) {
                    return Err("a split without positive cover");
                }
                let mut sum = 0.0;
                for child in [left, right] {
                    let child_cover = self.tree.nodes.get(child).ok_or("a child does not exist")?.cover();
                    if !(child_cover >= 0.0 && child_cover.is_finite()) {
                        return Err("a negative or unknown cover");
                    }
                    sum += self.visit(child, share * child_cover / cover, depth + 1)?;
                }
                Ok(sum)
            }
        }
    }
}

/// All splits of the path on one feature as one: o and z of the module's formula. A feature that the path has not
/// met passes and has share 1, which makes its factor 1 and its value 0.
#[derive(Clone, Copy)]
struct Edge<const POINTS: usize> {
    passes: f64,
    share: f64,
    /// One over the factor z + t(o − z) at each point.
    inverse: [f64; POINTS],
}

/// One row on its way through the trees.
struct Walk<'a, const POINTS: usize> {
    points: [f64; POINTS],
    weights: [f64; POINTS],
    comparison: Comparison,
    x: &'a [f64],
    /// The merged edge of each feature on the current path.
    edges: Vec<Edge<POINTS>>,
    values: Vec<f64>,
}

impl<const POINTS: usize> Walk<'_, POINTS> {
    /// Returns, for each point, the sum of value × `product` of the path's factors over the leaves below `index`, and
    /// adds what the splits below contribute to the values.
    fn visit(&mut self, tree: &Tree, index: usize, product: &[f64; POINTS]) -> [f64; POINTS] {
        let node = &tree.nodes[index];
        let (feature, left, right, cover) = match *node {
            Node::Leaf { value, .. } => return product.map(|product| value * product),
            Node::Split { feature, left, right, cover, .. } => (feature, left, right, cover),
        };
        let goes_left = goes_left(node, self.x, self.comparison);
        let before = self.edges[feature];
        let mut sums = [0.0; POINTS];
        for (child, passes) in [(left, goes_left), (right, !goes_left)] {
            let passes = if passes { before.passes } else { 0.0 };
            let share = before.share * tree.nodes[child].cover() / cover;
            if passes == 0.0 && share == 0.0 {
                continue; // no coalition gets here
            }
            let below = self.descend(tree, child, feature, (passes, share), product);
            for (sum, below) in sums.iter_mut().zip(below) {
                *sum += below;
            }
            self.edges[feature] = before;
        }
        sums
    }

    /// Walks below one edge. The feature's value counts the deepest edge only: each edge adds the leaves below it as
    /// seen from itself, and takes them away as seen from the edge on the same feature above it.
    fn descend(
        &mut self,
        tree: &Tree,
        child: usize,
        feature: usize,
        (passes, share): (f64, f64),
        product: &[f64; POINTS],
    ) -> [f64; POINTS] {
        let before = self.edges[feature];
        let mut edge = Edge { passes, share, inverse: [0.0; POINTS] };
        let mut below = [0.0; POINTS];
        for point in 0..POINTS {
            let factor = share + self.points[point] * (passes - share);
            edge.inverse[point] = 1.0 / factor;
            below[point] = product[point] * before.inverse[point] * factor;
        }
        self.edges[feature] = edge;
        let sums = self.visit(tree, child, &below);
        let (now, then) = (passes - share, before.passes - before.share);
        let mut change = 0.0;
        for (point, sum) in sums.iter().enumerate() {
            let seen = now * edge.inverse[point] - then * before.inverse[point];
            change += self.weights[point] * sum * seen;
        }
        self.values[feature] += change;
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(value: f64, cover: f64) -> Node {
        Node::Leaf { value, cover }
    }

    fn split(feature: usize, threshold: f64, left: usize, right: usize, cover: f64) -> Node {
        Node::Split { feature, threshold, missing_left: true, left, right, cover }
    }

    fn explainer(nodes: Vec<Node>, features: usize) -> Result<Explainer, InvalidTree> {
        let trees = vec![Tree { nodes }];
        Explainer::new(Ensemble { trees, base: 1.0, comparison: Comparison::LessOrEqual, features })
    }

    #[test]
    fn a_stump_moves_its_own_feature_only() {
        let explainer = explainer(vec![split(1, 0.0, 1, 2, 4.0), leaf(8.0, 1.0), leaf(0.0, 3.0)], 2).unwrap();
        let explanation = explainer.explain(&[5.0, -1.0]).unwrap();
        assert_eq!(explanation.expected_value, 3.0);
        assert!(explanation.values[0] == 0.0 && (explanation.values[1] - 6.0).abs() < 1e-14, "{explanation:?}");
        assert_eq!(explainer.explain(&[1.0]), None);
    }

    #[test]
    fn an_interaction_is_shared_and_a_leaf_without_cover_does_not_spoil_it() {
        // x₀ and x₁ both above 0 give 1; all four corners alike, the last one never seen in training.
        let nodes =
            vec![split(0, 0.0, 1, 2, 4.0), leaf(0.0, 2.0), split(1, 0.0, 3, 4, 2.0), leaf(0.0, 1.0), leaf(1.0, 1.0)];
        let values = explainer(nodes.clone(), 2).unwrap().explain(&[1.0, 1.0]).unwrap().values;
        assert!((values[0] - 0.375).abs() < 1e-15 && (values[1] - 0.375).abs() < 1e-15, "{values:?}");

        let mut unseen = nodes;
        unseen[4] = leaf(1.0, 0.0);
        unseen[3] = leaf(0.0, 2.0);
        let explainer = explainer(unseen, 2).unwrap();
        for row in [[1.0, 1.0], [1.0, -1.0], [f64::NAN, 1.0]] {
            let explanation = explainer.explain(&row).unwrap();
            let sum: f64 = explanation.values.iter().sum();
            assert!((explanation.expected_value + sum - explainer.predict(&row).unwrap()).abs() < 1e-15, "{row:?}");
        }
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        assert!(explainer(vec![], 1).is_err());
        assert!(explainer(vec![split(0, 0.0, 0, 0, 1.0)], 1).is_err());
        assert!(explainer(vec![split(3, 0.0, 1, 2, 2.0), leaf(0.0, 1.0), leaf(1.0, 1.0)], 1).is_err());
        let refused = explainer(vec![split(0, 0.0, 1, 2, 0.0), leaf(0.0, 0.0), leaf(1.0, 0.0)], 1).unwrap_err();
        assert_eq!(refused.to_string(), "tree 0: a split without positive cover");
    }
}

//! Tree ensembles as they are given, and what is refused.

use std::fmt;

/// No sensible tree is deeper; walks recurse, so that the stack must be bounded.
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
        /// Index of the column of the row.
        column: usize,
        /// Compared with the column's value.
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
    pub(super) fn cover(&self) -> f64 {
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
    /// How many features get values.
    pub features: usize,
    /// For each column of a row the feature that it comes from. Several columns (a category one-hot, a number and whether
    /// it is missing) may say something of one feature; they join a coalition together.
    pub columns: Vec<usize>,
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

/// Checks that the nodes form a tree over `columns` columns; with `covered`, that its covers can be shared out too.
pub(super) fn check(tree: &Tree, columns: usize, covered: bool) -> Result<(), &'static str> {
    let mut seen = vec![false; tree.nodes.len()];
    let mut open = vec![(0, 0)];
    while let Some((index, depth)) = open.pop() {
        let node = tree.nodes.get(index).ok_or("a child does not exist")?;
        if std::mem::replace(&mut seen[index], true) {
            return Err("a node has two parents");
        }
        if depth > DEEPEST {
            return Err("deeper than 128 splits");
        }
        if covered && !(node.cover() >= 0.0 && node.cover().is_finite()) {
            return Err("a negative or unknown cover");
        }
        if let Node::Split { column, threshold, left, right, cover, .. } = *node {
            if column >= columns {
                return Err("a column does not exist");
            }
            if threshold.is_nan() {
                return Err("a threshold that is no number");
            }
            if covered && cover <= 0.0 {
                return Err("a split without positive cover");
            }
            open.extend([(left, depth + 1), (right, depth + 1)]);
        }
    }
    Ok(())
}

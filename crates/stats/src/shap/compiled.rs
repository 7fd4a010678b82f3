//! Trees made ready for walks: values become ranks among the thresholds of their column, so that a split is one
//! comparison of small whole numbers, and missing values are one more rank.

use super::model::{Comparison, Ensemble, InvalidTree, Node, Tree, check};

/// A path with more features than this does not fit the bits of a pattern.
const MOST_ON_A_PATH: usize = 63;

/// A node of a checked tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Split(Split),
    /// What is added to the prediction.
    Leaf(f64),
}

/// Rows whose rank is in `first..first + count` go right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    /// The column that is compared, and the feature that it says something of.
    pub(super) column: u32,
    pub(super) feature: u32,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) left: u32,
    pub(super) right: u32,
    /// The share of the node's cover that went left, and right.
    pub(super) shares: [f64; 2],
}

impl Split {
    /// 1 for the right child, 0 for the left one.
    pub(super) fn side(&self, rank: u32) -> u32 {
        u32::from(rank.wrapping_sub(self.first) < self.count)
    }
}

/// A checked ensemble.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    /// The feature of each column.
    pub(super) columns: Vec<usize>,
    pub(super) features: usize,
    pub(super) base: f64,
    pub(super) steps: Vec<Step>,
    pub(super) roots: Vec<u32>,
    /// The most splits between a root and a leaf.
    pub(super) depth: usize,
    /// The most features on one path.
    pub(super) widest: usize,
    comparison: Comparison,
    /// The thresholds of each column, in ascending order.
    thresholds: Vec<Vec<f64>>,
}

impl Compiled {
    /// Checks and compiles; with `covered`, splits have shares.
    pub(super) fn new(ensemble: &Ensemble, covered: bool) -> Result<Self, InvalidTree> {
        let Ensemble { trees, base, comparison, features, columns } = ensemble;
        if columns.iter().any(|feature| feature >= features) {
            return Err(InvalidTree { tree: 0, reason: "a column belongs to a feature that does not exist" });
        }
        let mut thresholds = vec![Vec::new(); columns.len()];
        for (index, tree) in trees.iter().enumerate() {
            check(tree, columns.len(), covered).map_err(|reason| InvalidTree { tree: index, reason })?;
            for node in &tree.nodes {
                if let Node::Split { column, threshold, .. } = *node
                    && let Some(list) = thresholds.get_mut(column)
                {
                    list.push(threshold);
                }
            }
        }
        for list in &mut thresholds {
            list.sort_by(f64::total_cmp);
            list.dedup();
        }
        let mut compiled = Self {
            columns: columns.clone(),
            features: *features,
            base: *base,
            steps: Vec::new(),
            roots: Vec::with_capacity(trees.len()),
            depth: 0,
            widest: 0,
            comparison: *comparison,
            thresholds,
        };
        for (index, tree) in trees.iter().enumerate() {
            compiled.roots.push(compiled.steps.len() as u32);
            compiled.add(tree, 0, covered, &mut Vec::new());
            if compiled.widest > MOST_ON_A_PATH {
                return Err(InvalidTree { tree: index, reason: "more than 63 features on one path" });
            }
        }
        Ok(compiled)
    }

    /// Adds a node and all below it; `above` holds the features of the path.
    fn add(&mut self, tree: &Tree, node: usize, covered: bool, above: &mut Vec<usize>) {
        let at = self.steps.len();
        let Node::Split { column, threshold, missing_left, left, right, cover } = tree.nodes[node] else {
            if let Node::Leaf { value, .. } = tree.nodes[node] {
                self.steps.push(Step::Leaf(value));
            }
            self.depth = self.depth.max(above.len());
            let distinct = above.iter().enumerate().filter(|(place, feature)| !above[..*place].contains(feature));
            self.widest = self.widest.max(distinct.count());
            return;
        };
        let share = |child: usize| if covered { tree.nodes[child].cover() / cover } else { 0.0 };
        let feature = self.columns[column];
        let list = &self.thresholds[column];
        let first = list.partition_point(|&other| other < threshold) as u32 + 1;
        // Ranks go up to the number of thresholds; the next one is that of missing values.
        let count = list.len() as u32 + 1 - first + u32::from(!missing_left);
        let shares = [share(left), share(right)];
        let (column, of) = (column as u32, feature as u32);
        let mut split = Split { column, feature: of, first, count, left: 0, right: 0, shares };
        self.steps.push(Step::Split(split));
        above.push(feature);
        split.left = self.steps.len() as u32;
        self.add(tree, left, covered, above);
        split.right = self.steps.len() as u32;
        self.add(tree, right, covered, above);
        above.pop();
        self.steps[at] = Step::Split(split);
    }

    /// The rank of a value: how many thresholds it is on the right of.
    pub(super) fn rank(&self, column: usize, x: f64) -> u32 {
        let list = &self.thresholds[column];
        let rank = match self.comparison {
            _ if x.is_nan() => list.len() + 1,
            Comparison::Less => list.partition_point(|&threshold| x >= threshold),
            Comparison::LessOrEqual => list.partition_point(|&threshold| x > threshold),
        };
        rank as u32
    }

    /// The prediction (margin) for a row.
    pub(super) fn predict(&self, x: &[f64]) -> f64 {
        let leaf = |&root: &u32| {
            let mut at = root;
            loop {
                match &self.steps[at as usize] {
                    Step::Leaf(value) => break *value,
                    Step::Split(split) => {
                        let column = split.column as usize;
                        at = if split.side(self.rank(column, x[column])) == 1 { split.right } else { split.left };
                    }
                }
            }
        };
        self.base + self.roots.iter().map(leaf).sum::<f64>()
    }

    /// The mean prediction when every split sends rows both ways by its shares.
    pub(super) fn expected_by_cover(&self) -> f64 {
        self.base + self.roots.iter().map(|&root| self.expected_below(root)).sum::<f64>()
    }

    fn expected_below(&self, at: u32) -> f64 {
        match &self.steps[at as usize] {
            Step::Leaf(value) => *value,
            Step::Split(split) => {
                split.shares[0] * self.expected_below(split.left) + split.shares[1] * self.expected_below(split.right)
            }
        }
    }
}

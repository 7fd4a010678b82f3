//! Trees in flat arrays, and the walk from their roots to the leaves that a row reaches.
//!
//! One row is walked through eight trees at a time, many rows eight at a time through one tree, so that the processor
//! overlaps the latencies of their loads.

use flyball_core::Result;

use crate::graph::tensor::mismatch;

/// How many walks are under way at once: enough to hide the latency of a cached load, few enough for the registers.
const LANES: usize = 8;

/// How many rows go through a tree before the next tree is looked at: the tree is loaded once for all of them, and the
/// rows stay in the nearest cache.
pub(crate) const BLOCK_ROWS: usize = 64;

/// How a node tests a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    /// Values below the threshold go left.
    Below,
    /// Values equal to the threshold go left.
    Equal,
    /// Categories of the set whose number the threshold's bits are go left.
    Within,
}

/// One node. Children are neighbours: the left one at `left`, the right one behind it. A leaf points at itself with a
/// NaN threshold, so that walking on stays where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) threshold: f32,
    pub(crate) left: u32,
    pub(crate) feature: u16,
    /// 1 if a missing value goes right.
    pub(crate) missing_right: u8,
    pub(crate) test: Test,
}

/// Sets of categories, each a range of bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sets {
    words: Vec<u32>,
    ranges: Vec<(u32, u32)>,
}

impl Sets {
    /// Adds a set as the words of its bits, lowest first, and gives its number.
    pub(crate) fn push(&mut self, words: &[u32]) -> u32 {
        let start = self.words.len() as u32;
        self.words.extend_from_slice(words);
        self.ranges.push((start, self.words.len() as u32));
        self.ranges.len() as u32 - 1
    }

    /// How many words all sets take.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    fn holds(&self, set: u32, category: f32) -> bool {
        let (start, end) = self.ranges[set as usize];
        // No set has a bit that a 32-bit float could not name.
        let bit = category as u32;
        let word = self.words[start as usize..end as usize].get(bit as usize / 32);
        category >= 0.0 && word.is_some_and(|word| word >> (bit % 32) & 1 == 1)
    }
}

/// The flat arrays of some trees, under construction.
#[derive(Default)]
pub(crate) struct Layout {
    /// For each flat node its position where it came from.
    pub(crate) order: Vec<usize>,
    nodes: Vec<Node>,
    roots: Vec<u32>,
    depths: Vec<u32>,
}

impl Layout {
    /// Lays a tree out level by level, with neighbouring children. `split` gives for a position the node with its left
    /// and right children, `None` for a leaf; with more than `most` nodes altogether there is a loop.
    pub(crate) fn place(
        &mut self,
        root: usize,
        most: usize,
        split: impl Fn(usize) -> Result<Option<(Node, usize, usize)>>,
    ) -> Result<()> {
        let mut next = self.order.len();
        self.roots.push(next as u32);
        self.order.push(root);
        let mut depth = 0;
        let mut level_end = self.order.len();
        while next < self.order.len() {
            if next == level_end {
                depth += 1;
                level_end = self.order.len();
            }
            self.nodes.push(match split(self.order[next])? {
                None => {
                    let threshold = f32::NAN;
                    Node { threshold, left: next as u32, feature: 0, missing_right: 0, test: Test::Below }
                }
                Some((node, left, right)) => {
                    let first = self.order.len() as u32;
                    self.order.extend([left, right]);
                    Node { left: first, ..node }
                }
            });
            next += 1;
            // A node with two parents, or a loop, would be placed more than once.
            if self.order.len() > most.min(u32::MAX as usize) {
                return Err(no_trees());
            }
        }
        self.depths.push(depth);
        Ok(())
    }

    pub(crate) fn finish(self, sets: Sets) -> Forest {
        let Self { nodes, roots, depths, .. } = self;
        let deepest = |group: &[u32]| group.iter().copied().max().unwrap_or(0);
        Forest {
            group_depths: depths.chunks(LANES).map(deepest).collect(),
            ordered: nodes.iter().all(|node| node.test == Test::Below),
            nodes,
            roots,
            depths,
            sets,
        }
    }
}

/// The error of nodes whose children are no children.
pub(crate) fn no_trees() -> flyball_core::Error {
    mismatch("the nodes of a tree model do not form trees")
}

/// Trees, ready to walk.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    pub(crate) nodes: Vec<Node>,
    pub(crate) roots: Vec<u32>,
    depths: Vec<u32>,
    /// The depth of the deepest tree of each group of trees that is walked at once: a fixed number of steps costs less
    /// than asking after each whether all trees have reached their leaves.
    group_depths: Vec<u32>,
    /// Whether all nodes compare by order.
    pub(crate) ordered: bool,
    sets: Sets,
}

impl Forest {
    /// Whether a value that is not missing goes right at a node.
    pub(crate) fn goes_right(&self, node: &Node, x: f32) -> bool {
        match node.test {
            Test::Below => x >= node.threshold,
            Test::Equal => x != node.threshold,
            Test::Within => !self.sets.holds(node.threshold.to_bits(), x),
        }
    }

    /// How many columns a row must have.
    pub(crate) fn columns(&self) -> usize {
        self.nodes.iter().map(|node| usize::from(node.feature) + 1).max().unwrap_or(0)
    }

    /// What it keeps in memory; an estimate.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.len() * size_of::<Node>() + self.roots.len() * 9 + self.sets.words.len() * 4
    }

    /// Calls `visit` with the row, the tree and the leaf, for `count` rows of `columns` values each; for each row in
    /// the order of the trees.
    pub(crate) fn walk(&self, rows: &[f32], columns: usize, count: usize, visit: impl FnMut(usize, usize, usize)) {
        // Bitwise, not short-circuit: a branch here would be mispredicted half of the time.
        if !self.ordered {
            self.walk_with(rows, columns, count, visit, |x, node| {
                let right = self.goes_right(node, x);
                if x.is_nan() { u32::from(node.missing_right) } else { u32::from(right) }
            });
        } else if rows.iter().any(|x| x.is_nan()) {
            self.walk_with(rows, columns, count, visit, |x, node| {
                u32::from(x >= node.threshold) | (u32::from(x.is_nan()) & u32::from(node.missing_right))
            });
        } else {
            self.walk_with(rows, columns, count, visit, |x, node| u32::from(x >= node.threshold));
        }
    }

    /// Walks with a test that says 1 for the right child.
    #[inline(always)]
    fn walk_with(
        &self,
        rows: &[f32],
        columns: usize,
        count: usize,
        mut visit: impl FnMut(usize, usize, usize),
        right: impl Fn(f32, &Node) -> u32,
    ) {
        let step = |at: u32, row: &[f32]| {
            let node = &self.nodes[at as usize];
            node.left.wrapping_add(right(row[usize::from(node.feature)], node))
        };
        let row = |row: usize| &rows[row * columns..(row + 1) * columns];
        for start in (0..count).step_by(BLOCK_ROWS) {
            let end = count.min(start + BLOCK_ROWS);
            let full = start + (end - start) / LANES * LANES;
            if full > start {
                for (tree, (&root, &depth)) in self.roots.iter().zip(&self.depths).enumerate() {
                    for first in (start..full).step_by(LANES) {
                        let lanes: [&[f32]; LANES] = std::array::from_fn(|lane| row(first + lane));
                        let mut at = [root; LANES];
                        for _ in 0..depth {
                            at = std::array::from_fn(|lane| step(at[lane], lanes[lane]));
                        }
                        at.iter().zip(first..).for_each(|(&leaf, row)| visit(row, tree, leaf as usize));
                    }
                }
            }
            for number in full..end {
                let row = row(number);
                let groups = self.roots.chunks(LANES).zip(&self.group_depths);
                for ((group, &depth), first) in groups.zip((0..).step_by(LANES)) {
                    if let Ok(mut at) = <[u32; LANES]>::try_from(group) {
                        for _ in 0..depth {
                            at = at.map(|at| step(at, row));
                        }
                        at.iter().zip(first..).for_each(|(&leaf, tree)| visit(number, tree, leaf as usize));
                    } else {
                        let leaf = |&root| (0..depth).fold(root, |at, _| step(at, row));
                        group.iter().map(leaf).zip(first..).for_each(|(leaf, tree)| visit(number, tree, leaf as usize));
                    }
                }
            }
        }
    }
}

/// The covers of flat nodes, if each inner node's is positive and the sum of its children's.
pub(crate) fn sound_covers(nodes: &[Node], covers: Vec<f32>) -> Option<Vec<f32>> {
    let sound = nodes.iter().enumerate().all(|(at, node)| {
        let left = node.left as usize;
        at == left || {
            let children = covers[left] + covers[left + 1];
            covers[at] > 0.0 && (children - covers[at]).abs() <= 1e-4 * covers[at]
        }
    });
    sound.then_some(covers)
}

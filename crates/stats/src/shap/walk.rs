//! One walk over every tree for a whole block of rows.
//!
//! On the way down each row's pattern is kept; at the bottom the values of a pattern are computed once and looked up for
//! all rows that have it. Two leaves of one parent are done together: their patterns differ only in the last split,
//! which becomes one more bit.

use super::compiled::{Compiled, Split, Step};
use super::path::{Game, pairs};

/// Patterns of up to this many bits are kept in tables; those of longer paths hardly ever repeat.
const TABLE_BITS: usize = 10;

/// All splits of the path on one feature.
#[derive(Debug, Clone, Copy)]
struct Condition {
    feature: usize,
    share: f64,
}

/// A leaf, with the split above it and the side it hangs on when that split is not part of the path yet.
struct Ending {
    value: f64,
    last: Option<(Split, u32)>,
}

/// What is added up for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// A value for each feature.
    Values,
    /// Behind the values, for each pair of features half of their interaction, at `features * (larger + 1) + smaller`.
    Interactions,
}

/// The walk of a block of rows.
pub(super) struct Walk<'a, G> {
    compiled: &'a Compiled,
    game: G,
    kind: Sums,
    /// How many rows are explained; those of the background stand behind them.
    rows: usize,
    /// For each column the ranks of all rows.
    ranks: Vec<Vec<u32>>,
    /// For each depth of the current path the patterns of all rows.
    patterns: Vec<Vec<u64>>,
    path: Vec<Condition>,
    /// The condition of each feature on the path.
    places: Vec<Option<usize>>,
    table: Table,
    /// For each target the sums of all rows.
    sums: Vec<Vec<f64>>,
}

/// The values of the patterns that were met at the bottom of a path.
#[derive(Default)]
struct Table {
    met: Vec<bool>,
    found: Vec<u64>,
    /// For each target the values by pattern.
    columns: Vec<f64>,
    /// The values of one pattern.
    scratch: Vec<f64>,
    /// The patterns of the background.
    background: Vec<u64>,
}

impl<'a, G: Game> Walk<'a, G> {
    /// Walks all trees with rows (row after row) before a background, and gives the sums of each target.
    pub(super) fn run(compiled: &'a Compiled, game: G, kind: Sums, rows: &[f64], background: &[f64]) -> Vec<Vec<f64>> {
        let (columns, features) = (compiled.columns.len(), compiled.features);
        let count = |values: &[f64]| values.len().checked_div(columns).unwrap_or(0);
        let all = || rows.chunks_exact(columns).chain(background.chunks_exact(columns));
        let total = count(rows) + count(background);
        let targets = if kind == Sums::Values { features } else { features * (features + 1) };
        let mut walk = Self {
            compiled,
            game,
            kind,
            rows: count(rows),
            ranks: (0..columns).map(|c| all().map(|row| compiled.rank(c, row[c])).collect()).collect(),
            patterns: vec![vec![0; total]; compiled.depth + 1],
            path: Vec::with_capacity(compiled.widest),
            places: vec![None; features],
            table: Table { met: vec![false; 1 << TABLE_BITS], ..Table::default() },
            sums: vec![vec![0.0; count(rows)]; targets],
        };
        for &root in &compiled.roots {
            walk.visit(root, 0);
        }
        walk.sums
    }

    fn visit(&mut self, at: u32, depth: usize) {
        let split = match self.compiled.steps[at as usize] {
            Step::Split(split) => split,
            Step::Leaf(value) => {
                let patterns = std::mem::take(&mut self.patterns[depth]);
                self.finish(&patterns, self.path.len(), &[Ending { value, last: None }]);
                self.patterns[depth] = patterns;
                return;
            }
        };
        let children = [split.left, split.right].map(|child| self.compiled.steps[child as usize]);
        if let [Step::Leaf(left), Step::Leaf(right)] = children {
            let bit = self.path.len();
            self.descend(depth, &split, |pattern, side| pattern | u64::from(side) << bit);
            let patterns = std::mem::take(&mut self.patterns[depth + 1]);
            let leaves = [(left, 0), (right, 1)].map(|(value, side)| Ending { value, last: Some((split, side)) });
            self.finish(&patterns, bit + 1, &leaves);
            self.patterns[depth + 1] = patterns;
            return;
        }
        for (child, side) in [(split.left, 0), (split.right, 1)] {
            let (place, before) = self.enter(&split, side);
            let new = u64::from(before.is_none()) << place;
            self.descend(depth, &split, |pattern, to| (pattern | new) & !(u64::from(to ^ side) << place));
            self.visit(child, depth + 1);
            self.leave(&split, place, before);
        }
    }

    /// Fills the patterns one level deeper, from those of a level and the side that each row takes.
    #[inline(always)]
    fn descend(&mut self, depth: usize, split: &Split, below: impl Fn(u64, u32) -> u64) {
        let (above, rest) = self.patterns.split_at_mut(depth + 1);
        let ranks = &self.ranks[split.column as usize];
        for ((to, &from), &rank) in rest[0].iter_mut().zip(&above[depth]).zip(ranks) {
            *to = below(from, split.side(rank));
        }
    }

    /// Puts a split on the path: the place of its condition, and the share that it had before.
    fn enter(&mut self, split: &Split, side: u32) -> (usize, Option<f64>) {
        let (feature, share) = (split.feature as usize, split.shares[side as usize]);
        let (place, before) = match self.places[feature] {
            Some(place) => (place, Some(self.path[place].share)),
            None => (self.path.len(), None),
        };
        let condition = Condition { feature, share: before.unwrap_or(1.0) * share };
        match before {
            Some(_) => self.path[place] = condition,
            None => self.path.push(condition),
        }
        self.places[feature] = Some(place);
        self.game.condition(place, condition.share);
        (place, before)
    }

    /// Takes the split off again.
    fn leave(&mut self, split: &Split, place: usize, before: Option<f64>) {
        if let Some(share) = before {
            self.path[place].share = share;
            self.game.condition(place, share);
        } else {
            self.path.pop();
            self.places[split.feature as usize] = None;
        }
    }

    /// Adds what the leaves at the bottom of the path give; `bits` is the length of the patterns.
    fn finish(&mut self, patterns: &[u64], bits: usize, leaves: &[Ending]) {
        let mut table = std::mem::take(&mut self.table);
        let (rows, background) = patterns.split_at(self.rows);
        let tabled = bits <= TABLE_BITS;
        let size = if tabled { 1 << bits } else { 0 };
        if tabled {
            table.note(rows);
            table.columns.clear();
            table.columns.resize(size * self.targets(bits), 0.0);
        }
        let mut conditions = Vec::new();
        for leaf in leaves {
            let entered = leaf.last.map(|(split, side)| (split, side, self.enter(&split, side)));
            let own = |pattern: u64| match entered {
                None => pattern,
                Some((_, side, (place, before))) => {
                    // The last bit says which side the row takes; the others are those above the split.
                    let last = bits - 1;
                    let other = (pattern >> last & 1) ^ u64::from(side);
                    let above = pattern & ((1 << last) - 1);
                    (above | u64::from(before.is_none()) << place) & !(other << place)
                }
            };
            table.background.clear();
            table.background.extend(background.iter().map(|&pattern| own(pattern)));
            self.game.arrive(&table.background);
            conditions.clear();
            conditions.extend(self.path.iter().map(|condition| condition.feature));
            let count = self.targets(conditions.len());
            for (row, &pattern) in if tabled { &table.found } else { rows }.iter().enumerate() {
                table.scratch.clear();
                table.scratch.resize(count, 0.0);
                self.add(own(pattern), leaf.value, &mut table.scratch);
                if tabled {
                    let columns = table.columns.chunks_exact_mut(size);
                    columns.zip(&table.scratch).for_each(|(column, value)| column[pattern as usize] += value);
                } else {
                    let targets = self.positions(&conditions);
                    targets.into_iter().zip(&table.scratch).for_each(|(target, value)| self.sums[target][row] += value);
                }
            }
            if let Some((split, _, (place, before))) = entered {
                self.leave(&split, place, before);
            }
        }
        if tabled {
            for (column, target) in table.columns.chunks_exact(size).zip(self.positions(&conditions)) {
                for (sum, &pattern) in self.sums[target].iter_mut().zip(rows) {
                    *sum += column[pattern as usize & (column.len() - 1)];
                }
            }
        }
        self.table = table;
    }

    /// How many numbers some conditions have.
    fn targets(&self, conditions: usize) -> usize {
        match self.kind {
            Sums::Values => conditions,
            Sums::Interactions => conditions + conditions * conditions.saturating_sub(1) / 2,
        }
    }

    /// The values of the conditions, and of their pairs.
    fn add(&self, pattern: u64, value: f64, out: &mut [f64]) {
        let conditions = self.path.len();
        let (values, of_pairs) = out.split_at_mut(conditions);
        self.game.add_values(conditions, pattern, value, values);
        if self.kind == Sums::Interactions {
            self.game.add_pairs(conditions, pattern, value, of_pairs);
        }
    }

    /// Where the numbers of some conditions are added.
    fn positions(&self, conditions: &[usize]) -> Vec<usize> {
        let mut positions = conditions.to_vec();
        if self.kind == Sums::Interactions {
            let of_pair = |(i, j): (usize, usize)| {
                let (larger, smaller) = (conditions[i].max(conditions[j]), conditions[i].min(conditions[j]));
                self.compiled.features * (larger + 1) + smaller
            };
            positions.extend(pairs(conditions.len()).map(of_pair));
        }
        positions
    }
}

impl Table {
    /// Finds the patterns that rows have.
    fn note(&mut self, rows: &[u64]) {
        self.found.drain(..).for_each(|pattern| self.met[pattern as usize] = false);
        for &pattern in rows {
            let met = &mut self.met[pattern as usize];
            if !*met {
                *met = true;
                self.found.push(pattern);
            }
        }
    }
}

//! The interventional game.
//!
//! For one leaf and one background row, let A be the conditions that only the explained row meets, with a members, and
//! B those that only the background row meets, with b. The leaf is reached by a coalition that holds all of A and none
//! of B, if every condition is met by one of the two rows. The Shapley value is then (a−1)! b!/(a+b)! for members of A
//! and −a! (b−1)!/(a+b)! for members of B: Beta integrals, as ∫ tᵃ⁻¹(1−t)ᵇ dt. Background rows of one pattern count
//! together.

use super::path::{Game, pairs};

/// Patterns below this are counted in place.
const COUNTED: usize = 1 << 10;

/// The game, standing at a leaf.
#[derive(Debug, Clone)]
pub(super) struct Background {
    /// The patterns of the background rows, and the share of rows that has each.
    patterns: Vec<(u64, f64)>,
    sorted: Vec<u64>,
    /// How often each pattern of few bits was met: cheaper than sorting, which is left to longer ones.
    counts: Vec<u32>,
    /// ∫ tᵃ(1−t)ᵇ dt at `a * width + b`.
    beta: Vec<f64>,
    width: usize,
}

impl Background {
    /// The game on paths with no more conditions than `widest`.
    pub(super) fn new(widest: usize) -> Self {
        let width = widest + 1;
        let mut beta = vec![0.0; width * width];
        for a in 0..width {
            // B(a+1, 1) = 1/(a+1), and each further step of b multiplies by b/(a+b+1).
            let mut value = 1.0 / (a as f64 + 1.0);
            for b in 0..width {
                if b > 0 {
                    value *= b as f64 / (a + b + 1) as f64;
                }
                beta[a * width + b] = value;
            }
        }
        Self { patterns: Vec::new(), sorted: Vec::new(), counts: vec![0; COUNTED], beta, width }
    }

    fn beta(&self, a: u32, b: u32) -> f64 {
        self.beta[a as usize * self.width + b as usize]
    }

    /// The background patterns that reach the leaf together with a row's: A, a, and the share of the rows.
    fn partners(&self, all: u64, missed: u64) -> impl Iterator<Item = (u64, u32, f64)> {
        let reach = self.patterns.iter().filter(move |(pattern, _)| missed & !pattern == 0);
        reach.map(move |(pattern, share)| (all & !pattern, (all & !pattern).count_ones(), *share))
    }
}

/// Calls `each` with the position of every bit that is set.
fn bits(mut word: u64, mut each: impl FnMut(usize)) {
    while word != 0 {
        each(word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

impl Game for Background {
    fn condition(&mut self, _at: usize, _share: f64) {}

    fn arrive(&mut self, background: &[u64]) {
        let rows = background.len() as f64;
        self.patterns.clear();
        if background.iter().all(|&pattern| pattern < COUNTED as u64) {
            for &pattern in background {
                let count = &mut self.counts[pattern as usize];
                if *count == 0 {
                    self.patterns.push((pattern, 0.0));
                }
                *count += 1;
            }
            for (pattern, share) in &mut self.patterns {
                *share = f64::from(std::mem::take(&mut self.counts[*pattern as usize])) / rows;
            }
            return;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(background);
        self.sorted.sort_unstable();
        self.patterns.extend(self.sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64 / rows)));
    }

    fn add_values(&self, conditions: usize, pattern: u64, value: f64, out: &mut [f64]) {
        let all = (1_u64 << conditions) - 1;
        let missed = all & !pattern;
        let b = missed.count_ones();
        let mut down = 0.0;
        for (ours, a, share) in self.partners(all, missed) {
            if b > 0 {
                down += share * self.beta(a, b - 1);
            }
            if a > 0 {
                let up = value * share * self.beta(a - 1, b);
                bits(ours, |at| out[at] += up);
            }
        }
        bits(missed, |at| out[at] -= value * down);
    }

    fn add_pairs(&self, conditions: usize, pattern: u64, value: f64, out: &mut [f64]) {
        let all = (1_u64 << conditions) - 1;
        let missed = all & !pattern;
        let b = missed.count_ones();
        for (ours, a, share) in self.partners(all, missed) {
            let half = 0.5 * value * share;
            for (out, (i, j)) in out.iter_mut().zip(pairs(conditions)) {
                let of = |set: u64, at: usize| (set >> at & 1) as u32;
                let (in_a, in_b) = (of(ours, i) + of(ours, j), of(missed, i) + of(missed, j));
                if in_a + in_b == 2 {
                    let sign = if in_b == 1 { -1.0 } else { 1.0 };
                    *out += sign * half * self.beta(a - in_a, b - in_b);
                }
            }
        }
    }
}

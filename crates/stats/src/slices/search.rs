//! The search through the lattice of conjunctions.

use super::count::Losses;
use super::distinct::distinct;
use crate::multiplicity::benjamini_hochberg;
use crate::random::Draws;

/// Rows that are searched at most; of more, a sample: one drawn from each stretch of equal length. A slice of one row in a hundred then has 2,000 rows, whose
/// mean loss is known to a few percent.
const SEARCH_ROWS: usize = 200_000;
/// Counts of rows that all pairs of attributes may cost together; with more attributes those that say least alone do not
/// form pairs.
const PAIR_COUNTS: usize = 300_000_000;
/// Counts of rows that all conjunctions of three conditions may cost together.
const TRIPLE_COUNTS: usize = 100_000_000;
/// Conjunctions of two conditions that are looked into for a third.
const EXTENDED: usize = 64;
/// Slices among which the distinct ones are chosen.
const CANDIDATES: usize = 200;
/// More levels than this are not searched: an attribute of so many says little by one of them.
const LEVELS: usize = 64;

/// The seed of the sample: the same rows always have the same slices.
const SEED: u64 = 0x51CE;

/// A column as levels: categories, or ranges of numbers.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    /// The level of each row; a code that is not below `levels` meets no condition.
    pub codes: &'a [u8],
    /// How many levels; at most 64 are searched.
    pub levels: usize,
}

/// An attribute has a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// The position of the attribute.
    pub attribute: usize,
    /// Its level.
    pub level: u8,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// Most conditions of a slice, up to 3.
    pub conditions: usize,
    /// Fewest rows of a slice, of all rows.
    pub least_rows: usize,
    /// Most slices that are returned.
    pub slices: usize,
    /// The smallest difference of the mean losses that counts, in pooled standard deviations.
    pub effect: f64,
    /// The largest adjusted p-value.
    pub significance: f64,
}

/// A group of rows on which the loss is higher.
#[derive(Debug, Clone, PartialEq)]
pub struct WeakSlice {
    /// What the rows have in common.
    pub conditions: Vec<Condition>,
    /// How many rows.
    pub rows: usize,
    /// Their mean loss.
    pub loss: f64,
    /// The mean loss of all other rows.
    pub rest_loss: f64,
    /// The difference in pooled standard deviations.
    pub effect: f64,
    /// P-value of no higher loss (Welch, one-sided), adjusted by Benjamini & Hochberg for all slices that were counted.
    pub p_value: f64,
}

/// The worst slices, first the one whose losses are least like those of as many random rows, each of which is still worse than the rest without the rows of
/// those before it.
///
/// All single conditions and pairs of conditions are counted (pairs as far as a bounded amount of work allows), and the
/// most promising pairs with every third condition; a pair is left alone when no part of it could beat the slices already
/// found. Empty where nothing is worse, lengths differ, a loss is negative or not finite, or no loss is above zero.
pub fn weak_slices(attributes: &[Attribute<'_>], losses: &[f64], search: &Search) -> Vec<WeakSlice> {
    let sound = losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0);
    if !sound || attributes.iter().any(|attribute| attribute.codes.len() != losses.len()) {
        return Vec::new();
    }
    let step = losses.len().div_ceil(SEARCH_ROWS).max(1);
    let sample = Sample::of(attributes, losses, step, search);
    if sample.all.rows < 4.0 || sample.all.mean() <= 0.0 {
        return Vec::new();
    }
    let counted = sample.count(search.conditions);
    let p_values: Vec<f64> =
        counted.iter().map(|slice| slice.losses.p_value(&sample.all.without(&slice.losses))).collect();
    let adjusted = benjamini_hochberg(&p_values);
    let mut weak: Vec<(Counted, f64)> = counted
        .into_iter()
        .zip(adjusted)
        .filter(|(slice, p_value)| {
            *p_value <= search.significance && slice.losses.effect(&sample.all.without(&slice.losses)) >= search.effect
        })
        .collect();
    weak.sort_by(|left, right| {
        let score = |slice: &Counted| slice.losses.score(&sample.all);
        score(&right.0).total_cmp(&score(&left.0)).then_with(|| left.0.conditions.cmp(&right.0.conditions))
    });
    weak.truncate(CANDIDATES);
    let members: Vec<Vec<u32>> = weak.iter().map(|(slice, _)| sample.members(&slice.conditions)).collect();
    let kept = distinct(&members, &sample.losses, sample.least, p_values.len(), search);
    let all = Losses::of(losses.iter().copied());
    kept.into_iter().map(|at| over_all_rows(attributes, losses, &all, &weak[at])).collect()
}

/// A slice with its losses.
#[derive(Debug, Clone)]
struct Counted {
    conditions: Vec<Condition>,
    losses: Losses,
}

/// A slice as it is reported: of all rows, not of the sample.
fn over_all_rows(
    attributes: &[Attribute<'_>],
    losses: &[f64],
    all: &Losses,
    (slice, p_value): &(Counted, f64),
) -> WeakSlice {
    let meets = |row: usize| slice.conditions.iter().all(|c| attributes[c.attribute].codes[row] == c.level);
    let own = Losses::of((0..losses.len()).filter(|&row| meets(row)).map(|row| losses[row]));
    let rest = all.without(&own);
    WeakSlice {
        conditions: slice.conditions.clone(),
        rows: own.rows as usize,
        loss: own.mean(),
        rest_loss: rest.mean(),
        effect: own.effect(&rest),
        p_value: *p_value,
    }
}

/// The rows that are searched.
struct Sample {
    /// The attributes that are searched, with their position among all.
    attributes: Vec<(usize, Vec<u8>, usize)>,
    losses: Vec<f64>,
    all: Losses,
    largest: f64,
    least: f64,
    wanted: usize,
}

impl Sample {
    fn of(attributes: &[Attribute<'_>], losses: &[f64], step: usize, search: &Search) -> Self {
        let mut draws = Draws::seeded(SEED);
        let rows: Vec<usize> =
            (0..losses.len()).step_by(step).map(|start| start + draws.below(step.min(losses.len() - start))).collect();
        let losses: Vec<f64> = rows.iter().map(|&row| losses[row]).collect();
        let searched = attributes.iter().enumerate().filter(|(_, attribute)| (2..=LEVELS).contains(&attribute.levels));
        let column = |(position, attribute): (usize, &Attribute<'_>)| {
            (position, rows.iter().map(|&row| attribute.codes[row]).collect(), attribute.levels)
        };
        Self {
            attributes: searched.map(column).collect(),
            all: Losses::of(losses.iter().copied()),
            largest: losses.iter().copied().fold(0.0, f64::max),
            // At least two rows, or nothing could be tested.
            least: (search.least_rows as f64 / step as f64).max(2.0),
            wanted: search.slices,
            losses,
        }
    }

    /// Every slice that was counted and has enough rows.
    fn count(&self, conditions: usize) -> Vec<Counted> {
        let mut found = Vec::new();
        let mut strength = Vec::with_capacity(self.attributes.len());
        for (at, (position, codes, levels)) in self.attributes.iter().enumerate() {
            let before = found.len();
            let mut table = vec![Losses::default(); *levels];
            for (&code, &loss) in codes.iter().zip(&self.losses) {
                if let Some(losses) = table.get_mut(code as usize) {
                    losses.add(loss);
                }
            }
            self.keep(&table, |level| vec![Condition { attribute: *position, level: level as u8 }], &mut found);
            let best = found[before..].iter().map(|slice| slice.losses.score(&self.all)).fold(f64::MIN, f64::max);
            strength.push((best, at));
        }
        if conditions >= 2 {
            let singles = found.len();
            self.pairs(strength, &mut found);
            if conditions >= 3 {
                self.triples(singles, &mut found);
            }
        }
        found
    }

    fn keep(&self, table: &[Losses], conditions: impl Fn(usize) -> Vec<Condition>, found: &mut Vec<Counted>) {
        for (cell, losses) in table.iter().enumerate() {
            // A slice of (almost) all rows has no rest to be worse than.
            if losses.rows >= self.least && self.all.rows - losses.rows >= 2.0 {
                found.push(Counted { conditions: conditions(cell), losses: *losses });
            }
        }
    }

    /// All pairs of the attributes that say most alone, as many as the work allows.
    fn pairs(&self, mut strength: Vec<(f64, usize)>, found: &mut Vec<Counted>) {
        strength.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        let allowed = PAIR_COUNTS / self.losses.len().max(1);
        let most = (1..=strength.len()).take_while(|&count| count * (count - 1) / 2 <= allowed).last().unwrap_or(0);
        let mut chosen: Vec<usize> = strength[..most].iter().map(|(_, at)| *at).collect();
        chosen.sort_unstable();
        for (place, &left) in chosen.iter().enumerate() {
            for &right in &chosen[place + 1..] {
                let (left_at, left_codes, left_levels) = &self.attributes[left];
                let (right_at, right_codes, right_levels) = &self.attributes[right];
                let mut table = vec![Losses::default(); left_levels * right_levels];
                for ((&left, &right), &loss) in left_codes.iter().zip(right_codes).zip(&self.losses) {
                    let (left, right) = (left as usize, right as usize);
                    if left < *left_levels && right < *right_levels {
                        table[left * right_levels + right].add(loss);
                    }
                }
                let conditions = |cell: usize| {
                    vec![
                        Condition { attribute: *left_at, level: (cell / right_levels) as u8 },
                        Condition { attribute: *right_at, level: (cell % right_levels) as u8 },
                    ]
                };
                self.keep(&table, conditions, found);
            }
        }
    }

    /// The pairs that could hold the best slices, with every third condition.
    fn triples(&self, singles: usize, found: &mut Vec<Counted>) {
        let mut scores: Vec<f64> = found.iter().map(|slice| slice.losses.score(&self.all)).collect();
        scores.sort_by(|left, right| right.total_cmp(left));
        let to_beat = scores.get(self.wanted.max(1) - 1).copied().unwrap_or(f64::MIN);
        let bound = |slice: &Counted| slice.losses.bound(&self.all, self.least, self.largest);
        let mut pairs: Vec<Counted> = found[singles..]
            .iter()
            .filter(|slice| slice.losses.mean() > self.all.mean() && slice.losses.rows >= 2.0 * self.least)
            .filter(|slice| bound(slice) > to_beat)
            .cloned()
            .collect();
        pairs.sort_by(|left, right| right.losses.score(&self.all).total_cmp(&left.losses.score(&self.all)));
        let mut work = 0;
        for pair in pairs.into_iter().take(EXTENDED) {
            let members = self.members(&pair.conditions);
            work += members.len() * self.attributes.len();
            if work > TRIPLE_COUNTS {
                break;
            }
            // The third attribute stands after both, so that no conjunction is counted twice by the same pair; those
            // before are reached from their own pairs, or here when these were not looked into.
            for (position, codes, levels) in &self.attributes {
                if pair.conditions.iter().any(|condition| condition.attribute == *position) {
                    continue;
                }
                let mut table = vec![Losses::default(); *levels];
                for &row in &members {
                    if let Some(losses) = table.get_mut(codes[row as usize] as usize) {
                        losses.add(self.losses[row as usize]);
                    }
                }
                let conditions = |level: usize| {
                    let mut conditions = pair.conditions.clone();
                    conditions.push(Condition { attribute: *position, level: level as u8 });
                    conditions.sort_unstable();
                    conditions
                };
                self.keep(&table, conditions, found);
            }
        }
        found.sort_by(|left, right| left.conditions.cmp(&right.conditions));
        found.dedup_by(|left, right| left.conditions == right.conditions);
    }

    /// The rows of the sample that meet all conditions.
    fn members(&self, conditions: &[Condition]) -> Vec<u32> {
        let columns: Vec<(&[u8], u8)> = conditions
            .iter()
            .filter_map(|condition| {
                let (_, codes, _) = self.attributes.iter().find(|(position, ..)| *position == condition.attribute)?;
                Some((codes.as_slice(), condition.level))
            })
            .collect();
        let meets = |row: &u32| columns.iter().all(|(codes, level)| codes[*row as usize] == *level);
        (0..self.losses.len() as u32).filter(meets).collect()
    }
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    const SEARCH: Search = Search { conditions: 3, least_rows: 100, slices: 5, effect: 0.2, significance: 0.05 };

    /// Columns of 5 levels each, and losses between 0 and 1.
    fn rows(count: usize, columns: usize, seed: u64) -> (Vec<Vec<u8>>, Vec<f64>) {
        let mut rng = Rng::seeded(seed);
        let columns = (0..columns).map(|_| (0..count).map(|_| rng.below(5) as u8).collect()).collect();
        (columns, (0..count).map(|_| rng.unit()).collect())
    }

    fn found(columns: &[Vec<u8>], losses: &[f64], search: &Search) -> Vec<WeakSlice> {
        let attributes: Vec<Attribute<'_>> = columns.iter().map(|codes| Attribute { codes, levels: 5 }).collect();
        weak_slices(&attributes, losses, search)
    }

    fn conditions(slice: &WeakSlice) -> Vec<(usize, u8)> {
        slice.conditions.iter().map(|condition| (condition.attribute, condition.level)).collect()
    }

    #[test]
    fn planted_slices_are_found_and_their_relatives_are_not_repeated() {
        let (columns, mut losses) = rows(20_000, 8, 1);
        for row in 0..losses.len() {
            if columns[2][row] == 3 && columns[5][row] == 1 {
                losses[row] += 1.0;
            }
            if columns[0][row] == 4 {
                losses[row] += 0.5;
            }
        }
        let slices = found(&columns, &losses, &SEARCH);
        let conditions: Vec<Vec<(usize, u8)>> = slices.iter().map(conditions).collect();
        assert_eq!(conditions.len(), 2, "{slices:?}");
        assert!(conditions.contains(&vec![(2, 3), (5, 1)]) && conditions.contains(&vec![(0, 4)]), "{slices:?}");
        for slice in &slices {
            assert!(slice.p_value < 1e-9 && slice.effect > 0.5 && slice.loss > slice.rest_loss, "{slice:?}");
        }
    }

    #[test]
    fn a_conjunction_of_three_is_found() {
        let (columns, mut losses) = rows(40_000, 6, 2);
        for row in 0..losses.len() {
            if columns[1][row] == 0 && columns[3][row] == 0 && columns[4][row] == 0 {
                losses[row] += 2.0;
            }
        }
        let slices = found(&columns, &losses, &SEARCH);
        assert_eq!(conditions(&slices[0]), [(1, 0), (3, 0), (4, 0)], "{slices:?}");
    }

    #[test]
    fn a_pair_of_which_neither_part_is_worse_alone_is_found() {
        let (columns, mut losses) = rows(20_000, 4, 3);
        for row in 0..losses.len() {
            // On (0, 0) the loss is higher, elsewhere in the row and the column lower by as much.
            match (columns[0][row] == 0, columns[1][row] == 0) {
                (true, true) => losses[row] += 1.0,
                (true, false) | (false, true) => losses[row] = (losses[row] - 0.25).max(0.0),
                _ => {}
            }
        }
        let slices = found(&columns, &losses, &SEARCH);
        assert_eq!(conditions(&slices[0]), [(0, 0), (1, 0)], "{slices:?}");
    }

    #[test]
    fn noise_has_no_weak_slice() {
        let loose = Search { effect: 0.0, ..SEARCH };
        let alarms = (10..50).filter(|&seed| {
            let (columns, losses) = rows(3_000, 10, seed);
            !found(&columns, &losses, &loose).is_empty()
        });
        // At 5 % two of forty are expected, and six come up less than once in twenty.
        let alarms = alarms.count();
        assert!(alarms <= 6, "{alarms}");
    }

    #[test]
    fn hostile_rows_have_no_slices() {
        let columns = vec![vec![0, 1, 0, 9]];
        assert!(found(&columns, &[0.0; 4], &SEARCH).is_empty());
        assert!(found(&columns, &[f64::NAN, 1.0, 1.0, 1.0], &SEARCH).is_empty());
        assert!(found(&columns, &[1.0], &SEARCH).is_empty());
        assert!(found(&[], &[1.0, 2.0], &SEARCH).is_empty());
        let all_alike = vec![vec![0; 500]];
        assert!(found(&all_alike, &vec![1.0; 500], &SEARCH).is_empty());
    }
}

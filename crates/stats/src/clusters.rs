//! Rows that come in groups, of one user, session or day, say less than as many independent rows.
//!
//! The design effect says how many times less: the variance of the shares as it shows between the groups, against that of
//! independent rows (Kish 1965; for whole tables Rao & Scott 1984). Tests are then made as of the rows divided by it.

use std::collections::HashMap;

use crate::calibrated::{ColumnTest, categorical_test, ks_column_test};
use crate::drift::{KsMethod, decile_cuts, ks_sorted, sorted};
use crate::special::{normal_quantile, student_t_quantile};

/// With fewer groups on a side, how much they differ cannot be told.
const LEAST_GROUPS: usize = 10;
/// The one-sided level at which the variance of few groups is made up for: that of the first of twenty columns at 5 %.
const LEVEL: f64 = 0.00125;

/// How rows of a side belong together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Groups<'a> {
    /// Each row stands for itself.
    Independent,
    /// The group of each row.
    Of(&'a [u64]),
}

/// Evidence of a numeric column whose rows come in groups; NaN and infinities are dropped. `None` if a side has no value,
/// fewer than ten groups, or another number of groups' labels than of rows.
pub fn grouped_numeric_test(reference: (&[f64], Groups<'_>), current: (&[f64], Groups<'_>)) -> Option<ColumnTest> {
    let (before, now) = (sorted(reference.0), sorted(current.0));
    let cuts = decile_cuts(&before);
    let place = |value: &f64| value.is_finite().then(|| cuts.partition_point(|cut| cut < value));
    let effect = |(values, groups): (&[f64], Groups<'_>)| {
        let bins: Vec<Option<usize>> = values.iter().map(place).collect();
        design_effect(&bins, cuts.len() + 1, groups, Shares::Cumulative)
    };
    let effects = [effect(reference)?, effect(current)?];
    let test = ks_sorted(&before, &now, KsMethod::Asymptotic)?;
    Some(ks_column_test(test, before.len() as u64, now.len() as u64).of_alike_rows(effects))
}

/// Evidence of a categorical column whose rows come in groups, each row the place of its level below `levels`; other codes
/// are missing values. `None` as for [`grouped_numeric_test`].
pub fn grouped_categorical_test(
    reference: (&[u32], Groups<'_>),
    current: (&[u32], Groups<'_>),
    levels: usize,
) -> Option<ColumnTest> {
    let places = |codes: &[u32]| -> Vec<Option<usize>> {
        codes.iter().map(|&code| Some(code as usize).filter(|&place| place < levels)).collect()
    };
    let sides = [(places(reference.0), reference.1), (places(current.0), current.1)];
    let mut counts = [vec![0_u64; levels], vec![0_u64; levels]];
    for (count, (bins, _)) in counts.iter_mut().zip(&sides) {
        bins.iter().flatten().for_each(|&bin| count[bin] += 1);
    }
    let effect = |side: usize| design_effect(&sides[side].0, levels, sides[side].1, Shares::Single);
    Some(categorical_test(&counts[0], &counts[1])?.of_alike_rows([effect(0)?, effect(1)?]))
}

/// How alike the rows of a group are, such as those of one day: what a window says that is one more such group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alikeness {
    /// The correlation of two rows of a group, from 0 (independent rows) to 1 (all rows are copies of one).
    pub correlation: f64,
    /// How many groups there were to tell it from.
    pub groups: usize,
    /// The mean size of the group that a row is in.
    pub size: f64,
}

impl Alikeness {
    /// Of numbers, each in its group; values that are not finite are left out. `None` as for [`grouped_numeric_test`].
    pub fn of_numbers(values: &[f64], groups: &[u64]) -> Option<Self> {
        let ascending = sorted(values);
        let cuts = decile_cuts(&ascending);
        let place = |value: &f64| value.is_finite().then(|| cuts.partition_point(|cut| cut < value));
        let bins: Vec<Option<usize>> = values.iter().map(place).collect();
        Inflation::of(&bins, cuts.len() + 1, groups, Shares::Cumulative).map(Self::from)
    }

    /// Of levels, each row the place of its level below `levels`; other codes are missing values and left out. `None` as for
    /// [`grouped_numeric_test`].
    pub fn of_levels(codes: &[u32], levels: usize, groups: &[u64]) -> Option<Self> {
        let bins: Vec<Option<usize>> =
            codes.iter().map(|&code| Some(code as usize).filter(|&place| place < levels)).collect();
        Inflation::of(&bins, levels, groups, Shares::Single).map(Self::from)
    }

    /// How many times less than as many independent rows the rows of groups of this size say.
    pub fn design_effect(&self, size: f64) -> f64 {
        let alike = 1.0 + (size - 1.0).max(0.0) * self.correlation;
        if self.correlation > 0.0 { alike * few_groups(self.groups) } else { 1.0 }
    }
}

impl From<Inflation> for Alikeness {
    fn from(found: Inflation) -> Self {
        let correlation = ((found.variance - 1.0) / (found.size - 1.0)).clamp(0.0, 1.0);
        Self {
            correlation: if correlation.is_nan() { 0.0 } else { correlation },
            groups: found.groups,
            size: found.size,
        }
    }
}

/// Which shares a test looks at.
#[derive(Clone, Copy, PartialEq)]
enum Shares {
    /// Of each bin.
    Single,
    /// Of each bin and all below it.
    Cumulative,
}

/// How many times the variance of the shares is that of independent rows, at least 1, with what few groups leave open.
/// `None` without rows in a bin, with too few groups, or labels that do not fit the rows.
fn design_effect(bins: &[Option<usize>], levels: usize, groups: Groups<'_>, shares: Shares) -> Option<f64> {
    let Groups::Of(groups) = groups else { return Some(1.0) };
    let found = Inflation::of(bins, levels, groups, shares)?;
    Some(if found.variance > 0.0 { (found.variance * few_groups(found.groups)).max(1.0) } else { 1.0 })
}

/// How many times larger a variance may be than it shows between so few groups.
fn few_groups(groups: usize) -> f64 {
    let freedom = groups.saturating_sub(1).max(1) as f64;
    (student_t_quantile(1.0 - LEVEL, freedom) / normal_quantile(1.0 - LEVEL)).powi(2)
}

/// What groups do to the variance of shares.
struct Inflation {
    /// How many times it is that of independent rows; 0 where those have none, as all are alike.
    variance: f64,
    /// How many groups there are.
    groups: usize,
    /// The mean size of the group that a row is in.
    size: f64,
}

impl Inflation {
    fn of(bins: &[Option<usize>], levels: usize, groups: &[u64], shares: Shares) -> Option<Self> {
        if groups.len() != bins.len() {
            return None;
        }
        // One list of cells that occur, so that many levels and groups cost no more than the rows.
        let mut order: HashMap<u64, usize> = HashMap::new();
        let mut cells: HashMap<(usize, usize), f64> = HashMap::new();
        let mut sizes: Vec<f64> = Vec::new();
        let mut totals = vec![0.0; levels];
        for (bin, group) in bins.iter().zip(groups).filter_map(|(bin, group)| Some(((*bin)?, *group))) {
            let next = order.len();
            let group = *order.entry(group).or_insert(next);
            if group == sizes.len() {
                sizes.push(0.0);
            }
            sizes[group] += 1.0;
            totals[bin] += 1.0;
            *cells.entry((group, bin)).or_default() += 1.0;
        }
        let count = sizes.len();
        if count < LEAST_GROUPS {
            return None;
        }
        let rows: f64 = sizes.iter().sum();
        let (between, independent) = match shares {
            Shares::Single => single(&cells, &sizes, &totals, rows),
            Shares::Cumulative => cumulative(&cells, &sizes, &totals, rows),
        };
        let freedom = (count - 1) as f64;
        let variance = if independent > 0.0 { between * count as f64 / freedom / independent } else { 0.0 };
        Some(Self { variance, groups: count, size: sizes.iter().map(|size| size * size).sum::<f64>() / rows })
    }
}

type Cells = HashMap<(usize, usize), f64>;

/// Sums over bins of the variance between groups and of that of independent rows, each over the bin's share.
fn single(cells: &Cells, sizes: &[f64], totals: &[f64], rows: f64) -> (f64, f64) {
    let squares: f64 = sizes.iter().map(|size| size * size).sum();
    // Σ (y − size·p)² over all groups: as if every y were 0, and then what the cells that occur change.
    let mut between: f64 = totals.iter().map(|total| squares * total / rows).sum();
    for (&(group, bin), &count) in cells {
        let share = totals[bin] / rows;
        between += (count * count - 2.0 * count * sizes[group] * share) / share;
    }
    let occurring = totals.iter().filter(|total| **total > 0.0).count() as f64;
    (between, (occurring - 1.0) * rows)
}

/// The same for shares up to each bin, all alike.
fn cumulative(cells: &Cells, sizes: &[f64], totals: &[f64], rows: f64) -> (f64, f64) {
    let mut upto = vec![vec![0.0; totals.len()]; sizes.len()];
    for (&(group, bin), &count) in cells {
        upto[group][bin] += count;
    }
    let (mut between, mut independent, mut below) = (0.0, 0.0, 0.0);
    let mut seen = vec![0.0; sizes.len()];
    for (bin, total) in totals.iter().enumerate() {
        below += total;
        let share = below / rows;
        independent += rows * share * (1.0 - share);
        for ((seen, group), size) in seen.iter_mut().zip(&upto).zip(sizes) {
            *seen += group[bin];
            between += (*seen - size * share).powi(2);
        }
    }
    (between, independent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_row_are_one_row() {
        let values: Vec<f64> = (0..400).map(|row| f64::from(row / 4 * 37 % 100)).collect();
        let groups: Vec<u64> = (0..400).map(|row| row / 4).collect();
        let bins: Vec<Option<usize>> = values.iter().map(|value| Some(*value as usize / 10)).collect();
        for shares in [Shares::Single, Shares::Cumulative] {
            let effect = design_effect(&bins, 10, Groups::Of(&groups), shares).unwrap();
            // Four copies count once; a little is added for the uncertainty of a hundred groups.
            assert!((4.0..4.6).contains(&effect), "{effect}");
            assert_eq!(design_effect(&bins, 10, Groups::Independent, shares), Some(1.0));
            assert_eq!(design_effect(&bins, 10, Groups::Of(&groups[..7]), shares), None);
        }
    }

    #[test]
    fn groups_of_one_row_change_little() {
        let values: Vec<f64> = (0..500).map(|row| f64::from(row * 7919 % 501)).collect();
        let groups: Vec<u64> = (0..500).collect();
        let alone =
            grouped_numeric_test((&values, Groups::Independent), (&values[..250], Groups::Independent)).unwrap();
        let grouped =
            grouped_numeric_test((&values, Groups::Of(&groups)), (&values[..250], Groups::Independent)).unwrap();
        assert!((alone.p_value - grouped.p_value).abs() < 0.05, "{alone:?} {grouped:?}");
    }

    #[test]
    fn a_window_of_one_more_day_says_as_much_as_a_day() {
        // Sixty days, each with its own weather and a hundred flights of every kind.
        let days: Vec<u64> = (0..6000).map(|row| row / 100).collect();
        let weather: Vec<f64> = days.iter().map(|day| (day * 7919 % 61) as f64).collect();
        let kinds: Vec<u32> = (0..6000).map(|row| row % 5).collect();
        let weather = Alikeness::of_numbers(&weather, &days).unwrap();
        assert!(weather.correlation > 0.95 && weather.groups == 60 && weather.size == 100.0, "{weather:?}");
        assert!(weather.design_effect(1000.0) > 950.0);
        let kinds = Alikeness::of_levels(&kinds, 5, &days).unwrap();
        assert_eq!((kinds.correlation, kinds.design_effect(1000.0)), (0.0, 1.0));
        assert_eq!(Alikeness::of_numbers(&[1.0; 6000], &days).unwrap().design_effect(1000.0), 1.0);
        assert_eq!(Alikeness::of_numbers(&[1.0; 9], &[1; 9]), None);
    }

    #[test]
    fn too_few_groups_and_no_rows_are_undefined() {
        let one = [1_u64; 100];
        assert_eq!(grouped_numeric_test((&[1.0; 100], Groups::Of(&one)), (&[1.0; 100], Groups::Of(&one))), None);
        assert_eq!(grouped_numeric_test((&[], Groups::Independent), (&[1.0], Groups::Independent)), None);
        let none = grouped_categorical_test((&[9; 20], Groups::Independent), (&[0; 20], Groups::Independent), 2);
        assert_eq!(none, None);
    }
}

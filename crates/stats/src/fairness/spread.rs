//! How far apart the values of groups are, for any metric.

use crate::summary::ratio;

/// The groups with the lowest and the highest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Position and value of the lowest group.
    pub lowest: (usize, f64),
    /// Position and value of the highest group.
    pub highest: (usize, f64),
    /// How many groups have a value.
    pub defined: usize,
}

impl Spread {
    /// Highest less lowest value.
    pub fn difference(&self) -> f64 {
        self.highest.1 - self.lowest.1
    }

    /// Lowest over highest value; `None` if all are zero.
    pub fn ratio(&self) -> Option<f64> {
        ratio(self.lowest.1, self.highest.1)
    }
}

/// The spread of one value per group. Groups where it is undefined take no part; `None` if fewer than two remain.
pub fn spread(values: &[Option<f64>]) -> Option<Spread> {
    let defined: Vec<(usize, f64)> = present(values).collect();
    let lowest = defined.iter().copied().reduce(|low, next| if next.1 < low.1 { next } else { low })?;
    let highest = defined.iter().copied().reduce(|high, next| if next.1 > high.1 { next } else { high })?;
    (defined.len() >= 2).then_some(Spread { lowest, highest, defined: defined.len() })
}

/// Largest distance of a group's value from that of all rows. `None` if no group has the value.
pub fn difference_to_overall(values: &[Option<f64>], overall: f64) -> Option<f64> {
    present(values).map(|(_, value)| (value - overall).abs()).reduce(f64::max)
}

/// Smallest quotient of a group's value and that of all rows, the smaller of both on top. `None` if no group has one.
pub fn ratio_to_overall(values: &[Option<f64>], overall: f64) -> Option<f64> {
    present(values).filter_map(|(_, value)| ratio(value.min(overall), value.max(overall))).reduce(f64::min)
}

fn present(values: &[Option<f64>]) -> impl Iterator<Item = (usize, f64)> + '_ {
    values.iter().enumerate().filter_map(|(group, value)| Some((group, (*value)?))).filter(|(_, value)| !value.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_groups_take_no_part() {
        let found = spread(&[Some(0.4), None, Some(0.1), Some(f64::NAN)]).unwrap();
        assert_eq!((found.lowest, found.highest, found.defined), ((2, 0.1), (0, 0.4), 2));
        assert_eq!((found.difference(), found.ratio()), (0.4 - 0.1, Some(0.25)));
        assert_eq!(spread(&[Some(0.4), None]), None);
        assert_eq!(spread(&[Some(0.0), Some(0.0)]).unwrap().ratio(), None);
    }

    #[test]
    fn distances_to_all_rows_are_on_either_side() {
        let values = [Some(0.2), Some(0.8), None];
        assert!((difference_to_overall(&values, 0.4).unwrap() - 0.4).abs() < 1e-15);
        assert_eq!(ratio_to_overall(&values, 0.4), Some(0.5));
        assert_eq!((difference_to_overall(&[None], 0.4), ratio_to_overall(&[None], 0.4)), (None, None));
    }
}

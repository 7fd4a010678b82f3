//! Inequality of benefits as economists measure it (Speicher et al. 2018). The benefit of a row is ŷ − y + 1: 2 for a
//! false positive, 1 for a right decision, 0 for a missed positive.

use super::groups::Groups;
use crate::classification::Confusion;
use crate::summary::ratio;

/// The benefits of the rows of a table, each with how many rows have it.
pub fn benefits(cells: &Confusion) -> [(f64, f64); 3] {
    [(0.0, cells.fn_), (1.0, cells.tn + cells.tp), (2.0, cells.fp)]
}

/// Generalized entropy index of values with their weights: mean((b/μ)^α − 1) / (α (α − 1)), for α = 1 Theil's
/// mean((b/μ) ln(b/μ)), for α = 0 −mean(ln(b/μ)). `None` without weight, for a mean that is not positive, a negative value, or
/// an index that is infinite (α ≤ 0 with a benefit of 0).
pub fn generalized_entropy(values: &[(f64, f64)], alpha: f64) -> Option<f64> {
    let weight: f64 = values.iter().map(|(_, weight)| weight).sum();
    let mean = ratio(values.iter().map(|(value, weight)| value * weight).sum(), weight)?;
    if !(mean > 0.0 && alpha.is_finite()) || values.iter().any(|(value, _)| *value < 0.0) {
        return None;
    }
    let term = |relative: f64| match alpha {
        // The limit of x ln x at 0 is 0.
        1.0 if relative == 0.0 => 0.0,
        1.0 => relative * relative.ln(),
        0.0 => -relative.ln(),
        _ => (relative.powf(alpha) - 1.0) / (alpha * (alpha - 1.0)),
    };
    let used = values.iter().filter(|(_, weight)| *weight > 0.0);
    ratio(used.map(|(value, weight)| term(value / mean) * weight).sum(), weight).filter(|index| index.is_finite())
}

/// Theil's index of the benefits of a table.
pub fn theil_index(cells: &Confusion) -> Option<f64> {
    generalized_entropy(&benefits(cells), 1.0)
}

/// The coefficient of variation of the benefits of a table: standard deviation over mean.
pub fn coefficient_of_variation(cells: &Confusion) -> Option<f64> {
    generalized_entropy(&benefits(cells), 2.0).map(|index| (2.0 * index).max(0.0).sqrt())
}

/// The part of the generalized entropy index that lies between the groups: every row has the mean benefit of its group.
pub fn between_group_entropy(groups: &Groups, alpha: f64) -> Option<f64> {
    let of_group = |cells: &Confusion| {
        let total = cells.total();
        let sum: f64 = benefits(cells).iter().map(|(benefit, rows)| benefit * rows).sum();
        Some((ratio(sum, total)?, total))
    };
    let means: Vec<(f64, f64)> = groups.cells().iter().filter_map(of_group).collect();
    generalized_entropy(&means, alpha)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_benefits_are_equal_and_unequal_ones_follow_the_definition() {
        let fair = Confusion { tn: 3.0, fp: 0.0, fn_: 0.0, tp: 4.0 };
        assert_eq!((theil_index(&fair), coefficient_of_variation(&fair)), (Some(0.0), Some(0.0)));
        // Benefits 0, 1, 2: mean 1, variance 2/3.
        let spread = Confusion { tn: 1.0, fp: 1.0, fn_: 1.0, tp: 0.0 };
        assert!((coefficient_of_variation(&spread).unwrap() - (2.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((theil_index(&spread).unwrap() - 2.0 * 2.0_f64.ln() / 3.0).abs() < 1e-15);
        assert_eq!(generalized_entropy(&benefits(&spread), 0.0), None);
        assert_eq!(theil_index(&Confusion::default()), None);
        let missed = Confusion { fn_: 3.0, ..Confusion::default() };
        assert_eq!(theil_index(&missed), None);
    }

    #[test]
    fn inequality_within_and_between_groups_adds_up() {
        let cells =
            [Confusion { tn: 5.0, fp: 3.0, fn_: 1.0, tp: 4.0 }, Confusion { tn: 2.0, fp: 0.0, fn_: 6.0, tp: 4.0 }];
        let groups = Groups::from_cells(cells.to_vec());
        let all = groups.overall();
        let mean = |cells: &Confusion| (cells.tn + cells.tp + 2.0 * cells.fp) / cells.total();
        // Theil: weights are shares of the total benefit.
        let within: f64 = cells
            .iter()
            .map(|own| own.total() * mean(own) / (all.total() * mean(&all)) * theil_index(own).unwrap())
            .sum();
        let between = between_group_entropy(&groups, 1.0).unwrap();
        assert!((within + between - theil_index(&all).unwrap()).abs() < 1e-14);
    }
}

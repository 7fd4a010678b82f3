//! The drift decision: which columns of a window have really changed.
//!
//! Each column gives one p-value and one effect size. The p-values are adjusted over the columns
//! (Benjamini–Hochberg), so that a table without drift alarms at most at the chosen rate however many columns it has;
//! and an alarm also needs an effect worth acting on, since with enough rows any difference is significant.
//!
//! The default floors of 0.05 mean that 5 % of the rows would have to change their place (D) or level (total
//! variation) to undo the drift. A shift of 0.2 standard deviations has D ≈ 0.08 and one of 0.1 has 0.04: the floor
//! lies between what the common tools miss and what nobody acts on. D and total variation do not depend on how many
//! rows either side has; Cramér's V shrinks when the sides are unequal, so prefer total variation. Noise alone
//! lifts an effect above its floor where rows are few or levels many; there the p-value decides.

use crate::drift::{KsMethod, KsTest, ks_sorted, pooled_contingency, pooled_contingency_with, total_variation};
use crate::multiplicity::benjamini_hochberg;
use crate::special::{chi_square_sf, kolmogorov_limit_sf};

/// What an effect size measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    /// Kolmogorov–Smirnov D: numeric columns.
    KolmogorovSmirnov,
    /// Total variation distance: categorical columns, missing values.
    TotalVariation,
    /// Cramér's V of the 2 × k table.
    CramersV,
}

/// The evidence of one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnTest {
    /// P-value of the hypothesis "no drift".
    pub p_value: f64,
    /// Size of the change.
    pub effect: f64,
    /// What `effect` is.
    pub effect_kind: EffectKind,
    /// What the p-value is of: χ², or D where there are no degrees of freedom.
    pub statistic: f64,
    /// The degrees of freedom of χ².
    pub degrees_of_freedom: Option<usize>,
    /// Rows of the reference that have a value.
    pub reference_rows: u64,
    /// Rows of the window that have a value.
    pub current_rows: u64,
}

impl ColumnTest {
    /// The same evidence where the rows of the reference and of the window are not independent: each worth as many times
    /// fewer as its design effect says (Rao & Scott 1984 for counts), never stronger than before.
    #[must_use]
    pub fn of_alike_rows(self, design_effects: [f64; 2]) -> Self {
        let [n, m] = [self.reference_rows as f64, self.current_rows as f64];
        let [before, now] = design_effects.map(|effect| effect.max(1.0));
        let p_value = match self.degrees_of_freedom {
            Some(0) => 1.0,
            Some(degrees) => {
                let effect = (before / n + now / m) / (1.0 / n + 1.0 / m);
                chi_square_sf(self.statistic / effect, degrees as f64)
            }
            None => {
                let (n, m) = (n / before, m / now);
                kolmogorov_limit_sf((n * m / (n + m)).sqrt() * self.statistic)
            }
        };
        Self { p_value: p_value.max(self.p_value), ..self }
    }
}

/// Smallest effects that matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectFloors {
    /// For [`EffectKind::KolmogorovSmirnov`].
    pub kolmogorov_smirnov: f64,
    /// For [`EffectKind::TotalVariation`].
    pub total_variation: f64,
    /// For [`EffectKind::CramersV`].
    pub cramers_v: f64,
}

impl Default for EffectFloors {
    fn default() -> Self {
        Self { kolmogorov_smirnov: 0.05, total_variation: 0.05, cramers_v: 0.05 }
    }
}

/// When a column counts as drifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftPolicy {
    /// Share of tables without drift that may still alarm.
    pub false_alarm_rate: f64,
    /// Effects below these never alarm.
    pub floors: EffectFloors,
    /// Columns with fewer rows on a side are not judged.
    pub minimum_rows: u64,
}

impl Default for DriftPolicy {
    fn default() -> Self {
        Self { false_alarm_rate: 0.05, floors: EffectFloors::default(), minimum_rows: 50 }
    }
}

/// What was found out about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Significant and large enough: an alarm.
    Drifted,
    /// Significant, but below the floor.
    Negligible,
    /// Chance explains it.
    Stable,
    /// Too few rows, or no defined test.
    NotJudged,
}

/// The decision on one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnDecision {
    /// P-value adjusted over all judged columns; `None` if not judged.
    pub adjusted_p: Option<f64>,
    /// The decision.
    pub verdict: Verdict,
}

impl ColumnDecision {
    /// Whether somebody should know.
    pub fn is_alarm(&self) -> bool {
        self.verdict == Verdict::Drifted
    }
}

impl DriftPolicy {
    fn floor(&self, kind: EffectKind) -> f64 {
        match kind {
            EffectKind::KolmogorovSmirnov => self.floors.kolmogorov_smirnov,
            EffectKind::TotalVariation => self.floors.total_variation,
            EffectKind::CramersV => self.floors.cramers_v,
        }
    }

    fn judges(&self, test: &ColumnTest) -> bool {
        test.reference_rows.min(test.current_rows) >= self.minimum_rows && !test.p_value.is_nan()
    }

    /// As [`Self::decide`]; what has no test is not judged.
    pub fn decide_known(&self, tests: &[Option<ColumnTest>]) -> Vec<ColumnDecision> {
        let untested = ColumnTest {
            p_value: f64::NAN,
            effect: 0.0,
            effect_kind: EffectKind::TotalVariation,
            statistic: 0.0,
            degrees_of_freedom: None,
            reference_rows: 0,
            current_rows: 0,
        };
        self.decide(&tests.iter().map(|test| test.unwrap_or(untested)).collect::<Vec<_>>())
    }

    /// Decides on all columns of a window together, in the given order. Columns that are not judged do not weaken
    /// the others.
    pub fn decide(&self, tests: &[ColumnTest]) -> Vec<ColumnDecision> {
        let p_values: Vec<f64> =
            tests.iter().map(|test| if self.judges(test) { test.p_value } else { f64::NAN }).collect();
        let decision = |(test, adjusted): (&ColumnTest, f64)| {
            if adjusted.is_nan() {
                return ColumnDecision { adjusted_p: None, verdict: Verdict::NotJudged };
            }
            let verdict = if adjusted > self.false_alarm_rate {
                Verdict::Stable
            } else if test.effect >= self.floor(test.effect_kind) {
                Verdict::Drifted
            } else {
                Verdict::Negligible
            };
            ColumnDecision { adjusted_p: Some(adjusted), verdict }
        };
        tests.iter().zip(benjamini_hochberg(&p_values)).map(decision).collect()
    }
}

/// Evidence of a numeric column from ascending finite values (see [`crate::drift::sorted`]). Up to ten different values
/// are tested by their counts, as levels, since the test of the order is blind to much between so few. `None` if a side is
/// empty.
pub fn numeric_test(reference: &[f64], current: &[f64]) -> Option<ColumnTest> {
    if let Some((reference, current)) = few_values(reference, current) {
        return few_values_test(&reference, &current);
    }
    let test = ks_sorted(reference, current, KsMethod::Affordable)?;
    Some(ks_column_test(test, reference.len() as u64, current.len() as u64))
}

/// Evidence of a numeric column from its Kolmogorov–Smirnov test.
pub(crate) fn ks_column_test(test: KsTest, reference_rows: u64, current_rows: u64) -> ColumnTest {
    ColumnTest {
        p_value: test.p_value,
        effect: test.statistic,
        effect_kind: EffectKind::KolmogorovSmirnov,
        statistic: test.statistic,
        degrees_of_freedom: None,
        reference_rows,
        current_rows,
    }
}

/// Evidence of a numeric column of few values from the rows of each, in rising order of the values. The effect stays the
/// distance of the distribution functions, so that it is comparable with that of other numeric columns.
pub(crate) fn few_values_test(reference: &[u64], current: &[u64]) -> Option<ColumnTest> {
    let totals = [reference, current].map(|side| side.iter().sum::<u64>());
    let mut apart = 0.0;
    let mut largest = 0.0_f64;
    for (&before, &now) in reference.iter().zip(current) {
        apart += before as f64 / totals[0] as f64 - now as f64 / totals[1] as f64;
        largest = largest.max(apart.abs());
    }
    let test = pooled_contingency(reference, current)?;
    Some(ColumnTest {
        p_value: test.p_value,
        effect: largest,
        effect_kind: EffectKind::KolmogorovSmirnov,
        statistic: test.statistic,
        degrees_of_freedom: Some(test.degrees_of_freedom),
        reference_rows: totals[0],
        current_rows: totals[1],
    })
}

/// Up to this many different values a numeric column is tested by their counts.
pub(crate) const FEW_VALUES: usize = 10;

/// The rows of each value of two ascending samples, if the values are few.
pub(crate) fn few_values(reference: &[f64], current: &[f64]) -> Option<(Vec<u64>, Vec<u64>)> {
    let (mut counts, mut rest) = ((Vec::new(), Vec::new()), (reference, current));
    while let Some(&value) = match (rest.0.first(), rest.1.first()) {
        (Some(left), Some(right)) => Some(if left <= right { left } else { right }),
        (left, right) => left.or(right),
    } {
        if counts.0.len() == FEW_VALUES {
            return None;
        }
        let taken = [rest.0, rest.1].map(|side| side.partition_point(|&other| other <= value));
        counts.0.push(taken[0] as u64);
        counts.1.push(taken[1] as u64);
        rest = (&rest.0[taken[0]..], &rest.1[taken[1]..]);
    }
    Some(counts)
}

/// Evidence of a categorical column (or of missing against present) from counts per level, in the same order of
/// levels. `None` if lengths differ or a side is empty.
pub fn categorical_test(reference: &[u64], current: &[u64]) -> Option<ColumnTest> {
    pooled_test(reference, current, [0, 0])
}

/// As [`categorical_test`], with rows of each side that are pooled with the rare levels whatever they are.
pub(crate) fn pooled_test(reference: &[u64], current: &[u64], rest: [u64; 2]) -> Option<ColumnTest> {
    let test = pooled_contingency_with(reference, current, rest)?;
    let with = |side: &[u64], rest: u64| [side, &[rest]].concat();
    let (reference, current) = (with(reference, rest[0]), with(current, rest[1]));
    Some(ColumnTest {
        p_value: test.p_value,
        effect: total_variation(&reference, &current)?,
        effect_kind: EffectKind::TotalVariation,
        statistic: test.statistic,
        degrees_of_freedom: Some(test.degrees_of_freedom),
        reference_rows: reference.iter().sum(),
        current_rows: current.iter().sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(p_value: f64, effect: f64, rows: u64) -> ColumnTest {
        ColumnTest {
            p_value,
            effect,
            effect_kind: EffectKind::KolmogorovSmirnov,
            statistic: effect,
            degrees_of_freedom: None,
            reference_rows: 1000,
            current_rows: rows,
        }
    }

    #[test]
    fn an_alarm_needs_significance_size_and_rows() {
        let tests = [test(1e-9, 0.2, 500), test(1e-9, 0.01, 500), test(0.4, 0.2, 500), test(1e-9, 0.9, 10)];
        let verdicts: Vec<Verdict> =
            DriftPolicy::default().decide(&tests).iter().map(|decision| decision.verdict).collect();
        assert_eq!(verdicts, [Verdict::Drifted, Verdict::Negligible, Verdict::Stable, Verdict::NotJudged]);
    }

    #[test]
    fn more_columns_ask_for_more_evidence() {
        let alone = DriftPolicy::default().decide(&[test(0.02, 0.2, 500)]);
        assert!(alone[0].is_alarm());
        let among: Vec<ColumnTest> =
            std::iter::once(0.02).chain([0.5; 19]).map(|p_value| test(p_value, 0.2, 500)).collect();
        assert!(!DriftPolicy::default().decide(&among)[0].is_alarm());
    }
}

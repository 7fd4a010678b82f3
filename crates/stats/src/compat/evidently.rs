//! Evidently 0.7: its methods, which one it picks, and what it calls drift.

use super::{Column, Decision, Prepared};
use crate::drift::{
    Alternative, KsMethod, Variances, anderson_darling, chi_square_goodness_of_fit, cramer_von_mises, energy,
    epps_singleton, fisher_exact, g_goodness_of_fit, histogram, jensen_shannon, ks_sorted, kullback_leibler,
    mann_whitney, population_stability, sturges_edges, t_test, two_proportions, wasserstein_normed,
};

/// Above this many rows of the reference distances are taken instead of p-values.
const LARGE_REFERENCE: u64 = 1000;
/// Numbers of up to this many different values are taken as levels by the default rule.
const FEW_VALUES: usize = 5;
/// Numbers of more different values in the reference are binned for PSI, JS and KL.
const UNBINNED_VALUES: usize = 20;
/// The share of drifted columns from which a table has drifted.
pub const DRIFT_SHARE: f64 = 0.5;

/// Evidently's methods for numbers and levels. Its permutation tests (`TVD`, `empirical_mmd`) depend on its own random
/// numbers and are not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Kolmogorov–Smirnov's p-value.
    Ks,
    /// Wasserstein's distance in deviations of the reference.
    Wasserstein,
    /// Population stability index.
    Psi,
    /// Jensen–Shannon distance.
    JensenShannon,
    /// Kullback–Leibler divergence.
    KlDiv,
    /// Hellinger distance.
    Hellinger,
    /// χ² goodness of fit.
    ChiSquare,
    /// Two proportions.
    Z,
    /// Anderson–Darling.
    Anderson,
    /// Cramér–von Mises.
    CramerVonMises,
    /// Energy distance.
    Energy,
    /// Epps–Singleton.
    EppsSingleton,
    /// Mann–Whitney, one-sided.
    MannWhitney,
    /// Student's t.
    TTest,
    /// Fisher's exact test.
    FisherExact,
    /// Likelihood ratio.
    GTest,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Ks,
        Self::Wasserstein,
        Self::Psi,
        Self::JensenShannon,
        Self::KlDiv,
        Self::Hellinger,
        Self::ChiSquare,
        Self::Z,
        Self::Anderson,
        Self::CramerVonMises,
        Self::Energy,
        Self::EppsSingleton,
        Self::MannWhitney,
        Self::TTest,
        Self::FisherExact,
        Self::GTest,
    ];

    /// Evidently's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ks => "ks",
            Self::Wasserstein => "wasserstein",
            Self::Psi => "psi",
            Self::JensenShannon => "jensenshannon",
            Self::KlDiv => "kl_div",
            Self::Hellinger => "hellinger",
            Self::ChiSquare => "chisquare",
            Self::Z => "z",
            Self::Anderson => "anderson",
            Self::CramerVonMises => "cramer_von_mises",
            Self::Energy => "ed",
            Self::EppsSingleton => "es",
            Self::MannWhitney => "mannw",
            Self::TTest => "t_test",
            Self::FisherExact => "fisher_exact",
            Self::GTest => "g_test",
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The threshold that Evidently takes if none is given.
    pub fn threshold(self) -> f64 {
        match self {
            Self::Ks | Self::ChiSquare | Self::Z | Self::EppsSingleton | Self::MannWhitney | Self::TTest => 0.05,
            _ => 0.1,
        }
    }

    fn is_drift(self, score: f64, threshold: f64) -> bool {
        match self {
            Self::Ks | Self::CramerVonMises => score <= threshold,
            Self::Energy => score > threshold,
            Self::Wasserstein | Self::Psi | Self::JensenShannon | Self::KlDiv | Self::Hellinger => score >= threshold,
            _ => score < threshold,
        }
    }
}

/// The method that Evidently takes by itself; `None` if a side is empty.
pub fn default_method(column: &Column<'_>) -> Option<Method> {
    Some(pick(&Prepared::of(column)?))
}

fn pick(column: &Prepared) -> Method {
    let (reference, _) = column.counts();
    let (is_large, values) = (reference.iter().sum::<u64>() > LARGE_REFERENCE, reference.len());
    match column {
        Prepared::Numbers(..) if values > FEW_VALUES && is_large => Method::Wasserstein,
        Prepared::Numbers(..) if values > FEW_VALUES => Method::Ks,
        _ if is_large => Method::JensenShannon,
        _ if values > 2 => Method::ChiSquare,
        _ => Method::Z,
    }
}

/// Decides on a column with the method given, or the one that Evidently takes by itself. `None` where Evidently fails: an
/// empty side, or a method that is not defined for the column.
pub fn decide(column: &Column<'_>, method: Option<Method>) -> Option<Decision> {
    let prepared = Prepared::of(column)?;
    let method = method.unwrap_or_else(|| pick(&prepared));
    let score = score(&prepared, method)?;
    let threshold = method.threshold();
    let drifted = method.is_drift(score, threshold);
    let score = Some(score).filter(|score| !score.is_nan());
    Some(Decision { method: method.name(), score, threshold: Some(threshold), drifted })
}

/// Whether Evidently says that the whole table drifted: at least half of its columns did. `None` without columns.
pub fn has_dataset_drifted(decisions: &[Decision]) -> Option<bool> {
    let drifted = decisions.iter().filter(|decision| decision.drifted).count();
    (!decisions.is_empty()).then(|| drifted as f64 / decisions.len() as f64 >= DRIFT_SHARE)
}

/// The score; NaN where Evidently has NaN, `None` where it fails.
fn score(column: &Prepared, method: Method) -> Option<f64> {
    let counted = |of: fn(&[u64], &[u64]) -> Option<f64>| {
        let (reference, current) = binned(column)?;
        of(&reference, &current)
    };
    match method {
        Method::Psi => return counted(population_stability),
        Method::JensenShannon => return counted(jensen_shannon),
        Method::KlDiv => return counted(kullback_leibler),
        Method::Hellinger => return hellinger(column),
        Method::ChiSquare | Method::Z | Method::FisherExact | Method::GTest => {
            let (reference, current) = column.counts();
            return of_counts(&reference, &current, method);
        }
        _ => {}
    }
    let Prepared::Numbers(reference, current) = column else { return None };
    match method {
        Method::Ks => Some(ks_sorted(reference, current, KsMethod::Auto)?.p_value),
        Method::Wasserstein => wasserstein_normed(reference, current),
        Method::Anderson => Some(anderson_darling(reference, current)?.p_value),
        Method::CramerVonMises => Some(cramer_von_mises(reference, current)?.p_value),
        Method::Energy => energy(reference, current),
        Method::EppsSingleton => Some(epps_singleton(reference, current)?.p_value),
        Method::MannWhitney => Some(mann_whitney(reference, current, Alternative::Less)?.p_value),
        Method::TTest => Some(t_test(reference, current, Variances::Pooled).map_or(f64::NAN, |test| test.p_value)),
        _ => None,
    }
}

fn of_counts(reference: &[u64], current: &[u64], method: Method) -> Option<f64> {
    let totals = [reference, current].map(|side| side.iter().sum::<u64>());
    match method {
        Method::ChiSquare if reference.len() == 1 => Some(f64::NAN),
        Method::GTest if reference.len() == 1 && totals[0] == totals[1] => Some(f64::NAN),
        Method::ChiSquare => Some(chi_square_goodness_of_fit(reference, current)?.p_value),
        Method::GTest => Some(g_goodness_of_fit(reference, current)?.p_value),
        // The smallest value is failure, any other success.
        Method::Z => {
            let [before, now] = [reference, current].map(|side| side.first().copied().unwrap_or(0));
            Some(two_proportions((totals[0] - before, totals[0]), (totals[1] - now, totals[1]))?.p_value)
        }
        // Evidently refuses windows of different sizes, and takes a second level that never occurs where there is one.
        Method::FisherExact => {
            let pad = |side: &[u64]| [side, &[0]].concat()[..2].to_vec();
            let fits = totals[0] == totals[1] && reference.len() <= 2;
            fits.then(|| fisher_exact(&pad(reference), &pad(current))).flatten().map(|test| test.p_value)
        }
        _ => None,
    }
}

/// Counts for PSI, JS and KL: of values, or of equal bins over both sides where the reference has many values.
fn binned(column: &Prepared) -> Option<(Vec<u64>, Vec<u64>)> {
    match column {
        Prepared::Numbers(reference, current) if has_many_values(reference) => {
            let edges = sturges_edges(reference, current)?;
            Some((histogram(&edges, reference), histogram(&edges, current)))
        }
        _ => Some(column.counts()),
    }
}

fn has_many_values(sorted: &[f64]) -> bool {
    sorted.chunk_by(|left, right| left == right).nth(UNBINNED_VALUES).is_some()
}

/// Numbers are binned by the number of different values of both sides, not of rows.
fn hellinger(column: &Prepared) -> Option<f64> {
    let (reference, current) = match column {
        Prepared::Numbers(reference, current) => {
            let mut values = [reference.as_slice(), current].concat();
            values.sort_unstable_by(f64::total_cmp);
            values.dedup();
            let edges = sturges_edges(&values, &[])?;
            (histogram(&edges, reference), histogram(&edges, current))
        }
        Prepared::Levels(..) => column.counts(),
    };
    let totals = [&reference, &current].map(|side| side.iter().sum::<u64>() as f64);
    let overlap = reference.iter().zip(&current).map(|(&r, &c)| (r as f64 / totals[0] * (c as f64 / totals[1])).sqrt());
    Some((1.0 - overlap.sum::<f64>().clamp(0.0, 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_follows_rows_and_values() {
        let many: Vec<f64> = (0..1001).map(f64::from).collect();
        let of = |reference: &[f64], current: &[f64]| default_method(&Column::Numbers { reference, current });
        assert_eq!(of(&many[..1000], &many), Some(Method::Ks));
        assert_eq!(of(&many, &many), Some(Method::Wasserstein));
        assert_eq!(of(&[1.0, 2.0, 3.0], &[4.0]), Some(Method::ChiSquare));
        assert_eq!(of(&[1.0, 2.0], &[2.0]), Some(Method::Z));
        assert_eq!(of(&[f64::NAN], &[2.0]), None);
        let levels = Column::Levels { reference: &[600, 0, 600], current: &[1, 0, 1] };
        assert_eq!(default_method(&levels), Some(Method::JensenShannon));
    }

    #[test]
    fn half_of_the_columns_make_a_table_drift() {
        let decision = |drifted| Decision { method: "ks", score: Some(0.0), threshold: Some(0.05), drifted };
        assert_eq!(has_dataset_drifted(&[decision(true), decision(false)]), Some(true));
        assert_eq!(has_dataset_drifted(&[decision(true), decision(false), decision(false)]), Some(false));
        assert_eq!(has_dataset_drifted(&[]), None);
    }

    #[test]
    fn what_is_not_defined_is_not_decided() {
        let numbers = Column::Numbers { reference: &[1.0, 1.0], current: &[1.0] };
        assert_eq!(decide(&numbers, None).unwrap().score, Some(1.0));
        let undefined = decide(&numbers, Some(Method::TTest)).unwrap();
        assert_eq!((undefined.score, undefined.drifted), (None, false));
        assert_eq!(decide(&numbers, Some(Method::EppsSingleton)), None);
        let levels = Column::Levels { reference: &[3, 2], current: &[1, 1] };
        assert_eq!(decide(&levels, Some(Method::Ks)), None);
        assert_eq!(decide(&levels, Some(Method::FisherExact)), None);
        assert_eq!(Method::named("TVD"), None);
        assert_eq!(Method::named("ed"), Some(Method::Energy));
    }
}

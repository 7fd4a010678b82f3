//! Whether the rows of a window can be told from those of the reference, and by what: a classifier learns to.

use flyball_core::Table;
use flyball_core::rng::Rng;
use flyball_stats::multivariate::domain_classifier;
use flyball_stats::power::auc_variance;
use flyball_stats::special::normal_quantile;
use serde::{Deserialize, Serialize};

use crate::grouped::{GROUP, firsts};
use crate::prepared::Prepared;

/// Most rows of each side that are learnt from: some twenty features of them take a tenth of a second, and an area of 0.55
/// is seen.
pub const ROWS: usize = 1_000;
/// Most features that are named.
const NAMED: usize = 5;
/// Features with a smaller share of telling the rows apart are not named.
const LEAST_SHARE: f64 = 0.05;
/// The confidence of the area's interval.
const CONFIDENCE: f64 = 0.95;

/// How well the rows of a window are told from those of the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldApart {
    /// The area under the ROC curve on rows that were not learnt from: 0.5 when they cannot be told apart, 1 when always.
    pub auc: f64,
    /// The least that it is, with 95 % confidence.
    pub low: f64,
    /// The most that it is.
    pub high: f64,
    /// The probability of such an area where nothing changed and each row stands for itself.
    pub p_value: f64,
    /// Rows of each side that were looked at.
    pub rows: usize,
    /// The features that tell them apart together, each with its share, the largest first; empty while chance explains the
    /// area.
    pub features: Vec<(String, f64)>,
}

impl ToldApart {
    /// Learns to tell rows of a window from those that a version was learnt from. Of rows that belong together (by the
    /// feature `rows_of` of the reference, where it has one, and by [`GROUP`] in the window) one stands for all, since what
    /// recognizes them is no difference. `None` as for [`Self::of`].
    pub fn of_rows(prepared: &Prepared, rows: &Table, rows_of: Option<&str>, rate: f64, seed: u64) -> Option<Self> {
        let learnt = &prepared.reference.learnt;
        let group = rows_of.map(|_| GROUP);
        let sides = [(learnt, rows_of), (rows, group)].map(|(table, column)| {
            let first = column.and_then(|column| firsts(table, column));
            let first = first.unwrap_or_else(|| (0..table.rows()).collect());
            let count = first.len().min(ROWS);
            let spread: Vec<usize> = (0..count).map(|at| first[at * first.len() / count]).collect();
            prepared.encoder.encode(&table.take(&spread))
        });
        let kept: Vec<usize> =
            (0..learnt.names().len()).filter(|&at| Some(learnt.names()[at].as_str()) != rows_of).collect();
        let names: Vec<&str> = kept.iter().map(|&at| learnt.names()[at].as_str()).collect();
        let [before, now] = sides.map(|side| kept.iter().map(|&at| side[at].clone()).collect::<Vec<_>>());
        Self::of(&names, [&before, &now], rate, &mut Rng::seeded(seed))
    }

    /// Learns to tell rows apart; columns of numbers by `names`, NaN where a value is missing. Areas whose probability is
    /// above `rate` are taken for chance. `None` for fewer than fifty rows on a side, and when no area is defined.
    pub fn of(names: &[&str], sides: [&[Vec<f64>]; 2], rate: f64, rng: &mut Rng) -> Option<Self> {
        let [before, now] = sides.map(|columns| columns.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let rows = [&before, &now].map(|side| side.first().map_or(0, |column| column.len()));
        let found = domain_classifier(&before, &now, |limit| rng.below(limit))?;
        let mut features: Vec<(String, f64)> =
            names.iter().map(|name| (*name).to_owned()).zip(found.importance).collect();
        features.retain(|(_, share)| *share >= LEAST_SHARE && found.p_value <= rate);
        features.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        features.truncate(NAMED);
        let half = auc_variance(found.auc, rows[1] as f64, rows[0] as f64)
            .map_or(0.0, |variance| normal_quantile(0.5 + CONFIDENCE / 2.0) * variance.sqrt());
        Some(Self {
            auc: found.auc,
            low: (found.auc - half).max(0.0),
            high: (found.auc + half).min(1.0),
            p_value: found.p_value,
            rows: rows[0].min(rows[1]),
            features,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty features, of which the first two go together, or not.
    fn table(rng: &mut Rng, rows: usize, together: bool) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> = (0..20).map(|_| (0..rows).map(|_| rng.unit()).collect()).collect();
        if together {
            columns[1] = columns[0].clone();
        }
        columns
    }

    #[test]
    fn what_goes_together_no_more_is_named_and_chance_names_nothing() {
        let mut rng = Rng::seeded(2);
        let names: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let before = table(&mut rng, ROWS, true);
        let judge = |now: &[Vec<f64>]| ToldApart::of(&names, [&before, now], 0.01, &mut Rng::seeded(3));
        let parted = judge(&table(&mut rng, ROWS, false)).unwrap();
        assert!(parted.low > 0.7 && parted.low < parted.auc && parted.auc < parted.high, "{parted:?}");
        let mut named: Vec<&str> = parted.features.iter().map(|(name, _)| name.as_str()).collect();
        named.sort_unstable();
        assert_eq!((named, parted.rows), (vec!["f0", "f1"], ROWS));
        let same = judge(&table(&mut rng, 500, true)).unwrap();
        assert!(same.features.is_empty() && same.p_value > 0.01 && (0.4..0.6).contains(&same.auc), "{same:?}");
        assert_eq!(judge(&table(&mut rng, 20, true)), None);
    }
}

//! Text features as numbers: the smoothed mean of the target per level.

use std::sync::Arc;

use flyball_core::rng::Rng;
use flyball_core::table::MISSING_CODE;
use flyball_core::{TextColumn, limits};

/// The learned means of one text feature.
pub(crate) struct LevelMeans {
    /// The levels with their means, in order of the texts; the empty text stands for a missing one.
    pub(crate) levels: Vec<(Arc<str>, f32)>,
    /// What an unknown level gets: the mean of all rows.
    pub(crate) prior: f32,
}

impl LevelMeans {
    /// Learns the means, and encodes the training rows: each row with the mean of the rows of its level that stand
    /// before it in a random order, so that no row sees its own label (ordered target statistics, Prokhorenkova et al.,
    /// CatBoost, 2018). Rows count by their
    /// weights; `smoothing` is the weight of the prior.
    pub(crate) fn learn(
        text: &TextColumn,
        (target, weights): (&[f64], &[f64]),
        smoothing: f64,
        seed: u64,
    ) -> (Self, Vec<f64>) {
        let weighted = |row: usize| weights[row] * target[row];
        let prior = (0..target.len()).map(weighted).sum::<f64>() / weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let missing = text.levels.len();
        let level = |row: usize| match text.codes[row] {
            MISSING_CODE => missing,
            code => code as usize,
        };
        let mean = |(sum, count): (f64, f64)| ((sum + smoothing * prior) / (count + smoothing)) as f32;
        let mut order: Vec<usize> = (0..target.len()).collect();
        Rng::seeded(seed).shuffle(&mut order);
        let mut totals = vec![(0.0, 0.0); missing + 1];
        let mut encoded = vec![0.0; target.len()];
        for row in order {
            let total = &mut totals[level(row)];
            encoded[row] = f64::from(mean(*total));
            *total = (total.0 + weighted(row), total.1 + weights[row]);
        }
        let mut used: Vec<usize> = (0..=missing).filter(|&l| totals[l].1 > 0.0).collect();
        if used.len() > limits::TEXT_LEVELS {
            used.sort_by(|&a, &b| totals[b].1.total_cmp(&totals[a].1).then(a.cmp(&b)));
            used.truncate(limits::TEXT_LEVELS);
        }
        let empty: Arc<str> = "".into();
        let mut levels: Vec<(Arc<str>, f32)> =
            used.into_iter().map(|l| (text.levels.get(l).unwrap_or(&empty).clone(), mean(totals[l]))).collect();
        levels.sort_by(|a, b| a.0.cmp(&b.0));
        // A level that is the empty text and missing texts are one to the graph.
        levels.dedup_by(|a, b| a.0 == b.0);
        (Self { levels, prior: prior as f32 }, encoded)
    }

    /// Encodes rows that were not learned from.
    pub(crate) fn encode(&self, text: &TextColumn) -> Vec<f64> {
        let look_up = |level: &str| {
            let found = self.levels.binary_search_by(|(known, _)| known.as_ref().cmp(level));
            f64::from(found.map_or(self.prior, |position| self.levels[position].1))
        };
        let means: Vec<f64> = text.levels.iter().map(|level| look_up(level)).collect();
        let missing = look_up("");
        text.codes.iter().map(|&code| means.get(code as usize).copied().unwrap_or(missing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_gets_its_smoothed_mean_and_an_unknown_one_the_prior() {
        let text = TextColumn::from_texts([Some("b"), Some("a"), Some("a"), None]);
        let (means, _) = LevelMeans::learn(&text, (&[1.0, 0.0, 1.0, 0.0], &[1.0; 4]), 2.0, 7);
        let expected = [("", 1.0 / 3.0), ("a", 0.5), ("b", 2.0 / 3.0)];
        assert_eq!(means.levels, expected.map(|(l, m)| (Arc::from(l), m as f32)).to_vec());
        assert_eq!(means.prior, 0.5);
        let other = TextColumn::from_texts([Some("z"), Some("b"), None]);
        assert_eq!(means.encode(&other), [0.5, f64::from(2.0f32 / 3.0), f64::from(1.0f32 / 3.0)]);
    }

    #[test]
    fn no_row_sees_its_own_label() {
        // Every row is its own level: the means know nothing about the rows that they encode.
        let texts: Vec<String> = (0..50).map(|i| i.to_string()).collect();
        let text = TextColumn::from_texts(texts.iter().map(|t| Some(t.as_str())));
        let target: Vec<f64> = (0..50).map(|i| f64::from(i % 2)).collect();
        let (_, encoded) = LevelMeans::learn(&text, (&target, &[1.0; 50]), 10.0, 1);
        assert!(encoded.iter().all(|&e| e == 0.5));
    }
}

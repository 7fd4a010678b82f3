//! Features as columns of numbers, for what looks at all of them together: a number as it is, a category as how common it is
//! in the reference, as NannyML encodes it.

use std::collections::HashMap;

use flyball_core::table::MISSING_CODE;
use flyball_core::{Column, Table};

/// How the features of a model become numbers.
#[derive(Clone, Debug)]
pub struct Encoder {
    features: Vec<(String, Encoding)>,
}

#[derive(Clone, Debug)]
enum Encoding {
    Number,
    /// The share of each level in the reference; of others 0.
    Shares(HashMap<String, f64>),
}

impl Encoder {
    /// Learns the shares of categories from the reference's rows.
    pub fn of(reference: &Table) -> Self {
        let encoding = |column: &Column| match column {
            Column::Text(texts) => {
                let mut counts = vec![0_u64; texts.levels.len()];
                for &code in &texts.codes {
                    if let Some(count) = counts.get_mut(code as usize) {
                        *count += 1;
                    }
                }
                let rows = texts.codes.len().max(1) as f64;
                let shares = texts.levels.iter().zip(counts);
                Encoding::Shares(shares.map(|(level, count)| (level.to_string(), count as f64 / rows)).collect())
            }
            _ => Encoding::Number,
        };
        Self { features: reference.columns().map(|(name, column)| (name.to_owned(), encoding(column))).collect() }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// The features of a table, a column each in the order of the reference; NaN where a value is missing.
    pub fn encode(&self, table: &Table) -> Vec<Vec<f64>> {
        let column = |(name, encoding): &(String, Encoding)| {
            let Some(position) = table.position(name) else { return vec![f64::NAN; table.rows()] };
            match (encoding, table.at(position)) {
                (Encoding::Shares(shares), Column::Text(texts)) => {
                    let known: Vec<f64> =
                        texts.levels.iter().map(|level| shares.get(&**level).copied().unwrap_or(0.0)).collect();
                    let share = |code: &u32| match known.get(*code as usize) {
                        Some(share) if *code != MISSING_CODE => *share,
                        _ => f64::NAN,
                    };
                    texts.codes.iter().map(share).collect()
                }
                (Encoding::Shares(_), other) | (Encoding::Number, other) => other.numbers(),
            }
        };
        self.features.iter().map(column).collect()
    }
}

/// A bounded sample of rows as columns of numbers, each row as likely as any other (Vitter's algorithm R).
#[derive(Clone, Debug)]
pub struct Sample {
    /// The features, and behind them the probability of each class where there are more than two.
    pub columns: Vec<Vec<f64>>,
    /// Per sampled row the headline answer.
    pub scores: Vec<f64>,
    features: usize,
    most: usize,
    seen: usize,
}

impl Sample {
    /// An empty sample of at most `most` rows of `features` columns.
    pub fn new(features: usize, most: usize) -> Self {
        Self::of_classes(features, 0, most)
    }

    /// The same, with a column for the probability of each of so many classes behind the features.
    pub fn of_classes(features: usize, classes: usize, most: usize) -> Self {
        Self { columns: vec![Vec::new(); features + classes], scores: Vec::new(), features, most, seen: 0 }
    }

    /// Offers rows. `below(n)` draws a number in 0..n.
    pub fn add(&mut self, columns: &[Vec<f64>], scores: &[f64], mut below: impl FnMut(usize) -> usize) {
        for (row, &score) in scores.iter().enumerate() {
            self.seen += 1;
            if self.scores.len() < self.most {
                self.scores.push(score);
                for (kept, column) in self.columns.iter_mut().zip(columns) {
                    kept.push(column[row]);
                }
                continue;
            }
            let place = below(self.seen);
            if place < self.most {
                self.scores[place] = score;
                for (kept, column) in self.columns.iter_mut().zip(columns) {
                    kept[place] = column[row];
                }
            }
        }
    }

    /// The features as slices.
    pub fn slices(&self) -> Vec<&[f64]> {
        self.columns[..self.features].iter().map(Vec::as_slice).collect()
    }

    /// The probabilities of the classes, row after row; none for at most two classes.
    pub fn class_scores(&self) -> Vec<f64> {
        row_after_row(&self.columns[self.features..])
    }
}

/// Columns of equal length, row after row.
pub(crate) fn row_after_row(columns: &[Vec<f64>]) -> Vec<f64> {
    let rows = columns.first().map_or(0, Vec::len);
    (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::TextColumn;
    use flyball_core::rng::Rng;

    #[test]
    fn categories_become_their_shares_and_what_is_missing_stays_missing() {
        let texts = |all: &[Option<&str>]| Column::Text(TextColumn::from_texts(all.iter().copied()));
        let table = |origin: Column, miles: Column| {
            Table::new(vec![("origin".into(), origin), ("miles".into(), miles)]).unwrap()
        };
        let reference = table(texts(&[Some("EWR"), Some("EWR"), Some("JFK"), None]), Column::Int(vec![1, 2, 3, 4]));
        let encoder = Encoder::of(&reference);
        let now = table(texts(&[Some("JFK"), Some("LGA"), None]), Column::Float(vec![5.0, f64::NAN, 6.0]));
        let columns = encoder.encode(&now);
        assert_eq!(columns[0][..2], [0.25, 0.0]);
        assert!(columns[0][2].is_nan() && columns[1][1].is_nan());
        assert!(encoder.encode(&Table::default()).iter().all(Vec::is_empty));
    }

    #[test]
    fn a_sample_is_bounded_and_reaches_the_last_rows() {
        let mut rng = Rng::seeded(1);
        let mut sample = Sample::new(1, 100);
        let rows: Vec<f64> = (0..10_000).map(f64::from).collect();
        for part in rows.chunks(7) {
            sample.add(&[part.to_vec()], part, |limit| rng.below(limit));
        }
        assert_eq!((sample.scores.len(), sample.columns[0].len()), (100, 100));
        assert_eq!(sample.scores, sample.columns[0]);
        let late = sample.scores.iter().filter(|row| **row >= 5_000.0).count();
        assert!((30..70).contains(&late), "{late}");
    }
}

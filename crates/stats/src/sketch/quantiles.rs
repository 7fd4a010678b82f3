//! Quantiles of values that pass by once, in bounded memory, after Karnin, Lang and Liberty (2016).

use super::VERSION;
use super::codec::{Damaged, Reader, Writer};

/// Up to so many values are kept as they are: two megabytes, and every quantile of an ordinary table is exact.
const EXACT: usize = 1 << 18;
/// Values of one weight that are kept past that; ranks are then off by about 0.1 % of the rows.
const LEVEL: usize = 2048;
/// Values of one weight in the bytes: ranks are off by about 0.4 %, and a column takes some twenty kilobytes.
const LEVEL_KEPT: usize = 512;
/// Most levels: no table has more rows than two to the power of this.
const LEVELS: usize = 48;

/// A summary of the values of a column from which quantiles follow. Adding two summarises both columns' values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuantileSketch {
    rows: u64,
    /// `levels[i]` holds values that stand for 2ⁱ values each.
    levels: Vec<Vec<f64>>,
    /// How often values were thinned out: every second value goes, beginning with the first and the second in turn.
    thinned: u64,
}

impl QuantileSketch {
    /// Counts values; what is not finite is passed over.
    pub fn add(&mut self, values: &[f64]) {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        let before = self.levels[0].len();
        self.levels[0].extend(values.iter().filter(|value| value.is_finite()));
        self.rows += (self.levels[0].len() - before) as u64;
        self.thin(LEVEL);
    }

    /// Adds the values of another column.
    pub fn merge(&mut self, other: &Self) {
        self.rows = self.rows.saturating_add(other.rows);
        self.levels.resize(self.levels.len().max(other.levels.len()), Vec::new());
        for (level, values) in other.levels.iter().enumerate() {
            self.levels[level].extend(values);
        }
        self.thin(LEVEL);
    }

    /// Halves what is too long, from the lowest level up.
    fn thin(&mut self, most: usize) {
        let is_exact = self.levels.len() <= 1 && most == LEVEL;
        let mut level = 0;
        while level < self.levels.len() {
            let limit = if is_exact && level == 0 { EXACT } else { most };
            while self.levels[level].len() > limit {
                if level + 1 == self.levels.len() {
                    self.levels.push(Vec::new());
                }
                let mut values = std::mem::take(&mut self.levels[level]);
                values.sort_unstable_by(f64::total_cmp);
                // An odd value out stays, so that the weights add up to the rows.
                if values.len() % 2 == 1 {
                    self.levels[level].extend(values.pop());
                }
                let first = (self.thinned % 2) as usize;
                self.thinned += 1;
                self.levels[level + 1].extend(values.into_iter().skip(first).step_by(2));
            }
            level += 1;
        }
    }

    /// The finite values that were counted.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether all values are still known.
    pub fn is_exact(&self) -> bool {
        self.levels.len() <= 1
    }

    /// The values that are kept, ascending, each with how many it stands for.
    pub fn weighted(&self) -> Vec<(f64, u64)> {
        let mut values: Vec<(f64, u64)> = self
            .levels
            .iter()
            .enumerate()
            .flat_map(|(level, values)| values.iter().map(move |value| (*value, 1_u64 << level)))
            .collect();
        values.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
        values
    }

    /// The quantiles at rising levels within 0 to 1, interpolated linearly (Hyndman and Fan 1996, type 7); `None` without
    /// values.
    pub fn quantiles(&self, levels: &[f64]) -> Option<Vec<f64>> {
        let values = self.weighted();
        let last = values.last()?.0;
        let mut found = Vec::with_capacity(levels.len());
        let (mut at, mut before) = (0, 0_u64);
        for level in levels {
            let target = level.clamp(0.0, 1.0) * (self.rows.saturating_sub(1)) as f64;
            while at < values.len() && (before + values[at].1) as f64 <= target {
                before += values[at].1;
                at += 1;
            }
            let Some(&(value, weight)) = values.get(at) else {
                found.push(last);
                continue;
            };
            // Between the last value of this group and the first of the next.
            let within = target - (before + weight - 1) as f64;
            let next = values.get(at + 1).map_or(value, |next| next.0);
            found.push(if within > 0.0 { value + (next - value) * within } else { value });
        }
        Some(found)
    }

    /// The summary as bytes, thinned out to some twenty kilobytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut thin = self.clone();
        thin.thin(LEVEL_KEPT);
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.whole(thin.rows);
        writer.whole(thin.thinned);
        writer.whole(thin.levels.len() as u64);
        for values in &thin.levels {
            writer.whole(values.len() as u64);
            values.iter().for_each(|value| writer.float(*value));
        }
        writer.0
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        reader.version()?;
        let (rows, thinned) = (reader.whole()?, reader.whole()?);
        let mut levels = Vec::new();
        let mut sum = 0_u64;
        for level in 0..reader.length(LEVELS)? {
            let length = reader.length(LEVEL_KEPT + 1)?;
            let values = (0..length).map(|_| reader.float()).collect::<Result<Vec<f64>, _>>()?;
            if values.iter().any(|value| !value.is_finite()) {
                return Err(Damaged("a value is not finite"));
            }
            sum += (length as u64) << level;
            levels.push(values);
        }
        reader.end()?;
        if sum != rows {
            return Err(Damaged("the values do not add up to the rows"));
        }
        Ok(Self { rows, levels, thinned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers below `rows` in an order without pattern.
    fn shuffled(rows: u64) -> Vec<f64> {
        (0..rows).map(|row| ((row * 7_368_787) % rows) as f64).collect()
    }

    #[test]
    fn few_values_give_exact_quantiles() {
        let mut sketch = QuantileSketch::default();
        sketch.add(&[4.0, f64::NAN, 1.0, 2.0, f64::INFINITY, 3.0]);
        assert_eq!(sketch.quantiles(&[0.0, 0.5, 0.9, 1.0]).unwrap(), [1.0, 2.5, 3.7, 4.0]);
        assert!(sketch.is_exact() && sketch.rows() == 4);
        assert_eq!(QuantileSketch::default().quantiles(&[0.5]), None);
    }

    #[test]
    fn ranks_of_many_values_are_close_in_pieces_and_in_bytes_too() {
        let rows = 1_000_003;
        let values = shuffled(rows);
        let mut whole = QuantileSketch::default();
        values.chunks(10_000).for_each(|values| whole.add(values));
        let parts = values.chunks(300_000).map(|values| {
            let mut part = QuantileSketch::default();
            part.add(values);
            part
        });
        let merged = parts.reduce(|mut left, right| {
            left.merge(&right);
            left
        });
        let kept = QuantileSketch::from_bytes(&whole.to_bytes()).unwrap();
        for (sketch, bound) in [(&whole, 0.002), (&merged.unwrap(), 0.002), (&kept, 0.008)] {
            assert_eq!(sketch.rows(), rows);
            let levels = [0.01, 0.1, 0.5, 0.9, 0.99];
            for (level, found) in levels.iter().zip(sketch.quantiles(&levels).unwrap()) {
                assert!((found / rows as f64 - level).abs() < bound, "{level}: {found}");
            }
        }
        assert!(whole.to_bytes().len() < 40_000);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let mut sketch = QuantileSketch::default();
        sketch.add(&shuffled(1000));
        let bytes = sketch.to_bytes();
        assert!((0..bytes.len()).all(|length| QuantileSketch::from_bytes(&bytes[..length]).is_err()));
        let mut more = bytes.clone();
        more[1] ^= 1;
        assert!(QuantileSketch::from_bytes(&more).is_err());
    }
}

//! A histogram that needs no reference: bins by the leading bits of a number.

use std::collections::BTreeMap;

use super::VERSION;
use super::codec::{Damaged, Reader, Writer};

/// Low bits of a number that are dropped at first: 32 bins for each power of two, 1.6 % wide at either side of their middle.
const DROPPED: u32 = 47;
/// Bits that can be dropped at all: the sign is left.
const MOST_DROPPED: u32 = 63;
/// With more bins than this one more bit is dropped, so that a sketch stays below a kilobyte.
const BINS: usize = 256;

/// Counts of numbers in bins of equal ratio. Adding two gives the sketch of both windows' rows, in any order and grouping
/// exactly the same: the bins are as fine as the values taken together allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitHistogram {
    dropped: u32,
    bins: BTreeMap<i64, u64>,
    not_finite: u64,
}

impl Default for BitHistogram {
    fn default() -> Self {
        Self { dropped: DROPPED, bins: BTreeMap::new(), not_finite: 0 }
    }
}

/// A number's place in the order of all numbers; −0 is 0.
fn place(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The number at a place.
fn value_at(place: i64) -> f64 {
    f64::from_bits((place ^ (((place >> 63) as u64) >> 1) as i64) as u64)
}

impl BitHistogram {
    /// Counts values; NaN and infinities are counted apart.
    pub fn add(&mut self, values: &[f64]) {
        for &value in values {
            if !value.is_finite() {
                self.not_finite += 1;
                continue;
            }
            *self.bins.entry(place(value) >> self.dropped).or_default() += 1;
            if self.bins.len() > BINS {
                self.coarsen();
            }
        }
    }

    fn coarsen(&mut self) {
        while self.bins.len() > BINS && self.dropped < MOST_DROPPED {
            self.drop_to(self.dropped + 1);
        }
    }

    fn drop_to(&mut self, dropped: u32) {
        let shift = dropped - self.dropped;
        let mut coarse: BTreeMap<i64, u64> = BTreeMap::new();
        for (bin, rows) in std::mem::take(&mut self.bins) {
            let count = coarse.entry(bin >> shift).or_default();
            *count = count.saturating_add(rows);
        }
        (self.bins, self.dropped) = (coarse, dropped);
    }

    /// Adds another window's rows.
    pub fn merge(&mut self, other: &Self) {
        if other.dropped > self.dropped {
            self.drop_to(other.dropped);
        }
        let shift = self.dropped - other.dropped;
        for (bin, rows) in &other.bins {
            let count = self.bins.entry(bin >> shift).or_default();
            *count = count.saturating_add(*rows);
        }
        self.not_finite = self.not_finite.saturating_add(other.not_finite);
        self.coarsen();
    }

    /// Finite values.
    pub fn rows(&self) -> u64 {
        self.bins.values().sum()
    }

    /// NaN and infinities.
    pub fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// The quantile at a level within 0 to 1, as the middle of its bin; `None` without values.
    pub fn quantile(&self, level: f64) -> Option<f64> {
        let target = level.clamp(0.0, 1.0) * self.rows().checked_sub(1)? as f64;
        let mut before = 0;
        for (&bin, &rows) in &self.bins {
            before += rows;
            if target < before as f64 {
                return Some(self.middle(bin));
            }
        }
        self.bins.keys().next_back().map(|&bin| self.middle(bin))
    }

    fn middle(&self, bin: i64) -> f64 {
        let first = bin << self.dropped;
        let (low, high) = (value_at(first), value_at(first + ((1_i64 << self.dropped) - 1)));
        let [low, high] = [low, high].map(|edge| edge.clamp(f64::MIN, f64::MAX));
        low / 2.0 + high / 2.0
    }

    /// Counts of both in the bins of the coarser one, in rising order of the values.
    pub fn side_by_side(&self, other: &Self) -> (Vec<u64>, Vec<u64>) {
        let (mut left, mut right) = (self.clone(), other.clone());
        let dropped = left.dropped.max(right.dropped);
        left.drop_to(dropped);
        right.drop_to(dropped);
        let mut bins: Vec<i64> = left.bins.keys().chain(right.bins.keys()).copied().collect();
        bins.sort_unstable();
        bins.dedup();
        let counts = |side: &Self| bins.iter().map(|bin| side.bins.get(bin).copied().unwrap_or(0)).collect();
        (counts(&left), counts(&right))
    }

    /// The histogram as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.byte(self.dropped as u8);
        writer.whole(self.not_finite);
        writer.whole(self.bins.len() as u64);
        let mut before = 0;
        for (&bin, &rows) in &self.bins {
            writer.signed(i128::from(bin) - before);
            writer.whole(rows);
            before = i128::from(bin);
        }
        writer.0
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        reader.version()?;
        let dropped = u32::from(reader.byte()?);
        if !(DROPPED..=MOST_DROPPED).contains(&dropped) {
            return Err(Damaged("the bins are of no known width"));
        }
        let not_finite = reader.whole()?;
        let length = reader.length(BINS)?;
        let mut bins = BTreeMap::new();
        let (mut bin, mut sum) = (0_i128, 0_u64);
        for position in 0..length {
            let step = reader.signed()?;
            let rows = reader.whole()?;
            bin = bin.checked_add(step).ok_or(Damaged("the bins do not rise"))?;
            sum = sum.checked_add(rows).ok_or(Damaged("the counts have no sum"))?;
            let finite = place(f64::MIN) >> dropped..=place(f64::MAX) >> dropped;
            let key = i64::try_from(bin).ok().filter(|key| finite.contains(key));
            let key = key.filter(|_| rows > 0 && (position == 0 || step > 0)).ok_or(Damaged("the bins do not rise"))?;
            bins.insert(key, rows);
        }
        reader.end()?;
        Ok(Self { dropped, bins, not_finite })
    }
}

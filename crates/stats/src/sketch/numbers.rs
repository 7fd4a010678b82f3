//! Numbers counted in bins that the reference's quantiles anchor.

use super::codec::{Damaged, Reader, Writer, fingerprint};
use super::{Absent, VERSION};
use crate::calibrated::FEW_VALUES;
use crate::drift::{Moments, sorted};

/// At most so many cuts, so that a bin is found in eight steps.
const CUTS: usize = 255;
/// Equal shares of the reference at which bins begin, for columns with many values…
const SHARES: usize = 241;
/// … and how often the outermost share is halved at either end, where a bin would span far.
const TAIL_HALVES: u32 = 6;
/// Up to this many different values each has a bin of its own, and so has what lies between two of them.
const OWN_BINS: usize = 127;
/// Sums are kept as whole numbers of this part of the reference's standard deviation: they add up to the same total in
/// any order.
const UNITS: f64 = (1 << 20) as f64;
/// Farther from the reference's mean than a million deviations a value counts as just so far: one absurd value does not
/// drown the others.
const FARTHEST: f64 = UNITS * UNITS;
/// Values whose bins are looked for side by side; the processor overlaps the searches.
const LANES: usize = 8;
/// Added to and taken from a number below 2⁵¹, it leaves the nearest whole number in the low bits.
const ROUNDING: f64 = (3_u64 << 51) as f64;

/// What the numbers of a reference anchor: where bins begin, the unit of sums, and the reference's own counts.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberReference {
    cuts: Vec<f64>,
    steps: Box<[f64; CUTS + 1]>,
    center: f64,
    scale: f64,
    values: usize,
    anchor: u64,
    own: NumberSketch,
}

/// The numbers of one window, counted in the bins of its reference. Adding two gives the sketch of both windows' rows, in
/// any order and grouping exactly the same.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberSketch {
    anchor: u64,
    absent: Absent,
    counts: Vec<u64>,
    sum: i128,
    squares: u128,
    outside: [i128; 2],
    range: [f64; 2],
}

impl NumberReference {
    /// From the values of the reference; `None` without a finite one. NaN and infinities are counted apart.
    pub fn new(values: &[f64]) -> Option<Self> {
        let ascending = sorted(values);
        let (cuts, values_kept) = cuts(&ascending)?;
        let rows = ascending.len() as f64;
        // Divided before they are added, so that no finite value overflows the sums.
        let center: f64 = ascending.iter().map(|value| value / rows).sum();
        let deviation = ascending.iter().map(|value| ((value - center) / rows.sqrt()).powi(2)).sum::<f64>().sqrt();
        let scale = if deviation > 0.0 { deviation } else { center.abs().max(1.0) };
        // No unit so small or large that a quotient by it overflows.
        let mut reference = Self::anchored(cuts, center, scale.clamp(1e-290, 1e290), values_kept);
        let mut own = reference.sketch();
        reference.add(&mut own, values);
        reference.own = own;
        Some(reference)
    }

    fn anchored(cuts: Vec<f64>, center: f64, scale: f64, values: usize) -> Self {
        let mut steps = Box::new([f64::INFINITY; CUTS + 1]);
        steps[..cuts.len()].copy_from_slice(&cuts);
        let bits = cuts.iter().chain([&center, &scale]).flat_map(|cut| cut.to_bits().to_le_bytes());
        let anchor = fingerprint(bits);
        Self { steps, center, scale, values, anchor, own: NumberSketch::empty(anchor, cuts.len() + 1), cuts }
    }

    /// A sketch without rows.
    pub fn sketch(&self) -> NumberSketch {
        NumberSketch::empty(self.anchor, self.cuts.len() + 1)
    }

    /// The sketch of the reference's own rows.
    pub fn own(&self) -> &NumberSketch {
        &self.own
    }

    /// How many different values the reference has, if they are at most 127.
    pub fn distinct(&self) -> Option<usize> {
        (self.values <= OWN_BINS).then_some(self.values)
    }

    /// The share of the reference in a bin, where bins are of equal shares; `None` where values have bins of their own.
    pub(crate) fn bin_share(&self) -> Option<f64> {
        (self.values > OWN_BINS).then_some(1.0 / SHARES as f64)
    }

    /// Whether the column is tested by counts of its few values.
    pub(crate) fn has_few_values(&self) -> bool {
        self.values <= FEW_VALUES
    }

    /// Adds values to a sketch that this reference made; one of another reference is left as it is, with `false`.
    pub fn add(&self, sketch: &mut NumberSketch, values: &[f64]) -> bool {
        if sketch.anchor != self.anchor {
            return false;
        }
        let inverse = UNITS / self.scale;
        let mut chunks = values.chunks_exact(LANES);
        for chunk in &mut chunks {
            let mut lanes = [0.0; LANES];
            lanes.copy_from_slice(chunk);
            self.add_lanes(sketch, lanes, LANES, inverse);
        }
        let rest = chunks.remainder();
        let mut lanes = [f64::NAN; LANES];
        lanes[..rest.len()].copy_from_slice(rest);
        self.add_lanes(sketch, lanes, rest.len(), inverse);
        true
    }

    #[inline]
    fn add_lanes(&self, sketch: &mut NumberSketch, lanes: [f64; LANES], used: usize, inverse: f64) {
        let mut bins = [0_usize; LANES];
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            for (bin, value) in bins.iter_mut().zip(&lanes) {
                let next = *bin + step;
                // The mask changes nothing; it spares the check of the bound.
                *bin = if self.steps[(next - 1) & CUTS] <= *value { next } else { *bin };
            }
        }
        let last = sketch.counts.len() - 1;
        for (&value, &bin) in lanes.iter().zip(&bins).take(used) {
            if !value.is_finite() {
                let kind = if value.is_nan() { &mut sketch.absent.nan } else { &mut sketch.absent.infinite };
                *kind += 1;
                continue;
            }
            let Some(count) = sketch.counts.get_mut(bin) else { continue };
            *count += 1;
            let units = ((value - self.center) * inverse).clamp(-FARTHEST, FARTHEST);
            let units = (units + ROUNDING).to_bits() as i64 - ROUNDING.to_bits() as i64;
            sketch.sum += i128::from(units);
            sketch.squares += (i128::from(units) * i128::from(units)) as u128;
            sketch.range[0] = sketch.range[0].min(value);
            sketch.range[1] = sketch.range[1].max(value);
            if bin == 0 || bin == last {
                sketch.outside[usize::from(bin == last)] += i128::from(units);
            }
        }
    }

    /// A value for each bin of two sketches: its middle, or the mean of what lies outside the reference.
    pub(crate) fn representatives(&self, sketches: [&NumberSketch; 2]) -> Vec<f64> {
        let outside = |side: usize, bin: usize, edge: f64| {
            let rows: u64 = sketches.iter().map(|sketch| sketch.counts[bin]).sum();
            let units: f64 = sketches.iter().map(|sketch| sketch.outside[side] as f64).sum();
            if rows == 0 { edge } else { self.center + units / rows as f64 / UNITS * self.scale }
        };
        let (Some(&first), Some(&last)) = (self.cuts.first(), self.cuts.last()) else { return Vec::new() };
        let middles = self.cuts.windows(2).map(|cuts| cuts[0] / 2.0 + cuts[1] / 2.0);
        let above = outside(1, self.cuts.len(), last).max(last);
        std::iter::once(outside(0, 0, first).min(first)).chain(middles).chain([above]).collect()
    }

    /// Moments of a sketch, to a millionth of the reference's deviation; `None` without values.
    pub fn moments(&self, sketch: &NumberSketch) -> Option<Moments> {
        let rows = sketch.rows();
        if rows == 0 {
            return None;
        }
        let mean = sketch.sum as f64 / rows as f64;
        // Both products are whole numbers; their difference is taken before anything is rounded where it fits.
        let squares = sketch.squares as f64 / rows as f64 - mean * mean;
        let unit = self.scale / UNITS;
        Some(Moments { rows, mean: self.center + mean * unit, variance: squares.max(0.0) * unit * unit })
    }

    /// The quantile of a sketch at a level within 0 to 1, to the width of a bin; `None` without values.
    pub fn quantile(&self, sketch: &NumberSketch, level: f64) -> Option<f64> {
        let rows = sketch.rows();
        let target = level.clamp(0.0, 1.0) * rows.checked_sub(1)? as f64;
        let mut before = 0;
        for (bin, &count) in sketch.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if target < (before + count) as f64 {
                let low = if bin == 0 { sketch.range[0] } else { self.cuts[bin - 1].max(sketch.range[0]) };
                let high = self.cuts.get(bin).map_or(sketch.range[1], |cut| cut.min(sketch.range[1]));
                let within = (target - before as f64 + 0.5) / count as f64;
                return Some(low + (high - low).max(0.0) * within.min(1.0));
            }
            before += count;
        }
        Some(sketch.range[1])
    }

    /// The reference as bytes, which are kept with the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.whole(self.values as u64);
        writer.float(self.center);
        writer.float(self.scale);
        writer.whole(self.cuts.len() as u64);
        self.cuts.iter().for_each(|&cut| writer.float(cut));
        writer.0.extend(self.own.to_bytes());
        writer.0
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        reader.version()?;
        let values = reader.length(usize::MAX)?;
        let (center, scale) = (reader.float()?, reader.float()?);
        let length = reader.length(CUTS)?;
        let cuts = (0..length).map(|_| reader.float()).collect::<Result<Vec<f64>, _>>()?;
        let is_rising = cuts.windows(2).all(|pair| pair[0] < pair[1]) && cuts.iter().all(|cut| !cut.is_nan());
        if cuts.is_empty() || !is_rising || !center.is_finite() || !scale.is_finite() || scale <= 0.0 {
            return Err(Damaged("the bins do not rise"));
        }
        let mut reference = Self::anchored(cuts, center, scale, values);
        reference.own = reference.read(&mut reader)?;
        reader.end()?;
        Ok(reference)
    }

    /// A sketch of this reference from its bytes.
    ///
    /// # Errors
    /// When the bytes are no sketch, or one of another reference.
    pub fn sketch_from_bytes(&self, bytes: &[u8]) -> Result<NumberSketch, Damaged> {
        let mut reader = Reader::new(bytes);
        let sketch = self.read(&mut reader)?;
        reader.end()?;
        Ok(sketch)
    }

    fn read(&self, reader: &mut Reader<'_>) -> Result<NumberSketch, Damaged> {
        reader.version()?;
        if reader.fixed()? != self.anchor {
            return Err(Damaged("the sketch belongs to another reference"));
        }
        let absent = Absent::read(reader)?;
        let counts = reader.counts(CUTS + 1)?;
        if counts.len() != self.cuts.len() + 1 {
            return Err(Damaged("the sketch has another number of bins"));
        }
        let (sum, squares) = (reader.signed()?, reader.wide()?);
        let outside = [reader.signed()?, reader.signed()?];
        let range = [reader.float()?, reader.float()?];
        let rows: u64 = counts.iter().sum();
        let is_sound = if rows == 0 {
            (sum, squares, outside) == (0, 0, [0; 2]) && range == NO_RANGE
        } else {
            range[0] <= range[1] && range.iter().all(|bound| bound.is_finite())
        };
        // Each value counts at most `FARTHEST`, each square its square: what is beyond was never written.
        let farthest = i128::from(rows) << 40;
        let is_within =
            [sum, outside[0], outside[1]].iter().all(|units| units.unsigned_abs() <= farthest.unsigned_abs());
        if !is_sound || !is_within || squares >> 80 > u128::from(rows) {
            return Err(Damaged("the sums do not fit the counts"));
        }
        Ok(NumberSketch { anchor: self.anchor, absent, counts, sum, squares, outside, range })
    }
}

/// The range of no values.
const NO_RANGE: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

impl NumberSketch {
    fn empty(anchor: u64, bins: usize) -> Self {
        Self {
            anchor,
            absent: Absent::default(),
            counts: vec![0; bins],
            sum: 0,
            squares: 0,
            outside: [0; 2],
            range: NO_RANGE,
        }
    }

    /// Adds another window's rows; one of another reference is refused with `false`.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.anchor != other.anchor {
            return false;
        }
        self.absent.merge(&other.absent);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
        for (units, more) in self.outside.iter_mut().zip(other.outside) {
            *units = units.saturating_add(more);
        }
        self.range = [self.range[0].min(other.range[0]), self.range[1].max(other.range[1])];
        true
    }

    pub(crate) fn is_of(&self, reference: &NumberReference) -> bool {
        self.anchor == reference.anchor
    }

    /// Rows with a finite value.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Rows without one, by reason.
    pub fn absent(&self) -> &Absent {
        &self.absent
    }

    /// For the caller to count rows whose value is missing or of another type.
    pub fn absent_mut(&mut self) -> &mut Absent {
        &mut self.absent
    }

    /// Rows below the least value of the reference, and above its greatest.
    pub fn out_of_range(&self) -> [u64; 2] {
        [self.counts.first().copied().unwrap_or(0), self.counts.last().copied().unwrap_or(0)]
    }

    /// The least and the greatest value; `None` without any.
    pub fn range(&self) -> Option<[f64; 2]> {
        (self.range[0] <= self.range[1]).then_some(self.range)
    }

    /// Rows in each bin; the first and the last lie outside the reference.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sketch as bytes: below a kilobyte up to two million rows a bin.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.fixed(self.anchor);
        self.absent.write(&mut writer);
        writer.counts(&self.counts);
        writer.signed(self.sum);
        writer.wide(self.squares);
        self.outside.iter().for_each(|&units| writer.signed(units));
        self.range.iter().for_each(|&bound| writer.float(bound));
        writer.0
    }
}

/// Where the bins of ascending values begin, and how many different values there are (at most one more than are asked
/// about). A value that holds more than a bin's share has a bin of its own.
fn cuts(ascending: &[f64]) -> Option<(Vec<f64>, usize)> {
    let (&least, &greatest) = (ascending.first()?, ascending.last()?);
    let mut distinct: Vec<f64> = Vec::new();
    let mut rest = ascending;
    while let Some(&value) = rest.first() {
        if distinct.len() > OWN_BINS {
            break;
        }
        distinct.push(value);
        rest = &rest[rest.partition_point(|&other| other <= value)..];
    }
    let values = distinct.len();
    let mut cuts: Vec<f64> = if values <= OWN_BINS {
        distinct.into_iter().flat_map(|value| [value, value.next_up()]).collect()
    } else {
        let tail = (1..=TAIL_HALVES).map(|halves| 0.5_f64.powi(halves as i32) / SHARES as f64);
        let below = tail.clone().rev();
        let shares =
            below.chain((1..SHARES).map(|share| share as f64 / SHARES as f64)).chain(tail.map(|part| 1.0 - part));
        let last = ascending.len() - 1;
        let points: Vec<f64> = shares.map(|share| ascending[((last as f64 * share) as usize).min(last)]).collect();
        let runs = points.chunk_by(|left, right| left == right);
        let within = runs.flat_map(|run| [Some(run[0]), (run.len() > 1).then(|| run[0].next_up())]).flatten();
        [least].into_iter().chain(within).chain([greatest.next_up()]).collect()
    };
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    Some((cuts, values))
}

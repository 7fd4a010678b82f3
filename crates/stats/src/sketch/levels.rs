//! Levels of a categorical column, counted against the reference's vocabulary.

use std::collections::HashMap;

use super::codec::{Damaged, Reader, Writer, fingerprint};
use super::frequent::Frequent;
use super::{Absent, VERSION};

/// Up to this many levels of the reference each has a counter of its own.
const COUNTED: usize = 256;
/// Of more levels only these, the most frequent, have one, to be looked at…
const SHOWN: usize = 64;
/// … and all levels are counted in this many buckets by a fingerprint of the name, to be tested: counters for those that
/// were frequent by chance in the reference would show drift where there is none.
const BUCKETS: usize = 192;
/// Further levels of the reference that are still told from unseen ones.
const KNOWN: usize = 16_384;
/// Names kept of levels that the reference does not have…
const NAMED: usize = 8;
/// … and of any level where there is no reference.
const NAMED_WITHOUT_REFERENCE: usize = 64;
/// A longer name of a level is refused when bytes are read.
const NAME_BYTES: usize = 1 << 16;

/// What the levels of a reference anchor: which have counters, and the reference's own counts.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelReference {
    names: Vec<String>,
    index: HashMap<String, usize>,
    rare: Rare,
    anchor: u64,
    own: LevelSketch,
}

/// The levels of the reference that have no counter.
#[derive(Debug, Clone, PartialEq)]
enum Rare {
    /// There are none.
    None,
    /// Their fingerprints, ascending.
    Known(Vec<u64>),
    /// They were too many to keep.
    TooMany,
}

/// The levels of one window, counted against its reference. Adding two gives the sketch of both windows' rows; all counts
/// are exact in any order and grouping, only the names of unseen levels are kept to a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelSketch {
    anchor: u64,
    absent: Absent,
    counts: Vec<u64>,
    rare: u64,
    unseen: u64,
    named: Frequent,
    /// Rows by the fingerprint of their level; none where each level has a counter.
    buckets: Vec<u64>,
}

impl LevelReference {
    /// From the rows of each level, in any order; a level may come several times.
    pub fn new<'a>(levels: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut rows: HashMap<&str, u64> = HashMap::new();
        for (level, count) in levels {
            *rows.entry(level).or_default() += count;
        }
        let mut sorted: Vec<(&str, u64)> = rows.into_iter().filter(|(_, count)| *count > 0).collect();
        sorted.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        let counters = if sorted.len() <= COUNTED { sorted.len() } else { SHOWN };
        let (counted, rest) = sorted.split_at(counters);
        let names = counted.iter().map(|(level, _)| (*level).to_owned()).collect();
        let rare = match rest.len() {
            0 => Rare::None,
            1..=KNOWN => {
                let mut known: Vec<u64> = rest.iter().map(|(level, _)| fingerprint(level.bytes())).collect();
                known.sort_unstable();
                known.dedup();
                Rare::Known(known)
            }
            _ => Rare::TooMany,
        };
        let mut reference = Self::anchored(names, rare);
        let mut own = reference.sketch();
        for (level, rows) in sorted {
            reference.add(&mut own, level, rows);
        }
        reference.own = own;
        reference
    }

    fn anchored(names: Vec<String>, rare: Rare) -> Self {
        let bytes = names.iter().flat_map(|name| name.bytes().chain([0xff]));
        let (kind, known): (u8, &[u64]) = match &rare {
            Rare::None => (0, &[]),
            Rare::Known(known) => (1, known),
            Rare::TooMany => (2, &[]),
        };
        let anchor = fingerprint(bytes.chain([kind]).chain(known.iter().flat_map(|hash| hash.to_le_bytes())));
        let index = names.iter().enumerate().map(|(position, name)| (name.clone(), position)).collect();
        let own = LevelSketch::empty(anchor, names.len(), rare != Rare::None);
        Self { names, index, rare, anchor, own }
    }

    /// A sketch without rows.
    pub fn sketch(&self) -> LevelSketch {
        LevelSketch::empty(self.anchor, self.names.len(), self.rare != Rare::None)
    }

    /// The sketch of the reference's own rows.
    pub fn own(&self) -> &LevelSketch {
        &self.own
    }

    /// For the caller to count missing rows of the reference.
    pub fn own_mut(&mut self) -> &mut LevelSketch {
        &mut self.own
    }

    /// The levels with counters, in the order of the counts.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Adds rows of one level to a sketch that this reference made; one of another reference is left as it is, with
    /// `false`.
    pub fn add(&self, sketch: &mut LevelSketch, level: &str, rows: u64) -> bool {
        if sketch.anchor != self.anchor {
            return false;
        }
        if rows == 0 {
            return true;
        }
        let hash = fingerprint(level.bytes());
        // The low bits of a fingerprint alone are little mixed.
        let bucket = ((hash ^ (hash >> 32)) % BUCKETS as u64) as usize;
        if let Some(count) = sketch.buckets.get_mut(bucket) {
            *count = count.saturating_add(rows);
        }
        if let Some(count) = self.index.get(level).and_then(|&position| sketch.counts.get_mut(position)) {
            *count = count.saturating_add(rows);
            return true;
        }
        let is_known = match &self.rare {
            Rare::None => false,
            Rare::Known(known) => known.binary_search(&hash).is_ok(),
            Rare::TooMany => true,
        };
        let total = if is_known { &mut sketch.rare } else { &mut sketch.unseen };
        *total = total.saturating_add(rows);
        if !is_known {
            sketch.named.add(level, rows);
        }
        true
    }

    /// Adds a column of codes into a dictionary; a code beyond the dictionary is a missing value.
    pub fn add_codes<S: AsRef<str>>(&self, sketch: &mut LevelSketch, codes: &[u32], dictionary: &[S]) -> bool {
        let mut counts = vec![0_u64; dictionary.len()];
        let mut missing = 0;
        for &code in codes {
            match counts.get_mut(code as usize) {
                Some(count) => *count += 1,
                None => missing += 1,
            }
        }
        let is_ours = dictionary.iter().zip(counts).all(|(level, rows)| self.add(sketch, level.as_ref(), rows));
        if is_ours && sketch.anchor == self.anchor {
            sketch.absent.missing += missing;
        }
        sketch.anchor == self.anchor
    }

    /// Rows of levels that the reference does not have; `None` where it has too many to know.
    pub fn unseen(&self, sketch: &LevelSketch) -> Option<u64> {
        (self.rare != Rare::TooMany).then_some(sketch.unseen)
    }

    /// The reference as bytes, which are kept with the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.whole(self.names.len() as u64);
        self.names.iter().for_each(|name| writer.text(name));
        match &self.rare {
            Rare::None => writer.byte(0),
            Rare::Known(known) => {
                writer.byte(1);
                writer.whole(known.len() as u64);
                known.iter().for_each(|&hash| writer.fixed(hash));
            }
            Rare::TooMany => writer.byte(2),
        }
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
        let length = reader.length(COUNTED)?;
        let names = (0..length).map(|_| Ok(reader.text(NAME_BYTES)?.to_owned())).collect::<Result<Vec<_>, _>>()?;
        let rare = match reader.byte()? {
            0 => Rare::None,
            1 => {
                let length = reader.length(KNOWN)?;
                Rare::Known((0..length).map(|_| reader.fixed()).collect::<Result<Vec<u64>, _>>()?)
            }
            2 => Rare::TooMany,
            _ => return Err(Damaged("the levels are of no known kind")),
        };
        if matches!(&rare, Rare::Known(known) if !known.is_sorted()) {
            return Err(Damaged("the known levels do not rise"));
        }
        let mut reference = Self::anchored(names, rare);
        if reference.index.len() != reference.names.len() {
            return Err(Damaged("a level stands twice"));
        }
        reference.own = reference.read(&mut reader)?;
        reader.end()?;
        Ok(reference)
    }

    /// A sketch of this reference from its bytes.
    ///
    /// # Errors
    /// When the bytes are no sketch, or one of another reference.
    pub fn sketch_from_bytes(&self, bytes: &[u8]) -> Result<LevelSketch, Damaged> {
        let mut reader = Reader::new(bytes);
        let sketch = self.read(&mut reader)?;
        reader.end()?;
        Ok(sketch)
    }

    fn read(&self, reader: &mut Reader<'_>) -> Result<LevelSketch, Damaged> {
        reader.version()?;
        if reader.fixed()? != self.anchor {
            return Err(Damaged("the sketch belongs to another reference"));
        }
        let absent = Absent::read(reader)?;
        let counts = reader.counts(COUNTED)?;
        if counts.len() != self.names.len() {
            return Err(Damaged("the sketch has another number of levels"));
        }
        let (rare, unseen) = (reader.whole()?, reader.whole()?);
        let sum = counts.iter().chain([&rare, &unseen]).try_fold(0_u64, |sum, &count| sum.checked_add(count));
        if sum.is_none() {
            return Err(Damaged("the counts have no sum"));
        }
        let named = Frequent::read(reader, capacity(self.names.len()))?;
        let buckets = reader.counts(BUCKETS)?;
        let is_bucketed = self.rare != Rare::None;
        if buckets.len() != if is_bucketed { BUCKETS } else { 0 } {
            return Err(Damaged("the sketch has another number of buckets"));
        }
        if is_bucketed && sum != Some(buckets.iter().sum()) {
            return Err(Damaged("the buckets do not hold the rows"));
        }
        if named.rows().is_none_or(|rows| rows > unseen) {
            return Err(Damaged("more rows have a name than there are"));
        }
        Ok(LevelSketch { anchor: self.anchor, absent, counts, rare, unseen, named, buckets })
    }
}

fn capacity(counted: usize) -> usize {
    if counted == 0 { NAMED_WITHOUT_REFERENCE } else { NAMED }
}

impl LevelSketch {
    fn empty(anchor: u64, counted: usize, is_bucketed: bool) -> Self {
        Self {
            anchor,
            absent: Absent::default(),
            counts: vec![0; counted],
            rare: 0,
            unseen: 0,
            named: Frequent::new(capacity(counted)),
            buckets: if is_bucketed { vec![0; BUCKETS] } else { Vec::new() },
        }
    }

    /// Adds another window's rows; one of another reference is refused with `false`.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.anchor != other.anchor {
            return false;
        }
        self.absent.merge(&other.absent);
        let (counts, others) = (self.counts.iter_mut(), other.counts.iter());
        for (count, more) in counts.chain(&mut self.buckets).zip(others.chain(&other.buckets)) {
            *count = count.saturating_add(*more);
        }
        self.rare = self.rare.saturating_add(other.rare);
        self.unseen = self.unseen.saturating_add(other.unseen);
        self.named.merge(&other.named);
        true
    }

    pub(crate) fn is_of(&self, reference: &LevelReference) -> bool {
        self.anchor == reference.anchor
    }

    /// Rows with a level.
    pub fn rows(&self) -> u64 {
        self.counts.iter().chain([&self.rare, &self.unseen]).sum()
    }

    /// Rows without one, by reason.
    pub fn absent(&self) -> &Absent {
        &self.absent
    }

    /// For the caller to count rows whose value is missing or of another type.
    pub fn absent_mut(&mut self) -> &mut Absent {
        &mut self.absent
    }

    /// Rows of each level that has a counter, in the order of [`LevelReference::names`].
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Rows by cells that were not chosen by how often they occur in either sketch, and for each side the rows that are in
    /// none of them: unseen levels that are too rare to be named. They must be pooled with other rare levels, for alone
    /// they have no rows in the reference because that is what they are.
    pub(crate) fn cells(&self, other: &Self) -> ([Vec<u64>; 2], [u64; 2]) {
        if !self.buckets.is_empty() {
            return ([self.buckets.clone(), other.buckets.clone()], [0, 0]);
        }
        let mut cells = [self.counts.clone(), other.counts.clone()];
        let mut rest = [self.unseen, other.unseen];
        let [left, right] = [&self.named, &other.named].map(|named| named.top().0);
        let mut names: Vec<&String> = left.iter().chain(&right).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            for (side, named) in [&left, &right].into_iter().enumerate() {
                let rows = named.iter().find(|(known, _)| known == name).map_or(0, |(_, rows)| *rows);
                cells[side].push(rows);
                rest[side] = rest[side].saturating_sub(rows);
            }
        }
        (cells, rest)
    }

    /// The most frequent unseen levels with their rows, most frequent first, and by how much a count may be too low: 0
    /// while there are no more of them than are kept.
    pub fn unseen_levels(&self) -> (Vec<(String, u64)>, u64) {
        self.named.top()
    }

    /// The sketch as bytes: below a kilobyte up to 16,000 rows a level.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.fixed(self.anchor);
        self.absent.write(&mut writer);
        writer.counts(&self.counts);
        writer.whole(self.rare);
        writer.whole(self.unseen);
        self.named.write(&mut writer);
        writer.counts(&self.buckets);
        writer.0
    }
}

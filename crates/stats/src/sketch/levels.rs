//! Levels of a categorical column, counted against the reference's vocabulary.

use std::collections::HashMap;

use super::codec::{Damaged, Reader, Writer, fingerprint};
use super::frequent::Frequent;
use super::{Absent, VERSION};

/// Levels of the reference that have a counter of their own; rarer ones share one.
const COUNTED: usize = 256;
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
    /// Fingerprints of the levels without a counter, ascending; `None` where they were too many to keep.
    rare: Option<Vec<u64>>,
    anchor: u64,
    own: LevelSketch,
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
        let (counted, rest) = sorted.split_at(sorted.len().min(COUNTED));
        let names = counted.iter().map(|(level, _)| (*level).to_owned()).collect();
        let rare = (rest.len() <= KNOWN).then(|| {
            let mut known: Vec<u64> = rest.iter().map(|(level, _)| fingerprint(level.bytes())).collect();
            known.sort_unstable();
            known.dedup();
            known
        });
        let mut reference = Self::anchored(names, rare);
        let mut own = reference.sketch();
        own.counts = counted.iter().map(|(_, count)| *count).collect();
        own.rare = rest.iter().map(|(_, count)| *count).sum();
        reference.own = own;
        reference
    }

    fn anchored(names: Vec<String>, rare: Option<Vec<u64>>) -> Self {
        let bytes = names.iter().flat_map(|name| name.bytes().chain([0xff]));
        let known = rare.iter().flatten().flat_map(|hash| hash.to_le_bytes());
        let anchor = fingerprint(bytes.chain([u8::from(rare.is_some())]).chain(known));
        let index = names.iter().enumerate().map(|(position, name)| (name.clone(), position)).collect();
        let own = LevelSketch::empty(anchor, names.len());
        Self { names, index, rare, anchor, own }
    }

    /// A sketch without rows.
    pub fn sketch(&self) -> LevelSketch {
        LevelSketch::empty(self.anchor, self.names.len())
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
        if let Some(count) = self.index.get(level).and_then(|&position| sketch.counts.get_mut(position)) {
            *count = count.saturating_add(rows);
            return true;
        }
        let is_known = match &self.rare {
            Some(rare) => rare.binary_search(&fingerprint(level.bytes())).is_ok(),
            None => true,
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
        self.rare.is_some().then_some(sketch.unseen)
    }

    /// The reference as bytes, which are kept with the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.whole(self.names.len() as u64);
        self.names.iter().for_each(|name| writer.text(name));
        writer.byte(u8::from(self.rare.is_some()));
        if let Some(rare) = &self.rare {
            writer.whole(rare.len() as u64);
            rare.iter().for_each(|&hash| writer.fixed(hash));
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
            0 => None,
            1 => {
                let length = reader.length(KNOWN)?;
                Some((0..length).map(|_| reader.fixed()).collect::<Result<Vec<u64>, _>>()?)
            }
            _ => return Err(Damaged("a flag is neither set nor unset")),
        };
        if rare.as_ref().is_some_and(|rare| !rare.is_sorted()) {
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
        Ok(LevelSketch { anchor: self.anchor, absent, counts, rare, unseen, named })
    }
}

fn capacity(counted: usize) -> usize {
    if counted == 0 { NAMED_WITHOUT_REFERENCE } else { NAMED }
}

impl LevelSketch {
    fn empty(anchor: u64, counted: usize) -> Self {
        Self {
            anchor,
            absent: Absent::default(),
            counts: vec![0; counted],
            rare: 0,
            unseen: 0,
            named: Frequent::new(capacity(counted)),
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

    /// All counts: of the levels with counters, of the reference's rarer levels together, and of unseen ones together.
    pub(crate) fn shares(&self) -> Vec<u64> {
        self.counts.iter().copied().chain([self.rare, self.unseen]).collect()
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
        writer.0
    }
}

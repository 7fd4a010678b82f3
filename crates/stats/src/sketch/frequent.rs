//! The most frequent texts of a stream that may hold any number of them.

use super::codec::{Damaged, Reader, Writer, fingerprint};

/// Longer names are kept by their beginning and a fingerprint, so that a sketch stays small.
const NAME_BYTES: usize = 32;
/// What is kept of the beginning of a longer name.
const BEGINNING_BYTES: usize = 20;

/// Counters for the most frequent texts (Misra & Gries 1982; merged as in Agarwal et al. 2012). While no more texts than
/// counters were seen, all counts are exact. Later each is at most `error` too low, and no text is lost whose share of the
/// rows is above 1 / (counters + 1). The bound holds in whatever order sketches are merged.
#[derive(Debug, Clone)]
pub(crate) struct Frequent {
    capacity: usize,
    counters: Vec<(String, u64)>,
    error: u64,
}

impl PartialEq for Frequent {
    /// The order in which texts were met does not count.
    fn eq(&self, other: &Self) -> bool {
        self.capacity == other.capacity && self.top() == other.top()
    }
}

impl Eq for Frequent {}

impl Frequent {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, counters: Vec::new(), error: 0 }
    }

    pub(crate) fn add(&mut self, name: &str, mut rows: u64) {
        let name = short(name);
        if let Some((_, count)) = self.counters.iter_mut().find(|(known, _)| *known == name) {
            *count += rows;
            return;
        }
        if self.counters.len() >= self.capacity {
            let least = self.counters.iter().map(|(_, count)| *count).min().unwrap_or(0).min(rows);
            self.take_away(least);
            rows -= least;
        }
        if rows > 0 {
            self.counters.push((name, rows));
        }
    }

    fn take_away(&mut self, rows: u64) {
        for (_, count) in &mut self.counters {
            *count = count.saturating_sub(rows);
        }
        self.counters.retain(|(_, count)| *count > 0);
        self.error = self.error.saturating_add(rows);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.error = self.error.saturating_add(other.error);
        for (name, rows) in &other.counters {
            match self.counters.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count = count.saturating_add(*rows),
                None => self.counters.push((name.clone(), *rows)),
            }
        }
        self.sort();
        if let Some(&(_, first_beyond)) = self.counters.get(self.capacity) {
            self.take_away(first_beyond);
        }
    }

    fn sort(&mut self) {
        self.counters.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    }

    /// The texts with their counts, most frequent first, and by how much a count may be too low.
    pub(crate) fn top(&self) -> (Vec<(String, u64)>, u64) {
        let mut sorted = self.clone();
        sorted.sort();
        (sorted.counters, sorted.error)
    }

    /// Rows that are counted by name; `None` beyond what a number holds.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.counters.iter().try_fold(0_u64, |sum, (_, rows)| sum.checked_add(*rows))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let (counters, error) = self.top();
        writer.whole(error);
        writer.whole(counters.len() as u64);
        for (name, rows) in counters {
            writer.text(&name);
            writer.whole(rows);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, capacity: usize) -> Result<Self, Damaged> {
        let error = reader.whole()?;
        let length = reader.length(capacity)?;
        let mut counters: Vec<(String, u64)> = Vec::new();
        for _ in 0..length {
            let (name, rows) = (reader.text(NAME_BYTES)?.to_owned(), reader.whole()?);
            if rows == 0 || counters.iter().any(|(known, _)| *known == name) {
                return Err(Damaged("a level is counted twice or never"));
            }
            counters.push((name, rows));
        }
        Ok(Self { capacity, counters, error })
    }
}

/// The name by which a text is counted.
fn short(name: &str) -> String {
    if name.len() <= NAME_BYTES {
        return name.to_owned();
    }
    let beginning = name.floor_char_boundary(BEGINNING_BYTES);
    format!("{}…{:08x}", &name[..beginning], fingerprint(name.bytes()) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_texts_are_counted_exactly_and_a_frequent_one_is_never_lost() {
        let mut frequent = Frequent::new(4);
        for round in 0..1000 {
            frequent.add("often", 1);
            frequent.add(&format!("once-{round}"), 1);
        }
        let (top, error) = frequent.top();
        assert_eq!(top[0].0, "often");
        assert!(top[0].1 <= 1000 && top[0].1 + error >= 1000, "{top:?} {error}");
        let mut few = Frequent::new(4);
        few.add("b", 2);
        few.add("a", 2);
        assert_eq!(few.top(), (vec![("a".to_owned(), 2), ("b".to_owned(), 2)], 0));
    }

    #[test]
    fn a_merge_keeps_the_bound() {
        let parts = (0..10).map(|part| {
            let mut frequent = Frequent::new(3);
            for round in 0..100 {
                frequent.add("often", 1);
                frequent.add(&format!("{part}-{round}"), 1);
            }
            frequent
        });
        let merged = parts.reduce(|mut left, right| {
            left.merge(&right);
            left
        });
        let (top, error) = merged.unwrap().top();
        assert!(top.len() <= 3);
        let kept = top.iter().find(|(name, _)| name == "often").map_or(0, |(_, rows)| *rows);
        assert!(kept + error >= 1000 && kept <= 1000, "{kept} {error}");
    }

    #[test]
    fn a_long_name_is_told_from_another_with_the_same_beginning() {
        let (left, right) = (short(&format!("{}a", "ü".repeat(40))), short(&format!("{}b", "ü".repeat(40))));
        assert!(left != right && left.len() <= NAME_BYTES, "{left} {right}");
    }
}

//! Whole rows of a window, a bounded sample of them, for what must look at rows and not only count them.

use flyball_core::rng::Rng;
use flyball_core::{Result, Table};

/// A bounded sample of rows, each as likely as any other (Vitter's algorithm R).
pub(super) struct Rows {
    most: usize,
    seen: usize,
    rng: Rng,
    /// Tables that rows were taken from.
    parts: Vec<Table>,
    /// Where each sampled row is: which part, and which row of it.
    places: Vec<(usize, usize)>,
}

impl Rows {
    /// No rows yet, and never more than `most`.
    pub(super) fn new(most: usize, seed: u64) -> Self {
        Self { most, seen: 0, rng: Rng::seeded(seed), parts: Vec::new(), places: Vec::new() }
    }

    /// Offers so many rows; `take` gives those that are wanted of them.
    ///
    /// # Errors
    /// What `take` answers, and when the tables do not fit together.
    pub(super) fn add(&mut self, rows: usize, take: impl FnOnce(&[usize]) -> Result<Table>) -> Result<()> {
        let mut taken = Vec::new();
        for row in 0..rows {
            self.seen += 1;
            let place = if self.seen <= self.most { self.places.len() } else { self.rng.below(self.seen) };
            if place >= self.most {
                continue;
            }
            let found = (self.parts.len(), taken.len());
            taken.push(row);
            match self.places.get_mut(place) {
                Some(kept) => *kept = found,
                None => self.places.push(found),
            }
        }
        if !taken.is_empty() {
            self.parts.push(take(&taken)?);
        }
        // Rows that others replaced are let go of before they are as many as those that are kept.
        if self.parts.iter().map(Table::rows).sum::<usize>() > 2 * self.most {
            let kept = self.gathered()?;
            self.places = (0..kept.rows()).map(|row| (0, row)).collect();
            self.parts = vec![kept];
        }
        Ok(())
    }

    /// The sampled rows as one table; of no rows a table without columns.
    ///
    /// # Errors
    /// When the tables do not fit together.
    pub(super) fn gathered(&self) -> Result<Table> {
        let mut begins = Vec::with_capacity(self.parts.len());
        let mut rows = 0;
        for part in &self.parts {
            begins.push(rows);
            rows += part.rows();
        }
        let places: Vec<usize> = self.places.iter().map(|&(part, row)| begins[part] + row).collect();
        Ok(flyball_serving::concat(&self.parts)?.take(&places))
    }
}

/// At most so many rows of a table, evenly spread.
pub(super) fn spread(table: &Table, most: usize) -> Table {
    let count = table.rows().min(most);
    table.take(&(0..count).map(|at| at * table.rows() / count).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::{Column, TextColumn};

    fn part(numbers: std::ops::Range<i64>) -> Table {
        let texts: Vec<String> = numbers.clone().map(|number| format!("t{number}")).collect();
        let text = TextColumn::from_texts(texts.iter().map(|text| Some(text.as_str())));
        let columns = [("number", Column::Int(numbers.collect())), ("text", Column::Text(text))];
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
    }

    fn offer(rows: &mut Rows, numbers: std::ops::Range<i64>) {
        let part = part(numbers);
        rows.add(part.rows(), |taken| Ok(part.take(taken))).unwrap();
    }

    #[test]
    fn rows_stay_whole_and_each_is_as_likely_as_any_other() {
        let mut rows = Rows::new(200, 7);
        assert_eq!(rows.gathered().unwrap().rows(), 0);
        for begin in (0..20_000).step_by(130) {
            offer(&mut rows, begin..begin + 130);
            assert!(rows.parts.iter().map(Table::rows).sum::<usize>() <= 400);
        }
        let sample = rows.gathered().unwrap();
        let numbers = sample.column("number").unwrap().numbers();
        for (row, number) in numbers.iter().enumerate() {
            assert_eq!(sample.column("text").unwrap().value(row).text(), Some(format!("t{number}")));
        }
        let late = numbers.iter().filter(|number| **number >= 10_000.0).count();
        let distinct: std::collections::BTreeSet<i64> = numbers.iter().map(|number| *number as i64).collect();
        assert!((70..130).contains(&late) && distinct.len() == 200, "{late}");
    }

    #[test]
    fn few_rows_are_all_there_in_their_order() {
        let mut rows = Rows::new(200, 7);
        offer(&mut rows, 0..3);
        offer(&mut rows, 3..3);
        offer(&mut rows, 3..5);
        assert_eq!(rows.gathered().unwrap().column("number").unwrap().numbers(), [0.0, 1.0, 2.0, 3.0, 4.0]);
        let some = spread(&rows.gathered().unwrap(), 2);
        assert_eq!(some.column("number").unwrap().numbers(), [0.0, 2.0]);
        assert_eq!(spread(&Table::default(), 2).rows(), 0);
    }
}

//! How alike rows are that were made at about the same time. The weather of a day is one observation however many flights
//! it delays: a window is compared with what the reference varies by between stretches as long as the window, and not as
//! if its rows were drawn one by one.

use std::collections::BTreeMap;

use flyball_core::{Column, Duration, Timestamp};
use flyball_stats::clusters::Alikeness;
use flyball_stats::sketch::Comparison;

use crate::reference::{PREDICTION, Reference, SCORE};

/// Fewest stretches that the reference is cut into; where it is too short for so many as long as a window, they are
/// shorter, which makes rows look less alike than they are, but more alike than they are taken for otherwise.
const STRETCHES: i64 = 12;

/// How alike the rows of a stretch of time are, by column.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    columns: BTreeMap<String, InColumn>,
}

#[derive(Clone, Copy, Debug)]
struct InColumn {
    values: Option<Alikeness>,
    missing: Option<Alikeness>,
    /// How many of the stretches a window is as long as.
    stretches: f64,
}

impl Alike {
    /// Learns from the rows of a reference, which know when they were made, for windows of a length.
    pub fn of(reference: &Reference, length: Duration) -> Self {
        let mut columns = BTreeMap::new();
        let learnt = reference.learnt_at.as_deref().and_then(|at| stretches(at, length));
        if let Some((groups, stretches)) = &learnt {
            for (name, column) in reference.learnt.columns() {
                columns.insert(name.to_owned(), InColumn::of(column, groups, *stretches));
            }
        }
        let heldout = reference.heldout_at.as_deref().and_then(|at| stretches(at, length));
        if let (Some((groups, stretches)), Some(position)) = (&heldout, reference.heldout.position(SCORE)) {
            let column = reference.heldout.at(position);
            columns.insert(PREDICTION.to_owned(), InColumn::of(column, groups, *stretches));
        }
        Self { columns }
    }

    /// Weakens the evidence of a column's drift by how alike rows of it are. `against` says whether the window is compared
    /// with another one, about as long, rather than with the reference's own rows.
    pub fn weigh(&self, name: &str, against: bool, comparison: &mut Comparison) {
        let Some(known) = self.columns.get(name) else { return };
        for (test, alike) in [(&mut comparison.values, known.values), (&mut comparison.missing, known.missing)] {
            if let (Some(test), Some(alike)) = (test, alike) {
                let size = |rows: u64| rows as f64 / known.stretches;
                let before = if against { size(test.reference_rows) } else { alike.size };
                let effects = [before, size(test.current_rows)].map(|size| alike.design_effect(size));
                *test = test.of_alike_rows(effects);
            }
        }
    }
}

impl InColumn {
    fn of(column: &Column, groups: &[u64], stretches: f64) -> Self {
        let absent: Vec<u32> = (0..column.len()).map(|row| u32::from(column.is_missing(row))).collect();
        let values = match column {
            Column::Text(texts) => Alikeness::of_levels(&texts.codes, texts.levels.len(), groups),
            numbers => Alikeness::of_numbers(&numbers.numbers(), groups),
        };
        Self { values, missing: Alikeness::of_levels(&absent, 2, groups), stretches }
    }
}

/// The stretch of each row, and how many stretches a window is as long as; `None` where no time passes.
pub(crate) fn stretches(at: &[Timestamp], length: Duration) -> Option<(Vec<u64>, f64)> {
    let (first, last) = (at.iter().min()?.0, at.iter().max()?.0);
    let span = last - first;
    let stretch = length.0.min(span / STRETCHES);
    (stretch > 0).then(|| {
        let group = |at: &Timestamp| u64::try_from((at.0 - first) / stretch).unwrap_or_default();
        (at.iter().map(group).collect(), length.0 as f64 / stretch as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{ColumnDrift, compare};
    use crate::intake::Intake;
    use crate::window::WindowSettings;
    use flyball_core::rng::Rng;
    use flyball_core::{Table, TextColumn};
    use std::sync::Arc;

    const DAY: Duration = Duration::days(1);
    const ROWS: usize = 200;

    /// So many days from a first one: the temperature is the same all day, and varies about a mean; carriers are as ever.
    fn days(rng: &mut Rng, first: i64, days: usize, mean: f64) -> (Table, Vec<i64>) {
        let (mut temperature, mut carrier, mut at) = (Vec::new(), Vec::new(), Vec::new());
        for day in 0..days {
            let weather = mean + (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
            for row in 0..ROWS {
                temperature.push(weather + rng.unit() / 10.0);
                carrier.push(Some(["AA", "B6", "UA"][rng.below(3)]));
                at.push((first + day as i64) * DAY.0 + row as i64 * 1000);
            }
        }
        let columns = vec![
            ("temperature".to_owned(), Column::Float(temperature)),
            ("carrier".to_owned(), Column::Text(TextColumn::from_texts(carrier))),
        ];
        (Table::new(columns).unwrap(), at)
    }

    fn alarms(reference: &Reference, window: &Table, alike: bool) -> Vec<String> {
        let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
        let mut intake = Intake::new(reference);
        intake.alike = alike.then(|| Arc::new(Alike::of(reference, DAY)));
        intake.add(window, &vec![0.5; window.rows()], &vec![f64::NAN; window.rows()]);
        let found: Vec<ColumnDrift> = compare(&intake, &settings);
        found.into_iter().filter(|column| column.alarm).map(|column| column.column).collect()
    }

    #[test]
    fn a_day_of_ordinary_weather_is_no_drift_and_new_carriers_and_another_climate_are() {
        let mut rng = Rng::seeded(5);
        let (mut learnt, at) = days(&mut rng, 0, 60, 0.0);
        learnt.push(crate::reference::AT, Column::Time(at)).unwrap();
        let answers = Table::new(vec![(SCORE.to_owned(), Column::Float(vec![0.5]))]).unwrap();
        let reference = Reference::of(learnt, answers).unwrap();
        let (mut naive, mut alike) = (0, 0);
        for _ in 0..100 {
            let (window, _) = days(&mut rng, 60, 1, 0.0);
            naive += usize::from(!alarms(&reference, &window, false).is_empty());
            alike += usize::from(!alarms(&reference, &window, true).is_empty());
        }
        assert!(naive == 100 && alike <= 8, "{naive} {alike}");

        let (mut window, _) = days(&mut rng, 60, 1, 0.0);
        let carriers = TextColumn::from_texts((0..ROWS).map(|row| Some(["AA", "B6"][row % 2])));
        window = Table::new(vec![
            ("temperature".to_owned(), window.column("temperature").unwrap().clone()),
            ("carrier".to_owned(), Column::Text(carriers)),
        ])
        .unwrap();
        assert_eq!(alarms(&reference, &window, true), ["carrier"]);
        // A day far outside of all that was seen is still one observation; a month of such days is another climate.
        let (month, _) = days(&mut rng, 60, 30, 3.0);
        let mut intake = Intake::new(&reference);
        intake.alike = Some(Arc::new(Alike::of(&reference, Duration::days(30))));
        intake.add(&month, &vec![0.5; month.rows()], &vec![f64::NAN; month.rows()]);
        let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
        let found = compare(&intake, &settings);
        assert!(found.iter().any(|column| column.alarm && column.column == "temperature"), "{found:?}");
    }

    #[test]
    fn what_knows_no_times_is_as_it_was() {
        let mut rng = Rng::seeded(6);
        let (learnt, _) = days(&mut rng, 0, 20, 0.0);
        let answers = Table::new(vec![(SCORE.to_owned(), Column::Float(vec![0.5]))]).unwrap();
        let reference = Reference::of(learnt, answers).unwrap();
        let (window, _) = days(&mut rng, 20, 1, 2.0);
        assert_eq!(alarms(&reference, &window, true), alarms(&reference, &window, false));
        assert!(stretches(&[], DAY).is_none() && stretches(&[Timestamp(7); 9], DAY).is_none());
    }
}

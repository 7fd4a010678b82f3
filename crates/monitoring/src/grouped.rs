//! Drift where rows belong together, as those of one user or session do: such rows say less than as many independent ones,
//! and are tested as of as many as they are worth (`flyball_stats::clusters`).

use std::collections::{BTreeMap, HashMap, HashSet};

use flyball_core::{Column, Table};
use flyball_stats::calibrated::ColumnTest;
use flyball_stats::clusters::{Groups, grouped_categorical_test, grouped_numeric_test};
use flyball_stats::sketch::ColumnReference;

use crate::reference::{PREDICTION, Reference, SCORE};
use crate::window::Grouped;

/// The column of a window's rows that says which of them belong together.
pub const GROUP: &str = "flyball.group";

/// The evidence of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// That its values drifted; `None` where that cannot be told, as of too few groups.
    pub values: Option<ColumnTest>,
    /// That the share of rows without a value did; likewise.
    pub missing: Option<ColumnTest>,
}

/// The evidence of every column of a window whose rows belong together.
#[derive(Clone, Debug)]
pub struct GroupedEvidence {
    columns: BTreeMap<String, Evidence>,
    /// What the rows were grouped by.
    pub by: Grouped,
}

impl GroupedEvidence {
    /// Compares rows of a window with the reference: its features, the answers as [`SCORE`], and [`GROUP`]; a row without a
    /// group stands for itself. Rows of the reference are grouped by the feature `column` where there is one, and are
    /// otherwise independent. `None` when the rows have no groups or answers.
    pub fn of(reference: &Reference, column: &str, rows: &Table) -> Option<Self> {
        let codes = |table: &Table, name: &str| table.position(name).map(|position| codes(table.at(position)));
        let now = codes(rows, GROUP)?;
        let [learnt, heldout] = [&reference.learnt, &reference.heldout].map(|table| codes(table, column));
        let mut columns = BTreeMap::new();
        for (name, kind) in &reference.columns {
            let (then, then_groups, now_name) = match name.as_str() {
                PREDICTION => (reference.heldout.position(SCORE).map(|at| reference.heldout.at(at)), &heldout, SCORE),
                name => (reference.learnt.position(name).map(|at| reference.learnt.at(at)), &learnt, name),
            };
            // Who comes is no distribution: a new session has a new name.
            let Some(then) = then.filter(|_| name != column) else { continue };
            let missing = Column::Float(vec![f64::NAN; rows.rows()]);
            let values = rows.position(now_name).map_or(&missing, |at| rows.at(at));
            let groups = then_groups.as_deref().map_or(Groups::Independent, Groups::Of);
            columns.insert(name.clone(), evidence(kind, (then, groups), (values, Groups::Of(&now))));
        }
        let groups = now.iter().collect::<HashSet<_>>().len();
        Some(Self { columns, by: Grouped { column: column.to_owned(), groups } })
    }

    /// The evidence of a column, `prediction` included.
    pub fn column(&self, name: &str) -> Evidence {
        self.columns.get(name).copied().unwrap_or_default()
    }
}

/// The first row of each group of a column, in their order; `None` without that column.
pub(crate) fn firsts(table: &Table, column: &str) -> Option<Vec<usize>> {
    let codes = codes(table.at(table.position(column)?));
    let mut seen = HashSet::new();
    Some((0..codes.len()).filter(|&row| seen.insert(codes[row])).collect())
}

fn evidence(kind: &ColumnReference, then: (&Column, Groups<'_>), now: (&Column, Groups<'_>)) -> Evidence {
    match kind {
        ColumnReference::Numbers(_) => {
            let [before, after] = [then.0, now.0].map(numbers);
            let absent = [&before, &after].map(|values| values.iter().map(|x| u32::from(!x.is_finite())).collect());
            Evidence {
                values: grouped_numeric_test((&before, then.1), (&after, now.1)),
                missing: missing(absent, [then.1, now.1]),
            }
        }
        ColumnReference::Levels(_) => {
            let mut levels = HashMap::new();
            let [before, after] = [then.0, now.0].map(|column| places(column, &mut levels));
            let absent = [&before, &after].map(|codes| codes.iter().map(|&code| u32::from(code == u32::MAX)).collect());
            Evidence {
                values: grouped_categorical_test((&before, then.1), (&after, now.1), levels.len()),
                missing: missing(absent, [then.1, now.1]),
            }
        }
    }
}

/// The evidence that the share of missing rows (1 against 0) changed.
fn missing(absent: [Vec<u32>; 2], groups: [Groups<'_>; 2]) -> Option<ColumnTest> {
    grouped_categorical_test((&absent[0], groups[0]), (&absent[1], groups[1]), 2)
}

/// The values of a column of numbers; what is no number is missing.
fn numbers(column: &Column) -> Vec<f64> {
    match column {
        Column::Text(texts) => vec![f64::NAN; texts.codes.len()],
        other => other.numbers(),
    }
}

/// The place of each row's text among all that were met; what is no text is missing, and beyond all places.
fn places(column: &Column, levels: &mut HashMap<String, u32>) -> Vec<u32> {
    let Column::Text(texts) = column else { return vec![u32::MAX; column.len()] };
    let known: Vec<u32> = texts
        .levels
        .iter()
        .map(|level| {
            let next = u32::try_from(levels.len()).unwrap_or(u32::MAX);
            *levels.entry(level.to_string()).or_insert(next)
        })
        .collect();
    texts.codes.iter().map(|&code| known.get(code as usize).copied().unwrap_or(u32::MAX)).collect()
}

/// A number for the group of each row; each row without one is a group of its own.
fn codes(column: &Column) -> Vec<u64> {
    let mut known: HashMap<String, u64> = HashMap::new();
    let code = |row: usize| match column.value(row).text() {
        Some(text) => {
            let next = known.len() as u64;
            *known.entry(text).or_insert(next)
        }
        None => u64::MAX - row as u64,
    };
    (0..column.len()).map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::alike::Alike;
    use crate::drift::compare;
    use crate::intake::Intake;
    use crate::reference::AT;
    use crate::window::WindowSettings;
    use flyball_core::rng::Rng;
    use flyball_core::{Duration, TextColumn};

    /// Sessions of `length` equal rows each: features, answers and the session.
    fn sessions(rng: &mut Rng, count: usize, length: usize, shift: f64) -> Table {
        let (mut wind, mut site, mut score, mut session) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for number in 0..count {
            let value = (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0 + shift;
            let place = ["north", "south", "west"][rng.below(3)];
            let name = format!("{}-{number}", rng.below(1 << 30));
            for _ in 0..length {
                wind.push(value);
                site.push(place);
                score.push(1.0 / (1.0 + (-value).exp()));
                session.push(name.clone());
            }
        }
        let text = |all: Vec<&str>| Column::Text(TextColumn::from_texts(all.into_iter().map(Some)));
        let columns = [
            ("wind", Column::Float(wind)),
            ("site", text(site)),
            ("session", text(session.iter().map(String::as_str).collect())),
            (SCORE, Column::Float(score)),
            (GROUP, text(session.iter().map(String::as_str).collect())),
        ];
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
    }

    fn reference(rng: &mut Rng, features: &[&str]) -> Reference {
        let rows = sessions(rng, 4_000, 1, 0.0);
        Reference::of(rows.select(features).unwrap(), rows.select(&[features, &[SCORE]].concat()).unwrap()).unwrap()
    }

    fn alarms(reference: &Reference, rows: &Table, grouped: bool) -> Vec<String> {
        let mut intake = Intake::new(reference);
        let scores = rows.column(SCORE).unwrap().numbers();
        intake.add(rows, &scores, &vec![f64::NAN; scores.len()]);
        intake.grouped = GroupedEvidence::of(reference, "session", rows).filter(|_| grouped);
        let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
        compare(&intake, &settings).into_iter().filter(|column| column.alarm).map(|column| column.column).collect()
    }

    #[test]
    fn equal_rows_of_a_session_alarm_only_when_nobody_says_that_they_belong_together() {
        for features in [["wind", "site"].as_slice(), &["wind", "site", "session"]] {
            let mut rng = Rng::seeded(5);
            let reference = reference(&mut rng, features);
            let (mut alone, mut together, mut shifted) = (0, 0, 0);
            for _ in 0..20 {
                let rows = sessions(&mut rng, 60, 30, 0.0);
                alone += usize::from(!alarms(&reference, &rows, false).is_empty());
                together += usize::from(!alarms(&reference, &rows, true).is_empty());
                let moved = sessions(&mut rng, 60, 30, 1.0);
                shifted += usize::from(alarms(&reference, &moved, true).contains(&"wind".to_owned()));
            }
            assert!(alone >= 18 && together <= 3 && shifted >= 18, "{features:?}: {alone} {together} {shifted}");
        }
    }

    /// Days with a session a minute; the wind of a day is about the same all day.
    fn days(rng: &mut Rng, first: i64, days: usize) -> Table {
        let parts: Vec<Table> = (0..days).map(|_| sessions(rng, 40, 5, 0.0)).collect();
        let (mut wind, mut at) = (Vec::new(), Vec::new());
        for (day, part) in parts.iter().enumerate() {
            let weather = (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
            wind.extend(part.column("wind").unwrap().numbers().into_iter().map(|own| 2.0 * weather + own));
            at.extend((0..part.rows()).map(|row| (first + day as i64) * 86_400_000 + row as i64));
        }
        let session: Vec<String> = (0..wind.len()).map(|row| format!("{first}-{}", row / 5)).collect();
        let session = || Column::Text(TextColumn::from_texts(session.iter().map(|name| Some(name.as_str()))));
        let score = Column::Float(vec![0.5; wind.len()]);
        let columns = [("wind", Column::Float(wind)), (SCORE, score), (GROUP, session()), (AT, Column::Time(at))];
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
    }

    #[test]
    fn sessions_of_one_day_have_its_weather_in_common() {
        let mut rng = Rng::seeded(8);
        let learnt = days(&mut rng, 0, 60);
        let heldout = learnt.select(&["wind", SCORE]).unwrap();
        let reference = Reference::of(learnt.select(&["wind", AT]).unwrap(), heldout).unwrap();
        let alike = Arc::new(Alike::of(&reference, Duration::days(1)));
        let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
        let (mut by_session, mut by_both) = (0, 0);
        for day in 0..40 {
            let rows = days(&mut rng, 60 + day, 1);
            let mut intake = Intake::new(&reference);
            intake.add(&rows, &vec![0.5; rows.rows()], &vec![f64::NAN; rows.rows()]);
            intake.grouped = GroupedEvidence::of(&reference, "session", &rows);
            let alarms = |intake: &Intake<'_>| compare(intake, &settings).iter().any(|column| column.alarm);
            by_session += usize::from(alarms(&intake));
            intake.alike = Some(Arc::clone(&alike));
            by_both += usize::from(alarms(&intake));
        }
        assert!(by_session >= 30 && by_both <= 5, "{by_session} {by_both}");
    }

    #[test]
    fn few_groups_say_nothing_and_rows_without_one_stand_for_themselves() {
        let mut rng = Rng::seeded(6);
        let reference = reference(&mut rng, &["wind", "site"]);
        let few = sessions(&mut rng, 5, 200, 3.0);
        let found = GroupedEvidence::of(&reference, "session", &few).unwrap();
        assert_eq!((found.by.groups, found.column("wind").values), (5, None));
        assert!(alarms(&reference, &few, true).is_empty() && !alarms(&reference, &few, false).is_empty());

        let nobody = Column::Text(TextColumn::from_texts((0..300).map(|_| None)));
        let mut rows = sessions(&mut rng, 300, 1, 3.0).select(&["wind", "site", SCORE]).unwrap();
        assert!(GroupedEvidence::of(&reference, "session", &rows).is_none());
        rows.push(GROUP, nobody).unwrap();
        let found = GroupedEvidence::of(&reference, "session", &rows).unwrap();
        assert!(found.by.groups == 300 && found.column("wind").values.unwrap().p_value < 1e-9);
        assert_eq!(found.column("nobody"), Evidence::default());
    }

    #[test]
    fn gaps_and_other_types_are_tested_by_groups_too() {
        let mut rng = Rng::seeded(7);
        let reference = reference(&mut rng, &["wind", "site"]);
        let mut rows = sessions(&mut rng, 400, 2, 0.0).select(&["site", SCORE, GROUP]).unwrap();
        let text = Column::Text(TextColumn::from_texts((0..800).map(|_| Some("far"))));
        rows.push("wind", text).unwrap();
        let found = GroupedEvidence::of(&reference, "session", &rows).unwrap().column("wind");
        assert_eq!(found.values, None);
        assert!(found.missing.unwrap().p_value < 1e-9);
        assert_eq!(alarms(&reference, &rows, true), ["wind missing"]);
    }
}

//! Windows judged as another tool would, with its defaults: for teams that move over and want to see the same decisions
//! first.

use std::collections::BTreeMap;

use flyball_core::{Column, Table};
use flyball_stats::compat::{self, Decision, evidently, nannyml, scouter};

use crate::drift::ColumnDrift;

/// Whose decisions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Evidently's default preset: its own choice of method by column, drift when half of the columns drifted.
    Evidently,
    /// NannyML: Jensen–Shannon beyond three standard deviations of the reference's chunks, drift when any column drifted.
    Nannyml,
    /// Scouter: the population stability index beyond its χ² threshold, drift when any column drifted.
    Scouter,
}

/// Decides on every feature that both tables have. Answers the columns, with the tool's score as the effect and its method
/// as the effect's name, and whether the tool says that the table drifted. Rows of the reference are in their order of time.
pub fn decide(tool: Tool, reference: &Table, now: &Table) -> (Vec<ColumnDrift>, bool) {
    let mut columns = Vec::new();
    let mut decisions = Vec::new();
    for (name, before) in reference.columns() {
        let Some(position) = now.position(name) else { continue };
        let Some(decision) = of_column(tool, before, now.at(position)) else { continue };
        let Some(score) = decision.score else { continue };
        columns.push(ColumnDrift {
            column: name.to_owned(),
            effect: score,
            effect_name: decision.method.to_owned(),
            alarm: decision.drifted,
            ..ColumnDrift::default()
        });
        decisions.push(decision);
    }
    let drifted = match tool {
        Tool::Evidently => evidently::has_dataset_drifted(&decisions).unwrap_or(false),
        Tool::Nannyml | Tool::Scouter => decisions.iter().any(|decision| decision.drifted),
    };
    (columns, drifted)
}

fn of_column(tool: Tool, before: &Column, now: &Column) -> Option<Decision> {
    if let (Column::Text(_), Column::Text(_)) = (before, now) {
        let mut levels: BTreeMap<String, u32> = BTreeMap::new();
        for column in [before, now] {
            for row in 0..column.len() {
                levels.extend(column.value(row).text().map(|level| (level, 0)));
            }
        }
        levels.values_mut().zip(0..).for_each(|(place, at)| *place = at);
        let missing = u32::try_from(levels.len()).unwrap_or(u32::MAX);
        let codes = |column: &Column| -> Vec<u32> {
            let place = |row| column.value(row).text().and_then(|level| levels.get(&level).copied());
            (0..column.len()).map(|row| place(row).unwrap_or(missing)).collect()
        };
        let (before, now) = (codes(before), codes(now));
        let count = |codes: &[u32]| {
            let mut counts = vec![0_u64; levels.len()];
            codes.iter().filter_map(|code| counts.get_mut(*code as usize).map(|count| *count += 1)).count();
            counts
        };
        let (reference, current) = (count(&before), count(&now));
        let column = compat::Column::Levels { reference: &reference, current: &current };
        return match tool {
            Tool::Evidently => evidently::decide(&column, None),
            Tool::Nannyml => nannyml::decide_levels(&before, &now, levels.len(), nannyml::Method::JensenShannon),
            Tool::Scouter => scouter::decide(&column),
        };
    }
    let (before, now) = (before.numbers(), now.numbers());
    let column = compat::Column::Numbers { reference: &before, current: &now };
    match tool {
        Tool::Evidently => evidently::decide(&column, None),
        Tool::Nannyml => nannyml::decide_numbers(&before, &now, nannyml::Method::JensenShannon),
        Tool::Scouter => scouter::decide(&column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::TextColumn;
    use flyball_core::rng::Rng;

    fn table(rng: &mut Rng, rows: usize, shift: f64) -> Table {
        let bell = |rng: &mut Rng| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0 + shift;
        let numbers = (0..rows).map(|_| bell(rng)).collect();
        let texts = TextColumn::from_texts((0..rows).map(|_| Some(["a", "b", "c"][rng.below(3)])));
        Table::new(vec![("x".into(), Column::Float(numbers)), ("c".into(), Column::Text(texts))]).unwrap()
    }

    #[test]
    fn each_tool_sees_a_large_shift_by_its_own_method() {
        let mut rng = Rng::seeded(5);
        let (before, now) = (table(&mut rng, 4000, 0.0), table(&mut rng, 4000, 1.0));
        for (tool, method) in
            [(Tool::Evidently, "wasserstein"), (Tool::Nannyml, "jensen_shannon"), (Tool::Scouter, "psi")]
        {
            let (columns, drifted) = decide(tool, &before, &now);
            let x = columns.iter().find(|column| column.column == "x").unwrap();
            assert!(x.alarm && drifted && x.effect_name == method, "{tool:?}: {x:?}");
        }
    }
}

//! The groups of people that a monitor compares, gathered while the rows of a window pass by.

use flyball_core::table::TextBuilder;
use flyball_core::{Column, Result, Table, Task, TextColumn};
use flyball_evaluation::Evaluated;
use flyball_evaluation::fairness::{FairnessOptions, FairnessReport, fairness};
use flyball_evaluation::grouping::Grouping;

use super::columns::no_feature;

/// Most groups of a column that a window compares: its report is kept for as long as the loop is.
const GROUPS: usize = 50;

/// What the rows of all groups beyond those belong to.
const OTHERS: &str = "(others)";

/// The values of the columns by which rows are grouped.
pub(super) struct Groups {
    columns: Vec<(String, TextBuilder)>,
}

impl Groups {
    /// No rows yet.
    pub(super) fn new(by: &[String]) -> Self {
        Self { columns: by.iter().map(|name| (name.clone(), TextBuilder::default())).collect() }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `InvalidLoopFile` when a column is no feature.
    pub(super) fn add(&mut self, features: &Table) -> Result<()> {
        for (name, values) in &mut self.columns {
            let position = features.position(name).ok_or_else(|| no_feature("monitor", name, features.names()))?;
            let column = features.at(position);
            (0..column.len()).for_each(|row| values.push(column.value(row).text().as_deref()));
        }
        Ok(())
    }

    /// How alike the groups are treated; `None` when none were asked for.
    ///
    /// # Errors
    /// Those of the comparison.
    pub(super) fn judge(self, task: Task, answers: Evaluated) -> Result<Option<FairnessReport>> {
        if self.columns.is_empty() || answers.score.is_empty() {
            return Ok(None);
        }
        let columns = self.columns.into_iter().map(|(name, values)| (name, Column::Text(common(values.finish()))));
        let rows = Table::new(columns.collect())?;
        let groupings = rows.names().iter().map(|name| Grouping::of(&rows, std::slice::from_ref(name)));
        let groupings = groupings.collect::<Result<Vec<_>>>()?;
        fairness(task, &answers, &groupings, &FairnessOptions::default()).map(Some)
    }
}

/// The texts, of which all but the most common ones become one: a column may turn out to have any number of values, and the
/// window is judged all the same.
fn common(texts: TextColumn) -> TextColumn {
    if texts.levels.len() <= GROUPS {
        return texts;
    }
    let mut counts = vec![0_usize; texts.levels.len()];
    for &code in &texts.codes {
        if let Some(count) = counts.get_mut(code as usize) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by(|&a, &b| counts[b].cmp(&counts[a]).then_with(|| texts.levels[a].cmp(&texts.levels[b])));
    let mut kept = vec![false; counts.len()];
    order.into_iter().take(GROUPS - 1).for_each(|level| kept[level] = true);
    let text = |code: &u32| {
        let level = texts.levels.get(*code as usize)?;
        Some(if kept[*code as usize] { &**level } else { OTHERS })
    };
    TextColumn::from_texts(texts.codes.iter().map(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(names: impl Fn(usize) -> Option<String>, rows: usize) -> FairnessReport {
        let names: Vec<Option<String>> = (0..rows).map(names).collect();
        let column = Column::Text(TextColumn::from_texts(names.iter().map(Option::as_deref)));
        let mut groups = Groups::new(&["town".to_owned()]);
        groups.add(&Table::new(vec![("town".to_owned(), column)]).unwrap()).unwrap();
        let scores = (0..rows).map(|row| (row % 10) as f64 / 10.0).collect();
        let answers = Evaluated::new(vec![f64::NAN; rows], scores);
        groups.judge(Task::Classification, answers).unwrap().unwrap()
    }

    fn shown(report: &FairnessReport) -> Vec<(&str, usize)> {
        report.attributes[0].groups.iter().map(|group| (group.group.as_str(), group.rows)).collect()
    }

    #[test]
    fn rare_groups_become_one_and_single_people_are_not_shown() {
        let many = judged(|row| Some(if row < 30_000 { format!("t{}", row % 3) } else { format!("x{row}") }), 100_000);
        let groups = shown(&many);
        assert_eq!((groups.len(), groups[0].0), (4, OTHERS), "{groups:?}");
        assert!(groups[0].1 > 69_000 && groups[1..].iter().all(|(_, rows)| *rows == 10_000));
        let one = judged(|row| (row > 0).then(|| if row == 1 { "one".into() } else { format!("t{}", row % 2) }), 1_000);
        let names: Vec<&str> = shown(&one).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["t0", "t1"], "neither the only one of a group nor the only one without");
    }
}

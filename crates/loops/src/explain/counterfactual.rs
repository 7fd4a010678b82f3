//! What would have changed an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use flyball_core::rng::Rng;
use flyball_core::table::MISSING_CODE;
use flyball_core::{Column, Error, ErrorCode, Predictions, Result, Table, TextColumn};
use flyball_stats::explain::counterfactual::{Domain, Search, counterfactuals};
use serde::{Deserialize, Serialize};

use super::ask::Asked;
use super::background::{Source, sample};

/// Most rows of a request for which changes are searched: each search asks the model for thousands of answers.
const SEARCHED_ROWS: usize = 20;
/// Most counterfactuals of one row: nobody reads more ways out.
const MOST_FOUND: usize = 10;
/// Rows really seen that a search starts from.
const SEEN_ROWS: usize = 500;
/// Most levels of a text that are tried, the most frequent ones.
const TRIED_LEVELS: usize = 50;

/// Which changes are looked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WantedChange {
    /// How many, each with other features changed.
    pub count: usize,
    /// Features that stay what they are.
    pub immutable: Vec<String>,
    /// Between which numbers a feature may move; what was seen in training when it is not named.
    pub ranges: BTreeMap<String, [f64; 2]>,
    /// Features that can only grow, or only shrink.
    pub directions: BTreeMap<String, Direction>,
    /// The scores of a changed answer, from and to; another class when absent.
    pub wanted: Option<[f64; 2]>,
}

impl Default for WantedChange {
    fn default() -> Self {
        Self { count: 3, immutable: Vec::new(), ranges: BTreeMap::new(), directions: BTreeMap::new(), wanted: None }
    }
}

/// Where a feature can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Only upwards.
    Up,
    /// Only downwards.
    Down,
}

/// A change of one feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The feature.
    pub feature: String,
    /// What it was.
    pub from: serde_json::Value,
    /// What it would have to be.
    pub to: serde_json::Value,
}

/// Changes that change the answer, checked with the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactual {
    /// The changes.
    pub changes: Vec<Change>,
    /// The model's scores then: the probability of each class, or the predicted value.
    pub scores: Vec<f64>,
    /// The class that would be answered; absent for regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How far that is: numbers in typical differences of theirs, a changed text as 1.
    pub distance: f64,
}

/// A feature as a search sees it: numbers as they are, texts as codes.
struct Feature {
    name: String,
    /// The levels behind the codes; `None` for numbers.
    levels: Option<Arc<Vec<Arc<str>>>>,
    seen: Vec<f64>,
}

/// Searches changes for each row.
///
/// # Errors
/// `InvalidInput` for features that are not there, or where nothing says what another answer is; `LimitExceeded` for too
/// many rows; what the model fails with.
pub(super) fn search(
    asked: &Asked<'_>,
    rows: &Table,
    predictions: &Predictions,
    wanted: &WantedChange,
    source: &Source<'_>,
) -> Result<Vec<Vec<Counterfactual>>> {
    if rows.rows() > SEARCHED_ROWS || wanted.count > MOST_FOUND {
        let message = format!("changes are searched for {SEARCHED_ROWS} rows at once, {MOST_FOUND} for each");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send fewer rows, or ask for fewer changes"));
    }
    if wanted.wanted.is_none() && predictions.width < 2 {
        return Err(Error::invalid(
            "the model predicts a number, so that it must be said which one would be another answer",
        )
        .hint(r#"for example "counterfactual": {"wanted": [100, 1e9]}"#));
    }
    let named = wanted.immutable.iter().chain(wanted.ranges.keys()).chain(wanted.directions.keys());
    for name in named {
        rows.column(name).map_err(|error| Error::invalid(error.message()).hint("name features of the model"))?;
    }
    let known = source.whole(rows)?.map(|(table, _)| sample(&table, SEEN_ROWS, source.options.seed));
    let features = features(rows, known.as_ref())?;
    let seen = known.map_or(0, |known| known.rows());
    let seen: Vec<Vec<f64>> = (0..seen).map(|row| features.iter().map(|feature| feature.seen[row]).collect()).collect();
    let mut rng = Rng::seeded(source.options.seed);
    (0..rows.rows())
        .map(|row| {
            let own: Vec<f64> = features.iter().zip(0..).map(|(feature, at)| feature.code(rows.at(at), row)).collect();
            let domains: Vec<Domain> = features.iter().zip(&own).map(|(f, own)| f.domain(*own, wanted)).collect();
            let answered = best(predictions.row(row));
            let range = match wanted.wanted {
                Some([from, to]) => (from, to),
                None => (f64::MIN_POSITIVE, f64::INFINITY),
            };
            let search = Search { row: &own, domains: &domains, seen: &seen, wanted: range, count: wanted.count };
            let class = source.options.class.as_deref().map(|class| asked.class(class)).transpose()?;
            let mut predict = |some: &[Vec<f64>]| {
                let table = table(&features, some)?;
                match wanted.wanted {
                    Some(_) => asked.score(&table, class),
                    None => Ok(lead(&asked.scores(&table)?, answered)),
                }
            };
            let found = counterfactuals(&search, &mut || rng.unit(), &mut predict)?.unwrap_or_default();
            found.into_iter().map(|found| told(asked, &features, &own, found)).collect()
        })
        .collect()
}

/// By how much the best other class leads, for each row.
fn lead(predictions: &Predictions, answered: usize) -> Vec<f64> {
    let others = |row: &[f64]| {
        let others = row.iter().enumerate().filter(|(class, _)| *class != answered).map(|(_, score)| *score);
        others.fold(f64::NEG_INFINITY, f64::max)
    };
    predictions.scores.chunks_exact(predictions.width).map(|row| others(row) - row[answered]).collect()
}

/// The class that is answered: of equals the last.
fn best(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0)
}

fn told(
    asked: &Asked<'_>,
    features: &[Feature],
    own: &[f64],
    found: flyball_stats::explain::counterfactual::Counterfactual,
) -> Result<Counterfactual> {
    let answer = asked.scores(&table(features, std::slice::from_ref(&found.values))?)?;
    let change = |&at: &usize| Change {
        feature: features[at].name.clone(),
        from: features[at].shown(own[at]),
        to: features[at].shown(found.values[at]),
    };
    Ok(Counterfactual {
        changes: found.changed.iter().map(change).collect(),
        class: asked.classes().get(best(&answer.scores)).cloned(),
        scores: answer.scores,
        distance: found.distance,
    })
}

/// The features of rows, with what was seen of them.
fn features(rows: &Table, known: Option<&Table>) -> Result<Vec<Feature>> {
    let feature = |(name, own): (&str, &Column)| {
        let seen = known.map(|known| known.column(name)).transpose()?;
        let name = name.to_owned();
        let Column::Text(own) = own else {
            return Ok(Feature { name, levels: None, seen: seen.map_or(Vec::new(), Column::numbers) });
        };
        let mut levels: Vec<Arc<str>> = Vec::new();
        let mut places: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let theirs = match seen {
            Some(Column::Text(texts)) => Some(texts),
            _ => None,
        };
        let texts =
            |texts: &TextColumn| (0..texts.codes.len()).filter_map(|row| texts.get(row).cloned()).collect::<Vec<_>>();
        for text in theirs.map(texts).into_iter().flatten().chain(texts(own)) {
            places.entry(Arc::clone(&text)).or_insert_with(|| {
                levels.push(text);
                levels.len() - 1
            });
        }
        let code = |text: Option<&Arc<str>>| text.and_then(|text| places.get(text)).map_or(f64::NAN, |at| *at as f64);
        let seen = theirs.map_or(Vec::new(), |texts| (0..texts.codes.len()).map(|row| code(texts.get(row))).collect());
        Ok(Feature { name, levels: Some(Arc::new(levels)), seen })
    };
    rows.columns().map(feature).collect()
}

/// Rows of codes as the model reads them.
fn table(features: &[Feature], rows: &[Vec<f64>]) -> Result<Table> {
    let column = |(at, feature): (usize, &Feature)| {
        let values = rows.iter().map(|row| row[at]);
        let column = match &feature.levels {
            None => Column::Float(values.collect()),
            Some(levels) => {
                let code = |value: f64| if value.is_nan() { MISSING_CODE } else { value as u32 };
                Column::Text(TextColumn { codes: values.map(code).collect(), levels: Arc::clone(levels) })
            }
        };
        (feature.name.clone(), column)
    };
    Table::new(features.iter().enumerate().map(column).collect())
}

impl Feature {
    fn code(&self, column: &Column, row: usize) -> f64 {
        match (column, &self.levels) {
            (Column::Text(texts), Some(levels)) => texts
                .get(row)
                .and_then(|text| levels.iter().position(|level| level == text))
                .map_or(f64::NAN, |at| at as f64),
            (column, _) => column.number(row),
        }
    }

    fn shown(&self, value: f64) -> serde_json::Value {
        match &self.levels {
            Some(levels) if value.is_finite() => {
                levels.get(value as usize).map_or(serde_json::Value::Null, |level| level.as_ref().into())
            }
            Some(_) => serde_json::Value::Null,
            None => serde_json::Number::from_f64(value).map_or(serde_json::Value::Null, Into::into),
        }
    }

    /// What it may become.
    fn domain(&self, own: f64, wanted: &WantedChange) -> Domain {
        if wanted.immutable.contains(&self.name) {
            return Domain::Fixed;
        }
        if self.levels.is_some() {
            let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
            self.seen
                .iter()
                .filter(|code| code.is_finite())
                .for_each(|code| *counts.entry(*code as u64).or_default() += 1);
            let mut levels: Vec<(u64, usize)> = counts.into_iter().collect();
            levels.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
            return Domain::Levels(levels.into_iter().take(TRIED_LEVELS).map(|(code, _)| code as f64).collect());
        }
        let mut known: Vec<f64> = self.seen.iter().copied().filter(|value| value.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let [mut lowest, mut highest] = match (wanted.ranges.get(&self.name), known.first(), known.last()) {
            (Some(range), ..) => *range,
            (None, Some(first), Some(last)) => [*first, *last],
            _ => return Domain::Fixed,
        };
        match wanted.directions.get(&self.name) {
            Some(Direction::Up) => lowest = lowest.max(own),
            Some(Direction::Down) => highest = highest.min(own),
            None => {}
        }
        // The quartiles hold half of the rows; two rows drawn at random differ by about as much.
        let quartile = |share: usize| known.get(known.len() * share / 4).copied();
        let spread = quartile(3).zip(quartile(1)).map_or(0.0, |(upper, lower)| upper - lower);
        let scale = [spread, highest - lowest].into_iter().find(|scale| *scale > 0.0).unwrap_or(1.0);
        let whole = own.fract() == 0.0 && !known.is_empty() && known.iter().all(|value| value.fract() == 0.0);
        Domain::Number { lowest, highest, scale, whole }
    }
}

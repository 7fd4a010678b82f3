//! LightGBM's text.

use std::collections::HashMap;
use std::str::FromStr;

use flyball_core::{Error, Result};

use super::sum::Link;
use super::{
    Booster, Kind, Levels, MOST_FEATURES, MOST_SCORES, Node, Precision, Test, Tree, broken, lacking, push_set, size,
};
use crate::forest::Sets;

/// The bits of `decision_type`: a split by categories, and missing values to the left.
const CATEGORICAL: i32 = 1;
const DEFAULT_LEFT: i32 = 2;

/// Lines of the form `key=value`.
struct Section<'a>(HashMap<&'a str, &'a str>);

impl<'a> Section<'a> {
    /// The lines up to the next empty one that follows some.
    fn read(lines: &mut impl Iterator<Item = &'a str>) -> Self {
        let mut entries = HashMap::new();
        for line in lines.map(str::trim_end).skip_while(|line| line.is_empty()) {
            if line.is_empty() {
                break;
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            entries.insert(key, value);
        }
        Self(entries)
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).copied()
    }

    fn number<T: FromStr>(&self, key: &str) -> Option<T> {
        self.get(key).and_then(|value| value.trim().parse().ok())
    }

    /// The list of a key: `count` numbers.
    fn list<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>> {
        let wrong = || broken(format!("LightGBM's '{key}' is not a list of {count} numbers"));
        let items = self.get(key).unwrap_or_default().split_ascii_whitespace();
        let numbers: Vec<T> = items.map(|item| item.parse().map_err(|_| wrong())).collect::<Result<_>>()?;
        if numbers.len() == count { Ok(numbers) } else { Err(wrong()) }
    }
}

/// Reads a booster.
pub(super) fn read(bytes: &[u8]) -> Result<Booster> {
    let text = std::str::from_utf8(bytes).map_err(|cause| broken("LightGBM's text is not UTF-8").cause(cause))?;
    let mut lines = text.lines();
    let header = Section::read(&mut lines);
    let features = header.number::<usize>("max_feature_idx").and_then(|last| last.checked_add(1));
    let features = size(features, MOST_FEATURES, "how many features it has")?;
    let scores = size(header.number("num_tree_per_iteration"), MOST_SCORES, "how many scores it has")?;
    let objective = header.get("objective").unwrap_or("custom");
    let (classes, link) = link(objective, scores)?;
    let mut booster = Booster {
        features,
        names: header.get("feature_names").unwrap_or_default().split(' ').map(str::to_owned).collect(),
        levels: Vec::new(),
        trees: Vec::new(),
        sets: Sets::default(),
        base: vec![0.0; scores],
        precision: Precision::Double,
        average: header.get("average_output").is_some(),
        link,
        classes,
    };
    loop {
        let section = Section::read(&mut lines);
        if section.get("end of trees").is_some() {
            break;
        }
        if section.get("Tree").is_none() {
            return Err(broken("LightGBM's text ends within its trees"));
        }
        let score = booster.trees.len() % scores;
        let nodes = nodes(&section, &mut booster.sets).map_err(|error| in_tree(&section, error))?;
        booster.trees.push(Tree { score, nodes });
    }
    let categories = lines.find_map(|line| line.strip_prefix("pandas_categorical:"));
    booster.levels = levels(categories, header.get("feature_infos").unwrap_or_default(), features)?;
    Ok(booster)
}

fn in_tree(section: &Section<'_>, error: Error) -> Error {
    error.context(format_args!("tree {}", section.get("Tree").unwrap_or_default().trim()))
}

/// The classes and the link of an objective.
fn link(objective: &str, scores: usize) -> Result<(usize, Link)> {
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or("custom");
    let parameters: HashMap<&str, &str> = words.map(|word| word.split_once(':').unwrap_or((word, ""))).collect();
    let factor = || match parameters.get("sigmoid").map_or(Ok(1.0), |factor| factor.parse()) {
        Ok(factor) if f64::is_finite(factor) => Ok(Link::Logistic(factor)),
        _ => Err(broken("the sigmoid of LightGBM's objective is no number")),
    };
    let (classes, link) = match name {
        "binary" => (2, factor()?),
        "multiclass" => (scores, Link::Softmax),
        "multiclassova" => (scores, factor()?),
        "regression" if parameters.contains_key("sqrt") => (0, Link::SignedSquare),
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg"
        | "custom" => (0, Link::Identity),
        "poisson" | "gamma" | "tweedie" => (0, Link::Exponential),
        "cross_entropy" => (0, Link::Logistic(1.0)),
        "cross_entropy_lambda" => (0, Link::Softplus),
        other => return Err(lacking(format_args!("LightGBM's objective {other}"))),
    };
    match (name, scores) {
        ("multiclass" | "multiclassova", 2..) | (_, 1) => Ok((classes, link)),
        _ => Err(lacking(format_args!("LightGBM's objective {name} with {scores} scores"))),
    }
}

/// The nodes of a tree: the splits, then the leaves.
fn nodes(section: &Section<'_>, sets: &mut Sets) -> Result<Vec<Node>> {
    if section.number::<i32>("is_linear").is_some_and(|linear| linear != 0) {
        return Err(lacking("LightGBM's linear trees (linear_tree)"));
    }
    let most = section.get("leaf_value").map_or(0, str::len);
    let leaves = section.number("num_leaves").filter(|&leaves: &usize| leaves <= most);
    let leaves = leaves.ok_or_else(|| broken("a tree does not have as many leaves as it says"))?;
    let leaf_values = section.list::<f64>("leaf_value", leaves)?;
    let splits = leaves.checked_sub(1).ok_or_else(|| broken("a tree has no leaves"))?;
    let leaf_covers = section.list("leaf_count", leaves).unwrap_or_else(|_| vec![f32::NAN; leaves]);
    let mut nodes = Vec::with_capacity(leaves + splits);
    if splits > 0 {
        let bounds = bounds(section)?;
        let words: Vec<u32> = section.list("cat_threshold", bounds.last().map_or(0, |&last| last))?;
        let features = section.list("split_feature", splits)?;
        let thresholds = section.list("threshold", splits)?;
        let decisions = section.list("decision_type", splits)?;
        let left = section.list("left_child", splits)?;
        let right = section.list("right_child", splits)?;
        let covers = section.list("internal_count", splits).unwrap_or_else(|_| vec![f32::NAN; splits]);
        let child = |number: i64| {
            let position = if number < 0 { (!number).checked_add(splits as i64) } else { Some(number) };
            position.and_then(|position| usize::try_from(position).ok()).ok_or_else(|| broken("a child does not exist"))
        };
        for at in 0..splits {
            let (test, missing_first) = if decisions[at] & CATEGORICAL != 0 {
                let words = set(thresholds[at], &bounds, &words)?;
                (Test::Within(push_set(sets, words)?), false)
            } else {
                order(thresholds[at], decisions[at])
            };
            let children = [child(left[at])?, child(right[at])?];
            let kind = Kind::Split { feature: features[at], test, children, missing_first };
            nodes.push(Node { cover: covers[at], kind });
        }
    }
    let leaves = leaf_values.into_iter().zip(leaf_covers);
    nodes.extend(leaves.map(|(value, cover)| Node { cover, kind: Kind::Leaf(value) }));
    Ok(nodes)
}

/// Where the sets of a tree begin among its words, and where the last one ends.
fn bounds(section: &Section<'_>) -> Result<Vec<usize>> {
    let count = section.number::<usize>("num_cat").unwrap_or(0);
    if count == 0 {
        return Ok(Vec::new());
    }
    section.list("cat_boundaries", count.saturating_add(1))
}

/// The set whose number a threshold is.
fn set<'a>(threshold: f64, bounds: &[usize], words: &'a [u32]) -> Result<&'a [u32]> {
    let number = threshold as usize;
    let ends = bounds.get(number).zip(bounds.get(number.saturating_add(1)));
    ends.and_then(|(&start, &end)| words.get(start..end)).ok_or_else(|| broken("a set of categories does not exist"))
}

/// The test of a split by order, and whether missing values pass it.
fn order(threshold: f64, decision: i32) -> (Test, bool) {
    let default_left = decision & DEFAULT_LEFT != 0;
    match decision >> 2 & 3 {
        // A missing value is a zero to a split that expects none.
        0 => (Test::AtMost { threshold, zero_missing: false }, 0.0 <= threshold),
        1 => (Test::AtMost { threshold, zero_missing: true }, default_left),
        _ => (Test::AtMost { threshold, zero_missing: false }, default_left),
    }
}

/// The categories that pandas coded, by feature. The file lists them without the features' names: they belong to those
/// whose information is no interval.
fn levels(categories: Option<&str>, infos: &str, features: usize) -> Result<Vec<Option<Levels>>> {
    let lists: Option<Vec<Vec<serde_json::Value>>> = match categories.map(|text| serde_json::from_str(text.trim())) {
        None => None,
        Some(Ok(lists)) => lists,
        Some(Err(cause)) => return Err(broken("LightGBM's 'pandas_categorical' is broken").cause(cause)),
    };
    let lists = lists.unwrap_or_default();
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let infos: Vec<&str> = infos.split_ascii_whitespace().take(features).collect();
    let those = |is: fn(&str) -> bool| {
        let categorical: Vec<usize> = (0..infos.len()).filter(|&feature| is(infos[feature])).collect();
        (categorical.len() == lists.len()).then_some(categorical)
    };
    // Of a feature without splits the file says nothing, whatever it is.
    let known = those(|info| !info.starts_with('[') && info != "none");
    let Some(categorical) = known.or_else(|| those(|info| !info.starts_with('['))) else {
        return Err(lacking(format_args!(
            "a way to tell which features the {} lists of 'pandas_categorical' belong to",
            lists.len()
        )));
    };
    let mut levels: Vec<Option<Levels>> = vec![None; features];
    for (feature, list) in categorical.into_iter().zip(lists) {
        let numbers: Option<Vec<f64>> = list.iter().map(serde_json::Value::as_f64).collect();
        levels[feature] = Some(numbers.map_or_else(|| Levels::Texts(list.iter().map(text).collect()), Levels::Numbers));
    }
    Ok(levels)
}

/// A category as text.
fn text(category: &serde_json::Value) -> String {
    category.as_str().map_or_else(|| category.to_string(), str::to_owned)
}

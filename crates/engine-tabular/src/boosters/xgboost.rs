//! XGBoost's JSON and UBJSON, which hold the same.

use std::collections::HashMap;
use std::fmt;

use flyball_core::Result;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::sum::Link;
use super::{
    Booster, Kind, Levels, MOST_FEATURES, MOST_SCORES, Node, Precision, Test, Tree, broken, lacking, push_set,
    set_words, size, ubjson,
};
use crate::forest::Sets;

#[derive(serde::Deserialize)]
struct File {
    learner: Learner,
}

#[derive(serde::Deserialize)]
struct Learner {
    #[serde(default)]
    attributes: HashMap<String, String>,
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: GradientBooster,
    learner_model_param: Parameters,
    objective: Objective,
}

#[derive(serde::Deserialize)]
struct Parameters {
    base_score: Word,
    num_class: Word,
    num_feature: Word,
    num_target: Option<Word>,
}

#[derive(serde::Deserialize)]
struct Objective {
    name: String,
}

#[derive(serde::Deserialize)]
struct GradientBooster {
    name: String,
    model: Option<Model>,
    /// The trees that dart weighs.
    gbtree: Option<Inner>,
    #[serde(default)]
    weight_drop: Vec<f32>,
}

#[derive(serde::Deserialize)]
struct Inner {
    model: Model,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Model {
    gbtree_model_param: ModelParameters,
    iteration_indptr: Vec<usize>,
    tree_info: Vec<usize>,
    trees: Vec<FileTree>,
    cats: Categories,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct ModelParameters {
    num_parallel_tree: Option<Word>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Categories {
    enc: Vec<Encoding>,
}

/// The categories of a feature: numbers, or the bytes of texts with where each begins.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Encoding {
    offsets: Vec<usize>,
    values: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct FileTree {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_conditions: Vec<f32>,
    split_indices: Vec<usize>,
    default_left: Vec<Flag>,
    #[serde(default)]
    split_type: Vec<Flag>,
    #[serde(default)]
    sum_hessian: Vec<f32>,
    #[serde(default)]
    categories: Vec<i64>,
    #[serde(default)]
    categories_nodes: Vec<usize>,
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
    #[serde(default)]
    tree_param: TreeParameters,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct TreeParameters {
    size_leaf_vector: Option<Word>,
}

/// A number, as most stand in the file: as text.
struct Word(String);

impl Word {
    fn whole(&self) -> Option<usize> {
        self.0.trim().parse().ok()
    }

    /// One number, or since XGBoost 3.1 a list of some in brackets.
    fn numbers(&self) -> Option<Vec<f64>> {
        let text = self.0.trim();
        let list = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        list.split(',').map(|number| number.trim().parse().ok().map(|number: f32| f64::from(number))).collect()
    }
}

/// A truth, which stands as such or as 0 or 1.
struct Flag(bool);

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word(text.to_owned()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, 1 or 0")
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Flag, E> {
        Ok(Flag(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Flag, E> {
        Ok(Flag(number != 0))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Flag, E> {
        Ok(Flag(number != 0))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// Reads a booster from JSON.
pub(super) fn read_json(bytes: &[u8]) -> Result<Booster> {
    let file = serde_json::from_slice(bytes);
    booster(file.map_err(|cause| broken(format!("the booster's JSON is broken: {cause}")).cause(cause))?)
}

/// Reads a booster from UBJSON.
pub(super) fn read_ubjson(bytes: &[u8]) -> Result<Booster> {
    let file = ubjson::read(bytes);
    booster(file.map_err(|cause| broken(format!("the booster's UBJSON is broken: {cause}")).cause(cause))?)
}

fn booster(File { learner }: File) -> Result<Booster> {
    let parameters = &learner.learner_model_param;
    let GradientBooster { name, model, gbtree, weight_drop } = learner.gradient_booster;
    let (model, weights) = match (name.as_str(), model, gbtree) {
        ("gbtree", Some(model), _) => (model, None),
        ("dart", _, Some(inner)) => (inner.model, Some(weight_drop)),
        ("gbtree" | "dart", ..) => return Err(broken("the booster has no trees")),
        (other, ..) => return Err(lacking(format_args!("XGBoost's booster {other}"))),
    };
    if parameters.num_target.as_ref().and_then(Word::whole).is_some_and(|targets| targets > 1) {
        return Err(lacking("boosters of several targets"));
    }
    let features = size(parameters.num_feature.whole(), MOST_FEATURES, "how many features it has")?;
    let classes = size(parameters.num_class.whole(), MOST_SCORES, "how many classes it has")?;
    let scores = classes.max(1);
    let objective = learner.objective.name.as_str();
    let (classes, link) = link(objective, classes)?;
    let count = model.trees.len();
    if model.tree_info.len() != count || weights.as_ref().is_some_and(|weights| weights.len() != count) {
        return Err(broken("the lists of the booster's trees differ in length"));
    }
    let used = match best_iteration(&learner.attributes) {
        Some(best) => trees_until(&model, best, scores),
        None => count,
    };
    let mut sets = Sets::default();
    let mut trees = Vec::with_capacity(used);
    for (number, (tree, score)) in model.trees.into_iter().zip(model.tree_info).take(used).enumerate() {
        let weight = weights.as_ref().map_or(1.0, |weights| weights[number]);
        let nodes = nodes(tree, weight, &mut sets).map_err(|error| error.context(format_args!("tree {number}")))?;
        trees.push(Tree { score, nodes });
    }
    Ok(Booster {
        features,
        names: learner.feature_names,
        levels: model.cats.enc.into_iter().map(levels).collect::<Result<_>>()?,
        trees,
        sets,
        base: base(&parameters.base_score, scores, objective)?,
        precision: Precision::Single,
        average: false,
        link,
        classes,
    })
}

/// The classes and the link of an objective.
fn link(objective: &str, classes: usize) -> Result<(usize, Link)> {
    let (named, link) = match objective {
        "binary:logistic" => (2, Link::Logistic(1.0)),
        "multi:softprob" | "multi:softmax" => (classes, Link::Softmax),
        "reg:logistic" => (0, Link::Logistic(1.0)),
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map" => (0, Link::Identity),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => (0, Link::Exponential),
        other => return Err(lacking(format_args!("XGBoost's objective {other}"))),
    };
    match (link, classes) {
        (Link::Softmax, 2..) | (Link::Identity | Link::Logistic(_) | Link::Exponential, 0 | 1) => Ok((named, link)),
        _ => Err(lacking(format_args!("XGBoost's objective {objective} with {classes} classes"))),
    }
}

/// The raw scores that rows start with. The file has them as the objective gives its answers.
fn base(word: &Word, scores: usize, objective: &str) -> Result<Vec<f64>> {
    let mut base = word.numbers().ok_or_else(|| broken("the booster's base score is no number"))?;
    if let [one] = *base {
        base = vec![one; scores];
    }
    if base.len() != scores {
        return Err(broken(format!("the booster has {} base scores for {scores} scores", base.len())));
    }
    // In 32 bits, as the library computes them.
    let raw = |score: f64| match objective {
        "binary:logistic" | "reg:logistic" => f64::from(-(1.0 / score as f32 - 1.0).ln()),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            f64::from((score as f32).ln())
        }
        _ => score,
    };
    Ok(base.into_iter().map(raw).collect())
}

/// The iteration that the scikit-learn wrapper answers with when training stopped early. A booster of its own answers
/// with all of its trees, and does not have the wrapper's attribute.
fn best_iteration(attributes: &HashMap<String, String>) -> Option<usize> {
    attributes.get("scikit_learn")?;
    attributes.get("best_iteration")?.parse().ok()
}

/// How many trees there are up to an iteration, with it.
fn trees_until(model: &Model, iteration: usize, scores: usize) -> usize {
    let after = iteration.saturating_add(1);
    let parallel = model.gbtree_model_param.num_parallel_tree.as_ref().and_then(Word::whole).unwrap_or(1);
    let counted = || after.saturating_mul(scores).saturating_mul(parallel.max(1));
    model.iteration_indptr.get(after).copied().unwrap_or_else(counted).min(model.trees.len())
}

fn levels(encoding: Encoding) -> Result<Option<Levels>> {
    let Encoding { offsets, values } = encoding;
    if offsets.is_empty() {
        return Ok((!values.is_empty()).then_some(Levels::Numbers(values)));
    }
    // The bytes stand as signed numbers.
    let bytes: Vec<u8> = values.into_iter().map(|byte| byte as i64 as u8).collect();
    if !bytes.is_ascii() {
        // The offsets count characters and the file ends where they would if each were a byte.
        return Err(lacking("texts of categories beyond ASCII, of which XGBoost's file keeps only a part"));
    }
    let text = |ends: &[usize]| {
        let bytes = bytes.get(ends[0]..ends[1])?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    };
    let texts: Option<Vec<String>> = offsets.windows(2).map(text).collect();
    texts.map(|texts| Some(Levels::Texts(texts))).ok_or_else(|| broken("the categories of a feature are broken"))
}

fn nodes(tree: FileTree, weight: f32, sets: &mut Sets) -> Result<Vec<Node>> {
    if tree.tree_param.size_leaf_vector.as_ref().and_then(Word::whole).is_some_and(|size| size > 1) {
        return Err(lacking("trees whose leaves hold several numbers (multi_output_tree)"));
    }
    let count = tree.left_children.len();
    let lengths = [tree.right_children.len(), tree.split_conditions.len(), tree.split_indices.len()];
    if lengths.iter().chain([&tree.default_left.len()]).any(|&length| length != count) || count == 0 {
        return Err(broken("the lists of a tree's nodes differ in length or are empty"));
    }
    let categories = categories(&tree, sets)?;
    let child = |number: i64| usize::try_from(number).map_err(|_| broken("a child does not exist"));
    let node = |at: usize| {
        let cover = tree.sum_hessian.get(at).copied().unwrap_or(f32::NAN);
        if tree.left_children[at] == -1 {
            return Ok(Node { cover, kind: Kind::Leaf(f64::from(tree.split_conditions[at] * weight)) });
        }
        let (left, right) = (child(tree.left_children[at])?, child(tree.right_children[at])?);
        let (test, children) = if tree.split_type.get(at).is_some_and(|categorical| categorical.0) {
            let set = categories.get(&at).ok_or_else(|| broken("a split by categories has none"))?;
            // The categories of a set go right.
            (Test::Within(*set), [right, left])
        } else {
            (Test::Below(tree.split_conditions[at]), [left, right])
        };
        let missing_first = tree.default_left[at].0 == (children[0] == left);
        Ok(Node { cover, kind: Kind::Split { feature: tree.split_indices[at], test, children, missing_first } })
    };
    (0..count).map(node).collect()
}

/// The number of each node's set of categories.
fn categories(tree: &FileTree, sets: &mut Sets) -> Result<HashMap<usize, u32>> {
    let sizes = tree.categories_sizes.iter().fold(0usize, |sum, &size| sum.saturating_add(size));
    if sizes > tree.categories.len() {
        return Err(broken("the sets of a tree's categories overlap"));
    }
    let segments = tree.categories_segments.iter().zip(&tree.categories_sizes);
    let set = |(&node, (&start, &length)): (&usize, (&usize, &usize))| {
        let end = start.checked_add(length).ok_or_else(|| broken("a set of categories does not exist"))?;
        let set = tree.categories.get(start..end).ok_or_else(|| broken("a set of categories does not exist"))?;
        Ok((node, push_set(sets, &set_words(set)?)?))
    };
    tree.categories_nodes.iter().zip(segments).map(set).collect()
}

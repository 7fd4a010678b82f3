//! Boosters of other libraries, read from their own files: XGBoost's JSON and UBJSON, LightGBM's text.
//!
//! Each reader turns its file into a [`Booster`], which [`compile`] makes the head of a plan. What is read comes from
//! anywhere: readers check every number that is used as a place or a size.

mod compile;
mod lightgbm;
mod magic;
mod names;
pub(crate) mod sum;
mod ubjson;
mod xgboost;

use flyball_core::{Error, ErrorCode, Format, Package, Result, Signature};

use crate::forest::Sets;
use crate::plan::Plan;
use sum::Link;

/// Largest file of a booster: reading one takes several times its size in memory.
const FILE_BYTES: usize = 1 << 30;

/// Most features of a booster.
const MOST_FEATURES: usize = flyball_core::limits::TABLE_COLUMNS * 10;

/// Most raw scores of a booster.
const MOST_SCORES: usize = 10_000;

/// Most words that the sets of a booster's categories take: one category of a hostile file could ask for two megabytes.
const MOST_SET_WORDS: usize = 1 << 24;

/// Categories are numbers below this, which 32-bit floats hold exactly.
const MOST_CATEGORIES: u32 = 1 << 24;

/// A booster as its library keeps it.
struct Booster {
    features: usize,
    /// The features' names, if the model has some.
    names: Vec<String>,
    /// The categories of each feature that the library codes itself: the code is the position.
    levels: Vec<Option<Levels>>,
    trees: Vec<Tree>,
    sets: Sets,
    /// The start of each raw score.
    base: Vec<f64>,
    precision: Precision,
    /// Whether the raw scores are averages over the trees of each.
    average: bool,
    link: Link,
    /// How many classes; none for regression.
    classes: usize,
}

/// The categories of a feature.
#[derive(Clone, Debug)]
enum Levels {
    Texts(Vec<String>),
    Numbers(Vec<f64>),
}

/// The numbers that a library adds its trees up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precision {
    Single,
    Double,
}

/// One tree; its root is node 0.
struct Tree {
    /// The raw score that it adds to.
    score: usize,
    nodes: Vec<Node>,
}

/// One node.
struct Node {
    /// What of the training passed it; NaN when the file does not say.
    cover: f32,
    kind: Kind,
}

enum Kind {
    Leaf(f64),
    Split {
        feature: usize,
        test: Test,
        /// The children of the values that pass the test, and of the others.
        children: [usize; 2],
        /// Whether a missing value goes to the first child.
        missing_first: bool,
    },
}

/// The test of a split.
#[derive(Clone, Copy)]
enum Test {
    /// The value as a 32-bit float is below the threshold.
    Below(f32),
    /// The value is at most the threshold.
    AtMost { threshold: f64, zero_missing: bool },
    /// The value is a category of a set.
    Within(u32),
}

/// Reads a booster: its contract and its plan.
///
/// # Errors
/// `UnsupportedModel` that says what is lacking, `InvalidData` for a broken file, `LimitExceeded`.
pub(crate) fn load(package: &Package<'_>) -> Result<(Signature, Plan)> {
    let bytes = package.main()?;
    if bytes.len() > FILE_BYTES {
        let message = format!("the booster's file has {} bytes, at most {FILE_BYTES} are read", bytes.len());
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    let booster = match magic::recognize(&bytes, package.format())? {
        magic::Kind::Json => xgboost::read_json(&bytes),
        magic::Kind::Ubjson => xgboost::read_ubjson(&bytes),
        magic::Kind::Text => lightgbm::read(&bytes),
    }?;
    drop(bytes);
    let signature = names::signature(&booster, package.manifest.signature.as_ref());
    Ok((signature, compile::plan(booster)?))
}

fn library(format: Format) -> &'static str {
    if format == Format::Lightgbm { "LightGBM" } else { "XGBoost" }
}

/// The error of a file that contradicts itself.
fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidData, message).hint("save the booster again with its save_model")
}

/// The error of a booster that does what the engine does not.
fn lacking(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::UnsupportedModel, format!("the tabular engine lacks {what}"))
        .hint("deploy the model's MLflow folder as a Python function, or export it to ONNX with onnxmltools")
}

/// A number of a file as a size, at most `most`.
fn size(number: Option<usize>, most: usize, what: &str) -> Result<usize> {
    match number {
        None => Err(broken(format!("the booster does not say {what}"))),
        Some(number) if number > most => {
            Err(Error::new(ErrorCode::LimitExceeded, format!("{what}: {number}, at most {most} are read")))
        }
        Some(number) => Ok(number),
    }
}

/// The words of a set's bits, lowest first.
fn set_words(categories: &[i64]) -> Result<Vec<u32>> {
    let mut words = Vec::new();
    for &category in categories {
        let bit = u32::try_from(category).ok().filter(|&bit| bit < MOST_CATEGORIES);
        let bit = bit.ok_or_else(|| broken(format!("there is a category {category}")))?;
        let word = bit as usize / 32;
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        words[word] |= 1 << (bit % 32);
    }
    Ok(words)
}

/// Adds a set of categories and gives its number.
fn push_set(sets: &mut Sets, words: &[u32]) -> Result<u32> {
    let used = sets.words() + words.len();
    if used > MOST_SET_WORDS {
        let message = format!("the booster's sets of categories take more than {MOST_SET_WORDS} words");
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    Ok(sets.push(words))
}

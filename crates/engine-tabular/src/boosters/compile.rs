//! From a booster to the plan that answers for it.
//!
//! A plan's row holds 32-bit floats. XGBoost compares such, so that its thresholds stay what they are. LightGBM
//! compares 64-bit floats: the row holds the rank of a value among the model's thresholds instead, which every
//! comparison can be decided by, so that no value is rounded.

use std::collections::BTreeMap;

use flyball_core::Result;

use super::sum::{Boosted, Terms};
use super::{Booster, Kind, Levels, Node, Precision, Test, broken, lacking};
use crate::forest::{self, Layout, no_trees, sound_covers};
use crate::plan::{Block, Head, Plan};

/// How a column of the plan's row is read from its feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reading {
    Number,
    Rank { zero_missing: bool },
    Category,
}

impl Reading {
    fn of(test: Test) -> Self {
        match test {
            Test::Below(_) => Reading::Number,
            Test::AtMost { zero_missing, .. } => Reading::Rank { zero_missing },
            Test::Within(_) => Reading::Category,
        }
    }
}

/// A column of the plan's row: its position, and the thresholds among which it is a rank.
#[derive(Default)]
struct Column {
    position: u16,
    thresholds: Vec<f64>,
}

type Columns = BTreeMap<(usize, Reading), Column>;

/// The plan of a booster.
pub(super) fn plan(booster: Booster) -> Result<Plan> {
    let columns = columns(&booster)?;
    let mut blocks = Vec::with_capacity(columns.len());
    for (&(feature, reading), column) in &columns {
        blocks.push((feature, block(&booster, feature, reading, &column.thresholds)?));
    }
    let boosted = lay_out(booster, &columns)?;
    Ok(Plan::new(blocks, Head::Boosted(Box::new(boosted))))
}

/// The columns that the trees ask for, by feature.
fn columns(booster: &Booster) -> Result<Columns> {
    let mut columns = Columns::new();
    for node in booster.trees.iter().flat_map(|tree| &tree.nodes) {
        let Kind::Split { feature, test, .. } = node.kind else { continue };
        if feature >= booster.features {
            return Err(broken(format!("a tree asks for the feature {feature} of {}", booster.features)));
        }
        let column = columns.entry((feature, Reading::of(test))).or_default();
        match test {
            Test::AtMost { threshold, .. } => column.thresholds.push(threshold),
            Test::Below(_) | Test::Within(_) => {}
        }
    }
    for (position, column) in columns.values_mut().enumerate() {
        column.position = u16::try_from(position).map_err(|_| lacking("boosters of more than 65,536 columns"))?;
        column.thresholds.sort_by(f64::total_cmp);
        column.thresholds.dedup();
        if column.thresholds.len() >= 1 << 24 {
            return Err(lacking("features with more than 16,777,216 thresholds"));
        }
    }
    Ok(columns)
}

fn block(booster: &Booster, feature: usize, reading: Reading, thresholds: &[f64]) -> Result<Block> {
    let levels = booster.levels.get(feature).and_then(Option::as_ref);
    Ok(match (reading, levels) {
        (Reading::Number, None) => Block::PLAIN,
        (Reading::Rank { zero_missing }, None) => Block::Rank { thresholds: thresholds.to_vec(), zero_missing },
        // XGBoost rounds to 32 bits before it cuts the fraction off.
        (Reading::Category, None) if booster.precision == Precision::Single => Block::PLAIN,
        (Reading::Category, None) => Block::Category,
        // Tables do not tell an empty text from none where levels are looked up.
        (Reading::Category, Some(Levels::Texts(texts))) if texts.iter().any(String::is_empty) => {
            return Err(lacking(format_args!("the empty text as a category (feature {feature})")));
        }
        (Reading::Category, Some(Levels::Texts(texts))) => Block::codes(texts),
        (Reading::Category, Some(Levels::Numbers(numbers))) => {
            let mut codes: Vec<(f64, f32)> =
                numbers.iter().map(|number| number + 0.0).zip((0u32..).map(|code| code as f32)).collect();
            codes.sort_by(|a, b| a.0.total_cmp(&b.0));
            Block::Code(codes)
        }
        (Reading::Number | Reading::Rank { .. }, Some(_)) => {
            return Err(lacking(format_args!("the order of categories (feature {feature})")));
        }
    })
}

/// The trees in flat arrays, with what their leaves add.
fn lay_out(booster: Booster, columns: &Columns) -> Result<Boosted> {
    let scores = booster.base.len();
    let mut layout = Layout::default();
    let (mut leaves, mut covers) = (Vec::new(), Vec::new());
    let mut targets = Vec::with_capacity(booster.trees.len());
    for tree in &booster.trees {
        if tree.score >= scores {
            return Err(broken(format!("a tree adds to the score {} of {scores}", tree.score)));
        }
        let start = layout.order.len();
        layout.place(0, start + tree.nodes.len(), |at| flat(tree.nodes.get(at).ok_or_else(no_trees)?, columns))?;
        for node in layout.order.iter().skip(start).map(|&at| &tree.nodes[at]) {
            leaves.push(if let Kind::Leaf(value) = node.kind { value } else { 0.0 });
            covers.push(node.cover);
        }
        targets.push(tree.score as u32);
    }
    if leaves.iter().chain(&booster.base).any(|number| !number.is_finite()) {
        return Err(broken("a leaf or the base score of the booster is not finite"));
    }
    let forest = layout.finish(booster.sets);
    let terms = match booster.precision {
        Precision::Double => Terms::Double { leaves, base: booster.base },
        Precision::Single => {
            let single = |numbers: Vec<f64>| numbers.into_iter().map(|number| number as f32).collect();
            Terms::Single { leaves: single(leaves), base: single(booster.base) }
        }
    };
    Ok(Boosted {
        covers: sound_covers(&forest.nodes, covers),
        forest,
        terms,
        divisor: if booster.average { (targets.len() / scores).max(1) as f64 } else { 1.0 },
        targets,
        link: booster.link,
        pair: booster.classes == 2 && scores == 1,
    })
}

/// The flat node with its left and right children, `None` for a leaf. What passes goes left.
fn flat(node: &Node, columns: &Columns) -> Result<Option<(forest::Node, usize, usize)>> {
    let Kind::Split { feature, test, children: [left, right], missing_first } = node.kind else { return Ok(None) };
    let column = columns.get(&(feature, Reading::of(test))).ok_or_else(no_trees)?;
    let (threshold, kind) = match test {
        Test::Below(threshold) if !threshold.is_nan() => (threshold, forest::Test::Below),
        // The rank of a value that is at most the threshold is at most the threshold's.
        Test::AtMost { threshold, .. } if !threshold.is_nan() => {
            let rank = column.thresholds.partition_point(|&other| other < threshold);
            ((rank + 1) as f32, forest::Test::Below)
        }
        Test::Within(set) => (f32::from_bits(set), forest::Test::Within),
        Test::Below(_) | Test::AtMost { .. } => return Err(broken("a threshold of the booster is no number")),
    };
    let missing_right = u8::from(!missing_first);
    let node = forest::Node { threshold, left: 0, feature: column.position, missing_right, test: kind };
    Ok(Some((node, left, right)))
}

//! The fast path: encoders and a model fused into one pass over a row, without tensors in between.
//!
//! At load the graph is followed column by column. If every column that reaches the model comes from one input through
//! imputation, scaling, an encoder or a missing indicator, the graph becomes a list of blocks that fill the model's row
//! in place. Any other graph is left to the interpreter, with the same results.

use std::collections::HashMap;
use std::sync::Arc;

use flyball_core::{Result, TextColumn};

use crate::boosters::sum::Boosted;
use crate::graph::encoders::{Keys, LabelMap, OneHot};
use crate::graph::ensemble::Ensemble;
use crate::graph::linear::Linear;
use crate::graph::operator::{CastTo, Norm, Operator};
use crate::graph::run::{column_value, normalize_row};
use crate::graph::tensor::Data;
use crate::graph::{Element, Graph, Step};

/// Where one column of a tensor comes from; `feature` is the position in the signature.
#[derive(Clone, Debug)]
enum Cell {
    Number { feature: usize, impute: f32, offset: f32, scale: f32, plain: bool },
    Text { feature: usize },
    Missing { feature: usize },
    Encoded { feature: usize, map: Arc<LabelMap> },
    Level { feature: usize, encoder: Arc<OneHot>, level: usize },
}

/// How some neighbouring columns of the model's row are filled.
#[derive(Debug)]
pub(crate) enum Block {
    Number {
        impute: f32,
        offset: f32,
        scale: f32,
    },
    /// How many of the thresholds are below the value, in 64 bits.
    Rank {
        thresholds: Vec<f64>,
        zero_missing: bool,
    },
    /// The whole part of a number.
    Category,
    /// The code of a number that is known; missing for others.
    Code(Vec<(f64, f32)>),
    Missing,
    Encoded {
        map: Arc<LabelMap>,
        values: Vec<f32>,
        default: f32,
    },
    OneHot(Arc<OneHot>),
}

impl Block {
    /// A number as it is.
    pub(crate) const PLAIN: Block = Block::Number { impute: f32::NAN, offset: 0.0, scale: 1.0 };

    /// A text as the code of its level; missing for others.
    pub(crate) fn codes(levels: &[String]) -> Self {
        let map = Arc::new(LabelMap::codes(levels));
        let (values, default) = map.numbers().unwrap_or((Vec::new(), f32::NAN));
        Block::Encoded { map, values, default }
    }

    /// The value of a block of one number.
    fn number(&self, x: f64) -> f32 {
        match self {
            Block::Number { impute, offset, scale } => {
                let x = x as f32;
                ((if x.is_nan() { *impute } else { x }) - offset) * scale
            }
            Block::Rank { .. } if x.is_nan() => f32::NAN,
            Block::Rank { zero_missing, .. } if x.abs() <= ZERO && *zero_missing => f32::NAN,
            Block::Rank { thresholds, .. } => {
                let x = if x.abs() <= ZERO { 0.0 } else { x };
                thresholds.partition_point(|&threshold| threshold < x) as f32
            }
            Block::Category => x.trunc() as f32,
            Block::Code(codes) => {
                let code = codes.binary_search_by(|(number, _)| number.total_cmp(&(x + 0.0)));
                code.map_or(f32::NAN, |at| codes[at].1)
            }
            Block::Missing => f32::from(u8::from(x.is_nan())),
            Block::Encoded { .. } | Block::OneHot(_) => f32::NAN,
        }
    }
}

/// What LightGBM takes for zero, either way.
const ZERO: f64 = 1e-35f32 as f64;

/// The model at the end.
#[derive(Clone, Debug)]
pub(crate) enum Head {
    Trees(Arc<Ensemble>),
    Linear(Arc<Linear>),
    Boosted(Box<Boosted>),
}

impl Head {
    fn features(&self) -> usize {
        match self {
            Head::Trees(model) => model.features,
            Head::Linear(model) => model.features,
            Head::Boosted(model) => model.forest.columns(),
        }
    }

    fn width(&self) -> usize {
        match self {
            Head::Trees(model) => model.width(),
            Head::Linear(model) => model.width(),
            Head::Boosted(model) => model.width(),
        }
    }
}

/// A fused graph.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The blocks, each with the feature that it reads.
    blocks: Vec<(usize, Block)>,
    /// Columns of the model's row.
    pub(crate) columns: usize,
    pub(crate) head: Head,
    pub(crate) norms: Vec<Norm>,
    pub(crate) width: usize,
}

/// The values of the features of one row, as the blocks read them.
pub(crate) trait Row {
    /// A number; NaN is missing.
    fn number(&self, feature: usize) -> f64;
    /// The position of a text among the keys of the block at `block`.
    fn position(&self, feature: usize, block: usize, keys: &Keys) -> Option<usize>;
}

impl Plan {
    /// The plan of a model behind some blocks of one column each.
    pub(crate) fn new(blocks: Vec<(usize, Block)>, head: Head) -> Self {
        Self { columns: blocks.len(), blocks, width: head.width(), head, norms: Vec::new() }
    }

    /// Fuses the graph whose scores stand in the slot `wanted`, if it has the form.
    pub(crate) fn compile(graph: &Graph, wanted: usize) -> Option<Self> {
        let mut cells: HashMap<usize, Vec<Cell>> = HashMap::new();
        let mut feature = 0;
        for (position, input) in graph.inputs.iter().enumerate() {
            let columns = (feature..feature + input.columns).map(|feature| match input.element {
                Element::Float if !input.flat => {
                    Some(Cell::Number { feature, impute: f32::NAN, offset: 0.0, scale: 1.0, plain: true })
                }
                Element::Text if input.columns == 1 && !input.flat => Some(Cell::Text { feature }),
                _ => None,
            });
            cells.insert(graph.input_slot(position), columns.collect::<Option<_>>()?);
            feature += input.columns;
        }
        let (mut found, mut norms) = (None, Vec::new());
        for step in &graph.steps {
            match (&step.operator, &found) {
                (_, None) => {
                    if let Some(head) = head_of(&step.operator) {
                        let row = cells.get(&step.inputs.first().copied().flatten()?)?;
                        let blocks = blocks(row).filter(|_| row.len() >= head.features())?;
                        found = Some((head, blocks, row.len(), step.outputs.last().copied().flatten()?));
                    } else if let (Some(output), Some(row)) = (step.outputs.first()?, follow(graph, step, &cells)) {
                        cells.insert(*output, row);
                    }
                }
                (Operator::Identity | Operator::Normalizer(_), Some((_, _, _, scores)))
                    if step.inputs.first().copied().flatten() == Some(*scores) =>
                {
                    if let Operator::Normalizer(norm) = step.operator {
                        norms.push(norm);
                    }
                    let output = step.outputs.first().copied().flatten()?;
                    found = found.map(|(head, blocks, columns, _)| (head, blocks, columns, output));
                }
                _ => {}
            }
        }
        let (head, blocks, columns, _) = found.filter(|(_, _, _, scores)| *scores == wanted)?;
        Some(Self { blocks, columns, width: head.width(), head, norms })
    }

    /// Fills the model's row (`columns` long).
    pub(crate) fn fill(&self, row: &impl Row, out: &mut [f32]) -> Result<()> {
        let mut at = 0;
        for (index, (feature, block)) in self.blocks.iter().enumerate() {
            match block {
                Block::Encoded { map, values, default } => {
                    out[at] = row.position(*feature, index, &map.keys).map_or(*default, |p| values[p]);
                    at += 1;
                }
                Block::OneHot(encoder) => {
                    let levels = &mut out[at..at + encoder.levels];
                    levels.fill(0.0);
                    if let Some(level) = encoder.known(row.position(*feature, index, &encoder.keys))? {
                        levels[level] = 1.0;
                    }
                    at += encoder.levels;
                }
                number => {
                    out[at] = number.number(row.number(*feature));
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// Appends the scores of `count` filled rows, `width` for each; `scratch` holds what is computed in 32 bits.
    pub(crate) fn score(&self, rows: &[f32], count: usize, scratch: &mut Vec<f32>, out: &mut Vec<f64>) {
        if let Head::Boosted(model) = &self.head {
            return model.evaluate(rows, self.columns, count, out);
        }
        scratch.resize(count * self.width, 0.0);
        match &self.head {
            Head::Trees(model) => model.evaluate(rows, self.columns, count, scratch),
            Head::Linear(model) => {
                let rows = rows.chunks_exact(self.columns.max(1)).zip(scratch.chunks_exact_mut(self.width));
                rows.for_each(|(row, out)| model.evaluate(row, out));
            }
            Head::Boosted(_) => {}
        }
        for row in scratch.chunks_exact_mut(self.width) {
            self.norms.iter().for_each(|&norm| normalize_row(row, norm));
        }
        out.extend(scratch.iter().copied().map(f64::from));
    }

    /// What a booster's plan keeps in memory; an estimate.
    pub(crate) fn bytes(&self) -> u64 {
        let number = |block: &Block| match block {
            Block::Rank { thresholds, .. } => 8 * thresholds.len(),
            Block::Code(codes) => 16 * codes.len(),
            Block::Encoded { values, .. } => 64 * values.len(),
            _ => 0,
        };
        let blocks: usize = self.blocks.iter().map(|(_, block)| size_of::<Block>() + number(block)).sum();
        let head = if let Head::Boosted(model) = &self.head { model.bytes() } else { 0 };
        (blocks + head) as u64
    }

    /// The feature behind each column of the model's row.
    pub(crate) fn features_of_columns(&self) -> Vec<usize> {
        let mut features = Vec::with_capacity(self.columns);
        for (feature, block) in &self.blocks {
            let width = if let Block::OneHot(encoder) = block { encoder.levels } else { 1 };
            features.extend(std::iter::repeat_n(*feature, width));
        }
        features
    }

    /// For each block the positions of a text column's levels among its keys; empty for blocks of numbers. What a batch
    /// looks up once instead of once per row.
    pub(crate) fn positions<'a>(&self, column: impl Fn(usize) -> Option<&'a TextColumn>) -> Vec<Vec<Option<usize>>> {
        let look_up = |feature: usize, keys: &Keys| {
            let column = column(feature)?;
            // The last entry stands for missing texts, which graphs know as the empty text.
            let texts = column.levels.iter().map(|level| level.as_ref()).chain(std::iter::once(""));
            Some(texts.map(|text| keys.text(text)).collect())
        };
        let positions = self.blocks.iter().map(|(feature, block)| match block {
            Block::Encoded { map, .. } => look_up(*feature, &map.keys),
            Block::OneHot(encoder) => look_up(*feature, &encoder.keys),
            _ => None,
        });
        positions.map(Option::unwrap_or_default).collect()
    }
}

fn head_of(operator: &Operator) -> Option<Head> {
    match operator {
        Operator::Trees { model, .. } => Some(Head::Trees(model.clone())),
        Operator::Linear { model, .. } => Some(Head::Linear(model.clone())),
        _ => None,
    }
}

/// The columns that a step before the model writes, or `None` if they have no such form.
fn follow(graph: &Graph, step: &Step, cells: &HashMap<usize, Vec<Cell>>) -> Option<Vec<Cell>> {
    let slot = step.inputs.first().copied().flatten()?;
    let row = cells.get(&slot)?;
    match &step.operator {
        Operator::Identity => Some(row.clone()),
        Operator::Cast(CastTo::Float) if row.iter().all(|c| !matches!(c, Cell::Text { .. })) => Some(row.clone()),
        Operator::Concat(axis) if *axis != 0 => step.inputs.iter().try_fold(Vec::new(), |mut joined, slot| {
            joined.extend_from_slice(cells.get(&(*slot)?)?);
            Some(joined)
        }),
        Operator::Reshape { .. } => match &graph.constants.get(step.inputs.get(1).copied().flatten()?)?.data {
            Data::Int(wanted) if *wanted == [-1, row.len() as i64] => Some(row.clone()),
            _ => None,
        },
        Operator::IsNan => row
            .iter()
            .map(|cell| match cell {
                Cell::Number { feature, plain: true, .. } => Some(Cell::Missing { feature: *feature }),
                _ => None,
            })
            .collect(),
        Operator::Imputer { values, replaced } if replaced.is_nan() => row
            .iter()
            .enumerate()
            .map(|(column, cell)| match *cell {
                Cell::Number { feature, offset, scale, plain: true, .. } => {
                    let impute = column_value(values, column, f32::NAN);
                    Some(Cell::Number { feature, impute, offset, scale, plain: false })
                }
                _ => None,
            })
            .collect(),
        Operator::Scaler { offset, scale } => row
            .iter()
            .enumerate()
            .map(|(column, cell)| match *cell {
                Cell::Number { feature, impute, offset: 0.0, scale: 1.0, .. } => {
                    let (offset, scale) = (column_value(offset, column, 0.0), column_value(scale, column, 1.0));
                    Some(Cell::Number { feature, impute, offset, scale, plain: false })
                }
                _ => None,
            })
            .collect(),
        Operator::LabelMap(map) if map.keys.are_text() => row
            .iter()
            .map(|cell| match cell {
                Cell::Text { feature } => Some(Cell::Encoded { feature: *feature, map: map.clone() }),
                _ => None,
            })
            .collect(),
        Operator::OneHot(encoder) if encoder.keys.are_text() => match row.as_slice() {
            [Cell::Text { feature }] => Some(
                (0..encoder.levels)
                    .map(|level| Cell::Level { feature: *feature, encoder: encoder.clone(), level })
                    .collect(),
            ),
            _ => None,
        },
        _ => None,
    }
}

/// The blocks that fill a row of these columns; one-hot columns must stand together, whole and in order.
fn blocks(row: &[Cell]) -> Option<Vec<(usize, Block)>> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(cell) = row.get(at) {
        at += 1;
        blocks.push(match cell {
            Cell::Number { feature, impute, offset, scale, .. } => {
                (*feature, Block::Number { impute: *impute, offset: *offset, scale: *scale })
            }
            Cell::Missing { feature } => (*feature, Block::Missing),
            Cell::Encoded { feature, map } => {
                let (values, default) = map.numbers()?;
                (*feature, Block::Encoded { map: map.clone(), values, default })
            }
            Cell::Level { feature, encoder, level: 0 } => {
                let rest = row.get(at..at + encoder.levels - 1)?;
                let in_order = rest.iter().zip(1..).all(|(cell, expected)| {
                    matches!(cell, Cell::Level { feature: f, encoder: e, level }
                        if f == feature && Arc::ptr_eq(e, encoder) && *level == expected)
                });
                at += encoder.levels - 1;
                in_order.then(|| (*feature, Block::OneHot(encoder.clone())))?
            }
            Cell::Text { .. } | Cell::Level { .. } => return None,
        });
    }
    Some(blocks)
}

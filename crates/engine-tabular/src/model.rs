//! A loaded model: the fused plan where there is one, else the interpreter.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use flyball_core::model::{Attributions, ExplainRequest, Model};
use flyball_core::{
    Column, Error, ErrorCode, FeatureKind, Format, Package, Predictions, Result, Signature, Table, Task, TextColumn,
    Value,
};
use rayon::prelude::*;

use crate::boosters;
use crate::explain::{Asked, Explainers};
use crate::forest::BLOCK_ROWS;
use crate::graph::encoders::Keys;
use crate::graph::tensor::{Data, Tensor, mismatch};
use crate::graph::{Element, Graph};
use crate::onnx::{MEANS_KEY, read};
use crate::plan::{Plan, Row};
use crate::signature;

/// Rows per piece of a batch: bounds the interpreter's memory, and is the unit of work of the threads.
const BATCH_ROWS: usize = 2_048;

/// Most classes of a model that does not name them; a hostile file could otherwise ask for any number of names.
const MOST_CLASSES: usize = 10_000;

thread_local! {
    /// The model's row and its scores, kept between calls so that a single prediction allocates next to nothing.
    static SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// A model of the tabular engine.
pub(crate) struct TabularModel {
    signature: Signature,
    body: Body,
    explainers: Option<Explainers>,
    /// What it keeps in memory; an estimate.
    bytes: u64,
}

/// What answers.
enum Body {
    Fused(Box<Plan>),
    /// A graph that no plan covers, and its slot that holds the scores.
    Interpreted {
        graph: Box<Graph>,
        scores: usize,
    },
}

impl TabularModel {
    /// Loads a model from the bytes of an ONNX file.
    fn from_graph(artifact: &[u8]) -> Result<Self> {
        let proto = read::model(artifact)?;
        let graph = Box::new(Graph::load(&proto.graph.unwrap_or_default())?);
        let (signature, scores) = signature::read(&graph, &proto.metadata)?;
        let plan = Plan::compile(&graph, scores);
        let means = proto.metadata.iter().find(|entry| entry.key == MEANS_KEY);
        let means = means.and_then(|entry| serde_json::from_str(&entry.value).ok());
        let explainers = plan.as_ref().and_then(|plan| Explainers::of(plan, means));
        let width = plan.as_ref().map(|plan| plan.width);
        let body = match plan {
            Some(plan) => Body::Fused(Box::new(plan)),
            None => Body::Interpreted { graph, scores },
        };
        // The numbers of the file stand here once, and once more in the form in which explanations walk them.
        let mut model = Self { signature, body, explainers, bytes: 2 * artifact.len() as u64 };
        if model.signature.task == Task::Classification && model.signature.classes.len() < 2 {
            // The graph names no classes: count the scores of a row of gaps, and number the classes.
            let gaps = vec![Value::Missing; model.signature.features.len()];
            let width = match &model.body {
                Body::Fused(plan) => plan.width,
                Body::Interpreted { graph, scores } => {
                    interpret(graph, *scores, model.inputs_of_rows(graph, &[&gaps])?)?.1
                }
            };
            if width > MOST_CLASSES {
                return Err(mismatch(format!("the model gives {width} scores per row")));
            }
            model.signature.classes = (0..width.max(2)).map(|class| class.to_string()).collect();
        }
        width.map_or(Ok(()), |width| model.fits(width))?;
        Ok(model)
    }

    /// Loads a booster.
    fn from_booster(package: &Package<'_>) -> Result<Self> {
        let (signature, plan) = boosters::load(package)?;
        let explainers = Explainers::of(&plan, None);
        // A node takes some three times as much in the form that explanations walk.
        let bytes = plan.bytes() * if explainers.is_some() { 4 } else { 1 };
        Ok(Self { signature, body: Body::Fused(Box::new(plan)), explainers, bytes })
    }

    /// A plan must give as many scores as the contract says; one probability may stand for two classes.
    fn fits(&self, width: usize) -> Result<()> {
        let wanted = self.signature.width();
        if width == wanted || (width == 1 && wanted == 2) {
            return Ok(());
        }
        Err(mismatch(format!("the model gives {width} scores per row where its signature has {wanted}")))
    }

    /// Completes the lone probabilities of two classes that `scores` has from `start` on, `width` for each row.
    fn complete(&self, width: usize, start: usize, scores: &mut Vec<f64>) {
        if width == 1 && self.signature.width() == 2 {
            let pairs: Vec<f64> = scores[start..].iter().flat_map(|&score| [1.0 - score, score]).collect();
            scores.truncate(start);
            scores.extend(pairs);
        }
    }

    /// Appends the scores of some rows that the interpreter gives for inputs.
    fn push_interpreted(
        &self,
        graph: &Graph,
        slot: usize,
        inputs: Vec<Tensor>,
        rows: usize,
        out: &mut Vec<f64>,
    ) -> Result<()> {
        let (scores, width) = interpret(graph, slot, inputs)?;
        self.fits(width)?;
        if scores.len() != rows * width {
            return Err(mismatch("the model does not give one row of scores per row"));
        }
        let start = out.len();
        out.extend(scores.into_iter().map(f64::from));
        self.complete(width, start, out);
        Ok(())
    }

    /// The graph's inputs from rows of values in the order of the signature.
    fn inputs_of_rows(&self, graph: &Graph, rows: &[&[Value]]) -> Result<Vec<Tensor>> {
        self.inputs(graph, rows.len(), |row, feature| Cow::Borrowed(&rows[row][feature]))
    }

    fn inputs<'a>(
        &self,
        graph: &Graph,
        rows: usize,
        value: impl Fn(usize, usize) -> Cow<'a, Value>,
    ) -> Result<Vec<Tensor>> {
        let mut first = 0;
        let mut inputs = Vec::with_capacity(graph.inputs.len());
        for input in &graph.inputs {
            let cells = (0..rows).flat_map(|row| (first..first + input.columns).map(move |f| (row, f)));
            let number = |(row, feature)| self.number(&value(row, feature), feature);
            let data = match input.element {
                Element::Float => Data::Float(cells.map(number).collect::<Result<_>>()?),
                Element::Int => Data::Int(cells.map(|c| whole(number(c)?, &input.name)).collect::<Result<_>>()?),
                Element::Bool => Data::Bool(cells.map(|c| Ok(number(c)? == 1.0)).collect::<Result<_>>()?),
                Element::Text => {
                    Data::Text(cells.map(|(r, f)| value(r, f).text().unwrap_or_default().into()).collect())
                }
            };
            let shape = if input.flat { vec![rows] } else { vec![rows, input.columns] };
            inputs.push(Tensor::new(shape, data)?);
            first += input.columns;
        }
        Ok(inputs)
    }

    fn number(&self, value: &Value, feature: usize) -> Result<f32> {
        match value {
            Value::Text(_) => Err(self.not_a_number(feature)),
            other => Ok(other.number() as f32),
        }
    }

    fn not_a_number(&self, feature: usize) -> Error {
        let name = &self.signature.features[feature].name;
        Error::new(
            ErrorCode::InvalidData,
            format!("the feature '{name}' is a number to the model, the data holds text"),
        )
        .hint("send numbers, or train the model on the column as text")
    }

    /// The columns of the features; for text features always as codes and levels.
    fn feature_columns<'a>(&self, rows: &'a Table) -> Result<Vec<Cow<'a, Column>>> {
        self.signature
            .features
            .iter()
            .enumerate()
            .map(|(position, feature)| {
                let column = rows.column(&feature.name)?;
                Ok(match (feature.kind, column) {
                    (FeatureKind::Number, Column::Text(text)) => {
                        if (0..column.len()).any(|row| text.get(row).is_some()) {
                            return Err(self.not_a_number(position));
                        }
                        Cow::Owned(Column::Float(vec![f64::NAN; column.len()]))
                    }
                    (FeatureKind::Text, Column::Text(_)) | (FeatureKind::Number, _) => Cow::Borrowed(column),
                    (FeatureKind::Text, other) => {
                        let texts: Vec<_> = (0..other.len()).map(|row| other.value(row).text()).collect();
                        Cow::Owned(Column::Text(TextColumn::from_texts(texts.iter().map(Option::as_deref))))
                    }
                })
            })
            .collect()
    }

    fn check_row(&self, row: &[Value]) -> Result<()> {
        if row.len() != self.signature.features.len() {
            let message =
                format!("a row of {} values, the model has {} features", row.len(), self.signature.features.len());
            return Err(Error::invalid(message));
        }
        let numbers = self.signature.features.iter().zip(row).enumerate();
        for (position, (feature, value)) in numbers {
            if feature.kind == FeatureKind::Number && matches!(value, Value::Text(_)) {
                return Err(self.not_a_number(position));
            }
        }
        Ok(())
    }
}

/// Runs the interpreter: the scores and how many each row has.
fn interpret(graph: &Graph, slot: usize, inputs: Vec<Tensor>) -> Result<(Vec<f32>, usize)> {
    let scores = graph.run(inputs, slot)?;
    let width = if scores.shape.len() == 1 { 1 } else { scores.rows_columns().1 };
    Ok((scores.floats()?.into_owned(), width))
}

fn whole(number: f32, input: &str) -> Result<i64> {
    if number.is_nan() {
        return Err(Error::invalid(format!("the input '{input}' takes whole numbers, a value is missing")));
    }
    Ok(number as i64)
}

/// A row of values.
struct ValueRow<'a>(&'a [Value]);

impl Row for ValueRow<'_> {
    fn number(&self, feature: usize) -> f64 {
        self.0[feature].number()
    }

    fn position(&self, feature: usize, _block: usize, keys: &Keys) -> Option<usize> {
        match &self.0[feature] {
            Value::Text(text) => keys.text(text),
            other => keys.text(&other.text().unwrap_or_default()),
        }
    }
}

/// A row of a table, with the levels of its text columns looked up.
struct TableRow<'a> {
    columns: &'a [Cow<'a, Column>],
    positions: &'a [Vec<Option<usize>>],
    row: usize,
}

impl Row for TableRow<'_> {
    fn number(&self, feature: usize) -> f64 {
        self.columns[feature].number(self.row)
    }

    fn position(&self, feature: usize, block: usize, _keys: &Keys) -> Option<usize> {
        let Column::Text(text) = self.columns[feature].as_ref() else { return None };
        let levels = &self.positions[block];
        let code = text.codes[self.row] as usize;
        levels.get(code.min(levels.len().saturating_sub(1))).copied().flatten()
    }
}

impl Model for TabularModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn memory_bytes(&self) -> u64 {
        self.bytes
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let columns = self.feature_columns(rows)?;
        let count = rows.rows();
        let positions = match &self.body {
            Body::Fused(plan) => plan.positions(|feature| text_of(&columns, feature)),
            Body::Interpreted { .. } => Vec::new(),
        };
        let piece = |start: usize| -> Result<Vec<f64>> {
            let rows = start..count.min(start + BATCH_ROWS);
            let mut out = Vec::with_capacity(rows.len() * self.signature.width());
            match &self.body {
                Body::Fused(plan) => {
                    let mut filled = vec![0.0; plan.columns * rows.len().min(BLOCK_ROWS)];
                    let mut scratch = Vec::new();
                    for block in rows.clone().step_by(BLOCK_ROWS) {
                        let block = block..rows.end.min(block + BLOCK_ROWS);
                        let filled = &mut filled[..plan.columns * block.len()];
                        for (at, row) in block.clone().enumerate() {
                            let row = TableRow { columns: &columns, positions: &positions, row };
                            plan.fill(&row, &mut filled[at * plan.columns..(at + 1) * plan.columns])?;
                        }
                        plan.score(filled, block.len(), &mut scratch, &mut out);
                    }
                    self.complete(plan.width, 0, &mut out);
                }
                Body::Interpreted { graph, scores } => {
                    let value = |row, feature: usize| Cow::Owned(columns[feature].value(start + row));
                    let inputs = self.inputs(graph, rows.len(), value)?;
                    self.push_interpreted(graph, *scores, inputs, rows.len(), &mut out)?;
                }
            }
            Ok(out)
        };
        let pieces: Vec<Vec<f64>> = if count > BATCH_ROWS {
            (0..count.div_ceil(BATCH_ROWS)).into_par_iter().map(|i| piece(i * BATCH_ROWS)).collect::<Result<_>>()?
        } else if count > 0 {
            vec![piece(0)?]
        } else {
            Vec::new()
        };
        Ok(Predictions { width: self.signature.width(), scores: pieces.concat() })
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        self.check_row(row)?;
        match &self.body {
            Body::Interpreted { graph, scores: slot } => {
                self.push_interpreted(graph, *slot, self.inputs_of_rows(graph, &[row])?, 1, scores)
            }
            Body::Fused(plan) => SCRATCH.with_borrow_mut(|(filled, scratch)| {
                filled.resize(plan.columns, 0.0);
                plan.fill(&ValueRow(row), filled)?;
                let start = scores.len();
                plan.score(filled, 1, scratch, scores);
                self.complete(plan.width, start, scores);
                Ok(())
            }),
        }
    }

    fn explain(&self, rows: &Table, request: &ExplainRequest<'_>) -> Result<Option<Attributions>> {
        let classes = self.signature.classes.len();
        let class = request.class.unwrap_or(classes.saturating_sub(1));
        if class >= self.signature.width() {
            return Err(Error::invalid(format!("there is no class {class}"))
                .hint(format!("classes are counted from 0; the model has {classes}")));
        }
        let (Body::Fused(plan), Some(explainers)) = (&self.body, &self.explainers) else { return Ok(None) };
        let rows = self.filled(plan, rows)?;
        let background = request.background.map(|table| self.filled(plan, table)).transpose()?;
        let asked = Asked {
            width: self.signature.features.len(),
            class,
            rows: &rows,
            background: background.as_deref(),
            interactions: request.interactions,
        };
        Ok(explainers.explain(plan, &asked))
    }
}

impl TabularModel {
    /// The model's rows, one behind the other, from a table.
    fn filled(&self, plan: &Plan, rows: &Table) -> Result<Vec<f64>> {
        let columns = self.feature_columns(rows)?;
        let positions = plan.positions(|feature| text_of(&columns, feature));
        let mut filled = vec![0.0; plan.columns];
        let mut all = Vec::with_capacity(plan.columns * rows.rows());
        for row in 0..rows.rows() {
            plan.fill(&TableRow { columns: &columns, positions: &positions, row }, &mut filled)?;
            all.extend(filled.iter().copied().map(f64::from));
        }
        Ok(all)
    }
}

/// The column of a text feature.
fn text_of<'a>(columns: &'a [Cow<'_, Column>], feature: usize) -> Option<&'a TextColumn> {
    match columns[feature].as_ref() {
        Column::Text(text) => Some(text),
        _ => None,
    }
}

/// The model of a package, behind the trait.
pub(crate) fn load(package: &Package<'_>) -> Result<Arc<dyn Model>> {
    Ok(Arc::new(match package.format() {
        Format::Xgboost | Format::Lightgbm => TabularModel::from_booster(package)?,
        Format::Onnx | Format::Pyfunc => TabularModel::from_graph(&package.main()?)?,
    }))
}

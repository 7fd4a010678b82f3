//! A loaded model: the fused plan where there is one, else the interpreter.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use flyball_core::model::Model;
use flyball_core::{
    Column, Contribution, Error, ErrorCode, FeatureKind, Predictions, Result, Signature, Table, Task, TextColumn, Value,
};
use rayon::prelude::*;

use crate::explain::Explanation;
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
    /// The model's row and its scores, kept between calls so that a single prediction allocates nothing.
    static SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// A model of the tabular engine.
pub(crate) struct TabularModel {
    signature: Signature,
    graph: Graph,
    /// The slot of the graph that holds the scores.
    scores: usize,
    plan: Option<Plan>,
    explanation: Option<Explanation>,
}

impl TabularModel {
    /// Loads a model from the bytes of an ONNX file.
    pub(crate) fn load(artifact: &[u8]) -> Result<Self> {
        let proto = read::model(artifact)?;
        let graph = Graph::load(&proto.graph.unwrap_or_default())?;
        let (signature, scores) = signature::read(&graph, &proto.metadata)?;
        let plan = Plan::compile(&graph, scores);
        let means = proto.metadata.iter().find(|entry| entry.key == MEANS_KEY);
        let means = means.and_then(|entry| serde_json::from_str(&entry.value).ok());
        let explanation = plan.as_ref().and_then(|plan| Explanation::prepare(&plan.head, plan.columns, means));
        let mut model = Self { signature, graph, scores, plan, explanation };
        if model.signature.task == Task::Classification && model.signature.classes.len() < 2 {
            // The graph names no classes: count the scores of a row of gaps, and number the classes.
            let gaps = vec![Value::Missing; model.signature.features.len()];
            let width = model.interpret(&model.inputs_of_rows(&[&gaps])?)?.1.max(2);
            if width > MOST_CLASSES {
                return Err(mismatch(format!("the model gives {width} scores per row")));
            }
            model.signature.classes = (0..width).map(|class| class.to_string()).collect();
        }
        model.check_width()?;
        Ok(model)
    }

    /// The fused plan must give as many scores as the contract says; one probability may stand for two classes.
    fn check_width(&self) -> Result<()> {
        match &self.plan {
            Some(plan) => self.fits(plan.width),
            None => Ok(()),
        }
    }

    fn fits(&self, width: usize) -> Result<()> {
        let wanted = self.signature.width();
        if width == wanted || (width == 1 && wanted == 2) {
            return Ok(());
        }
        Err(mismatch(format!("the model gives {width} scores per row where its signature has {wanted}")))
    }

    /// Appends the scores of one row to `out`, completing a lone probability.
    fn push_scores(&self, row: &[f32], out: &mut Vec<f64>) {
        if let ([score], 2) = (row, self.signature.width()) {
            out.push(1.0 - f64::from(*score));
        }
        out.extend(row.iter().map(|&s| f64::from(s)));
    }

    /// Runs the interpreter: the scores and how many each row has.
    fn interpret(&self, inputs: &[Tensor]) -> Result<(Vec<f32>, usize)> {
        let scores = self.graph.run(inputs.to_vec(), self.scores)?;
        let (_, width) = match scores.shape.as_slice() {
            [_] => (0, 1),
            _ => scores.rows_columns(),
        };
        Ok((scores.floats()?.into_owned(), width))
    }

    /// The graph's inputs from rows of values in the order of the signature.
    fn inputs_of_rows(&self, rows: &[&[Value]]) -> Result<Vec<Tensor>> {
        self.inputs(rows.len(), |row, feature| Cow::Borrowed(&rows[row][feature]))
    }

    fn inputs<'a>(&self, rows: usize, value: impl Fn(usize, usize) -> Cow<'a, Value>) -> Result<Vec<Tensor>> {
        let mut first = 0;
        let mut inputs = Vec::with_capacity(self.graph.inputs.len());
        for input in &self.graph.inputs {
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

fn whole(number: f32, input: &str) -> Result<i64> {
    if number.is_nan() {
        return Err(Error::invalid(format!("the input '{input}' takes whole numbers, a value is missing")));
    }
    Ok(number as i64)
}

/// A row of values.
struct ValueRow<'a>(&'a [Value]);

impl Row for ValueRow<'_> {
    fn number(&self, feature: usize) -> f32 {
        self.0[feature].number() as f32
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
    fn number(&self, feature: usize) -> f32 {
        self.columns[feature].number(self.row) as f32
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

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let columns = self.feature_columns(rows)?;
        let count = rows.rows();
        let texts = |feature: usize| match columns[feature].as_ref() {
            Column::Text(text) => Some(text),
            _ => None,
        };
        let positions = self.plan.as_ref().map(|plan| plan.positions(texts)).unwrap_or_default();
        let piece = |start: usize| -> Result<Vec<f64>> {
            let rows = start..count.min(start + BATCH_ROWS);
            let mut out = Vec::with_capacity(rows.len() * self.signature.width());
            if let Some(plan) = &self.plan {
                let (mut filled, mut scores) = (vec![0.0; plan.columns], vec![0.0; plan.width]);
                for row in rows {
                    plan.fill(&TableRow { columns: &columns, positions: &positions, row }, &mut filled)?;
                    plan.score(&filled, &mut scores);
                    self.push_scores(&scores, &mut out);
                }
            } else {
                let value = |row, feature: usize| Cow::Owned(columns[feature].value(start + row));
                let (scores, width) = self.interpret(&self.inputs(rows.len(), value)?)?;
                self.fits(width)?;
                if scores.len() != rows.len() * width {
                    return Err(mismatch("the model does not give one row of scores per row"));
                }
                scores.chunks_exact(width).for_each(|row| self.push_scores(row, &mut out));
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
        let Some(plan) = &self.plan else {
            let (values, width) = self.interpret(&self.inputs_of_rows(&[row])?)?;
            self.fits(width)?;
            if values.len() != width {
                return Err(mismatch("the model does not give one row of scores per row"));
            }
            self.push_scores(&values, scores);
            return Ok(());
        };
        SCRATCH.with_borrow_mut(|(filled, out)| {
            filled.resize(plan.columns, 0.0);
            out.resize(plan.width, 0.0);
            plan.fill(&ValueRow(row), filled)?;
            plan.score(filled, out);
            self.push_scores(out, scores);
            Ok(())
        })
    }

    fn explain_row(&self, row: &[Value]) -> Result<Option<(f64, Vec<Contribution>)>> {
        self.check_row(row)?;
        let (Some(plan), Some(explanation)) = (&self.plan, &self.explanation) else { return Ok(None) };
        let mut filled = vec![0.0; plan.columns];
        plan.fill(&ValueRow(row), &mut filled)?;
        let Some((expected, columns)) = explanation.columns(&filled) else {
            return Ok(None);
        };
        let mut amounts = vec![0.0; row.len()];
        for (feature, amount) in plan.features_of_columns().into_iter().zip(columns) {
            amounts[feature] += amount;
        }
        let contributions = self.signature.features.iter().zip(row).zip(amounts).map(|((feature, value), amount)| {
            Contribution { feature: feature.name.clone(), value: value.text(), amount }
        });
        Ok(Some((expected, contributions.collect())))
    }
}

/// A model behind the trait.
pub(crate) fn load(artifact: &[u8]) -> Result<Arc<dyn Model>> {
    Ok(Arc::new(TabularModel::load(artifact)?))
}

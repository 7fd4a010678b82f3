//! How each operator computes.

use flyball_core::Result;

use super::operator::{CastTo, Function, Labels, Norm, Operator};
use super::post::{PostTransform, logistic};
use super::tensor::{Data, Tensor, mismatch};
use super::{elementwise, shape};

/// The inputs of a node; optional ones may be absent.
pub(crate) struct Inputs<'a>(pub(crate) Vec<Option<&'a Tensor>>);

impl<'a> Inputs<'a> {
    fn at(&self, position: usize) -> Result<&'a Tensor> {
        self.get(position).ok_or_else(|| mismatch(format!("a node lacks its input {position}")))
    }

    fn get(&self, position: usize) -> Option<&'a Tensor> {
        self.0.get(position).copied().flatten()
    }

    fn all(&self) -> Vec<&'a Tensor> {
        self.0.iter().copied().flatten().collect()
    }
}

impl Operator {
    /// Computes the outputs of a node.
    pub(crate) fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        if let Operator::Constant(value) = self {
            return Ok(vec![value.clone()]);
        }
        let x = inputs.at(0)?;
        let output = match self {
            Operator::Linear { model, labels } => {
                return score_rows(x, model.features, model.width(), labels.as_ref(), |rows, columns, out| {
                    let rows = rows.chunks_exact(columns.max(1)).zip(out.chunks_exact_mut(model.width()));
                    rows.for_each(|(row, out)| model.evaluate(row, out));
                });
            }
            Operator::Trees { model, labels } => {
                return score_rows(x, model.features, model.width(), labels.as_ref(), |rows, columns, out| {
                    model.evaluate(rows, columns, out.len() / model.width(), out);
                });
            }
            Operator::Scaler { offset, scale } => by_column(x, |value, column| {
                (value - column_value(offset, column, 0.0)) * column_value(scale, column, 1.0)
            })?,
            Operator::Imputer { values, replaced } => by_column(x, |value, column| {
                let replace = value == *replaced || (value.is_nan() && replaced.is_nan());
                if replace { column_value(values, column, value) } else { value }
            })?,
            Operator::OneHot(encoder) => encoder.run(x)?,
            Operator::LabelMap(map) => map.run(x)?,
            Operator::Normalizer(norm) => normalize(x, *norm)?,
            Operator::ArrayFeatureExtractor => shape::take_columns(x, inputs.at(1)?.ints()?)?,
            Operator::FeatureVectorizer => shape::concat(&inputs.all(), 1)?,
            Operator::Concat(axis) => shape::concat(&inputs.all(), *axis)?,
            Operator::Cast(to) => cast(x, *to)?,
            Operator::Reshape { .. } | Operator::Flatten(_) | Operator::Squeeze(_) | Operator::Unsqueeze(_) => {
                Tensor::new(self.new_shape(x, inputs)?, x.data.clone())?
            }
            Operator::MatMul => shape::product(x, inputs.at(1)?, (false, false))?,
            Operator::Gemm { alpha, beta, transposed } => {
                let product = elementwise::map(&shape::product(x, inputs.at(1)?, *transposed)?, |v| v * alpha)?;
                add_scaled(product, inputs.get(2), *beta)?
            }
            Operator::Arithmetic(operation) => elementwise::arithmetic(*operation, x, inputs.at(1)?)?,
            Operator::Compare { less } => elementwise::compare(*less, x, inputs.at(1)?)?,
            Operator::Where => elementwise::choose(x, inputs.at(1)?, inputs.at(2)?)?,
            Operator::Not => Tensor::new(x.shape.clone(), Data::Bool(x.bools()?.iter().map(|b| !b).collect()))?,
            Operator::IsNan => {
                Tensor::new(x.shape.clone(), Data::Bool(x.floats()?.iter().map(|v| v.is_nan()).collect()))?
            }
            Operator::Clip { least, most } => clip(x, (*least, inputs.get(1)), (*most, inputs.get(2)))?,
            Operator::Function(function) => elementwise::map(x, |v| function.apply(v))?,
            Operator::Softmax(axis) => softmax(x, *axis)?,
            Operator::ArgMax { axis, keep } => arg_max(x, *axis, *keep)?,
            Operator::Identity | Operator::Constant(_) => x.clone(),
        };
        Ok(vec![output])
    }

    /// The shape that an operator which only reshapes gives to `x`. Axes stand in an attribute or, since opset 13, in
    /// an input.
    fn new_shape(&self, x: &Tensor, inputs: &Inputs<'_>) -> Result<Vec<usize>> {
        let given = || inputs.get(1).map(Tensor::ints).transpose();
        match self {
            Operator::Reshape { allow_zero } => shape::reshaped(&x.shape, inputs.at(1)?.ints()?, *allow_zero),
            Operator::Flatten(axis) => shape::flatten(x, *axis),
            Operator::Squeeze(axes) => shape::squeeze(&x.shape, axes.as_deref().or(given()?)),
            Operator::Unsqueeze(axes) => shape::unsqueeze(&x.shape, axes.as_deref().or(given()?).unwrap_or(&[])),
            _ => Ok(x.shape.clone()),
        }
    }
}

fn add_scaled(product: Tensor, addend: Option<&Tensor>, factor: f32) -> Result<Tensor> {
    let Some(addend) = addend else { return Ok(product) };
    let scaled = elementwise::map(addend, |v| v * factor)?;
    elementwise::arithmetic(elementwise::Arithmetic::Add, &product, &scaled)
}

/// Clips to bounds that stand in an attribute or, since opset 11, in an input.
fn clip(x: &Tensor, least: (Option<f32>, Option<&Tensor>), most: (Option<f32>, Option<&Tensor>)) -> Result<Tensor> {
    let bound = |(attribute, input): (Option<f32>, Option<&Tensor>)| -> Result<Option<f32>> {
        let values = input.map(Tensor::floats).transpose()?;
        Ok(attribute.or(values.and_then(|v| v.first().copied())))
    };
    let (least, most) = (bound(least)?, bound(most)?);
    elementwise::map(x, |v| {
        let v = least.map_or(v, |l| if v < l { l } else { v });
        most.map_or(v, |m| if v > m { m } else { v })
    })
}

impl Function {
    fn apply(self, x: f32) -> f32 {
        match self {
            Function::Sigmoid => logistic(x),
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Neg => -x,
            Function::Abs => x.abs(),
            Function::Sqrt => x.sqrt(),
            Function::Relu if x < 0.0 => 0.0,
            Function::Relu => x,
            Function::Tanh => x.tanh(),
        }
    }
}

/// The value of a column in a list that has one per column, or one for all.
pub(crate) fn column_value(list: &[f32], column: usize, default: f32) -> f32 {
    if list.len() == 1 { list[0] } else { list.get(column).copied().unwrap_or(default) }
}

fn by_column(x: &Tensor, f: impl Fn(f32, usize) -> f32) -> Result<Tensor> {
    let (_, columns) = x.rows_columns();
    let columns = columns.max(1);
    let values = x.floats()?.iter().enumerate().map(|(i, &v)| f(v, i % columns)).collect();
    Tensor::new(x.shape.clone(), Data::Float(values))
}

/// Runs a model over the rows, of some columns each: its scores, behind the labels if it is a classifier.
fn score_rows(
    x: &Tensor,
    features: usize,
    width: usize,
    labels: Option<&Labels>,
    evaluate: impl Fn(&[f32], usize, &mut [f32]),
) -> Result<Vec<Tensor>> {
    let (rows, columns) = x.rows_columns();
    if columns < features {
        return Err(mismatch(format!("the model needs {features} columns, the graph gives it {columns}")));
    }
    super::tensor::elements(&[rows, width])?;
    let mut scores = vec![0.0; rows * width];
    evaluate(&x.floats()?, columns, &mut scores);
    let mut outputs = Vec::new();
    if let Some(labels) = labels {
        let best = scores.chunks_exact(width).map(|row| largest(row).min(labels.len() - 1));
        outputs.push(Tensor::new(vec![rows], labels.pick(best))?);
    }
    outputs.push(Tensor::matrix(rows, width, scores)?);
    Ok(outputs)
}

/// The position of the first largest value.
fn largest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Divides one row by its norm; a zero row stays zero.
pub(crate) fn normalize_row(row: &mut [f32], norm: Norm) {
    let size = match norm {
        Norm::Max => row.iter().copied().fold(f32::MIN, f32::max),
        Norm::L1 => row.iter().map(|v| v.abs()).sum(),
        Norm::L2 => row.iter().map(|v| v * v).sum::<f32>().sqrt(),
    };
    if size != 0.0 {
        row.iter_mut().for_each(|v| *v /= size);
    }
}

fn normalize(x: &Tensor, norm: Norm) -> Result<Tensor> {
    let (_, columns) = x.rows_columns();
    let mut values = x.floats()?.into_owned();
    values.chunks_exact_mut(columns.max(1)).for_each(|row| normalize_row(row, norm));
    Tensor::new(x.shape.clone(), Data::Float(values))
}

fn cast(x: &Tensor, to: CastTo) -> Result<Tensor> {
    let parse = |text: &str| text.trim().parse::<f32>().map_err(|_| mismatch(format!("'{text}' is not a number")));
    let data = match (to, &x.data) {
        (CastTo::Float, Data::Text(v)) => Data::Float(v.iter().map(|t| parse(t)).collect::<Result<_>>()?),
        (CastTo::Float, _) => Data::Float(x.floats()?.into_owned()),
        (CastTo::Int, Data::Text(v)) => Data::Int(v.iter().map(|t| parse(t).map(|f| f as i64)).collect::<Result<_>>()?),
        (CastTo::Int, Data::Int(v)) => Data::Int(v.clone()),
        (CastTo::Int, _) => Data::Int(x.floats()?.iter().map(|&f| f as i64).collect()),
        (CastTo::Bool, _) => Data::Bool(x.floats()?.iter().map(|&f| f != 0.0).collect()),
        (CastTo::Text, Data::Text(v)) => Data::Text(v.clone()),
        (CastTo::Text, Data::Int(v)) => Data::Text(v.iter().map(|i| i.to_string().into()).collect()),
        (CastTo::Text, _) => return Err(mismatch("the tabular engine casts whole numbers only to text")),
    };
    Tensor::new(x.shape.clone(), data)
}

fn softmax(x: &Tensor, axis: i64) -> Result<Tensor> {
    let axis = shape::axis(axis, x.shape.len())?;
    if axis + 1 != x.shape.len() {
        return Err(mismatch("the tabular engine computes Softmax over the last axis only"));
    }
    let mut values = x.floats()?.into_owned();
    values.chunks_exact_mut(x.shape[axis].max(1)).for_each(|row| PostTransform::Softmax.apply(row));
    Tensor::new(x.shape.clone(), Data::Float(values))
}

fn arg_max(x: &Tensor, axis: i64, keep: bool) -> Result<Tensor> {
    let axis = shape::axis(axis, x.shape.len())?;
    if axis + 1 != x.shape.len() {
        return Err(mismatch("the tabular engine computes ArgMax over the last axis only"));
    }
    let mut shape = x.shape.clone();
    let width = std::mem::replace(&mut shape[axis], 1);
    if width == 0 {
        return Err(mismatch("ArgMax has nothing to choose from"));
    }
    if !keep {
        shape.pop();
    }
    let values = x.floats()?.chunks_exact(width).map(|row| largest(row) as i64).collect();
    Tensor::new(shape, Data::Int(values))
}

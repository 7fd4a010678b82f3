//! Operators that move elements: shapes, columns, joins, products of matrices.

use flyball_core::Result;

use super::tensor::{Data, Tensor, elements, mismatch};

/// A possibly negative axis as a position in a shape of `rank` dimensions.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize> {
    let positive = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(positive)
        .ok()
        .filter(|&a| a < rank)
        .ok_or_else(|| mismatch(format!("the axis {axis} does not exist among {rank}")))
}

/// Joins tensors of one type along an axis.
pub(crate) fn concat(inputs: &[&Tensor], along: i64) -> Result<Tensor> {
    let first = inputs.first().ok_or_else(|| mismatch("Concat has no input"))?;
    let at = axis(along, first.shape.len())?;
    let mut shape = first.shape.clone();
    shape[at] = 0;
    for input in inputs {
        let same = input.shape.len() == shape.len()
            && input.shape.iter().zip(&shape).enumerate().all(|(i, (a, b))| i == at || a == b);
        if !same {
            return Err(mismatch(format!("Concat cannot join the shapes {:?} and {:?}", first.shape, input.shape)));
        }
        shape[at] = shape[at].saturating_add(input.shape[at]);
    }
    elements(&shape)?;
    let outer: usize = shape[..at].iter().product();
    let inner: usize = shape[at + 1..].iter().product();
    macro_rules! join {
        ($variant:ident) => {{
            let mut values = Vec::with_capacity(outer * shape[at] * inner);
            for block in 0..outer {
                for input in inputs {
                    let Data::$variant(data) = &input.data else {
                        return Err(mismatch("Concat joins tensors of different types"));
                    };
                    let width = input.shape[at] * inner;
                    values.extend_from_slice(&data[block * width..(block + 1) * width]);
                }
            }
            Data::$variant(values)
        }};
    }
    let data = match first.data {
        Data::Float(_) => join!(Float),
        Data::Int(_) => join!(Int),
        Data::Bool(_) => join!(Bool),
        Data::Text(_) => join!(Text),
    };
    Tensor::new(shape, data)
}

/// The shape that `Reshape` asks for: 0 copies a dimension, one −1 is what is left.
pub(crate) fn reshaped(from: &[usize], wanted: &[i64], allow_zero: bool) -> Result<Vec<usize>> {
    let total = elements(from)?;
    let wrong = || mismatch(format!("the shape {from:?} cannot become {wanted:?}"));
    let mut free = None;
    let mut shape = Vec::with_capacity(wanted.len());
    for (i, &size) in wanted.iter().enumerate() {
        shape.push(match size {
            -1 if free.is_none() => {
                free = Some(i);
                1
            }
            0 if !allow_zero => *from.get(i).ok_or_else(wrong)?,
            size => usize::try_from(size).map_err(|_| wrong())?,
        });
    }
    if let Some(free) = free {
        let rest = elements(&shape)?;
        // Where other dimensions are empty, nothing is left to divide.
        shape[free] = total.checked_div(rest).unwrap_or(0);
    }
    if elements(&shape)? != total {
        return Err(wrong());
    }
    Ok(shape)
}

/// Two dimensions, split before `at`.
pub(crate) fn flatten(input: &Tensor, at: i64) -> Result<Vec<usize>> {
    let rank = input.shape.len();
    let at = if at == rank as i64 { rank } else { axis(at, rank)? };
    Ok(vec![input.shape[..at].iter().product(), input.shape[at..].iter().product()])
}

/// The shape without the named dimensions of size one, or without all of them.
pub(crate) fn squeeze(shape: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>> {
    let drop = match axes {
        Some(axes) => axes.iter().map(|&a| axis(a, shape.len())).collect::<Result<Vec<_>>>()?,
        None => (0..shape.len()).filter(|&i| shape[i] == 1).collect(),
    };
    if drop.iter().any(|&i| shape[i] != 1) {
        return Err(mismatch(format!("the shape {shape:?} cannot be squeezed")));
    }
    Ok((0..shape.len()).filter(|i| !drop.contains(i)).map(|i| shape[i]).collect())
}

/// The shape with dimensions of size one put in.
pub(crate) fn unsqueeze(shape: &[usize], axes: &[i64]) -> Result<Vec<usize>> {
    let rank = shape.len() + axes.len();
    let ones = axes.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>>>()?;
    let mut rest = shape.iter();
    (0..rank)
        .map(|i| if ones.contains(&i) { Some(1) } else { rest.next().copied() })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| mismatch("Unsqueeze names an axis twice"))
}

/// The columns at `columns` of the last axis.
pub(crate) fn take_columns(input: &Tensor, columns: &[i64]) -> Result<Tensor> {
    let width = input.shape.last().copied().unwrap_or(1);
    let picked = columns
        .iter()
        .map(|&c| usize::try_from(c).ok().filter(|&c| c < width))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| mismatch(format!("ArrayFeatureExtractor asks for a column beyond {width}")))?;
    let mut shape = input.shape.clone();
    match shape.last_mut() {
        Some(last) if input.shape.len() > 1 => *last = picked.len(),
        _ => shape = vec![1, picked.len()],
    }
    elements(&shape)?;
    fn pick<T: Clone>(values: &[T], width: usize, picked: &[usize]) -> Vec<T> {
        values.chunks_exact(width.max(1)).flat_map(|row| picked.iter().map(|&c| row[c].clone())).collect()
    }
    let data = match &input.data {
        Data::Float(v) => Data::Float(pick(v, width, &picked)),
        Data::Int(v) => Data::Int(pick(v, width, &picked)),
        Data::Bool(v) => Data::Bool(pick(v, width, &picked)),
        Data::Text(v) => Data::Text(pick(v, width, &picked)),
    };
    Tensor::new(shape, data)
}

/// The product of two matrices, each possibly transposed. Sums are kept in 64 bits.
pub(crate) fn product(a: &Tensor, b: &Tensor, transposed: (bool, bool)) -> Result<Tensor> {
    let ([rows_a, columns_a], [rows_b, columns_b]) = (a.shape.as_slice(), b.shape.as_slice()) else {
        return Err(mismatch("the tabular engine multiplies matrices only"));
    };
    let (rows, inner) = if transposed.0 { (*columns_a, *rows_a) } else { (*rows_a, *columns_a) };
    let (inner_b, columns) = if transposed.1 { (*columns_b, *rows_b) } else { (*rows_b, *columns_b) };
    if inner != inner_b {
        return Err(mismatch(format!("the shapes {:?} and {:?} cannot be multiplied", a.shape, b.shape)));
    }
    let (x, y) = (a.floats()?, b.floats()?);
    let mut values = Vec::with_capacity(elements(&[rows, columns])?);
    for row in 0..rows {
        for column in 0..columns {
            let sum: f64 = (0..inner)
                .map(|k| {
                    let left = x[if transposed.0 { k * rows + row } else { row * inner + k }];
                    let right = y[if transposed.1 { column * inner + k } else { k * columns + column }];
                    f64::from(left) * f64::from(right)
                })
                .sum();
            values.push(sum as f32);
        }
    }
    Tensor::matrix(rows, columns, values)
}

//! Operators on elements, with the broadcasting of ONNX (that of NumPy).

use flyball_core::Result;

use super::tensor::{Data, Tensor, elements, mismatch};

/// The common shape of two operands.
fn broadcast_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], i: usize| if i + shape.len() < rank { 1 } else { shape[i + shape.len() - rank] };
    let shape = (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(mismatch(format!("the shapes {a:?} and {b:?} do not fit together"))),
        })
        .collect::<Result<Vec<_>>>()?;
    elements(&shape)?;
    Ok(shape)
}

/// For each element of `shape` the position in an operand of the shape `from`.
fn positions(from: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut result = vec![0usize];
    let missing = shape.len() - from.len();
    for (i, &size) in shape.iter().enumerate() {
        let own = if i < missing { 1 } else { from[i - missing] };
        let step = usize::from(own != 1);
        result = result.iter().flat_map(|&base| (0..size).map(move |k| base * own + k * step)).collect();
    }
    result
}

/// Applies `f` to all pairs of elements.
fn zip<T: Copy, U: Copy, R>(
    a: (&[usize], &[T]),
    b: (&[usize], &[U]),
    f: impl Fn(T, U) -> R,
) -> Result<(Vec<usize>, Vec<R>)> {
    if a.0 == b.0 {
        return Ok((a.0.to_vec(), a.1.iter().zip(b.1).map(|(&x, &y)| f(x, y)).collect()));
    }
    let shape = broadcast_shape(a.0, b.0)?;
    let (left, right) = (positions(a.0, &shape), positions(b.0, &shape));
    let values = left.iter().zip(&right).map(|(&i, &j)| f(a.1[i], b.1[j])).collect();
    Ok((shape, values))
}

/// The four operations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

/// Arithmetic on floats, or on whole numbers when both are whole; division by zero among these is an error.
pub(crate) fn arithmetic(operation: Arithmetic, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if let (Data::Int(x), Data::Int(y)) = (&a.data, &b.data) {
        let (shape, values) = zip((&a.shape, x), (&b.shape, y), |x, y| match operation {
            Arithmetic::Add => Some(x.wrapping_add(y)),
            Arithmetic::Sub => Some(x.wrapping_sub(y)),
            Arithmetic::Mul => Some(x.wrapping_mul(y)),
            Arithmetic::Div => x.checked_div(y),
        })?;
        let values = values.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| mismatch("a division by zero"))?;
        return Tensor::new(shape, Data::Int(values));
    }
    let (x, y) = (a.floats()?, b.floats()?);
    let (shape, values) = zip((&a.shape, &x), (&b.shape, &y), |x, y| match operation {
        Arithmetic::Add => x + y,
        Arithmetic::Sub => x - y,
        Arithmetic::Mul => x * y,
        Arithmetic::Div => x / y,
    })?;
    Tensor::new(shape, Data::Float(values))
}

/// `Less` or `Greater`.
pub(crate) fn compare(less: bool, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (x, y) = (a.floats()?, b.floats()?);
    let (shape, values) = zip((&a.shape, &x), (&b.shape, &y), |x, y| if less { x < y } else { x > y })?;
    Tensor::new(shape, Data::Bool(values))
}

/// Elements of `a` where the condition holds, else of `b`.
pub(crate) fn choose(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    fn pick<T: Clone>(condition: &Tensor, a: (&[usize], &[T]), b: (&[usize], &[T])) -> Result<(Vec<usize>, Vec<T>)> {
        let flags = condition.bools()?;
        let shape = broadcast_shape(&broadcast_shape(a.0, b.0)?, &condition.shape)?;
        let at = [positions(&condition.shape, &shape), positions(a.0, &shape), positions(b.0, &shape)];
        let values = (0..at[0].len())
            .map(|i| if flags[at[0][i]] { a.1[at[1][i]].clone() } else { b.1[at[2][i]].clone() })
            .collect();
        Ok((shape, values))
    }
    let (shape, data) = match (&a.data, &b.data) {
        (Data::Int(x), Data::Int(y)) => {
            let (shape, values) = pick(condition, (&a.shape, x), (&b.shape, y))?;
            (shape, Data::Int(values))
        }
        (Data::Text(x), Data::Text(y)) => {
            let (shape, values) = pick(condition, (&a.shape, x), (&b.shape, y))?;
            (shape, Data::Text(values))
        }
        _ => {
            let (shape, values) = pick(condition, (&a.shape, &a.floats()?), (&b.shape, &b.floats()?))?;
            (shape, Data::Float(values))
        }
    };
    Tensor::new(shape, data)
}

/// Applies `f` to each float.
pub(crate) fn map(input: &Tensor, f: impl Fn(f32) -> f32) -> Result<Tensor> {
    Tensor::new(input.shape.clone(), Data::Float(input.floats()?.iter().map(|&x| f(x)).collect()))
}

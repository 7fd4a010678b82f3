//! Between tables and the tensors of models: columns become inputs, outputs become columns.

use flyball_core::tensor::{Number, pack};
use flyball_core::{Column, DataType, Error, Result, Table, Tensor, TensorData, TensorSignature, TextColumn, Value};

/// The columns of a table as the inputs of a model: each where the model has columns, all numbers as one matrix where it
/// takes a matrix of that width.
///
/// # Errors
/// `InvalidInput` that names the column that is of another kind.
pub fn tensors(signature: &TensorSignature, table: &Table) -> Result<Vec<Tensor>> {
    let rows = table.rows();
    if signature.open {
        let column = |(position, name): (usize, &String)| {
            let datatype = if matches!(table.at(position), Column::Text(_)) { DataType::Bytes } else { DataType::Fp64 };
            column(table.at(position), name, datatype, vec![rows])
        };
        return table.names().iter().enumerate().map(column).collect();
    }
    if let [matrix] = signature.inputs.as_slice()
        && !signature.columns
        && matrix.shape.len() == 2
        && matrix.datatype != DataType::Bytes
        && table.position(&matrix.name).is_none()
    {
        let width = table.names().len();
        let cell = |at: usize| Number::Fraction(table.at(at % width).number(at / width));
        let packed = pack(matrix.datatype, (0..rows * width).map(cell));
        let packed = packed.ok_or_else(|| Error::invalid(format!("the rows are not {}", matrix.datatype)))?;
        return Ok(vec![Tensor::new(
            &matrix.name,
            matrix.datatype,
            vec![rows, width],
            TensorData::Packed(packed.into()),
        )?]);
    }
    let known = signature.inputs.iter().filter_map(|spec| Some((spec, table.position(&spec.name)?)));
    known
        .map(|(spec, position)| {
            let shape = if spec.shape.len() == 2 { vec![rows, 1] } else { vec![rows] };
            column(table.at(position), &spec.name, spec.datatype, shape)
        })
        .collect()
}

fn column(column: &Column, name: &str, datatype: DataType, shape: Vec<usize>) -> Result<Tensor> {
    let wrong =
        || Error::invalid(format!("the column '{name}' is {}, the model takes {datatype}", column.kind().as_str()));
    let data = match (column, datatype) {
        (Column::Text(texts), DataType::Bytes) => {
            let text = |row| texts.get(row).map(|text| text.to_string()).unwrap_or_default();
            TensorData::Texts((0..column.len()).map(|row| text(row).into_bytes().into()).collect())
        }
        (Column::Text(_), _) if (0..column.len()).any(|row| !column.is_missing(row)) => return Err(wrong()),
        (_, DataType::Bytes) => {
            let text = |row| column.value(row).text().unwrap_or_default();
            TensorData::Texts((0..column.len()).map(|row| text(row).into_bytes().into()).collect())
        }
        _ => {
            let number = |row| match column.value(row) {
                Value::Int(whole) => Number::Whole(whole),
                other => Number::Fraction(other.number()),
            };
            let packed = pack(datatype, (0..column.len()).map(number));
            TensorData::Packed(packed.ok_or_else(|| wrong().hint("a whole number cannot be missing"))?.into())
        }
    };
    Tensor::new(name, datatype, shape, data)
}

/// The outputs of a model as columns: one for each value that an output has in a row, numbered where there are several.
///
/// # Errors
/// `InvalidData` when an output has another number of rows, or more than [`WIDEST`] values in each.
pub fn of_outputs(outputs: &[Tensor], rows: usize) -> Result<Vec<(String, Column)>> {
    let mut columns = Vec::new();
    for output in outputs {
        let width = output.row_len();
        if output.rows() != rows || output.shape().is_empty() || width > WIDEST {
            let message = format!("the output '{}' of the shape {:?} is no column", output.name(), output.shape());
            return Err(Error::new(flyball_core::ErrorCode::InvalidData, message)
                .hint(format!("a batch needs outputs of one row for each row, with {WIDEST} values at most")));
        }
        for place in 0..width {
            let at = |row: usize| row * width + place;
            let name = if width == 1 { output.name().to_owned() } else { format!("{}.{place}", output.name()) };
            let texts =
                || (0..rows).map(|row| output.text(at(row)).map(|text| String::from_utf8_lossy(text).into_owned()));
            let column = match output.datatype() {
                DataType::Bytes => {
                    let texts: Vec<Option<String>> = texts().collect();
                    Column::Text(TextColumn::from_texts(texts.iter().map(Option::as_deref)))
                }
                DataType::Bool => Column::Bool((0..rows).map(|row| u8::from(output.number(at(row)) == 1.0)).collect()),
                DataType::Fp16 | DataType::Bf16 | DataType::Fp32 | DataType::Fp64 | DataType::Uint64 => {
                    Column::Float((0..rows).map(|row| output.number(at(row))).collect())
                }
                _ => Column::Int((0..rows).map(|row| output.number(at(row)) as i64).collect()),
            };
            columns.push((name, column));
        }
    }
    Ok(columns)
}

/// Most values that an output has in a row to become columns.
pub const WIDEST: usize = 1_000;

#[cfg(test)]
mod tests {
    use flyball_core::{TensorSpec, TextColumn};

    use super::*;

    fn spec(name: &str, datatype: DataType, shape: &[i64]) -> TensorSpec {
        TensorSpec { name: name.into(), datatype, shape: shape.to_vec(), optional: false }
    }

    fn table() -> Table {
        Table::new(vec![("a".into(), Column::Float(vec![1.0, f64::NAN])), ("b".into(), Column::Int(vec![3, 4]))])
            .unwrap()
    }

    #[test]
    fn columns_and_matrices_are_made_of_rows() {
        let inputs = vec![spec("b", DataType::Int32, &[-1]), spec("a", DataType::Fp32, &[-1])];
        let columns = TensorSignature { inputs, columns: true, ..TensorSignature::default() };
        let made = tensors(&columns, &table()).unwrap();
        columns.check(&made).unwrap();
        assert_eq!((made[0].number(1), made[1].number(0)), (4.0, 1.0));
        let matrix =
            TensorSignature { inputs: vec![spec("x", DataType::Fp32, &[-1, 2])], ..TensorSignature::default() };
        let made = tensors(&matrix, &table()).unwrap();
        matrix.check(&made).unwrap();
        assert_eq!((made[0].number(0), made[0].number(3)), (1.0, 4.0));
    }

    #[test]
    fn a_column_of_another_kind_is_refused() {
        let whole =
            TensorSignature { inputs: vec![spec("a", DataType::Int64, &[-1])], columns: true, ..Default::default() };
        assert!(tensors(&whole, &table()).unwrap_err().message().contains("'a'"));
        let text = Table::new(vec![("a".into(), Column::Text(TextColumn::from_texts([Some("x")])))]).unwrap();
        assert!(tensors(&whole, &text).unwrap_err().message().contains("INT64"));
    }
}

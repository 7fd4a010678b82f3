//! Puts tables of records under one another.

use flyball_core::table::TextBuilder;
use flyball_core::{Column, Kind, Result, Table, Value};

/// One table of all rows, in order, with every column that any of them has; where a table lacks a column its rows are
/// missing there. A column of different types becomes text if one is text, else floating point.
///
/// # Errors
/// When the columns do not fit together.
pub fn concat(tables: &[Table]) -> Result<Table> {
    if let [table] = tables {
        return Ok(table.clone());
    }
    let mut names: Vec<&str> = Vec::new();
    for table in tables {
        names.extend(table.names().iter().map(String::as_str).filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    Table::new(names.into_iter().map(|name| Ok((name.to_owned(), column(tables, name)?))).collect::<Result<_>>()?)
}

fn column(tables: &[Table], name: &str) -> Result<Column> {
    let parts: Vec<(usize, Option<&Column>)> =
        tables.iter().map(|table| (table.rows(), table.position(name).map(|position| table.at(position)))).collect();
    let mut kinds = parts.iter().filter_map(|(_, part)| part.map(Column::kind));
    let first = kinds.next().unwrap_or(Kind::Float);
    let kind = kinds.fold(first, |kind, next| match (kind, next) {
        (kind, next) if kind == next => kind,
        (Kind::Text, _) | (_, Kind::Text) => Kind::Text,
        _ => Kind::Float,
    });
    match kind {
        Kind::Text => Ok(text(&parts)),
        Kind::Float => Ok(Column::Float(
            parts.iter().flat_map(|(rows, part)| part.map_or_else(|| vec![f64::NAN; *rows], Column::numbers)).collect(),
        )),
        Kind::Int | Kind::Bool | Kind::Time => {
            let values: Vec<Value> = parts
                .iter()
                .flat_map(|(rows, part)| (0..*rows).map(move |row| part.map_or(Value::Missing, |part| part.value(row))))
                .collect();
            Column::from_values(kind, &values)
        }
    }
}

fn text(parts: &[(usize, Option<&Column>)]) -> Column {
    let mut builder = TextBuilder::default();
    for (rows, part) in parts {
        for row in 0..*rows {
            match part {
                Some(Column::Text(column)) => builder.push(column.get(row).map(|text| &**text)),
                Some(other) => builder.push(other.value(row).text().as_deref()),
                None => builder.push(None),
            }
        }
    }
    Column::Text(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: Vec<(&str, Column)>) -> Table {
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
    }

    #[test]
    fn tables_of_different_columns_keep_all_rows() {
        let text = |values: &[&str]| {
            Column::from_values(Kind::Text, &values.iter().map(|v| Value::Text((*v).into())).collect::<Vec<_>>())
                .unwrap()
        };
        let first = table(vec![("n", Column::Int(vec![1, 2])), ("m", Column::Float(vec![0.5, 1.5]))]);
        let second = table(vec![("n", Column::Int(vec![3])), ("m", text(&["x"])), ("t", text(&["y"]))]);
        let all = concat(&[first, second]).unwrap();
        assert_eq!(all.row(0), vec![Value::Int(1), Value::Text("0.5".into()), Value::Missing]);
        assert_eq!(all.row(2), vec![Value::Int(3), Value::Text("x".into()), Value::Text("y".into())]);
        assert_eq!(concat(&[]).unwrap().rows(), 0);
    }
}

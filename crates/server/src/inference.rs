//! Asks an endpoint for rows, whatever its model takes: as they come, through its SQL, as tensors.

use std::sync::Arc;

use flyball_core::{Error, Result, Table, Timestamp};
use flyball_serving::{Answers, LiveEndpoint, TableRequest, TensorAnswer, TensorRequest, columns};

use crate::app::App;

/// Rows to ask for.
pub(crate) struct Rows {
    pub(crate) table: Table,
    pub(crate) keys: Option<Vec<String>>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) version: Option<i64>,
}

/// What was answered.
pub(crate) enum Answered {
    /// By a model of features.
    Scores(Answers),
    /// By a model of tensors.
    Tensors(TensorAnswer),
}

/// Answers rows.
///
/// # Errors
/// As [`LiveEndpoint::infer`] and [`LiveEndpoint::infer_tensors`]; `SqlError` from the endpoint's SQL.
pub(crate) fn rows(app: &App, endpoint: &LiveEndpoint, rows: Rows) -> Result<Answered> {
    let Rows { table, keys, at, version } = rows;
    let table = features(app, endpoint, table).inspect_err(|_| endpoint.refuse())?;
    let Some(signature) = &endpoint.contract.tensors else {
        let times = at.map(|at| vec![at; table.rows()]);
        let request = TableRequest { rows: &table, keys: keys.as_deref(), times: times.as_deref(), version };
        return endpoint.infer(request).map(Answered::Scores);
    };
    let inputs = columns::tensors(signature, &table).inspect_err(|_| endpoint.refuse())?;
    let request = TensorRequest { inputs: &inputs, wanted: None, keys: keys.as_deref(), at, version };
    endpoint.infer_tensors(request).map(Answered::Tensors)
}

/// The features that the endpoint's SQL makes of raw records; the records themselves where it has none.
///
/// # Errors
/// `SqlError`; `InvalidInput` when the SQL gives another number of rows.
pub(crate) fn features(app: &App, endpoint: &LiveEndpoint, table: Table) -> Result<Table> {
    let Some(sql) = &endpoint.endpoint.settings.features_sql else { return Ok(table) };
    let rows = table.rows();
    let made = app.platform.query.sql(sql, &[("request".to_owned(), Arc::new(table))])?;
    if made.rows() == rows {
        return Ok(made);
    }
    Err(Error::invalid(format!("the endpoint's SQL makes {} rows of {rows}", made.rows()))
        .hint("features_sql gives one row for each row of request, in its order"))
}

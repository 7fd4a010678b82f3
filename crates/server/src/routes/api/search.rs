//! What lists that can be searched have in common.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use flyball_core::{Error, Permit, Read, Result, limits};
use flyball_store::Tx;
use flyball_tracking::View;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

use super::reader;
use crate::app::App;
use crate::blocking;
use crate::error::ApiError;

/// What is searched for. The language of filters and orders is that of MLflow.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    /// What must hold, such as `metrics.auc > 0.7 AND params.depth = '6'`
    filter: Option<String>,
    /// The order, steps with commas between, such as `metrics.auc DESC`
    order_by: Option<String>,
    /// At most so many; 100 when absent
    limit: Option<usize>,
    /// The token of the page before
    page_token: Option<String>,
    /// Those in the bin instead
    #[serde(default)]
    deleted: bool,
    /// Only runs of this experiment
    experiment: Option<String>,
}

impl SearchQuery {
    pub(crate) fn filter(&self) -> String {
        self.filter.clone().unwrap_or_default()
    }

    pub(crate) fn order_by(&self) -> Vec<String> {
        let steps = self.order_by.as_deref().unwrap_or_default().split(',').map(str::trim);
        steps.filter(|step| !step.is_empty()).map(str::to_owned).collect()
    }

    /// Whether nothing is asked for but the first ones.
    pub(crate) fn is_plain(&self) -> bool {
        let Self { filter, order_by, limit: _, page_token, deleted, experiment } = self;
        ![filter, order_by, page_token, experiment].into_iter().any(Option::is_some) && !deleted
    }

    pub(crate) fn limit(&self) -> Result<usize> {
        /// How many when nothing is said.
        const USUAL: usize = 100;
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=limits::PAGE_ROWS => Ok(limit),
            other => Err(Error::invalid(format!("limit is {other}; it must be between 1 and {}", limits::PAGE_ROWS))),
        }
    }

    pub(crate) fn page_token(&self) -> Option<String> {
        self.page_token.clone()
    }

    pub(crate) fn view(&self) -> View {
        if self.deleted { View::Deleted } else { View::Active }
    }

    /// Refuses what models know nothing of.
    pub(crate) fn of_models(self) -> Result<Self> {
        if self.deleted || self.experiment.is_some() {
            return Err(Error::invalid("models have no bin and belong to no experiment")
                .hint("leave out `deleted` and `experiment`"));
        }
        Ok(self)
    }

    pub(crate) fn experiment(&self) -> Option<&str> {
        self.experiment.as_deref()
    }
}

/// The header that names the next page.
const NEXT: HeaderName = HeaderName::from_static("next-page-token");

/// A list, with the token of its next page in a header.
pub(crate) struct Page {
    list: Value,
    next: Option<String>,
}

impl Page {
    /// Answers a list from one snapshot of the database.
    pub(crate) async fn read<T: Serialize>(
        app: Arc<App>,
        work: impl FnOnce(&mut Tx<'_>, &Permit<Read>) -> Result<(Vec<T>, Option<String>)> + Send + 'static,
    ) -> Result<Self, ApiError> {
        let page = blocking(move || {
            let permit = reader()?;
            let (list, next) = app.platform.db.read(|tx| work(tx, &permit))?;
            Ok(Self { list: serde_json::to_value(list).map_err(Error::internal)?, next })
        });
        Ok(page.await?)
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let next = self.next.and_then(|token| HeaderValue::from_str(&token).ok());
        let mut response = Json(self.list).into_response();
        response.headers_mut().extend(next.map(|token| (NEXT, token)));
        response
    }
}

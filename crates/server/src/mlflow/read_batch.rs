//! Reading a batch: what the stock client writes without a tree of values between, all else as every other call is read.

use flyball_core::Result;
use flyball_tracking::batch::Batch;
use flyball_tracking::logged_models::ModelMetric;
use flyball_tracking::{Metric, Pair, Point};
use serde::Deserialize;

use super::experiments::pairs;
use super::fields::Fields;
use super::{metrics, runs};

/// The run, the checked batch, and those of its points that are about logged models.
type Read = (String, Batch, Vec<(String, ModelMetric)>);

/// Reads the body of a call.
///
/// # Errors
/// `InvalidInput` for the first thing that may not be.
pub(super) fn read_batch(body: &[u8]) -> Result<Read> {
    let (id, batch, of_models) = match plain(body) {
        Some((id, batch)) => (id, batch, Vec::new()),
        None => lenient(body)?,
    };
    batch.check()?;
    Ok((id, batch, of_models))
}

/// A batch that is written in one way: every field by its first name and of its own type, none twice, no other. It has no
/// NaN (a text) and nothing of logged models.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    run_id: String,
    #[serde(default)]
    metrics: Vec<PlainMetric>,
    #[serde(default)]
    params: Vec<PlainPair>,
    #[serde(default)]
    tags: Vec<PlainPair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainMetric {
    key: String,
    value: f64,
    timestamp: i64,
    #[serde(default)]
    step: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainPair {
    key: String,
    value: String,
}

fn plain(body: &[u8]) -> Option<(String, Batch)> {
    let Plain { run_id, metrics, params, tags } = serde_json::from_slice(body).ok()?;
    let has_names = metrics.iter().all(|metric| !metric.key.is_empty())
        && params.iter().chain(&tags).all(|pair| !pair.key.is_empty())
        && flyball_tracking::rules::check_run_id(&run_id).is_ok();
    let metric = |PlainMetric { key, value, timestamp, step }| Metric { key, point: Point { value, timestamp, step } };
    let pairs = |list: Vec<PlainPair>| list.into_iter().map(|pair| Pair { key: pair.key, value: pair.value }).collect();
    let batch = Batch { metrics: metrics.into_iter().map(metric).collect(), params: pairs(params), tags: pairs(tags) };
    has_names.then_some((run_id, batch))
}

fn lenient(body: &[u8]) -> Result<Read> {
    let mut fields = Fields::of_body(body);
    let id = runs::fields_id(&fields)?;
    let mut of_models = Vec::new();
    let metric = |fields: &Fields| {
        let metric = metrics::metric_of(fields)?;
        of_models.extend(metrics::model_metric_of(fields, &metric)?);
        Ok(metric)
    };
    let batch = Batch {
        metrics: fields.take_objects("metrics")?.iter().map(metric).collect::<Result<_>>()?,
        params: pairs(&fields, "params")?,
        tags: pairs(&fields, "tags")?,
    };
    Ok((id, batch, of_models))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readings_of_a_plain_batch_are_the_same() {
        let body = br#"{"run_id":"a1","metrics":[{"key":"loss","value":0.1,"timestamp":5,"step":2},
            {"key":"n","value":3,"timestamp":6}],"params":[{"key":"p","value":"1"}],"tags":[{"key":"t","value":""}]}"#;
        let (id, batch) = plain(body).unwrap();
        let (other_id, other, of_models) = lenient(body).unwrap();
        assert_eq!((id, format!("{batch:?}")), (other_id, format!("{other:?}")));
        assert_eq!((batch.metrics.len(), of_models.len()), (2, 0));
    }

    #[test]
    fn everything_else_is_read_leniently() {
        for body in [
            r#"{"runId":"a1","metrics":[]}"#,
            r#"{"run_id":"a1","metrics":null}"#,
            r#"{"run_id":"a1","metrics":[{"key":"m","value":"NaN","timestamp":1}]}"#,
            r#"{"run_id":"a1","metrics":[{"key":"m","value":1,"timestamp":1.0}]}"#,
            r#"{"run_id":"a1","metrics":[{"key":"m","value":1,"timestamp":1,"model_id":"m-1"}]}"#,
            r#"{"run_id":"a1","params":[{"key":"p"}]}"#,
        ] {
            assert!(plain(body.as_bytes()).is_none(), "{body}");
            assert!(read_batch(body.as_bytes()).is_ok(), "{body}");
        }
        for body in [r#"{"run_id":"","metrics":[]}"#, r#"{"run_id":"a","tags":[{"key":"","value":"x"}]}"#, "[]"] {
            assert!(plain(body.as_bytes()).is_none(), "{body}");
            assert!(read_batch(body.as_bytes()).is_err(), "{body}");
        }
    }
}

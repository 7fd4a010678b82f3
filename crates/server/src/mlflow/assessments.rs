//! Assessments of traces.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, Result};
use flyball_traces::assessments::{self, Assessment, Changes, Judgement, SourceType};
use flyball_traces::json_text;
use serde_json::{Number, Value, json};

use super::call::{Answer, Call};
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, patch, post};
use super::shapes::put;
use super::traces::{map_of, rfc3339, timestamp_of};
use crate::access::Policy::{Edit, Read};
use crate::app::App;

/// How lists and objects travel as what was expected.
const JSON_FORMAT: &str = "JSON_FORMAT";

pub(super) fn routes() -> Vec<DialectRoute> {
    const ONE: &str = "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}";
    vec![
        post(Edit, "/api/3.0/mlflow/traces/{trace_id}/assessments", create),
        get(Read, ONE, read),
        patch(Edit, ONE, update),
        delete(Edit, ONE, remove),
    ]
}

async fn create(State(app): State<Arc<App>>, Path(trace_id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        let given = fields.object("assessment")?.ok_or_else(|| fields.missing("assessment"))?;
        let made = assessments::create(tx, permit, &trace_id, assessment_of(&given)?, now)?;
        Ok(json!({ "assessment": shape(&made, &trace_id) }))
    })
    .await
}

async fn read(State(app): State<Arc<App>>, Path((trace_id, id)): Path<(String, String)>, call: Call) -> Answer {
    call.read(app, move |tx, permit, _fields| {
        Ok(json!({ "assessment": shape(&assessments::get(tx, permit, &trace_id, &id)?, &trace_id) }))
    })
    .await
}

async fn update(State(app): State<Arc<App>>, Path((trace_id, id)): Path<(String, String)>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        let given = fields.object("assessment")?.ok_or_else(|| fields.missing("assessment"))?;
        let changes = changes_of(&given, &fields.required_text("update_mask")?)?;
        let changed = assessments::update(tx, permit, &trace_id, &id, changes, now)?;
        Ok(json!({ "assessment": shape(&changed, &trace_id) }))
    })
    .await
}

async fn remove(State(app): State<Arc<App>>, Path((trace_id, id)): Path<(String, String)>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, _fields, _now| assessments::delete(tx, permit, &trace_id, &id).map(|()| json!({})))
        .await
}

/// An assessment as a client gives it.
pub(super) fn assessment_of(fields: &Fields) -> Result<Assessment> {
    let kinds = ["expectation", "feedback", "issue"];
    let given = kinds.iter().filter(|kind| matches!(fields.value(kind), Ok(Some(_)))).count();
    if given != 1 {
        return Err(Error::invalid("an assessment holds exactly one of feedback, expectation and issue"));
    }
    let judgement = match (expectation_of(fields)?, feedback_of(fields)?) {
        (Some(expectation), _) => expectation,
        (None, Some(feedback)) => feedback,
        (None, None) => {
            Judgement::Issue(fields.object("issue")?.unwrap_or_default().text("issue_name")?.unwrap_or_default())
        }
    };
    let source = fields.object("source")?.unwrap_or_default();
    let types = [("SOURCE_TYPE_UNSPECIFIED", 0), ("HUMAN", 1), ("LLM_JUDGE", 2), ("CODE", 3)];
    let source_type = match source.choice("source_type", &types)? {
        Some(1) => SourceType::Human,
        Some(2) => SourceType::LlmJudge,
        Some(3) => SourceType::Code,
        _ => SourceType::Unspecified,
    };
    let filled = |name: &str| Ok::<_, Error>(fields.text(name)?.filter(|text| !text.is_empty()));
    Ok(Assessment {
        id: fields.text("assessment_id")?.unwrap_or_default(),
        name: fields.text("assessment_name")?.unwrap_or_default(),
        judgement,
        source_type,
        source_id: source.text("source_id")?.unwrap_or_default(),
        span_id: filled("span_id")?,
        rationale: filled("rationale")?,
        metadata: map_of(fields, "metadata")?,
        overrides: filled("overrides")?,
        valid: true,
        created_at: timestamp_of(fields, "create_time")?.unwrap_or_default(),
        updated_at: timestamp_of(fields, "last_update_time")?.unwrap_or_default(),
    })
}

fn feedback_of(fields: &Fields) -> Result<Option<Judgement>> {
    let Some(feedback) = fields.object("feedback")? else { return Ok(None) };
    let error = feedback.object("error")?.map(|error| {
        let mut shape = json!({});
        for name in ["error_code", "error_message", "stack_trace"] {
            put(&mut shape, name, error.text(name)?);
        }
        Ok::<_, Error>(shape)
    });
    let value = feedback.value("value")?.cloned().unwrap_or_default();
    Ok(Some(Judgement::Feedback { value: whole(value), error: error.transpose()? }))
}

fn expectation_of(fields: &Fields) -> Result<Option<Judgement>> {
    let Some(expectation) = fields.object("expectation")? else { return Ok(None) };
    let value = match expectation.object("serialized_value")? {
        None => whole(expectation.value("value")?.cloned().unwrap_or_default()),
        Some(written) => {
            let format = written.text("serialization_format")?.unwrap_or_default();
            if format != JSON_FORMAT {
                let shown: String = format.chars().take(50).collect();
                let message = format!("Unknown serialization format: {}", shown.escape_debug());
                return Err(Error::invalid(message).hint("only JSON_FORMAT is supported"));
            }
            let text = written.text("value")?.unwrap_or_default();
            serde_json::from_str(&text)
                .map_err(|cause| Error::invalid("the serialized value is no JSON").cause(cause))?
        }
    };
    Ok(Some(Judgement::Expectation(value)))
}

/// Numbers without a fraction are whole: that is how they come through the protocol's own number type.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                Value::Number(Number::from(float as i64))
            }
            _ => Value::Number(number),
        },
        Value::Array(list) => list.into_iter().map(whole).collect(),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, whole(value))).collect()),
        other => other,
    }
}

/// What the paths of the mask name is changed, in either spelling; others are ignored.
fn changes_of(fields: &Fields, mask: &str) -> Result<Changes> {
    let mut changes = Changes::default();
    let mut kinds = Vec::new();
    for path in mask.split(',').map(str::trim) {
        match path {
            "assessmentName" | "assessment_name" => {
                changes.name = Some(fields.text("assessment_name")?.unwrap_or_default());
            }
            "rationale" => changes.rationale = Some(fields.text("rationale")?.unwrap_or_default()),
            "metadata" => changes.metadata = map_of(fields, "metadata")?,
            "feedback" | "expectation" => kinds.push(path),
            _ => {}
        }
    }
    changes.judgement = match kinds[..] {
        [] => None,
        ["feedback"] => Some(feedback_of(fields)?.unwrap_or(Judgement::Feedback { value: Value::Null, error: None })),
        ["expectation"] => Some(expectation_of(fields)?.unwrap_or(Judgement::Expectation(Value::Null))),
        _ => return Err(Error::invalid("Cannot specify both `expectation` and `feedback` parameters.")),
    };
    Ok(changes)
}

/// An assessment as answers hold it.
pub(super) fn shape(assessment: &Assessment, trace_id: &str) -> Value {
    let mut shape = json!({
        "assessment_id": assessment.id,
        "assessment_name": assessment.name,
        "trace_id": trace_id,
    });
    put(&mut shape, "span_id", assessment.span_id.clone());
    let source = json!({ "source_type": assessment.source_type.as_str(), "source_id": assessment.source_id });
    put(&mut shape, "source", Some(source));
    put(&mut shape, "create_time", Some(rfc3339(assessment.created_at)));
    put(&mut shape, "last_update_time", Some(rfc3339(assessment.updated_at)));
    match &assessment.judgement {
        Judgement::Feedback { value, error } => {
            let mut feedback = json!({ "value": value });
            put(&mut feedback, "error", error.clone());
            put(&mut shape, "feedback", Some(feedback));
        }
        Judgement::Expectation(value @ (Value::Array(_) | Value::Object(_))) => {
            let written = json!({ "serialization_format": JSON_FORMAT, "value": json_text::of(value) });
            put(&mut shape, "expectation", Some(json!({ "serialized_value": written })));
        }
        Judgement::Expectation(value) => put(&mut shape, "expectation", Some(json!({ "value": value }))),
        Judgement::Issue(name) => put(&mut shape, "issue", Some(json!({ "issue_name": name }))),
    }
    put(&mut shape, "rationale", assessment.rationale.clone());
    put(&mut shape, "metadata", (!assessment.metadata.is_empty()).then(|| json!(assessment.metadata)));
    put(&mut shape, "overrides", assessment.overrides.clone());
    put(&mut shape, "valid", Some(assessment.valid));
    shape
}

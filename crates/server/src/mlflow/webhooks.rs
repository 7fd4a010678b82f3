//! Webhooks: who is told of changes in the registry.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, ErrorCode, Result};
use flyball_registry::webhooks::{
    self, Action, Entity, NewWebhook, Status, Subject, Webhook, WebhookChange, Webhooks, uuid,
};
use flyball_tracking::search;
use serde_json::{Value, json};

use super::call::{Answer, Call, JsonText};
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, patch, post};
use super::shapes;
use crate::access::Policy::{Edit, Read};
use crate::app::App;
use crate::blocking;
use crate::routes::api::reader;

/// How many webhooks a page holds when nothing is said, and at most.
const PAGE: (i64, i64) = (100, 1_000);

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/2.0/mlflow/webhooks", create),
        get(Read, "/api/2.0/mlflow/webhooks", list),
        get(Read, "/api/2.0/mlflow/webhooks/{webhook_id}", by_id),
        patch(Edit, "/api/2.0/mlflow/webhooks/{webhook_id}", update),
        delete(Edit, "/api/2.0/mlflow/webhooks/{webhook_id}", remove),
        post(Edit, "/api/2.0/mlflow/webhooks/{webhook_id}/test", test),
    ]
}

fn shape(webhook: &Webhook) -> Value {
    let mut shape = json!({
        "webhook_id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events.iter().map(event).collect::<Vec<_>>(),
        "status": webhook.status.as_str().to_uppercase(),
        "creation_timestamp": webhook.created_at.0,
        "last_updated_timestamp": webhook.updated_at.0,
    });
    let description = webhook.description.as_deref().filter(|description| !description.is_empty());
    shapes::put(&mut shape, "description", description);
    shape
}

fn event(subject: &Subject) -> Value {
    json!({ "entity": subject.entity.as_str().to_uppercase(), "action": subject.action.as_str().to_uppercase() })
}

/// One of some words of the protocol, which numbers them from 1.
fn word<T: Copy>(fields: &Fields, name: &str, all: &[T], text: fn(T) -> &'static str) -> Result<Option<T>> {
    let words: Vec<String> = all.iter().map(|one| text(*one).to_uppercase()).collect();
    let numbered: Vec<(&str, i64)> = words.iter().map(String::as_str).zip(1..).collect();
    let number = fields.choice(name, &numbered)?;
    Ok(number.and_then(|number| all.get(usize::try_from(number - 1).ok()?).copied()))
}

fn subject(fields: &Fields) -> Result<Subject> {
    let entity = word(fields, "entity", Entity::ALL, Entity::as_str)?.ok_or_else(|| fields.missing("entity"))?;
    let action = word(fields, "action", Action::ALL, Action::as_str)?.ok_or_else(|| fields.missing("action"))?;
    Ok(Subject { entity, action })
}

fn subjects(fields: &Fields) -> Result<Vec<Subject>> {
    fields.objects("events")?.iter().map(subject).collect()
}

fn status(fields: &Fields) -> Result<Option<Status>> {
    word(fields, "status", Status::ALL, Status::as_str)
}

/// A text that is there and not empty.
fn something(fields: &Fields, name: &str) -> Result<Option<String>> {
    Ok(fields.text(name)?.filter(|text| !text.is_empty()))
}

fn told(app: &App) -> Result<Webhooks> {
    app.webhooks.clone().ok_or_else(|| {
        Error::new(ErrorCode::Unsupported, "a simulation tells nobody").hint("make webhooks on a server that serves")
    })
}

/// Checks a URL, which may take a while because its name is looked up.
async fn vet(webhooks: &Webhooks, url: Option<String>) -> Result<()> {
    let Some(url) = url else { return Ok(()) };
    let webhooks = webhooks.clone();
    blocking(move || webhooks.vet(&url)).await
}

async fn create(State(app): State<Arc<App>>, call: Call) -> Answer {
    let webhooks = told(&app)?;
    let fields = &call.fields;
    let new = NewWebhook {
        id: uuid(&[&app.ids.fresh_hex()]),
        name: fields.required_text("name")?,
        url: fields.required_text("url")?,
        events: subjects(fields)?,
        description: something(fields, "description")?,
        secret: something(fields, "secret")?,
        status: status(fields)?.unwrap_or(Status::Active),
    };
    if new.events.is_empty() {
        return Err(fields.missing("events").into());
    }
    vet(&webhooks, Some(new.url.clone())).await?;
    call.edit(app, move |tx, permit, _fields, now| {
        Ok(json!({ "webhook": shape(&webhooks.create(tx, permit, &new, now)?) }))
    })
    .await
}

async fn list(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let most = fields.integer("max_results")?.filter(|most| *most != 0).unwrap_or(PAGE.0);
        if !(1..=PAGE.1).contains(&most) {
            return Err(Error::invalid(format!("max_results must be between 1 and {}.", PAGE.1)));
        }
        let most = usize::try_from(most).map_err(Error::internal)?;
        let start = search::offset_of(fields.text("page_token")?.as_deref(), None)?;
        let mut found = webhooks::list(tx, permit, start, most + 1)?;
        let token = (found.len() > most).then(|| search::page_token(start + most, None));
        found.truncate(most);
        Ok(shapes::page("webhooks", found.iter().map(shape).collect(), token))
    })
    .await
}

async fn by_id(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, _fields| Ok(json!({ "webhook": shape(&webhooks::get(tx, permit, &id)?) }))).await
}

async fn update(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    let webhooks = told(&app)?;
    let fields = &call.fields;
    let change = WebhookChange {
        name: something(fields, "name")?,
        description: fields.text("description")?,
        url: something(fields, "url")?,
        events: Some(subjects(fields)?).filter(|events| !events.is_empty()),
        secret: fields.text("secret")?,
        status: status(fields)?,
    };
    vet(&webhooks, change.url.clone()).await?;
    call.edit(app, move |tx, permit, _fields, now| {
        Ok(json!({ "webhook": shape(&webhooks.update(tx, permit, &id, &change, now)?) }))
    })
    .await
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, _fields, now| {
        webhooks::delete(tx, permit, &id, now)?;
        Ok(json!({}))
    })
    .await
}

async fn test(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    let webhooks = told(&app)?;
    let event = call.fields.object("event")?.map(|event| subject(&event)).transpose()?;
    let attempt = app.ids.fresh_hex();
    let result = blocking(move || webhooks.test(&reader()?, &id, event, &attempt)).await?;
    let mut shape = json!({ "success": result.success });
    shapes::put(&mut shape, "response_status", result.answer.as_ref().map(|answer| answer.status));
    shapes::put(&mut shape, "response_body", result.answer.map(|answer| answer.body));
    shapes::put(&mut shape, "error_message", result.error);
    Ok(JsonText::of(&json!({ "result": shape }))?)
}

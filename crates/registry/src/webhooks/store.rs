//! The SQL of webhooks.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, SecretKey, audit};
use flyball_store::{OnConflict, Param, Row, Tx, params};

use super::model::{Action, Entity, NewWebhook, Status, Subject, Webhook, WebhookChange};
use super::rules;

const COLUMNS: &str = "id, name, description, url, status, created_at, updated_at";

/// Makes a webhook. Whether its URL may be called is checked before, outside the transaction.
pub(super) fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    key: &SecretKey,
    new: &NewWebhook,
    now: Timestamp,
) -> Result<Webhook> {
    rules::name(&new.name)?;
    rules::text("url", &new.url)?;
    rules::text("description", new.description.as_deref().unwrap_or_default())?;
    let events = rules::events(&new.events)?;
    tx.execute(
        "INSERT INTO webhooks (id, workspace, name, description, url, secret, status, created_at, updated_at, deliveries) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0)",
        &params![
            &new.id,
            permit.workspace(),
            &new.name,
            new.description.as_ref(),
            &new.url,
            sealed(key, &new.id, new.secret.as_deref())?,
            new.status.as_str(),
            now
        ],
    )?;
    put_events(tx, &new.id, &events)?;
    audit::record(tx, &Event::done(permit, now, "webhook.create", format!("webhook/{}", new.id)))?;
    get(tx, &permit.read(), &new.id)
}

/// A webhook.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Webhook> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?;
    with_events(tx, &row.ok_or_else(|| missing(id))?)
}

/// Webhooks, the newest first, from the place `start`.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, start: usize, most: usize) -> Result<Vec<Webhook>> {
    let sql =
        format!("SELECT {COLUMNS} FROM webhooks WHERE workspace = $1 ORDER BY created_at DESC, id LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, &params![permit.workspace(), most, start])?;
    rows.iter().map(|row| with_events(tx, row)).collect()
}

/// Changes what is given.
pub(super) fn update(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    key: &SecretKey,
    id: &str,
    change: &WebhookChange,
    now: Timestamp,
) -> Result<Webhook> {
    get(tx, &permit.read(), id)?;
    if let Some(name) = &change.name {
        rules::name(name)?;
    }
    rules::text("url", change.url.as_deref().unwrap_or_default())?;
    rules::text("description", change.description.as_deref().unwrap_or_default())?;
    if let Some(events) = &change.events {
        let events = rules::events(events)?;
        tx.execute("DELETE FROM webhook_events WHERE webhook_id = $1", &params![id])?;
        put_events(tx, id, &events)?;
    }
    if change.secret.is_some() {
        let secret = sealed(key, id, change.secret.as_deref())?;
        tx.execute("UPDATE webhooks SET secret = $1 WHERE id = $2", &params![secret, id])?;
    }
    tx.execute(
        "UPDATE webhooks SET name = COALESCE($1, name), description = COALESCE($2, description), \
         url = COALESCE($3, url), status = COALESCE($4, status), updated_at = $5 WHERE id = $6",
        &params![
            change.name.as_ref(),
            change.description.as_ref(),
            change.url.as_ref(),
            change.status.map(Status::as_str),
            now,
            id
        ],
    )?;
    audit::record(tx, &Event::done(permit, now, "webhook.update", format!("webhook/{id}")))?;
    get(tx, &permit.read(), id)
}

/// Deletes a webhook with its secret. Deliveries that wait are dropped when their turn comes.
///
/// # Errors
/// `NotFound` when there is none.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, now: Timestamp) -> Result<()> {
    get(tx, &permit.read(), id)?;
    tx.execute("DELETE FROM webhook_events WHERE webhook_id = $1", &params![id])?;
    tx.execute("DELETE FROM webhooks WHERE id = $1", &params![id])?;
    audit::record(tx, &Event::done(permit, now, "webhook.delete", format!("webhook/{id}")))
}

/// Where a delivery goes now, and with which secret; `None` when the webhook is gone or told nothing.
pub(super) fn target(tx: &mut Tx<'_>, key: &SecretKey, id: &str) -> Result<Option<(String, Option<String>)>> {
    let row = tx.query_one("SELECT url, secret, status FROM webhooks WHERE id = $1", &params![id])?;
    let Some(row) = row.filter(|row| row.get::<String>("status").is_ok_and(|s| s == Status::Active.as_str())) else {
        return Ok(None);
    };
    Ok(Some((row.get("url")?, opened(key, id, &row)?)))
}

/// The secret of a webhook, whatever its status.
pub(super) fn secret(tx: &mut Tx<'_>, key: &SecretKey, id: &str) -> Result<Option<String>> {
    let row = tx.query_one("SELECT secret FROM webhooks WHERE id = $1", &params![id])?;
    row.map_or(Ok(None), |row| opened(key, id, &row))
}

fn opened(key: &SecretKey, id: &str, row: &Row) -> Result<Option<String>> {
    row.get::<Option<Vec<u8>>>("secret")?.map(|sealed| key.open(id, &sealed)).transpose()
}

fn sealed(key: &SecretKey, id: &str, secret: Option<&str>) -> Result<Option<Vec<u8>>> {
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return Ok(None) };
    rules::text("secret", secret)?;
    key.seal(id, secret).map(Some)
}

fn put_events(tx: &mut Tx<'_>, id: &str, events: &[Subject]) -> Result<()> {
    let rows: Vec<Vec<Param>> =
        events.iter().map(|event| params![id, event.entity.as_str(), event.action.as_str()].to_vec()).collect();
    tx.insert_rows("webhook_events", &["webhook_id", "entity", "action"], &rows, OnConflict::Fail).map(drop)
}

fn with_events(tx: &mut Tx<'_>, row: &Row) -> Result<Webhook> {
    let id: String = row.get("id")?;
    let events = tx.query(
        "SELECT entity, action FROM webhook_events WHERE webhook_id = $1 ORDER BY entity, action",
        &params![&id],
    )?;
    let event = |row: &Row| {
        let (entity, action): (String, String) = (row.get("entity")?, row.get("action")?);
        Ok(Subject { entity: Entity::parse(&entity)?, action: Action::parse(&action)? })
    };
    Ok(Webhook {
        name: row.get("name")?,
        description: row.get("description")?,
        url: row.get("url")?,
        events: events.iter().map(event).collect::<Result<_>>()?,
        status: Status::parse(&row.get::<String>("status")?)?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        id,
    })
}

fn missing(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("Webhook with ID {id} not found."))
}

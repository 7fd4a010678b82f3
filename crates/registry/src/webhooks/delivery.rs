//! Tells webhooks: the body, its signature, the call, and what its outcome means.

use std::fmt;
use std::sync::Arc;

use flyball_core::{Clock, Digest, Edit, Error, Permit, Read, Result, Timestamp};
use flyball_egress::{Answer, Egress, signature};
use flyball_governance::SecretKey;
use flyball_jobs::{Claimed, Handler, Outcome};
use flyball_store::{Db, Tx};
use serde_json::{Value, json};

use super::model::{Action, Entity, NewWebhook, Subject, Webhook, WebhookChange};
use super::{events, rules, samples, store};

/// Makes webhooks, tries them out and delivers to them; cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    db: Db,
    clock: Arc<dyn Clock>,
    egress: Egress,
    key: SecretKey,
}

/// How trying a webhook out went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// Whether the receiver took it: any status below 400.
    pub success: bool,
    /// What the receiver answered, when it did: the status and the beginning of the body.
    pub answer: Option<Answer>,
    /// Why it did not answer.
    pub error: Option<String>,
}

/// One delivery: its id stays the same however often it is tried.
struct Delivery {
    id: String,
    subject: Subject,
    happened_at: Timestamp,
    data: Value,
}

impl Webhooks {
    /// Webhooks that call through `egress` and whose secrets are sealed with `key`.
    pub fn new(db: Db, clock: Arc<dyn Clock>, egress: Egress, key: SecretKey) -> Self {
        Self { db, clock, egress, key }
    }

    /// Whether a URL may be called. It looks up the name, so it does not belong into a transaction.
    ///
    /// # Errors
    /// `InvalidInput` with the reason.
    pub fn vet(&self, url: &str) -> Result<()> {
        self.egress.vet(url).map_err(|error| error.context("Invalid webhook URL"))
    }

    /// Makes a webhook, whose URL was vetted.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidInput` when a part of it is not accepted.
    pub fn create(&self, tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewWebhook, now: Timestamp) -> Result<Webhook> {
        store::create(tx, permit, &self.key, new, now)
    }

    /// Changes a webhook; a new URL was vetted.
    ///
    /// # Errors
    /// As [`Webhooks::create`]; `NotFound` when there is none.
    pub fn update(
        &self,
        tx: &mut Tx<'_>,
        permit: &Permit<Edit>,
        id: &str,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<Webhook> {
        store::update(tx, permit, &self.key, id, change, now)
    }

    /// Sends a made-up event at once, the webhook's first one when none is named. `attempt` tells this try from others.
    ///
    /// # Errors
    /// `NotFound` when there is no such webhook, `InvalidInput` when there is no such event. That the receiver does not
    /// answer is no error.
    pub fn test(&self, permit: &Permit<Read>, id: &str, event: Option<Subject>, attempt: &str) -> Result<TestResult> {
        event.map_or(Ok(()), rules::check)?;
        let (webhook, secret) =
            self.db.read(|tx| Ok((store::get(tx, permit, id)?, store::secret(tx, &self.key, id))))?;
        let subject = event.or_else(|| webhook.events.first().copied());
        let subject = subject.ok_or_else(|| Error::invalid("Webhook events cannot be empty"))?;
        let delivery =
            Delivery { id: uuid(&[attempt]), subject, happened_at: self.clock.now(), data: samples::of(subject) };
        Ok(match secret.and_then(|secret| self.send(&webhook.url, secret.as_deref(), &delivery)) {
            Ok(answer) => TestResult { success: answer.status < 400, answer: Some(answer), error: None },
            Err(error) => {
                TestResult { success: false, answer: None, error: Some(format!("Failed to test webhook: {error}")) }
            }
        })
    }

    fn send(&self, url: &str, secret: Option<&str>, delivery: &Delivery) -> Result<Answer> {
        let body = json!({
            "entity": delivery.subject.entity.as_str(),
            "action": delivery.subject.action.as_str(),
            "timestamp": delivery.happened_at.to_string(),
            "data": delivery.data,
        })
        .to_string();
        // The time of this try: receivers refuse old ones, so that nobody can play a delivery back to them.
        let timestamp = self.clock.now().0.div_euclid(1000).to_string();
        let mut headers = vec![("X-MLflow-Delivery-Id", delivery.id.as_str()), ("X-MLflow-Timestamp", &timestamp)];
        let signature =
            secret.map(|secret| signature::sign(secret.as_bytes(), &delivery.id, &timestamp, &body)).transpose()?;
        if let Some(signature) = &signature {
            headers.push(("X-MLflow-Signature", signature));
        }
        self.egress.post_json(url, &headers, &body)
    }

    fn deliver(&self, job: &Claimed) -> Result<Outcome> {
        let payload = &job.job.payload;
        let text = |name: &str| payload[name].as_str().unwrap_or_default();
        let target = self.db.read(|tx| store::target(tx, &self.key, text("webhook")))?;
        let Some((url, secret)) = target else {
            return Ok(Outcome::unchanged(json!({ "dropped": "the webhook is gone or disabled" })));
        };
        let delivery = Delivery {
            id: uuid(&[&job.job.id]),
            subject: Subject { entity: Entity::parse(text("entity"))?, action: Action::parse(text("action"))? },
            happened_at: Timestamp(payload["at"].as_i64().unwrap_or_default()),
            data: payload["data"].clone(),
        };
        let answer = self.send(&url, secret.as_deref(), &delivery)?;
        Ok(Outcome::unchanged(json!({ "status": answer.taken()? })))
    }
}

impl Handler for Webhooks {
    fn kinds(&self) -> &[&'static str] {
        &[events::KIND]
    }

    fn run(&self, job: &Claimed) -> Result<Outcome> {
        self.deliver(job)
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("egress", &self.egress).finish_non_exhaustive()
    }
}

/// A UUID that follows from some texts.
pub fn uuid(parts: &[&str]) -> String {
    let digest = Digest::of_parts(parts.iter().map(|part| part.as_bytes())).to_string();
    // Version 8 is the one for ids made in a way of one's own (RFC 9562).
    format!("{}-{}-8{}-8{}-{}", &digest[..8], &digest[8..12], &digest[13..16], &digest[17..20], &digest[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_a_uuid() {
        let id = uuid(&["a"]);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(id, uuid(&["b"]));
    }
}

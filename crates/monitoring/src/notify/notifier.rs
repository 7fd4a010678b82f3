//! Delivers notifications: opens the secrets of a route, speaks its dialect, and says what the answer means.

use std::fmt;
use std::sync::Arc;

use flyball_core::{Clock, Error, ErrorCode, Permit, Read, Result, id};
use flyball_egress::{Egress, MailServer};
use flyball_governance::{Vault, identity};
use flyball_jobs::{Claimed, Handler, Outcome};
use flyball_store::Db;
use serde::Serialize;
use serde_json::json;

use super::dialects::{Call, alertmanager, email, pagerduty, slack, webhook};
use super::message::Message;
use super::outbox::{self, Due};
use super::plan::Event;
use super::route::{Destination, Route, Template};
use crate::alert::settings;

/// How much of a receiver's answer is kept when it refuses.
const ANSWER_CHARS: usize = 200;
/// The shortest secret that is struck out of texts; striking out shorter ones would leave nothing readable.
const STRUCK_CHARS: usize = 4;
/// What stands in the place of a secret.
const STRUCK: &str = "•••";

/// Delivers notifications and tries routes out; cheap to clone.
#[derive(Clone)]
pub struct Notifier {
    db: Db,
    clock: Arc<dyn Clock>,
    egress: Egress,
    vault: Vault,
    base: Option<String>,
}

/// How trying a route out went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// Whether the receiver took it.
    pub success: bool,
    /// What the receiver answered, when it has statuses.
    pub status: Option<u16>,
    /// Why it did not take it.
    pub error: Option<String>,
}

/// The secrets that a delivery needs, opened.
#[derive(Default)]
struct Opened(Vec<String>);

impl Notifier {
    /// A notifier that calls through `egress`; links in messages lead to `base`.
    pub fn new(db: Db, clock: Arc<dyn Clock>, egress: Egress, vault: Vault, base: Option<String>) -> Self {
        Self { db, clock, egress, vault, base }
    }

    /// Where the secrets of routes are.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Sends a made-up alert at once, and its end to receivers that would keep it open. `attempt` tells this try from
    /// others.
    ///
    /// # Errors
    /// `NotFound` when there is no such route. That the receiver does not take it is no error.
    pub fn test(&self, permit: &Permit<Read>, loop_name: &str, route: &str, attempt: &str) -> Result<TestResult> {
        let settings = self.db.read(|tx| settings::of(tx, permit, loop_name))?;
        let found = settings.routes.iter().find(|known| known.name == route);
        let route = found.ok_or_else(|| {
            Error::not_found("route", format!("{loop_name}/{route}").escape_debug())
                .hint("`flyball alerts routes` lists them; they stand under notify in the loop file")
        })?;
        let now = self.clock.now();
        let id = id::derived("ntf", &[b"test", attempt.as_bytes()]);
        let mut message = Message::sample(loop_name, id, now, self.base.clone());
        let mut outcome = self.send(permit, route, &message);
        let keeps = matches!(route.destination, Destination::Pagerduty { .. } | Destination::Alertmanager { .. });
        if outcome.is_ok() && keeps {
            message.event = Event::Resolve;
            message.alerts.iter_mut().for_each(|alert| alert.resolved_at = Some(now));
            outcome = self.send(permit, route, &message);
        }
        Ok(match outcome {
            Ok(status) => TestResult { success: true, status, error: None },
            Err(error) => {
                let hint = error.next_step().map(|hint| format!("; {hint}")).unwrap_or_default();
                TestResult { success: false, status: None, error: Some(format!("{}{hint}", error.message())) }
            }
        })
    }

    /// Sends a message to a route. Answers the receiver's status, where it has any.
    fn send(&self, permit: &Permit<Read>, route: &Route, message: &Message) -> Result<Option<u16>> {
        let mut opened = Opened::default();
        let outcome = self.dispatch(permit, route, message, &mut opened);
        // Neither the log nor the list of deliveries may show what was sealed, whoever wrote the text.
        outcome.map_err(|error| opened.struck_out(&error))
    }

    fn dispatch(
        &self,
        permit: &Permit<Read>,
        route: &Route,
        message: &Message,
        opened: &mut Opened,
    ) -> Result<Option<u16>> {
        let mut text = |template: &Template| self.resolve(permit, template, opened);
        let now = self.clock.now();
        let call = match &route.destination {
            Destination::Slack { to } => slack::call(&text(to)?, message),
            Destination::Pagerduty { to, server } => {
                let server = server.as_ref().map(&mut text).transpose()?;
                pagerduty::call(server.as_deref(), &text(to)?, message)
            }
            Destination::Alertmanager { to } => alertmanager::call(&text(to)?, message, now),
            Destination::Webhook { to, secret, format } => {
                let (url, secret) = (text(to)?, secret.as_ref().map(&mut text).transpose()?);
                let (secret, format) = (secret.as_deref(), *format);
                webhook::call(&webhook::Target { url: &url, secret, format, route: &route.name }, message, now)?
            }
            Destination::Email { to, from, server, user, password } => {
                let user = user.as_ref().map(&mut text).transpose()?;
                let password = password.as_ref().map(&mut text).transpose()?;
                let mail = email::mail(&text(from)?, &text(to)?, message);
                let server = MailServer { login: user.zip(password), ..MailServer::parse(&text(server)?)? };
                return self.egress.send_mail(&server, &mail).map(|()| None);
            }
        };
        self.post(&call).map(Some)
    }

    fn post(&self, call: &Call) -> Result<u16> {
        let headers: Vec<(&str, &str)> = call.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.egress.post(&call.url, call.media_type, &headers, call.body.as_bytes())?;
        answer.taken().map_err(|error| {
            let said: String = answer.body.chars().filter(|c| !c.is_control()).take(ANSWER_CHARS).collect();
            let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
            Error::new(error.code(), format!("{}{said}", error.message()))
        })
    }

    fn resolve(&self, permit: &Permit<Read>, template: &Template, opened: &mut Opened) -> Result<String> {
        let text = template.resolve(|name| {
            let secret = self.db.read(|tx| self.vault.open(tx, permit, name)).map_err(|error| match error.code() {
                // Somebody may set it while the delivery is tried again.
                ErrorCode::NotFound => Error::new(ErrorCode::Unavailable, format!("the secret {name} is not set"))
                    .hint(format!("set it with `flyball secrets set {name}`")),
                _ => error,
            })?;
            // A line break at the end comes with the file that it was read from.
            let secret = secret.trim().to_owned();
            opened.0.push(secret.clone());
            Ok(secret)
        })?;
        Ok(text)
    }

    fn deliver(&self, job: &Claimed) -> Result<Outcome> {
        let payload = &job.job.payload;
        let text = |name: &str| payload[name].as_str().unwrap_or_default();
        let permit = identity::for_loop(&text("loop").parse()?)?.edit().read();
        let due = self.db.read(|tx| outbox::due(tx, &permit, text("notification"), self.base.clone()))?;
        match due {
            Due::Drop(why) => Ok(Outcome::unchanged(json!({ "dropped": why }))),
            Due::Send(both) => {
                let (route, message) = *both;
                let status = self.send(&permit, &route, &message)?;
                Ok(Outcome::unchanged(json!({ "status": status })))
            }
        }
    }

    fn look(&self, job: &Claimed) -> Result<Outcome> {
        let name = job.job.payload["loop"].as_str().unwrap_or_default().to_owned();
        let (permit, now) = (identity::for_loop(&name.parse()?)?.edit(), self.clock.now());
        Ok(Outcome::new(move |tx| outbox::tell(tx, &permit, &name, now), json!({})))
    }
}

impl Opened {
    fn struck_out(&self, error: &Error) -> Error {
        let strike = |text: &str| {
            self.0
                .iter()
                .filter(|secret| secret.chars().count() >= STRUCK_CHARS)
                .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), STRUCK))
        };
        // The cause is left behind: it may hold the URL.
        let struck = Error::new(error.code(), strike(error.message()));
        error.next_step().map(strike).into_iter().fold(struck, Error::hint)
    }
}

impl Handler for Notifier {
    fn kinds(&self) -> &[&'static str] {
        &[outbox::DELIVER, outbox::LOOK]
    }

    fn run(&self, job: &Claimed) -> Result<Outcome> {
        match job.job.kind.as_str() {
            outbox::LOOK => self.look(job),
            _ => self.deliver(job),
        }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("egress", &self.egress).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_told_without_secrets_and_causes() {
        let opened = Opened(vec!["T0/B1/canary".to_owned(), "abc".to_owned()]);
        let error = Error::invalid("no team at /T0/B1/canary for abc").hint("T0/B1/canary?").cause("T0/B1/canary");
        let struck = opened.struck_out(&error);
        assert_eq!(struck.message(), "no team at /••• for abc", "too short to be struck out");
        assert_eq!(struck.next_step(), Some("•••?"));
        assert!(struck.cause_text().is_none() && !format!("{struck:?}").contains("canary"));
    }
}

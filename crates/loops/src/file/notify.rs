//! The sections `notify` and `monitor.alerts`: who is told of alerts, and when.

use std::collections::BTreeMap;

use flyball_core::Duration;
use flyball_monitoring::alert::{AlertPolicy, Severity};
use flyball_monitoring::notify::{Destination, Format, MailServer, Route, Template};
use serde_json::Value;

use super::grammar::{self, Field};
use super::reader::{At, Fields, Reader};

/// Labels that every alert has by itself.
const OWN_LABELS: &[&str] = &["alertname", "kind", "loop", "severity", "subject"];
/// Most labels, and longest value of one: what receivers take.
const LABELS: usize = 20;
const LABEL_CHARS: usize = 200;

/// The policy of a loop's alerts.
pub(super) fn policy(reader: &mut Reader, at: &At<'_>) -> Option<AlertPolicy> {
    let fields = reader.fields(at, grammar::ALERTS)?;
    let usual = AlertPolicy::default();
    let runbook = fields.get(reader, "runbook", |reader, at| {
        let text = reader.text(at)?;
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        if is_url { Some(text) } else { reader.expected(at, "a URL", "write https://…, so that it can be followed") }
    });
    Some(AlertPolicy {
        lasting: fields.get(reader, "for", Reader::parsed).unwrap_or(usual.lasting),
        clear: fields.get(reader, "clear", Reader::parsed).unwrap_or(usual.clear),
        cool_down: fields.get(reader, "cool_down", Reader::duration).unwrap_or(usual.cool_down),
        repeat: fields.get(reader, "repeat", Reader::span).unwrap_or(usual.repeat),
        runbook,
        labels: fields.get(reader, "labels", labels).unwrap_or_default(),
    })
}

fn labels(reader: &mut Reader, at: &At<'_>) -> Option<BTreeMap<String, String>> {
    let given = reader.parameters(at)?;
    if given.len() > LABELS {
        return reader.expected(at, &format!("at most {LABELS} labels"), "keep those that somebody routes by");
    }
    let mut labels = BTreeMap::new();
    for (name, value) in given {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let named = name.chars().all(inside) && !name.starts_with(|c: char| c.is_ascii_digit());
        let Value::String(value) = value else {
            return reader.expected(at, "texts as the values of labels", format!("write {name}: \"…\""));
        };
        if !named || OWN_LABELS.contains(&name.as_str()) || value.chars().count() > LABEL_CHARS {
            let hint = format!("use letters, digits and _, and none of: {}", OWN_LABELS.join(", "));
            reader.report(at, format!("'{name}' cannot be a label here"), hint);
        }
        labels.insert(name, value);
    }
    Some(labels)
}

/// Who is told.
pub(super) fn routes(reader: &mut Reader, at: &At<'_>) -> Option<Vec<Route>> {
    type Reading = fn(&mut Reader, &Given<'_>) -> Option<Destination>;
    let fields = reader.fields(at, grammar::NOTIFY)?;
    let dialects: [(&str, &[Field], Reading); 5] = [
        ("slack", grammar::SLACK, |reader, given| Some(Destination::Slack { to: given.to(reader, Form::Secret)? })),
        ("pagerduty", grammar::PAGERDUTY, pagerduty),
        ("alertmanager", grammar::ALERTMANAGER, |reader, given| {
            Some(Destination::Alertmanager { to: given.to(reader, Form::Url)? })
        }),
        ("webhook", grammar::WEBHOOK, webhook),
        ("email", grammar::EMAIL, email),
    ];
    let mut routes = Vec::new();
    for (name, known, read) in dialects {
        let Some(at) = fields.at(name) else { continue };
        let Some(given) = Given::of(reader, at, known) else { continue };
        let (severity, after) = (given.severity(reader), given.after(reader));
        let destination = read(reader, &given);
        routes.extend(destination.map(|destination| Route { name: name.to_owned(), destination, severity, after }));
    }
    Some(routes)
}

fn pagerduty(reader: &mut Reader, given: &Given<'_>) -> Option<Destination> {
    let server = given.get(reader, "server", Form::Url);
    Some(Destination::Pagerduty { to: given.to(reader, Form::Secret)?, server })
}

fn webhook(reader: &mut Reader, given: &Given<'_>) -> Option<Destination> {
    let secret = given.get(reader, "secret", Form::Secret);
    let format = given.fields.as_ref().and_then(|fields| {
        let word = fields.get(reader, "format", |reader, at| reader.one_of(at, grammar::FORMATS))?;
        Format::ALL.get(word).copied()
    });
    Some(Destination::Webhook { to: given.to(reader, Form::Url)?, secret, format: format.unwrap_or_default() })
}

fn email(reader: &mut Reader, given: &Given<'_>) -> Option<Destination> {
    let (to, from) = (given.to(reader, Form::Any), given.get(reader, "from", Form::Any));
    let server = given.get(reader, "server", Form::MailServer);
    let (user, password) = (given.get(reader, "user", Form::Any), given.get(reader, "password", Form::Secret));
    Some(Destination::Email { to: to?, from: from?, server: server?, user, password })
}

/// What a text of a route has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Anything.
    Any,
    /// Something that nobody may read here: it holds a secret by name.
    Secret,
    /// A URL, or one with secrets.
    Url,
    /// A mail server, or one with secrets.
    MailServer,
}

/// A route as written: its address alone, or with options.
struct Given<'n> {
    at: At<'n>,
    fields: Option<Fields<'n>>,
}

impl<'n> Given<'n> {
    fn of(reader: &mut Reader, at: At<'n>, known: &[Field]) -> Option<Self> {
        // Where more than the address is needed, the address alone is not enough.
        let short = at.scalar().is_some() && known.iter().filter(|field| field.required).count() == 1;
        let fields = if short { None } else { Some(reader.fields(&at, known)?) };
        Some(Self { at, fields })
    }

    fn to(&self, reader: &mut Reader, form: Form) -> Option<Template> {
        match &self.fields {
            None => template(reader, &self.at, form),
            Some(_) => self.get(reader, "to", form),
        }
    }

    fn get(&self, reader: &mut Reader, key: &str, form: Form) -> Option<Template> {
        self.fields.as_ref()?.get(reader, key, |reader, at| template(reader, at, form))
    }

    fn severity(&self, reader: &mut Reader) -> Severity {
        let word = self
            .fields
            .as_ref()
            .and_then(|fields| fields.get(reader, "severity", |reader, at| reader.one_of(at, grammar::SEVERITY_WORDS)));
        word.and_then(|word| Severity::ALL.get(word).copied()).unwrap_or(Severity::Info)
    }

    fn after(&self, reader: &mut Reader) -> Duration {
        let after = self.fields.as_ref().and_then(|fields| fields.get(reader, "after", Reader::duration));
        after.unwrap_or_default()
    }
}

fn template(reader: &mut Reader, at: &At<'_>, form: Form) -> Option<Template> {
    let template: Template = reader.parsed(at)?;
    if template.secrets().next().is_some() {
        return Some(template);
    }
    let text = template.to_string();
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    match form {
        Form::Secret => reader.expected_sealed(at),
        Form::Url if !is_url || text.contains('@') => {
            reader.expected(at, "a URL without user and password", "write https://…, or ${{ secrets.NAME }}")
        }
        Form::MailServer if MailServer::parse(&text).is_err() => {
            reader.expected(at, "a mail server", "write smtp://host:587 (STARTTLS) or smtps://host:465 (TLS)")
        }
        Form::Any | Form::Url | Form::MailServer => Some(template),
    }
}

impl Reader {
    /// Records that a secret stands in the file, without repeating it.
    fn expected_sealed<T>(&mut self, at: &At<'_>) -> Option<T> {
        let hint = "write ${{ secrets.NAME }} and set it with `flyball secrets set NAME`";
        self.report(at, "a secret must not stand in the file", hint);
        None
    }
}

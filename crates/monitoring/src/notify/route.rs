//! Routes: who is told, of what, by which dialect.

use std::fmt;
use std::str::FromStr;

use flyball_core::{Duration, Error, Result};
use flyball_governance::vault;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alert::Severity;

/// How a reference to a secret begins and ends, inside a text.
const OPENS: &str = "${{";
const CLOSES: &str = "}}";
/// What stands before the name of a secret.
const SECRETS: &str = "secrets.";

/// A text that may hold secrets by name: `${{ secrets.NAME }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Secret(String),
}

impl Template {
    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with its secrets.
    ///
    /// # Errors
    /// What `open` fails with.
    pub fn resolve(&self, mut open: impl FnMut(&str) -> Result<String>) -> Result<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Secret(name) => open(name),
        };
        self.0.iter().map(part).collect()
    }
}

impl FromStr for Template {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once(OPENS) {
            let reference = after.split_once(CLOSES);
            let (inside, after) = reference.ok_or_else(|| {
                Error::invalid("a reference to a secret has no end").hint("write ${{ secrets.NAME }}")
            })?;
            let name = inside.trim().strip_prefix(SECRETS).filter(|name| vault::is_name(name));
            let name = name.ok_or_else(|| {
                Error::invalid("only secrets can stand between ${{ and }}").hint("write ${{ secrets.NAME }}")
            })?;
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Secret(name.to_owned()));
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Secret(name) => write!(f, "{OPENS} {SECRETS}{name} {CLOSES}"),
        })
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The form of what a webhook gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A CloudEvent 1.0 in one JSON object.
    #[default]
    Cloudevents,
    /// A CloudEvent 1.0 whose attributes are headers.
    CloudeventsBinary,
    /// What Alertmanager sends to its webhooks, version 4.
    Alertmanager,
}

impl Format {
    /// The words, in the order of [`Format::ALL`].
    pub const WORDS: &'static [&'static str] = &["cloudevents", "cloudevents-binary", "alertmanager"];
    /// All of them.
    pub const ALL: &'static [Format] = &[Format::Cloudevents, Format::CloudeventsBinary, Format::Alertmanager];
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "dialect", rename_all = "snake_case")]
pub enum Destination {
    /// An incoming webhook of Slack.
    Slack {
        /// Its URL, which is a secret.
        to: Template,
    },
    /// Events v2 of PagerDuty.
    Pagerduty {
        /// The integration key, which is a secret.
        to: Template,
        /// The URL of the API, when it is not that of PagerDuty itself.
        server: Option<Template>,
    },
    /// An Alertmanager, whose own routes and silences then apply.
    Alertmanager {
        /// Its URL, to which `/api/v2/alerts` is added.
        to: Template,
    },
    /// Any HTTP receiver.
    Webhook {
        /// Its URL.
        to: Template,
        /// What deliveries are signed with, by Standard Webhooks.
        secret: Option<Template>,
        /// The form of the body.
        format: Format,
    },
    /// Mail by SMTP.
    Email {
        /// The receivers, separated by commas.
        to: Template,
        /// The sender.
        from: Template,
        /// `smtp://HOST:587` (STARTTLS) or `smtps://HOST:465` (TLS).
        server: Template,
        /// Who one is at the server.
        user: Option<Template>,
        /// The password at the server.
        password: Option<Template>,
    },
}

impl Destination {
    /// The name of the dialect.
    pub fn dialect(&self) -> &'static str {
        match self {
            Destination::Slack { .. } => "slack",
            Destination::Pagerduty { .. } => "pagerduty",
            Destination::Alertmanager { .. } => "alertmanager",
            Destination::Webhook { .. } => "webhook",
            Destination::Email { .. } => "email",
        }
    }

    /// Every text of it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Destination::Slack { to } | Destination::Alertmanager { to } => vec![to],
            Destination::Pagerduty { to, server } => std::iter::once(to).chain(server).collect(),
            Destination::Webhook { to, secret, .. } => std::iter::once(to).chain(secret).collect(),
            Destination::Email { to, from, server, user, password } => {
                [to, from, server].into_iter().chain(user).chain(password).collect()
            }
        }
    }
}

/// Who is told of a loop's alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What it is called in the loop's file.
    pub name: String,
    /// Where it leads.
    pub destination: Destination,
    /// Alerts that are less bad are not told here.
    pub severity: Severity,
    /// Told only when an alert fires for so long and nobody has taken it on: the next ones to call.
    pub after: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stand_by_name() {
        let template: Template = "https://x/${{secrets.A}}/${{ secrets.B_2 }}?".parse().unwrap();
        assert_eq!(template.to_string(), "https://x/${{ secrets.A }}/${{ secrets.B_2 }}?");
        assert_eq!(template.secrets().collect::<Vec<_>>(), ["A", "B_2"]);
        let resolved = template.resolve(|name| Ok(format!("<{name}>"))).unwrap();
        assert_eq!(resolved, "https://x/<A>/<B_2>?");
        assert!(template.resolve(|_| Err(Error::invalid("none"))).is_err());
        for bad in
            ["${{ secrets.A", "${{ env.A }}", "${{ }}", "${{ secrets. }}", "${{ secrets.1A }}", "${{ secrets.a b }}"]
        {
            assert!(bad.parse::<Template>().is_err(), "{bad}");
        }
        assert_eq!("plain $5 {x}".parse::<Template>().unwrap().secrets().count(), 0);
    }

    #[test]
    fn routes_come_back_from_json() {
        let route = Route {
            name: "hook".into(),
            destination: Destination::Webhook {
                to: "https://x/${{ secrets.T }}".parse().unwrap(),
                secret: None,
                format: Format::CloudeventsBinary,
            },
            severity: Severity::Error,
            after: Duration::hours(1),
        };
        let text = serde_json::to_string(&route).unwrap();
        assert!(text.contains("${{ secrets.T }}") && text.contains("cloudevents-binary"), "{text}");
        assert_eq!(serde_json::from_str::<Route>(&text).unwrap(), route);
    }
}

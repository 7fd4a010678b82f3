//! Mail by SMTP, to a server that a user named.

use std::net::ToSocketAddrs;
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Mailboxes};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use crate::client::{Egress, Reach, check};

/// How long the server may take for each answer.
const ANSWER: Duration = Duration::from_secs(20);
/// What this side calls itself; servers want an address or a name, and the name of the machine is nobody's business.
const HELLO: [u8; 4] = [127, 0, 0, 1];

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS after a plain greeting, or nothing is sent (port 587).
    StartTls,
    /// None. Only for an operator who lets calls go to private addresses.
    Plain,
}

/// Where mail is handed in.
#[derive(Clone, PartialEq, Eq)]
pub struct MailServer {
    /// The name or address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the way is protected.
    pub security: MailSecurity,
    /// User and password, where the server asks for them.
    pub login: Option<(String, String)>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The sender.
    pub from: String,
    /// The receivers, separated by commas.
    pub to: String,
    /// The subject, on one line.
    pub subject: String,
    /// What makes it unique, without angle brackets; a server may drop a second mail of the same id.
    pub id: String,
    /// The text.
    pub text: String,
}

impl std::fmt::Debug for MailServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailServer").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl MailServer {
    /// Reads `smtps://HOST[:465]` (TLS), `smtp://HOST[:587]` (STARTTLS) or `smtp+plain://HOST[:25]`.
    ///
    /// # Errors
    /// `InvalidInput` when it is neither.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid("the mail server is not understood")
                .hint("write smtp://host:587 (STARTTLS) or smtps://host:465 (TLS)")
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (security, usual) = match scheme {
            "smtps" => (MailSecurity::Tls, 465),
            "smtp" => (MailSecurity::StartTls, 587),
            "smtp+plain" => (MailSecurity::Plain, 25),
            _ => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => (host, port.parse().map_err(|_| wrong())?),
            _ => (rest, usual),
        };
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if host.is_empty() || !host.chars().all(inside) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, security, login: None })
    }
}

impl Egress {
    /// Hands a mail to a server. That it was taken does not mean that it arrives.
    ///
    /// # Errors
    /// `Forbidden` when the server is out of reach for calls, `InvalidInput` when an address is none or the server
    /// refuses for good, `Unavailable` when it does not answer or asks to come again.
    pub fn send_mail(&self, server: &MailServer, mail: &Mail) -> Result<()> {
        let message = composed(mail)?;
        if server.security == MailSecurity::Plain && self.reach() == Reach::Public {
            return Err(Error::new(ErrorCode::Forbidden, "mail is not sent without TLS")
                .hint("use smtp:// or smtps://; an operator can allow private addresses without TLS"));
        }
        let addresses = (server.host.as_str(), server.port).to_socket_addrs();
        let addresses: Vec<_> = addresses
            .map_err(|_| {
                Error::new(ErrorCode::Unavailable, format!("cannot resolve the mail server '{}'", server.host))
            })?
            .collect();
        check(self.reach(), &server.host, addresses.iter().copied())?;
        let tls = match server.security {
            MailSecurity::Plain => None,
            MailSecurity::Tls | MailSecurity::StartTls => {
                Some(TlsParameters::new(server.host.clone()).map_err(meaning)?)
            }
        };
        let hello = ClientId::Ipv4(HELLO.into());
        let at_once = tls.as_ref().filter(|_| server.security == MailSecurity::Tls);
        let mut connection =
            SmtpConnection::connect(addresses.as_slice(), Some(ANSWER), &hello, at_once, None).map_err(meaning)?;
        let outcome = hand_in(&mut connection, server, tls.as_ref(), &hello, &message);
        connection.abort();
        outcome.map_err(meaning)
    }
}

fn hand_in(
    connection: &mut SmtpConnection,
    server: &MailServer,
    tls: Option<&TlsParameters>,
    hello: &ClientId,
    message: &lettre::Message,
) -> Result<(), smtp::Error> {
    if let Some(tls) = tls.filter(|_| server.security == MailSecurity::StartTls) {
        connection.starttls(tls, hello)?;
    }
    if let Some((user, password)) = &server.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)?;
    }
    connection.send(message.envelope(), &message.formatted()).map(drop)
}

/// The mail as it goes over the wire; the library encodes every header, so that no text can add one.
fn composed(mail: &Mail) -> Result<lettre::Message> {
    let from: Mailbox = mail.from.parse().map_err(|_| Error::invalid("the sender is not a mail address"))?;
    let to: Mailboxes = mail.to.parse().map_err(|_| Error::invalid("a receiver is not a mail address"))?;
    let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let domain = from.email.domain().to_owned();
    let mut builder = lettre::Message::builder().from(from).subject(subject);
    for receiver in to {
        builder = builder.to(receiver);
    }
    let body = Body::new_with_encoding(mail.text.clone(), ContentTransferEncoding::QuotedPrintable)
        .map_err(|_| Error::internal("a text cannot be encoded"))?;
    builder
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(|error| Error::invalid("the mail cannot be written").cause(error))
}

/// What a server's answer means. Its text may hold what was sent, so only its code is told.
fn meaning(error: smtp::Error) -> Error {
    match error.status() {
        Some(code) if error.is_permanent() => Error::invalid(format!("the mail server refused with {code}")),
        Some(code) => Error::new(ErrorCode::Unavailable, format!("the mail server answered {code}")),
        None if error.is_tls() => {
            Error::new(ErrorCode::Unavailable, "no trusted TLS connection to the mail server").cause(error)
        }
        None if error.is_client() => Error::invalid(format!("the mail server does not fit: {error}")),
        None => Error::new(ErrorCode::Unavailable, "the mail server does not answer").cause(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_strictly() {
        let server = MailServer::parse("smtp://mail.example.com").unwrap();
        assert_eq!((server.port, server.security), (587, MailSecurity::StartTls));
        assert_eq!(MailServer::parse("smtps://m.example:4650/").unwrap().port, 4650);
        assert_eq!(MailServer::parse("smtp+plain://127.0.0.1:2525").unwrap().security, MailSecurity::Plain);
        for bad in [
            "",
            "mail.example.com",
            "http://x",
            "smtp://",
            "smtp://u:p@host",
            "smtp://h:99999",
            "smtp://h/x",
            "smtp://h\r\nX",
        ] {
            assert!(MailServer::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_text_adds_a_header_or_a_receiver() {
        let mail = Mail {
            from: "Flyball <a@example.com>".into(),
            to: "b@example.com, Ç <c@example.com>".into(),
            subject: "drift\r\nBcc: evil@example.com".into(),
            id: "ntf_1".into(),
            text: ".\r\nRCPT TO:<evil@example.com>\r\nü\n".into(),
        };
        let message = composed(&mail).unwrap();
        assert_eq!(message.envelope().to().len(), 2);
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\nBcc:") && head.contains("<ntf_1@example.com>"), "{head}");
        assert!(body.contains("=C3=BC"), "{body}");
        assert!(composed(&Mail { to: "nobody".into(), ..mail.clone() }).is_err());
        assert!(composed(&Mail { from: "a@b>\r\nX: y".into(), ..mail }).is_err());
    }

    #[test]
    fn mail_stays_within_reach() {
        let mail = Mail { from: "a@example.com".into(), to: "b@example.com".into(), ..empty() };
        let outside = Egress::new(Reach::Public);
        for inside in ["smtp://127.0.0.1:1", "smtps://localhost:1", "smtp+plain://8.8.8.8:25"] {
            let error = outside.send_mail(&MailServer::parse(inside).unwrap(), &mail).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Forbidden, "{inside}");
        }
        let error = Egress::new(Reach::Anywhere).send_mail(&MailServer::parse("smtp://127.0.0.1:1").unwrap(), &mail);
        assert_eq!(error.unwrap_err().code(), ErrorCode::Unavailable);
    }

    fn empty() -> Mail {
        Mail { from: String::new(), to: String::new(), subject: "s".into(), id: "i".into(), text: String::new() }
    }
}

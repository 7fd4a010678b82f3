//! The client.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::address::is_public;

/// How long a call may take from the look-up of the name to the last byte of the answer, in seconds.
const CALL_SECONDS: u64 = 30;
/// How much of an answer is read; what comes after it is left alone.
const ANSWER_BYTES: u64 = 64 * 1024;

/// How far calls may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only to public addresses, and only over TLS.
    Public,
    /// Also to private addresses and without TLS. For an operator whose receivers stand in the same network.
    Anywhere,
}

/// Makes calls to addresses that users gave; cheap to clone.
#[derive(Clone, Debug)]
pub struct Egress {
    agent: Agent,
    reach: Reach,
}

/// What a host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status. A redirect is an answer as any other.
    pub status: u16,
    /// The beginning of the body, as text.
    pub body: String,
}

impl Answer {
    /// Whether the host took a delivery: any status of 200 to 299.
    ///
    /// # Errors
    /// One that passes (`Overloaded`, `Unavailable`) when it may take it later, otherwise `InvalidInput`.
    pub fn taken(&self) -> Result<u16> {
        match self.status {
            status @ 0..300 => Ok(status),
            429 => Err(Error::new(ErrorCode::Overloaded, "the receiver answered 429")),
            status @ (408 | 500 | 502..=504) => {
                Err(Error::new(ErrorCode::Unavailable, format!("the receiver answered {status}")))
            }
            // It would answer the same again.
            status => Err(Error::invalid(format!("the receiver answered {status}"))),
        }
    }
}

impl Egress {
    /// A client that goes as far as `reach`.
    pub fn new(reach: Reach) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(CALL_SECONDS)))
            .http_status_as_error(false)
            .https_only(reach == Reach::Public)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy would be the one to resolve the name.
            .proxy(None)
            .user_agent(concat!("flyball/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: Agent::with_parts(config, DefaultConnector::default(), Guarded(reach)), reach }
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }

    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether calls to this URL could be made now. It looks up the name, so it may take a while.
    ///
    /// # Errors
    /// `InvalidInput` with the reason.
    pub fn vet(&self, url: &str) -> Result<()> {
        let uri: Uri = url.parse().map_err(|_| Error::invalid(format!("'{url}' is not a URL")))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if scheme != "https" && (self.reach == Reach::Public || scheme != "http") {
            return Err(Error::invalid(format!("the scheme '{scheme}' of the URL is not allowed")).hint("use https://"));
        }
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        if host.is_empty() || authority.contains('@') {
            return Err(Error::invalid("the URL must name a host and hold no user or password"));
        }
        if self.reach == Reach::Anywhere {
            return Ok(());
        }
        let port = uri.port_u16().unwrap_or(443);
        let addresses = format!("{host}:{port}").to_socket_addrs();
        let addresses =
            addresses.map_err(|_| Error::invalid(format!("cannot resolve the host '{host}' of the URL")))?;
        check(self.reach, host, addresses).map_err(|error| Error::invalid(error.message()))
    }

    /// POSTs a JSON text and answers with what the host said, whatever the status.
    ///
    /// # Errors
    /// `Forbidden` when the host has an address that calls may not go to, `InvalidInput` when the URL is none,
    /// `Unavailable` when the host does not answer.
    pub fn post_json(&self, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        self.post(url, "application/json", headers, body.as_bytes())
    }

    /// POSTs bytes of a media type and answers with what the host said, whatever the status.
    ///
    /// # Errors
    /// As [`Egress::post_json`].
    pub fn post(&self, url: &str, media_type: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut request = self.agent.post(url).header("Content-Type", media_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).map_err(meaning)?;
        let status = response.status().as_u16();
        let mut text = Vec::new();
        let reader = response.body_mut().as_reader();
        // A body that breaks off changes nothing: the status has said how it went.
        let _end = std::io::Read::read_to_end(&mut std::io::Read::take(reader, ANSWER_BYTES), &mut text);
        Ok(Answer { status, body: String::from_utf8_lossy(&text).into_owned() })
    }
}

/// Resolves names and lets nothing through that is out of reach.
#[derive(Debug)]
struct Guarded(Reach);

impl Resolver for Guarded {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = DefaultResolver::default().resolve(uri, config, timeout)?;
        check(self.0, uri.host().unwrap_or_default(), addresses.iter().copied())
            .map_err(|error| ureq::Error::Other(error.into()))?;
        Ok(addresses)
    }
}

/// One address out of reach is enough: a name that has both kinds is meant to slip through.
pub(crate) fn check(reach: Reach, host: &str, mut addresses: impl Iterator<Item = SocketAddr>) -> Result<()> {
    if reach == Reach::Anywhere || addresses.all(|address| is_public(address.ip())) {
        return Ok(());
    }
    let message = format!("the host '{host}' has an address that is not a public one");
    Err(Error::new(ErrorCode::Forbidden, message).hint("an operator can allow private addresses"))
}

pub(crate) fn meaning(error: ureq::Error) -> Error {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => Error::new(ErrorCode::Unavailable, "the host does not answer").cause(other),
        },
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::RequireHttpsOnly(_) => {
            Error::invalid("the URL cannot be called").cause(error)
        }
        ureq::Error::Timeout(_) => {
            Error::new(ErrorCode::Unavailable, format!("the host did not answer within {CALL_SECONDS} seconds"))
        }
        other => Error::new(ErrorCode::Unavailable, "the host does not answer").cause(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_lead_inside_are_refused() {
        let egress = Egress::new(Reach::Public);
        for bad in [
            "",
            "ftp://example.com/x",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "http://8.8.8.8/plain",
            "https:///x",
            "https://u:p@8.8.8.8/",
            "https://127.0.0.1/",
            "https://127.0.0.1:8443/x",
            "https://localhost/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0.0.0.0/",
        ] {
            let error = egress.vet(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{bad}");
        }
        assert!(egress.vet("https://8.8.8.8/hook").is_ok());
        let free = Egress::new(Reach::Anywhere);
        assert!(free.vet("http://127.0.0.1:1/x").is_ok());
        assert!(free.vet("file:///etc/passwd").is_err());
    }

    #[test]
    fn a_name_with_one_inner_address_is_refused() {
        let addresses = ["8.8.8.8:443", "10.0.0.1:443"].map(|address| address.parse().unwrap());
        let error = check(Reach::Public, "both.example", addresses.into_iter()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert!(check(Reach::Anywhere, "both.example", addresses.into_iter()).is_ok());
    }
}

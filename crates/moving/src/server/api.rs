//! Requests to a tracking server.

use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_core::{Error, ErrorCode, Result};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Largest answer that is read as a whole: a run with the largest datasets has some dozens of MB.
const ANSWER_BYTES: u64 = 256 * 1024 * 1024;
/// How long a server may take to begin with its answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a request is tried when the server is busy or away for a moment.
const TRIES: u32 = 5;

/// How to say who one is.
#[derive(Clone, Default)]
pub struct Credentials {
    /// For basic authentication.
    pub user: Option<(String, String)>,
    /// For a bearer token; it goes before the user.
    pub token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    /// Without secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Talks to one server.
#[derive(Clone, Debug)]
pub struct Api {
    address: String,
    agent: Agent,
    authorization: Option<String>,
}

impl Api {
    /// A client of the server at an address; a user and password may stand in it.
    ///
    /// # Errors
    /// `InvalidInput` for what is no address of a server.
    pub fn new(address: &str, credentials: &Credentials) -> Result<Self> {
        let (scheme, rest) = address
            .trim_end_matches('/')
            .split_once("://")
            .filter(|(scheme, rest)| matches!(*scheme, "http" | "https") && !rest.is_empty())
            .ok_or_else(|| Error::invalid("this is no address of a server").hint("write http://HOST:PORT"))?;
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let authorization = match (&credentials.token, user.and_then(|user| user.split_once(':')), &credentials.user) {
            (Some(token), ..) => Some(format!("Bearer {token}")),
            (None, Some((user, password)), _) => Some(basic(user, password)),
            (None, None, Some((user, password))) => Some(basic(user, password)),
            (None, None, None) => None,
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(PATIENCE))
            .max_redirects(0)
            .build();
        Ok(Self { address: format!("{scheme}://{place}"), agent: config.into(), authorization })
    }

    /// The address, without a password.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes sure that a tracking server is there.
    pub(crate) fn greet(&self) -> Result<()> {
        let body = serde_json::json!({ "max_results": 1, "view_type": "ALL" });
        match self.post("/api/2.0/mlflow/experiments/search", &body) {
            Err(error) if error.code() == ErrorCode::NotFound => Err(self.away("is no tracking server")),
            outcome => outcome.map(drop),
        }
    }

    fn away(&self, what: &str) -> Error {
        Error::new(ErrorCode::Unavailable, format!("the server at {} {what}", self.address))
            .hint("check the address, and that the server runs; the same command goes on where it stopped")
    }

    /// The JSON of a GET; `path` may hold a query.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.address);
        self.json(|| self.allowed(self.agent.get(&url)).call())
    }

    /// The JSON of a POST.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.address);
        self.json(|| self.allowed(self.agent.post(&url)).send_json(body))
    }

    /// The JSON of a PATCH.
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.address);
        self.json(|| self.allowed(self.agent.patch(&url)).send_json(body))
    }

    /// The JSON of a DELETE with a body.
    pub(crate) fn delete(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.address);
        self.json(|| self.allowed(self.agent.delete(&url)).force_send_body().send_json(body))
    }

    /// The bytes of a GET, as they come.
    pub(crate) fn bytes(&self, path: &str) -> Result<impl Read + use<>> {
        let url = format!("{}{path}", self.address);
        let response = self.ask(|| self.allowed(self.agent.get(&url)).call())?;
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// PUTs bytes as they come; not tried again, because they come once.
    pub(crate) fn put(&self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        let url = format!("{}{path}", self.address);
        let body = ureq::SendBody::from_reader(bytes);
        let answer = self.allowed(self.agent.put(&url)).send(body);
        let response = answer.map_err(|error| self.away("broke off").cause(error))?;
        if response.status().is_success() { Ok(()) } else { Err(self.refusal(response)) }
    }

    fn allowed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    fn json(&self, ask: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Value> {
        let response = self.ask(ask)?;
        let mut body = response.into_body();
        let bytes = body.with_config().limit(ANSWER_BYTES).read_to_vec();
        let bytes = bytes.map_err(|error| self.away("broke off in the middle of an answer").cause(error))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| self.away("does not answer with JSON").cause(error))
    }

    /// The answer to a request that succeeded, tried again while the server is away or busy.
    fn ask(&self, ask: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Response<Body>> {
        let mut tries = 1;
        loop {
            let outcome = match ask() {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let busy = matches!(response.status().as_u16(), 408 | 429 | 502 | 503 | 504);
                    (self.refusal(response), busy)
                }
                Err(error) => (self.away("does not answer").cause(error), true),
            };
            match outcome {
                (error, false) => return Err(error),
                (error, true) if tries == TRIES => return Err(error),
                (_, true) => std::thread::sleep(Duration::from_millis(100 << tries)),
            }
            tries += 1;
        }
    }

    fn refusal(&self, response: Response<Body>) -> Error {
        let status = response.status().as_u16();
        let text = response.into_body().read_to_string().unwrap_or_default();
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = told["message"].as_str().map(|message| message.chars().take(500).collect::<String>());
        let message = message.unwrap_or_else(|| format!("the server at {} answered {status}", self.address));
        let code = match (told["error_code"].as_str(), status) {
            (Some("RESOURCE_ALREADY_EXISTS"), _) => ErrorCode::AlreadyExists,
            (_, 401 | 403) => {
                return Error::new(ErrorCode::Unauthenticated, message).hint(
                    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, for that \
                     server",
                );
            }
            (_, 404) => ErrorCode::NotFound,
            (_, 429 | 502..=504) => ErrorCode::Unavailable,
            _ => ErrorCode::InvalidInput,
        };
        Error::new(code, message)
    }
}

/// A path with a query.
pub(crate) fn query(path: &str, pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// A path with every part encoded.
pub(crate) fn encoded(path: &str) -> String {
    let part = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20");
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_stay_out_of_addresses() {
        let api = Api::new("https://me:se:cret@host:1/", &Credentials::default()).unwrap();
        assert_eq!(api.address(), "https://host:1");
        assert_eq!(api.authorization.as_deref(), Some("Basic bWU6c2U6Y3JldA=="));
        for bad in ["", "host:1", "ftp://x", "http://"] {
            assert!(Api::new(bad, &Credentials::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_and_queries_are_encoded() {
        assert_eq!(encoded("a b/ü#?.txt"), "a%20b/%C3%BC%23%3F.txt");
        assert_eq!(query("/x", &[("path", "a b&c")]), "/x?path=a+b%26c");
    }
}

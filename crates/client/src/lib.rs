//! The client of the native API, used by the command line and by tests. Errors of the server come back as the errors
//! that they were there.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::Response;

/// How long a request may take; a plan or an apply reads and checks whole files.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Longest answer that is read whole: a thousand runs with a thousand values each.
const ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// Talks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    address: String,
    agent: Agent,
}

impl Client {
    /// A client of the server at `address`, such as `http://127.0.0.1:5050`.
    pub fn new(address: impl Into<String>) -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Self { address: address.into().trim_end_matches('/').to_owned(), agent: config.into() }
    }

    /// The address of the server.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// GETs a path.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.agent.get(format!("{}{path}", self.address)).call();
        self.read(answer)
    }

    /// GETs a list that is searched: a page of it, and the token of the next one.
    pub fn search<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<(T, Option<String>)> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let response = self.agent.get(format!("{}{path}", self.address)).query_pairs(pairs).call();
        let next = response.as_ref().ok().and_then(|response| response.headers().get("next-page-token"));
        let next = next.and_then(|token| token.to_str().ok()).map(str::to_owned);
        Ok((self.read(response)?, next))
    }

    /// PATCHes what is at a path.
    pub fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let answer = self.agent.patch(format!("{}{path}", self.address)).send_json(body);
        self.read(answer)
    }

    /// PUTs a body to a path.
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let answer = self.agent.put(format!("{}{path}", self.address)).send_json(body);
        self.read(answer)
    }

    /// DELETEs what is at a path.
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.agent.delete(format!("{}{path}", self.address)).call();
        self.read(answer)
    }

    /// PUTs the bytes of a file to a path, however many they are.
    pub fn upload<T: DeserializeOwned>(&self, path: &str, file: File) -> Result<T> {
        let request = self.agent.put(format!("{}{path}", self.address)).config().timeout_global(None).build();
        self.read(request.send(file))
    }

    /// Writes what is at a path, however long it is, and tells its length.
    pub fn download(&self, path: &str, to: &mut impl Write) -> Result<u64> {
        let request = self.agent.get(format!("{}{path}", self.address)).config().timeout_global(None).build();
        let mut response = request.call().map_err(|error| self.no_answer(error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(error_of(status.as_u16(), &self.whole(&mut response)?));
        }
        std::io::copy(&mut response.body_mut().as_reader(), to).map_err(|error| {
            Error::new(ErrorCode::Unavailable, "the file broke off, or could not be written").cause(error)
        })
    }

    /// POSTs a body to a path.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let answer = self.agent.post(format!("{}{path}", self.address)).send_json(body);
        self.read(answer)
    }

    fn read<T: DeserializeOwned>(&self, answer: std::result::Result<Response<ureq::Body>, ureq::Error>) -> Result<T> {
        let mut response = answer.map_err(|error| self.no_answer(error))?;
        let status = response.status();
        let body = self.whole(&mut response)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(Error::internal);
        }
        Err(error_of(status.as_u16(), &body))
    }

    fn whole(&self, response: &mut Response<ureq::Body>) -> Result<Vec<u8>> {
        response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(most) => {
                Error::new(ErrorCode::LimitExceeded, format!("the answer is longer than {most} bytes"))
                    .hint("ask for less at once, for lists with a smaller --limit")
            }
            error => {
                Error::new(ErrorCode::Unavailable, format!("the answer of {} broke off", self.address)).cause(error)
            }
        })
    }

    fn no_answer(&self, error: ureq::Error) -> Error {
        Error::new(ErrorCode::Unavailable, format!("the server at {} does not answer", self.address))
            .hint("start it with `flyball serve`")
            .cause(error)
    }
}

/// A name as one segment of a path.
pub fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The error that the server told.
fn error_of(status: u16, body: &[u8]) -> Error {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let told = &value["error"];
    let code = told["code"].as_str().and_then(|code| ErrorCode::ALL.iter().find(|known| known.as_str() == code));
    let message = told["message"]
        .as_str()
        .or(told.as_str())
        .map_or_else(|| format!("the server answered {status}"), str::to_owned);
    let error = Error::new(code.copied().unwrap_or(ErrorCode::Unavailable), message);
    match told["hint"].as_str() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_server_come_back_as_they_were() {
        let error =
            error_of(404, br#"{"error":{"code":"not_found","message":"there is no loop 'x'","hint":"declare it"}}"#);
        assert_eq!(
            (error.code(), error.message(), error.next_step()),
            (ErrorCode::NotFound, "there is no loop 'x'", Some("declare it"))
        );
        assert_eq!(error_of(502, b"<html>").message(), "the server answered 502");
        assert_eq!(error_of(400, br#"{"error":"bad tensor"}"#).message(), "bad tensor");
    }

    #[test]
    fn names_become_segments() {
        assert_eq!(segment("a b/ü~1.x"), "a%20b%2F%C3%BC~1.x");
    }

    #[test]
    fn a_server_that_is_not_there_says_how_to_start_it() {
        let error = Client::new("http://127.0.0.1:1").get::<serde_json::Value>("/health").unwrap_err();
        assert!(error.next_step().unwrap().contains("flyball serve"));
    }
}

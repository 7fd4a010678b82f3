//! Page tokens: where the next page of a search begins.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_core::{Digest, Error, Result};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Token {
    offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

/// The token of the page that begins after `offset` results. With a `query` it is good for that query only.
pub fn page_token(offset: usize, query: Option<&Digest>) -> String {
    let token = Token { offset: offset as u64, query: query.map(Digest::short) };
    // A struct of a number and a text always has a JSON form.
    STANDARD.encode(serde_json::to_string(&token).unwrap_or_default())
}

/// Where the page of a token begins; without a token at the start.
///
/// # Errors
/// `InvalidInput` when it is not one of our tokens, or one of another query.
pub fn offset_of(token: Option<&str>, query: Option<&Digest>) -> Result<usize> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(0) };
    let invalid = |why: &str| {
        Error::invalid(format!("Invalid page token, {why}"))
            .hint("pass the next_page_token of the answer before, unchanged")
    };
    let decoded = STANDARD.decode(token).map_err(|_| invalid("could not base64-decode"))?;
    let read: Token = serde_json::from_slice(&decoded).map_err(|_| invalid("it holds no offset"))?;
    if let Some(query) = query
        && read.query.as_deref() != Some(query.short().as_str())
    {
        return Err(invalid("the experiments, filter or order in the page token do not match the request's"));
    }
    let offset = usize::try_from(read.offset).ok().filter(|offset| *offset <= MOST && *offset > 0);
    offset.ok_or_else(|| invalid("its offset is out of range"))
}

/// Far more results than anybody turns pages over; keeps sums of offsets and page sizes in range.
const MOST: usize = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_on_and_belong_to_their_query() {
        let (query, other) = (Digest::of(b"one"), Digest::of(b"other"));
        assert_eq!(offset_of(None, None).unwrap(), 0);
        assert_eq!(offset_of(Some(""), None).unwrap(), 0);
        assert_eq!(offset_of(Some(&page_token(7, None)), None).unwrap(), 7);
        // As stock MLflow writes it.
        assert_eq!(offset_of(Some("eyJvZmZzZXQiOiAyfQ=="), None).unwrap(), 2);
        let token = page_token(7, Some(&query));
        assert_eq!(offset_of(Some(&token), Some(&query)).unwrap(), 7);
        assert!(offset_of(Some(&token), Some(&other)).is_err());
        assert!(offset_of(Some(&page_token(7, None)), Some(&query)).is_err());
        for bad in ["x", "!!", "e30=", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAxZTMwMH0="] {
            assert!(offset_of(Some(bad), None).unwrap_err().message().contains("Invalid page token"), "{bad}");
        }
    }
}

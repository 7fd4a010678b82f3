//! Downloads: a GET whose body goes into a writer.

use std::io::{Read, Write};
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use ureq::http::HeaderMap;
use ureq::http::header::{CONTENT_TYPE, LOCATION};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::client::{Egress, meaning};

/// How long a download may take, in seconds: 64 MiB over half a megabit each second.
const DOWNLOAD_SECONDS: u64 = 20 * 60;
/// How long the host may be silent, in seconds.
const SILENT_SECONDS: u64 = 30;

/// What to fetch.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// From where.
    pub url: &'a str,
    /// What to say to the host.
    pub headers: &'a [(&'a str, &'a str)],
    /// How long the body may be, in bytes.
    pub limit: u64,
    /// The authorities to trust instead of the public ones, as PEM.
    pub authorities: Option<&'a [u8]>,
}

/// What the host said to a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status. A redirect is an answer as any other.
    pub status: u16,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// What the body is.
    pub content_type: Option<String>,
}

impl Egress {
    /// GETs a URL; the body of a success goes into `into`, that of another answer is left alone.
    ///
    /// # Errors
    /// As [`Egress::post_json`]; `LimitExceeded` when the body is longer than the limit, `StorageFull` when it cannot be
    /// written.
    pub fn get(&self, download: &Download<'_>, into: &mut dyn Write) -> Result<Fetched> {
        let mut request = self.agent().get(download.url);
        for (name, value) in download.headers {
            request = request.header(*name, *value);
        }
        let mut config = request
            .config()
            .timeout_global(Some(Duration::from_secs(DOWNLOAD_SECONDS)))
            .timeout_connect(Some(Duration::from_secs(SILENT_SECONDS)))
            .timeout_recv_response(Some(Duration::from_secs(SILENT_SECONDS)))
            .timeout_per_read(Some(Duration::from_secs(SILENT_SECONDS)));
        if let Some(pem) = download.authorities {
            config = config.tls_config(TlsConfig::builder().root_certs(authorities(pem)?).build());
        }
        let mut response = config.build().call().map_err(meaning)?;
        let text =
            |headers: &HeaderMap, name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let fetched = Fetched {
            status: response.status().as_u16(),
            location: text(response.headers(), LOCATION),
            content_type: text(response.headers(), CONTENT_TYPE),
        };
        if (200..300).contains(&fetched.status) {
            copy(&mut response.body_mut().as_reader(), download.limit, into)?;
        }
        Ok(fetched)
    }
}

fn authorities(pem: &[u8]) -> Result<RootCerts> {
    let certificates: Vec<_> = parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(Error::invalid("the file of authorities holds no certificate"));
    }
    Ok(certificates.into_iter().into())
}

fn copy(from: &mut dyn Read, limit: u64, into: &mut dyn Write) -> Result<()> {
    let broken = |cause| Error::new(ErrorCode::Unavailable, "the answer of the host breaks off").cause(cause);
    let mut buffer = vec![0; 64 * 1024];
    let mut left = limit;
    loop {
        let count = from.read(&mut buffer).map_err(broken)?;
        if count == 0 {
            return Ok(());
        }
        left = left
            .checked_sub(count as u64)
            .ok_or_else(|| Error::new(ErrorCode::LimitExceeded, format!("the host sent more than {limit} bytes")))?;
        let full = |cause| Error::new(ErrorCode::StorageFull, "what the host sent cannot be written").cause(cause);
        into.write_all(&buffer[..count]).map_err(full)?;
    }
}

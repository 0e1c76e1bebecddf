//! A request as read from the wire, before anyone has looked at what it says.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use futures_util::StreamExt;
use url::form_urlencoded;

use super::super::access::Credential;
use super::reply::Reply;

/// The largest request body that is read.
const BODY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// How much of a body that is too large is still taken in, so that its sender gets to read the answer.
const DRAIN_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;

/// Everything of a request.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) method: Method,
    /// The path's segments, percent-decoded.
    pub(super) segments: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    /// Path and query, for the log.
    pub(super) target: String,
    headers: HeaderMap,
    /// The body; none where it is too large.
    body: Option<Bytes>,
}

impl Incoming {
    /// Reads all of `request`; an error is a connection that broke.
    pub(super) async fn read(request: Request) -> Result<Self, axum::Error> {
        let (parts, body) = request.into_parts();
        let body = read_body(body).await?;
        let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query = query.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        let segments = parts.uri.path().split('/').skip(1).map(percent_decoded).collect();
        Ok(Self { method: parts.method, segments, query, target, headers: parts.headers, body })
    }

    pub(super) fn body(&self) -> Result<&Bytes, Reply> {
        let message = format!("a body may have at most {BODY_BYTES_MAX} bytes");
        self.body.as_ref().ok_or_else(|| Reply::error(413, "payload_too_large", message))
    }

    /// The body as text.
    pub(super) fn text(&self) -> Result<&str, Reply> {
        std::str::from_utf8(self.body()?).map_err(|_| Reply::error(400, "malformed", "the body is not UTF-8"))
    }

    /// The body as JSON text, provided that it is announced as such.
    pub(super) fn json_text(&self) -> Result<&str, Reply> {
        if self.content_type() != "application/json" {
            return Err(Reply::error(415, "unsupported_media_type", "expected the content type `application/json`"));
        }
        self.text()
    }

    /// The media type of the body, without parameters.
    pub(super) fn content_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub(super) fn credential(&self) -> Credential<'_> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = header(AUTHORIZATION.as_str()) {
            let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return token.map_or(Credential::Missing, |(_, token)| Credential::Bearer(token.trim()));
        }
        header("x-api-key").map_or(Credential::Missing, Credential::ApiKey)
    }

    /// A number in the query, at least `least`.
    pub(super) fn number(&self, name: &str, default: usize, least: usize) -> Result<usize, Reply> {
        let Some(text) = self.query.get(name) else { return Ok(default) };
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number.filter(|number| *number >= least).ok_or_else(|| {
            let message = format!("expected `{name}` to be a whole number of at least {least}, found `{text}`");
            Reply::error(400, "bad_request", message)
        })
    }
}

async fn read_body(body: Body) -> Result<Option<Bytes>, axum::Error> {
    let mut stream = body.into_data_stream();
    let (mut read, mut n_bytes) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        n_bytes += chunk.len();
        if n_bytes <= BODY_BYTES_MAX {
            read.extend_from_slice(&chunk);
        } else if n_bytes > DRAIN_BYTES_MAX {
            break;
        }
    }
    Ok((n_bytes <= BODY_BYTES_MAX).then(|| read.into()))
}

/// `segment` with `%XX` resolved; what is no such escape stays.
fn percent_decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = segment.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_and_other_percent_signs_stay() {
        for (written, meant) in
            [("flow_a", "flow_a"), ("a%2Fb%20c", "a/b c"), ("%", "%"), ("%zz%", "%zz%"), ("%C3%BC", "ü")]
        {
            assert_eq!(percent_decoded(written), meant);
        }
    }
}

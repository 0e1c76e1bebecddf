//! A request as read from the wire, before anyone has looked at what it says.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use futures_util::StreamExt;
use url::form_urlencoded;

/// How much of a body that is too large is still taken in, so that its sender gets to read the answer: so many times
/// what is allowed.
const DRAIN_TIMES: usize = 4;

/// What a request brings to identify itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    Bearer(&'a str),
    ApiKey(&'a str),
    Missing,
}

/// A body is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    NotUtf8,
    /// Announced as something other than JSON.
    NotJson,
}

/// Everything of a request.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// The path's segments, percent-decoded.
    pub(crate) segments: Vec<String>,
    /// Names and values, decoded, in their order.
    pub(crate) query: Vec<(String, String)>,
    /// Path and query, for the log.
    pub(crate) target: String,
    headers: HeaderMap,
    /// The body; none where it is too large.
    body: Option<Bytes>,
}

impl Incoming {
    /// Reads all of `request`, of whose body `bytes_max` bytes are taken; an error is a connection that broke.
    pub(crate) async fn read(request: Request, bytes_max: usize) -> Result<Self, axum::Error> {
        let (parts, body) = request.into_parts();
        let body = read_body(body, bytes_max).await?;
        let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        Ok(Self { body, ..Self::whole(parts.method, target, parts.headers, Bytes::new()) })
    }

    /// A request that is here already; `target` is its path and query.
    pub(crate) fn whole(method: Method, target: String, headers: HeaderMap, body: Bytes) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = form_urlencoded::parse(query.as_bytes());
        let query = query.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        let segments = path.split('/').skip(1).map(percent_decoded).collect();
        Self { method, segments, query, target, headers, body: Some(body) }
    }

    pub(crate) fn body(&self) -> Result<&Bytes, BodyError> {
        self.body.as_ref().ok_or(BodyError::TooLarge)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Result<&str, BodyError> {
        std::str::from_utf8(self.body()?).map_err(|_| BodyError::NotUtf8)
    }

    /// The body as JSON text, provided that it is announced as such.
    pub(crate) fn json_text(&self) -> Result<&str, BodyError> {
        if self.content_type() == "application/json" { self.text() } else { Err(BodyError::NotJson) }
    }

    /// The last value under a name in the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type of the body, without parameters.
    pub(crate) fn content_type(&self) -> String {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub(crate) fn credential(&self) -> Credential<'_> {
        if let Some(value) = self.header(AUTHORIZATION.as_str()) {
            let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return token.map_or(Credential::Missing, |(_, token)| Credential::Bearer(token.trim()));
        }
        self.header("x-api-key").map_or(Credential::Missing, Credential::ApiKey)
    }
}

async fn read_body(body: Body, bytes_max: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut stream = body.into_data_stream();
    let (mut read, mut n_bytes) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        n_bytes += chunk.len();
        if n_bytes <= bytes_max {
            read.extend_from_slice(&chunk);
        } else if n_bytes > DRAIN_TIMES * bytes_max {
            break;
        }
    }
    Ok((n_bytes <= bytes_max).then(|| read.into()))
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

//! A server in this process, in the place of the network: for proofs.

use std::fmt::Debug;
use std::pin::Pin;

use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Request};

/// A request as a server in this process gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsideRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, `host` among them.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsideAnswer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The request did not leave.
    NotSent,
    /// The connection was lost after it may have left.
    Lost,
}

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<InsideAnswer, NoAnswer>> + Send + 'a>>;

/// A server in this process. Time is tokio's, which may be paused.
pub trait InsideServer: Debug + Send + Sync {
    /// Answers a request; dropped where its sender has lost patience.
    fn answer(&self, request: InsideRequest) -> Answering<'_>;
}

pub(super) fn given(request: &Request) -> InsideRequest {
    let url = request.url();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut headers: Vec<(String, String)> =
        request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    headers.push((HOST.to_string(), format!("{}{port}", url.host_str().unwrap_or_default())));
    InsideRequest {
        method: request.method().to_string(),
        target: format!("{}{query}", url.path()),
        headers,
        body: request.body().and_then(Body::as_bytes).unwrap_or_default().to_vec(),
    }
}

pub(super) fn named(headers: Vec<(String, String)>) -> HeaderMap {
    let pair =
        |(name, value): (String, String)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(&value).ok()?));
    headers.into_iter().filter_map(pair).collect()
}

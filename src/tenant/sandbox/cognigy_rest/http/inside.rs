//! Requests from within this process: what the listener would make of them, without a socket.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::super::super::fault::Delivery;
use super::super::super::wire::Incoming;
use super::super::call::Call;
use super::super::shared::Shared;
use super::{below_base, route, serve_and_log};

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values, `host` among them.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Answers a request; nothing where a fault of the plan has its connection lost.
pub(in super::super) async fn answer(shared: &Arc<Shared>, request: Request) -> Option<Answer> {
    let Request { method, target, headers, body } = request;
    let pair =
        |(name, value): (String, String)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(&value).ok()?));
    let headers: HeaderMap = headers.into_iter().filter_map(pair).collect();
    let incoming = Incoming::whole(method.parse().ok()?, target, headers, body.into());
    let delivery = serve_and_log(Arc::clone(shared), incoming, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let Delivery::Whole(reply) = delivery else { return None };
    let date = shared.lock().clock.http_date_in(Duration::ZERO);
    let own = [(DATE.to_string(), date), (CONTENT_TYPE.to_string(), reply.content_type.to_owned())];
    let more = reply.headers.into_iter().map(|(name, value)| (name.to_string(), value));
    Some(Answer { status: reply.status, headers: own.into_iter().chain(more).collect(), body: reply.body.to_vec() })
}

/// What a request is called in the log; nothing where it is none of the API.
pub(in super::super) fn named(method: &str, target: &str) -> Option<&'static str> {
    let path = target.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (below, _) = below_base(&segments).ok()?;
    route::call_of(method, below).ok().map(Call::as_str)
}

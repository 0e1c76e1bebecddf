//! An answer before it goes out: kept as plain bytes, so that a fault can change it.

use std::io;
use std::task::Poll;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

/// How often a truncated body gives way before it fails, so that what was promised has left.
const YIELDS_BEFORE_CUT: u32 = 16;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn bytes(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: "application/json", headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, value.to_string())
    }

    pub(crate) fn no_content() -> Self {
        Self::bytes(204, Bytes::new())
    }

    pub(crate) fn with(mut self, header: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// As HTTP sends it.
    pub(crate) fn into_response(self) -> Response {
        let body = Body::from(self.body.clone());
        self.with_body(body)
    }

    /// Announces the whole body, sends `n_bytes` of it, but never all, and breaks off.
    pub(crate) fn truncated(self, n_bytes: usize) -> Response {
        let sent = self.body.slice(..n_bytes.min(self.body.len().saturating_sub(1)));
        let mut yields_left = YIELDS_BEFORE_CUT;
        let cut = stream::poll_fn(move |cx| {
            if yields_left > 0 {
                yields_left -= 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted))))
        });
        let whole = HeaderValue::from(self.body.len());
        let body = Body::from_stream(stream::iter([Ok(sent)]).chain(cut));
        let mut response = self.with_body(body);
        response.headers_mut().insert(CONTENT_LENGTH, whole);
        response
    }

    fn with_body(self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.status != 204 {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

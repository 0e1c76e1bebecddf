//! An answer before it goes out: kept as plain bytes, so that a fault can change it.

use std::io;
use std::task::Poll;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::super::access::{Denied, TokenRefusal};
use super::super::world::{Refusal, Violation};

/// How often a truncated body gives way before it fails, so that what was promised has left.
const YIELDS_BEFORE_CUT: u32 = 16;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn bytes(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: "application/json", headers: Vec::new(), body: body.into() }
    }

    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, value.to_string())
    }

    pub(super) fn error(status: u16, error: &str, message: impl Into<String>) -> Self {
        Self::json(status, &json!({ "error": error, "message": message.into() }))
    }

    pub(super) fn violations(status: u16, message: impl Into<String>, violations: &[Violation]) -> Self {
        let message = message.into();
        Self::json(status, &json!({ "error": "validation_failed", "message": message, "violations": violations }))
    }

    pub(super) fn no_content() -> Self {
        Self::bytes(204, Bytes::new())
    }

    pub(super) fn with(mut self, header: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    pub(super) fn throttled(seconds: u64) -> Self {
        Self::error(429, "too_many_requests", "the rate limit is reached").with(RETRY_AFTER, seconds.to_string())
    }

    /// As HTTP sends it.
    pub(super) fn into_response(self) -> Response {
        let body = Body::from(self.body.clone());
        self.with_body(body)
    }

    /// Announces the whole body, sends `n_bytes` of it, but never all, and breaks off.
    pub(super) fn truncated(self, n_bytes: usize) -> Response {
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

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NoEnvironment(_) => Self::error(404, "environment_not_found", message),
            Refusal::NoFlow { .. } => Self::error(404, "flow_not_found", message),
            Refusal::NoVersion { .. } => Self::error(404, "version_not_found", message),
            Refusal::Invalid(violations) | Refusal::Needed { violations, .. } => {
                Self::violations(400, message, &violations)
            }
        }
    }
}

impl From<Denied> for Reply {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthorized(reason) => Self::error(401, "unauthorized", reason).with(WWW_AUTHENTICATE, "Bearer"),
            Denied::Forbidden(scope) => {
                let message = format!("the call needs the scope `{scope}`");
                Self::json(403, &json!({ "error": "insufficient_scope", "message": message, "scope": scope }))
            }
        }
    }
}

impl From<TokenRefusal> for Reply {
    fn from(refusal: TokenRefusal) -> Self {
        let TokenRefusal { status, error, description } = refusal;
        Self::json(status, &json!({ "error": error, "error_description": description }))
    }
}

//! Refusals in the words of flow-api-v2.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::super::super::wire::{BodyError, Reply};
use super::super::access::{Denied, TokenRefusal};
use super::super::world::{Refusal, Violation};

/// The largest request body that is read.
pub(super) const BODY_BYTES_MAX: usize = 20 * 1024 * 1024;

impl Reply {
    pub(super) fn error(status: u16, error: &str, message: impl Into<String>) -> Self {
        Self::json(status, &json!({ "error": error, "message": message.into() }))
    }

    pub(super) fn violations(status: u16, message: impl Into<String>, violations: &[Violation]) -> Self {
        let message = message.into();
        Self::json(status, &json!({ "error": "validation_failed", "message": message, "violations": violations }))
    }

    pub(super) fn throttled(seconds: u64) -> Self {
        Self::error(429, "too_many_requests", "the rate limit is reached").with(RETRY_AFTER, seconds.to_string())
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

impl From<BodyError> for Reply {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => {
                let message = format!("a body may have at most {BODY_BYTES_MAX} bytes");
                Self::error(413, "payload_too_large", message)
            }
            BodyError::NotUtf8 => Self::error(400, "malformed", "the body is not UTF-8"),
            BodyError::NotJson => {
                Self::error(415, "unsupported_media_type", "expected the content type `application/json`")
            }
        }
    }
}

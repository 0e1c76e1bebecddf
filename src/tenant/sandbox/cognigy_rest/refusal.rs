//! Why a call is refused, in the vendor's form of an error (vendor's reference).

use serde_json::{Value, json};

/// A call that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The vendor's number for it.
    pub(crate) code: u16,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
}

impl Refusal {
    fn new(status: u16, code: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into() }
    }

    /// Something that is needed was not sent.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(400, 1000, "Missing parameter", format!("the parameter `{name}` is missing"))
    }

    /// Something was sent that is not valid.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(400, 1005, "Invalid parameter value", detail)
    }

    /// A node's config is not what its type wants (reported by users).
    pub(crate) fn config(detail: &str) -> Self {
        Self::invalid(format!("Node config validation failed: {detail}"))
    }

    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(401, 401, "Unauthorized", detail)
    }

    pub(crate) fn forbidden(detail: &str) -> Self {
        Self::new(403, 403, "Forbidden", detail)
    }

    pub(crate) fn not_found(what: &str, which: &str) -> Self {
        Self::new(404, 1002, "Resource not found", format!("{what} `{which}` could not be found"))
    }

    /// There is no such path.
    pub(crate) fn no_path() -> Self {
        Self::new(404, 404, "Not found", "there is no such path")
    }

    pub(crate) fn method() -> Self {
        Self::new(405, 1013, "Method not allowed", "the method is not allowed here")
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, 1004, "Conflict", detail)
    }

    pub(crate) fn too_large(bytes_max: usize) -> Self {
        Self::new(413, 413, "Payload too large", format!("the body is larger than {bytes_max} bytes"))
    }

    pub(crate) fn too_many() -> Self {
        Self::new(429, 429, "Too many requests", "the rate limit is reached")
    }

    /// A node was to go where its mode cannot bring it (vendor's reference).
    pub(crate) fn chart_data() -> Self {
        Self::new(500, 1008, "Internal server error", "Error while reading ChartData")
    }

    /// What a fault plan has a request answered with.
    pub(crate) fn fault(status: u16) -> Self {
        Self::new(status, status, "Fault", "answered by the fault plan")
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(500, 1008, "Internal server error", detail)
    }

    /// The body of the answer; `instance` is the path asked for.
    pub(crate) fn to_json(&self, instance: &str, trace: &str) -> Value {
        let Self { status, code, title, detail } = self;
        json!({
            "type": format!("/errors/{code}"),
            "title": title,
            "status": status,
            "detail": detail,
            "instance": instance,
            "code": code,
            "traceId": trace,
            "details": {},
        })
    }
}

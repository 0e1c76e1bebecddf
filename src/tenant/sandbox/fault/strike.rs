//! A request that meets trouble, and how its answer leaves.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use tokio::time::sleep;

use super::super::wire::{KillSwitch, Reply};
use super::trouble::{Corruption, RetryAfter, Trouble, When};

/// What stands in for an answer on request.
const LOGIN_PAGE: &str =
    "<!doctype html>\n<html><head><title>Sign in</title></head><body><form>Please sign in.</form></body></html>\n";
const GARBAGE: &[u8] = b"\xff\xfe\x00{\"items\": [\x1b[2J";
const WRONG_SHAPE: &str = r#"{"data":{"results":[],"ok":true}}"#;

/// How an answer leaves.
#[derive(Debug)]
pub(crate) enum Delivery {
    Whole(Reply),
    /// With how many bytes of its body.
    Truncated(Reply, usize),
    Dropped,
}

impl Delivery {
    /// The status answered; none where the connection is dropped.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Whole(reply) | Self::Truncated(reply, _) => Some(reply.status),
            Self::Dropped => None,
        }
    }

    /// As HTTP sends it, over the connection of `switch`.
    pub(crate) fn into_response(self, switch: &KillSwitch) -> Response {
        match self {
            Self::Whole(reply) => reply.into_response(),
            Self::Truncated(reply, n_bytes) => reply.truncated(n_bytes),
            Self::Dropped => {
                switch.cut();
                Response::default()
            }
        }
    }
}

/// Meets `trouble`. The request takes effect when `perform` is awaited, or not at all; `said` is what a bare status
/// is answered with.
pub(crate) async fn suffer(
    trouble: Trouble,
    said: impl FnOnce(u16) -> Reply,
    perform: impl Future<Output = Reply>,
) -> Delivery {
    match trouble {
        Trouble::Answer { status, retry_after, body, when } => {
            if when == When::After {
                perform.await;
            }
            let reply = body.map_or_else(|| said(status), |body| Reply::bytes(status, body));
            Delivery::Whole(with_retry_after(reply, retry_after))
        }
        Trouble::Delay { before, after } => {
            pause(before).await;
            let reply = perform.await;
            pause(after).await;
            Delivery::Whole(reply)
        }
        Trouble::Drop { when, wait } => {
            if when == When::After {
                perform.await;
            }
            pause(wait).await;
            Delivery::Dropped
        }
        Trouble::Truncate(n_bytes) => Delivery::Truncated(perform.await, n_bytes),
        Trouble::Corrupt(corruption) => {
            perform.await;
            Delivery::Whole(corrupted(corruption))
        }
    }
}

fn with_retry_after(reply: Reply, retry_after: Option<RetryAfter>) -> Reply {
    match retry_after {
        None => reply,
        Some(RetryAfter::Text(text)) => reply.with(RETRY_AFTER, text),
        Some(RetryAfter::DateIn(span)) => reply.with(RETRY_AFTER, http_date_in(span)),
    }
}

#[allow(clippy::disallowed_methods, reason = "the sandbox is a server of its own, with the wall clock")]
fn http_date_in(span: Duration) -> String {
    let at = Timestamp::now().saturating_add(span).unwrap_or(Timestamp::MAX);
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

fn corrupted(corruption: Corruption) -> Reply {
    match corruption {
        Corruption::Html => Reply { content_type: "text/html; charset=utf-8", ..Reply::bytes(200, LOGIN_PAGE) },
        Corruption::Garbage => Reply::bytes(200, Bytes::from_static(GARBAGE)),
        Corruption::WrongShape => Reply::bytes(200, WRONG_SHAPE),
    }
}

/// Lets time pass, if there is any to pass.
async fn pause(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

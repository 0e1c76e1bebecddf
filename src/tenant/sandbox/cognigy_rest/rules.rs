//! How the platform behaves, as far as that may change while it runs.
//!
//! What nobody outside of the vendor's house has confirmed is a switch: flowsync must work either way.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::yaml::{self, ReadError};

/// Requests per window and address on the vendor's shared installation (vendor's reference).
const REQUESTS_MAX: usize = 1_000;

/// The window they are counted in (vendor's reference).
const WINDOW: Duration = Duration::from_secs(300);

/// The largest JSON body (reported by users: "60kb").
const BODY_BYTES_MAX: usize = 60 * 1024;

/// How many requests of one address the platform puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowLimit {
    /// Requests in any window.
    pub requests: usize,
    /// How long a window is.
    #[serde(with = "as_span")]
    pub window: Duration,
}

/// What an answer 429 says of when to come again (unconfirmed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ComeAgain {
    /// Nothing.
    Silent,
    /// `Retry-After` in seconds.
    Seconds,
    /// `Retry-After` as an HTTP date.
    Date,
    /// `RateLimit-Reset` in seconds.
    Reset,
}

/// By which route a node moves (unconfirmed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MoveRoute {
    /// `POST …/nodes/{n}/move`.
    Post,
    /// `PATCH …/nodes/{n}/move`.
    Patch,
    /// `PATCH …/nodes/{n}` with `mode` and `target`.
    Node,
}

/// How the platform behaves; may change while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Behaviour {
    /// Time that passes before a request is looked at.
    #[serde(with = "as_span")]
    pub latency: Duration,
    /// The rate limit; none is no limit.
    pub limit: Option<WindowLimit>,
    /// What an answer 429 says of when to come again.
    pub come_again: ComeAgain,
    /// The largest JSON body, in bytes.
    pub body_bytes_max: usize,
    /// How long a task takes.
    #[serde(with = "as_span")]
    pub task_time: Duration,
    /// How long a token is good for.
    #[serde(with = "as_span")]
    pub token_lifetime: Duration,
    /// Bodies on GET are overlooked; else they are 403.
    pub get_bodies: bool,
    /// A PATCH that changes nothing answers well; else it is 400, as before version 4.97.
    pub empty_patches: bool,
    /// A chart is read once more as it was before the newest write.
    pub stale_charts: bool,
    /// A node too is part of that one read.
    pub stale_nodes: bool,
    /// By which route a node moves; the others are 405.
    pub move_route: MoveRoute,
    /// `chart/descriptors` tells of the node types; else it is empty.
    pub descriptors: bool,
    /// A merge that fails leaves half of it behind.
    pub half_merges: bool,
    /// `chart/nodes` shows each node's config.
    pub configs_in_lists: bool,
    /// A PATCH, a move and a DELETE answer with the object; else 204.
    pub answer_writes: bool,
    /// Charts are read under `/v2.0` only.
    pub old_charts: bool,
    /// A PATCH may name the locale it writes.
    pub locale_in_patches: bool,
    /// `start`, `end` and markers can be written with PATCH.
    pub marker_patches: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            limit: Some(WindowLimit { requests: REQUESTS_MAX, window: WINDOW }),
            come_again: ComeAgain::Silent,
            body_bytes_max: BODY_BYTES_MAX,
            task_time: Duration::from_millis(200),
            token_lifetime: Duration::from_secs(3600),
            get_bodies: false,
            empty_patches: false,
            stale_charts: true,
            stale_nodes: false,
            move_route: MoveRoute::Patch,
            descriptors: false,
            half_merges: true,
            configs_in_lists: false,
            answer_writes: false,
            old_charts: false,
            locale_in_patches: true,
            marker_patches: false,
        }
    }
}

impl Behaviour {
    /// Changed by YAML or JSON: the keys that are written change, others stay.
    pub(crate) fn changed_by(&self, text: &str) -> Result<Self, ReadError> {
        let written: Map<String, Value> = yaml::read(text)?;
        let mut whole = serde_json::to_value(self).map_err(|error| yaml::explained(&error))?;
        for (key, value) in written {
            whole[key] = value;
        }
        let changed: Self = serde_json::from_value(whole).map_err(|error| yaml::explained(&error))?;
        if changed.limit.is_some_and(|limit| limit.requests == 0 || limit.window.is_zero()) {
            return Err(ReadError::new("expected a `limit` of at least 1 request in some time"));
        }
        Ok(changed)
    }

    /// In the form that [`Behaviour::changed_by`] reads.
    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Times with their unit, as people write them.
mod as_span {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::super::super::span::Span;

    pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        Span(*span).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Span::deserialize(deserializer).map(|Span(span)| span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_that_are_written_change() {
        let before = Behaviour::default();
        let after = before.changed_by("taskTime: 2s\nlimit: { requests: 5, window: 1m }\nmoveRoute: post\n").unwrap();
        let limit = Some(WindowLimit { requests: 5, window: Duration::from_secs(60) });
        let task_time = Duration::from_secs(2);
        assert_eq!(after, Behaviour { task_time, limit, move_route: MoveRoute::Post, ..before });
        assert_eq!(after.changed_by(&after.to_json().to_string()).unwrap(), after);
        assert_eq!(after.changed_by("limit: null").unwrap().limit, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in ["taskTim: 2s", "taskTime: 2", "limit: { requests: 0, window: 1m }", "moveRoute: sideways"] {
            assert!(Behaviour::default().changed_by(wrong).is_err(), "{wrong}");
        }
    }
}

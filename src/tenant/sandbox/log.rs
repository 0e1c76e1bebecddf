//! The log of requests: the newest ones in full, all of them counted. Never a header, never a body.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// The most requests remembered in full.
const REQUESTS_MAX: usize = 10_000;

/// One request to the tenant's API or its token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedRequest {
    /// Counts from 1, in the order in which requests were answered.
    pub seq: u64,
    /// Milliseconds since the sandbox started.
    pub at_ms: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The status answered; none where the connection was dropped.
    pub status: Option<u16>,
    /// Which call it was, `import` for example; none for an unknown route.
    pub call: Option<&'static str>,
    /// The flow it was about.
    pub flow: Option<String>,
    /// The environment it was about.
    pub environment: Option<String>,
    /// The fault that was applied, as the plan calls it.
    pub fault: Option<&'static str>,
}

/// What was asked of the sandbox so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestLog {
    /// Every request since the start or since the log was cleared.
    pub total: u64,
    /// How many of each call.
    pub by_call: BTreeMap<&'static str, u64>,
    /// How many of each status; `dropped` where the connection was.
    pub by_status: BTreeMap<String, u64>,
    /// How many requests met a fault.
    pub faulted: u64,
    /// The most requests that were under way at once.
    pub most_in_flight: u64,
    /// The newest requests, oldest first; at most 10,000.
    pub requests: VecDeque<LoggedRequest>,
}

impl RequestLog {
    /// Adds `request`, whose `seq` is set here.
    pub(super) fn add(&mut self, mut request: LoggedRequest) {
        self.total += 1;
        request.seq = self.total;
        *self.by_call.entry(request.call.unwrap_or("unknown")).or_default() += 1;
        let status = request.status.map_or_else(|| "dropped".to_owned(), |status| status.to_string());
        *self.by_status.entry(status).or_default() += 1;
        self.faulted += u64::from(request.fault.is_some());
        if self.requests.len() == REQUESTS_MAX {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_requests_are_forgotten_and_still_counted() {
        let mut log = RequestLog::default();
        for _ in 0..=REQUESTS_MAX {
            log.add(LoggedRequest {
                seq: 0,
                at_ms: 0,
                method: "GET".to_owned(),
                path: "/".to_owned(),
                status: Some(200),
                call: None,
                flow: None,
                environment: None,
                fault: None,
            });
        }
        assert_eq!(log.requests.len(), REQUESTS_MAX);
        assert_eq!(log.total, REQUESTS_MAX as u64 + 1);
        assert_eq!(log.requests[0].seq, 2);
        assert_eq!(log.by_status["200"], log.total);
    }
}

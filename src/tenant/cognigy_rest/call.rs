//! The requests of one call from above the seam: made, counted, and their answers read.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::http::{Asked, Caller, Sent, Settled, Tuning};
use super::super::{Failure, TenantError};
use super::endpoint::Route;
use super::request::{Requests, Root};
use crate::web::now_seconds;

/// Makes the requests of one call.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    pub(super) caller: &'a Caller,
    pub(super) asked: Asked<'a>,
    pub(super) organisation: Option<&'a str>,
    /// Whether charts are read under the older root here, as an earlier call found.
    older_charts: &'a AtomicBool,
    /// HTTP requests so far.
    attempts: AtomicU32,
    /// Whether one of them may have changed something.
    has_written: AtomicBool,
}

/// How a request ended that starts something.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Started {
    /// What the tenant answers.
    Yes(Value),
    /// Nobody knows whether it was started.
    Unknown(Failure),
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// The tenant says yes.
    Done,
    /// What it is about is not there.
    Gone,
    /// Nobody knows: what is live tells.
    Unknown(Failure),
}

impl<'a> Calls<'a> {
    pub(super) fn new(
        caller: &'a Caller,
        asked: Asked<'a>,
        organisation: Option<&'a str>,
        older_charts: &'a AtomicBool,
    ) -> Self {
        let (attempts, has_written) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { caller, asked, organisation, older_charts, attempts, has_written }
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    pub(super) fn tuning(&self) -> &Tuning {
        &self.caller.post.tuning
    }

    pub(super) fn error(&self, failure: Failure) -> TenantError {
        self.asked.error(self.attempts(), failure)
    }

    /// Somebody else changed what was to be written.
    pub(super) fn changed(&self, what: String) -> TenantError {
        let has_written = self.has_written.load(Ordering::Relaxed);
        self.error(if has_written { Failure::Changed { what } } else { Failure::ChangedBefore { what } })
    }

    pub(super) fn garbage(&self, body: &[u8]) -> TenantError {
        self.error(Failure::Garbage { excerpt: self.caller.post.mask.excerpt(body) })
    }

    pub(super) fn requests(&self) -> Requests<'_> {
        Requests { base: &self.caller.base, tuning: &self.caller.post.tuning, organisation: self.organisation }
    }

    pub(super) async fn send(&self, sent: &Sent<Route>) -> Result<Settled, TenantError> {
        self.has_written.fetch_or(sent.endpoint.method != Method::GET, Ordering::Relaxed);
        let settled = self.caller.call(&self.asked, sent).await;
        let attempts = settled.as_ref().map_or_else(|error| error.attempts, |settled| settled.attempts);
        self.attempts.fetch_add(attempts, Ordering::Relaxed);
        settled.map_err(|error| TenantError { attempts: self.attempts(), ..error })
    }

    /// What is read; `None` where it is not there. With it the tenant's time, in seconds since 1970.
    pub(super) async fn json_if_there<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        what: &'static str,
    ) -> Result<Option<(T, f64)>, TenantError> {
        let settled = self.read(path, query, what).await?;
        if settled.answer.status == 404 {
            return Ok(None);
        }
        let body = &settled.answer.body;
        let value = serde_json::from_slice(body).map_err(|_| self.garbage(body))?;
        Ok(Some((value, now_seconds(&settled.answer.headers))))
    }

    /// What is read, under whichever root answers. Some servers know charts under the older one only; which is found
    /// out once.
    async fn read(&self, path: &[&str], query: &[(&str, &str)], what: &'static str) -> Result<Settled, TenantError> {
        let is_chart = matches!(path, ["flows", _, "chart", ..]);
        let is_older = is_chart && self.older_charts.load(Ordering::Relaxed);
        let root = if is_older { Root::Older } else { Root::Today };
        let today = self.send(&self.requests().get(root, path, query, what)).await;
        let is_unknown = match &today {
            Ok(settled) => settled.answer.status == 404,
            Err(error) => matches!(error.failure, Failure::Unsupported { .. } | Failure::Refused { status: 400, .. }),
        };
        if is_older || !is_unknown || !matches!(path, ["flows", _, "chart"]) {
            return today;
        }
        let older = self.send(&self.requests().get(Root::Older, path, query, what)).await;
        match older {
            Ok(settled) if settled.answer.status != 404 => {
                self.older_charts.store(true, Ordering::Relaxed);
                Ok(settled)
            }
            _ => today,
        }
    }

    /// What is read, and must be there.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        what: &'static str,
    ) -> Result<T, TenantError> {
        let found = self.json_if_there(path, query, what).await?;
        found.map(|(value, _)| value).ok_or_else(|| self.error(gone(path)))
    }

    /// Starts something whose answer tells how to go on. An answer that was lost is no error.
    pub(super) async fn start(&self, path: &[&str], body: &Value, what: &'static str) -> Result<Started, TenantError> {
        let sent = self.requests().write(Method::POST, path, body, what);
        self.started(path, &sent).await
    }

    /// The same where what is started changes the flow.
    pub(super) async fn start_change(
        &self,
        path: &[&str],
        body: &Value,
        what: &'static str,
    ) -> Result<Started, TenantError> {
        self.started(path, &self.requests().write_flow(Method::POST, path, body, what)).await
    }

    /// Sends a file.
    pub(super) async fn upload(
        &self,
        path: &[&str],
        fields: &[(&str, &str)],
        file: &[u8],
        what: &'static str,
    ) -> Result<Started, TenantError> {
        self.started(path, &self.requests().upload(path, fields, file, what)).await
    }

    async fn started(&self, path: &[&str], sent: &Sent<Route>) -> Result<Started, TenantError> {
        match self.send(sent).await {
            Ok(settled) if settled.answer.status == 404 => Err(self.error(gone(path))),
            Ok(settled) => {
                let body = &settled.answer.body;
                let started = serde_json::from_slice(body).map(Started::Yes);
                Ok(started.unwrap_or_else(|_| Started::Unknown(self.garbage(body).failure)))
            }
            Err(error) if error.maybe_took_effect() => Ok(Started::Unknown(error.failure)),
            Err(error) => Err(error),
        }
    }

    /// What a link leads to that the tenant gave out.
    pub(super) async fn follow(&self, link: &str, what: &'static str) -> Result<Vec<u8>, TenantError> {
        let sent = self.requests().follow(link, what).map_err(|reason| self.error(Failure::Impossible { reason }))?;
        let settled = self.send(&sent).await?;
        match settled.answer.status {
            404 => Err(self.error(gone(&["the package's file"]))),
            _ => Ok(settled.answer.body),
        }
    }

    /// Deletes something; what is not there is gone.
    pub(super) async fn delete(&self, path: &[&str], what: &'static str) -> Result<(), TenantError> {
        self.deleted(&self.requests().delete(path, what)).await
    }

    /// Deletes the flow that the call is about.
    pub(super) async fn delete_flow(&self, id: &str, what: &'static str) -> Result<(), TenantError> {
        self.deleted(&self.requests().delete_flow(id, what)).await
    }

    async fn deleted(&self, sent: &Sent<Route>) -> Result<(), TenantError> {
        let settled = self.send(sent).await?;
        if is_page(&settled) { Err(self.garbage(&settled.answer.body)) } else { Ok(()) }
    }

    /// Changes the flow that the call is about. An answer that was lost is no error: what is live tells.
    pub(super) async fn write_flow(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        what: &'static str,
    ) -> Result<Written, TenantError> {
        self.written(&self.requests().write_flow(method, path, body, what)).await
    }

    /// Changes something beside it.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        what: &'static str,
    ) -> Result<Written, TenantError> {
        self.written(&self.requests().write(method, path, body, what)).await
    }

    async fn written(&self, sent: &Sent<Route>) -> Result<Written, TenantError> {
        match self.send(sent).await {
            Ok(settled) if settled.answer.status == 404 => Ok(Written::Gone),
            Ok(settled) if is_page(&settled) => Ok(Written::Unknown(self.garbage(&settled.answer.body).failure)),
            Ok(_) => Ok(Written::Done),
            Err(error) if error.maybe_took_effect() => Ok(Written::Unknown(error.failure)),
            Err(error) => Err(error),
        }
    }
}

/// Whether a 2xx is a page for people: proxies and sign-ins say 200 to whatever they keep back, so that it proves nothing.
fn is_page(settled: &Settled) -> bool {
    (200..300).contains(&settled.answer.status) && settled.answer.body.trim_ascii_start().starts_with(b"<")
}

/// Something that was just listed is not there any more.
pub(super) fn gone(path: &[&str]) -> Failure {
    Failure::Incomplete { detail: format!("`{}` went away while it was read", path.join("/")) }
}

//! The requests of one call from above the seam: made, counted, and their answers read.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::http::{Asked, Caller, Sent, Settled, Tuning};
use super::super::{Failure, TenantError};
use super::endpoint::Route;
use super::request::Requests;
use crate::web::now_seconds;

/// Makes the requests of one call.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    pub(super) caller: &'a Caller,
    pub(super) asked: Asked<'a>,
    pub(super) organisation: Option<&'a str>,
    /// HTTP requests so far.
    attempts: AtomicU32,
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
    pub(super) fn new(caller: &'a Caller, asked: Asked<'a>, organisation: Option<&'a str>) -> Self {
        Self { caller, asked, organisation, attempts: AtomicU32::new(0) }
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

    pub(super) fn garbage(&self, body: &[u8]) -> TenantError {
        self.error(Failure::Garbage { excerpt: self.caller.post.mask.excerpt(body) })
    }

    fn requests(&self) -> Requests<'_> {
        Requests { base: &self.caller.base, tuning: &self.caller.post.tuning, organisation: self.organisation }
    }

    async fn send(&self, sent: &Sent<Route>) -> Result<Settled, TenantError> {
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
        let settled = self.send(&self.requests().get(path, query, what)).await?;
        if settled.answer.status == 404 {
            return Ok(None);
        }
        let body = &settled.answer.body;
        let value = serde_json::from_slice(body).map_err(|_| self.garbage(body))?;
        Ok(Some((value, now_seconds(&settled.answer.headers))))
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

    /// Changes something. An answer that was lost is no error: what is live tells.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        what: &'static str,
    ) -> Result<Written, TenantError> {
        match self.send(&self.requests().write(method, path, body, what)).await {
            Ok(settled) if settled.answer.status == 404 => Ok(Written::Gone),
            Ok(_) => Ok(Written::Done),
            Err(error) if error.maybe_took_effect() => Ok(Written::Unknown(error.failure)),
            Err(error) => Err(error),
        }
    }
}

/// Something that was just listed is not there any more.
pub(super) fn gone(path: &[&str]) -> Failure {
    Failure::Incomplete { detail: format!("`{}` went away while it was read", path.join("/")) }
}

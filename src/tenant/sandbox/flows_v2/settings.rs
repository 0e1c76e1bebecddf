//! What a sandbox is made of when it starts, and what of that may change while it runs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::span::Span;
use super::super::yaml::{self, ReadError};
use super::fault::FaultPlan;
use super::seed::Seed;

/// Every scope there is (flow-api-v2, "Authentication").
pub const SCOPES: [&str; 4] = ["flows:read", "flows:write", "environments:read", "deployments:manage"];

/// The largest page limit that may be set.
const PAGE_LIMIT_MAX: usize = 10_000;

/// The most requests per second that may be set; more is no limit at all.
const RATE_MAX: f64 = 1_000_000.0;

/// How to start a sandbox. The default is what `flowsync sandbox` offers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Environments that exist, beside those that the seed or the state file name.
    pub environments: Vec<String>,
    /// Who may ask for a token.
    pub clients: Vec<Client>,
    /// Keys accepted in `X-API-Key`.
    pub api_keys: Vec<ApiKey>,
    /// How the tenant behaves.
    pub behaviour: Behaviour,
    /// What is there from the start.
    pub seed: Seed,
    /// What goes wrong, and when.
    pub faults: FaultPlan,
    /// Where the state is kept between runs; without it, the state ends with the process.
    pub state_file: Option<PathBuf>,
    /// Whether an address beyond this machine may be listened on, and names beyond it are answered to.
    pub allow_remote: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environments: vec!["env_prod".to_owned(), "env_staging".to_owned()],
            clients: vec![Client::default()],
            api_keys: vec![ApiKey::default()],
            behaviour: Behaviour::default(),
            seed: Seed::default(),
            faults: FaultPlan::default(),
            state_file: None,
            allow_remote: false,
        }
    }
}

/// An OAuth2 client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// What its tokens may at most do.
    pub scopes: BTreeSet<String>,
}

impl Default for Client {
    fn default() -> Self {
        Self { id: "sandbox-client".to_owned(), secret: "sandbox-secret".to_owned(), scopes: all_scopes() }
    }
}

/// A key for `X-API-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key itself.
    pub key: String,
    /// What it may do.
    pub scopes: BTreeSet<String>,
}

impl Default for ApiKey {
    fn default() -> Self {
        Self { key: "sandbox-key".to_owned(), scopes: all_scopes() }
    }
}

/// Every scope, as a set.
#[must_use]
pub fn all_scopes() -> BTreeSet<String> {
    SCOPES.map(str::to_owned).into()
}

/// How many requests the tenant puts up with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests per second, sustained.
    pub per_second: f64,
    /// Requests that may come at once.
    pub burst: u32,
}

/// How the tenant behaves; may change while it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// Time that passes before a request is looked at.
    pub latency: Duration,
    /// The rate limit; none is no limit.
    pub rate: Option<Rate>,
    /// Time from an import or a rollback until the flow's status is `deployed`.
    pub status_delay: Duration,
    /// The most items a page holds, whatever was asked for.
    pub page_limit: usize,
    /// A page larger than this is answered with 413.
    pub page_bytes_max: Option<u64>,
    /// Lists ignore `environmentId` and hold every environment.
    pub ignore_environment: bool,
    /// Whether flows can be deleted; a tenant that cannot answers 405.
    pub can_delete: bool,
    /// Whether a flow that another live flow refers to is kept.
    pub strict_delete: bool,
    /// Whether `/variables` exists; a tenant without it answers 404.
    pub has_variables: bool,
    /// How long a token is good for.
    pub token_lifetime: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            rate: None,
            status_delay: Duration::ZERO,
            page_limit: 100,
            page_bytes_max: None,
            ignore_environment: false,
            can_delete: true,
            strict_delete: true,
            has_variables: true,
            token_lifetime: Duration::from_secs(3600),
        }
    }
}

/// [`Behaviour`] as written; keys left out stay as they are.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Written {
    latency: Option<Span>,
    /// Requests per second; 0 is no limit.
    rate: Option<f64>,
    burst: Option<u32>,
    status_delay: Option<Span>,
    page_limit: Option<usize>,
    /// 0 is no limit.
    page_bytes_max: Option<u64>,
    ignore_environment: Option<bool>,
    can_delete: Option<bool>,
    strict_delete: Option<bool>,
    has_variables: Option<bool>,
    token_lifetime: Option<Span>,
}

impl Behaviour {
    /// This behaviour with the keys of `text` (YAML or JSON) changed.
    pub fn changed_by(&self, text: &str) -> Result<Self, ReadError> {
        let written: Written = yaml::read(text)?;
        let rate = changed_rate(self.rate, written.rate, written.burst)?;
        let page_limit = written.page_limit.unwrap_or(self.page_limit);
        if !(1..=PAGE_LIMIT_MAX).contains(&page_limit) {
            return Err(ReadError::new(format!("expected `pageLimit` from 1 to {PAGE_LIMIT_MAX}, found {page_limit}")));
        }
        Ok(Self {
            latency: written.latency.map_or(self.latency, |span| span.0),
            rate,
            status_delay: written.status_delay.map_or(self.status_delay, |span| span.0),
            page_limit,
            page_bytes_max: written.page_bytes_max.map_or(self.page_bytes_max, |max| (max > 0).then_some(max)),
            ignore_environment: written.ignore_environment.unwrap_or(self.ignore_environment),
            can_delete: written.can_delete.unwrap_or(self.can_delete),
            strict_delete: written.strict_delete.unwrap_or(self.strict_delete),
            has_variables: written.has_variables.unwrap_or(self.has_variables),
            token_lifetime: written.token_lifetime.map_or(self.token_lifetime, |span| span.0),
        })
    }

    /// As JSON, in the form that [`Behaviour::changed_by`] reads.
    pub(super) fn to_json(&self) -> String {
        let written = Written {
            latency: Some(Span(self.latency)),
            rate: Some(self.rate.map_or(0.0, |rate| rate.per_second)),
            burst: self.rate.map(|rate| rate.burst),
            status_delay: Some(Span(self.status_delay)),
            page_limit: Some(self.page_limit),
            page_bytes_max: Some(self.page_bytes_max.unwrap_or(0)),
            ignore_environment: Some(self.ignore_environment),
            can_delete: Some(self.can_delete),
            strict_delete: Some(self.strict_delete),
            has_variables: Some(self.has_variables),
            token_lifetime: Some(Span(self.token_lifetime)),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

fn changed_rate(now: Option<Rate>, per_second: Option<f64>, burst: Option<u32>) -> Result<Option<Rate>, ReadError> {
    let per_second = per_second.or(now.map(|rate| rate.per_second)).unwrap_or(0.0);
    if !(0.0..=RATE_MAX).contains(&per_second) {
        return Err(ReadError::new(format!("expected `rate` from 0 to {RATE_MAX}, found {per_second}")));
    }
    let burst = burst.or(now.map(|rate| rate.burst)).unwrap_or(1);
    if burst == 0 {
        return Err(ReadError::new("expected `burst` of at least 1, found 0"));
    }
    Ok((per_second > 0.0).then_some(Rate { per_second, burst }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_that_are_written_change() {
        let before = Behaviour { latency: Duration::from_millis(20), ..Behaviour::default() };
        let after = before.changed_by("rate: 50\nburst: 10\ncanDelete: false\n").unwrap();
        let rate = Some(Rate { per_second: 50.0, burst: 10 });
        assert_eq!(after, Behaviour { rate, can_delete: false, ..before });
        assert_eq!(after.changed_by(&after.to_json()).unwrap(), after);
        assert_eq!(after.changed_by("rate: 0").unwrap().rate, None);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for wrong in ["pageLimit: 0", "pageLimit: 10001", "rate: -1", "rate: .nan", "{rate: 1, burst: 0}", "latency: 5"]
        {
            assert!(Behaviour::default().changed_by(wrong).is_err(), "{wrong}");
        }
    }
}

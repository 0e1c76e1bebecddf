//! Opening the one HTTP client of a tenant. No request is made.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Proxy, Url};

use super::tuning::Tuning;
use crate::config::{Auth, Proxies, Route, TenantAddress};

/// What we call ourselves.
const USER_AGENT: &str = concat!("flowsync/", env!("CARGO_PKG_VERSION"));
/// Idle connections are closed before most servers close theirs.
const IDLE: Duration = Duration::from_secs(30);
/// A dead HTTP/2 connection is found out by unanswered pings rather than by every request on it.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The `caFile` cannot be read.
    #[error("cannot read `tenant.caFile` `{}`", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The `caFile` holds no certificates.
    #[error("expected PEM certificates in `tenant.caFile` `{}`, found none that can be read", path.display())]
    CaContent {
        /// The file.
        path: PathBuf,
        /// Why, where there is something to say.
        source: Option<reqwest::Error>,
    },
    /// The TLS library or the resolver does not start.
    #[error("cannot set up HTTPS")]
    Setup(#[source] reqwest::Error),
}

pub(super) fn client(address: &TenantAddress, tuning: &Tuning) -> Result<reqwest::Client, ConnectError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(tuning.connect_timeout)
        .pool_idle_timeout(IDLE)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Every try is ours: each one is counted, and looks at the lease first.
        .retry(reqwest::retry::never());
    if let Some(path) = &address.ca_file {
        builder = builder.tls_certs_merge(roots(path.clone())?);
    } else if urls(address).all(|url| url.scheme() == "http") {
        // No TLS, and redirects do not lead there: the system's roots, slow to load, are not needed.
        builder = builder.tls_certs_only([]);
    }
    let proxies = Proxies::from_environment();
    let through = move |url: &Url| match proxies.route(url) {
        Route::Through(proxy) => Some(proxy.expose().clone()),
        Route::Unsaid | Route::Direct => None,
    };
    // `no_proxy` first: else reqwest would read the environment in its own way as well.
    builder = builder.no_proxy().proxy(Proxy::custom(through));
    builder.build().map_err(ConnectError::Setup)
}

fn roots(path: PathBuf) -> Result<Vec<Certificate>, ConnectError> {
    let pem = match std::fs::read(&path) {
        Ok(pem) => pem,
        Err(source) => return Err(ConnectError::CaFile { path, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(ConnectError::CaContent { path, source: None }),
        Err(source) => Err(ConnectError::CaContent { path, source: Some(source) }),
    }
}

/// Every address that requests go to.
fn urls(address: &TenantAddress) -> impl Iterator<Item = &Url> {
    let token_url = match &address.auth {
        Auth::OAuth2(oauth2) => Some(&oauth2.token_url),
        Auth::ApiKey(_) => None,
    };
    std::iter::once(&address.url).chain(token_url)
}

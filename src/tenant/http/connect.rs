//! Opening the one HTTP client of a tenant. No request is made.

use std::time::Duration;

use reqwest::{Proxy, Url};

use super::tuning::Tuning;
use crate::config::{Auth, Mask, Proxies, ProxyError, ProxyUrl, TenantAddress};
use crate::tls::{self, CaFileError, Roots, SetupError};

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
    /// The `caFile` is no good.
    #[error("`tenant.caFile` cannot be used")]
    CaFile(#[from] CaFileError),
    /// A proxy is named that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS does not start.
    #[error("cannot set up HTTPS")]
    Tls(#[from] SetupError),
    /// The HTTP client does not start.
    #[error("cannot set up HTTPS")]
    Setup(#[source] reqwest::Error),
}

/// How requests leave.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) client: reqwest::Client,
    proxies: Proxies,
}

impl Http {
    /// Of the tenant at `address`, by what the environment says of proxies now.
    pub(super) fn new(address: &TenantAddress, tuning: &Tuning) -> Result<Self, ConnectError> {
        let proxies = Proxies::from_environment()?;
        for url in urls(address) {
            proxies.route(url)?;
        }
        let ways = proxies.clone();
        // Only these addresses are ever asked for, so every way is known to be good.
        let through = move |url: &Url| ways.route(url).ok()?.proxy().map(|proxy| proxy.expose().clone());
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls(address)?)
            .connect_timeout(tuning.connect_timeout)
            .pool_idle_timeout(IDLE)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Every try is ours: each one is counted, and looks at the lease first.
            .retry(reqwest::retry::never())
            // `no_proxy` first: else reqwest would read the environment in its own way as well.
            .no_proxy()
            .proxy(Proxy::custom(through))
            .build()
            .map_err(ConnectError::Setup)?;
        Ok(Self { client, proxies })
    }

    /// The proxy on the way to `url`.
    pub(super) fn proxy_of(&self, url: &Url) -> Option<ProxyUrl> {
        self.proxies.route(url).ok()?.proxy().cloned()
    }

    /// What is not to be shown of the proxies on the way to the tenant at `address`.
    pub(super) fn secrets(&self, address: &TenantAddress) -> Mask {
        let mask = Mask::default();
        urls(address).filter_map(|url| self.proxy_of(url)).for_each(|proxy| proxy.teach(&mask));
        mask
    }
}

fn tls(address: &TenantAddress) -> Result<tls::ClientConfig, ConnectError> {
    let roots = address.ca_file.as_deref().map(Roots::read).transpose()?;
    // Redirects do not lead from http to https.
    if urls(address).all(|url| url.scheme() == "http") {
        return Ok(tls::nobody()?);
    }
    Ok(tls::client_config(roots.unwrap_or_default())?)
}

/// Every address that requests go to.
fn urls(address: &TenantAddress) -> impl Iterator<Item = &Url> {
    let token_url = match &address.auth {
        Auth::OAuth2(oauth2) => Some(&oauth2.token_url),
        Auth::ApiKey(_) => None,
    };
    std::iter::once(&address.url).chain(token_url)
}

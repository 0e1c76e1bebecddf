//! Starting and stopping a stand-in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::super::file::StateFileError;
use super::super::wire::{Reach, Serving};
use super::access::Access;
use super::clock::PlatformClock;
use super::handle::Handle;
use super::http;
use super::mint::Mint;
use super::model::platform::{Moment, Platform};
use super::seed::SeedError;
use super::settings::Settings;
use super::shared::Shared;
use super::state;

/// The stand-in, not running yet.
#[derive(Debug)]
pub struct CognigySandbox;

/// A stand-in could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from other machines, and nobody allowed that.
    #[error("`{address}` is reachable from other machines; only loopback addresses are, unless that is allowed")]
    Remote {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The seed cannot be used.
    #[error("cannot plant the seed")]
    Seed(#[from] SeedError),
    /// The state file cannot be used.
    #[error("cannot take up the earlier state")]
    StateFile(#[from] StateFileError),
}

/// A stand-in that is running; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    serving: Serving,
}

impl CognigySandbox {
    /// Starts a stand-in on `address`; port 0 takes any free one.
    ///
    /// The seed is planted only where no state file of an earlier run is found.
    pub async fn start(settings: Settings, address: SocketAddr) -> Result<Running, StartError> {
        if !settings.allow_remote && !address.ip().is_loopback() {
            return Err(StartError::Remote { address });
        }
        let shared = Arc::new(prepared(settings)?);
        shared.save().await?;
        let serving = Serving::start(address, http::router(Arc::clone(&shared))).await;
        let serving = serving.map_err(|source| StartError::Listen { address, source })?;
        Ok(Running { shared, serving })
    }
}

impl Running {
    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// What `tenant.url` should be.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What `tenant.auth.oauth2.tokenUrl` should be.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}/auth/oauth2/token", self.address())
    }

    /// Looks into the stand-in and reaches into it.
    #[must_use]
    pub fn state(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Stops listening, and waits up to 2 s for requests under way.
    pub async fn shutdown(self) {
        self.serving.shutdown().await;
    }
}

/// Everything as it stands before the first request.
fn prepared(settings: Settings) -> Result<Shared, StartError> {
    let access = Access::new(&settings);
    let Settings { behaviour, seed, faults, state_file, chance, allow_remote, .. } = settings;
    let reach = if allow_remote { Reach::Anywhere } else { Reach::Loopback };
    let earlier = state_file.as_deref().map(state::load).transpose()?.flatten();
    let platform = match earlier {
        Some(platform) => platform,
        None => {
            let mut platform = Platform::new(Mint::of(chance));
            seed.plant(&mut platform, Moment { ms: PlatformClock::default().ms(), rules: &behaviour })?;
            platform
        }
    };
    Ok(Shared::new(reach, platform, access, behaviour, faults, state_file))
}

//! Starting and stopping a stand-in.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::stand::{self, StartError};
use super::super::wire::{Reach, Serving};
use super::access::Access;
use super::clock::PlatformClock;
use super::handle::Handle;
use super::http;
use super::mint::Mint;
use super::model::platform::{Moment, Platform};
use super::settings::Settings;
use super::shared::{Inner, Shared};
use super::state;

/// The stand-in, not running yet.
#[derive(Debug)]
pub struct CognigySandbox;

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
        let reach = stand::reach_at(address, settings.allow_remote)?;
        let shared = Arc::new(prepared(settings, reach, PlatformClock::default())?);
        shared.save().await?;
        let serving = stand::serve(address, http::router(Arc::clone(&shared))).await?;
        Ok(Running { shared, serving })
    }
}

impl CognigySandbox {
    /// A stand-in that nobody reaches but by its handle. Its time is tokio's, which may be paused, from `origin` on.
    ///
    /// # Errors
    /// The seed or the state file cannot be used.
    pub fn inside(settings: Settings, origin: Timestamp) -> Result<Handle, StartError> {
        let shared = prepared(settings, Reach::Loopback, PlatformClock::starting_at(origin))?;
        Ok(Handle::new(Arc::new(shared)))
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
fn prepared(settings: Settings, reach: Reach, clock: PlatformClock) -> Result<Shared, StartError> {
    let access = Access::new(&settings);
    let Settings { behaviour, seed, faults, state_file, chance, .. } = settings;
    let earlier = state_file.as_deref().map(state::load).transpose()?.flatten();
    let platform = match earlier {
        Some(platform) => platform,
        None => {
            let mut platform = Platform::new(Mint::of(chance));
            let now = Moment { ms: clock.ms(), rules: &behaviour };
            seed.plant(&mut platform, now).map_err(|error| StartError::Seed(error.into()))?;
            platform
        }
    };
    Ok(Shared::new(reach, Inner::new(platform, access, behaviour, faults, clock), state_file))
}

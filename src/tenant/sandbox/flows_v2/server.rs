//! Starting and stopping a sandbox.

use std::net::SocketAddr;
use std::sync::Arc;

use super::super::stand::{self, StartError};
use super::super::wire::{Reach, Serving};
use super::access::Access;
use super::handle::Handle;
use super::http;
use super::settings::Settings;
use super::shared::{Inner, Shared};
use super::state;
use super::world::World;

/// The sandbox, not running yet.
#[derive(Debug)]
pub struct Sandbox;

/// A sandbox that is running; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    serving: Serving,
}

impl Sandbox {
    /// Starts a sandbox on `address`; port 0 takes any free one.
    ///
    /// The seed is planted only where no state file of an earlier run is found.
    pub async fn start(settings: Settings, address: SocketAddr) -> Result<Running, StartError> {
        let reach = stand::reach_at(address, settings.allow_remote)?;
        let shared = Arc::new(prepared(settings, reach)?);
        shared.save().await?;
        let serving = stand::serve(address, http::router(Arc::clone(&shared))).await?;
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
        format!("http://{}/api/v2", self.address())
    }

    /// What `tenant.auth.oauth2.tokenUrl` should be.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}/oauth/token", self.address())
    }

    /// The environments there are.
    #[must_use]
    pub fn environments(&self) -> Vec<String> {
        self.shared.lock().world.environments.keys().cloned().collect()
    }

    /// Looks into the sandbox and reaches into it.
    #[must_use]
    pub fn state(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Stops listening, and waits up to 2 s for requests under way.
    pub async fn shutdown(self) {
        self.serving.shutdown().await;
    }
}

/// Everything as it stands before the first request: the state of an earlier run where its file is found, else the seed.
fn prepared(settings: Settings, reach: Reach) -> Result<Shared, StartError> {
    let access = Access::new(&settings);
    let Settings { environments, behaviour, seed, faults, state_file, .. } = settings;
    let mut world = World::default();
    let found = match &state_file {
        Some(path) => state::load(path, &mut world)?,
        None => false,
    };
    if !found {
        seed.plant(&mut world).map_err(|error| StartError::Seed(error.into()))?;
    }
    environments.iter().for_each(|name| world.add_environment(name));
    Ok(Shared::new(reach, Inner::new(world, access, behaviour, faults), state_file))
}

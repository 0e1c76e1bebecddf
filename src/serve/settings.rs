//! What the routes know of the configuration. It is replaced when that is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{Config, Server};

/// What the routes know of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Who may ask for what.
    pub server: Arc<Server>,
    /// Every environment by name, those of other shards included.
    pub environments: Arc<BTreeMap<String, Target>>,
}

/// An environment that somebody may mean.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The branches it reads; none where its part of the configuration is broken.
    pub branches: BTreeSet<String>,
    /// Whether this process looks after it.
    pub is_ours: bool,
}

impl Settings {
    /// What a configuration says, in a process that looks after the environments `ours`.
    #[must_use]
    pub fn of(config: &Config, ours: &[String]) -> Self {
        let is_ours = |name: &String| ours.contains(name);
        let whole = config.environments.iter().map(|(name, environment)| {
            let (branch, records_branch) = (&environment.repository.branch, &environment.repository.records_branch);
            let branches = std::iter::once(branch).chain(records_branch).map(ToString::to_string).collect();
            (name.clone(), Target { branches, is_ours: is_ours(name) })
        });
        let broken = config
            .broken
            .keys()
            .map(|name| (name.clone(), Target { branches: BTreeSet::new(), is_ours: is_ours(name) }));
        Self { server: Arc::new(config.server.clone()), environments: Arc::new(whole.chain(broken).collect()) }
    }
}

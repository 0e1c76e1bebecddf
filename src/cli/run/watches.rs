//! What wakes the controller from this machine's files: the configuration, and links such as those of git-sync.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

use crate::config::Config;
use crate::controller::run::{Nudges, Trigger};
use crate::disk::PathWatch;

/// Watches while it lives.
pub(super) struct Watches {
    nudges: Nudges,
    configuration: JoinHandle<()>,
    /// By the path that is watched.
    links: Mutex<BTreeMap<PathBuf, JoinHandle<()>>>,
}

impl Watches {
    /// Watches the configuration file.
    pub(super) fn new(configuration: &Path, nudges: Nudges) -> Self {
        let (mut watch, told) = (PathWatch::new(configuration), nudges.clone());
        let configuration = tokio::spawn(async move {
            loop {
                watch.changed().await;
                told.reload();
            }
        });
        Self { nudges, configuration, links: Mutex::default() }
    }

    /// Watches the links that a configuration names, and no others any more.
    pub(super) fn follow(&self, config: &Config) {
        let wanted = || config.environments.values().filter_map(|environment| environment.repository.watch.clone());
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|path, watching| {
            let is_wanted = wanted().any(|wanted| wanted == *path);
            if !is_wanted {
                watching.abort();
            }
            is_wanted
        });
        for path in wanted() {
            links.entry(path).or_insert_with_key(|path| {
                let (mut watch, told) = (PathWatch::new(path), self.nudges.clone());
                tokio::spawn(async move {
                    loop {
                        watch.changed().await;
                        told.nudge_all(Trigger::Checkout);
                    }
                })
            });
        }
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.configuration.abort();
        self.links.get_mut().unwrap_or_else(PoisonError::into_inner).values().for_each(JoinHandle::abort);
    }
}

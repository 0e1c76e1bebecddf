//! A nudge when a branch moves. Nobody may rely on it: it only saves waiting.
//!
//! The branches of a local repository are watched in the file system. Of a remote one it is only known what another
//! environment of this process fetches.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::fetches::{Fetched, Part, lock};
use super::local::Local;
use super::local_watch::LocalWatch;
use crate::source::SourceError;

/// Nudges while it lives. Any number of moves between two calls make one nudge.
#[derive(Debug)]
pub struct RefWatch(Kind);

#[derive(Debug)]
enum Kind {
    Local { nudges: mpsc::Receiver<()>, _watch: Arc<LocalWatch> },
    Remote { fetched: watch::Receiver<Option<Fetched>>, part: Arc<Part> },
}

impl RefWatch {
    /// Waits for the next nudge; a fetch that began when it says, or later, shows the move. Cancelling loses none.
    pub async fn moved(&mut self) -> Instant {
        match &mut self.0 {
            Kind::Local { nudges, .. } => {
                if nudges.recv().await.is_some() {
                    return Instant::now();
                }
            }
            Kind::Remote { fetched, part } => {
                while fetched.changed().await.is_ok() {
                    let last = fetched.borrow_and_update();
                    if let Some(Fetched { began, advertised, .. }) = &*last
                        && part.is_news(advertised)
                    {
                        return *began;
                    }
                }
            }
        }
        // The watcher is gone, and with it any hope: wait for the interval instead of spinning.
        std::future::pending().await
    }
}

/// Watches the branches of an environment in a local repository.
pub(super) fn watch_local(local: &Local, part: &Part) -> Result<RefWatch, SourceError> {
    let mut known = lock(&part.together.watch);
    let watch = match known.upgrade() {
        Some(watch) => watch,
        None => Arc::new(LocalWatch::new(&local.open()?, &local.shown)?),
    };
    *known = Arc::downgrade(&watch);
    Ok(RefWatch(Kind::Local { nudges: watch.tell_of(&part.references), _watch: watch }))
}

/// Hears of the branches of an environment when another one fetches them.
pub(super) fn watch_remote(part: Arc<Part>) -> RefWatch {
    RefWatch(Kind::Remote { fetched: part.together.listen(), part })
}

//! Hands what happens on to whoever is to be told.

use std::sync::Arc;

use super::environments::Configured;
use crate::controller::run::{Event, Heard, Listener};
use crate::notify::Notifier;

/// Hands it on until there is no more; then what still waits is delivered, for a few seconds.
pub(super) async fn tell(notifier: Notifier, configured: Arc<Configured>, mut listener: Listener) {
    notifier.configure(&configured.config());
    while let Some(heard) = listener.next().await {
        match heard {
            Heard::Event(Event::PassEnded { report, .. }) => notifier.ended(&report),
            Heard::Event(Event::DeploymentBegan { environment, commit: Some(commit), .. }) => {
                notifier.began(&environment, &commit);
            }
            Heard::Event(Event::Reloaded { error: None }) => notifier.configure(&configured.config()),
            Heard::Event(_) => {}
            Heard::Missed(n_missed) => tracing::warn!("{n_missed} events came too fast for notifications"),
        }
    }
    notifier.close().await;
}

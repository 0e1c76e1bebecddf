//! How a process is asked to come to an end, and what a deployment under way may still do then.
//!
//! The first signal takes on nothing new. What has begun gets a grace: half of it to come to its end, the
//! rest to be taken back and written down. A second signal, or the end of the grace, ends the process as
//! it stands: the next pass goes on from git and the journal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The one handle to ask with and to look at; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Asked>);

/// Whoever waits for it goes on in the order of having come: chance has no part in it.
#[derive(Debug, Default)]
struct Asked {
    grace: Mutex<Option<Grace>>,
    heard: Notify,
    /// Whoever asks there asks here.
    above: Option<Shutdown>,
}

/// No grace is longer: far beyond it, instants cannot be told.
const GRACE_MAX: Duration = Duration::from_secs(24 * 3600);

/// What is left once somebody has asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// Who asked: the name of a signal.
    pub by: &'static str,
    asked: Instant,
    length: Duration,
}

/// What a deployment is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Writing flows and reading them back: the first half of the grace.
    Forward,
    /// Pushing the news that it is taken back: a sixth.
    Announce,
    /// Taking it back: another.
    Restore,
    /// Pushing how it ended: what is left.
    Close,
}

impl Grace {
    /// The moment by which a stage has to be over.
    #[must_use]
    pub fn end_of(&self, stage: Stage) -> Instant {
        let sixths = match stage {
            Stage::Forward => 3,
            Stage::Announce => 4,
            Stage::Restore => 5,
            Stage::Close => 6,
        };
        let share = (self.length / 6).saturating_mul(sixths);
        self.asked.checked_add(share).unwrap_or(self.asked)
    }
}

impl Shutdown {
    /// A handle for a part of the work: asked when this one is, and by itself.
    #[must_use]
    pub fn part(&self) -> Self {
        Self(Arc::new(Asked { above: Some(self.clone()), ..Asked::default() }))
    }

    /// Asks; whoever asks first is heard.
    pub fn ask(&self, by: &'static str, grace: Duration) {
        let ours = Grace { by, asked: Instant::now(), length: grace.min(GRACE_MAX) };
        self.0.grace.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(ours);
        self.0.heard.notify_waiters();
    }

    /// What is left, if somebody has asked.
    #[must_use]
    pub fn asked(&self) -> Option<Grace> {
        let ours = *self.0.grace.lock().unwrap_or_else(PoisonError::into_inner);
        ours.or_else(|| self.0.above.as_ref()?.asked())
    }

    /// Comes back when somebody has asked.
    pub async fn when_asked(&self) -> Grace {
        loop {
            let heard = self.0.heard.notified();
            let heard_above = self.0.above.as_ref().map(|above| above.0.heard.notified());
            if let Some(grace) = self.asked() {
                return grace;
            }
            match heard_above {
                None => heard.await,
                Some(heard_above) => tokio::select! {
                    biased;
                    () = heard => {}
                    () = heard_above => {}
                },
            }
        }
    }

    /// Comes back when somebody has asked and a stage has to be over.
    pub async fn end_of(&self, stage: Stage) -> Grace {
        let grace = self.when_asked().await;
        sleep_until(grace.end_of(stage)).await;
        grace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_grace_is_shared_out_from_the_first_request() {
        let start = Instant::now();
        let (shutdown, seconds) = (Shutdown::default(), Duration::from_secs);
        assert_eq!(shutdown.asked(), None);
        shutdown.clone().ask("SIGTERM", seconds(60));
        shutdown.ask("SIGINT", seconds(1));
        let ends = [Stage::Forward, Stage::Announce, Stage::Restore, Stage::Close];
        for (stage, after) in ends.into_iter().zip([30, 40, 50, 60]) {
            assert_eq!(shutdown.end_of(stage).await.by, "SIGTERM");
            assert_eq!(start.elapsed(), seconds(after));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_is_asked_by_itself_and_with_the_whole() {
        let whole = Shutdown::default();
        let (one, other) = (whole.part(), whole.part());
        one.ask("passDeadline", Duration::from_secs(60));
        assert_eq!((one.when_asked().await.by, other.asked(), whole.asked()), ("passDeadline", None, None));
        let waiting = tokio::spawn({
            let other = other.clone();
            async move { other.when_asked().await.by }
        });
        tokio::task::yield_now().await;
        whole.ask("SIGTERM", Duration::from_secs(60));
        assert_eq!((waiting.await.unwrap(), one.asked().unwrap().by), ("SIGTERM", "passDeadline"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_grace_is_too_long_or_too_short() {
        for (grace, hours) in [(Duration::ZERO, 0), (Duration::MAX, 24)] {
            let shutdown = Shutdown::default();
            shutdown.ask("SIGTERM", grace);
            let end = shutdown.asked().unwrap().end_of(Stage::Close);
            assert_eq!(end - Instant::now(), Duration::from_secs(hours * 3600));
        }
    }
}

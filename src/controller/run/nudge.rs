//! What wakes the loop. Any number of nudges wait as one for each environment; none is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Why a pass is made. Of several, the last in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// The pass before could not do its work.
    Retry,
    /// It is time.
    Interval,
    /// The controller, or the environment in it, is new.
    Start,
    /// The configuration was read again.
    Reload,
    /// A branch moved, as a local repository or another environment's fetch shows.
    Moved,
    /// The link of a checkout beside us was replaced.
    Checkout,
    /// A webhook.
    Webhook,
    /// A person, or a program, asked for it.
    Asked,
}

/// What is asked of an environment. Of several, the last cause counts, and the last moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// Why a pass is made.
    pub cause: Trigger,
    /// What was fetched before this moment will not do.
    pub since: Instant,
}

impl Wish {
    fn and(self, other: Self) -> Self {
        Self { cause: self.cause.max(other.cause), since: self.since.max(other.since) }
    }
}

/// The one channel to the loop; clones lead to the same.
#[derive(Debug, Clone, Default)]
pub struct Nudges(Arc<Channel>);

#[derive(Debug, Default)]
struct Channel {
    waiting: Mutex<Waiting>,
    come: Notify,
}

/// All nudges that came and were not taken yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The configuration is to be read again.
    pub(super) reload: bool,
    /// Every environment.
    pub(super) all: Option<Wish>,
    /// Environments by name.
    pub(super) environments: BTreeMap<String, Wish>,
}

impl Nudges {
    /// Asks for a pass of one environment, which looks at git as it stands now or later.
    pub fn nudge(&self, environment: &str, cause: Trigger) {
        self.nudge_since(environment, cause, Instant::now());
    }

    /// The same, where what was fetched at `since` or later will do.
    pub fn nudge_since(&self, environment: &str, cause: Trigger, since: Instant) {
        let wish = Wish { cause, since };
        self.put(|waiting| {
            let known = waiting.environments.entry(environment.to_owned()).or_insert(wish);
            *known = known.and(wish);
        });
    }

    /// Asks for a pass of every environment.
    pub fn nudge_all(&self, cause: Trigger) {
        let wish = Wish { cause, since: Instant::now() };
        self.put(|waiting| waiting.all = Some(waiting.all.map_or(wish, |known| known.and(wish))));
    }

    /// Asks to read the configuration again, and for a pass of every environment then.
    pub fn reload(&self) {
        self.put(|waiting| waiting.reload = true);
    }

    fn put(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.come.notify_one();
    }

    /// Waits for nudges, and takes all there are. Only one may wait. Cancelling loses none.
    pub(super) async fn next(&self) -> Waiting {
        loop {
            let waiting = std::mem::take(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if waiting != Waiting::default() {
                return waiting;
            }
            self.0.come.notified().await;
        }
    }
}

/// Wakes the task of one environment: what is asked of it waits until it looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Alarm(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<Option<Woken>>,
    come: Notify,
}

/// What the task of an environment is woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// A pass.
    Pass(Wish),
    /// Another configuration, and a pass then.
    Reload,
}

impl Alarm {
    pub(super) fn ring(&self, woken: Woken) {
        let mut rung = self.0.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *rung = Some(match (*rung, woken) {
            (None, woken) => woken,
            (Some(Woken::Pass(known)), Woken::Pass(wish)) => Woken::Pass(known.and(wish)),
            (Some(Woken::Reload), _) | (_, Woken::Reload) => Woken::Reload,
        });
        drop(rung);
        self.0.come.notify_one();
    }

    /// Waits until it rings, or has rung since it was heard last. Cancelling loses nothing.
    pub(super) async fn heard(&self) -> Woken {
        loop {
            let rung = self.0.rung.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(woken) = rung {
                return woken;
            }
            self.0.come.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_number_of_nudges_wait_as_one_for_each_environment() {
        let nudges = Nudges::default();
        for _ in 0..1_000 {
            nudges.clone().nudge("production", Trigger::Moved);
            nudges.nudge("production", Trigger::Interval);
            nudges.nudge("staging", Trigger::Interval);
        }
        nudges.reload();
        nudges.nudge_all(Trigger::Webhook);
        let Waiting { reload, all, environments } = nudges.next().await;
        let causes: Vec<(&str, Trigger)> =
            environments.iter().map(|(name, wish)| (name.as_str(), wish.cause)).collect();
        assert_eq!(causes, [("production", Trigger::Moved), ("staging", Trigger::Interval)]);
        assert!(reload && all.is_some_and(|wish| wish.cause == Trigger::Webhook));
        let mut next = at_once(nudges.next());
        assert!(next.is_none(), "nothing is left: {next:?}");
        nudges.nudge("staging", Trigger::Moved);
        next = at_once(nudges.next());
        assert_eq!(next.unwrap().environments.len(), 1);
    }

    /// What a future has at once, if anything.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        futures_util::FutureExt::now_or_never(future)
    }

    #[tokio::test]
    async fn an_environment_hears_the_greatest_of_what_was_asked_of_it() {
        let (alarm, now) = (Alarm::default(), Instant::now());
        let wish = |cause, since| Woken::Pass(Wish { cause, since });
        let later = now + std::time::Duration::from_secs(1);
        alarm.ring(wish(Trigger::Moved, now));
        alarm.ring(wish(Trigger::Interval, later));
        assert_eq!(alarm.heard().await, wish(Trigger::Moved, later));
        alarm.ring(wish(Trigger::Moved, now));
        alarm.ring(Woken::Reload);
        alarm.ring(wish(Trigger::Interval, now));
        assert_eq!(alarm.heard().await, Woken::Reload);
        assert_eq!(at_once(alarm.heard()), None);
    }
}

//! Who hears of what: news goes into the queues of those that want it, and nobody waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::lane::{Lane, Worker};
use super::patience::Patience;
use super::queue::{Item, Tally};
use super::send;
use super::what::{Began, News, Story};
use crate::clock::Clock;
use crate::config::{Config, Notification, NotificationEvent, NotificationTarget};
use crate::controller::EnvironmentReport;
use crate::revision::CommitId;

/// Tells whoever is to be told.
pub struct Notifier {
    clock: Arc<dyn Clock>,
    tally: Tally,
    patience: Patience,
    state: Mutex<NotifierState>,
}

#[derive(Default)]
struct NotifierState {
    /// By environment.
    stories: BTreeMap<String, Story>,
    /// In the order of the configuration.
    lanes: Vec<(Notification, Lane)>,
}

impl Notifier {
    /// With nobody to tell yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, tally: Tally) -> Self {
        Self::tuned(clock, tally, Patience::default())
    }

    /// [`Self::new`], for tests in a hurry.
    #[doc(hidden)]
    #[must_use]
    pub fn tuned(clock: Arc<dyn Clock>, tally: Tally, patience: Patience) -> Self {
        Self { clock, tally, patience, state: Mutex::default() }
    }

    /// Goes by this configuration from now on. Whom it does not name any more still gets what waits for him; what was
    /// heard of environments that stay is not news again.
    pub fn configure(&self, config: &Config) {
        let mut before = std::mem::take(&mut self.state().lanes);
        let mut lanes = Vec::new();
        for (at, notification) in config.notifications.iter().enumerate() {
            let same = before.iter().position(|(other, _)| other == notification);
            let lane = match same {
                Some(same) => before.swap_remove(same).1,
                None => Lane::start(self.worker(at, notification)),
            };
            lanes.push((notification.clone(), lane));
        }
        let mut state = self.state();
        state.stories.retain(|name, _| config.environments.contains_key(name) || config.broken.contains_key(name));
        state.lanes = lanes;
        drop(state);
        for (_, lane) in before {
            tokio::spawn(lane.close(self.patience.good_for));
        }
    }

    fn worker(&self, at: usize, notification: &Notification) -> Worker {
        let place = format!("notifications[{at}]");
        Worker {
            carrier: send::carrier(notification.clone(), place.clone(), self.patience.clone()),
            place,
            kind: notification.target.kind(),
            patience: self.patience.clone(),
            clock: Arc::clone(&self.clock),
            tally: Arc::clone(&self.tally),
        }
    }

    /// A deployment has begun.
    pub fn began(&self, environment: &str, commit: &CommitId) {
        self.tell(News::Began(Began { environment: environment.to_owned(), commit: commit.clone() }));
    }

    /// A pass has ended.
    pub fn ended(&self, report: &EnvironmentReport) {
        let now = self.clock.now();
        let news = {
            let stories = &mut self.state().stories;
            stories.entry(report.environment.clone()).or_default().hears(report, now)
        };
        if let Some(ended) = news {
            self.tell(News::Ended(Box::new(ended)));
        }
    }

    fn tell(&self, news: News) {
        let until = Instant::now() + self.patience.good_for;
        let news = Arc::new(news);
        for (notification, lane) in &self.state().lanes {
            for events in wanted(notification, &news) {
                lane.put(Item { news: Arc::clone(&news), events, until });
            }
        }
    }

    /// Delivers what still waits, for a few seconds at most.
    pub async fn close(&self) {
        let within: Duration = self.patience.at_the_end;
        let lanes = std::mem::take(&mut self.state().lanes);
        join_all(lanes.into_iter().map(|(_, lane)| lane.close(within))).await;
    }

    fn state(&self) -> MutexGuard<'_, NotifierState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The messages that somebody wants of news, by their events: for machines one an event, for people one in all. A status
/// has none, and is also one of a deployment that begins and of a commit that is found in sync.
fn wanted(notification: &Notification, news: &News) -> Vec<Vec<NotificationEvent>> {
    let Notification { target, events, environments, .. } = notification;
    if environments.as_ref().is_some_and(|names| !names.contains(news.environment())) {
        return Vec::new();
    }
    let is_status = matches!(target, NotificationTarget::Status(_));
    let News::Ended(ended) = news else { return if is_status { vec![Vec::new()] } else { Vec::new() } };
    let wanted: Vec<_> = ended.events.iter().copied().filter(|event| events.contains(event)).collect();
    match target {
        NotificationTarget::Status(_) if ended.events.is_empty() || !wanted.is_empty() => vec![wanted],
        NotificationTarget::Webhook { .. } => wanted.into_iter().map(|event| vec![event]).collect(),
        NotificationTarget::Slack { .. } | NotificationTarget::Teams { .. } if !wanted.is_empty() => vec![wanted],
        _ => Vec::new(),
    }
}

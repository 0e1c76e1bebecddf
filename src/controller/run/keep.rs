//! Which environments are looked after: a task each, begun and ended as the configuration says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use super::Environments;
use super::event::Event;
use super::keeper::Keeper;
use super::look_after::Task;
use super::nudge::{Alarm, Waiting, Woken};
use crate::controller::{EnvironmentReport, SyncResult};

/// The environments of one moment.
#[derive(Default)]
struct Kept {
    /// Those the configuration names.
    wanted: BTreeSet<String>,
    /// Those that have a task.
    alarms: BTreeMap<Arc<str>, Alarm>,
    tasks: JoinSet<u8>,
    names: HashMap<Id, Arc<str>>,
    /// The gravest exit code of those that have ended.
    code: u8,
}

impl<E: Environments> Keeper<E> {
    /// Looks after the environments named, and after those that the configuration names later, until asked to end. The
    /// exit code is what the deployments mean that were ended then.
    pub async fn keep(self, names: Vec<String>) -> u8 {
        let mut kept = Kept { wanted: names.into_iter().collect(), ..Kept::default() };
        self.begin_tasks(&mut kept);
        loop {
            tokio::select! {
                Some(ended) = kept.tasks.join_next_with_id() => {
                    self.end(&mut kept, ended);
                    if self.shutdown.asked().is_none() {
                        self.begin_tasks(&mut kept);
                    }
                }
                _ = self.shutdown.when_asked(), if kept.tasks.is_empty() => break,
                waiting = self.nudges.next() => self.pass_on(&mut kept, waiting),
            }
        }
        self.events.tell(Event::Ended);
        kept.code
    }

    fn begin_tasks(&self, kept: &mut Kept) {
        let Kept { wanted, alarms, tasks, names, .. } = kept;
        for name in wanted.iter() {
            if alarms.contains_key(name.as_str()) {
                continue;
            }
            let (environment, alarm) = (Arc::<str>::from(name.as_str()), Alarm::default());
            self.events.tell(Event::Added { environment: environment.clone() });
            let task = Task { keeper: self.clone(), environment: environment.clone(), alarm: alarm.clone() };
            names.insert(tasks.spawn(task.look_after()).id(), environment.clone());
            alarms.insert(environment, alarm);
        }
    }

    fn end(&self, kept: &mut Kept, ended: Result<(Id, u8), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(environment) = kept.names.remove(&id) else { return };
        kept.alarms.remove(&environment);
        match ended {
            Ok((_, code)) => kept.code = kept.code.max(code),
            Err(error) => {
                // Beside its passes, that would happen again at once: another configuration may help.
                kept.wanted.remove(&*environment);
                let report = match error.try_into_panic() {
                    Ok(panic) => EnvironmentReport::of_panic(&environment, &*panic),
                    Err(error) => EnvironmentReport {
                        error: Some(error.to_string()),
                        ..EnvironmentReport::new(&environment, SyncResult::Error)
                    },
                };
                let (at, took, report) = (self.clock.now(), Duration::ZERO, Arc::new(report));
                self.events.tell(Event::PassEnded { environment, at, took, report });
            }
        }
    }

    fn pass_on(&self, kept: &mut Kept, waiting: Waiting) {
        let Waiting { reload, all, environments } = waiting;
        if reload {
            let read = self.environments.reload();
            self.events.tell(Event::Reloaded { error: read.as_ref().err().cloned() });
            if let Ok(names) = read {
                kept.wanted = names.into_iter().collect();
            }
            kept.alarms.values().for_each(|alarm| alarm.ring(Woken::Reload));
            if self.shutdown.asked().is_none() {
                self.begin_tasks(kept);
            }
        }
        if let Some(wish) = all {
            kept.alarms.values().for_each(|alarm| alarm.ring(Woken::Pass(wish)));
        }
        for (name, wish) in environments {
            if let Some(alarm) = kept.alarms.get(name.as_str()) {
                alarm.ring(Woken::Pass(wish));
            }
        }
    }
}

//! What the tenant holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::garble::Garble;
use crate::flow::{Comparison, Definition, EnvironmentId, FlowId, ReferenceKind};
use crate::tenant::FlowStatus;

/// This many earlier states are kept for stale exports.
const PAST_MAX: usize = 64;

type Key = (EnvironmentId, FlowId);

/// A tenant that any number of processes and people write to.
#[derive(Debug, Clone, Default)]
pub struct MemoryTenant(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    flows: BTreeMap<Key, Live>,
    past: VecDeque<(Instant, BTreeMap<Key, Live>)>,
    intents: BTreeSet<(EnvironmentId, String)>,
    entities: BTreeSet<(EnvironmentId, String)>,
    delay: Duration,
    moves_until: Option<Instant>,
    n_writes: usize,
}

#[derive(Debug, Clone)]
struct Live {
    raw: Arc<[u8]>,
    version: String,
    status: Status,
    earlier: Vec<(String, Arc<[u8]>)>,
}

/// How the deployment of a flow goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    ReadyAt(Instant),
    Failed,
    Stuck,
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Created,
    Updated,
}

impl MemoryTenant {
    fn with<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long a flow stays `deploying` after a write.
    pub fn set_delay(&self, delay: Duration) {
        self.with(|world| world.delay = delay);
    }

    /// Adds an intent.
    pub fn add_intent(&self, environment: &EnvironmentId, id: &str) {
        self.with(|world| world.intents.insert((environment.clone(), id.to_owned())));
    }

    /// Other environments of the tenant move the list until `instant`: an export that begins earlier and does not
    /// outlast that is not complete.
    pub fn move_list_until(&self, instant: Instant) {
        self.with(|world| world.moves_until = Some(instant));
    }

    /// When the list comes to rest, if that lies ahead.
    pub(super) fn moves_until(&self) -> Option<Instant> {
        self.with(|world| world.moves_until).filter(|instant| *instant > Instant::now())
    }

    /// A live flow is written anew in a form that no strict parser reads, and that the tenant takes all the same.
    /// False where it is not live.
    pub fn garble(&self, environment: &EnvironmentId, id: &FlowId, how: Garble) -> bool {
        let Some(raw) = self.flow(environment, id) else { return false };
        self.edit(environment, &how.applied_to(&raw));
        true
    }

    /// Somebody writes a flow by hand, whatever it looks like. What has no flow id is left out.
    pub fn edit(&self, environment: &EnvironmentId, body: &[u8]) {
        if let Ok(definition) = Definition::from_live(body, &Comparison::default()) {
            self.with(|world| world.write(environment, &definition, Status::ReadyAt(Instant::now())));
        }
    }

    /// Somebody deletes a flow by hand.
    pub fn remove(&self, environment: &EnvironmentId, id: &FlowId) {
        self.with(|world| world.remove(environment, id));
    }

    /// What is live of one flow, as exported.
    #[must_use]
    pub fn flow(&self, environment: &EnvironmentId, id: &FlowId) -> Option<Arc<[u8]>> {
        self.with(|world| world.flows.get(&(environment.clone(), id.clone())).map(|live| live.raw.clone()))
    }

    /// Everything live in an environment, as exported.
    #[must_use]
    pub fn flows(&self, environment: &EnvironmentId) -> BTreeMap<FlowId, Arc<[u8]>> {
        self.with(|world| of(&world.flows, environment))
    }

    /// How often the tenant was changed, by whomever.
    #[must_use]
    pub fn n_writes(&self) -> usize {
        self.with(|world| world.n_writes)
    }

    pub(super) fn flows_before(&self, environment: &EnvironmentId, age: Duration) -> BTreeMap<FlowId, Arc<[u8]>> {
        let then = Instant::now().checked_sub(age);
        self.with(|world| {
            let state = world.past.iter().find(|(end, _)| then.is_none_or(|then| *end > then));
            of(state.map_or(&world.flows, |(_, flows)| flows), environment)
        })
    }

    pub(super) fn intents(&self, environment: &EnvironmentId) -> BTreeSet<String> {
        self.with(|world| ids(&world.intents, environment))
    }

    pub(super) fn entities(&self, environment: &EnvironmentId) -> BTreeSet<String> {
        self.with(|world| ids(&world.entities, environment))
    }

    /// The first reference of `definition` that nothing live satisfies; itself always does.
    pub(super) fn missing(&self, definition: &Definition) -> Option<String> {
        self.with(|world| {
            let is_there = |kind, environment: &EnvironmentId, id: &String| match kind {
                ReferenceKind::Flow => id.parse().is_ok_and(|id: FlowId| {
                    id == definition.id || world.flows.contains_key(&(environment.clone(), id))
                }),
                ReferenceKind::Intent => world.intents.contains(&(environment.clone(), id.clone())),
                ReferenceKind::Entity => world.entities.contains(&(environment.clone(), id.clone())),
                ReferenceKind::Variable => true,
            };
            let mut references = definition.references.iter();
            references.find(|needed| !is_there(needed.kind, &needed.environment, &needed.id)).map(ToString::to_string)
        })
    }

    pub(super) fn import(
        &self,
        environment: &EnvironmentId,
        definition: &Definition,
        status: Option<Status>,
    ) -> Written {
        self.with(|world| {
            let status = status.unwrap_or(Status::ReadyAt(Instant::now() + world.delay));
            world.write(environment, definition, status)
        })
    }

    /// The first other flow of the environment gets one more member, by nobody's request.
    pub(super) fn change_neighbour(&self, environment: &EnvironmentId, id: &FlowId) {
        let neighbour = self.flows(environment).into_iter().find(|(other, _)| other != id);
        if let Some((_, raw)) = neighbour {
            self.edit(environment, &migrated(&raw));
        }
    }

    /// The newest earlier definition of a flow with this version.
    pub(super) fn earlier(&self, environment: &EnvironmentId, id: &FlowId, version: &str) -> Option<Arc<[u8]>> {
        self.with(|world| {
            let live = world.flows.get(&(environment.clone(), id.clone()))?;
            live.earlier.iter().rev().find(|(other, _)| other == version).map(|(_, raw)| raw.clone())
        })
    }

    pub(super) fn status(&self, environment: &EnvironmentId, id: &FlowId) -> Option<FlowStatus> {
        let status = self.with(|world| Some(world.flows.get(&(environment.clone(), id.clone()))?.status))?;
        Some(match status {
            Status::ReadyAt(time) if time <= Instant::now() => FlowStatus::Deployed,
            Status::ReadyAt(_) | Status::Stuck => FlowStatus::InProgress("deploying".into()),
            Status::Failed => FlowStatus::Failed { status: "failed".into(), message: "node `n1` is broken".into() },
        })
    }
}

impl World {
    fn keep_past(&mut self) {
        self.n_writes += 1;
        self.past.push_back((Instant::now(), self.flows.clone()));
        if self.past.len() > PAST_MAX {
            self.past.pop_front();
        }
    }

    fn write(&mut self, environment: &EnvironmentId, definition: &Definition, status: Status) -> Written {
        self.keep_past();
        let key = (environment.clone(), definition.id.clone());
        let before = self.flows.remove(&key);
        let written = if before.is_some() { Written::Updated } else { Written::Created };
        let earlier = before.map(|Live { raw, version, mut earlier, .. }| {
            earlier.push((version, raw));
            earlier
        });
        let live = Live {
            raw: with_environment(definition.text.as_deref().unwrap_or_default(), environment),
            version: definition.version.clone(),
            status,
            earlier: earlier.unwrap_or_default(),
        };
        self.flows.insert(key, live);
        written
    }

    fn remove(&mut self, environment: &EnvironmentId, id: &FlowId) {
        self.keep_past();
        self.flows.remove(&(environment.clone(), id.clone()));
    }
}

impl MemoryTenant {
    pub(super) fn delete(&self, environment: &EnvironmentId, id: &FlowId) {
        self.remove(environment, id);
    }
}

fn of(flows: &BTreeMap<Key, Live>, environment: &EnvironmentId) -> BTreeMap<FlowId, Arc<[u8]>> {
    let here = flows.iter().filter(|((other, _), _)| other == environment);
    here.map(|((_, id), live)| (id.clone(), live.raw.clone())).collect()
}

fn ids(things: &BTreeSet<(EnvironmentId, String)>, environment: &EnvironmentId) -> BTreeSet<String> {
    things.iter().filter(|(other, _)| other == environment).map(|(_, id)| id.clone()).collect()
}

/// A flow's text with one more member.
pub(super) fn migrated(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replacen('{', "{\"migrated\":true,", 1).into_bytes()
}

/// A flow as the tenant exports it: `environmentId` is its own doing.
fn with_environment(body: &[u8], environment: &EnvironmentId) -> Arc<[u8]> {
    let rest = body.iter().position(|byte| *byte == b'{').map_or(body, |start| &body[start + 1..]);
    let name = serde_json::Value::from(environment.as_str());
    [format!("{{\"environmentId\":{name},").as_bytes(), rest].concat().into()
}

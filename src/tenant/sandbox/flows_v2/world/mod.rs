//! Everything the tenant holds, and what its calls do to it. Pure: no file, no network; the time is handed in.

mod check;
mod held;
mod list;
mod raw;
mod shelf;
mod stored;
mod violation;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use crate::flow::ReferenceKind;

pub use held::HISTORY_MAX;
pub(super) use held::{Environment, Keep, Live, Outcome, Refusal, ShownStatus};
pub(super) use list::{Collection, Page, Pick, View};
pub(super) use shelf::Thing;
pub(super) use stored::Stored;
pub use violation::Violation;

use shelf::Shelf;

/// The tenant's state.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) environments: BTreeMap<String, Environment>,
    /// Counts changes, so that a writer of the state file knows what it has written.
    pub(super) revision: u64,
    last_change: Option<Change>,
}

/// What the newest change to a flow replaced, for exports that lag behind.
#[derive(Debug)]
struct Change {
    environment: String,
    id: String,
    before: Option<Bytes>,
}

impl World {
    /// Imports `text`, after every check.
    pub(super) fn import(
        &mut self,
        environment: &str,
        text: &str,
        keep: &Keep,
        now: Instant,
    ) -> Result<(Outcome, Arc<Stored>), Refusal> {
        self.environment(environment)?;
        let flow = raw::value(text).map_err(|error| invalid(&error))?;
        let mut violations = check::shape(&flow);
        violations.extend(check::missing(&self.environments, environment, &flow));
        let id = flow.get("id").and_then(Value::as_str).unwrap_or_default();
        if !violations.is_empty() {
            return Err(Refusal::Invalid(violations));
        }
        let stored = Arc::new(Stored::of(environment, text, &flow).map_err(|error| invalid(&error))?);
        let live = self.environments.get(environment).is_some_and(|environment| environment.flows.contains(id));
        self.keep(environment, id, Arc::clone(&stored), keep, now)?;
        Ok((if live { Outcome::Updated } else { Outcome::Created }, stored))
    }

    /// Goes back to the newest earlier definition with `version`.
    pub(super) fn rollback(
        &mut self,
        environment: &str,
        id: &str,
        version: &str,
        keep: &Keep,
        now: Instant,
    ) -> Result<Arc<Stored>, Refusal> {
        let live = self.flow(environment, id)?;
        let earlier = live.history.iter().rev().find(|stored| stored.version == version).cloned();
        let earlier = earlier.ok_or_else(|| Refusal::NoVersion { id: id.to_owned(), version: version.to_owned() })?;
        self.keep(environment, id, Arc::clone(&earlier), keep, now)?;
        Ok(earlier)
    }

    /// Deletes a flow; `strict` keeps one that another live flow refers to.
    pub(super) fn delete(&mut self, environment: &str, id: &str, strict: bool, keep: &Keep) -> Result<(), Refusal> {
        self.flow(environment, id)?;
        let violations = if strict { self.referers(environment, id) } else { Vec::new() };
        if !violations.is_empty() {
            return Err(Refusal::Needed { id: id.to_owned(), violations });
        }
        if *keep != Keep::Not {
            self.remove(environment, id);
        }
        Ok(())
    }

    /// How the deployment of a flow stands, `delay` being the time it takes.
    pub(super) fn status(
        &self,
        environment: &str,
        id: &str,
        delay: Duration,
        now: Instant,
    ) -> Result<ShownStatus, Refusal> {
        let live = self.flow(environment, id)?;
        if let Some(verdict) = &live.verdict {
            return Ok(verdict.clone());
        }
        let passed = live.since.map_or(delay, |since| now.saturating_duration_since(since));
        let status = match passed {
            passed if passed >= delay => "deployed",
            passed if passed >= delay / 2 => "deploying",
            _ => "importing",
        };
        Ok(ShownStatus { status: status.to_owned(), message: None })
    }

    /// Puts a flow there without any check and without a history entry: an edit behind everyone's back.
    pub(super) fn put(&mut self, environment: &str, id: &str, stored: Stored) {
        let stored = Arc::new(stored);
        self.note_change(environment, id);
        let flows = &mut self.environments.entry(environment.to_owned()).or_default().flows;
        match flows.get_mut(id) {
            Some(live) => live.current = stored,
            None => flows.insert(id.to_owned(), Live::new(stored)),
        }
    }

    /// Removes a flow without any check; whether it was there.
    pub(super) fn remove(&mut self, environment: &str, id: &str) -> bool {
        self.note_change(environment, id);
        self.environments.get_mut(environment).is_some_and(|environment| environment.flows.remove(id).is_some())
    }

    /// Adds a flow with its history, as a state file holds it.
    pub(super) fn restore(&mut self, environment: &str, id: &str, current: Stored, history: Vec<Stored>) {
        let history = history.into_iter().map(Arc::new).collect();
        let live = Live { history, ..Live::new(Arc::new(current)) };
        self.environments.entry(environment.to_owned()).or_default().flows.insert(id.to_owned(), live);
    }

    /// Makes sure that an environment exists.
    pub(super) fn add_environment(&mut self, name: &str) {
        self.revision += 1;
        self.environments.entry(name.to_owned()).or_default();
    }

    /// Adds an intent, an entity or a variable; [`ReferenceKind::Flow`] adds nothing.
    pub(super) fn add_thing(&mut self, environment: &str, kind: ReferenceKind, id: &str, name: &str) {
        self.revision += 1;
        let thing = Thing::new(environment, id, name);
        if let Some(shelf) = self.environments.entry(environment.to_owned()).or_default().things_mut(kind) {
            shelf.insert(id.to_owned(), thing);
        }
    }

    /// Removes an intent, an entity or a variable; whether it was there.
    pub(super) fn remove_thing(&mut self, environment: &str, kind: ReferenceKind, id: &str) -> bool {
        self.revision += 1;
        let shelf = self.environments.get_mut(environment).and_then(|environment| environment.things_mut(kind));
        shelf.is_some_and(|shelf| shelf.remove(id).is_some())
    }

    /// Removes every flow, whoever refers to it.
    pub(super) fn remove_all_flows(&mut self) {
        self.revision += 1;
        self.last_change = None;
        self.environments.values_mut().for_each(|environment| environment.flows = Shelf::default());
    }

    pub(super) fn environment(&self, name: &str) -> Result<&Environment, Refusal> {
        self.environments.get(name).ok_or_else(|| Refusal::NoEnvironment(name.to_owned()))
    }

    pub(super) fn flow(&self, environment: &str, id: &str) -> Result<&Live, Refusal> {
        let missing = || Refusal::NoFlow { id: id.to_owned(), environment: environment.to_owned() };
        self.environment(environment)?.flows.get(id).ok_or_else(missing)
    }

    fn keep(
        &mut self,
        environment: &str,
        id: &str,
        stored: Arc<Stored>,
        keep: &Keep,
        now: Instant,
    ) -> Result<(), Refusal> {
        let (stored, verdict) = match keep {
            Keep::Not => return Ok(()),
            Keep::Truly => (stored, None),
            Keep::Changed => (Arc::new(stored.renamed(environment).map_err(|error| invalid(&error))?), None),
            Keep::Normalised => (Arc::new(stored.normalised(environment).map_err(|error| invalid(&error))?), None),
            Keep::AndNeighbour => {
                self.rename_neighbour(environment, id).map_err(|error| invalid(&error))?;
                (stored, None)
            }
            Keep::AndSay(verdict) => (stored, Some(verdict.clone())),
        };
        self.note_change(environment, id);
        let flows = &mut self.environments.entry(environment.to_owned()).or_default().flows;
        if let Some(live) = flows.get_mut(id) {
            live.replace(stored);
            (live.since, live.verdict) = (Some(now), verdict);
        } else {
            flows.insert(id.to_owned(), Live { since: Some(now), verdict, ..Live::new(stored) });
        }
        Ok(())
    }

    /// Renames the first other flow of the environment, if there is one.
    fn rename_neighbour(&mut self, environment: &str, id: &str) -> Result<(), serde_json::Error> {
        let held = self.environments.get(environment).into_iter().flat_map(|held| held.flows.iter());
        let neighbour = held.map(|(other, live)| (other.clone(), Arc::clone(&live.current)));
        let Some((other, current)) = neighbour.into_iter().find(|(other, _)| other != id) else { return Ok(()) };
        let renamed = current.renamed(environment)?;
        self.put(environment, &other, renamed);
        Ok(())
    }

    fn note_change(&mut self, environment: &str, id: &str) {
        self.revision += 1;
        let before = self.flow(environment, id).ok().map(|live| live.current.item.clone());
        self.last_change = Some(Change { environment: environment.to_owned(), id: id.to_owned(), before });
    }

    /// One violation for each other live flow that refers to this one.
    fn referers(&self, environment: &str, id: &str) -> Vec<Violation> {
        let flows = self.environments.iter().flat_map(|(name, held)| held.flows.iter().map(move |flow| (name, flow)));
        flows
            .filter(|(name, (referer, _))| (name.as_str(), referer.as_str()) != (environment, id))
            .filter(|(_, (_, live))| {
                live.current.references.iter().any(|reference| {
                    reference.kind == ReferenceKind::Flow
                        && reference.id == id
                        && reference.environment.as_str() == environment
                })
            })
            .map(|(name, (referer, _))| Violation {
                path: String::new(),
                message: format!("the flow `{referer}` in `{name}` refers to it"),
            })
            .collect()
    }
}

fn invalid(error: &serde_json::Error) -> Refusal {
    Refusal::Invalid(vec![Violation { path: String::new(), message: error.to_string() }])
}

#[cfg(test)]
mod tests;

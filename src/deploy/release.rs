//! Having endpoints show a release, and having them show again what they showed before.
//!
//! | the manifest says | the endpoint shows | what happens |
//! |---|---|---|
//! | `deploying` | the release | nothing |
//! | `deploying` | anything else | it is switched |
//! | `restoring` | what it showed before | nothing |
//! | `restoring` | a release of this deployment | it is switched back |
//! | `restoring` | anything else | somebody else has pointed it there: it stays, and that is told |
//!
//! Only endpoints that the configuration names are ever written. Whether one was is seen by reading it back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::restore::Restored;
use super::{Deployer, FIRST_REREAD, FlowFailure, LONGEST_REREAD, ProgressStep, PushReport, Pushed};
use crate::clock::in_future;
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::plan::Change;
use crate::record::audit::{Event, EventKind};
use crate::record::{DeploymentId, made_by, release_name};
use crate::release::{Endpoint, Serving, Shows};
use crate::tenant::{Blame, Tenant, TenantError};

/// How often flows that move while they are frozen are read and frozen anew.
const FREEZES_MAX: usize = 3;
/// How often endpoints are looked at before one that is not as it was counts as lost.
const LOOKS_BACK_MAX: usize = 5;
/// A pause before they are looked at again.
const PAUSE: Duration = Duration::from_secs(2);

/// What a deployment is to have endpoints show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// The deployment.
    pub deployment: DeploymentId,
    /// A release that is kept; without one, what is live is frozen.
    pub kept: Option<String>,
    /// The endpoints to be switched.
    pub switches: Vec<EndpointSwitch>,
    /// All endpoints that the configuration names, as it names them.
    pub endpoints: Vec<String>,
    /// Releases that are not removed to make room.
    pub stay: BTreeSet<String>,
    /// Flows that must be as git has them in what is frozen.
    pub managed: BTreeSet<FlowId>,
}

/// An endpoint to be switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSwitch {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it showed before.
    pub before: Shows,
}

/// A release that endpoints show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRelease {
    /// Its name.
    pub name: String,
    /// The tenant's own id of it, where it was made just now.
    pub id: Option<String>,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
}

impl Meant {
    /// Whether it is this deployment that has an endpoint show that.
    fn is_own(&self, shows: &Shows) -> bool {
        let Shows::Release(name) = shows else { return false };
        self.kept.as_ref() == Some(name) || made_by(name).is_some_and(|(deployment, _)| deployment == self.deployment)
    }
}

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Has every endpoint show the release, which is made where it is not kept already. `pushed` is how the flows were
    /// written and read back.
    ///
    /// # Errors
    /// Some endpoint may show it already: see [`Deployer::switch_back`].
    pub async fn release(
        &self,
        meant: &Meant,
        changes: &[Change],
        pushed: &PushReport,
    ) -> Result<ShownRelease, FlowFailure> {
        (self.progress)(ProgressStep::Stage("release", meant.managed.len()));
        let serving = self.serving(meant).await?;
        let (name, id) = match (&meant.kept, shown_already(meant, &serving)) {
            (Some(name), _) if serving.releases.contains(name) => (name.clone(), None),
            (Some(name), _) => return Err(failed(format!("the release `{name}` is not kept any more"))),
            (None, Some(name)) => (name, None),
            (None, None) => {
                still_as_read(meant, pushed)?;
                let (name, id) = self.freeze(meant, &serving, changes).await?;
                (name, Some(id))
            }
        };
        let (to, serving) = (Shows::Release(name.clone()), self.serving(meant).await?);
        for switch in &meant.switches {
            let endpoint = serving.endpoint(&switch.id).ok_or_else(|| failed(unnamed(switch)))?;
            if endpoint.shows != to {
                self.may_start()?;
                self.point(switch, &endpoint.shows, &to).await?;
            }
        }
        let endpoints = self.read_back(meant, &to).await?;
        Ok(ShownRelease { name, id, endpoints })
    }

    async fn serving(&self, meant: &Meant) -> Result<Serving, FlowFailure> {
        self.tenant.serving(self.target, &meant.endpoints, &self.limits).await.map_err(|error| transport(&error))
    }

    /// Makes a release of what is live, and makes sure that it holds what was read back: its name, and the tenant's id.
    async fn freeze(
        &self,
        meant: &Meant,
        serving: &Serving,
        changes: &[Change],
    ) -> Result<(String, String), FlowFailure> {
        let own = serving.releases.iter().filter_map(|name| made_by(name)).filter(|(by, _)| *by == meant.deployment);
        let first = own.map(|(_, nth)| nth).max().unwrap_or(0).saturating_add(1);
        // What an earlier run of this deployment has left was not shown by any endpoint: nobody knows what is in it.
        let is_spent = |name: &&String| !serving.in_use.contains(*name) && !meant.stay.contains(*name);
        let ours = serving.releases.iter().filter(|name| made_by(name).is_some());
        let is_left = |name: &String| made_by(name).is_some_and(|(by, _)| by == meant.deployment);
        let going: BTreeSet<String> =
            ours.filter(is_spent).filter(|name| serving.room == 0 || is_left(name)).cloned().collect();
        self.discard(&going).await?;
        let mut moved = Vec::new();
        for nth in (first..).take(FREEZES_MAX) {
            let name = release_name(&meant.deployment, nth);
            self.may_start()?;
            self.announce("freeze", &name, None).await?;
            let freezing = self.tenant.freeze(self.target, &name, &self.limits);
            let frozen = self.in_time(freezing).await?.map_err(|error| transport(&error));
            self.tell("freeze", &name, None, frozen.as_ref().err());
            let frozen = frozen?;
            if frozen.moved.is_empty() {
                return Ok((name, frozen.id));
            }
            tracing::warn!(flows = ?frozen.moved, "flows were changed while they were frozen; they are read and frozen anew");
            moved = frozen.moved;
            self.discard(&BTreeSet::from([name])).await?;
            let mut again = all_done(changes);
            self.in_time(self.verify(changes, &mut again)).await?;
            if let Some((blame, message, _)) = again.summary() {
                return Err(FlowFailure { blame, message, existed: false });
            }
            still_as_read(meant, &again)?;
        }
        Err(failed(format!("somebody edits while a release is made, again and again: {}", moved.join(", "))))
    }

    async fn discard(&self, names: &BTreeSet<String>) -> Result<(), FlowFailure> {
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            self.announce("discard", name, None).await?;
        }
        self.tenant.discard(self.target, names, &self.limits).await.map_err(|error| transport(&error))
    }

    /// Points one endpoint elsewhere. An answer that does not come is settled by reading it back.
    async fn point(&self, switch: &EndpointSwitch, found: &Shows, to: &Shows) -> Result<(), FlowFailure> {
        if *found != switch.before {
            tracing::warn!(
                endpoint = switch.name,
                "somebody pointed an endpoint at {found} meanwhile; it is switched all the same"
            );
        }
        let shown = to.to_string();
        self.announce("switch", &shown, Some((switch, found))).await?;
        let answer = self.tenant.show(self.target, &switch.id, to, &self.limits).await;
        let answer = answer.map_err(|error| transport(&error));
        self.tell("switch", &shown, Some(switch), answer.as_ref().err());
        answer.map_err(|failure| FlowFailure {
            message: format!("the endpoint `{}` could not be switched: {}", switch.name, failure.message),
            ..failure
        })
    }

    /// The endpoints, once all of them show what they are to show.
    async fn read_back(&self, meant: &Meant, to: &Shows) -> Result<Vec<Endpoint>, FlowFailure> {
        let give_up_at = in_future(self.verify_timeout);
        let mut pause = FIRST_REREAD;
        loop {
            let serving = self.serving(meant).await?;
            let wrong = meant.switches.iter().find_map(|switch| match serving.endpoint(&switch.id) {
                None => Some(unnamed(switch)),
                Some(endpoint) if endpoint.shows != *to => {
                    Some(format!("the endpoint `{}` was switched and shows {}", switch.name, endpoint.shows))
                }
                Some(_) => None,
            });
            let Some(wrong) = wrong else { return Ok(serving.endpoints) };
            if Instant::now() >= give_up_at {
                return Err(failed(wrong));
            }
            self.may_start()?;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_REREAD);
        }
    }

    /// Has the endpoints show again what they showed before, as far as it was this deployment that switched them: by id.
    pub async fn switch_back(&self, meant: &Meant) -> BTreeMap<String, Restored> {
        let mut acted: BTreeSet<String> = BTreeSet::new();
        let mut last_error = String::new();
        for look in 1..=LOOKS_BACK_MAX {
            match self.serving(meant).await {
                Ok(serving) => {
                    let open = self.back_from(meant, &serving, &mut acted, look == LOOKS_BACK_MAX).await;
                    if let Some(settled) = open {
                        return settled;
                    }
                }
                Err(failure) => last_error = failure.message,
            }
            if Instant::now() >= self.limits.give_up_at {
                break;
            }
            sleep(PAUSE.min(self.verify_timeout)).await;
        }
        let lost = |switch: &EndpointSwitch| {
            let reason = format!("what it shows could not be read: {last_error}");
            (switch.id.clone(), Restored::Not(reason))
        };
        meant.switches.iter().map(lost).collect()
    }

    /// One look, and what follows from it. `None`: something was written, or could not be; look again.
    async fn back_from(
        &self,
        meant: &Meant,
        serving: &Serving,
        acted: &mut BTreeSet<String>,
        is_last: bool,
    ) -> Option<BTreeMap<String, Restored>> {
        let (mut settled, mut is_open) = (BTreeMap::new(), false);
        for switch in meant.switches.iter().rev() {
            let was_switched = acted.contains(&switch.id);
            let verdict = match serving.endpoint(&switch.id) {
                None => Restored::Not(unnamed(switch)),
                Some(endpoint) if endpoint.shows == switch.before && was_switched => Restored::Done,
                Some(endpoint) if endpoint.shows == switch.before => Restored::Untouched,
                Some(endpoint) if meant.is_own(&endpoint.shows) => {
                    is_open = true;
                    let failure = if is_last { None } else { self.point_back(switch, &endpoint.shows).await.err() };
                    acted.insert(switch.id.clone());
                    let still = format!("it still shows {}", endpoint.shows);
                    Restored::Not(failure.map_or(still, |failure| failure.message))
                }
                Some(endpoint) => {
                    let (name, shows) = (&switch.name, &endpoint.shows);
                    tracing::warn!(
                        endpoint = name,
                        "somebody pointed an endpoint at {shows} meanwhile, where it stays"
                    );
                    Restored::Untouched
                }
            };
            settled.insert(switch.id.clone(), verdict);
        }
        (!is_open || is_last).then_some(settled)
    }

    /// What takes back goes on without the journal where it must.
    async fn point_back(&self, switch: &EndpointSwitch, found: &Shows) -> Result<(), FlowFailure> {
        let shown = switch.before.to_string();
        self.journal
            .record_if_possible(&event(EventKind::Releasing, "switch-back", &shown, Some((switch, found))))
            .await;
        let answer = self.tenant.show(self.target, &switch.id, &switch.before, &self.limits).await;
        let answer = answer.map_err(|error| transport(&error));
        self.tell("switch-back", &shown, Some(switch), answer.as_ref().err());
        answer
    }

    async fn announce(
        &self,
        what: &str,
        shown: &str,
        endpoint: Option<(&EndpointSwitch, &Shows)>,
    ) -> Result<(), FlowFailure> {
        let recorded = self.journal.record(&event(EventKind::Releasing, what, shown, endpoint)).await;
        recorded.map_err(|failed| FlowFailure::journal(&failed))
    }

    fn tell(&self, what: &str, shown: &str, endpoint: Option<&EndpointSwitch>, failure: Option<&FlowFailure>) {
        let event = event(EventKind::Released, what, shown, None);
        let event = endpoint.into_iter().fold(event, |event, switch| event.with("endpoint", switch.id.as_str()));
        self.journal.note(&match failure {
            None => event.with("result", "ok"),
            Some(failure) => event.with("result", "failed").with("error", failure.message.as_str()),
        });
    }
}

fn event(kind: EventKind, what: &str, shown: &str, endpoint: Option<(&EndpointSwitch, &Shows)>) -> Event {
    let event = Event::new(kind).with("what", what).with("shows", shown);
    match endpoint {
        None => event,
        Some((switch, found)) => event
            .with("endpoint", switch.id.as_str())
            .with("name", switch.name.as_str())
            .with("found", found.to_string()),
    }
}

/// A release of this deployment that some endpoint shows: what is in it was read back before it was switched.
fn shown_already(meant: &Meant, serving: &Serving) -> Option<String> {
    let shown = meant.switches.iter().filter_map(|switch| serving.endpoint(&switch.id));
    let own = shown.map(|endpoint| &endpoint.shows).find(|shows| meant.is_own(shows))?;
    match own {
        Shows::Release(name) => Some(name.clone()),
        Shows::Live => None,
    }
}

/// What nobody here has written must be as it was when it was planned, where git holds it.
fn still_as_read(meant: &Meant, pushed: &PushReport) -> Result<(), FlowFailure> {
    let Some(effect) = pushed.side_effects.iter().find(|effect| meant.managed.contains(&effect.id)) else {
        return Ok(());
    };
    let message =
        format!("`{}` was changed by somebody else meanwhile: a release would hold what git does not", effect.id);
    Err(FlowFailure { blame: Blame::Nobody, message, existed: false })
}

fn all_done(changes: &[Change]) -> PushReport {
    let flows = changes.iter().map(|change| (change.id.clone(), Pushed::Done { existed: false })).collect();
    PushReport { flows, ..PushReport::default() }
}

fn unnamed(switch: &EndpointSwitch) -> String {
    format!(
        "the endpoint `{}` is not among the `endpoints` of the configuration any more, and is left as it is",
        switch.name
    )
}

/// Whatever goes wrong with a release is none of the flows' fault.
fn transport(error: &TenantError) -> FlowFailure {
    failed(error.to_string())
}

fn failed(message: String) -> FlowFailure {
    FlowFailure { blame: Blame::Transport, message, existed: false }
}

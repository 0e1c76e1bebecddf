//! What callers are to meet: which release, shown by which endpoints, and what of it nobody here manages. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::config::Drift;
use crate::flow::{ContentHash, FlowId};
use crate::release::{Endpoint, Serving, Shows};

/// The release that counts so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRelease {
    /// Its name.
    pub name: String,
    /// Digest over the managed flows in it.
    pub flows_digest: String,
    /// The endpoints that are to show it, by id.
    pub endpoints: BTreeSet<String>,
    /// The other flows that are in it.
    pub unmanaged: BTreeMap<FlowId, ContentHash>,
}

/// What is to be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRelease {
    /// Digest over the managed flows.
    pub flows_digest: String,
    /// Whether they are written first.
    pub is_written: bool,
    /// Live flows that nobody manages here, with what people call them.
    pub unmanaged: BTreeMap<FlowId, (String, ContentHash)>,
    /// Releases that stay whatever happens.
    pub stay: BTreeSet<String>,
    /// Those among the kept ones that may be removed, as far as it is ours to say.
    pub ours: BTreeSet<String>,
}

/// What endpoints are to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseTarget {
    /// A release of what is live by then.
    New,
    /// One that is kept.
    Kept(String),
}

/// What is to be done about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointAction {
    /// It shows what it is to show.
    None,
    /// It is switched.
    Switch,
    /// Somebody pointed it elsewhere, which is only reported here.
    Report,
}

/// An endpoint of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEndpoint {
    /// Which.
    pub endpoint: Endpoint,
    /// What is to be done.
    pub action: EndpointAction,
    /// Whether somebody pointed it elsewhere than where the last release left it.
    pub is_drifted: bool,
}

/// What became of a flow that nobody manages here since the last release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnmanagedChange {
    /// It was not in it.
    Added,
    /// It was another.
    Changed,
    /// It is gone.
    Removed,
}

impl UnmanagedChange {
    /// The word in outputs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A flow that is live in another form than in the last release, and that nobody manages here: a release holds the whole
/// environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmanagedDifference {
    /// The flow.
    pub id: FlowId,
    /// What people call it, while it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What became of it.
    pub change: UnmanagedChange,
}

/// What callers are to meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePlan {
    /// The release that counts so far.
    pub last: Option<String>,
    /// What endpoints are to show.
    pub target: ReleaseTarget,
    /// Every endpoint that the configuration names, in its order.
    pub endpoints: Vec<PlannedEndpoint>,
    /// By id.
    pub unmanaged: Vec<UnmanagedDifference>,
    /// Digest over the managed flows of the release.
    pub flows_digest: String,
    /// Every flow of the release that nobody manages here.
    pub beside: BTreeMap<FlowId, ContentHash>,
    /// Why no release can be made, where one is to be.
    pub no_room: Option<String>,
}

impl ReleasePlan {
    /// Whether something is to be done.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.endpoints.iter().any(|planned| planned.action == EndpointAction::Switch)
    }

    /// Whether endpoints are left where somebody pointed them.
    #[must_use]
    pub fn is_drifted(&self) -> bool {
        self.endpoints.iter().any(|planned| planned.action == EndpointAction::Report)
    }

    /// Whether a release is made.
    #[must_use]
    pub fn makes_one(&self) -> bool {
        self.target == ReleaseTarget::New && self.is_due()
    }
}

/// Works out what callers are to meet.
#[must_use]
pub fn release(serving: &Serving, last: Option<&LastRelease>, to: ToRelease, drift: Drift) -> ReleasePlan {
    let ToRelease { flows_digest, is_written, unmanaged, stay, ours } = to;
    let is_kept = |last: &&LastRelease| serving.releases.contains(&last.name);
    let still = last.filter(|last| !is_written && last.flows_digest == flows_digest).filter(is_kept);
    let target = still.map_or(ReleaseTarget::New, |last| ReleaseTarget::Kept(last.name.clone()));
    let planned = |endpoint: &Endpoint| {
        let is_last = |last: &LastRelease| endpoint.shows == Shows::Release(last.name.clone());
        let is_drifted = last.is_some_and(|last| last.endpoints.contains(&endpoint.id) && !is_last(last));
        let action = match &target {
            ReleaseTarget::Kept(name) if endpoint.shows == Shows::Release(name.clone()) => EndpointAction::None,
            ReleaseTarget::Kept(_) if is_drifted && drift != Drift::Correct => EndpointAction::Report,
            ReleaseTarget::Kept(_) | ReleaseTarget::New => EndpointAction::Switch,
        };
        PlannedEndpoint { endpoint: endpoint.clone(), action, is_drifted }
    };
    let endpoints = serving.endpoints.iter().map(planned).collect();
    let no_room = (target == ReleaseTarget::New).then(|| no_room(serving, &stay, &ours)).flatten();
    let now = || unmanaged.iter().map(|(id, (_, hash))| (id.clone(), *hash)).collect();
    let beside = still.map_or_else(now, |last| last.unmanaged.clone());
    let unmanaged = last.map(|last| differences(last, &unmanaged)).unwrap_or_default();
    ReleasePlan {
        last: last.map(|last| last.name.clone()),
        target,
        endpoints,
        unmanaged,
        flows_digest,
        beside,
        no_room,
    }
}

/// Has endpoints show a release that is kept.
#[must_use]
pub fn back_to_release(serving: &Serving, to: &LastRelease, last: Option<&LastRelease>) -> ReleasePlan {
    let planned = |endpoint: &Endpoint| {
        let is_there = endpoint.shows == Shows::Release(to.name.clone());
        let action = if is_there { EndpointAction::None } else { EndpointAction::Switch };
        PlannedEndpoint { endpoint: endpoint.clone(), action, is_drifted: false }
    };
    ReleasePlan {
        last: last.map(|last| last.name.clone()),
        target: ReleaseTarget::Kept(to.name.clone()),
        endpoints: serving.endpoints.iter().map(planned).collect(),
        unmanaged: Vec::new(),
        flows_digest: to.flows_digest.clone(),
        beside: to.unmanaged.clone(),
        no_room: None,
    }
}

/// Releases that may be removed: our own, but for those that stay and those that callers meet.
pub fn spent<'a>(
    serving: &'a Serving,
    stay: &'a BTreeSet<String>,
    ours: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a String> {
    ours.iter()
        .filter(|name| serving.releases.contains(*name) && !serving.in_use.contains(*name) && !stay.contains(*name))
}

fn no_room(serving: &Serving, stay: &BTreeSet<String>, ours: &BTreeSet<String>) -> Option<String> {
    if serving.room > 0 || spent(serving, stay, ours).next().is_some() {
        return None;
    }
    let n_kept = serving.releases.len();
    let n_ours = serving.releases.iter().filter(|name| ours.contains(*name)).count();
    Some(format!(
        "there is no room for a release: the tenant keeps {n_kept}, the most it can, and none of flowsync's {n_ours} may \
         go; remove one that nobody needs there"
    ))
}

fn differences(last: &LastRelease, now: &BTreeMap<FlowId, (String, ContentHash)>) -> Vec<UnmanagedDifference> {
    let ids: BTreeSet<&FlowId> = last.unmanaged.keys().chain(now.keys()).collect();
    let difference = |id: &FlowId| {
        let change = match (last.unmanaged.get(id), now.get(id)) {
            (None, _) => UnmanagedChange::Added,
            (Some(_), None) => UnmanagedChange::Removed,
            (Some(before), Some((_, after))) if before != after => UnmanagedChange::Changed,
            _ => return None,
        };
        Some(UnmanagedDifference { id: id.clone(), name: now.get(id).map(|(name, _)| name.clone()), change })
    };
    ids.into_iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(id: &str, shows: &str) -> Endpoint {
        let shows = if shows == "live" { Shows::Live } else { Shows::Release(shows.to_owned()) };
        Endpoint { id: id.to_owned(), name: id.to_uppercase(), shows, token: None }
    }

    /// `web:live phone:r1`, beside the releases that are kept.
    fn serving(endpoints: &str, releases: &[&str]) -> Serving {
        let endpoints: Vec<Endpoint> = endpoints
            .split_whitespace()
            .filter_map(|it| it.split_once(':').map(|(id, shows)| endpoint(id, shows)))
            .collect();
        let in_use = endpoints.iter().filter_map(|endpoint| match &endpoint.shows {
            Shows::Live => None,
            Shows::Release(name) => Some(name.clone()),
        });
        let in_use = in_use.collect();
        let releases: BTreeSet<String> = releases.iter().map(ToString::to_string).collect();
        Serving { endpoints, in_use, room: 10 - releases.len(), releases }
    }

    fn last(name: &str, endpoints: &[&str]) -> LastRelease {
        LastRelease {
            name: name.to_owned(),
            flows_digest: "d1".to_owned(),
            endpoints: endpoints.iter().map(ToString::to_string).collect(),
            unmanaged: BTreeMap::new(),
        }
    }

    fn to(flows_digest: &str, is_written: bool) -> ToRelease {
        let (unmanaged, stay, ours) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        ToRelease { flows_digest: flows_digest.to_owned(), is_written, unmanaged, stay, ours }
    }

    /// The target, and what is done to each endpoint: `.` nothing, `!` reported, `>` switched.
    #[track_caller]
    fn check(serving: &Serving, last: Option<&LastRelease>, to: ToRelease, drift: Drift, expected: &str) {
        let plan = release(serving, last, to, drift);
        let target = match &plan.target {
            ReleaseTarget::New => "new",
            ReleaseTarget::Kept(name) => name,
        };
        let actions: String = plan
            .endpoints
            .iter()
            .map(|planned| match planned.action {
                EndpointAction::None => '.',
                EndpointAction::Switch => '>',
                EndpointAction::Report => '!',
            })
            .collect();
        assert_eq!(format!("{target} {actions}"), expected);
    }

    #[test]
    fn a_release_is_made_of_what_was_written_or_is_in_none_yet() {
        let before = serving("web:live phone:live", &[]);
        check(&before, None, to("d1", false), Drift::Report, "new >>");
        let after = serving("web:r1 phone:r1", &["r1"]);
        let r1 = last("r1", &["web", "phone"]);
        check(&after, Some(&r1), to("d1", false), Drift::Correct, "r1 ..");
        check(&after, Some(&r1), to("d1", true), Drift::Report, "new >>");
        check(&after, Some(&r1), to("d2", false), Drift::Report, "new >>");
    }

    #[test]
    fn an_endpoint_that_somebody_pointed_elsewhere_is_drift_and_a_new_one_is_not() {
        let moved = serving("web:live phone:r1 fax:live", &["r1"]);
        let r1 = last("r1", &["web", "phone"]);
        check(&moved, Some(&r1), to("d1", false), Drift::Correct, "r1 >.>");
        check(&moved, Some(&r1), to("d1", false), Drift::Report, "r1 !.>");
        check(&moved, Some(&r1), to("d1", true), Drift::Report, "new >>>");
        let drifted = release(&moved, Some(&r1), to("d1", true), Drift::Report);
        assert_eq!(drifted.endpoints.iter().map(|it| it.is_drifted).collect::<Vec<_>>(), [true, false, false]);
        let gone = serving("web:live phone:live", &[]);
        check(&gone, Some(&r1), to("d1", false), Drift::Report, "new >>");
    }

    #[test]
    fn without_room_our_own_go_and_nobody_elses() {
        let names: Vec<String> = (0..10).map(|n| format!("s{n}")).collect();
        let full = serving("web:s0", &names.iter().map(String::as_str).collect::<Vec<_>>());
        let with = |stay: &[&str], ours: &[&str]| {
            let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
            release(&full, None, ToRelease { stay: set(stay), ours: set(ours), ..to("d1", true) }, Drift::Correct)
                .no_room
        };
        assert_eq!(with(&["s1"], &["s0", "s1", "s2"]), None);
        let told = with(&["s1"], &["s0", "s1"]).unwrap();
        assert!(told.contains("keeps 10") && told.contains("flowsync's 2"), "{told}");
        let one = serving("web:live", &["s0"]);
        assert_eq!(release(&one, None, to("d1", true), Drift::Correct).no_room, None);
    }

    #[test]
    fn flows_that_nobody_manages_are_held_against_the_last_release() {
        let (hash, id) = (|byte| ContentHash([byte; 32]), |id: &str| id.parse::<FlowId>().unwrap());
        let unmanaged = [("flow_a", 1), ("flow_b", 1), ("flow_c", 1)].map(|(name, byte)| (id(name), hash(byte))).into();
        let r1 = LastRelease { unmanaged, ..last("r1", &["web"]) };
        let now = [("flow_a", 1), ("flow_b", 2), ("flow_d", 1)]
            .map(|(name, byte)| (id(name), (name.to_uppercase(), hash(byte))));
        let with = |last| {
            let to = ToRelease { unmanaged: now.clone().into(), ..to("d1", false) };
            release(&serving("web:r1", &["r1"]), last, to, Drift::Correct).unmanaged
        };
        let found: Vec<(String, UnmanagedChange)> =
            with(Some(&r1)).into_iter().map(|it| (it.id.to_string(), it.change)).collect();
        let expected = [
            ("flow_b", UnmanagedChange::Changed),
            ("flow_c", UnmanagedChange::Removed),
            ("flow_d", UnmanagedChange::Added),
        ];
        assert_eq!(found, expected.map(|(id, change)| (id.to_owned(), change)));
        assert_eq!(with(None), [], "nothing was released before");
        // One that is shown again holds what it held.
        let to = ToRelease { unmanaged: now.clone().into(), ..to("d1", false) };
        assert_eq!(release(&serving("web:live", &["r1"]), Some(&r1), to, Drift::Correct).beside, r1.unmanaged);
    }
}

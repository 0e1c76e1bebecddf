//! Bitbucket, the cloud and the server, whose payloads have nothing in common.
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push>,
//! <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html>

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::headers::Headers;
use super::payload::{Read, json, of_branches, of_refs};
use super::verdict::{HookVerdict, UnreadableHook};

/// Events that say that refs moved: the cloud, a server, a mirror of one.
const EVENTS: [&str; 3] = ["repo:push", "repo:refs_changed", "mirror:repo_synchronized"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Push {
    /// The cloud.
    push: Option<CloudPush>,
    /// A server.
    changes: Option<Vec<ServerChange>>,
    /// A mirror that does not list what changed, because it is too much.
    #[serde(default)]
    ref_limit_exceeded: bool,
    /// Only a server's ping has it.
    test: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct CloudPush {
    changes: Vec<CloudChange>,
}

/// Created where there is no `old`, deleted where there is no `new`.
#[derive(Deserialize)]
struct CloudChange {
    new: Option<CloudRef>,
    old: Option<CloudRef>,
}

#[derive(Deserialize)]
struct CloudRef {
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct ServerChange {
    #[serde(rename = "ref")]
    reference: ServerRef,
}

#[derive(Deserialize)]
struct ServerRef {
    id: String,
}

pub(super) fn read(headers: &Headers<'_>, body: &[u8]) -> Read {
    let event = headers.text("x-event-key");
    if event.is_some_and(|event| !EVENTS.contains(&event)) {
        return Ok(HookVerdict::Nothing);
    }
    match json::<Push>(body)? {
        Push { ref_limit_exceeded: true, .. } => Ok(HookVerdict::EveryBranch),
        Push { push: Some(CloudPush { changes }), .. } => {
            let refs = changes.into_iter().filter_map(|change| change.new.or(change.old));
            Ok(of_branches(refs.filter(|it| it.kind == "branch" && !it.name.is_empty()).map(|it| it.name)))
        }
        Push { changes: Some(changes), .. } => of_refs(changes.iter().map(|change| change.reference.id.as_str())),
        Push { test: Some(_), .. } if event.is_none() => Ok(HookVerdict::Nothing),
        Push { .. } => Err(UnreadableHook::new("expected `push` or `changes`, found neither")),
    }
}

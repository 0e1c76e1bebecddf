//! Releases: snapshots of the project, and the endpoints that show one.
//!
//! Both are known by what stays: a snapshot by its name, which is its own in a project, an endpoint by its reference id.
//! Their `_id`s are looked up for each call.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Failure, TenantError};
use super::call::{Calls, Written};
use super::names;
use super::snapshots::{SNAPSHOTS_MAX, SnapshotHead, Snapshots, Taken};
use crate::release::{Endpoint, Serving, Shows};

/// What people read of a snapshot of ours; a snapshot must have such words.
const DESCRIPTION: &str = "A release made by flowsync: the endpoints it is configured with serve it. flowsync removes it when three newer ones are there.";

/// An endpoint, in the list or alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EndpointHead {
    reference_id: String,
    name: String,
    /// The `_id` of the project, or of one of its snapshots.
    entrypoint: Option<String>,
    flow_id: Option<Value>,
    locale_id: Option<Value>,
    #[serde(rename = "URLToken")]
    url_token: Option<String>,
}

/// What there is to be shown in a project, by `_id`.
type Kept = BTreeMap<String, SnapshotHead>;

/// Snapshots and endpoints of one project.
#[derive(Debug, Clone, Copy)]
pub(super) struct Releases<'a> {
    pub(super) calls: &'a Calls<'a>,
    pub(super) project: &'a str,
}

impl Releases<'_> {
    fn impossible(&self, reason: String) -> TenantError {
        self.calls.error(Failure::Impossible { reason })
    }

    fn snapshots(&self) -> Snapshots<'_> {
        Snapshots { calls: self.calls, project: self.project }
    }

    /// The `_id` of a snapshot.
    pub(super) async fn named(&self, name: &str) -> Result<Option<String>, TenantError> {
        Ok(self.snapshots().list().await?.into_iter().find(|(_, snapshot)| snapshot.name == name).map(|(id, _)| id))
    }

    /// The endpoints, by `_id`. What a list leaves out of one is read of it alone.
    async fn endpoints(&self) -> Result<BTreeMap<String, EndpointHead>, TenantError> {
        let mut heads: BTreeMap<String, EndpointHead> =
            self.calls.list(&["endpoints"], self.project, "list endpoints").await?;
        for (id, head) in heads.iter_mut().filter(|(_, head)| head.entrypoint.is_none()) {
            *head = self.alone(id).await?;
        }
        Ok(heads)
    }

    async fn alone(&self, id: &str) -> Result<EndpointHead, TenantError> {
        self.calls.json(&["endpoints", id], &[], "read endpoints").await
    }

    /// What is shown where.
    pub(super) async fn serving(&self, wanted: &[String]) -> Result<Serving, TenantError> {
        let (heads, snapshots) =
            futures_util::future::try_join(self.endpoints(), async { self.snapshots().list().await }).await?;
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for wanted in wanted {
            let head = self.resolve(wanted, &heads)?;
            if endpoints.iter().any(|known| known.id == head.reference_id) {
                continue;
            }
            endpoints.push(Endpoint {
                id: head.reference_id.clone(),
                name: head.name.clone(),
                shows: self.shown(head, &snapshots)?,
                token: head.url_token.clone(),
            });
        }
        let shown = heads.values().filter_map(|head| snapshots.get(head.entrypoint.as_ref()?));
        let in_use: BTreeSet<String> = shown.map(|snapshot| snapshot.name.clone()).collect();
        // Those of the project before a structure changed make room for a release.
        let stays = |snapshot: &&SnapshotHead| !names::is_before(&snapshot.name) || in_use.contains(&snapshot.name);
        let n_stay = snapshots.values().filter(stays).count();
        Ok(Serving {
            endpoints,
            in_use,
            room: SNAPSHOTS_MAX.saturating_sub(n_stay),
            releases: snapshots.into_values().map(|snapshot| snapshot.name).collect(),
        })
    }

    fn resolve<'h>(
        &self,
        wanted: &str,
        heads: &'h BTreeMap<String, EndpointHead>,
    ) -> Result<&'h EndpointHead, TenantError> {
        let found: Vec<&EndpointHead> =
            heads.values().filter(|head| head.reference_id == wanted || head.name == wanted).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => {
                let names: Vec<String> = heads.values().map(|head| format!("`{}`", head.name)).collect();
                let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                Err(self
                    .impossible(format!("the project has no endpoint `{wanted}`; those that this key sees: {there}")))
            }
            several => {
                let ids: Vec<String> = several.iter().map(|head| format!("`{}`", head.reference_id)).collect();
                let ids = ids.join(", ");
                Err(self.impossible(format!(
                    "the project has several endpoints `{wanted}`: name the one that is meant by its reference id, one of {ids}"
                )))
            }
        }
    }

    fn shown(&self, head: &EndpointHead, snapshots: &Kept) -> Result<Shows, TenantError> {
        let entrypoint = head.entrypoint.as_deref().unwrap_or_default();
        if entrypoint == self.project {
            return Ok(Shows::Live);
        }
        let snapshot = snapshots.get(entrypoint).map(|snapshot| Shows::Release(snapshot.name.clone()));
        snapshot.ok_or_else(|| {
            self.impossible(format!(
                "the endpoint `{}` serves `{entrypoint}`, which is neither the project nor one of its snapshots: point it \
                 at one of them in Cognigy first",
                head.name
            ))
        })
    }

    /// Points an endpoint elsewhere, in one write. An answer that was lost is settled by what is there.
    pub(super) async fn show(&self, reference: &str, to: &Shows) -> Result<(), TenantError> {
        let heads = self.endpoints().await?;
        let found = heads.into_iter().find(|(_, head)| head.reference_id == reference);
        let gone = || self.impossible(format!("the endpoint `{reference}` is not in the project any more"));
        let (id, head) = found.ok_or_else(gone)?;
        let entrypoint = match to {
            Shows::Live => self.project.to_owned(),
            Shows::Release(name) => self
                .named(name)
                .await?
                .ok_or_else(|| self.impossible(format!("the snapshot `{name}` is not in the project any more")))?,
        };
        let mut body = json!({"entrypoint": entrypoint});
        for (key, value) in [("flowId", head.flow_id), ("localeId", head.locale_id)] {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                body[key] = value;
            }
        }
        let path = ["endpoints", id.as_str()];
        match self.calls.write(Method::PATCH, &path, &body, "switch endpoints").await? {
            Written::Done => Ok(()),
            Written::Gone => Err(gone()),
            Written::Unknown(failure) => match self.alone(&id).await?.entrypoint {
                Some(now) if now == entrypoint => Ok(()),
                _ => Err(self.calls.error(failure)),
            },
        }
    }

    /// A snapshot of this name: its `_id`. Where there is no room, one of the project before a structure changed goes.
    pub(super) async fn made(&self, name: &str) -> Result<String, TenantError> {
        let snapshots = self.snapshots();
        let there = snapshots.list().await?;
        if there.len() >= SNAPSHOTS_MAX {
            let mut before: Vec<_> = there.iter().filter(|(_, head)| names::is_before(&head.name)).collect();
            before.sort_by(|(_, one), (_, other)| one.created_at.total_cmp(&other.created_at));
            for (id, head) in before {
                match snapshots.remove(id).await {
                    Ok(()) => break,
                    Err(error) => tracing::info!(snapshot = head.name, %error, "a snapshot of flowsync's stays"),
                }
            }
        }
        let taken = match snapshots.take(name, DESCRIPTION).await {
            // The request was lost before anybody heard of it.
            Err(TenantError { failure: Failure::Incomplete { .. }, .. }) => snapshots.take(name, DESCRIPTION).await?,
            taken => taken?,
        };
        match taken {
            Taken::Yes(id) => Ok(id),
            Taken::No(reason) => Err(self.calls.error(Failure::TaskFailed { what: "take a snapshot", reason })),
        }
    }

    /// Removes snapshots, as far as the tenant lets them go.
    pub(super) async fn discard(&self, names: &BTreeSet<String>) -> Result<(), TenantError> {
        let snapshots = self.snapshots();
        let there = snapshots.list().await?;
        for (id, snapshot) in there.iter().filter(|(_, snapshot)| names.contains(&snapshot.name)) {
            if let Err(error) = snapshots.remove(id).await {
                tracing::info!(snapshot = snapshot.name, %error, "a snapshot of flowsync's stays for now");
            }
        }
        Ok(())
    }
}

//! What a manifest says of releases: what a deployment was to have endpoints show, what they showed before, and the
//! releases before it that are kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::ids;
use super::{DeploymentId, FlowStatus};
use crate::flow::{ContentHash, FlowId};
use crate::release::Shows;

/// So many releases are kept beside the one that is shown: for those who are under way in them, and to go back to.
const EARLIER_MAX: usize = 2;
/// The longest name of a release, of an endpoint, of its id.
const NAME_BYTES_MAX: usize = 512;

/// The releases of an environment, seen from one deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// What the deployment has endpoints show; absent where it has nothing to do with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Released>,
    /// The endpoints that it switches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<SwitchedEndpoint>,
    /// The completed releases before it that are kept, newest first: what counts where it is taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Released>,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Released {
    /// Its name; absent before it was made.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name_if_any")]
    pub name: Option<String>,
    /// Digest over the managed flows in it.
    #[serde(deserialize_with = "ids::digest")]
    pub flows_digest: String,
    /// The endpoints that are to show it, by id.
    #[serde(default)]
    pub endpoints: BTreeSet<String>,
    /// The other flows that were live when it was made, and are in it as well.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmanaged: BTreeMap<FlowId, ContentHash>,
}

/// An endpoint that a deployment switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchedEndpoint {
    /// The tenant's stable id of it.
    #[serde(deserialize_with = "name")]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it showed before.
    pub before: Shows,
    /// How it fared.
    pub status: FlowStatus,
    /// What went wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Release {
    /// Of a deployment that has endpoints show a release: one that is to be made, or one of those `known`, which are the
    /// completed ones so far, newest first.
    #[must_use]
    pub fn showing(target: Released, endpoints: Vec<SwitchedEndpoint>, known: Vec<Released>) -> Self {
        Self { target: Some(target), endpoints, earlier: known }
    }

    /// Of one that has nothing to do with releases: those that count go on to do so.
    #[must_use]
    pub fn untouched(known: Vec<Released>) -> Option<Self> {
        (!known.is_empty()).then(|| Self { earlier: known, ..Self::default() })
    }

    /// The releases that are kept when the deployment has ended, newest first.
    #[must_use]
    pub fn after(&self, is_deployed: bool) -> Vec<Released> {
        let target = self.target.iter().filter(|_| is_deployed);
        let others = self.earlier.iter().filter(|other| target.clone().all(|target| target.name != other.name));
        target.clone().chain(others).take(EARLIER_MAX + 1).cloned().collect()
    }

    /// The names of all that it knows of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.target.iter().chain(&self.earlier).filter_map(|release| release.name.as_deref())
    }

    /// The release that endpoints showed before, where it is another one.
    #[must_use]
    pub fn before(&self) -> Option<&Released> {
        let target = self.target.as_ref().and_then(|target| target.name.as_ref());
        self.earlier.iter().find(|other| other.name.as_ref() != target)
    }
}

const PREFIX: &str = "flowsync-";

/// The name of the `nth` release that a deployment makes.
#[must_use]
pub fn release_name(deployment: &DeploymentId, nth: u32) -> String {
    format!("{PREFIX}{deployment}-{nth}")
}

/// The deployment that made a release, and which of its releases that is; nothing of one that somebody else made.
#[must_use]
pub fn made_by(release: &str) -> Option<(DeploymentId, u32)> {
    let (deployment, nth) = release.strip_prefix(PREFIX)?.rsplit_once('-')?;
    let is_number = !nth.starts_with(['0', '+']);
    Some((deployment.parse().ok()?, nth.parse().ok().filter(|_| is_number)?))
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    ids::checked(deserializer, "a name on one line", is_name)
}

fn name_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    ids::if_any(deserializer, "a name on one line", is_name)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn released(name: &str) -> Released {
        Released {
            name: Some(name.to_owned()),
            flows_digest: format!("sha256:{}", "0".repeat(64)),
            endpoints: BTreeSet::new(),
            unmanaged: BTreeMap::new(),
        }
    }

    fn known(names: &[&str]) -> Vec<Released> {
        names.iter().map(|name| released(name)).collect()
    }

    #[test]
    fn nothing_is_ours_but_what_we_name() {
        let id: DeploymentId = "20261122T101500Z-3f9a1c22".parse().unwrap();
        let name = release_name(&id, 12);
        assert_eq!(name, "flowsync-20261122T101500Z-3f9a1c22-12");
        assert_eq!(made_by(&name), Some((id, 12)));
        for theirs in [
            "Release 7",
            "flowsync",
            "flowsync-7",
            "flowsync-20261122T101500Z-3f9a1c22",
            "flowsync-20261122T101500Z-3f9a1c22-",
            "flowsync-20261122T101500Z-3f9a1c22-01",
            "flowsync-20261122T101500Z-3f9a1c22-+1",
            "flowsync-20261122T101500Z-3f9a1c22-1-me",
            "my-flowsync-20261122T101500Z-3f9a1c22-1",
        ] {
            assert_eq!(made_by(theirs), None, "{theirs}");
        }
    }

    #[test]
    fn two_are_kept_beside_the_one_that_is_shown() {
        let names = |all: Vec<Released>| all.into_iter().filter_map(|it| it.name).collect::<Vec<_>>().concat();
        let before = |release: &Release| release.before().and_then(|it| it.name.clone()).unwrap_or_default();
        let check = |release: Release, deployed: &str, taken_back: &str, earlier: &str| {
            assert_eq!(
                (names(release.after(true)), names(release.after(false))),
                (deployed.to_owned(), taken_back.to_owned())
            );
            assert_eq!(before(&release), earlier);
        };
        let showing = |name: &str| Release::showing(released(name), Vec::new(), known(&["c", "b", "a"]));
        check(showing("d"), "dcb", "cba", "c");
        check(showing("b"), "bca", "cba", "c");
        check(showing("c"), "cba", "cba", "b");
        check(Release::untouched(known(&["c", "b", "a"])).unwrap(), "cba", "cba", "c");
        assert_eq!(Release::untouched(Vec::new()), None);
    }
}

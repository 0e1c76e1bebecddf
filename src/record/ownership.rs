//! Which flows count as owned: those that git proves to have been deployed, whatever a manifest lists. Pure.
//!
//! A claim is proven by the flows folder of the commit that was deployed, which holds the flow's blob. A flow that has
//! left git since, or that a rollback brought back, stood in an earlier commit; `held` says in which.

use std::collections::{BTreeMap, BTreeSet};

use super::proof::HeldFlow;
use super::{Held, LastFlow, Manifest, Status};
use crate::flow::{ContentHash, FlowId};
use crate::revision::Origin;

/// A flow that a manifest says to have been left live by a completed deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose.
    pub id: FlowId,
    /// Where git holds what was left live.
    pub origin: Option<Origin>,
    /// Its hash.
    pub content_hash: ContentHash,
    /// Where git held it, if that is not in the flows of the deployment's commit.
    pub held: Option<Held>,
    /// The file it had, as a hint.
    pub path: Option<String>,
}

/// What git knows of claims.
#[derive(Debug, Clone, Default)]
pub struct ClaimFacts {
    /// The flows of the commit that was deployed; none where it is not on the branch.
    pub flows: BTreeMap<FlowId, HeldFlow>,
    /// Flows that git proves to have held otherwise, in an earlier commit.
    pub held: BTreeSet<FlowId>,
    /// What documents that no commit proves hold: whose flow, and its hash.
    pub contents: BTreeMap<Origin, (FlowId, ContentHash)>,
}

/// Why a claim does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// git never held the flow, as far as can be seen.
    #[error("no commit that was deployed holds it")]
    NotHeld,
    /// What is said to have been left live is not in git, or is another flow.
    #[error("what was left live of it is not in git")]
    OtherContent,
}

impl Claim {
    /// Whether the flows of the deployed commit are all that it needs.
    #[must_use]
    pub fn is_plain(&self, flows: &BTreeMap<FlowId, HeldFlow>) -> bool {
        let is_held =
            |held: &HeldFlow| self.origin.as_ref() == Some(&held.origin) && self.content_hash == held.content_hash;
        flows.get(&self.id).is_some_and(is_held)
    }

    /// Why it does not count; nothing where git proves it.
    #[must_use]
    pub fn doubt(&self, facts: &ClaimFacts) -> Option<Unproven> {
        if self.is_plain(&facts.flows) {
            return None;
        }
        if !facts.flows.contains_key(&self.id) && !facts.held.contains(&self.id) {
            return Some(Unproven::NotHeld);
        }
        let content = self.origin.as_ref().and_then(|origin| facts.contents.get(origin));
        let is_so = content.is_some_and(|(id, hash)| *id == self.id && *hash == self.content_hash);
        (!is_so).then_some(Unproven::OtherContent)
    }
}

impl Manifest {
    /// The flows that this manifest says the last completed deployment to have left live.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let claim = |(id, last): (FlowId, LastFlow)| {
            let origin = last.origin();
            let LastFlow { content_hash, held, path, .. } = last;
            Claim { id, origin, content_hash, held, path }
        };
        self.last_flows().into_iter().map(claim).collect()
    }

    /// Lets go of claims that do not count.
    pub fn disown(&mut self, doubted: &BTreeSet<FlowId>) {
        if self.status == Status::Deployed {
            self.flows.retain(|flow| !doubted.contains(&flow.id));
        }
        self.flows.iter_mut().filter(|flow| doubted.contains(&flow.id)).for_each(|flow| flow.last = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::BlobId;

    fn blob(digit: char) -> Origin {
        Origin::plain(BlobId(digit.to_string().repeat(40)))
    }

    fn hash(byte: u8) -> ContentHash {
        ContentHash([byte; 32])
    }

    fn id(name: &str) -> FlowId {
        format!("flow_{name}").parse().unwrap()
    }

    /// That a deployment left blob `digit` of flow `a` live.
    fn claim(digit: char) -> Claim {
        Claim { id: id("a"), origin: Some(blob(digit)), content_hash: hash(1), held: None, path: None }
    }

    /// The deployed commit holds `name` as blob 1.
    fn facts(name: &str) -> ClaimFacts {
        let held = HeldFlow { path: "flows/a.json".to_owned(), origin: blob('1'), content_hash: hash(1) };
        ClaimFacts { flows: BTreeMap::from([(id(name), held)]), ..ClaimFacts::default() }
    }

    #[test]
    fn what_the_deployed_commit_holds_is_owned_and_nothing_else_of_it() {
        assert_eq!(claim('1').doubt(&facts("a")), None);
        assert_eq!(claim('1').doubt(&facts("b")), Some(Unproven::NotHeld));
        assert_eq!(claim('1').doubt(&ClaimFacts::default()), Some(Unproven::NotHeld));
        assert_eq!(claim('7').doubt(&facts("a")), Some(Unproven::OtherContent));
        let other_hash = Claim { content_hash: hash(7), ..claim('1') };
        assert_eq!(other_hash.doubt(&facts("a")), Some(Unproven::OtherContent));
        assert_eq!(Claim { origin: None, ..claim('1') }.doubt(&facts("a")), Some(Unproven::OtherContent));
    }

    #[test]
    fn what_an_earlier_commit_held_is_owned_if_what_was_left_live_is_that_flow() {
        let mut facts = facts("b");
        facts.held.insert(id("a"));
        assert_eq!(claim('7').doubt(&facts), Some(Unproven::OtherContent), "nobody knows what it holds");
        for (content, expected) in [
            ((id("a"), hash(1)), None),
            ((id("b"), hash(1)), Some(Unproven::OtherContent)),
            ((id("a"), hash(2)), Some(Unproven::OtherContent)),
        ] {
            facts.contents.insert(blob('7'), content);
            assert_eq!(claim('7').doubt(&facts), expected);
        }
        facts.held.clear();
        facts.contents.insert(blob('7'), (id("a"), hash(1)));
        assert_eq!(claim('7').doubt(&facts), Some(Unproven::NotHeld), "a blob alone is no proof");
    }
}

//! Flows that a deployment does not write: one that changes all the same is noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::flow::{ContentHash, FlowId, LiveFlow, Reading};
use crate::plan::Change;
use crate::record::audit::{Event, EventKind};
use crate::tenant::Export;

/// What was live, before a deployment, of the flows that it does not write: by equality hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside(BTreeMap<FlowId, ContentHash>);

/// A flow that no request was about, and that is live in another form than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideEffect {
    /// The flow.
    pub id: FlowId,
    /// Its equality hash before.
    pub before: ContentHash,
    /// Its equality hash now; nothing where it is gone.
    pub after: Option<ContentHash>,
}

impl Beside {
    /// The live flows that are not among `changes`. Whoever is too large to be read whole is left out.
    #[must_use]
    pub fn of<'a>(live: impl Iterator<Item = &'a LiveFlow>, changes: &[Change]) -> Self {
        let written: BTreeSet<&FlowId> = changes.iter().map(|change| &change.id).collect();
        let beside = live.filter(|flow| !written.contains(flow.id()) && is_whole(flow));
        Self(beside.map(|flow| (flow.id().clone(), flow.equality_hash())).collect())
    }

    /// The flows that an export shows in another form, or not at all.
    pub(super) fn changed(&self, export: &Export) -> Vec<SideEffect> {
        let effect = |(id, before): (&FlowId, &ContentHash)| {
            let now = export.flows.get(id);
            let after = now.map(LiveFlow::equality_hash);
            let is_changed = after != Some(*before) && now.is_none_or(is_whole);
            is_changed.then(|| SideEffect { id: id.clone(), before: *before, after })
        };
        self.0.iter().filter_map(effect).collect()
    }
}

/// The bytes of a flow of which only the beginning is known may change without a trace in its hash, and the other way round.
fn is_whole(flow: &LiveFlow) -> bool {
    !matches!(flow.reading(), Reading::Beginning { .. })
}

impl SideEffect {
    pub(super) fn event(&self) -> Event {
        let event = Event::new(EventKind::SideEffect).with("flow", self.id.as_str());
        let event = event.with("before", self.before.to_string());
        match self.after {
            Some(after) => event.with("after", after.to_string()),
            None => event,
        }
    }
}

/// As an alarm.
impl fmt::Display for SideEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, before, after } = self;
        match after {
            Some(after) => {
                write!(f, "`{id}` was not written and changed while this deployment ran: {before} before, {after} now")?
            }
            None => write!(f, "`{id}` was not written and is gone since this deployment began: {before} before")?,
        }
        f.write_str(
            "; an import of another flow has changed it, or somebody in the tenant; look at it before more is deployed",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Comparison, Definition};

    fn flow(text: &str) -> LiveFlow {
        Definition::from_live(text.as_bytes(), &Comparison::default()).unwrap().into()
    }

    fn export(flows: &[&str]) -> Export {
        let flows = flows.iter().map(|text| flow(text)).map(|flow| (flow.id().clone(), flow));
        Export { flows: flows.collect(), ..Export::default() }
    }

    #[test]
    fn a_flow_that_changed_or_went_is_noticed_and_one_that_came_is_not() {
        let before = export(&[r#"{"id":"flow_a"}"#, r#"{"id":"flow_b","x":1}"#, r#"{"id":"flow_c"}"#]);
        let beside = Beside::of(before.flows.values(), &[]);
        assert_eq!(beside.changed(&before), []);
        let after = export(&[r#"{"id":"flow_a"}"#, r#"{"id":"flow_b","x":2}"#, r#"{"id":"flow_d"}"#]);
        let effects: Vec<(String, bool)> =
            beside.changed(&after).into_iter().map(|effect| (effect.id.to_string(), effect.after.is_some())).collect();
        assert_eq!(effects, [("flow_b".to_owned(), true), ("flow_c".to_owned(), false)]);
    }

    #[test]
    fn a_flow_of_which_only_the_beginning_is_known_tells_nothing() {
        let beginning = |text: &str| LiveFlow::from(Definition::from_beginning(text.as_bytes(), 5).unwrap());
        let one = beginning(r#"{"id":"flow_a","x":"#);
        let other = beginning(r#"{"id":"flow_a","xyz":"#);
        assert_eq!(Beside::of([&one].into_iter(), &[]), Beside::default());
        let read = Beside::of([&flow(r#"{"id":"flow_a"}"#)].into_iter(), &[]);
        let export = Export { flows: [(other.id().clone(), other)].into(), ..Export::default() };
        assert_eq!(read.changed(&export), []);
    }
}

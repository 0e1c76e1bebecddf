//! What one client remembers from one call to the next.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::heads::Project;
use super::names;
use super::parcel::Parcel;
use crate::flow::FlowId;

/// Code nodes that were written, by which the platform may find errors in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WrittenCode {
    /// The flow's reference id.
    pub(super) flow: String,
    /// Reference ids of its nodes, each with the locale whose code it is.
    pub(super) nodes: Vec<(String, String)>,
    /// Whether they were looked at once: what is found then is known at the next look.
    pub(super) was_seen: bool,
}

/// Something of ours that nobody needs when the deployment is over, by its `_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leftover {
    /// A package.
    Package(String),
    /// A flow that was to live for a moment.
    Scaffold(String),
}

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Tells our things from those of other processes.
    run: u32,
    n_names: AtomicU32,
    /// For which deployment everything is done; nothing where nobody has said so.
    deployment: Mutex<String>,
    /// What the last export showed of each flow, or we have written since: whatever is live in another form when it is
    /// written is somebody else's doing.
    shown: Mutex<BTreeMap<FlowId, String>>,
    /// What was written of each flow in this deployment, until it is read as that.
    sent: Mutex<BTreeMap<FlowId, String>>,
    /// The lists of the last export, until flows come or go by our own doing.
    listed: Mutex<Option<Arc<Project>>>,
    /// When flows were read anew whose stamps stood still, and how many nodes that was.
    rotated: Mutex<VecDeque<(Instant, usize)>>,
    /// How many configurations each flow has, by `_id`.
    sizes: Mutex<HashMap<String, usize>>,
    code: Mutex<BTreeMap<FlowId, WrittenCode>>,
    /// One merge after the other.
    pub(super) merging: tokio::sync::Mutex<()>,
    /// A new flow as the platform makes one, and when that was.
    pub(super) skeleton: tokio::sync::Mutex<Option<(Instant, Parcel)>>,
    /// What deployments have left in the project, ours and those that are dead: it goes when this one is over.
    leftovers: Mutex<BTreeSet<Leftover>>,
    /// Whether the project was seen without a task that changes it since the deployment began.
    pub(super) is_quiet: AtomicBool,
    /// The deployment for which a snapshot was taken, or is not to be taken any more.
    pub(super) frozen_for: tokio::sync::Mutex<Option<String>>,
    /// Whether a task of ours may be under way that nobody waited for.
    pub(super) has_left_running: AtomicBool,
    /// Whether packages are refused to this user.
    pub(super) has_no_packages: AtomicBool,
}

/// The time within which nodes that are read anew are counted.
const ROTATED_WITHIN: Duration = Duration::from_secs(300);

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    pub(super) fn new(run: u32) -> Self {
        Self { run, ..Self::default() }
    }

    fn named(&self, name: fn(u32, u32) -> String) -> String {
        name(self.run, self.n_names.fetch_add(1, Ordering::Relaxed))
    }

    /// A name for a package of one request.
    pub(super) fn passing(&self) -> String {
        self.named(names::passing)
    }

    /// A name for a scan's package.
    pub(super) fn scan(&self) -> String {
        self.named(names::scan)
    }

    /// A name for a scaffold.
    pub(super) fn scaffold(&self) -> String {
        self.named(names::scaffold)
    }

    /// A name for a snapshot.
    pub(super) fn before(&self) -> String {
        self.named(names::before)
    }

    /// A name for what something is found out by.
    pub(super) fn probe(&self) -> String {
        self.named(names::probe)
    }

    /// Everything from now on is done for this deployment: what was found out for an earlier one, however that ended,
    /// says nothing of the project any more.
    pub(super) fn note_deployment(&self, deployment: &str) {
        let mut known = held(&self.deployment);
        if *known == deployment {
            return;
        }
        deployment.clone_into(&mut known);
        held(&self.sent).clear();
        self.is_quiet.store(false, Ordering::Relaxed);
    }

    /// For which deployment everything is done.
    pub(super) fn deployment(&self) -> String {
        held(&self.deployment).clone()
    }

    /// The name of a package that holds a flow as it was before this deployment.
    pub(super) fn kept(&self, reference: &str, is_trained: bool) -> String {
        names::kept(reference, &held(&self.deployment), is_trained)
    }

    /// Whether everything is done for this deployment now.
    pub(super) fn is_of(&self, deployment: &str) -> bool {
        *held(&self.deployment) == deployment
    }

    /// The lists of the last export, where they hold still.
    pub(super) fn listed(&self) -> Option<Arc<Project>> {
        held(&self.listed).clone()
    }

    /// What is listed now; nothing once flows have come or gone.
    pub(super) fn list(&self, project: Option<Project>) {
        *held(&self.listed) = project.map(Arc::new);
    }

    /// Something is to go when the deployment is over.
    pub(super) fn leave(&self, leftover: Leftover) {
        held(&self.leftovers).insert(leftover);
    }

    /// Everything that is to go now.
    pub(super) fn leftovers(&self) -> BTreeSet<Leftover> {
        std::mem::take(&mut *held(&self.leftovers))
    }

    /// What was shown of a flow last.
    pub(super) fn shown(&self, id: &FlowId) -> Option<String> {
        held(&self.shown).get(id).cloned()
    }

    /// Everything that is shown now.
    pub(super) fn show_all(&self, texts: BTreeMap<FlowId, String>) {
        *held(&self.shown) = texts;
    }

    /// What a flow is now; nothing where that is not known.
    pub(super) fn show(&self, id: &FlowId, text: Option<String>) {
        let mut shown = held(&self.shown);
        match text {
            Some(text) => _ = shown.insert(id.clone(), text),
            None => _ = shown.remove(id),
        }
    }

    /// A flow was written; nothing of it where it is gone, or nobody knows.
    pub(super) fn note_sent(&self, id: &FlowId, text: Option<String>) {
        let mut sent = held(&self.sent);
        match text {
            Some(text) => _ = sent.insert(id.clone(), text),
            None => _ = sent.remove(id),
        }
    }

    /// What was written of a flow and was not read back as that so far.
    pub(super) fn sent(&self, id: &FlowId) -> Option<String> {
        held(&self.sent).get(id).cloned()
    }

    /// How many configurations a flow had when it was read last.
    pub(super) fn size(&self, id: &str) -> Option<usize> {
        held(&self.sizes).get(id).copied()
    }

    /// Whether so many nodes may be read anew now, of which nobody knows that they changed: no more than `n_most` within
    /// five minutes, but of one flow at least.
    pub(super) fn may_rotate(&self, n_nodes: usize, n_most: usize) -> bool {
        let (mut rotated, now) = (held(&self.rotated), Instant::now());
        while rotated.front().is_some_and(|(at, _)| now.duration_since(*at) >= ROTATED_WITHIN) {
            rotated.pop_front();
        }
        let n_so_far: usize = rotated.iter().map(|(_, n)| n).sum();
        let may = rotated.is_empty() || n_so_far + n_nodes <= n_most;
        if may {
            rotated.push_back((now, n_nodes));
        }
        may
    }

    pub(super) fn note_size(&self, id: &str, n_configs: usize) {
        held(&self.sizes).insert(id.to_owned(), n_configs);
    }

    /// Code that was written and is to be looked at.
    pub(super) fn note_code(&self, id: &FlowId, code: Option<WrittenCode>) {
        let mut known = held(&self.code);
        match code {
            Some(code) => _ = known.insert(id.clone(), code),
            None => _ = known.remove(id),
        }
    }

    pub(super) fn code(&self, id: &FlowId) -> Option<WrittenCode> {
        held(&self.code).get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_found_out_for_a_deployment_says_nothing_of_the_next() {
        let memory = Memory::new(1);
        let id: FlowId = "flow_a".parse().unwrap();
        memory.note_deployment("d1");
        memory.is_quiet.store(true, Ordering::Relaxed);
        memory.note_sent(&id, Some("text".to_owned()));
        *memory.frozen_for.lock().await = Some(memory.deployment());
        memory.note_deployment("d1");
        assert!(memory.is_quiet.load(Ordering::Relaxed) && memory.sent(&id).is_some(), "it goes on");
        memory.note_deployment("d2");
        assert!(!memory.is_quiet.load(Ordering::Relaxed) && memory.sent(&id).is_none());
        assert_ne!(*memory.frozen_for.lock().await, Some(memory.deployment()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_anew_for_nothing_is_bounded_and_one_flow_always_has_its_turn() {
        let memory = Memory::new(1);
        let may = |n| memory.may_rotate(n, 10);
        assert_eq!([may(30), may(1)], [true, false]);
        tokio::time::advance(ROTATED_WITHIN).await;
        assert_eq!([may(4), may(6), may(1)], [true, true, false]);
        tokio::time::advance(ROTATED_WITHIN / 2).await;
        assert!(!may(1));
    }
}

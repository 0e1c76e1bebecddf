//! Putting back what was live before: every touched flow, dependents before what they need, as far as
//! possible even where one fails. The verdict is an export compared by hash, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::different::{Different, are_equal};
use super::push::{untied, without_cycle};
use super::recover::{Found, look};
use super::sending::Way;
use super::{Deployer, FlowFailure, ProgressStep, SideEffect};
use crate::clock::in_future;
use crate::flow::{Comparison, ContentHash, Definition, FlowId, Keep, LiveFlow};
use crate::local::LocalState;
use crate::plan::{Change, Step};
use crate::record::audit::{Event, EventKind};
use crate::tenant::{Blame, Call, Export, Failure, Tenant, TenantError};

/// How often the whole set is tried.
const ROUNDS_MAX: usize = 3;
/// A `/rollback` that leaves another hash is followed by an import soon: importing is safe to repeat.
const AFTER_ROLLBACK: Duration = Duration::from_secs(1);
/// An export may show what was live this long ago: only one asked for that long after the last write
/// proves that everything is back.
pub const EXPORT_LAG: Duration = Duration::from_secs(5);
/// A way that is closed is waited out this long, beyond the retries of each call: whoever waits for the
/// verdict must not wait for ever.
const WAIT_OUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is needed to take one change back.
#[derive(Debug, Clone)]
pub struct Undo {
    /// The flow.
    pub id: FlowId,
    /// What was live before; nothing before a create.
    pub previous: Option<Arc<Definition>>,
    /// What the deployment wants live; nothing after a delete.
    pub target: Option<Arc<Definition>>,
    /// A create that was answered as an update: somebody else's flow, never deleted.
    pub existed: bool,
    group: (bool, usize),
}

impl Undo {
    /// Takes `change` back.
    #[must_use]
    pub fn of(change: &Change, existed: bool) -> Self {
        Self {
            id: change.id.clone(),
            previous: change.before().cloned(),
            target: change.after().map(|flow| flow.definition.clone()),
            existed,
            group: (matches!(change.step, Step::Delete { .. }), change.wave),
        }
    }

    fn is_restored(&self, export: &Export, comparison: &Comparison) -> bool {
        are_equal(self.previous.as_deref(), export.flows.get(&self.id), comparison)
    }
}

/// How a restoration went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restoration {
    /// By flow.
    pub flows: BTreeMap<FlowId, Restored>,
    /// Flows that were not written and are live in another form than before the deployment.
    pub side_effects: Vec<SideEffect>,
}

/// How one flow fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// It was live as before at the first look: nothing was done.
    Untouched,
    /// It is live as before.
    Done,
    /// It is not, or nobody can tell.
    Not(String),
}

struct RestoreProgress {
    /// Whether nothing is under way any more that the way forward has begun.
    is_settled: bool,
    acted: BTreeSet<FlowId>,
    errors: BTreeMap<FlowId, FlowFailure>,
    learned: Learned,
}

/// What calls that run side by side learn for each other.
struct Learned {
    rollback_works: AtomicBool,
    /// What stands in the record already, and what this restoration wrote on its way: neither need be kept again.
    kept: Mutex<BTreeSet<(FlowId, ContentHash)>>,
}

impl Learned {
    fn new() -> Self {
        Self { rollback_works: AtomicBool::new(true), kept: Mutex::default() }
    }

    fn is_kept(&self, live: &LiveFlow) -> bool {
        self.kept().contains(&(live.id().clone(), live.equality_hash()))
    }

    fn note_kept(&self, id: &FlowId, hash: ContentHash) {
        self.kept().insert((id.clone(), hash));
    }

    fn kept(&self) -> MutexGuard<'_, BTreeSet<(FlowId, ContentHash)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Puts back every flow of `undos` (in plan order) that is not live as before.
    pub async fn restore(&self, undos: &[Undo]) -> Restoration {
        (self.progress)(ProgressStep::Stage("restore", undos.len()));
        let (acted, errors) = (BTreeSet::new(), BTreeMap::new());
        let mut progress = RestoreProgress { is_settled: undos.is_empty(), acted, errors, learned: Learned::new() };
        let mut last_error = String::new();
        let lag = EXPORT_LAG.min(self.verify_timeout);
        let mut fresh_from = in_future(lag);
        let patient_until = (Instant::now() + WAIT_OUT).min(self.limits.give_up_at);
        let mut n_spent = 0;
        for round in 0.. {
            if n_spent > ROUNDS_MAX {
                break;
            }
            let export = match self.look_back(undos, round, fresh_from, &mut progress).await {
                Ok(export) => export,
                Err(error) => {
                    n_spent += usize::from(!self.may_pass(error.blame(), patient_until));
                    last_error = error.to_string();
                    sleep(PAUSE_MAX).await;
                    continue;
                }
            };
            let comparison = self.comparison();
            let different: Vec<&Undo> = undos.iter().filter(|undo| !undo.is_restored(&export, &comparison)).collect();
            if different.is_empty() || n_spent == ROUNDS_MAX {
                return self.verdict(undos, &export, &progress);
            }
            self.round(&different, &export, round, &mut progress).await;
            fresh_from = in_future(lag);
            let failure = |undo: &&Undo| progress.errors.get(&undo.id).map(|failure| failure.blame);
            if different.iter().filter_map(failure).any(|blame| self.may_pass(blame, patient_until)) {
                sleep(PAUSE_MAX).await;
            } else {
                n_spent += 1;
            }
        }
        let unread = format!("cannot tell what is live: {last_error}");
        let flows = undos.iter().map(|undo| (undo.id.clone(), Restored::Not(unread.clone()))).collect();
        Restoration { flows, side_effects: Vec::new() }
    }

    /// What the last export shows.
    fn verdict(&self, undos: &[Undo], export: &Export, progress: &RestoreProgress) -> Restoration {
        let of = |undo: &Undo| {
            let acted = progress.acted.contains(&undo.id);
            match Different::of(&undo.id, undo.previous.as_deref(), export, &self.comparison()) {
                None if acted => Restored::Done,
                None => Restored::Untouched,
                Some(different) => {
                    self.journal.note(&different.event());
                    let failure = progress.errors.get(&undo.id).map(|failure| failure.message.clone());
                    let unequal = || format!("what is live is not what was there before: {different}");
                    Restored::Not(failure.unwrap_or_else(unequal))
                }
            }
        };
        let flows = undos.iter().map(|undo| (undo.id.clone(), of(undo))).collect();
        Restoration { flows, side_effects: self.side_effects(export) }
    }

    /// Whether a failure is worth waiting out: a way that is closed now may be open again before patience
    /// or the lease ends, and a round in which it was closed counts for nothing.
    fn may_pass(&self, blame: Blame, patient_until: Instant) -> bool {
        blame == Blame::Transport && Instant::now() < patient_until && self.limits.lease.allows_now()
    }

    /// An export, once nothing is under way any more: what was cut off may take effect in the tenant minutes later, and
    /// until then everything looks as before.
    async fn look_back(
        &self,
        undos: &[Undo],
        round: usize,
        fresh_from: Instant,
        progress: &mut RestoreProgress,
    ) -> Result<Export, TenantError> {
        if !progress.is_settled {
            self.tenant.settle(self.target, &self.limits).await?;
            progress.is_settled = true;
        }
        self.settled_export(undos, round, fresh_from, progress).await
    }

    /// An export; after a round in which every call was answered well it is read again for a while, and
    /// where it shows everything restored it was asked for at `fresh_from` or later: a stale one proves nothing.
    async fn settled_export(
        &self,
        undos: &[Undo],
        round: usize,
        fresh_from: Instant,
        progress: &RestoreProgress,
    ) -> Result<Export, TenantError> {
        let patience = if round == 1 { self.verify_timeout.min(AFTER_ROLLBACK) } else { self.verify_timeout };
        let give_up_at = in_future(patience);
        let mut pause = PAUSE;
        loop {
            let is_fresh = Instant::now() >= fresh_from;
            let export = self.export().await?;
            let comparison = self.comparison();
            let open: Vec<&Undo> = undos.iter().filter(|undo| !undo.is_restored(&export, &comparison)).collect();
            let nothing_open = open.is_empty();
            if nothing_open && !is_fresh && !undos.is_empty() {
                sleep_until(fresh_from).await;
                continue;
            }
            let may_be_stale =
                open.iter().all(|undo| progress.acted.contains(&undo.id) && !progress.errors.contains_key(&undo.id));
            if round == 0 || nothing_open || !may_be_stale || Instant::now() >= give_up_at {
                return Ok(export);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn round(&self, different: &[&Undo], export: &Export, round: usize, progress: &mut RestoreProgress) {
        for group in groups(different, export) {
            self.untie_created(&group, export, &progress.learned).await;
            let absent: BTreeSet<FlowId> =
                group.iter().filter(|undo| !export.flows.contains_key(&undo.id)).map(|undo| undo.id.clone()).collect();
            let mut undoing = Vec::with_capacity(group.len());
            for undo in group {
                let (learned, absent) = (&progress.learned, &absent);
                undoing.push(async move { (undo.id.clone(), self.undo(undo, export, round, absent, learned).await) });
            }
            let undoing = stream::iter(undoing).buffer_unordered(self.concurrency);
            let results: Vec<(FlowId, Result<(), FlowFailure>)> = undoing.collect().await;
            for (id, result) in results {
                (self.progress)(if result.is_ok() { ProgressStep::Done(&id) } else { ProgressStep::Failed(&id) });
                progress.acted.insert(id.clone());
                match result {
                    Ok(()) => _ = progress.errors.remove(&id),
                    Err(error) => _ = progress.errors.insert(id, error),
                }
            }
        }
    }

    /// Created flows that refer to each other lose their references before they are deleted: a tenant may
    /// refuse to delete what another flow refers to. Where that fails, so does the delete, which says why.
    async fn untie_created(&self, group: &[&Undo], export: &Export, learned: &Learned) {
        let created = |undo: &&Undo| undo.previous.is_none() && !undo.existed;
        for undo in group.iter().copied().filter(created) {
            let others: BTreeSet<FlowId> = group
                .iter()
                .copied()
                .filter(created)
                .map(|other| other.id.clone())
                .filter(|id| *id != undo.id)
                .collect();
            let (Some(target), Some(live)) = (&undo.target, export.flows.get(&undo.id)) else { continue };
            // What was not read is not untied.
            let Ok(read) = live.definition() else { continue };
            let refers = read.references.iter().any(|reference| others.iter().any(|id| id.as_str() == reference.id));
            let Some(body) = untied(target, &others).filter(|_| refers) else { continue };
            let note = "restore, without references, before its deletion";
            let untied = match self.keep_if_else(undo, Some(live), learned).await {
                Ok(()) => self.import_loosened(target, &body, note, learned).await,
                Err(reason) => Err(reason),
            };
            if let Err(reason) = untied {
                tracing::info!(flow = %undo.id, reason = reason.message, "a cycle could not be untied");
            }
        }
    }

    async fn undo(
        &self,
        undo: &Undo,
        export: &Export,
        round: usize,
        absent: &BTreeSet<FlowId>,
        learned: &Learned,
    ) -> Result<(), FlowFailure> {
        let live = export.flows.get(&undo.id);
        self.keep_if_else(undo, live, learned).await?;
        match (&undo.previous, live) {
            (None, _) if undo.existed => Err(blamed(
                Blame::Flow,
                format!(
                    "`{}` was created by somebody else meanwhile, as far as can be told, and is not deleted; what was overwritten of it stands in the audit record; decide whether it stays",
                    undo.id
                ),
            )),
            (None, Some(live)) => self.undo_create(live).await,
            (None, None) => Ok(()),
            (Some(previous), None) => self.recreate(previous, absent, learned).await,
            (Some(previous), Some(live)) => {
                // Where nobody read which version is live, the flow is imported.
                let distinct = !previous.version.is_empty()
                    && live.definition().is_ok_and(|live| previous.version != live.version)
                    && undo.target.as_ref().is_none_or(|target| target.version != previous.version);
                if round == 0 && distinct && learned.rollback_works.load(Ordering::Relaxed) {
                    match self.roll_back(previous, &learned.rollback_works).await {
                        Ok(()) => return Ok(()),
                        Err(failure) => {
                            tracing::info!(flow = %undo.id, reason = failure.message, "rollback declined; importing instead")
                        }
                    }
                }
                self.put_back(previous).await
            }
        }
    }

    async fn undo_create(&self, live: &LiveFlow) -> Result<(), FlowFailure> {
        let live = live.definition().map_err(|absent| blamed(Blame::Flow, absent.to_string()))?;
        self.intent_back(Call::Delete, live, "restore").await;
        let sending = self.sending(Way::Back, Call::Delete, &live.id);
        let answer = self.tenant.delete(self.target, &live.id, &sending, &self.limits).await;
        self.outcome(&sending, &answer);
        answer.map(drop).map_err(|error| FlowFailure::of(&error))
    }

    /// Members of a cycle that are all gone come back in two steps: now without their references to each
    /// other, and whole in the next round, which finds them different.
    async fn recreate(
        &self,
        previous: &Definition,
        absent: &BTreeSet<FlowId>,
        learned: &Learned,
    ) -> Result<(), FlowFailure> {
        let body = previous.body().map_err(|error| blamed(Blame::Flow, error.to_string()))?;
        let note = "restore, without references inside its cycle";
        match without_cycle(previous, absent) {
            Some(body) => self.import_loosened(previous, &body, note, learned).await,
            None => self.import_back(previous, body, "restore").await,
        }
    }

    async fn put_back(&self, previous: &Definition) -> Result<(), FlowFailure> {
        let body = previous.body().map_err(|error| blamed(Blame::Flow, error.to_string()))?;
        self.import_back(previous, body, "restore").await
    }

    /// Imports a form of a flow that is live only for the time being.
    async fn import_loosened(
        &self,
        flow: &Definition,
        body: &[u8],
        note: &str,
        learned: &Learned,
    ) -> Result<(), FlowFailure> {
        let form = Definition::from_live_keeping(body, &self.reader.comparison(), |_, _| Keep::Hashes);
        if let Ok(form) = form {
            learned.note_kept(&form.id, form.equality_hash);
        }
        self.import_back(flow, body, note).await
    }

    async fn import_back(&self, previous: &Definition, body: &[u8], note: &str) -> Result<(), FlowFailure> {
        self.intent_back(Call::Import, previous, note).await;
        let sending = self.sending(Way::Back, Call::Import, &previous.id);
        let answer = self.tenant.import(self.target, &previous.id, body, &sending, &self.limits).await;
        self.outcome(&sending, &answer);
        answer.map_err(|error| FlowFailure::of(&error))?;
        self.await_deployed(&previous.id, || Ok(())).await
    }

    async fn roll_back(&self, previous: &Definition, works: &AtomicBool) -> Result<(), FlowFailure> {
        self.intent_back(Call::Rollback, previous, "restore").await;
        let answer = self.tenant.rollback(self.target, &previous.id, &previous.version, &self.limits).await;
        let sending = self.sending(Way::Back, Call::Rollback, &previous.id).begun();
        self.outcome(&sending, &answer);
        let worn_out = |error: &TenantError| {
            matches!(error.failure.last(), Failure::Unavailable { .. } | Failure::Throttled { .. })
        };
        if answer.as_ref().is_err_and(worn_out) {
            works.store(false, Ordering::Relaxed);
        }
        answer.map_err(|error| FlowFailure::of(&error))?;
        self.await_deployed(&previous.id, || Ok(())).await
    }

    /// Keeps what is live where it is neither what the deployment wrote nor what was there before, in whatever
    /// round it shows.
    async fn keep_if_else(&self, undo: &Undo, live: Option<&LiveFlow>, learned: &Learned) -> Result<(), FlowFailure> {
        let hash = |definition: Option<&Definition>| definition.map(|definition| definition.equality_hash);
        let found =
            look(hash(undo.target.as_deref()), hash(undo.previous.as_deref()), live.map(LiveFlow::equality_hash));
        match (found, live) {
            (Found::Else, Some(live)) if !learned.is_kept(live) => {
                // What cannot be kept today cannot be kept tomorrow.
                let blame = if live.body().is_ok() { Blame::Transport } else { Blame::Flow };
                let kept = overwritten(live).map_err(|reason| blamed(blame, reason))?;
                // The way back goes on without the journal where it must.
                self.journal.record_if_possible(&kept).await;
                learned.note_kept(live.id(), live.equality_hash());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Keeps a live definition in the audit record before it is overwritten.
    ///
    /// # Errors
    ///
    /// In words: the record cannot be written, or there are no bytes to keep. Nothing may be overwritten then.
    pub(super) async fn keep(&self, live: &LiveFlow) -> Result<(), String> {
        let event = overwritten(live)?;
        self.journal.record(&event).await.map_err(|failed| failed.to_string())
    }
}

/// What is kept of a live definition that is about to be overwritten.
///
/// # Errors
///
/// In words: there are no bytes to keep.
pub fn overwritten(live: &LiveFlow) -> Result<Event, String> {
    let body = live.body().map_err(|absent| match live.reading().unreadable() {
        Some(why) => format!(
            "`{}` cannot be kept and is not overwritten: {why}; save what is needed of it, then delete it in the tenant",
            live.id()
        ),
        None => absent.to_string(),
    })?;
    let mut event = Event::new(EventKind::Overwritten)
        .with("flow", live.id().as_str())
        .with("contentHash", live.content_hash().to_string());
    if let Some(why) = live.reading().unreadable() {
        event = event.with("unreadable", why.to_string());
    }
    Ok(match std::str::from_utf8(body) {
        Ok(text) => event.with("definition", text),
        Err(_) => event.with("definitionBase64", STANDARD.encode(body)),
    })
}

/// Undos that may run side by side, one group after the other. Plan order is reversed; of one wave, where
/// flows may need each other, those that are gone come back first, and those that are new go last.
fn groups<'a>(different: &[&'a Undo], export: &Export) -> Vec<Vec<&'a Undo>> {
    let turn = |undo: &Undo| match (&undo.previous, export.flows.contains_key(&undo.id)) {
        (Some(_), false) => 0,
        (Some(_), true) => 1,
        (None, _) => 2,
    };
    let mut groups: Vec<Vec<&Undo>> = Vec::new();
    for wave in different.chunk_by(|a, b| a.group == b.group).rev() {
        let mut wave = wave.to_vec();
        wave.sort_by_key(|undo| turn(undo));
        groups.extend(wave.chunk_by(|a, b| turn(a) == turn(b)).map(<[&Undo]>::to_vec));
    }
    groups
}

fn blamed(blame: Blame, message: String) -> FlowFailure {
    FlowFailure { blame, message, existed: false }
}

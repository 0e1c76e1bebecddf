//! Putting back what was live before: every touched flow, dependents before what they need, as far as
//! possible even where one fails. The verdict is an export compared by hash, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::push::{APART, apart};
use super::recover::{Found, look};
use super::{Deployer, Step as Shown};
use crate::flow::{ContentHash, Definition, FlowId};
use crate::local::LocalState;
use crate::plan::{Change, Step};
use crate::record::audit::{Event, EventKind};
use crate::tenant::{Call, Export, Failure, Tenant, TenantError};

/// How often the whole set is tried.
const ROUNDS_MAX: usize = 3;
/// A `/rollback` that leaves another hash is followed by an import soon: importing is safe to repeat.
const AFTER_ROLLBACK: Duration = Duration::from_secs(1);
/// An export may show what was live this long ago: only one asked for that long after the last write
/// proves that everything is back.
const EXPORT_LAG: Duration = Duration::from_secs(5);
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

    fn is_restored(&self, export: &Export) -> bool {
        let want = self.previous.as_ref().map(|definition| definition.equality_hash);
        !export.unreadable.contains_key(self.id.as_str()) && hash_of(export, &self.id) == want
    }
}

fn hash_of(export: &Export, id: &FlowId) -> Option<ContentHash> {
    export.flows.get(id).map(|definition| definition.equality_hash)
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

struct Progress {
    acted: BTreeSet<FlowId>,
    errors: BTreeMap<FlowId, String>,
    rollback_works: AtomicBool,
}

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Puts back every flow of `undos` (in plan order) that is not live as before.
    pub async fn restore(&self, undos: &[Undo]) -> BTreeMap<FlowId, Restored> {
        (self.progress)(Shown::Stage("restore", undos.len()));
        let mut progress =
            Progress { acted: BTreeSet::new(), errors: BTreeMap::new(), rollback_works: AtomicBool::new(true) };
        let mut last_error = String::new();
        let lag = EXPORT_LAG.min(self.verify_timeout);
        let mut fresh_from = Instant::now() + lag;
        for round in 0..=ROUNDS_MAX {
            let export = match self.settled_export(undos, round, fresh_from, &progress).await {
                Ok(export) => export,
                Err(error) => {
                    last_error = error.to_string();
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let different: Vec<&Undo> = undos.iter().filter(|undo| !undo.is_restored(&export)).collect();
            if different.is_empty() || round == ROUNDS_MAX {
                return verdict(undos, &different, &progress);
            }
            self.round(&different, &export, round, &mut progress).await;
            fresh_from = Instant::now() + lag;
        }
        let unread = format!("cannot tell what is live: {last_error}");
        undos.iter().map(|undo| (undo.id.clone(), Restored::Not(unread.clone()))).collect()
    }

    /// An export; after a round in which every call was answered well it is read again for a while, and
    /// where it shows everything restored it was asked for at `fresh_from` or later: a stale one proves nothing.
    async fn settled_export(
        &self,
        undos: &[Undo],
        round: usize,
        fresh_from: Instant,
        progress: &Progress,
    ) -> Result<Export, TenantError> {
        let patience = if round == 1 { self.verify_timeout.min(AFTER_ROLLBACK) } else { self.verify_timeout };
        let give_up_at = Instant::now() + patience;
        let mut pause = PAUSE;
        loop {
            let is_fresh = Instant::now() >= fresh_from;
            let export = self.export().await?;
            let mut open = undos.iter().filter(|undo| !undo.is_restored(&export)).peekable();
            let nothing_open = open.peek().is_none();
            if nothing_open && !is_fresh && !undos.is_empty() {
                sleep_until(fresh_from).await;
                continue;
            }
            let may_be_stale =
                open.all(|undo| progress.acted.contains(&undo.id) && !progress.errors.contains_key(&undo.id));
            if round == 0 || nothing_open || !may_be_stale || Instant::now() >= give_up_at {
                return Ok(export);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn round(&self, different: &[&Undo], export: &Export, round: usize, progress: &mut Progress) {
        for group in groups(different, export) {
            let group = self.keep_first(group, export, round, progress).await;
            self.loosen(&group, export).await;
            let results: Vec<(FlowId, Result<(), String>)> = stream::iter(group)
                .map(|undo| {
                    let works = &progress.rollback_works;
                    async move { (undo.id.clone(), self.undo(undo, export, round, works).await) }
                })
                .buffer_unordered(self.concurrency)
                .collect()
                .await;
            for (id, result) in results {
                (self.progress)(if result.is_ok() { Shown::Done(&id) } else { Shown::Failed(&id) });
                progress.acted.insert(id.clone());
                match result {
                    Ok(()) => _ = progress.errors.remove(&id),
                    Err(error) => _ = progress.errors.insert(id, error),
                }
            }
        }
    }

    /// In the first round, keeps what is about to be overwritten and is neither target nor previous;
    /// returns the undos that may go on.
    async fn keep_first<'u>(
        &self,
        group: Vec<&'u Undo>,
        export: &Export,
        round: usize,
        progress: &mut Progress,
    ) -> Vec<&'u Undo> {
        if round > 0 {
            return group;
        }
        let mut kept = Vec::with_capacity(group.len());
        for undo in group {
            match self.keep_if_else(undo, export.flows.get(&undo.id)).await {
                Err(error) => {
                    progress.acted.insert(undo.id.clone());
                    progress.errors.insert(undo.id.clone(), error);
                }
                Ok(()) => kept.push(undo),
            }
        }
        kept
    }

    /// Flows that refer to one another can neither be deleted nor be created one by one. Those that have
    /// to be are first imported without the references between them. Where that fails, what follows says so.
    async fn loosen(&self, group: &[&Undo], export: &Export) {
        let absent = |undo: &Undo| !export.flows.contains_key(&undo.id);
        let going: Vec<&Undo> =
            group.iter().filter(|undo| undo.previous.is_none() && !undo.existed && !absent(undo)).copied().collect();
        let coming: Vec<&Undo> = group.iter().filter(|undo| undo.previous.is_some() && absent(undo)).copied().collect();
        for knot in [going, coming] {
            for undo in &knot {
                let others = knot.iter().map(|other| &other.id).filter(|id| **id != undo.id).cloned().collect();
                let definition = undo.previous.as_ref().or(undo.target.as_ref());
                let Some((definition, body)) = definition.and_then(|it| Some((it, apart(it, &others)?))) else {
                    continue;
                };
                if let Err(reason) = self.write(definition, &body, APART).await {
                    tracing::info!(flow = %undo.id, reason, "a cycle could not be loosened");
                }
            }
        }
    }

    async fn undo(&self, undo: &Undo, export: &Export, round: usize, works: &AtomicBool) -> Result<(), String> {
        match (&undo.previous, export.flows.get(&undo.id)) {
            (None, _) if undo.existed => Err(format!(
                "`{}` was created by somebody else while the plan was made; it was overwritten and what it was is not known",
                undo.id
            )),
            (None, Some(live)) => self.undo_create(live).await,
            (None, None) => Ok(()),
            (Some(previous), None) => self.put_back(previous).await,
            (Some(previous), Some(live)) => {
                let distinct = !previous.version.is_empty()
                    && previous.version != live.version
                    && undo.target.as_ref().is_none_or(|target| target.version != previous.version);
                if round == 0 && distinct && works.load(Ordering::Relaxed) {
                    match self.roll_back(previous, works).await {
                        Ok(()) => return Ok(()),
                        Err(reason) => tracing::info!(flow = %undo.id, reason, "rollback declined; importing instead"),
                    }
                }
                self.put_back(previous).await
            }
        }
    }

    async fn undo_create(&self, live: &Definition) -> Result<(), String> {
        self.intent(Call::Delete, live, "restore").await.map_err(|failure| failure.message)?;
        let answer = self.tenant.delete(self.target, &live.id, &self.limits).await;
        self.outcome(Call::Delete, &live.id, &answer);
        answer.map(drop).map_err(|error| error.to_string())
    }

    async fn put_back(&self, previous: &Definition) -> Result<(), String> {
        let body = previous.body().map_err(|error| error.to_string())?.clone();
        self.write(previous, &body, "restore").await
    }

    async fn write(&self, definition: &Definition, body: &[u8], note: &str) -> Result<(), String> {
        self.intent(Call::Import, definition, note).await.map_err(|failure| failure.message)?;
        let answer = self.tenant.import(self.target, &definition.id, body, &self.limits).await;
        self.outcome(Call::Import, &definition.id, &answer);
        answer.map_err(|error| error.to_string())?;
        self.await_deployed(&definition.id).await.map_err(|failure| failure.message)
    }

    async fn roll_back(&self, previous: &Definition, works: &AtomicBool) -> Result<(), String> {
        self.intent(Call::Rollback, previous, "restore").await.map_err(|failure| failure.message)?;
        let answer = self.tenant.rollback(self.target, &previous.id, &previous.version, &self.limits).await;
        self.outcome(Call::Rollback, &previous.id, &answer);
        let worn_out = |error: &TenantError| {
            matches!(error.failure.last(), Failure::Unavailable { .. } | Failure::Throttled { .. })
        };
        if answer.as_ref().is_err_and(worn_out) {
            works.store(false, Ordering::Relaxed);
        }
        answer.map_err(|error| error.to_string())?;
        self.await_deployed(&previous.id).await.map_err(|failure| failure.message)
    }

    async fn keep_if_else(&self, undo: &Undo, live: Option<&Definition>) -> Result<(), String> {
        let hash = |definition: Option<&Definition>| definition.map(|definition| definition.equality_hash);
        let found = look(hash(undo.target.as_deref()), hash(undo.previous.as_deref()), hash(live));
        match (found, live) {
            (Found::Else, Some(live)) => self.keep(live).await,
            _ => Ok(()),
        }
    }

    /// Keeps a live definition in the audit record before it is overwritten.
    pub async fn keep(&self, live: &Definition) -> Result<(), String> {
        let event = Event::new(EventKind::Overwritten)
            .with("flow", live.id.as_str())
            .with("contentHash", live.content_hash.to_string())
            .with("definition", live.body().map_or_else(|_| "".into(), |body| String::from_utf8_lossy(body)));
        self.journal.record(&event).await.map_err(|error| crate::error_chain(&error))
    }
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

fn verdict(undos: &[Undo], different: &[&Undo], progress: &Progress) -> BTreeMap<FlowId, Restored> {
    let different: BTreeSet<&FlowId> = different.iter().map(|undo| &undo.id).collect();
    let of = |undo: &Undo| {
        if different.contains(&undo.id) {
            let unequal = || "what is live is not what was there before".to_owned();
            return Restored::Not(progress.errors.get(&undo.id).cloned().unwrap_or_else(unequal));
        }
        if progress.acted.contains(&undo.id) { Restored::Done } else { Restored::Untouched }
    };
    undos.iter().map(|undo| (undo.id.clone(), of(undo))).collect()
}

//! Writing flows: each as soon as everything it needs is verified, as many at once as allowed, the one
//! with the longest way behind it first; deletes last.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tracing::{Instrument as _, info_span};

use super::asked::{SENDS, UNSENT};
use super::jobs::{Direction, Schedule};
use super::look::Before;
use super::sending::{Changes, Sending, Way};
use super::{Deployer, FlowFailure, Pace, ProgressStep, PushReport, Pushed};
use crate::flow::{
    Definition, Document, FlowId, Reference, ReferenceKind, without_raw_references, without_references,
    without_references_to,
};
use crate::local::LocalState;
use crate::plan::{Change, Step};
use crate::record::audit::{Event, EventKind};
use crate::tenant::{Blame, Call, Imported, Reply, Tenant, TenantError};

/// What an earlier run of the same deployment has left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Flows that are live as wanted.
    pub done: BTreeSet<FlowId>,
    /// Flows to be created that are there in another form, and of which it is known whose they are: that an import
    /// is answered as an update tells nothing.
    pub there: BTreeSet<FlowId>,
}

/// Whether a deployment writes a flow for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Again,
}

impl Turn {
    /// What came of a flow for which this time no request was made.
    fn unsent(self, failure: FlowFailure) -> Pushed {
        match self {
            Self::First => Pushed::Unsent(failure),
            Self::Again => Pushed::Failed(failure),
        }
    }
}

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Carries out `changes` (in plan order) but for those done already, then reads everything back.
    /// Stops starting new flows at the first failure, and lets those under way come to their end.
    pub async fn push(&self, changes: &[Change], standing: &Standing) -> PushReport {
        let done = &standing.done;
        let begin = |id: &FlowId| {
            if done.contains(id) { Pushed::Done { existed: false } } else { Pushed::NotAttempted }
        };
        let mut report = PushReport {
            flows: changes.iter().map(|change| (change.id.clone(), begin(&change.id))).collect(),
            ..PushReport::default()
        };
        let (deletes, writes): (Vec<&Change>, Vec<&Change>) = changes
            .iter()
            .filter(|change| !done.contains(&change.id))
            .partition(|change| matches!(change.step, Step::Delete { .. }));
        (self.progress)(ProgressStep::Stage("deploy", writes.len() + deletes.len()));
        self.write(&writes, &deletes, standing, &mut report).instrument(info_span!("deploy")).await;
        if report.is_complete()
            && let Err(failure) = self.in_time(self.verify(changes, &mut report)).instrument(info_span!("verify")).await
        {
            report.failure = Some(failure);
        }
        report
    }

    /// The writes, then the deletes.
    async fn write(&self, writes: &[&Change], deletes: &[&Change], standing: &Standing, report: &mut PushReport) {
        let since = Instant::now();
        self.run(Schedule::new(writes, self.target, Direction::NeededFirst), since, standing, report).await;
        if report.failure.is_none() && report.summary().is_none() {
            self.run(Schedule::new(deletes, self.target, Direction::DependentsFirst), since, standing, report).await;
        }
    }

    async fn run(&self, mut schedule: Schedule<'_>, since: Instant, standing: &Standing, report: &mut PushReport) {
        let Standing { done, there } = standing;
        let mut under_way = FuturesUnordered::new();
        loop {
            while report.failure.is_none() && report.summary().is_none() && under_way.len() < self.concurrency {
                let Some((index, changes)) = schedule.next() else { break };
                match self.may_take_on(|| pace(since, done, report)) {
                    Ok(()) => under_way.push(async move { (index, self.unit(&changes, there).await) }),
                    Err(failure) => report.failure = Some(failure),
                }
            }
            let Some((index, outcomes)) = under_way.next().await else { return };
            let all_done = outcomes.iter().all(|(_, outcome)| matches!(outcome, Pushed::Done { .. }));
            for (id, outcome) in outcomes {
                (self.progress)(if matches!(outcome, Pushed::Done { .. }) {
                    ProgressStep::Done(&id)
                } else {
                    ProgressStep::Failed(&id)
                });
                report.flows.insert(id, outcome);
            }
            if all_done {
                schedule.done(index);
            }
        }
    }

    /// One unit: a single flow, or the members of a cycle. New members of a cycle are imported first
    /// without their references to other new members, then whole.
    async fn unit(&self, changes: &[&Change], there: &BTreeSet<FlowId>) -> Vec<(FlowId, Pushed)> {
        let new: BTreeSet<FlowId> = changes
            .iter()
            .filter(|change| matches!(change.step, Step::Create { .. }))
            .map(|change| change.id.clone())
            .collect();
        let mut outcomes: Vec<(FlowId, Pushed)> =
            changes.iter().map(|change| (change.id.clone(), Pushed::NotAttempted)).collect();
        let mut whole: BTreeSet<FlowId> = BTreeSet::new();
        for (index, change) in changes.iter().enumerate().filter(|(_, change)| new.contains(&change.id)) {
            let turn = if there.contains(&change.id) { Turn::Again } else { Turn::First };
            outcomes[index].1 = match without_cycle(change.definition(), &new) {
                Some(body) => self.import(change, &body, turn, "without references inside its cycle").await,
                None => {
                    whole.insert(change.id.clone());
                    self.import_whole(change, turn).await
                }
            };
            if outcomes[index].1.failure().is_some() {
                return outcomes;
            }
        }
        if !self.untie(changes, &mut outcomes).await {
            return outcomes;
        }
        for (index, change) in changes.iter().enumerate().filter(|(_, change)| !whole.contains(&change.id)) {
            let existed = outcomes[index].1.existed();
            let turn = if outcomes[index].1 == Pushed::NotAttempted { Turn::First } else { Turn::Again };
            let outcome = match change.step {
                Step::Delete { .. } => self.delete(change, turn).await,
                Step::Create { .. } | Step::Update { .. } => self.import_whole(change, turn).await,
            };
            outcomes[index].1 = if existed { outcome.of_somebody() } else { outcome };
            if outcomes[index].1.failure().is_some() {
                return outcomes;
            }
        }
        outcomes
    }

    /// Flows that are to be deleted and refer to each other lose their references first: a tenant may
    /// refuse to delete what another flow refers to. Each is written, and counts as such, long before it is
    /// deleted. False where one failed.
    async fn untie(&self, changes: &[&Change], outcomes: &mut [(FlowId, Pushed)]) -> bool {
        let is_delete = |change: &Change| matches!(change.step, Step::Delete { .. });
        let going: BTreeSet<FlowId> =
            changes.iter().filter(|change| is_delete(change)).map(|change| change.id.clone()).collect();
        if going.len() < 2 {
            return true;
        }
        for (index, change) in changes.iter().enumerate().filter(|(_, change)| is_delete(change)) {
            let Some(body) = untied(change.definition(), &going) else { continue };
            let outcome = self.import(change, &body, Turn::First, "without references, before its deletion").await;
            let failed = outcome.failure().is_some();
            outcomes[index].1 = outcome;
            if failed {
                return false;
            }
        }
        true
    }

    async fn import_whole(&self, change: &Change, turn: Turn) -> Pushed {
        match change.definition().body() {
            Ok(body) => self.import(change, body, turn, "").await,
            Err(error) => {
                turn.unsent(FlowFailure { blame: Blame::Transport, message: error.to_string(), existed: false })
            }
        }
    }

    async fn import(&self, change: &Change, body: &[u8], turn: Turn, note: &str) -> Pushed {
        let before = match turn {
            Turn::First => self.look_before(change).await,
            Turn::Again => self.look_between(change).await,
        };
        let before = match before {
            Ok(before) => before,
            Err(failure) => return turn.unsent(failure),
        };
        if let Err(failure) = self.intent(Call::Import, change.definition(), note).await {
            return turn.unsent(failure);
        }
        let (before, sent) = self.send(change, body, turn, before).await;
        let outcome = match sent {
            Ok(imported) => {
                if !note.is_empty() {
                    self.note_on_the_way(&change.id, body);
                }
                self.await_imported(change, before, &imported).await
            }
            Err(pushed) => pushed,
        };
        if before == Before::Foreign { outcome.of_somebody() } else { outcome }
    }

    /// What was cut off, refused or left alone before anything of the flow was written is none of this deployment's to
    /// put back. With it what was there before.
    async fn send(
        &self,
        change: &Change,
        body: &[u8],
        turn: Turn,
        before: Before,
    ) -> (Before, Result<Imported, Pushed>) {
        let look_again = || -> BoxFuture<'_, _> { Box::pin(self.look_again(change, before)) };
        let sending = self.sending(Way::Forward, Call::Import, &change.id).looking(&look_again);
        let import = self.tenant.import(self.target, &change.id, body, &sending, &self.limits);
        let sent = match self.in_time(import).await {
            Ok(answer) => {
                self.outcome(&sending, &answer);
                answer.map(|reply| reply.value).map_err(|error| failed(&sending, turn, &error))
            }
            Err(failure) => Err(self.cut_off(&sending, turn, failure)),
        };
        (if sending.is_foreign() { Before::Foreign } else { before }, sent)
    }

    /// A create that is answered as an update was somebody else's flow: git says so before anything else happens.
    async fn await_imported(&self, change: &Change, before: Before, imported: &Imported) -> Pushed {
        let is_create = matches!(change.step, Step::Create { .. });
        let existed = is_create && before == Before::Planned && *imported == Imported::Updated;
        if existed && let Err(failure) = self.disown(&change.id).await {
            return Pushed::Failed(failure);
        }
        match self.in_time(self.await_deployed(&change.id, || self.may_start())).await {
            Ok(Ok(())) => Pushed::Done { existed },
            Ok(Err(failure)) | Err(failure) => Pushed::Failed(FlowFailure { existed, ..failure }),
        }
    }

    async fn delete(&self, change: &Change, turn: Turn) -> Pushed {
        let before = match turn {
            Turn::First => self.look_before(change).await,
            Turn::Again => self.look_between(change).await,
        };
        let before = match before {
            Ok(before) => before,
            Err(failure) => return turn.unsent(failure),
        };
        if let Err(failure) = self.intent(Call::Delete, change.definition(), "").await {
            return turn.unsent(failure);
        }
        let look_again = || -> BoxFuture<'_, _> { Box::pin(self.look_again(change, before)) };
        let sending = self.sending(Way::Forward, Call::Delete, &change.id).looking(&look_again);
        let answer = match self.in_time(self.tenant.delete(self.target, &change.id, &sending, &self.limits)).await {
            Ok(answer) => answer,
            Err(failure) => return self.cut_off(&sending, turn, failure),
        };
        self.outcome(&sending, &answer);
        match answer {
            Ok(_) => Pushed::Done { existed: false },
            Err(error) => failed(&sending, turn, &error),
        }
    }

    pub(super) fn sending<'a>(&'a self, way: Way, call: Call, flow: &'a FlowId) -> Sending<'a, L> {
        Sending::new(self.journal, self.changes(), way, call, flow)
    }

    fn changes(&self) -> Changes {
        if self.tenant.writes_at_once() { Changes::AtOnce } else { Changes::Later }
    }

    /// A call that there was no time to wait for: it may take effect yet, where it had begun to change anything.
    fn cut_off(&self, sending: &Sending<'_, L>, turn: Turn, failure: FlowFailure) -> Pushed {
        let result = if sending.has_begun() { "unknown" } else { UNSENT };
        self.journal.note(&sending.outcome().with("result", result).with("error", failure.message.as_str()));
        if sending.has_begun() { Pushed::Failed(failure) } else { turn.unsent(failure) }
    }

    async fn intent(&self, call: Call, definition: &Definition, note: &str) -> Result<(), FlowFailure> {
        let recorded = self.journal.record(&self.intent_event(call, definition, note)).await;
        recorded.map_err(|failed| {
            let sending = self.sending(Way::Forward, call, &definition.id);
            self.journal.note(&sending.outcome().with("result", UNSENT));
            FlowFailure::journal(&failed)
        })
    }

    /// An intent on the way back, which goes on without the journal where it must.
    pub(super) async fn intent_back(&self, call: Call, definition: &Definition, note: &str) {
        self.journal.record_if_possible(&self.intent_event(call, definition, note)).await;
    }

    pub(super) fn outcome<V>(&self, sending: &Sending<'_, L>, answer: &Result<Reply<V>, TenantError>) {
        let event = sending.outcome();
        self.journal.note(&match answer {
            Ok(reply) => event.with("result", "done").with("attempts", reply.attempts),
            Err(error) if is_unsent(sending, error) => event.with("result", UNSENT).with("error", error.to_string()),
            Err(error) => event
                .with("result", if error.maybe_took_effect() { "unknown" } else { "failed" })
                .with("attempts", error.attempts)
                .with("error", error.to_string()),
        });
    }

    fn intent_event(&self, call: Call, definition: &Definition, note: &str) -> Event {
        let event = Event::new(EventKind::Intent)
            .with("call", call.as_str())
            .with("flow", definition.id.as_str())
            .with("version", definition.version.as_str())
            .with("contentHash", definition.content_hash.to_string());
        let event = match self.changes() {
            Changes::AtOnce => event,
            Changes::Later => event.with(SENDS.0, SENDS.1),
        };
        if note.is_empty() { event } else { event.with("note", note) }
    }
}

/// What came of a call that failed. Nobody is to blame for what was left alone.
fn failed<L: LocalState>(sending: &Sending<'_, L>, turn: Turn, error: &TenantError) -> Pushed {
    let failure = FlowFailure::of(error);
    if !is_unsent(sending, error) {
        return Pushed::Failed(failure);
    }
    let blame = if error.left_alone() { Blame::Nobody } else { failure.blame };
    turn.unsent(FlowFailure { blame, ..failure })
}

/// Whether a call that failed has changed nothing of the flow: it did not come so far, or what it asked for was left
/// undone because somebody else was there.
fn is_unsent<L: LocalState>(sending: &Sending<'_, L>, error: &TenantError) -> bool {
    !sending.has_begun() || error.left_alone()
}

/// How fast it goes, but for what was `done` already.
fn pace(since: Instant, done: &BTreeSet<FlowId>, report: &PushReport) -> Pace {
    let is_done = |pushed: &Pushed| matches!(pushed, Pushed::Done { .. });
    let n_done = report.flows.iter().filter(|(id, pushed)| is_done(pushed) && !done.contains(*id)).count();
    let n_left = report.flows.values().filter(|pushed| !is_done(pushed)).count();
    Pace { since, n_done, n_left }
}

/// The text of a flow without its references to `members` of its cycle. `None` where it has none.
pub(super) fn without_cycle(definition: &Definition, members: &BTreeSet<FlowId>) -> Option<Vec<u8>> {
    loosened(definition, members, |document| without_references_to(document, members))
}

/// The text of a flow that is about to be deleted, without any reference, so that what it refers to may be gone
/// already. `None` where it refers to none of `members`.
pub(super) fn untied(definition: &Definition, members: &BTreeSet<FlowId>) -> Option<Vec<u8>> {
    loosened(definition, members, without_references)
}

/// The text as `cut` leaves it; one that cannot be parsed loses all of its references. `None` where it refers to
/// none of `members`.
fn loosened(
    definition: &Definition,
    members: &BTreeSet<FlowId>,
    cut: impl FnOnce(&Document) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let is_tie = |reference: &Reference| {
        reference.kind == ReferenceKind::Flow && members.iter().any(|id| id.as_str() == reference.id)
    };
    let body = definition.body().ok().filter(|_| definition.references.iter().any(is_tie))?;
    match Document::parse(body.clone()) {
        Ok(document) => Some(cut(&document)),
        Err(_) => without_raw_references(body),
    }
}

/// What a new flow of a cycle is imported as at first; `None` where it is imported whole at once.
#[must_use]
pub fn first_form(change: &Change, changes: &[Change]) -> Option<Vec<u8>> {
    let is_new = |other: &&Change| other.unit == change.unit && matches!(other.step, Step::Create { .. });
    let new = changes.iter().filter(is_new).map(|other| other.id.clone()).collect();
    without_cycle(change.definition(), &new)
}

//! One more look before a flow is first written: a plan may be minutes old by then, and an answer may be lost that
//! would have told that somebody else's flow was there.
//!
//! Flows that are to appear or to go are not written on the strength of a look older than [`super::Looked`] allows;
//! updates use what was seen last. A lease that is over or in doubt is waited for before that: what is seen counts
//! when the request follows at once.

use super::recover::{Found, look};
use super::{Deployer, FlowFailure};
use crate::flow::{Definition, FlowId, LiveFlow};
use crate::local::LocalState;
use crate::plan::{Change, Step};
use crate::record::audit::{Event, EventKind};
use crate::tenant::{Blame, Tenant};

/// What a flow was found as before it was first written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// As planned, or changed by somebody and kept in the record.
    Planned,
    /// This deployment has written it already.
    Known,
    /// It was to be created, and somebody has done so.
    Foreign,
}

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Looks at a flow before its first write. What is live and neither planned nor wanted is kept in the record;
    /// where a flow to be created is there, git says so when this returns.
    pub(super) async fn look_before(&self, change: &Change) -> Result<Before, FlowFailure> {
        self.in_time(self.limits.lease.holds()).await?;
        if !matches!(change.step, Step::Update { .. }) {
            let mut looked = self.looks.looked.lock().await;
            if !looked.is_fresh() {
                let (now, export) = self.in_time(self.look()).await?.map_err(|error| FlowFailure::of(&error))?;
                *looked = now;
                self.looks.note_export(export);
            }
        }
        self.look_again(change, Before::Planned).await
    }

    /// Before a flow is written again that this deployment has written in another form: what was seen live since then,
    /// and is somebody else's doing, is kept in the record.
    pub(super) async fn look_between(&self, change: &Change) -> Result<Before, FlowFailure> {
        self.in_time(self.limits.lease.holds()).await?;
        self.look_again(change, Before::Known).await
    }

    /// The same by what was seen last, without another look; `before` is what was found so far.
    pub(super) async fn look_again(&self, change: &Change, before: Before) -> Result<Before, FlowFailure> {
        let Some(export) = self.looks.export() else { return Ok(before) };
        let Some(live) = export.flows.get(&change.id) else { return Ok(before) };
        // A look that began before the form on the way was written may have read the flow after that.
        let is_ours = before == Before::Known && self.looks.on_the_way(&change.id) == Some(live.equality_hash());
        if !is_ours {
            self.keep_unplanned(change, live).await?;
        }
        if before != Before::Planned || !matches!(change.step, Step::Create { .. }) {
            return Ok(before);
        }
        self.disown(&change.id).await.map(|()| Before::Foreign)
    }

    /// A flow was written in a form on the way to what is wanted.
    pub(super) fn note_on_the_way(&self, id: &FlowId, body: &[u8]) {
        if let Ok(form) = Definition::from_live(body, &self.reader.comparison()) {
            self.looks.note_on_the_way(id, form.equality_hash);
        }
    }

    async fn keep_unplanned(&self, change: &Change, live: &LiveFlow) -> Result<(), FlowFailure> {
        let target = change.after().map(|flow| flow.definition.equality_hash);
        let previous = change.before().map(|definition| definition.equality_hash);
        match look(target, previous, Some(live.equality_hash())) {
            Found::Target | Found::Previous => Ok(()),
            Found::Else if self.looks.is_kept(live) => Ok(()),
            Found::Else => {
                self.keep(live).await.map_err(kept_nowhere)?;
                self.looks.note_kept(live);
                Ok(())
            }
        }
    }

    /// Writes down, where whoever may have to go on finds it, that a flow to be created was somebody else's.
    pub(super) async fn disown(&self, id: &FlowId) -> Result<(), FlowFailure> {
        tracing::warn!(flow = %id, "somebody else has created this flow meanwhile; it is overwritten, and never deleted");
        let event = Event::new(EventKind::Found).with("flow", id.as_str()).with("existed", true);
        let on_disk = self.journal.record(&event).await;
        let theirs = |failure: FlowFailure| FlowFailure { existed: true, ..failure };
        let in_git = self.in_time((self.disown)(id)).await.map_err(theirs)?;
        in_git.map_err(|message| FlowFailure { blame: Blame::Transport, message, existed: true })?;
        on_disk.map_err(|failed| theirs(FlowFailure::journal(&failed)))
    }
}

fn kept_nowhere(message: String) -> FlowFailure {
    FlowFailure { blame: Blame::Transport, message, existed: false }
}

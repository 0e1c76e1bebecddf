//! For which flows an unfinished deployment has made requests, as far as its audit trail tells. Pure.
//!
//! Every request on the way forward has its intent on the disk before it and, where a tenant is asked much before
//! anything changes, a record that the change begins. Every commit carries the trail so far:
//! one that says `restoring` carries all of the way forward. What may be missing are the intents of a run that ended
//! without a commit, and with which another machine, or one that lost its journal, went on: each run says that of
//! the one before it.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::FlowId;
use crate::record::Status;
use crate::record::audit::{EventKind, Record};

/// The member of a `continued` record that says what was found of the journal.
pub const JOURNAL_MEMBER: &str = "journal";

/// The result of an intent after which no request was made.
pub(super) const UNSENT: &str = "unsent";

/// The member of an intent, and its value, that says that a record of its own follows when the change begins.
pub(super) const SENDS: (&str, &str) = ("sends", "later");

/// What was found on this machine of the journal of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Everything, up to the request that was made last.
    Whole,
    /// Nothing beyond what git has.
    Lost,
}

impl Before {
    /// The word in audit records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Lost => "lost",
        }
    }
}

/// The flows for which requests were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    flows: BTreeSet<String>,
    /// Whether there were no others.
    is_all: bool,
}

/// The calls about one flow.
#[derive(Default)]
struct Calls {
    /// Whether one before the newest may have changed it.
    was_sent_before: bool,
    newest: Newest,
}

/// What is known of the newest call about a flow.
#[derive(Default, PartialEq, Eq)]
enum Newest {
    #[default]
    Unsent,
    Sent,
}

impl Calls {
    fn begin(&mut self, newest: Newest) {
        self.was_sent_before = self.was_sent();
        self.newest = newest;
    }

    fn was_sent(&self) -> bool {
        self.was_sent_before || self.newest == Newest::Sent
    }
}

impl Asked {
    pub(super) fn of(records: &[Record]) -> Self {
        let is = |record: &Record, kind: EventKind| record.text("event") == kind.as_str();
        let mut calls: BTreeMap<&str, Calls> = BTreeMap::new();
        let mut is_all = records.first().is_some_and(|first| is(first, EventKind::Begun));
        for record in records {
            let of_flow = calls.entry(record.text("flow")).or_default();
            if is(record, EventKind::Intent) {
                let (member, later) = SENDS;
                of_flow.begin(if record.text(member) == later { Newest::Unsent } else { Newest::Sent });
            } else if is(record, EventKind::Sending) {
                of_flow.newest = Newest::Sent;
            } else if is(record, EventKind::Outcome) && record.text("result") == UNSENT {
                of_flow.newest = Newest::Unsent;
            } else if is(record, EventKind::Continued) && record.text("status") != Status::Restoring.as_str() {
                is_all &= record.text(JOURNAL_MEMBER) == Before::Whole.as_str();
            } else if is(record, EventKind::JournalFailed) {
                // What could not be written may be that a run began with a lost journal.
                is_all = false;
            }
        }
        let flows = calls.into_iter().filter(|(_, calls)| calls.was_sent()).map(|(flow, _)| flow.to_owned()).collect();
        Self { flows, is_all }
    }

    /// The same, seen by a run that goes on in this status with what it found of the journal.
    #[must_use]
    pub fn after(self, status: Status, before: Before) -> Self {
        Self { is_all: self.is_all && (status == Status::Restoring || before == Before::Whole), ..self }
    }

    /// Whether the trail tells of every flow.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// Whether requests were made for a flow; nothing where the trail does not tell.
    #[must_use]
    pub fn was(&self, flow: &FlowId) -> Option<bool> {
        let was = self.flows.contains(flow.as_str());
        (was || self.is_all).then_some(was)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::audit::{Chain, Event, parse};

    fn asked(events: &[Event]) -> Asked {
        let mut chain = Chain::new("production", "d1", None);
        let text: String = events.iter().map(|event| chain.seal(jiff::Timestamp::UNIX_EPOCH, event)).collect();
        Asked::of(&parse(text.as_bytes()).unwrap())
    }

    fn begun() -> Event {
        Event::new(EventKind::Begun)
    }

    fn intent(flow: &str) -> Event {
        Event::new(EventKind::Intent).with("flow", flow)
    }

    fn unsent(flow: &str) -> Event {
        Event::new(EventKind::Outcome).with("flow", flow).with("result", UNSENT)
    }

    fn continued(status: Status, before: Before) -> Event {
        Event::new(EventKind::Continued).with("status", status.as_str()).with(JOURNAL_MEMBER, before.as_str())
    }

    #[track_caller]
    fn check(events: &[Event], a: Option<bool>, b: Option<bool>) {
        let asked = asked(events);
        let was = |flow: &str| asked.was(&flow.parse().unwrap());
        assert_eq!((was("flow_a"), was("flow_b")), (a, b), "{events:?}");
    }

    #[test]
    fn an_intent_tells_of_a_request_unless_it_was_not_sent() {
        check(&[begun(), intent("flow_a")], Some(true), Some(false));
        check(&[begun(), intent("flow_a"), unsent("flow_a")], Some(false), Some(false));
        check(&[begun(), intent("flow_a"), intent("flow_a"), unsent("flow_a")], Some(true), Some(false));
    }

    #[test]
    fn where_a_tenant_is_asked_much_first_only_the_record_of_the_change_tells() {
        let later = || intent("flow_a").with(SENDS.0, SENDS.1);
        let sending = || Event::new(EventKind::Sending).with("flow", "flow_a");
        check(&[begun(), later()], Some(false), Some(false));
        check(&[begun(), later(), sending()], Some(true), Some(false));
        check(&[begun(), later(), sending(), later(), unsent("flow_a")], Some(true), Some(false));
        check(&[begun(), later(), later(), sending()], Some(true), Some(false));
    }

    #[test]
    fn what_a_lost_journal_may_have_held_is_not_known() {
        let (lost, whole) = (Before::Lost, Before::Whole);
        check(&[begun(), intent("flow_a"), continued(Status::Deploying, whole)], Some(true), Some(false));
        check(&[begun(), intent("flow_a"), continued(Status::Deploying, lost)], Some(true), None);
        let back = [begun(), intent("flow_a"), continued(Status::Restoring, lost)];
        check(&back, Some(true), Some(false));
        let first_lost = [begun(), continued(Status::Deploying, lost), continued(Status::Deploying, whole)];
        check(&first_lost, None, None);
    }

    #[test]
    fn what_could_not_be_written_down_of_the_journal_counts_all_the_same() {
        let trail = asked(&[begun(), intent("flow_a")]);
        for (status, before, is_all) in [
            (Status::Deploying, Before::Lost, false),
            (Status::Deploying, Before::Whole, true),
            (Status::Restoring, Before::Lost, true),
        ] {
            assert_eq!(trail.clone().after(status, before).is_all(), is_all, "{status} {before:?}");
        }
    }

    #[test]
    fn a_trail_without_its_beginning_or_of_an_older_version_tells_only_what_it_has() {
        check(&[], None, None);
        check(&[intent("flow_a")], Some(true), None);
        check(&[begun(), intent("flow_a"), Event::new(EventKind::JournalFailed)], Some(true), None);
        let older = Event::new(EventKind::Continued).with("status", "deploying");
        check(&[begun(), older, intent("flow_b")], None, Some(true));
    }
}

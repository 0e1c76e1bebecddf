//! What can happen to an operation of a process, and to the world while it is made.

use std::time::Duration;

use flowsync::local::{StateFault, StateWrite};
use flowsync::source::memory::{Operation, SourceFault};
use flowsync::tenant::Call;
use flowsync::tenant::memory::{Garble, TenantFault};
use jiff::SignedDuration;

use super::api::project::{self, RequestFault};
use super::forgery::Forgery;
use super::world::STALE_MAX;

/// A process that is stopped for longer than any lease, and goes on as if nothing had happened.
pub const STALL: Duration = Duration::from_secs(15 * 60);

const FULL: std::io::ErrorKind = std::io::ErrorKind::StorageFull;

/// One thing a process does with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Tenant(Call),
    /// One request of a call that takes many, by its name.
    Request(&'static str),
    Source(Operation),
    State(StateWrite),
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Tenant(TenantFault),
    Request(RequestFault),
    Source(SourceFault),
    State(StateFault),
    Torn,
    CrashBefore,
    CrashAfter,
    /// Somebody forges records just before.
    Forged(Forgery),
    /// It goes as it should, and something else happens just before.
    Happens(Happening),
}

/// What happens in the world, or to a machine, while nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Somebody writes a flow by hand.
    Edited(&'static str),
    /// The tenant itself changes a flow while it takes another.
    Neighbour(&'static str),
    /// A live flow is written anew in a form that nobody can parse.
    Garbled(&'static str, Garble),
    /// Other environments of the tenant move the list for so long.
    ListMoves(Duration),
    /// The process is asked to end, and has so long for it.
    Signal(Duration),
    /// The wall clock is set: so far it is ahead of true time from then on.
    ClockSet(SignedDuration),
    /// The machine sleeps; without a clock that counts that, the wall clock alone shows it.
    Sleeps { time: Duration, has_boot_clock: bool },
}

impl Op {
    /// Whether the process waits for it: only there it can stop.
    pub fn is_waited_for(self) -> bool {
        !matches!(self, Self::State(write) if write != StateWrite::Append)
    }

    /// Whether it shows, or decides, where the branches stand.
    pub fn is_about_branches(self) -> bool {
        matches!(self, Self::Source(Operation::Fetch | Operation::Push))
    }

    pub fn changes_the_tenant(self) -> bool {
        match self {
            Self::Tenant(call) => matches!(call, Call::Import | Call::Rollback | Call::Delete),
            Self::Request(call) => project::is_request_for_content(call),
            _ => false,
        }
    }
}

impl Fault {
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter | Self::Torn)
    }

    /// Whether this process is stopped for so long that somebody else goes on meanwhile.
    pub fn is_stall(self) -> bool {
        match self {
            Self::Source(fault) => fault == SourceFault::Slow(STALL),
            Self::Happens(Happening::Sleeps { time, .. }) => time == STALL,
            _ => false,
        }
    }
}

/// Everything but a crash that can happen to an operation; what takes time takes `millis`.
pub fn faults_of(op: Op, millis: u64) -> Vec<Fault> {
    use TenantFault as T;
    let time = Duration::from_millis(millis);
    let call = Duration::from_millis(millis % 55_000);
    let reads = vec![T::Slow(call), T::Storm(time), T::Unavailable, T::Refused, T::Garbage];
    let effects = vec![T::Slow(call), T::Storm(time), T::Unavailable, T::LostAnswer, T::Refused, T::Garbage];
    let stores = vec![T::Corrupt, T::StatusFailed, T::StatusStuck];
    let faults = match op {
        Op::State(StateWrite::Append) => {
            return vec![Fault::State(StateFault::Fails(FULL)), Fault::State(StateFault::Torn(FULL))];
        }
        Op::State(_) => return vec![Fault::State(StateFault::Fails(FULL))],
        Op::Request(call) => return project::faults_of(call, time).into_iter().map(Fault::Request).collect(),
        Op::Source(Operation::Read | Operation::Fetch) => {
            let all = [SourceFault::Slow(time), SourceFault::Slow(STALL), SourceFault::Unreachable];
            return all.into_iter().map(Fault::Source).collect();
        }
        Op::Source(Operation::Push) => {
            let all = [
                SourceFault::Slow(time),
                SourceFault::Slow(STALL),
                SourceFault::Unreachable,
                SourceFault::LostAnswer,
                SourceFault::Declined,
                SourceFault::Raced,
            ];
            return all.into_iter().map(Fault::Source).collect();
        }
        Op::Tenant(Call::Export) => {
            [reads, vec![T::Incomplete, T::Stale(Duration::from_millis(millis % STALE_MAX.as_millis() as u64))]]
                .concat()
        }
        Op::Tenant(Call::Import) => [effects, stores, vec![T::LostOnce]].concat(),
        Op::Tenant(Call::Rollback) => [effects, stores, vec![T::Unsupported]].concat(),
        Op::Tenant(Call::Delete) => [effects, vec![T::Unsupported]].concat(),
        Op::Tenant(_) => reads,
    };
    faults.into_iter().map(Fault::Tenant).collect()
}

/// What happens around the `index`-th operation, where everything has its turn from step to step.
pub fn happenings_at(op: Op, index: usize) -> Vec<Fault> {
    let (minutes, hours) = (|n: u64| Duration::from_secs(n * 60), SignedDuration::from_hours);
    let (sooner, later) = if index.is_multiple_of(2) { (-1, 1_000) } else { (-1_000, 1) };
    let sleeps = |time, has_boot_clock| Happening::Sleeps { time, has_boot_clock };
    let garbled = |turn: usize| {
        let flow = ["a", "c", "d", "e"][(index + turn) % 4];
        Happening::Garbled(flow, Garble::ALL[(index / 2 + turn) % Garble::ALL.len()])
    };
    let mut all = vec![
        Happening::Signal(Duration::ZERO),
        Happening::Signal(Duration::from_secs(30)),
        Happening::ClockSet(hours(sooner)),
        Happening::ClockSet(hours(later)),
        sleeps(minutes(10), index.is_multiple_of(2)),
        sleeps(STALL, !index.is_multiple_of(2)),
        garbled(0),
        garbled(1),
    ];
    if op == Op::Tenant(Call::Export) {
        all.extend([40, 150].map(|seconds| Happening::ListMoves(Duration::from_secs(seconds))));
    }
    if matches!(op, Op::Tenant(Call::Import | Call::Rollback)) {
        all.extend(["a", "e", "zz"].map(Happening::Neighbour));
    }
    let forged = if op.is_about_branches() { Forgery::ALL.as_slice() } else { &[] };
    all.into_iter().map(Fault::Happens).chain(forged.iter().copied().map(Fault::Forged)).collect()
}

//! For each invariant an engine that breaks it, and a life in which that shows.

use std::time::Duration;

use flowsync::source::memory::{Operation, SourceFault};
use flowsync::tenant::Call;
use flowsync::tenant::memory::TenantFault;

use super::super::enumerated::{Case, Recovery};
use super::super::faults::{Fault, Happening, Op};
use super::super::invariant::Invariant;
use super::Breakage;

const SECONDS: Duration = Duration::from_secs(20);

/// The case that shows a broken engine which violates an invariant. `ops` is what a deployment does.
pub fn against(invariant: Invariant, ops: &[Op]) -> Case {
    use Breakage as B;
    let at = |op: Op| ops.iter().position(|other| *other == op).unwrap();
    let last = |op: Op| ops.iter().rposition(|other| *other == op).unwrap();
    let (import, push) = (at(Op::Tenant(Call::Import)), Op::Source(Operation::Push));
    let clean = Case::default;
    let fails = || clean().with(import, Fault::Tenant(TenantFault::StatusFailed));
    let crashes = |recovery| clean().with(import, Fault::CrashAfter).recovered_by(recovery);
    let by_hand = |flow| Fault::Happens(Happening::Edited(flow));
    let (breakage, case) = match invariant {
        Invariant::Whole => (B::BelievesDeletes, clean()),
        Invariant::InSync => (B::BelievesAnImport, clean()),
        Invariant::NeededFirst => (B::SwapsWrites, clean()),
        Invariant::IntentFirst => (B::BuffersTheJournal, clean()),
        Invariant::TrailWhole => (B::LosesAnOutcome, clean()),
        Invariant::OnlyManaged => (B::DeletesWhatIsUnknown, clean()),
        Invariant::PushedLock => (B::BelievesThePush, clean()),
        Invariant::LeaseMargin => {
            let slow = Fault::Source(SourceFault::Slow(Duration::from_secs(10 * 60)));
            (B::StoppedClock, clean().with(at(push), slow))
        }
        Invariant::OneWriter => (B::TakesOver, crashes(Recovery::Soon)),
        Invariant::UndoInGit => (B::CommitsNoPrevious, clean().with(0, by_hand("b"))),
        Invariant::AsCommitted => (B::RenamesFlows, clean()),
        Invariant::Kept => (B::KeepsNothing, crashes(Recovery::Same).then_with(0, by_hand("c"))),
        Invariant::SomebodysStays => (B::TakesAllForCreated, clean().with(import, by_hand("g"))),
        Invariant::LookedFirst => {
            let slow = Fault::Tenant(TenantFault::Slow(Duration::from_secs(47)));
            (B::RemembersTheLook, clean().with(import, slow))
        }
        Invariant::DeletesMeant => (B::DeletesFirst, clean()),
        Invariant::ReportTrue => (B::ReportsSuccess, fails()),
        Invariant::RecordKept => {
            (B::LosesClosingRecords, clean().with(last(push), Fault::Source(SourceFault::Declined)))
        }
        Invariant::RecordsOnly => (B::WritesElsewhere, clean()),
        Invariant::HashesTrue => (B::MistakesHashes, clean()),
        Invariant::HeldBack => (B::Retries, fails()),
        Invariant::QuietStays => (B::ShowsLife, clean()),
        Invariant::ComesToEnd => (B::WaitsForEver, clean().with(import, Fault::Tenant(TenantFault::StatusStuck))),
        Invariant::GraceKept => {
            let (asked, given) =
                (Fault::Happens(Happening::Signal(SECONDS)), Fault::Tenant(TenantFault::Slow(2 * SECONDS)));
            (B::IgnoresSignals, clean().with(import, asked).with(import + 1, given))
        }
        Invariant::Approved => (B::AsksNobody, clean().reviewed()),
        Invariant::ApprovedOnce => (B::ForgetsApprovals, clean().reviewed()),
        Invariant::LeftAlone => (B::OverlooksSuspensions, clean().suspended()),
        Invariant::InWindows => (B::OverlooksWindows, clean().closed()),
        Invariant::OneFault => (B::GivesUp, fails()),
    };
    case.broken_by(breakage)
}

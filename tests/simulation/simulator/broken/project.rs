//! The same for projects of the vendor's own API, where one call takes many requests.

use std::time::Duration;

use super::super::api::project::RequestFault;
use super::super::enumerated::{Case, Recovery, Which};
use super::super::faults::{Fault, Happening, Op};
use super::super::invariant::Invariant;
use super::Breakage;

/// A machine that sleeps for longer than any lease.
const NIGHT: Duration = Duration::from_secs(15 * 60);

/// Broken engines and clients, each with the invariant that it violates and a life in which that shows. `nodes` and
/// `packages` are what a deployment does, by either route.
pub fn in_projects(nodes: &[Op], packages: &[Op]) -> Vec<(Invariant, Case)> {
    use Breakage as B;
    let at = |ops: &[Op], call: &'static str| ops.iter().position(|op| *op == Op::Request(call)).unwrap();
    let (by_nodes, by_packages) = (|| Case::of(Which::Nodes), || Case::of(Which::Packages));
    let patch = at(nodes, "updateNode");
    let sleeps = Fault::Happens(Happening::Sleeps { time: NIGHT, has_boot_clock: true });
    let refused = Fault::Request(RequestFault::Refused);
    let crashed = by_nodes().with(patch, Fault::CrashAfter).recovered_by(Recovery::Same);
    [
        (Invariant::Whole, B::BelievesDeletes, by_packages()),
        (Invariant::InSync, B::BelievesAnImport, by_nodes()),
        (Invariant::IntentFirst, B::BuffersTheJournal, by_nodes()),
        (Invariant::OnlyManaged, B::DeletesWhatIsUnknown, by_packages()),
        (Invariant::LeaseMargin, B::HeedsNoLease, by_nodes().with(patch - 1, sleeps)),
        (Invariant::AsCommitted, B::RenamesFlows, by_packages()),
        (Invariant::UndoInGit, B::CommitsNoPrevious, by_packages().with(0, Fault::Happens(Happening::Edited("a")))),
        (Invariant::Kept, B::KeepsNothing, crashed.then_with(0, Fault::Happens(Happening::Edited("c")))),
        (Invariant::ReportTrue, B::ReportsSuccess, by_packages().with(at(packages, "mergePackage"), refused)),
    ]
    .map(|(invariant, breakage, case)| (invariant, case.broken_by(breakage)))
    .into()
}

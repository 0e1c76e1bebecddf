//! Everything that is watched, in one place.

use std::fmt;

/// What must hold whatever happens. For each there is a broken engine that it catches: `broken/table.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    Whole,
    InSync,
    NeededFirst,
    IntentFirst,
    TrailWhole,
    OnlyManaged,
    PushedLock,
    LeaseMargin,
    OneWriter,
    UndoInGit,
    AsCommitted,
    Kept,
    SomebodysStays,
    LookedFirst,
    DeletesMeant,
    ReportTrue,
    RecordKept,
    RecordsOnly,
    HashesTrue,
    HeldBack,
    QuietStays,
    ComesToEnd,
    GraceKept,
    OneFault,
    Approved,
    ApprovedOnce,
    LeftAlone,
    InWindows,
}

impl Invariant {
    pub const ALL: [Self; 28] = [
        Self::Whole,
        Self::InSync,
        Self::NeededFirst,
        Self::IntentFirst,
        Self::TrailWhole,
        Self::OnlyManaged,
        Self::PushedLock,
        Self::LeaseMargin,
        Self::OneWriter,
        Self::UndoInGit,
        Self::AsCommitted,
        Self::Kept,
        Self::SomebodysStays,
        Self::LookedFirst,
        Self::DeletesMeant,
        Self::ReportTrue,
        Self::RecordKept,
        Self::RecordsOnly,
        Self::HashesTrue,
        Self::HeldBack,
        Self::QuietStays,
        Self::ComesToEnd,
        Self::GraceKept,
        Self::OneFault,
        Self::Approved,
        Self::ApprovedOnce,
        Self::LeftAlone,
        Self::InWindows,
    ];

    /// What must hold, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Whole => "a deployment that ended is live wholly or not at all, but for what its record names",
            Self::InSync => {
                "what is reported in sync is live as git has it, and what git dropped is gone where pruning is on"
            }
            Self::NeededFirst => {
                "no flow is written before what it needs nor deleted before what needs it, but in a cycle"
            }
            Self::IntentFirst => "every request that changes the tenant has its intent on the disk before it",
            Self::TrailWhole => "the audit trail verifies against git's history",
            Self::OnlyManaged => "flows that git never held are never touched",
            Self::PushedLock => {
                "nothing is written while the pushed manifest names another deployment, holder or an end"
            }
            Self::LeaseMargin => {
                "no request that changes the tenant starts in the last 60 s of the lease or later, by true time"
            }
            Self::OneWriter => "nobody pushes over a deployment whose lease may still run, unless told to take over",
            Self::UndoInGit => "before the first write git holds every definition that undoing needs",
            Self::AsCommitted => {
                "what is written is what the commit holds, and what is put back is what was live before"
            }
            Self::Kept => "nothing that was seen live is overwritten or deleted unless git or the audit record has it",
            Self::SomebodysStays => {
                "a flow that somebody else created is never deleted once a look or an answer told of it, and git is told"
            }
            Self::LookedFirst => {
                "no flow appears or goes on the strength of a look that is old, failed or showed otherwise"
            }
            Self::DeletesMeant => {
                "a flow is deleted only where the commit lacks it and a deployment left it, or where this one created it"
            }
            Self::ReportTrue => "a report says what the record says, flow by flow, and never deployed when it is not",
            Self::RecordKept => "a closing record that could not be pushed is kept on the machine",
            Self::RecordsOnly => "a commit by flowsync touches the records of its environment and nothing else",
            Self::HashesTrue => "content hashes are of what was pushed, previous hashes of what was live",
            Self::HeldBack => {
                "what was rolled back is not tried again before git changes, its time has come or somebody says so"
            }
            Self::QuietStays => "a pass after one that found nothing to do writes nothing",
            Self::ComesToEnd => "every pass ends, and everything comes to rest",
            Self::GraceKept => "a process that is asked to end does so within the time it is given",
            Self::Approved => "where approvals are asked for, no change is begun that none allows and none left",
            Self::ApprovedOnce => "no approval allows a change again once its deployment has ended well",
            Self::LeftAlone => "while an environment is suspended, nothing that git holds is begun to be deployed",
            Self::InWindows => "while no window is open, nothing that git holds is begun to be deployed",
            Self::OneFault => "one fault alone leaves nothing that is not restored, and a harmless one no failure",
        }
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, what } = self;
        write!(f, "{invariant:?} ({}): {what}", invariant.sentence())
    }
}

//! The noun: a flow document, its identity, its hash, what is wrong with it, what it refers to.
//!
//! Pure: no file, no network, no clock. Knows nobody but [`crate::problem`].

mod anchors;
mod canonical;
mod cause;
mod check;
mod comparison;
mod defaults;
mod definition;
pub mod diff;
mod document;
mod finding;
mod hash;
mod id;
mod indent;
mod lint;
mod live;
pub mod overlay;
mod pointer;
mod raw;
mod reading;
mod reference;
mod rewrite;
mod schema;
mod unit;
mod version;

pub use anchors::{Anchors, Need};
pub(crate) use check::parse_file;
pub use check::{Checked, CheckedFlow, File, FileReport, check_all, check_file, join_reports};
pub use comparison::{Comparison, IgnoreError};
pub use defaults::Defaults;
pub use definition::{BodyAbsent, Definition, DefinitionError, Keep};
pub use document::{
    DEPTH_MAX, Document, Elements, Entries, FLOW_BYTES_MAX, Fault, INTEGER_DIGITS_MAX, Kind, Node, ParseError,
    Position, scan, with_environment, with_placeholders, without_environment, without_raw_references,
    without_references, without_references_to,
};
pub(crate) use finding::{nearest, place, quoted};
pub use hash::{ContentHash, ContentHashError, HASH_ALGORITHM};
pub use id::{EnvironmentId, FlowId, FlowIdError};
pub use indent::{Keys, indented};
pub use lint::version_place;
pub use live::{KnownFlow, LiveFlow};
pub(crate) use pointer::{push_index, push_key, unescape};
pub use reading::{Reading, Unreadable};
pub use reference::{ENVIRONMENT_VARIABLE, Reference, ReferenceKind};
pub use rewrite::in_the_files_hand;
pub use schema::FLOW_SCHEMA;
pub use unit::Unit;
pub use version::{compare_versions, version_not_raised};

//! How the flows of a dialect stand in files: composed from them and scattered over them, checked, and put in order.
//!
//! Pure: no file, no network, no clock. Nothing above this room and [`crate::tenant`] names a dialect: [`Format`] is the one
//! place that chooses.

pub mod cognigy;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flow::diff::View;
use crate::flow::{self, Comparison, Document, FileReport, FlowId};
use crate::problem::Place;

pub use crate::flow::Unit;
pub use cognigy::folder::{Files, NewFolder};

/// How flows stand in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A flow is a file, and that is its document.
    #[default]
    FlowsV2,
    /// A flow is a folder.
    CognigyFlow,
}

impl Format {
    /// The file by which a folder is known as a flow; `None` where a flow is one file.
    #[must_use]
    pub fn head(self) -> Option<&'static str> {
        match self {
            Self::FlowsV2 => None,
            Self::CognigyFlow => Some(cognigy::folder::HEAD),
        }
    }

    /// Whether a path is that of a file that heads a folder.
    #[must_use]
    pub fn is_head(self, path: &str) -> bool {
        self.head().is_some() && path.rsplit('/').next() == self.head()
    }

    /// The folders of a flow's other files, right below its own.
    #[must_use]
    pub fn folders(self) -> Vec<&'static str> {
        match self {
            Self::FlowsV2 => Vec::new(),
            Self::CognigyFlow => cognigy::folder::FOLDERS.map(|(folder, _)| folder).into(),
        }
    }

    /// Checks the files of one flow by every rule that concerns it alone.
    #[must_use]
    pub fn check(self, unit: &Unit, comparison: &Comparison) -> FileReport {
        match self {
            Self::FlowsV2 => flow::check_file(&unit.path, unit.only_file(), comparison),
            Self::CognigyFlow => cognigy::check(unit, comparison),
        }
    }

    /// Where the files of a flow say what its document says at a pointer; `None` where they cannot be read.
    #[must_use]
    pub fn place(self, unit: &Unit, pointer: &str) -> Option<Place> {
        match self {
            Self::FlowsV2 => None,
            Self::CognigyFlow => cognigy::place(unit, pointer),
        }
    }
}

/// The files of a flow's folder that change where it is to say `text`: in the names and in the hand that they have. `others`
/// are documents of flows that it may name.
///
/// # Errors
/// In words: the text, or what the folder holds, is no flow.
pub fn rewritten(unit: &Unit, text: &Arc<[u8]>, others: &[Arc<[u8]>]) -> Result<Files, String> {
    cognigy::folder::rewritten(unit, text, others)
}

/// A folder for a flow, called otherwise than those that are `taken` (in lower case), and written as those `beside` it are.
///
/// # Errors
/// In words: the text is no flow.
pub fn written(
    text: &Arc<[u8]>,
    others: &[Arc<[u8]>],
    beside: &[Unit],
    taken: &BTreeSet<String>,
) -> Result<NewFolder, String> {
    cognigy::folder::written(text, others, beside, taken)
}

/// The flows whose names stand in the folder of a flow, for people.
#[must_use]
pub fn named_in(text: &Arc<[u8]>) -> BTreeSet<FlowId> {
    cognigy::folder::named_in(text)
}

/// Whether a file of a folder has something to say of the flow whose folder it is.
#[must_use]
pub fn is_part(path: &str) -> bool {
    cognigy::folder::is_part(path)
}

/// The document of a flow that stands in a folder; `None` where the folder is none.
#[must_use]
pub fn document_of_folder(unit: &Unit) -> Option<Arc<[u8]>> {
    cognigy::text(unit)
}

/// A document as people draw it, whatever its dialect; without what `comparison` leaves out.
#[must_use]
pub fn view(document: &Document, comparison: &Comparison) -> View {
    cognigy::view(document, comparison).unwrap_or_else(|| View::of_document(document, comparison))
}

//! What was found of flows in a work tree or a commit, and where their texts say what a composed flow says.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flow::{self, File};
use crate::format::{Format, Unit};
use crate::plan::Desired;
use crate::problem::Problem;
use crate::source::{LeftOut, SourceError};

/// The texts that flows were composed of here: flow file, and path and text of the overlay; or the files of its folder.
#[derive(Default)]
pub(super) struct Texts {
    environment: String,
    by_path: BTreeMap<String, Parts>,
    format: Format,
    folders: BTreeMap<String, Unit>,
}

/// The flows of a work tree or a commit, what is wrong with them, and the texts they were composed of.
pub(super) struct FoundFlows {
    pub(super) desired: Desired,
    pub(super) problems: Vec<Problem>,
    pub(super) texts: Texts,
    pub(super) left_out: Vec<LeftOut>,
}

/// A flow file, and path and text of its overlay.
pub(super) type Parts = (Arc<[u8]>, Option<(String, Arc<[u8]>)>);

impl Texts {
    /// Flow files, and the overlays over them, composed for an environment.
    pub(super) fn of_files(environment: String, by_path: BTreeMap<String, Parts>) -> Self {
        Self { environment, by_path, ..Self::default() }
    }

    /// The files of folders, by the path of the one that heads each.
    pub(super) fn of_folders(format: Format, folders: BTreeMap<String, Unit>) -> Self {
        Self { format, folders, ..Self::default() }
    }

    /// Says of problems in composed flows where their files, or overlays, have them.
    pub(super) fn place(&self, problems: &mut [Problem]) {
        for problem in problems {
            if let Some(unit) = self.folders.get(&problem.place.file) {
                let place = self.format.place(unit, &problem.place.pointer);
                problem.place = place.unwrap_or_else(|| problem.place.clone());
                continue;
            }
            let Some((path, (bytes, overlay))) = self.by_path.get_key_value(&problem.place.file) else { continue };
            let file = File { path, bytes: bytes.clone() };
            let overlay = overlay.as_ref().map(|(path, bytes)| File { path, bytes: bytes.clone() });
            let pointer = &problem.place.pointer;
            let place = flow::overlay::composed_place(&file, overlay.as_ref(), &self.environment, pointer);
            problem.place = place.unwrap_or_else(|| problem.place.clone());
        }
    }
}

/// A file is not there any more.
pub(super) fn went_away(path: &str) -> SourceError {
    SourceError::Setting(format!("the flow file `{path}` went away while it was read"))
}

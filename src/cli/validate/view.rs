//! What was found out about flows: one struct, from which every form is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::read::Folder;
use crate::cli::annotations;
use crate::cli::arguments::ValidateForm;
use crate::cli::output;
use crate::cli::records::NotJudged;
use crate::problem::{Colour, Problem, render};
use crate::source::LeftOut;

/// Everything that was checked: `--format json` is this struct.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValidateView {
    pub(super) valid: bool,
    files: usize,
    overlays: usize,
    flows: usize,
    errors: usize,
    warnings: usize,
    /// Sorted, each once.
    problems: Vec<Problem>,
    pub(super) left_out: Vec<LeftOut>,
    /// Sorted, each once.
    pub(super) not_judged: Vec<NotJudged>,
    /// Files that a problem is in, by the names that problems have for them.
    #[serde(skip)]
    sources: BTreeMap<String, Arc<[u8]>>,
}

impl ValidateView {
    pub(super) fn of(folders: Vec<Folder>, not_judged: Vec<NotJudged>) -> Self {
        let (mut problems, mut left_out, mut sources) = (Vec::new(), Vec::new(), BTreeMap::new());
        let (mut files, mut overlays, mut flows) = (0, 0, 0);
        for folder in folders {
            files += folder.n_files;
            overlays += folder.n_overlays;
            flows += folder.checked.flows.len();
            problems.extend(folder.problems);
            left_out.extend(folder.left_out);
            sources.extend(folder.sources);
        }
        problems.sort();
        problems.dedup();
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        let warnings = problems.len() - errors;
        Self { valid: errors == 0, files, overlays, flows, errors, warnings, problems, left_out, not_judged, sources }
    }

    pub(super) fn print(&self, form: ValidateForm, colour: Colour) {
        match form {
            ValidateForm::Json => output::json(&json!(self)),
            ValidateForm::Sarif => output::json(&annotations::sarif(&self.problems)),
            ValidateForm::Github => output::print(&annotations::github(&self.problems)),
            ValidateForm::Text => {
                output::print(&render(&self.problems, &self.sources, colour));
                output::print(&self.summary());
            }
        }
    }

    fn summary(&self) -> String {
        let Self { files, flows, errors, warnings, .. } = self;
        let overlays = if self.overlays > 0 { format!("{} overlays, ", self.overlays) } else { String::new() };
        format!("{files} files, {overlays}{flows} flows: {errors} errors, {warnings} warnings\n")
    }
}

//! Collecting what is wrong with one file, and where.

use crate::problem::{Place, Problem, Rule, Severity};

use super::document::{Document, Node};

/// Most problems of one severity that are shown of one file; the rest is counted.
pub(in crate::flow) const SHOWN_MAX: usize = 100;

/// The problems of one file while it is looked at.
pub(in crate::flow) struct Findings<'a> {
    file: &'a str,
    document: &'a Document,
    problems: Vec<Problem>,
    errors: Tally,
    warnings: Tally,
}

#[derive(Default)]
struct Tally {
    n_shown: usize,
    n_hidden: usize,
}

impl<'a> Findings<'a> {
    pub(in crate::flow) fn new(file: &'a str, document: &'a Document) -> Self {
        let (errors, warnings) = (Tally::default(), Tally::default());
        Self { file, document, problems: Vec::new(), errors, warnings }
    }

    pub(in crate::flow) fn document(&self) -> &'a Document {
        self.document
    }

    /// Whether so many errors were found that looking for more is of no use.
    pub(in crate::flow) fn is_full_of_errors(&self) -> bool {
        self.errors.n_hidden > 0
    }

    pub(in crate::flow) fn error(&mut self, at: Node<'_>, pointer: &str, rule: Rule, message: String, help: String) {
        self.add(Severity::Error, at, pointer, rule, message, help);
    }

    pub(in crate::flow) fn warning(&mut self, at: Node<'_>, pointer: &str, rule: Rule, message: String, help: String) {
        self.add(Severity::Warning, at, pointer, rule, message, help);
    }

    fn add(&mut self, severity: Severity, at: Node<'_>, pointer: &str, rule: Rule, message: String, help: String) {
        let tally = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if tally.n_shown == SHOWN_MAX {
            tally.n_hidden += 1;
            return;
        }
        tally.n_shown += 1;
        let place = place(self.file, at, pointer);
        self.problems.push(Problem { place, rule, severity, message, help });
    }

    /// Everything found, sorted, and a word on what is not shown.
    pub(in crate::flow) fn finish(mut self) -> Vec<Problem> {
        let document = self.document;
        for (tally, severity) in [(&self.errors, Severity::Error), (&self.warnings, Severity::Warning)] {
            if tally.n_hidden > 0 {
                let message = format!("expected at most {SHOWN_MAX} problems of a kind in one file, found more");
                let help = "mend the ones shown and look again".to_owned();
                let place = place(self.file, document.root(), "");
                self.problems.push(Problem { place, rule: Rule::MoreProblems, severity, message, help });
            }
        }
        self.problems.sort();
        self.problems
    }
}

/// The place of a value.
pub(crate) fn place(file: &str, at: Node<'_>, pointer: &str) -> Place {
    let position = at.position();
    Place { file: file.to_owned(), line: position.line, column: position.column, pointer: pointer.to_owned() }
}

/// A text for messages: in backticks, its beginning only.
pub(crate) fn quoted(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// The one of `known` that `text` was most likely meant to be.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const BYTES_MAX: usize = 64;
    let close = |candidate: &&'a str| text.len() <= BYTES_MAX && candidate.len() <= BYTES_MAX;
    let distance =
        |candidate: &'a str| (strsim::osa_distance(&text.to_lowercase(), &candidate.to_lowercase()), candidate);
    let (distance, candidate) = known.into_iter().filter(close).map(distance).min()?;
    (distance <= 2 && distance < text.chars().count().max(2)).then_some(candidate)
}

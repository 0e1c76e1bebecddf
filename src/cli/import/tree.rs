//! Reading what was cloned: which file says what, and everything that is wrong by file and line.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::cli::context::shown;
use crate::cli::output::Failure;
use crate::disk::read_regular;
use crate::flow::parse_file;
use crate::format::cognigy::document::{Flow, FlowRef, LocaleName};
use crate::problem::{Place, Problem, Rule, Severity};
use crate::tenant::cognigy_rest::{CloneFault, ClonedFlow, ClonedLocale, cloned_flow, cloned_locales};

/// Most bytes of one file.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most folders within folders: a name with slashes makes some.
const DEPTH_MAX: usize = 16;

const HEAD: &str = "config.json";
const CHART: &str = "chart.json";
const INTENTS: &str = "intents.json";
const LOCALES: &str = "locales.json";

/// What was found.
#[derive(Debug, Default)]
pub(super) struct FoundTree {
    /// The flows; not all of them where there are errors.
    pub(super) flows: Vec<Flow>,
    /// The locales of the project, the primary one first.
    pub(super) locales: Vec<LocaleName>,
    /// Errors and warnings, sorted.
    pub(super) problems: Vec<Problem>,
    /// Flows with intents, which are not read.
    pub(super) n_with_intents: usize,
}

/// Reads everything below a folder that the vendor's command line cloned to.
pub(super) fn read(folder: &Path) -> Result<FoundTree, Failure> {
    let below = folder.join("flows");
    let flows = if below.join(LOCALES).exists() || !folder.join(LOCALES).exists() { below } else { folder.to_owned() };
    if !flows.is_dir() {
        let message = format!(
            "expected a folder `{}`, found none: name the folder that the vendor's command line cloned to, its `agentDir`",
            shown(&flows)
        );
        return Err(Failure::other(message));
    }
    let mut reader = Reader { found: FoundTree::default(), names: BTreeMap::new() };
    let locales = reader.locales(&flows.join(LOCALES));
    if let Some(locales) = locales {
        reader.folder(&flows, &locales, 0);
        reader.found.locales = locales.into_iter().map(|locale| locale.name).collect();
        if reader.names.is_empty() && reader.found.problems.is_empty() {
            reader.error(&flows, Rule::CloneIncomplete, "expected flows, found none", "clone the project again");
        }
    }
    reader.found.problems.sort();
    Ok(reader.found)
}

struct Reader {
    found: FoundTree,
    /// Where each flow was found.
    names: BTreeMap<FlowRef, String>,
}

impl Reader {
    fn locales(&mut self, path: &Path) -> Option<Vec<ClonedLocale>> {
        let text = self.text(path)?;
        let locales = cloned_locales(&text);
        locales
            .map_err(|fault| self.fault(path, fault, "it is the list of locales that a clone writes: clone again"))
            .ok()
    }

    /// Looks for flows in a folder.
    fn folder(&mut self, folder: &Path, locales: &[ClonedLocale], depth: usize) {
        if depth > DEPTH_MAX {
            self.error(folder, Rule::PathTooDeep, "expected fewer folders within folders", "move it, or remove it");
            return;
        }
        if folder.join(HEAD).exists() {
            return self.flow(folder, locales);
        }
        for path in self.folders(folder) {
            if path.join(CHART).exists() {
                let message =
                    format!("expected `{HEAD}` of the flow whose chart `{}` is, found none", name(&path.join(CHART)));
                self.error(&folder.join(HEAD), Rule::CloneIncomplete, &message, "clone the flow again");
            } else {
                self.folder(&path, locales, depth + 1);
            }
        }
    }

    fn folders(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.error(folder, Rule::CloneIncomplete, &format!("cannot be read: {error}"), "see to its rights");
                return folders;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_symlink() && path.is_dir() => {
                    let help = "copy what it leads to in its place";
                    self.error(&path, Rule::SymbolicLink, "expected a folder, found a symbolic link", help);
                }
                _ => {}
            }
        }
        folders.sort();
        folders
    }

    fn flow(&mut self, folder: &Path, locales: &[ClonedLocale]) {
        let head_path = folder.join(HEAD);
        let Some(head) = self.text(&head_path) else { return };
        let charts: Vec<(PathBuf, &ClonedLocale, Vec<u8>)> =
            locales.iter().filter_map(|locale| self.chart(folder, locale)).collect();
        self.strangers(folder, locales);
        if charts.is_empty() {
            let message = format!("expected `<locale>/{CHART}` of at least one locale, found none");
            return self.error(folder, Rule::CloneIncomplete, &message, "clone the flow again");
        }
        let texts: Vec<(&ClonedLocale, &[u8])> = charts.iter().map(|(_, locale, text)| (*locale, &**text)).collect();
        match cloned_flow(ClonedFlow { head: &head, charts: &texts }) {
            Ok((flow, notes)) => {
                for note in notes {
                    self.problem(&head_path, 1, Rule::CloneIncomplete, Severity::Warning, &note, "");
                }
                self.take(&head_path, flow);
            }
            Err(fault) => {
                let path = fault.chart.and_then(|index| charts.get(index)).map_or(&head_path, |(path, ..)| path);
                self.fault(path, fault, "mend it in the project and clone again");
            }
        }
    }

    fn take(&mut self, head: &Path, flow: Flow) {
        let path = name(head);
        if let Some(other) = self.names.insert(flow.reference, path) {
            let message = format!("expected each reference id once, found that of `{other}` again");
            return self.error(head, Rule::DuplicateFlowId, &message, "remove one of them, or clone again");
        }
        self.found.flows.push(flow);
    }

    /// The chart of a flow in a locale. Without one the flow says nothing of its own there.
    fn chart<'l>(&mut self, folder: &Path, locale: &'l ClonedLocale) -> Option<(PathBuf, &'l ClonedLocale, Vec<u8>)> {
        let below = Path::new(locale.name.as_str());
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let path = folder.join(below).join(CHART);
        if !path.exists() {
            let message =
                format!("expected a chart in `{}`, found none: the flow has no settings of its own there", locale.name);
            self.problem(
                &path,
                1,
                Rule::CloneIncomplete,
                Severity::Warning,
                &message,
                "clone the flow again if it should have",
            );
            return None;
        }
        let intents = read_regular(&folder.join(below).join(INTENTS), FILE_BYTES_MAX).unwrap_or_default();
        self.found.n_with_intents += usize::from(intents.contains(&b'{'));
        let text = self.text(&path)?;
        Some((path, locale, text))
    }

    /// Charts of locales that are none of the project's.
    fn strangers(&mut self, folder: &Path, locales: &[ClonedLocale]) {
        let is_known = |path: &Path| {
            let below = path.strip_prefix(folder).unwrap_or(path);
            locales.iter().any(|locale| Path::new(locale.name.as_str()) == below)
        };
        for path in self.folders(folder) {
            if path.join(CHART).exists() && !is_known(&path) {
                let locale = path.file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned();
                let message = format!("expected a locale of `{LOCALES}`, found `{locale}`");
                self.error(&path.join(CHART), Rule::CloneIncomplete, &message, "clone again, or remove the folder");
            }
        }
    }

    /// A file that is JSON.
    fn text(&mut self, path: &Path) -> Option<Vec<u8>> {
        let text = match read_regular(path, FILE_BYTES_MAX) {
            Ok(text) => text,
            Err(error) => {
                let message = match error.kind() {
                    ErrorKind::NotFound => "expected a file, found none".to_owned(),
                    _ => format!("cannot be read: {error}"),
                };
                self.error(path, Rule::CloneIncomplete, &message, "clone the project again");
                return None;
            }
        };
        match parse_file(&name(path), text.as_slice().into()) {
            Ok(_) => Some(text),
            Err(problems) => {
                self.found.problems.extend(problems);
                None
            }
        }
    }

    fn fault(&mut self, path: &Path, fault: CloneFault, help: &str) {
        let CloneFault { line, message, is_no_tree, .. } = fault;
        let rule = if is_no_tree { Rule::ChartNoTree } else { Rule::CloneIncomplete };
        self.problem(path, line, rule, Severity::Error, &message, help);
    }

    fn error(&mut self, path: &Path, rule: Rule, message: &str, help: &str) {
        self.problem(path, 1, rule, Severity::Error, message, help);
    }

    fn problem(&mut self, path: &Path, line: u32, rule: Rule, severity: Severity, message: &str, help: &str) {
        let place = Place { file: name(path), line, column: 1, pointer: String::new() };
        self.found.problems.push(Problem { place, rule, severity, message: message.to_owned(), help: help.to_owned() });
    }
}

/// A path as a person would type it.
fn name(path: &Path) -> String {
    shown(path).replace('\\', "/")
}

//! What a listing of a flows folder says to a person: what must not stand there, and what is not read.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::FlowId;
use crate::plan::Desired;
use crate::problem::{Place, Problem, Rule, Severity};
use crate::record::Manifest;
use crate::source::{
    BAD_ENTRIES_MAX, BadEntry, BadEntryReason, COPIES_MAX, ENTRIES_MAX, FLOW_BYTES_MAX, FOLDER_DEPTH_MAX, GitFilter,
    LeftOut, LeftOutReason, Listing,
};

/// So many names stand in a note on what was left out.
const NAMED_MAX: usize = 5;

/// The problems of a listing: errors for what must not stand there, warnings for what may be missed.
#[must_use]
pub fn listing_problems<T>(listing: &Listing<T>) -> Vec<Problem> {
    let Listing { entries: _, overlays: _, bad, left_out } = listing;
    let missed = left_out.iter().filter(|left_out| left_out.reason == LeftOutReason::LooksLikeFlow).map(not_read);
    let mut problems: Vec<Problem> = bad.iter().map(bad_entry).chain(missed).collect();
    problems.sort();
    problems
}

/// The paths of what may hold flows and is not read.
#[must_use]
pub fn unread(left_out: &[LeftOut]) -> BTreeSet<String> {
    let may_hold_flows = left_out.iter().filter(|left_out| left_out.reason != LeftOutReason::OtherFile);
    may_hold_flows.map(|left_out| left_out.path.clone()).collect()
}

/// The flows of a manifest whose file still stands in git and is not read any more, each with that file.
pub(super) fn set_aside<'a>(manifest: &'a Manifest, desired: &Desired) -> BTreeMap<&'a FlowId, &'a str> {
    let is_unread = |path: &str| {
        let folders = path.match_indices('/').map(|(end, _)| path.split_at(end).0);
        desired.unread.contains(path) || folders.into_iter().any(|folder| desired.unread.contains(folder))
    };
    let flows = manifest.flows.iter().filter(|flow| !desired.flows.contains_key(&flow.id));
    flows.filter_map(|flow| Some((&flow.id, flow.path.as_deref().filter(|path| is_unread(path))?))).collect()
}

/// The warning that a flow is not deleted because its file is still there.
pub(super) fn still_there(id: &FlowId, path: &str) -> Problem {
    let message = format!("expected the file of `{id}`, which was deployed, to be read or gone, found it left out");
    let help = "the flow stays live and is not deleted; delete the file where the flow is to go, or have it read again";
    problem(path, Rule::LeftOut, Severity::Warning, message, help)
}

/// What was left out by the rules for everybody's flows folders or by `repository.exclude`, in a sentence; `None` where
/// nothing was. Files that are no flows are only counted.
#[must_use]
pub fn left_out_note(left_out: &[LeftOut]) -> Option<String> {
    let named = |reason: LeftOutReason, why: &str| {
        let mut paths = left_out.iter().filter(|left_out| left_out.reason == reason).map(|left_out| &left_out.path);
        let shown: Vec<String> = paths.by_ref().take(NAMED_MAX).map(|path| format!("`{path}`")).collect();
        let more = match paths.count() {
            0 => String::new(),
            n_more => format!(" and {n_more} more"),
        };
        (!shown.is_empty()).then(|| format!("{}{more} ({why})", shown.join(", ")))
    };
    let n_others = left_out.iter().filter(|left_out| left_out.reason == LeftOutReason::OtherFile).count();
    let others = match n_others {
        0 => None,
        1 => Some("1 file that is no flow".to_owned()),
        n => Some(format!("{n} files that are no flows")),
    };
    let parts = [
        named(LeftOutReason::DotFolder, "begins with a dot"),
        named(LeftOutReason::Excluded, "`repository.exclude`"),
        others,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("not read: {}", parts.join("; ")))
}

fn not_read(LeftOut { path, .. }: &LeftOut) -> Problem {
    let message = "expected flows in files that end in `.json`, found what looks like one in a file that does not";
    let help = "it is not read; give it the extension, or name it in `repository.exclude`";
    problem(path, Rule::NotRead, Severity::Warning, message.to_owned(), help)
}

/// The problem of an entry that cannot be a flow file.
#[must_use]
pub fn bad_entry(entry: &BadEntry) -> Problem {
    let (rule, message, help) = words(entry.reason);
    problem(&entry.path, rule, Severity::Error, message, help)
}

fn problem(path: &str, rule: Rule, severity: Severity, message: String, help: &str) -> Problem {
    let place = Place { file: path.to_owned(), line: 1, column: 1, pointer: String::new() };
    Problem { place, rule, severity, message, help: help.to_owned() }
}

fn words(reason: BadEntryReason) -> (Rule, String, &'static str) {
    const { assert!(FLOW_BYTES_MAX == 16 * 1024 * 1024) };
    let (rule, message, help) = match reason {
        BadEntryReason::SymbolicLink => (
            Rule::SymbolicLink,
            "expected a file, found a symbolic link",
            "commit the file itself; links are never followed",
        ),
        BadEntryReason::Submodule => {
            (Rule::Submodule, "expected a file or folder, found a submodule", "keep the flows in this repository")
        }
        BadEntryReason::TooLarge => (Rule::TooLarge, "the file is larger than 16 MiB", "split the flow"),
        BadEntryReason::NotUtf8 => (Rule::PathNotUtf8, "the path is not UTF-8", "rename the file"),
        BadEntryReason::Filtered(filter) => return filtered(filter),
        BadEntryReason::TooDeep => {
            let message = format!("expected folders nested at most {FOLDER_DEPTH_MAX} deep, found a deeper one");
            return (Rule::PathTooDeep, message, "move it up; nothing in it is read");
        }
        BadEntryReason::TooMany => {
            let message = format!("expected at most {ENTRIES_MAX} files and folders in here, found more");
            return (Rule::TooManyFiles, message, "keep the flows in a folder of their own (`repository.flows`)");
        }
        BadEntryReason::TooManyCopies => {
            let message = format!("expected each flow in one file, found one content in more than {COPIES_MAX}");
            return (Rule::TooManyFiles, message, "remove the copies");
        }
        BadEntryReason::Nested => (
            Rule::OverlayName,
            "expected `<flow id>.json` in the environment's folder of overlays itself, found it deeper",
            "move it up",
        ),
        BadEntryReason::MoreBad => {
            let message = format!("expected flow files, found more than {BAD_ENTRIES_MAX} entries that cannot be");
            return (Rule::MoreProblems, message, "mend the ones shown and look again");
        }
    };
    (rule, message.to_owned(), help)
}

fn filtered(filter: GitFilter) -> (Rule, String, &'static str) {
    let attribute = filter.attribute();
    let message = format!("expected a file that git keeps as it is, found `{attribute}` for it in `.gitattributes`");
    let help = match filter {
        GitFilter::Lfs => {
            "the commit holds a pointer instead of the flow; take flows out of LFS (`*.json -filter` for this folder, \
             then `git add --renormalize`)"
        }
        GitFilter::Filter | GitFilter::Encoding | GitFilter::Ident => {
            "what is committed is not what is checked out; unset the attribute for this folder, then \
             `git add --renormalize`"
        }
    };
    (Rule::GitFilter, message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_named_or_counted() {
        let left_out = |path: &str, reason| LeftOut { path: path.to_owned(), reason };
        assert_eq!(left_out_note(&[]), None);
        assert_eq!(left_out_note(&[left_out("f/a.json5", LeftOutReason::LooksLikeFlow)]), None, "that is a warning");
        let mut all =
            vec![left_out("f/.vscode", LeftOutReason::DotFolder), left_out("f/R.md", LeftOutReason::OtherFile)];
        all.extend((0..7).map(|n| left_out(&format!("f/{n}"), LeftOutReason::Excluded)));
        let expected = "not read: `f/.vscode` (begins with a dot); `f/0`, `f/1`, `f/2`, `f/3`, `f/4` and 2 more \
                        (`repository.exclude`); 1 file that is no flow";
        assert_eq!(left_out_note(&all).as_deref(), Some(expected));
    }
}

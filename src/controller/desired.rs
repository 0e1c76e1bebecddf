//! What git holds: the flow files of a commit, read from its objects and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flow::{self, Comparison};
use crate::plan::{Desired, DesiredFlow};
use crate::problem::{Place, Problem, Severity};
use crate::revision::{BlobId, CommitId};
use crate::source::{BadEntry, BadEntryReason, FLOW_BYTES_MAX, Source, SourceError};

/// Reads and checks every flow file of a commit. Problems come sorted; where one of them is an error
/// the flows must not be deployed.
pub async fn read_desired<S: Source>(
    source: &S,
    commit: &CommitId,
    comparison: &Comparison,
) -> Result<(Desired, Vec<Problem>), SourceError> {
    let listing = source.list_flows(commit).await?;
    let blobs: Vec<BlobId> = listing.entries.iter().map(|entry| entry.blob.clone()).collect();
    let contents = source.read_blobs(&blobs).await?;
    let mut problems: Vec<Problem> = listing.bad.iter().map(bad_entry).collect();
    let mut files: Vec<(String, Arc<[u8]>)> = Vec::with_capacity(blobs.len());
    let mut blob_of: BTreeMap<String, BlobId> = BTreeMap::new();
    for (entry, content) in listing.entries.into_iter().zip(contents) {
        let content = content.ok_or_else(|| SourceError::Local {
            doing: "read a blob",
            path: entry.path.clone(),
            reason: format!("the blob {} is missing", entry.blob),
        })?;
        blob_of.insert(entry.path.clone(), entry.blob);
        files.push((entry.path, content));
    }
    let checked =
        flow::check_all(files.iter().map(|(path, bytes)| flow::File { path, bytes: bytes.clone() }), comparison);
    problems.extend(checked.problems);
    problems.sort();
    let flows = checked
        .flows
        .into_iter()
        .map(|(id, flow)| {
            let blob = blob_of.get(&flow.path).cloned();
            (id, DesiredFlow { definition: Arc::new(flow.definition), path: flow.path, blob })
        })
        .collect();
    Ok((Desired { flows }, problems))
}

/// The problem of an entry that cannot be a flow file.
#[must_use]
pub fn bad_entry(entry: &BadEntry) -> Problem {
    let (rule, message, help) = match entry.reason {
        BadEntryReason::SymbolicLink => (
            "symbolic-link",
            "expected a file, found a symbolic link",
            "commit the file itself; links are never followed",
        ),
        BadEntryReason::Submodule => {
            ("submodule", "expected a file or folder, found a submodule", "keep the flows in this repository")
        }
        BadEntryReason::TooLarge => ("too-large", "the file is larger than 16 MiB", "split the flow"),
        BadEntryReason::NotUtf8 => ("path-not-utf8", "the path is not UTF-8", "rename the file"),
    };
    const { assert!(FLOW_BYTES_MAX == 16 * 1024 * 1024) };
    Problem {
        place: Place { file: entry.path.clone(), line: 1, column: 1, pointer: String::new() },
        rule,
        severity: Severity::Error,
        message: message.to_owned(),
        help: help.to_owned(),
    }
}

//! What a broken text comes from, where the text itself shows it: git leaves its own marks.

use super::document::Fault;
use crate::problem::Rule;

/// How a pointer of Git LFS begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// How the lines begin that an unfinished merge leaves.
const MERGE_MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// The fault with the cause nearest to a person.
pub(super) fn nearest_cause(text: &[u8], fault: Fault) -> Fault {
    if text.starts_with(LFS_POINTER) {
        let message = "expected a flow, found a pointer of Git LFS".to_owned();
        let help = "the flow itself lies elsewhere; take flows out of LFS (unset `filter` in `.gitattributes`, then \
                    `git add --renormalize`)";
        return Fault { rule: Rule::GitFilter, message, help: help.to_owned(), ..fault };
    }
    match merge_marker(text, fault.offset) {
        None => fault,
        Some(marker) => {
            let message = format!("expected JSON, found `{marker}`, which an unfinished merge left");
            let help = "choose between the two sides, and remove the lines with the markers".to_owned();
            Fault { rule: Rule::MergeMarker, message, help, ..fault }
        }
    }
}

/// The marker that the line around `offset` begins with.
fn merge_marker(text: &[u8], offset: usize) -> Option<&'static str> {
    let before = text.get(..offset)?;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = &text[start..];
    let is_alone = |marker: &str| matches!(line.get(marker.len()), None | Some(b' ' | b'\n' | b'\r'));
    MERGE_MARKERS.into_iter().find(|marker| line.starts_with(marker.as_bytes()) && is_alone(marker))
}

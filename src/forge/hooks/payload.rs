//! What payloads have in common: they are JSON, and refs name branches or something else.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::verdict::{HookVerdict, UnreadableHook};

/// What a payload says, or why that cannot be known.
pub(super) type Read = Result<HookVerdict, UnreadableHook>;

/// Reads the members that are asked for, whatever else is there and however deep.
pub(super) fn json<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, UnreadableHook> {
    serde_json::from_slice(body).map_err(|error| UnreadableHook::json(&error))
}

/// What was pushed, by the full name of its ref.
pub(super) fn of_ref(reference: &str) -> Read {
    Ok(of_branches(branch(reference)?))
}

/// What was pushed, by the full names of several.
pub(super) fn of_refs<'r>(references: impl IntoIterator<Item = &'r str>) -> Read {
    let names: Result<Vec<Option<String>>, UnreadableHook> = references.into_iter().map(branch).collect();
    Ok(of_branches(names?.into_iter().flatten()))
}

pub(super) fn of_branches(names: impl IntoIterator<Item = String>) -> HookVerdict {
    let names: BTreeSet<String> = names.into_iter().collect();
    if names.is_empty() { HookVerdict::Nothing } else { HookVerdict::Branches(names) }
}

/// The branch that a ref is; none where it is a tag or something else.
fn branch(reference: &str) -> Result<Option<String>, UnreadableHook> {
    match reference.strip_prefix("refs/heads/") {
        Some("") => Err(UnreadableHook::new("expected the name of a branch after `refs/heads/`, found nothing")),
        Some(name) => Ok(Some(name.to_owned())),
        None if reference.starts_with("refs/") => Ok(None),
        None => Err(UnreadableHook::new("expected a full ref such as `refs/heads/main`, found another text")),
    }
}

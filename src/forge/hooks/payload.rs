//! What payloads have in common: they are JSON, and refs name branches or something else.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::verdict::{Unreadable, Verdict};

/// What a payload says, or why that cannot be known.
pub(super) type Read = Result<Verdict, Unreadable>;

/// Reads the members that are asked for, whatever else is there and however deep.
pub(super) fn json<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(body).map_err(|error| Unreadable::json(&error))
}

/// What was pushed, by the full name of its ref.
pub(super) fn of_ref(reference: &str) -> Read {
    Ok(of_branches(branch(reference)?))
}

/// What was pushed, by the full names of several.
pub(super) fn of_refs<'r>(references: impl IntoIterator<Item = &'r str>) -> Read {
    let names: Result<Vec<Option<String>>, Unreadable> = references.into_iter().map(branch).collect();
    Ok(of_branches(names?.into_iter().flatten()))
}

pub(super) fn of_branches(names: impl IntoIterator<Item = String>) -> Verdict {
    let names: BTreeSet<String> = names.into_iter().collect();
    if names.is_empty() { Verdict::Nothing } else { Verdict::Branches(names) }
}

/// The branch that a ref is; none where it is a tag or something else.
fn branch(reference: &str) -> Result<Option<String>, Unreadable> {
    match reference.strip_prefix("refs/heads/") {
        Some("") => Err(Unreadable::new("expected the name of a branch after `refs/heads/`, found nothing")),
        Some(name) => Ok(Some(name.to_owned())),
        None if reference.starts_with("refs/") => Ok(None),
        None => Err(Unreadable::new("expected a full ref such as `refs/heads/main`, found another text")),
    }
}

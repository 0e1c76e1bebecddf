//! What the beginning of a live item tells of it.

use std::borrow::Cow;

use crate::flow::scan;

/// The id of the item that a text begins with, where it stands before anything that is long.
pub(super) fn id_ahead(text: &[u8]) -> Option<Cow<'_, str>> {
    let mut members = scan::members(text)?;
    loop {
        let mut is_long = false;
        let member = members.next_of_length(|_, rest| {
            is_long = rest.starts_with(b"{") || rest.starts_with(b"[");
            is_long.then_some(1)
        })?;
        if member.key == "id" {
            return member.value.as_str();
        }
        if is_long {
            return None;
        }
    }
}

/// The member `environmentId` with the comma after it, where an item begins with that; empty where it begins with
/// something else.
pub(super) fn environment_ahead(text: &[u8]) -> &[u8] {
    const KEY: &[u8] = br#"{"environmentId":""#;
    let inside = text.strip_prefix(KEY).unwrap_or_default();
    let n_inside = inside.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or_default();
    match inside.get(n_inside..) {
        Some([b'"', b',', ..]) => &text[1..KEY.len() + n_inside + 2],
        _ => &[],
    }
}

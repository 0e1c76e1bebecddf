//! Whether two values of two documents have the same canonical form.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::flow::document::{Document, Kind, Node};

/// Recursion ends where the parser's depth does.
pub(super) fn same<'a>(old_in: &Document, old: Node<'a>, new_in: &Document, new: Node<'a>) -> bool {
    if old.kind() != new.kind() {
        return false;
    }
    match old.kind() {
        Kind::Null => true,
        Kind::Bool => old.raw() == new.raw(),
        Kind::Integer | Kind::Float => {
            old.raw() == new.raw() || old_in.canonical_text(old) == new_in.canonical_text(new)
        }
        Kind::String => old.as_str() == new.as_str(),
        Kind::Array => {
            let (mut old, mut new) = (old.elements(), new.elements());
            loop {
                match (old.next(), new.next()) {
                    (None, None) => return true,
                    (Some(old), Some(new)) if same(old_in, old, new_in, new) => {}
                    _ => return false,
                }
            }
        }
        Kind::Object => {
            if old.entries().count() != new.entries().count() {
                return false;
            }
            let members: HashMap<Cow<'_, str>, Node<'_>> = new.entries().collect();
            old.entries().all(|(key, old)| members.get(&key).is_some_and(|new| same(old_in, old, new_in, *new)))
        }
    }
}

//! Both sides of a change as people draw them, and what differs.

use std::sync::Arc;

use crate::flow::diff::{FlowDiff, View, diff};
use crate::flow::{BodyAbsent, Comparison, Definition, Document, Reading};
use crate::format;
use crate::plan::Change;

/// An update, looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What is live.
    pub before: View,
    /// What is to be live.
    pub after: View,
    /// What differs: never empty.
    pub diff: FlowDiff,
}

impl Compared {
    /// What differs in an update; `None` for a create or a delete. What `comparison` leaves out is not shown.
    ///
    /// # Errors
    ///
    /// The text of a side was not loaded.
    pub fn of(change: &Change, comparison: &Comparison) -> Result<Option<Self>, BodyAbsent> {
        let (Some(before), Some(after)) = (change.before(), change.after()) else {
            return Ok(None);
        };
        let (before, after) = (view(before, comparison)?, view(&after.definition, comparison)?);
        let diff = diff(&before, &after);
        Ok(Some(Self { before, after, diff }))
    }
}

/// A flow as people draw it; one that could not be read is its text.
///
/// # Errors
///
/// Its text was not loaded.
pub(super) fn view(definition: &Arc<Definition>, comparison: &Comparison) -> Result<View, BodyAbsent> {
    if definition.reading != Reading::Whole {
        return Ok(View::of_text(definition.text.as_deref().unwrap_or_default()));
    }
    let text = definition.body()?;
    Ok(match Document::parse(Arc::clone(text)) {
        Ok(document) => format::view(&document, comparison),
        Err(_) => View::of_text(text),
    })
}

//! What differs inside of a flow, as it can be told.

use super::lines::{Line, Mark, Tone};
use super::raw::unified;
use super::tell;
use crate::controller::view::Compared;
use crate::plan::Change;

/// What differs in an update, in about so many bytes: as people draw it or, where the live flow could not be
/// read, as lines of text.
pub(super) fn told(change: &Change, compared: &Compared, n_bytes: usize) -> Vec<Line> {
    let before = change.before();
    let Some(why) = before.and_then(|before| before.reading.unreadable()) else {
        return tell::flow(compared, n_bytes);
    };
    let said = format!("the live flow cannot be read: {why}");
    let mut lines = vec![Line::new(Mark::Plain, 0).and(Tone::Plain, &said)];
    let before = before.and_then(|before| before.text.as_ref());
    let after = change.after().and_then(|after| after.definition.text.as_ref());
    if let (Some(before), Some(after)) = (before, after) {
        lines.extend(unified(before, after, n_bytes));
    }
    lines
}

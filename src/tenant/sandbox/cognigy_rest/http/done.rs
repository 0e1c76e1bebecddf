//! What a call gave, before it is an answer.

use serde_json::Value;

/// What a call gave.
#[derive(Debug)]
pub(super) enum Done {
    /// 200.
    Shown(Value),
    /// 200, one page of a list.
    Page(Value),
    /// 201.
    Created(Value),
    /// 204, or 200 with what was written.
    Written(Value),
}

//! Why an overlay does not go with its flow.

use super::work::Spent;
use crate::flow::document::Node;
use crate::problem::{Rule, Severity};

/// Something wrong with an overlay, at a place of its own text.
#[derive(Debug, Clone)]
pub(super) struct OverlayFault {
    /// The byte of the overlay.
    pub(super) offset: usize,
    /// Into the overlay.
    pub(super) pointer: String,
    pub(super) rule: Rule,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) help: String,
}

impl OverlayFault {
    pub(super) fn error(at: Node<'_>, pointer: String, rule: Rule, message: String, help: String) -> Self {
        Self { offset: at.span().start, pointer, rule, severity: Severity::Error, message, help }
    }

    pub(super) fn warning(at: Node<'_>, pointer: String, rule: Rule, message: String, help: String) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, pointer, rule, message, help) }
    }

    /// The overlay asks for more than anybody could want.
    pub(super) fn spent(at: Node<'_>, pointer: String, _: Spent) -> Self {
        let message =
            "expected an overlay of a reasonable cost, found one that makes or moves millions of values".to_owned();
        let help = "change fewer places, or change the flow itself".to_owned();
        Self::error(at, pointer, Rule::PatchNotApplied, message, help)
    }
}

//! Members of a node as the rules want them.

use crate::flow::document::Node;

/// The member `key` and its text, where it is a string.
pub(super) fn text<'a>(node: Node<'a>, key: &str) -> Option<(Node<'a>, std::borrow::Cow<'a, str>)> {
    let member = node.member(key)?;
    Some((member, member.as_str()?))
}

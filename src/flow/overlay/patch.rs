//! JSON Patch (RFC 6902) on values that know where they come from.

use super::equal::is_equal;
use super::fault::OverlayFault;
use super::operation::{Operation, Path, What};
use super::value::{Content, Key, Member, Resolution, Side, Value};
use super::work::{Spent, Work};
use crate::flow::document::{DEPTH_MAX, Kind, Node};
use crate::flow::finding::quoted;
use crate::problem::Rule;

/// Why an operation does not apply.
pub(super) enum Stop<'a> {
    Spent(Spent),
    /// In words, for the path it is about.
    Fails {
        at: Path<'a>,
        message: String,
        help: &'static str,
    },
}

impl From<Spent> for Stop<'_> {
    fn from(spent: Spent) -> Self {
        Self::Spent(spent)
    }
}

const LOOK: &str = "see what the flow has there, and correct the path or the flow";

/// What an operation did, as far as it must be known to take it back.
#[derive(Debug, Clone)]
pub(super) enum Did<'a> {
    /// Nothing that has to be taken back.
    Nothing,
    /// A value came where there was none; in an array, as the element of this index.
    Added(Value<'a>, Option<usize>),
    /// A value came in place of another.
    Replaced { before: Value<'a>, after: Value<'a> },
    /// A value went.
    Removed(Value<'a>),
    /// A value went elsewhere, over another if there was one; in an array, as the element of this index.
    Moved { replaced: Option<Value<'a>>, to: Option<usize> },
}

/// Applies one operation.
///
/// # Errors
///
/// It does not apply, and the target is not what anybody wants.
pub(super) fn apply<'a>(
    target: &mut Value<'a>,
    operation: &Operation<'a>,
    work: &mut Work,
) -> Result<Did<'a>, Stop<'a>> {
    let Operation { node, path, what, .. } = operation;
    match what {
        What::Test(wanted) => {
            let found = existing(target, operation, path, work)?;
            if is_equal(found, *wanted, work)? {
                return Ok(Did::Nothing);
            }
            let (wanted, found) = (shown_node(*wanted), shown(found));
            let message = format!("expected {wanted} at {}{}, found {found}", path.shown(), of(operation));
            let help = "the flow has changed since the patch was written: correct the patch";
            Err(Stop::Fails { at: path.clone(), message, help })
        }
        What::Add(value) => put(target, operation, path, Value::whole(Side::Overlay, *value), work),
        What::Replace(value) => {
            let found = existing(target, operation, path, work)?;
            let after = Value::whole(Side::Overlay, *value);
            let before = std::mem::replace(found, after.clone());
            Ok(Did::Replaced { before, after })
        }
        What::Remove => Ok(Did::Removed(take(target, operation, path, *node, work)?)),
        What::Copy(from) => {
            let copied = existing(target, operation, from, work)?;
            work.made(copied.n_parts())?;
            let copied = copied.clone();
            put(target, operation, path, copied, work)
        }
        What::Move(from) => {
            if from.segments == path.segments {
                existing(target, operation, from, work)?;
                return Ok(Did::Nothing);
            }
            if path.segments.starts_with(&from.segments) {
                let message = format!(
                    "expected another place than one inside of {}{}, found {}",
                    from.shown(),
                    of(operation),
                    path.shown()
                );
                return Err(Stop::Fails { at: path.clone(), message, help: "nothing can be moved into itself" });
            }
            let moved = take(target, operation, from, *node, work)?;
            Ok(match put(target, operation, path, moved, work)? {
                Did::Replaced { before, .. } => Did::Moved { replaced: Some(before), to: None },
                Did::Added(_, to) => Did::Moved { replaced: None, to },
                Did::Nothing | Did::Removed(_) | Did::Moved { .. } => Did::Moved { replaced: None, to: None },
            })
        }
    }
}

/// The value at a path.
pub(super) fn existing<'v, 'a>(
    target: &'v mut Value<'a>,
    operation: &Operation<'a>,
    path: &Path<'a>,
    work: &mut Work,
) -> Result<&'v mut Value<'a>, Stop<'a>> {
    let n_segments = path.segments.len();
    descend(target, operation, path, n_segments, work)
}

/// The value at the first `n_segments` of a path.
fn descend<'v, 'a>(
    target: &'v mut Value<'a>,
    operation: &Operation<'a>,
    path: &Path<'a>,
    n_segments: usize,
    work: &mut Work,
) -> Result<&'v mut Value<'a>, Stop<'a>> {
    let mut value = target;
    for (depth, segment) in path.segments.iter().take(n_segments).enumerate() {
        value.open(work)?;
        let Resolution::Index(index) = value.find(segment, work)? else {
            return Err(nothing(value, operation, path, depth));
        };
        let kind = value.kind();
        match value.child_mut(index) {
            Some(child) => value = child,
            // What was found is there.
            None => return Err(none_in(kind, operation, path, depth, None)),
        }
    }
    Ok(value)
}

fn nothing<'a>(value: &Value<'a>, operation: &Operation<'a>, path: &Path<'a>, depth: usize) -> Stop<'a> {
    let n_elements = match &value.content {
        Content::Array(items, _) => Some(items.len()),
        _ => None,
    };
    none_in(value.kind(), operation, path, depth, n_elements)
}

/// That there is nothing at a path, and what is there instead.
fn none_in<'a>(
    kind: Kind,
    operation: &Operation<'a>,
    path: &Path<'a>,
    depth: usize,
    n_elements: Option<usize>,
) -> Stop<'a> {
    let segment = path.segments.get(depth).map(|segment| quoted(segment)).unwrap_or_default();
    let found = match (kind, n_elements) {
        (Kind::Object, _) => format!("no member {segment} there"),
        (Kind::Array, Some(n_elements)) => format!("no element {segment}: the array has {n_elements}"),
        (kind, _) => format!("{}, which has no {segment}", kind.with_article()),
    };
    let word = operation.what.word();
    let message =
        format!("expected a value at {} for operation {} (`{word}`), found {found}", path.shown(), operation.index);
    Stop::Fails { at: path.clone(), message, help: LOOK }
}

/// Puts a value where a path says: into an array before the element it names, into an object as the member.
pub(super) fn put<'a>(
    target: &mut Value<'a>,
    operation: &Operation<'a>,
    path: &Path<'a>,
    value: Value<'a>,
    work: &mut Work,
) -> Result<Did<'a>, Stop<'a>> {
    if path.segments.len() + value.depth() > 2 * DEPTH_MAX {
        let at = path.shown();
        let message =
            format!("expected values nested at most {DEPTH_MAX} deep{}, found deeper ones at {at}", of(operation));
        return Err(Stop::Fails { at: path.clone(), message, help: "nest less" });
    }
    let Some((last, above)) = path.segments.split_last() else {
        let before = std::mem::replace(target, value.clone());
        return Ok(Did::Replaced { before, after: value });
    };
    let container = descend(target, operation, path, above.len(), work)?;
    container.open(work)?;
    let found = container.find(last, work)?;
    let kind = container.kind();
    match &mut container.content {
        Content::Object(members, _) => match found {
            Resolution::Index(index) => match members.get_mut(index) {
                Some(member) => {
                    let before = std::mem::replace(&mut member.value, value.clone());
                    Ok(Did::Replaced { before, after: value })
                }
                None => Err(none_in(kind, operation, path, above.len(), None)),
            },
            Resolution::Nothing => {
                work.made(1)?;
                members.push(Member { key: Key::Named(last.clone()), value: value.clone() });
                Ok(Did::Added(value, None))
            }
        },
        Content::Array(items, _) => {
            let n_items = items.len();
            let index = match found {
                Resolution::Index(index) => index,
                Resolution::Nothing if *last == "-" || crate::flow::pointer::index(last) == Some(n_items) => n_items,
                Resolution::Nothing => return Err(none_in(kind, operation, path, above.len(), Some(n_items))),
            };
            work.made(1)?;
            work.moved(n_items - index)?;
            items.insert(index, value.clone());
            Ok(Did::Added(value, Some(index)))
        }
        Content::Whole | Content::Text(_) => Err(none_in(kind, operation, path, above.len(), None)),
    }
}

pub(super) fn take<'a>(
    target: &mut Value<'a>,
    operation: &Operation<'a>,
    path: &Path<'a>,
    by: Node<'a>,
    work: &mut Work,
) -> Result<Value<'a>, Stop<'a>> {
    let Some((last, above)) = path.segments.split_last() else {
        let message = format!("expected a part of the flow{}, found all of it at {}", of(operation), path.shown());
        return Err(Stop::Fails { at: path.clone(), message, help: "remove the flow's file instead" });
    };
    let container = descend(target, operation, path, above.len(), work)?;
    container.open(work)?;
    let found = container.find(last, work)?;
    let taken = match found {
        Resolution::Index(index) => {
            work.moved(match &container.content {
                Content::Array(items, _) => items.len() - index,
                Content::Object(members, _) => members.len() - index,
                Content::Whole | Content::Text(_) => 0,
            })?;
            container.take_out(index, by)
        }
        Resolution::Nothing => None,
    };
    taken.ok_or_else(|| nothing(container, operation, path, above.len()))
}

/// The problem of an operation that does not apply.
pub(super) fn fault(operation: &Operation<'_>, stop: Stop<'_>) -> OverlayFault {
    match stop {
        Stop::Spent(spent) => OverlayFault::spent(operation.node, format!("/{}", operation.index), spent),
        Stop::Fails { at, message, help } => {
            let pointer = format!("/{}/{}", operation.index, at.member);
            OverlayFault::error(at.node, pointer, Rule::PatchNotApplied, message, help.to_owned())
        }
    }
}

/// Which operation a message is about.
fn of(operation: &Operation<'_>) -> String {
    format!(" for operation {} (`{}`)", operation.index, operation.what.word())
}

fn shown_node(node: Node<'_>) -> String {
    quoted(&String::from_utf8_lossy(node.raw()))
}

fn shown(value: &Value<'_>) -> String {
    match &value.content {
        Content::Whole => shown_node(value.node),
        Content::Text(text) => quoted(text),
        Content::Array(..) | Content::Object(..) => value.kind().with_article().to_owned(),
    }
}

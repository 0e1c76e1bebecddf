//! The operations of a JSON Patch (RFC 6902), read from an overlay.

use super::fault::OverlayFault;
use crate::flow::document::{Document, Kind, Node};
use crate::flow::finding::{nearest, quoted};
use crate::flow::pointer;
use crate::problem::Rule;

/// One operation, whole.
#[derive(Debug, Clone)]
pub(super) struct Operation<'a> {
    /// Its place in the patch.
    pub(super) index: usize,
    pub(super) node: Node<'a>,
    pub(super) path: Path<'a>,
    pub(super) what: What<'a>,
}

/// A JSON pointer of an operation.
#[derive(Debug, Clone)]
pub(super) struct Path<'a> {
    /// The member of the operation it stands in.
    pub(super) member: &'static str,
    pub(super) node: Node<'a>,
    pub(super) segments: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum What<'a> {
    Add(Node<'a>),
    Replace(Node<'a>),
    Remove,
    Move(Path<'a>),
    Copy(Path<'a>),
    Test(Node<'a>),
}

const WORDS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

impl What<'_> {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Replace(_) => "replace",
            Self::Remove => "remove",
            Self::Move(_) => "move",
            Self::Copy(_) => "copy",
            Self::Test(_) => "test",
        }
    }
}

impl Path<'_> {
    /// As it is written, for messages.
    pub(super) fn shown(&self) -> String {
        quoted(&self.node.as_str().unwrap_or_default())
    }
}

/// Reads every operation; or says everything that is wrong with them.
pub(super) fn read(patch: &Document) -> Result<Vec<Operation<'_>>, Vec<OverlayFault>> {
    let mut faults = Vec::new();
    let mut operations = Vec::new();
    for (index, node) in patch.root().elements().enumerate() {
        match operation(index, node) {
            Ok(operation) => operations.push(operation),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(operations) } else { Err(faults) }
}

fn operation(index: usize, node: Node<'_>) -> Result<Operation<'_>, OverlayFault> {
    let wrong = |at: Node<'_>, pointer: String, message: String, help: String| {
        OverlayFault::error(at, pointer, Rule::PatchForm, message, help)
    };
    if node.kind() != Kind::Object {
        let message =
            format!("expected an operation such as {{\"op\": \"replace\", …}}, found {}", node.kind().with_article());
        return Err(wrong(node, format!("/{index}"), message, "see RFC 6902".to_owned()));
    }
    let member = |name: &str| {
        node.member(name).ok_or_else(|| {
            let message = format!("expected `{name}` in operation {index} of the patch, found none");
            wrong(node, format!("/{index}"), message, format!("add `{name}`, or remove the operation"))
        })
    };
    let path = |name: &'static str| {
        let at = member(name)?;
        let text = at.as_str();
        let segments = text.as_deref().and_then(segments);
        segments.map(|segments| Path { member: name, node: at, segments }).ok_or_else(|| {
            let found = text.map_or_else(|| at.kind().with_article().to_owned(), |text| quoted(&text));
            let message = format!("expected a JSON pointer such as `/nodes/0/configuration`, found {found}");
            wrong(
                at,
                format!("/{index}/{name}"),
                message,
                "begin it with `/`; write `~1` for `/` and `~0` for `~`".to_owned(),
            )
        })
    };
    let op = member("op")?;
    let word = op.as_str().unwrap_or_default();
    let what = match &*word {
        "add" => What::Add(member("value")?),
        "replace" => What::Replace(member("value")?),
        "test" => What::Test(member("value")?),
        "remove" => What::Remove,
        "move" => What::Move(path("from")?),
        "copy" => What::Copy(path("from")?),
        other => {
            let message = format!("expected one of `{}` in `op`, found {}", WORDS.join("`, `"), quoted(other));
            let help =
                nearest(other, WORDS).map_or_else(|| "see RFC 6902".to_owned(), |near| format!("`{near}` is meant?"));
            return Err(wrong(op, format!("/{index}/op"), message, help));
        }
    };
    Ok(Operation { index, node, path: path("path")?, what })
}

/// The segments of a JSON pointer, escapes read; nothing where it is none.
fn segments(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.strip_prefix('/')?.split('/').map(pointer::unescape).collect()
}

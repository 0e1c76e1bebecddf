//! Composing a document out of two texts. Everything that nobody touches stays the text it is, so that numbers and
//! strings keep their spelling, and every value still knows its line in the one file or the other: whatever is wrong
//! with the result is told there.

use super::fault::OverlayFault;
use super::guard::Guards;
use super::operation::{self, Operation, Path};
use super::place::{place_at, written};
use super::value::{Content, Side, Value};
use super::work::{Spent, Work};
use super::{merge, patch};
use crate::flow::check::{File, FileReport, check_file, refusals};
use crate::flow::document::{Document, FLOW_BYTES_MAX, Kind, Node};
use crate::flow::finding::{self, quoted};
use crate::flow::reference::ENVIRONMENT_VARIABLE;
use crate::flow::{Comparison, FlowId};
use crate::problem::{Place, Problem, Rule};

/// Composes a flow with an overlay and the id of an environment.
///
/// # Errors
///
/// What is wrong with the overlay.
fn compose<'a>(
    flow: &'a Document,
    overlay: Option<&'a Document>,
    environment: &str,
) -> Result<(Value<'a>, Vec<OverlayFault>), Vec<OverlayFault>> {
    let mut work = Work::default();
    let mut root = Value::whole(Side::Flow, flow.root());
    let mut warnings = Vec::new();
    if let Some(overlay) = overlay {
        warnings = apply(&mut root, overlay, &mut work)?;
        check_id(&root, flow, overlay)?;
    }
    let at = overlay.unwrap_or(flow).root();
    set_environment(&mut root, environment, &mut work)
        .map_err(|spent| vec![OverlayFault::spent(at, String::new(), spent)])?;
    if root.n_bytes() > FLOW_BYTES_MAX {
        let message = format!("expected a flow of at most {FLOW_BYTES_MAX} bytes with its overlay, found more");
        let help = "make the flow or its overlay smaller".to_owned();
        return Err(vec![OverlayFault::error(at, String::new(), Rule::PatchNotApplied, message, help)]);
    }
    Ok((root, warnings))
}

pub(super) fn apply<'a>(
    root: &mut Value<'a>,
    overlay: &'a Document,
    work: &mut Work,
) -> Result<Vec<OverlayFault>, Vec<OverlayFault>> {
    let node = overlay.root();
    match node.kind() {
        Kind::Object => {
            merge::merge(root, node, work).map_err(|spent| vec![OverlayFault::spent(node, String::new(), spent)])?;
            Ok(Vec::new())
        }
        Kind::Array => {
            let (mut guards, mut warnings) = (Guards::default(), Vec::new());
            for operation in &operation::read(overlay)? {
                let stop = |stop| vec![patch::fault(operation, stop)];
                let unguarded = guards.unguarded(root, operation, work).map_err(|spent| stop(spent.into()))?;
                warnings.extend(unguarded.map(|path| by_index(operation, path)));
                patch::apply(root, operation, work).map_err(stop)?;
                guards.count(operation);
            }
            Ok(warnings)
        }
        kind => {
            let message = format!(
                "expected a JSON Merge Patch (an object) or a JSON Patch (an array), found {}",
                kind.with_article()
            );
            let help = "see RFC 7386 and RFC 6902".to_owned();
            Err(vec![OverlayFault::error(node, String::new(), Rule::PatchForm, message, help)])
        }
    }
}

fn by_index(operation: &Operation<'_>, path: &Path<'_>) -> OverlayFault {
    let (index, word, array) = (operation.index, operation.what.word(), &path.segments[0]);
    let message = format!(
        "expected a `test` of the id before operation {index} (`{word}`), found {} named by its place alone",
        path.shown()
    );
    let spot = &path.segments[1];
    let help = format!(
        "put {{\"op\": \"test\", \"path\": \"/{array}/{spot}/id\", \"value\": …}} before it, so that the patch refuses when the \
         order changes instead of changing another one"
    );
    OverlayFault::warning(path.node, format!("/{index}/{}", path.member), Rule::PatchByIndex, message, help)
}

/// An overlay changes what a flow is like, never which flow it is.
fn check_id(root: &Value<'_>, flow: &Document, overlay: &Document) -> Result<(), Vec<OverlayFault>> {
    let before = flow.text_member("id");
    let after = match &root.content {
        Content::Whole => root.node.member("id").map(|id| (Side::Overlay, id, id.as_str())),
        _ => root.members().iter().find(|member| member.key.text() == "id").map(|member| {
            let value = &member.value;
            (value.side, value.node, value.as_str())
        }),
    };
    let (at, found) = match &after {
        Some((_, _, Some(id))) if Some(id.as_ref()) == before.as_deref() => return Ok(()),
        Some((Side::Overlay, node, text)) => (*node, text.as_ref().map_or("another value".to_owned(), |id| quoted(id))),
        _ => (overlay.root(), "none".to_owned()),
    };
    let before = before.map_or_else(|| "no id".to_owned(), |id| quoted(&id));
    let message = format!("expected {before} as the id, as in the flow's file, found {found}");
    let help = "leave `id` out of the overlay".to_owned();
    let pointer = place_at("", overlay, at.span().start).pointer;
    Err(vec![OverlayFault::error(at, pointer, Rule::PatchChangesId, message, help)])
}

/// Writes the environment's id where a reference says `${environment}`.
fn set_environment(root: &mut Value<'_>, environment: &str, work: &mut Work) -> Result<(), Spent> {
    if let Content::Whole = root.content
        && !root.node.member("externalReferences").is_some_and(names_variable)
    {
        return Ok(());
    }
    let Some(references) = root.member("externalReferences", work)?.filter(|it| it.kind() == Kind::Array) else {
        return Ok(());
    };
    if let Content::Whole = references.content
        && !names_variable(references.node)
    {
        return Ok(());
    }
    references.open(work)?;
    let Content::Array(entries, _) = &mut references.content else { return Ok(()) };
    for entry in entries {
        let is_meant = |text: Option<&str>| text == Some(ENVIRONMENT_VARIABLE);
        if let Content::Whole = entry.content
            && !is_meant(entry.node.member("environmentId").and_then(|it| it.as_str()).as_deref())
        {
            continue;
        }
        if let Some(value) = entry.member("environmentId", work)?
            && is_meant(value.as_str().as_deref())
        {
            value.content = Content::Text(environment.to_owned());
        }
    }
    Ok(())
}

fn names_variable(references: Node<'_>) -> bool {
    let is_meant = |entry: Node<'_>| {
        entry.member("environmentId").and_then(Node::as_str).is_some_and(|it| it == ENVIRONMENT_VARIABLE)
    };
    references.elements().any(is_meant)
}

/// The text of a flow composed with an overlay and the id of an environment.
///
/// # Errors
///
/// One of the texts is none that can be composed, or they do not go together.
pub fn composed_text(flow: &[u8], overlay: Option<&[u8]>, environment: &str) -> Result<Vec<u8>, NotComposed> {
    let flow = Document::parse(flow).map_err(|_| NotComposed)?;
    let overlay = overlay.map(Document::parse).transpose().map_err(|_| NotComposed)?;
    let (root, _) = compose(&flow, overlay.as_ref(), environment).map_err(|_| NotComposed)?;
    Ok(text_of(&root))
}

/// Where a value of a composed flow was written: line, column and pointer in the file or the overlay.
#[must_use]
pub fn composed_place(flow: &File<'_>, overlay: Option<&File<'_>>, environment: &str, pointer: &str) -> Option<Place> {
    let flow_document = Document::parse(flow.bytes.clone()).ok()?;
    let overlay_document = overlay.map(|overlay| Document::parse(overlay.bytes.clone())).transpose().ok()?;
    let (root, _) = compose(&flow_document, overlay_document.as_ref(), environment).ok()?;
    let written = written(&root, pointer, &flow_document, overlay_document.as_ref());
    let overlay_path = overlay.map_or(flow.path, |overlay| overlay.path);
    Some(written.place(if written.side == Side::Overlay { overlay_path } else { flow.path }))
}

/// A flow and an overlay that do not go together; checking them says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the flow and its overlay do not go together")]
pub struct NotComposed;

pub(super) fn text_of(root: &Value<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(root.n_bytes());
    root.write(&mut text);
    text
}

/// Checks the flow that a file and an overlay make in an environment, by every rule that concerns it alone. What is wrong
/// is told where it was written.
#[must_use]
pub fn check_composed(
    flow: &File<'_>,
    overlay: Option<&File<'_>>,
    environment: &str,
    comparison: &Comparison,
) -> FileReport {
    let Ok(flow_document) = Document::parse(flow.bytes.clone()) else {
        return check_file(flow.path, flow.bytes.clone(), comparison);
    };
    let overlay_path = overlay.map_or(flow.path, |overlay| overlay.path);
    let refused = |mut problems: Vec<Problem>| {
        problems.sort();
        let id = flow_document.root().member("id");
        let stray_id: Option<FlowId> = flow_document.text_member("id").and_then(|id| id.parse().ok());
        let id_place = id.filter(|_| stray_id.is_some()).map(|id| finding::place(flow.path, id, "/id"));
        FileReport { stray_id, id_place, problems, ..FileReport::default() }
    };
    let overlay_document = match overlay.map(|overlay| Document::parse(overlay.bytes.clone())).transpose() {
        Ok(document) => document,
        Err(error) => return refused(refusals(overlay_path, error.faults)),
    };
    let told = |fault: OverlayFault| problem(overlay_path, overlay_document.as_ref().unwrap_or(&flow_document), fault);
    let (root, warnings) = match compose(&flow_document, overlay_document.as_ref(), environment) {
        Ok(composed) => composed,
        Err(faults) => return refused(faults.into_iter().map(told).collect()),
    };
    let mut report = check_file(flow.path, text_of(&root).into(), comparison);
    let place = |place: &Place| {
        let written = written(&root, &place.pointer, &flow_document, overlay_document.as_ref());
        written.place(if written.side == Side::Overlay { overlay_path } else { flow.path })
    };
    for problem in &mut report.problems {
        problem.place = place(&problem.place);
    }
    report.id_place = report.id_place.as_ref().map(place);
    report.version_place = report.version_place.as_ref().map(place);
    report.problems.extend(warnings.into_iter().map(told));
    report.problems.sort();
    report
}

fn problem(file: &str, document: &Document, fault: OverlayFault) -> Problem {
    let OverlayFault { offset, pointer, rule, severity, message, help } = fault;
    let place = Place { pointer, ..place_at(file, document, offset) };
    Problem { place, rule, severity, message, help }
}

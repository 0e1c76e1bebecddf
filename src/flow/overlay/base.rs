//! The way back: the flow file whose composition is what is live. What the overlay and the environment contribute is
//! never written into it.

use std::collections::BTreeSet;

use super::compose::{apply, composed_text, text_of};
use super::equal::is_equal;
use super::operation::{self, Operation, What};
use super::patch::{self, Did, existing, put, take};
use super::value::{Content, Key, Member, Side, Value};
use super::work::{Spent, Work};
use crate::flow::document::{Document, Kind, Node};
use crate::flow::pointer;
use crate::flow::reference::ENVIRONMENT_VARIABLE;

/// What is live cannot be had by changing the flow's file alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The overlay decides these parts of the flow, by JSON pointer into the composed flow, and what is live there
    /// is something else.
    #[error("the overlay decides `{}`", pointers.join("`, `"))]
    Decided {
        /// Sorted; `""` where it cannot be said which.
        pointers: Vec<String>,
    },
    /// One of the texts cannot be read, or the overlay does not go with its flow as it is.
    #[error("the flow and its overlay do not go together")]
    NotComposed,
}

/// The text of the flow file which, composed with its overlay and the environment's id, is what is live; `live` is without
/// the tenant's own top-level `environmentId`. Members that the overlay alone brings stay out, those that it covers stay
/// as the file has them, and `${environment}` stays where the file says it.
///
/// # Errors
///
/// There is no such file.
pub fn base_of(flow: &[u8], overlay: Option<&[u8]>, environment: &str, live: &[u8]) -> Result<Vec<u8>, Unwritable> {
    let read = |text: &[u8]| Document::parse(text).map_err(|_| Unwritable::NotComposed);
    let (flow_document, live_document) = (read(flow)?, read(live)?);
    let overlay_document = overlay.map(read).transpose()?;
    let mut undo = Undo { work: Work::default(), decided: BTreeSet::new() };
    let mut value = Value::whole(Side::Flow, live_document.root());
    let undone = undo.all(&mut value, &flow_document, overlay_document.as_ref(), environment);
    if undone.is_err() || !undo.decided.is_empty() {
        return Err(decided(undo.decided));
    }
    let text = text_of(&value);
    let again = composed_text(&text, overlay, environment).ok().and_then(|again| Document::parse(again).ok());
    match again {
        Some(again) if again.canonical() == live_document.canonical() => Ok(text),
        _ => Err(decided(BTreeSet::new())),
    }
}

fn decided(pointers: BTreeSet<String>) -> Unwritable {
    let pointers = if pointers.is_empty() { vec![String::new()] } else { pointers.into_iter().collect() };
    Unwritable::Decided { pointers }
}

/// Taking an overlay back from what is live.
struct Undo {
    work: Work,
    /// Where what is live is not what the overlay makes.
    decided: BTreeSet<String>,
}

impl Undo {
    fn all<'a>(
        &mut self,
        live: &mut Value<'a>,
        flow: &'a Document,
        overlay: Option<&'a Document>,
        environment: &str,
    ) -> Result<(), Spent> {
        let mut composed = Value::whole(Side::Flow, flow.root());
        if let Some(overlay) = overlay
            && apply(&mut composed, overlay, &mut self.work).is_err()
        {
            return Err(Spent);
        }
        self.environment(live, &mut composed, environment)?;
        match overlay.map(Document::root) {
            Some(node) if node.kind() == Kind::Array => self.patch(live, flow, overlay),
            Some(node) => {
                let mut pointer = String::new();
                match self.merge(
                    Some(flow.root()),
                    node,
                    Some(std::mem::replace(live, Value::whole(Side::Flow, node))),
                    &mut pointer,
                )? {
                    Some(restored) => *live = restored,
                    None => _ = self.decided.insert(pointer),
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Writes `${environment}` where the file, or its overlay, has it for the same reference.
    fn environment(&mut self, live: &mut Value<'_>, composed: &mut Value<'_>, environment: &str) -> Result<(), Spent> {
        let mut meant = BTreeSet::new();
        for entry in entries(composed, &mut self.work)? {
            let (name, place) = named(entry, &mut self.work)?;
            if place.as_deref() == Some(ENVIRONMENT_VARIABLE) {
                meant.insert(name);
            }
        }
        if meant.is_empty() {
            return Ok(());
        }
        for entry in entries(live, &mut self.work)? {
            let (name, place) = named(entry, &mut self.work)?;
            if place.as_deref() == Some(environment)
                && meant.contains(&name)
                && let Some(value) = entry.member("environmentId", &mut self.work)?
            {
                value.content = Content::Text(ENVIRONMENT_VARIABLE.to_owned());
            }
        }
        Ok(())
    }

    /// Takes a merge patch back: the value of the file, nothing where it has none.
    fn merge<'a>(
        &mut self,
        base: Option<Node<'a>>,
        patch: Node<'a>,
        live: Option<Value<'a>>,
        pointer: &mut String,
    ) -> Result<Option<Value<'a>>, Spent> {
        let as_it_was = base.map(|base| Value::whole(Side::Flow, base));
        let mut live = match (live, patch.kind()) {
            (None, Kind::Null) => return Ok(as_it_was),
            (Some(live), Kind::Object) if live.kind() == Kind::Object => live,
            (Some(live), kind)
                if kind != Kind::Object && kind != Kind::Null && is_equal(&live, patch, &mut self.work)? =>
            {
                return Ok(as_it_was);
            }
            (live, _) => {
                self.decided.insert(pointer.clone());
                return Ok(live);
            }
        };
        live.open(&mut self.work)?;
        let base = base.filter(|base| base.kind() == Kind::Object);
        for (key_node, patch) in patch.members() {
            let key = Key::Written(key_node);
            let name = key.text().into_owned();
            let Content::Object(members, _) = &mut live.content else { break };
            self.work.looked(members.len())?;
            let at = members.iter().position(|member| member.key.text() == name);
            let child = at.map(|at| members.remove(at).value);
            let n_before = pointer.len();
            pointer::push_key(pointer, &name);
            let restored = self.merge(base.and_then(|base| base.member(&name)), patch, child, pointer)?;
            pointer.truncate(n_before);
            let Content::Object(members, _) = &mut live.content else { break };
            if let Some(value) = restored {
                let at = at.unwrap_or(members.len()).min(members.len());
                members.insert(at, Member { key, value });
            }
        }
        let is_empty = live.members().is_empty();
        Ok(if is_empty && base.is_none() { as_it_was } else { Some(live) })
    }

    /// Takes a patch back, its last operation first.
    fn patch<'a>(
        &mut self,
        live: &mut Value<'a>,
        flow: &'a Document,
        overlay: Option<&'a Document>,
    ) -> Result<(), Spent> {
        let Some(Ok(operations)) = overlay.map(operation::read) else { return Err(Spent) };
        let mut forward = Value::whole(Side::Flow, flow.root());
        let mut done = Vec::with_capacity(operations.len());
        for operation in &operations {
            done.push(patch::apply(&mut forward, operation, &mut self.work).map_err(|_| Spent)?);
        }
        for (operation, did) in operations.iter().zip(done).rev() {
            if self.take_back(live, operation, did).is_none() {
                self.decided.insert(operation.path.node.as_str().unwrap_or_default().into_owned());
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes one operation back; nothing where what is live there is not what it made.
    fn take_back<'a>(&mut self, live: &mut Value<'a>, operation: &Operation<'a>, did: Did<'a>) -> Option<()> {
        let Operation { node, path, what, .. } = operation;
        let at = |index: Option<usize>| {
            let mut path = path.clone();
            if let (Some(index), Some(last)) = (index, path.segments.last_mut()) {
                *last = index.to_string();
            }
            path
        };
        match did {
            Did::Nothing => {}
            Did::Added(value, index) => {
                let taken = take(live, operation, &at(index), *node, &mut self.work).ok()?;
                is_same(&taken, &value).then_some(())?;
            }
            Did::Replaced { before, after } => {
                let found = existing(live, operation, path, &mut self.work).ok()?;
                is_same(found, &after).then_some(())?;
                *found = before;
            }
            Did::Removed(value) => self.insert(live, operation, path.clone(), value)?,
            Did::Moved { replaced, to } => {
                let What::Move(from) = what else { return None };
                let moved = take(live, operation, &at(to), *node, &mut self.work).ok()?;
                if let Some(replaced) = replaced {
                    self.insert(live, operation, path.clone(), replaced)?;
                }
                self.insert(live, operation, from.clone(), moved)?;
            }
        }
        Some(())
    }

    /// Puts a value where none may be.
    fn insert<'a>(
        &mut self,
        live: &mut Value<'a>,
        operation: &Operation<'a>,
        path: operation::Path<'a>,
        value: Value<'a>,
    ) -> Option<()> {
        match put(live, operation, &path, value, &mut self.work).ok()? {
            Did::Added(..) => Some(()),
            Did::Nothing | Did::Replaced { .. } | Did::Removed(_) | Did::Moved { .. } => None,
        }
    }
}

fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    let canonical = |value| Document::parse(text_of(value)).ok().map(|document| document.canonical());
    let one = canonical(one);
    one.is_some() && one == canonical(other)
}

/// The entries of `externalReferences`.
fn entries<'v, 'a>(root: &'v mut Value<'a>, work: &mut Work) -> Result<&'v mut [Value<'a>], Spent> {
    let Some(references) = root.member("externalReferences", work)? else { return Ok(&mut []) };
    references.open(work)?;
    Ok(match &mut references.content {
        Content::Array(entries, _) => entries,
        _ => &mut [],
    })
}

/// What a reference names, and in which environment.
fn named(entry: &mut Value<'_>, work: &mut Work) -> Result<((String, String), Option<String>), Spent> {
    let mut text =
        |key| Ok(entry.member(key, work)?.and_then(|value| value.as_str().map(std::borrow::Cow::into_owned)));
    let (kind, id, place) = (text("type")?, text("id")?, text("environmentId")?);
    Ok(((kind.unwrap_or_default(), id.unwrap_or_default()), place))
}

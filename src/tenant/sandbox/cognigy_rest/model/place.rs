//! Where a node goes, and where it must not (vendor's reference, but where it says otherwise).

use serde::Deserialize;

use super::super::mint::Id;
use super::super::refusal::Refusal;
use super::chart::Chart;

/// How a node is put beside its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    Append,
    Prepend,
    AppendChild,
    PrependChild,
    InsertChildAt,
    InsertBefore,
    InsertAfter,
}

/// A place in a chart.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) mode: Mode,
    pub(crate) target: Id,
    /// For `insertChildAt`.
    pub(crate) position: Option<usize>,
}

impl Chart {
    /// Hangs a node, which hangs nowhere, at `place`.
    pub(crate) fn attach(&mut self, node: &Id, place: &Place) -> Result<(), Refusal> {
        self.node(&place.target)?;
        match place.mode {
            Mode::Append => self.append(node, &place.target),
            Mode::Prepend => self.prepend(node, &place.target),
            Mode::AppendChild => self.insert_child(node, &place.target, self.children(&place.target).len()),
            Mode::PrependChild => self.insert_child(node, &place.target, 0),
            Mode::InsertChildAt => {
                let position = place.position.ok_or_else(|| Refusal::missing("position"))?;
                self.insert_child(node, &place.target, position)
            }
            Mode::InsertBefore => self.insert_beside(node, &place.target, 0),
            Mode::InsertAfter => self.insert_beside(node, &place.target, 1),
        }
    }

    /// After the target; after a marker is inside its branch.
    fn append(&mut self, node: &Id, target: &Id) -> Result<(), Refusal> {
        let (kind, after) = (self.node(node)?, self.node(target)?);
        if let Some(parent) = kind.parent_kind() {
            return Err(match after.parent_kind() == Some(parent) {
                true => Refusal::not_found("ChartNode", target.as_str()),
                false => misplaced(&kind.kind, parent),
            });
        }
        if after.kind == "end" {
            return Err(Refusal::chart_data());
        }
        let next = self.relation(target).next.replace(node.clone());
        self.relation(node).next = next;
        Ok(())
    }

    fn prepend(&mut self, node: &Id, target: &Id) -> Result<(), Refusal> {
        let (kind, before) = (self.node(node)?, self.node(target)?);
        if let Some(parent) = kind.parent_kind() {
            return Err(misplaced(&kind.kind, parent));
        }
        if before.kind == "start" || before.parent_kind().is_some() {
            return Err(Refusal::chart_data());
        }
        if let Some(previous) = self.previous(target).cloned() {
            self.relation(&previous).next = Some(node.clone());
        }
        self.relation(node).next = Some(target.clone());
        Ok(())
    }

    fn insert_child(&mut self, node: &Id, target: &Id, position: usize) -> Result<(), Refusal> {
        let (kind, parent) = (self.node(node)?, self.node(target)?);
        // On a marker this answers well, and the node hangs nowhere.
        if parent.parent_kind().is_some() {
            return Ok(());
        }
        if parent.known().is_some_and(|kind| kind.children.is_empty()) {
            return Err(Refusal::chart_data());
        }
        if kind.parent_kind() != Some(parent.kind.as_str()) {
            return Err(Refusal::invalid(format!("`{}` cannot be a child of `{}`", kind.kind, parent.kind)));
        }
        if position > self.children(target).len() {
            return Err(Refusal::invalid(format!("there is no position {position} below `{target}`")));
        }
        self.relation(target).children.insert(position, node.clone());
        Ok(())
    }

    /// Looks among children only: a node of a chain has no place there.
    fn insert_beside(&mut self, node: &Id, target: &Id, offset: usize) -> Result<(), Refusal> {
        let parent = self.parent(target).cloned().ok_or_else(Refusal::chart_data)?;
        let position = self.children(&parent).iter().position(|child| child == target).unwrap_or_default();
        self.insert_child(node, &parent, position + offset)
    }

    /// Takes a node out of where it hangs; what came after it closes up, and its branches stay with it.
    fn detach(&mut self, node: &Id) {
        if let Some(parent) = self.parent(node).cloned() {
            self.relation(&parent).children.retain(|child| child != node);
            return;
        }
        let next = self.relation(node).next.take();
        if let Some(previous) = self.previous(node).cloned() {
            self.relation(&previous).next = next;
        }
    }

    /// Moves a node with its branches.
    pub(crate) fn shift(&mut self, node: &Id, place: &Place) -> Result<(), Refusal> {
        let moved = self.node(node)?;
        if moved.known().is_some_and(|kind| !kind.movable) {
            return Err(Refusal::invalid(format!("a node of type `{}` cannot be moved", moved.kind)));
        }
        self.node(&place.target)?;
        if self.subtree(node).contains(&place.target) {
            return Err(Refusal::invalid("a node cannot be moved to itself or below itself"));
        }
        let before = self.relations.clone();
        self.detach(node);
        self.attach(node, place).inspect_err(|_| self.relations = before)
    }

    /// Takes a node away, with its branches and all they hold. Who points at it keeps pointing (reported by users).
    pub(crate) fn remove(&mut self, node: &Id) -> Result<(), Refusal> {
        let removed = self.node(node)?;
        if removed.known().is_some_and(|kind| !kind.deletable) {
            return Err(Refusal::invalid(format!("a node of type `{}` cannot be deleted", removed.kind)));
        }
        let gone = self.subtree(node);
        self.detach(node);
        for id in gone {
            self.nodes.remove(&id);
            self.relations.remove(&id);
        }
        Ok(())
    }
}

fn misplaced(kind: &str, parent: &str) -> Refusal {
    Refusal::invalid(format!("a node of type `{kind}` is a child of `{parent}` and nothing else"))
}

//! Checking one folder: what it says, and what it says of other flows.

use std::sync::Arc;

use super::document::{Flow, Node, Target};
use super::folder::{Composition, compose, place_of};
use crate::flow::{Anchors, Comparison, Definition, FileReport, Need, Unit};
use crate::problem::Place;

/// Checks the files of a flow by every rule that concerns it alone.
pub(in crate::format) fn check(unit: &Unit, comparison: &Comparison) -> FileReport {
    let Composition { flow, id, problems, targets } = compose(unit, None);
    let definition = flow.as_ref().and_then(|(flow, _)| {
        let text: Arc<[u8]> = flow.to_text().into_bytes().into();
        Definition::from_file(text, comparison).ok()
    });
    let anchors = flow.as_ref().map(|(flow, _)| Box::new(anchors(flow, targets)));
    let (id, id_place) = id.map_or((None, None), |(id, place)| (Some(id), Some(place)));
    FileReport {
        version_place: definition.as_ref().and(id_place.clone()),
        stray_id: id.filter(|_| definition.is_none()),
        definition,
        id_place,
        problems,
        anchors,
    }
}

/// The composed document of a folder; `None` where there are errors in it.
pub(in crate::format) fn text(unit: &Unit) -> Option<Arc<[u8]>> {
    compose(unit, None).flow.map(|(flow, _)| flow.to_text().into_bytes().into())
}

/// Where the files say what the composed document says at a pointer.
pub(in crate::format) fn place(unit: &Unit, pointer: &str) -> Option<Place> {
    let Some(index) = pointer.strip_prefix("/externalReferences/") else { return place_of(unit, pointer) };
    let (flow, _) = compose(unit, None).flow?;
    let index = index.split('/').next()?.parse().ok()?;
    place_of(unit, &flow.reason_for_reference(index)?)
}

fn anchors(flow: &Flow, targets: Vec<(Target, Place)>) -> Anchors {
    let offers = |node: &Node| (node.reference.to_string(), node.head.is_entry_point || node.kind == "start");
    let need = |(target, place): (Target, Place)| {
        Some(Need { flow: target.flow.flow_id(), anchor: target.node?.to_string(), place })
    };
    Anchors { offered: flow.nodes().map(offers).collect(), needed: targets.into_iter().filter_map(need).collect() }
}

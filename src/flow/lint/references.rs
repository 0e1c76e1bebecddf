//! `externalReferences`: each once, and none to the flow itself.

use std::collections::HashMap;

use super::member::text;
use crate::flow::finding::{Findings, quoted};
use crate::flow::{Reference, ReferenceKind};
use crate::problem::Rule;

pub(super) fn lint(findings: &mut Findings<'_>) {
    let root = findings.document().root();
    let Some(references) = root.member("externalReferences") else { return };
    let own_id = text(root, "id").map(|(_, id)| id);
    let mut seen: HashMap<Reference, usize> = HashMap::new();
    for (index, entry) in references.elements().enumerate() {
        let Some(reference) = Reference::read(entry) else { continue };
        let pointer = format!("/externalReferences/{index}");
        if reference.kind == ReferenceKind::Flow && Some(reference.id.as_str()) == own_id.as_deref() {
            let message =
                format!("expected a reference to another flow, found one to {} itself", quoted(&reference.id));
            findings.warning(entry, &pointer, Rule::SelfReference, message, "remove it".to_owned());
        }
        if reference.id.is_empty() {
            let message = "expected the id of what is referred to, found an empty string".to_owned();
            findings.warning(
                entry,
                &pointer,
                Rule::EmptyReference,
                message,
                "write its id, or remove the entry".to_owned(),
            );
        }
        if let Some(first) = seen.insert(reference.clone(), index) {
            let shown = quoted(&reference.to_string());
            let message = format!("expected each reference once, found {shown} again (first as entry {first})");
            findings.warning(entry, &pointer, Rule::DuplicateReference, message, "remove one of them".to_owned());
        }
    }
}

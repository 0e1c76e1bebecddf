//! `externalReferences`: each once, and none to the flow itself.

use std::collections::HashMap;

use super::member::text;
use crate::flow::finding::{Findings, quoted};
use crate::flow::reference::ENVIRONMENT_VARIABLE;
use crate::flow::{Reference, ReferenceKind};
use crate::problem::Rule;

/// Whether a text looks like a variable and is none that is known.
fn is_unknown_variable(text: &str) -> bool {
    text != ENVIRONMENT_VARIABLE && text.contains("${")
}

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
        if let Some(at) = entry.member("environmentId").filter(|_| is_unknown_variable(&reference.environment.0)) {
            let shown = quoted(&reference.environment.0);
            let message = format!("expected an environment or `{ENVIRONMENT_VARIABLE}`, found {shown}");
            let help = format!("write `{ENVIRONMENT_VARIABLE}` for the environment that is deployed to");
            findings.error(at, &format!("{pointer}/environmentId"), Rule::UnknownVariable, message, help);
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

//! What the schema cannot say: rules on the graph of a flow, on its references, and across files.
//!
//! Whatever breaks the schema is passed over here; [`super::schema`] has reported it.

mod anchors;
mod files;
mod graph;
mod member;
mod references;

use super::finding::{Findings, place};
use crate::problem::{Place, Rule};

pub(in crate::flow) use anchors::loose_ends;
pub(in crate::flow) use files::{Sighting, duplicate_ids, name_twins};

/// Applies every rule that concerns one file alone.
pub(in crate::flow) fn lint(findings: &mut Findings<'_>) {
    graph::lint(findings);
    references::lint(findings);
    names(findings);
}

/// Where a flow's version stands; the document itself where it has none.
#[must_use]
pub fn version_place(file: &str, document: &super::Document) -> Place {
    match document.root().member("version") {
        Some(version) => place(file, version, "/version"),
        None => place(file, document.root(), ""),
    }
}

fn names(findings: &mut Findings<'_>) {
    let root = findings.document().root();
    if let Some(name) = root.member("name")
        && name.as_str().is_some_and(|text| !text.is_empty() && text.trim().is_empty())
    {
        let message = "expected a name, found only white space".to_owned();
        findings.warning(name, "/name", Rule::BlankName, message, "write what people call this flow".to_owned());
    }
    if let Some(environment) = root.member("environmentId") {
        let message = "expected a flow that fits every environment, found a top-level `environmentId`".to_owned();
        let help = "remove it: the tenant sets its own, and no comparison looks at this one".to_owned();
        findings.warning(environment, "/environmentId", Rule::EnvironmentInFile, message, help);
    }
}

//! A plan as JSON, for a terminal, and for a pull request.

use serde_json::{Value, json};

use super::Planned;
use crate::cli::diff::{paint, unified};
use crate::controller::Prepared;
use crate::plan::Change;
use crate::problem::escape_terminal;

pub(super) fn document(planned: &Planned) -> Value {
    let Prepared { plan, problems, .. } = &planned.prepared;
    let ids = |changes: &[Change]| changes.iter().map(change_document).collect::<Vec<_>>();
    json!({
        "environment": planned.environment,
        "targetEnvironment": planned.target,
        "commit": planned.commit,
        "summary": {
            "create": plan.count("create"), "update": plan.count("update"),
            "delete": plan.count("delete"), "unchanged": plan.unchanged.len(),
        },
        "changes": ids(&plan.changes),
        "drifted": ids(&plan.reported),
        "unmanaged": plan.unmanaged,
        "orphaned": plan.orphaned,
        "problems": problems,
        "refused": planned.refused,
        "planDigest": plan.digest,
    })
}

fn change_document(change: &Change) -> Value {
    let after = change.after();
    let before = change.before();
    json!({
        "id": change.id,
        "name": change.definition().name,
        "path": after.map(|flow| flow.path.as_str()),
        "action": change.action(),
        "cause": change.cause.as_str(),
        "version": after.map(|flow| flow.definition.version.as_str()),
        "previousVersion": before.map(|definition| definition.version.as_str()),
        "contentHash": after.map(|flow| flow.definition.content_hash),
        "previousHash": before.map(|definition| definition.content_hash),
        "wave": change.wave,
    })
}

pub(super) fn text(planned: &Planned, color: bool) -> String {
    let plan = &planned.prepared.plan;
    let mut text = format!("{} ({})\n", planned.environment, planned.target);
    for change in &plan.changes {
        text.push_str(&headline(change, color));
        let before = change.before().and_then(|definition| definition.text.as_deref()).unwrap_or_default();
        let after = change.after().and_then(|flow| flow.definition.text.as_deref()).unwrap_or_default();
        let unreadable = change.before().and_then(|definition| definition.reading.unreadable());
        if let Some(why) = unreadable {
            text.push_str(&format!("    the live flow cannot be read: {}\n", escape_terminal(&why.to_string())));
        } else if !before.is_empty() && !after.is_empty() {
            text.push_str(&unified(before, after, color));
        }
    }
    for change in &plan.reported {
        text.push_str(&format!("  ! {} drifted; drift is only reported here\n", change.id));
    }
    if !plan.orphaned.is_empty() {
        text.push_str(&format!("  {} flow(s) left git and stay live (prune is off)\n", plan.orphaned.len()));
    }
    if !plan.unmanaged.is_empty() {
        text.push_str(&format!("  {} live flow(s) are not managed here\n", plan.unmanaged.len()));
    }
    text.push_str(&format!(
        "{} to create, {} to update, {} to delete, {} unchanged\n",
        plan.count("create"),
        plan.count("update"),
        plan.count("delete"),
        plan.unchanged.len()
    ));
    text
}

fn headline(change: &Change, color: bool) -> String {
    let (mark, code) = match change.action() {
        "create" => ("+", "32"),
        "update" => ("~", "33"),
        _ => ("-", "31"),
    };
    let versions = match (change.before(), change.after()) {
        (Some(before), Some(after)) if before.version != after.definition.version => {
            format!("{} -> {}", before.version, after.definition.version)
        }
        _ => change.definition().version.clone(),
    };
    let name = escape_terminal(&change.definition().name).into_owned();
    let cause = change.cause.as_str();
    paint(color, code, &format!("  {mark} {} \"{name}\" {versions} ({cause}, wave {})\n", change.id, change.wave))
}

pub(super) fn markdown(planned: &Planned) -> String {
    let plan = &planned.prepared.plan;
    let mut text = format!(
        "### flowsync plan: {}\n\n{} to create, {} to update, {} to delete, {} unchanged\n\n",
        cell(&planned.environment),
        plan.count("create"),
        plan.count("update"),
        plan.count("delete"),
        plan.unchanged.len()
    );
    if !plan.changes.is_empty() {
        text.push_str("| | flow | name | version | cause | wave |\n|---|---|---|---|---|---|\n");
    }
    for change in &plan.changes {
        let before = change.before().map_or("", |definition| definition.version.as_str());
        let after = change.after().map_or("", |flow| flow.definition.version.as_str());
        text.push_str(&format!(
            "| {} | {} | {} | {} → {} | {} | {} |\n",
            change.action(),
            change.id,
            cell(&change.definition().name),
            cell(before),
            cell(after),
            change.cause.as_str(),
            change.wave
        ));
    }
    text.push_str(&format!("\n`{}`\n", plan.digest));
    text
}

/// Text that means itself inside a Markdown table.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in escape_terminal(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '-' | '/' | ' ') => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

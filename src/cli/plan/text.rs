//! A plan for a terminal.

use super::inside::told;
use super::limits::PLAN_BYTES_MAX;
use super::lines::{Line, paint};
use super::raw::unified;
use super::released;
use super::tell::{self, shortened};
use crate::controller::view::{ChangeView, Compared, PlanView};
use crate::flow::{BodyAbsent, Comparison, Reading};
use crate::plan::Action;
use crate::problem::escape_terminal;
use crate::tenant::Cost;

/// Most characters of a name in a headline.
const NAME_CHARS_MAX: usize = 100;
/// What a change takes besides its lines, roughly.
const HEADLINE_BYTES: usize = 400;
/// How far the lines of a change are set in, in steps of two blanks.
const DEPTH: usize = 2;

/// How the inside of a flow is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// As people draw it.
    Told,
    /// As lines of its JSON.
    Raw,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// How the inside of a flow is told.
    pub(super) inside: Inside,
    /// Whether in colours.
    pub(super) color: bool,
    /// How many plans share the space there is.
    pub(super) n_plans: usize,
}

/// The whole plan.
pub(super) fn text(view: &PlanView<'_>, comparison: &Comparison, style: Style) -> Result<String, BodyAbsent> {
    let mut text = format!("{} ({})\n", view.environment, escape_terminal(view.target_environment));
    let n_changes = view.changes.len() + view.drifted.len();
    let mut room = (PLAN_BYTES_MAX / style.n_plans.max(1)).saturating_sub(n_changes * HEADLINE_BYTES);
    let mut n_left = n_changes;
    let mut inside = |change: &ChangeView<'_>, text: &mut String| {
        let lines = lines(change, comparison, style.inside, room / n_left.max(1))?;
        n_left = n_left.saturating_sub(1);
        for line in lines {
            room = room.saturating_sub(line.cost());
            text.push_str(&line.painted(style.color, DEPTH));
        }
        Ok(())
    };
    for change in &view.changes {
        text.push_str(&headline(change, style.color));
        if let Some(reason) = &change.not_approved {
            text.push_str(&format!("    not approved: {}\n", escape_terminal(reason)));
        }
        if change.protected {
            let id = change.id;
            text.push_str(&format!("    protected: deleted only with --allow-delete-protected {id}\n"));
        }
        if let Some(cost) = change.cost {
            let Cost { route, writes, reads, nodes, warnings, .. } = cost;
            let nodes = nodes.map(|nodes| format!("{nodes} \u{b7} ")).unwrap_or_default();
            text.push_str(&format!("    by {route}: {nodes}about {writes} requests to write, {reads} to verify\n"));
            warnings.iter().for_each(|warning| text.push_str(&format!("    {}\n", escape_terminal(warning))));
        }
        inside(change, &mut text)?;
    }
    for change in &view.drifted {
        let id = shortened(change.id.as_str(), NAME_CHARS_MAX);
        text.push_str(&format!("  ! {id} drifted; drift is only reported here\n"));
        inside(change, &mut text)?;
    }
    if !view.orphaned.is_empty() {
        text.push_str(&format!("  {} flow(s) left git and stay live (prune is off)\n", view.orphaned.len()));
    }
    if !view.unmanaged.is_empty() {
        text.push_str(&format!("  {} live flow(s) are not managed here\n", view.unmanaged.len()));
    }
    view.release.iter().for_each(|release| text.push_str(&released::text(release)));
    text.push_str(&format!("{}\n", view.summary));
    view.cost.iter().for_each(|cost| text.push_str(&format!("{cost}\n")));
    view.held.iter().for_each(|hold| text.push_str(&format!("{}\n", escape_terminal(&hold.to_string()))));
    match view.n_unapproved() {
        None => {}
        Some(0) => text.push_str("every change is approved\n"),
        Some(n) => text.push_str(&format!("{n} change(s) are not approved\n")),
    }
    Ok(text)
}

/// What is told of the inside of a flow.
fn lines(
    change: &ChangeView<'_>,
    comparison: &Comparison,
    inside: Inside,
    n_bytes: usize,
) -> Result<Vec<Line>, BodyAbsent> {
    let (before, after) = (change.change.before(), change.change.after());
    if let (Inside::Raw, Some(before), Some(after)) = (inside, before, after)
        && before.reading == Reading::Whole
    {
        return Ok(unified(before.body()?, after.definition.body()?, n_bytes));
    }
    match Compared::of(change.change, comparison)? {
        Some(compared) => Ok(told(change.change, &compared, n_bytes)),
        None => Ok(tell::summary(&change.view(comparison)?, &change.change.definition().references)),
    }
}

fn headline(change: &ChangeView<'_>, color: bool) -> String {
    let (mark, code) = match change.action {
        Action::Create => ("+", "32"),
        Action::Update => ("~", "33"),
        Action::Delete => ("-", "31"),
    };
    let said = |text: &str| escape_terminal(&shortened(text, NAME_CHARS_MAX)).into_owned();
    let versions = match (&change.previous_version, &change.version) {
        (Some(before), Some(after)) if before != after => format!("{} -> {}", said(before), said(after)),
        (_, Some(version)) | (Some(version), None) => said(version),
        (None, None) => String::new(),
    };
    let (id, name) = (said(change.id.as_str()), said(&change.name));
    let versions = if versions.is_empty() { versions } else { format!("{versions} ") };
    let line = format!("  {mark} {id} \"{name}\" {versions}({}, wave {})", change.cause, change.wave);
    format!("{}\n", paint(color, code, &line))
}

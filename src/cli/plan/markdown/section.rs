//! One environment of the comment.

use super::budget::Budget;
use super::details::{detail, graph};
use crate::cli::output::Failure;
use crate::cli::plan::released;
use crate::controller::view::{Basis, ChangeView, PlanView};
use crate::flow::{BodyAbsent, Comparison};
use crate::plan::Cause;
use crate::problem::{Problem, Severity, code_span};

/// What was found for one environment.
pub(in crate::cli::plan) enum Section<'a> {
    /// A plan.
    Planned {
        /// It.
        view: Box<PlanView<'a>>,
        /// How its flows are compared.
        comparison: &'a Comparison,
    },
    /// Why there is none.
    Failed {
        /// The environment.
        environment: &'a str,
        /// Why.
        failure: &'a Failure,
    },
}

/// Most characters of a name, of a version, of a message.
const NAME_CHARS_MAX: usize = 80;
const VERSION_CHARS_MAX: usize = 24;
const MESSAGE_CHARS_MAX: usize = 240;
/// Most problems that are listed.
const PROBLEMS_MAX: usize = 20;

/// The parts of a section as far as they were taken.
pub(super) struct Parts<'a> {
    section: &'a Section<'a>,
    /// What must be said: counts, digest, whether it would be refused.
    pub(super) head: String,
    problems: Vec<String>,
    rows: Vec<String>,
    graph: String,
    details: Vec<String>,
    left_out: Vec<String>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(section: &'a Section<'a>) -> Self {
        let (problems, rows, details) = (Vec::new(), Vec::new(), Vec::new());
        Self { section, head: head(section), problems, rows, graph: String::new(), details, left_out: Vec::new() }
    }

    /// Says what must be said in one line.
    pub(super) fn shorten_head(&mut self) {
        self.head = match self.section {
            Section::Planned { view, .. } => {
                let refused = if view.refused.is_some() { ", **would be refused**" } else { "" };
                let held = if view.held.is_some() { ", **held back**" } else { "" };
                let name = code_span(view.environment, NAME_CHARS_MAX);
                format!("\n{name}: {}{refused}{held}, `{}`\n", view.summary, view.plan_digest)
            }
            Section::Failed { environment, .. } => {
                format!("\n{}: **cannot be planned**\n", code_span(environment, NAME_CHARS_MAX))
            }
        };
    }

    /// Errors and warnings.
    pub(super) fn take_problems(&mut self, budget: &mut Budget) {
        let problems = match self.section {
            Section::Planned { view, .. } => view.problems,
            Section::Failed { failure, .. } => &failure.problems,
        };
        // Errors first: they are why it would be refused.
        let (errors, warnings): (Vec<&Problem>, Vec<&Problem>) =
            problems.iter().partition(|problem| problem.is_error());
        let lines = errors.into_iter().chain(warnings).take(PROBLEMS_MAX).map(problem);
        self.problems.extend(lines.take_while(|line| budget.take(line)));
        self.note(problems.len() - self.problems.len(), "problem(s)");
    }

    /// A line a flow, in the order of deployment.
    pub(super) fn take_rows(&mut self, budget: &mut Budget) {
        let Section::Planned { view, .. } = self.section else { return };
        let drifted = view.drifted.iter().map(|change| format!("- **drifted**, only reported: {}\n", called(change)));
        let rows = view.changes.iter().map(row).chain(drifted);
        self.rows.extend(rows.take_while(|row| budget.take(row)));
        let n_flows = view.changes.len() + view.drifted.len();
        self.note(n_flows - self.rows.len(), "flow(s) of the list");
        let others = [
            (view.orphaned.len(), "left git and stay live (prune is off)"),
            (view.unmanaged.len(), "are live and not managed here"),
        ];
        for (n_flows, what) in others.into_iter().filter(|(n_flows, _)| *n_flows > 0) {
            let row = format!("- {n_flows} flow(s) {what}\n");
            if budget.take(&row) {
                self.rows.push(row);
            }
        }
        let of_release = view.release.as_ref().map(released::rows).unwrap_or_default();
        self.rows.extend(of_release.into_iter().take_while(|row| budget.take(row)));
    }

    /// Who needs whom.
    pub(super) fn take_graph(&mut self, budget: &mut Budget) {
        let Section::Planned { view, .. } = self.section else { return };
        match graph(view) {
            Some(graph) if budget.take(&graph) => self.graph = graph,
            Some(_) => self.left_out.push("the dependency graph".to_owned()),
            None => {}
        }
    }

    /// What differs in each flow.
    pub(super) fn take_details(&mut self, budget: &mut Budget) -> Result<(), BodyAbsent> {
        let Section::Planned { view, comparison } = self.section else { return Ok(()) };
        let all: Vec<&ChangeView<'_>> = view.changes.iter().chain(&view.drifted).collect();
        for (at, change) in all.iter().enumerate() {
            if budget.left() == 0 {
                break;
            }
            let Some(text) = detail(change, comparison, budget.left(), all.len() - at)? else { break };
            if !budget.take(&text) {
                break;
            }
            self.details.push(text);
        }
        self.note(all.len() - self.details.len(), "flow(s) in detail");
        Ok(())
    }

    fn note(&mut self, n_left_out: usize, what: &str) {
        if n_left_out > 0 {
            self.left_out.push(format!("{n_left_out} {what}"));
        }
    }

    /// What was taken, in the order in which it is read.
    pub(super) fn text(&self) -> String {
        let mut text = self.head.clone();
        for list in [&self.problems, &self.rows] {
            if !list.is_empty() {
                text.push('\n');
                text.push_str(&list.concat());
            }
        }
        text.push_str(&self.graph);
        text.push_str(&self.details.concat());
        if !self.left_out.is_empty() {
            text.push_str(&format!("\n_Left out for length: {}._\n", self.left_out.join(", ")));
        }
        text
    }
}

fn head(section: &Section<'_>) -> String {
    match section {
        Section::Planned { view, .. } => {
            let of = view.commit.map_or("the work tree".to_owned(), |commit| code_span(commit.short(), NAME_CHARS_MAX));
            let of = match view.basis {
                Some(Basis::ConfiguredBranch { revision, .. }) => {
                    let revision = code_span(revision, NAME_CHARS_MAX);
                    format!("{of} ({revision} of the configured repository: this was no git work tree)")
                }
                Some(Basis::Merge { into, .. }) => format!("{of} merged into {}", code_span(into, NAME_CHARS_MAX)),
                Some(Basis::WorkTree { .. } | Basis::Revision { .. }) | None => of,
            };
            let target = code_span(view.target_environment, NAME_CHARS_MAX);
            let refused = view.refused.map_or(String::new(), |reason| {
                format!("\n> **Would be refused:** {}\n", code_span(reason, MESSAGE_CHARS_MAX))
            });
            let held = view.held.map_or(String::new(), |hold| {
                format!("\n> **Held back:** {}\n", code_span(&hold.to_string(), MESSAGE_CHARS_MAX))
            });
            let approval = match view.n_unapproved() {
                None => String::new(),
                Some(0) => "\nApproval: every change is approved\n".to_owned(),
                Some(n) => format!("\nApproval: **{n} change(s) are not approved**\n"),
            };
            format!(
                "\n### flowsync plan: {}\n\n**{}** in {target}, from {of}\n{refused}{held}{approval}\nPlan digest: `{}`\n",
                code_span(view.environment, NAME_CHARS_MAX),
                view.summary,
                view.plan_digest
            )
        }
        Section::Failed { environment, failure } => {
            let (name, message) =
                (code_span(environment, NAME_CHARS_MAX), code_span(&failure.message, MESSAGE_CHARS_MAX));
            format!("\n### flowsync plan: {name}\n\n**Cannot be planned:** {message}\n")
        }
    }
}

fn problem(problem: &Problem) -> String {
    let severity = match problem.severity {
        Severity::Error => "**error**",
        Severity::Warning => "warning",
    };
    let place = format!("{}:{}", problem.place.file, problem.place.line);
    let (rule, place) = (code_span(problem.rule.as_str(), NAME_CHARS_MAX), code_span(&place, MESSAGE_CHARS_MAX));
    format!("- {severity} {rule} in {place}: {}\n", code_span(&problem.message, MESSAGE_CHARS_MAX))
}

fn row(change: &ChangeView<'_>) -> String {
    let version = |version: &str| code_span(version, VERSION_CHARS_MAX);
    let versions = match (&change.previous_version, &change.version) {
        (Some(before), Some(after)) if before != after => format!("{} → {}", version(before), version(after)),
        (_, Some(one)) | (Some(one), None) => version(one),
        (None, None) => String::new(),
    };
    let protected = if change.protected { ", **protected**" } else { "" };
    let cause = because(change.cause).map(|cause| format!(", {cause}")).unwrap_or_default();
    let versions = if versions.is_empty() { versions } else { format!(" {versions}") };
    format!("- **{}** {}{versions}, wave {}{protected}{cause}\n", change.action, called(change), change.wave)
}

/// Why, where it is not what a reviewer takes for granted.
fn because(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Drift => Some("because the tenant drifted"),
        Cause::Both => Some("because git changed and the tenant drifted"),
        Cause::Commit => None,
    }
}

fn called(change: &ChangeView<'_>) -> String {
    format!("{} {}", code_span(change.id.as_str(), NAME_CHARS_MAX), code_span(&change.name, NAME_CHARS_MAX))
}

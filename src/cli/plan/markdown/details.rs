//! What is folded away: the inside of each flow, and who needs whom.

use std::collections::BTreeSet;

use crate::cli::plan::inside::told;
use crate::cli::plan::lines::Line;
use crate::cli::plan::tell;
use crate::controller::view::{ChangeView, Compared, PlanView};
use crate::flow::diff::{FlowDiff, View};
use crate::flow::{BodyAbsent, Comparison, ENVIRONMENT_VARIABLE, FlowId, Reference, ReferenceKind};
use crate::picture::{Chart, Fate, Graph, mermaid};
use crate::plan::{Action, Change};
use crate::problem::code_block;

/// Most bytes of one flow: one must not crowd out all others.
const FLOW_BYTES_MAX: usize = 16_000;
/// What a flow may have however many others wait.
const FLOW_BYTES_MIN: usize = 2_500;
/// Most characters of an id.
const ID_CHARS_MAX: usize = 80;
/// Most flows, and most edges, of the dependency graph.
const GRAPH_NODES_MAX: usize = 50;
const GRAPH_EDGES_MAX: usize = 100;

/// The inside of a flow, looked at once.
struct Look<'a> {
    /// How much changed, in a few words.
    said: String,
    /// Its picture, where it has one.
    chart: Option<Chart>,
    inside: Inside<'a>,
}

enum Inside<'a> {
    Update(&'a Change, Box<Compared>),
    Whole(Box<View>, &'a [Reference]),
}

impl<'a> Look<'a> {
    fn at(change: &ChangeView<'a>, comparison: &Comparison) -> Result<Self, BodyAbsent> {
        if let Some(compared) = Compared::of(change.change, comparison)? {
            let chart = Chart::of_update(&compared.before, &compared.after, &compared.diff);
            let said = counted(&compared.diff);
            return Ok(Self { said, chart: Some(chart), inside: Inside::Update(change.change, Box::new(compared)) });
        }
        let view = change.view(comparison)?;
        let chart = (change.action == Action::Create).then(|| Chart::of(&view));
        let references = &change.change.definition().references;
        Ok(Self { said: String::new(), chart, inside: Inside::Whole(Box::new(view), references) })
    }

    fn words(&self, n_bytes: usize) -> String {
        let lines = match &self.inside {
            Inside::Update(change, compared) => told(change, compared, n_bytes),
            Inside::Whole(view, references) => tell::summary(view, references),
        };
        code_block("diff", &lines.iter().map(Line::fenced).collect::<String>())
    }
}

/// The inside of a flow within its share of what is left; `None` where not even a little fits.
pub(super) fn detail(
    change: &ChangeView<'_>,
    comparison: &Comparison,
    n_bytes: usize,
    n_flows: usize,
) -> Result<Option<String>, BodyAbsent> {
    let look = Look::at(change, comparison)?;
    let id: String = change.id.as_str().chars().take(ID_CHARS_MAX).collect();
    let open = format!("\n<details><summary><b>{}</b> <code>{id}</code>{}</summary>\n\n", change.action, look.said);
    let close = "\n</details>\n";
    let share = (n_bytes / n_flows.max(1)).clamp(FLOW_BYTES_MIN, FLOW_BYTES_MAX).min(n_bytes);
    let room = share.saturating_sub(open.len() + close.len());
    let chart = look.chart.as_ref().filter(|chart| !chart.is_empty()).map(drawn);
    // A tenth is for what stands around the words; a chart may take what they leave, and no less than half.
    let alone = room - room / 10;
    let (words, chart) = match chart {
        Some(chart) if look.words(room / 2).len() + chart.len() <= room => {
            (look.words((alone - chart.len().min(alone)).max(room / 2)), chart)
        }
        Some(_) => (look.words(alone), "\n_The chart is left out for length._\n".to_owned()),
        None => (look.words(alone), String::new()),
    };
    let text = format!("{open}{words}{chart}{close}");
    Ok((text.len() <= n_bytes).then_some(text))
}

/// A chart with what is not in it.
fn drawn(chart: &Chart) -> String {
    let mut text = format!("\n{}", code_block("mermaid", &mermaid::chart(chart)));
    let (nodes, edges) = (chart.n_nodes_left_out, chart.n_edges_left_out);
    if nodes > 0 {
        text.push_str(&format!("\n_Not drawn: {nodes} node(s) and {edges} edge(s) further away from what changed._\n"));
    } else if edges > 0 {
        text.push_str(&format!("\n_Not drawn: {edges} edge(s)._\n"));
    }
    text
}

/// How many things changed, for the line that is seen while the rest is folded.
fn counted(diff: &FlowDiff) -> String {
    let counts = [
        (diff.fields.len() + diff.truncated.fields, "field"),
        (diff.nodes.len() + diff.truncated.nodes, "node"),
        (diff.edges.len() + diff.truncated.edges, "edge"),
        (diff.references.len() + diff.truncated.references, "reference"),
    ];
    let said = |(n_changes, what): (usize, &str)| match n_changes {
        0 => None,
        1 => Some(format!("1 {what}")),
        n_changes => Some(format!("{n_changes} {what}s")),
    };
    let said: Vec<String> = counts.into_iter().filter_map(said).collect();
    format!(": {}", said.join(", "))
}

/// The flows that change and what they need of each other and of others; `None` where nobody needs anybody.
pub(super) fn graph(view: &PlanView<'_>) -> Option<String> {
    let mut graph = Graph::default();
    let mut n_edges = 0;
    for change in view.changes.iter().take(GRAPH_NODES_MAX) {
        let fate = match change.action {
            Action::Create => Fate::Created,
            Action::Update => Fate::Updated,
            Action::Delete => Fate::Deleted,
        };
        let definition = change.change.definition();
        let in_target = definition.references.iter().filter(|reference| {
            let environment = reference.environment.as_str();
            reference.kind == ReferenceKind::Flow
                && (environment == view.target_environment || environment == ENVIRONMENT_VARIABLE)
        });
        let needs: Vec<_> = in_target.take(GRAPH_EDGES_MAX - n_edges.min(GRAPH_EDGES_MAX)).collect();
        n_edges += needs.len();
        graph.add(change.id, &definition.name, fate, needs);
    }
    if graph.edges.is_empty() {
        return None;
    }
    let drawn: BTreeSet<&FlowId> = view.changes.iter().take(GRAPH_NODES_MAX).map(|change| change.id).collect();
    let n_left_out = view.changes.len() - drawn.len();
    let more = if n_left_out > 0 { format!("\n_Not drawn: {n_left_out} more flow(s)._\n") } else { String::new() };
    let picture = code_block("mermaid", &mermaid::graph(&graph));
    Some(format!("\n<details><summary>Who needs whom</summary>\n\n{picture}{more}\n</details>\n"))
}

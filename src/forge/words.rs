//! What a person reads in a pull request: which environments it is about, and every flow by its id.
//!
//! Names and texts of flows are left out: an id is letters and digits, and nobody can write a link, a mention, a closing
//! keyword or a quick action with it. No line begins with what is not ours.

use super::pulls::{PullRequest, TITLE_CHARS_MAX};
use crate::flow::FlowId;
use crate::problem::code_span;

/// Characters of a body: GitHub takes 65,536.
const BODY_CHARS_MAX: usize = 60_000;
/// Characters shown of one id; any is shorter unless somebody plays.
const ID_CHARS_MAX: usize = 100;
/// Room for the line that counts what is left out.
const REST_CHARS: usize = 100;

/// What is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// What is live in an environment, for git.
    Adopt {
        /// Its name.
        environment: &'a str,
    },
    /// What is live in one environment, for another.
    Promote {
        /// Where it is live.
        from: &'a str,
        /// Where it is to be.
        to: &'a str,
    },
}

/// What a proposal does to the file of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowChange {
    /// There was none.
    Added,
    /// Its content.
    Changed,
    /// It is gone.
    Removed,
}

impl PullRequest {
    /// To merge `head` into `base`, with these flows in it.
    #[must_use]
    pub fn new(head: &str, base: &str, about: About<'_>, flows: &[(FlowId, FlowChange)]) -> Self {
        Self { head: head.to_owned(), base: base.to_owned(), title: title(about, flows), body: body(about, flows) }
    }
}

fn title(about: About<'_>, flows: &[(FlowId, FlowChange)]) -> String {
    let what = match about {
        About::Adopt { environment } => format!("flowsync: adopt what is live in {environment}: "),
        About::Promote { from, to } => format!("flowsync: promote from {from} to {to}: "),
    };
    let ids = flows.iter().map(|(id, _)| shortened(id));
    joined(what, ", ", ids.collect(), TITLE_CHARS_MAX)
}

fn body(about: About<'_>, flows: &[(FlowId, FlowChange)]) -> String {
    let n_flows = counted(flows.len());
    let what = match about {
        About::Adopt { environment } => {
            format!("Brings what is live in {} into git: {n_flows}.\n\n", code_span(environment, ID_CHARS_MAX))
        }
        About::Promote { from, to } => {
            let (from, to) = (code_span(from, ID_CHARS_MAX), code_span(to, ID_CHARS_MAX));
            format!("Brings what is live and deployed in {from} to {to}: {n_flows}.\n\n")
        }
    };
    let line =
        |(id, change): &(FlowId, FlowChange)| format!("- {} {}", code_span(id.as_str(), ID_CHARS_MAX), change.as_str());
    joined(what, "\n", flows.iter().map(line).collect(), BODY_CHARS_MAX)
}

impl FlowChange {
    fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// As many of the items as there is room for, and how many there are besides.
fn joined(mut text: String, between: &str, items: Vec<String>, chars_max: usize) -> String {
    let n_items = items.len();
    let whole =
        items.iter().map(|item| item.chars().count()).sum::<usize>() + between.len() * n_items.saturating_sub(1);
    let is_whole = text.chars().count() + whole <= chars_max;
    let most = if is_whole { chars_max } else { chars_max.saturating_sub(REST_CHARS) };
    let mut used = text.chars().count();
    for (at, item) in items.into_iter().enumerate() {
        let before = if at > 0 { between } else { "" };
        used += before.len() + item.chars().count();
        if used > most {
            let rest = counted(n_items - at);
            let more = if at > 0 { format!("{between}and {rest} more") } else { rest };
            text.push_str(&more);
            break;
        }
        text.push_str(before);
        text.push_str(&item);
    }
    text
}

fn counted(n_flows: usize) -> String {
    if n_flows == 1 { "1 flow".to_owned() } else { format!("{n_flows} flows") }
}

fn shortened(id: &FlowId) -> String {
    let mut text: String = id.as_str().chars().take(ID_CHARS_MAX).collect();
    if id.as_str().len() > ID_CHARS_MAX {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(n: usize, length: usize) -> Vec<(FlowId, FlowChange)> {
        let id = |at: usize| format!("flow_{at:0length$}").parse().unwrap();
        (0..n).map(|at| (id(at), FlowChange::Changed)).collect()
    }

    #[test]
    fn environments_and_every_flow_are_named() {
        let flow = |id: &str, change| (id.parse().unwrap(), change);
        let three = [
            flow("flow_a", FlowChange::Changed),
            flow("flow_b", FlowChange::Added),
            flow("flow_c", FlowChange::Removed),
        ];
        let adopt =
            PullRequest::new("flowsync/adopt/production", "main", About::Adopt { environment: "production" }, &three);
        assert_eq!(adopt.title, "flowsync: adopt what is live in production: flow_a, flow_b, flow_c");
        assert_eq!(
            adopt.body,
            "Brings what is live in `production` into git: 3 flows.\n\n- `flow_a` changed\n- `flow_b` added\n- `flow_c` removed"
        );
        let promote = PullRequest::new("h", "main", About::Promote { from: "staging", to: "production" }, &three[..1]);
        assert_eq!(promote.title, "flowsync: promote from staging to production: flow_a");
        assert_eq!(
            promote.body,
            "Brings what is live and deployed in `staging` to `production`: 1 flow.\n\n- `flow_a` changed"
        );
    }

    #[test]
    fn what_is_cut_is_counted_and_the_limits_of_every_forge_are_kept() {
        let long = "e".repeat(64);
        for (n, length) in [(1, 1), (20, 1), (1, 5_000), (3, 5_000), (10_000, 1), (10_000, 200)] {
            let about = About::Promote { from: &long, to: &long };
            let PullRequest { title, body, .. } = PullRequest::new("h", "b", about, &flows(n, length));
            assert!(title.chars().count() <= 255, "{n} {length}: {title}");
            assert!(body.chars().count() <= 60_000, "{n} {length}: {}", body.len());
            let named = |text: &str| text.matches("flow_").count();
            for text in [&title, &body] {
                let rest = n - named(text);
                let count = format!("{} flow{}", rest, if rest == 1 { "" } else { "s" });
                assert!(text.contains(&long) && (rest == 0 || text.contains(&count)), "{n} {length}: {text}");
            }
            assert!(body.contains(&counted(n)), "{body}");
        }
        let all = PullRequest::new("h", "b", About::Adopt { environment: "e" }, &flows(1_000, 8)).body;
        assert_eq!(all.matches("- `flow_").count(), 1_000, "no more is left out than must be");
    }
}

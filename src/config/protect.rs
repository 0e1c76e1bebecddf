//! `sync.protect`: flows that are never deleted because they left git.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::written::{Findings, Wrong};
use super::yaml::{Node, Value, shorten};
use crate::flow::FlowId;

/// Globs over ids of flows.
#[derive(Clone, Default)]
pub struct Protect {
    written: Vec<String>,
    set: GlobSet,
}

/// Most globs of one environment.
const GLOBS_MAX: usize = 1_000;

impl Protect {
    /// Whether a flow is among them.
    #[must_use]
    pub fn holds(&self, id: &FlowId) -> bool {
        self.set.is_match(id.as_str())
    }

    /// Reads the list; a glob that is none is a finding and left out.
    pub(super) fn read(node: &Node, findings: &mut Findings) -> Self {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Null => &[],
            other => {
                let help = "for example `[ \"flow_pay*\" ]`";
                findings.add(node, Wrong::value(format!("expected a list of globs, found {}", other.kind()), help));
                &[]
            }
        };
        if items.len() > GLOBS_MAX {
            let message = format!("expected at most {GLOBS_MAX} globs, found {}", items.len());
            findings.add(node, Wrong::value(message, "one glob names many flows"));
            return Self::default();
        }
        let (mut written, mut set) = (Vec::new(), GlobSetBuilder::new());
        for item in items {
            if let Some((text, glob)) = findings.check(item, glob(item)) {
                written.push(text);
                set.add(glob);
            }
        }
        let built = set.build().map_err(|error| Wrong::value(format!("expected globs: {}", error.kind()), ""));
        findings.check(node, built).map(|set| Self { written, set }).unwrap_or_default()
    }
}

/// One that could name a flow.
fn glob(node: &Node) -> Result<(String, globset::Glob), Wrong> {
    let text = super::names::text(node)?;
    let wrong = |why: String, help: &str| {
        Wrong::value(format!("expected a glob over ids of flows, found `{}`: {why}", shorten(text)), help)
    };
    let is_pattern = text.starts_with(['*', '?', '[', '{']);
    if !is_pattern && !text.starts_with("flow_") {
        return Err(wrong("it names no flow".to_owned(), "ids begin with `flow_`: write `flow_pay*`"));
    }
    let built = GlobBuilder::new(text).build().map_err(|error| wrong(error.kind().to_string(), ""))?;
    Ok((text.to_owned(), built))
}

impl PartialEq for Protect {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Protect {}

impl fmt::Debug for Protect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.written).finish()
    }
}

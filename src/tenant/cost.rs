//! What a change will take of a tenant.

use std::fmt;

use serde::Serialize;

/// How many nodes of a flow a change touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NodeCount {
    /// New ones.
    pub added: usize,
    /// Those that go.
    pub removed: usize,
    /// Those that stand elsewhere.
    pub moved: usize,
    /// Those that are written and were there.
    pub changed: usize,
}

/// `+2 −1 ~3 >1 nodes`, as the marks of a plan; `fields` where it is the flow's own fields alone
impl fmt::Display for NodeCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, removed, moved, changed } = *self;
        let marks = [("+", added), ("\u{2212}", removed), ("~", changed), (">", moved)];
        let counted: Vec<String> =
            marks.into_iter().filter(|(_, n)| *n > 0).map(|(mark, n)| format!("{mark}{n}")).collect();
        match (counted.as_slice(), added + removed + moved + changed) {
            ([], _) => f.write_str("fields"),
            (counted, 1) => write!(f, "{} node", counted.concat()),
            (counted, _) => write!(f, "{} nodes", counted.join(" ")),
        }
    }
}

/// What one change takes, as far as that is known beforehand. Pure: nobody was asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// By which way it gets there, in a word.
    pub route: &'static str,
    /// Requests to write it, roughly.
    pub writes: usize,
    /// Requests to read it back, roughly.
    pub reads: usize,
    /// Most requests that this tenant is asked in 5 minutes.
    #[serde(rename = "requestsPer5Minutes")]
    pub per_5_minutes: u32,
    /// How many nodes of the flow change; absent where it comes or goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeCount>,
    /// What else comes with it, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_with_the_marks_of_a_plan() {
        let count = |added, removed, changed, moved| NodeCount { added, removed, moved, changed }.to_string();
        assert_eq!(count(2, 1, 3, 0), "+2 \u{2212}1 ~3 nodes");
        assert_eq!((count(0, 0, 1, 0), count(0, 0, 0, 2)), ("~1 node".to_owned(), ">2 nodes".to_owned()));
        assert_eq!(count(0, 0, 0, 0), "fields");
    }
}

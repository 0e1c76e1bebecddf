//! What is left out when two flows are compared.

use super::defaults::Defaults;
use super::document::{Document, Kind, Node};
use super::pointer;

/// The top-level member that the tenant sets and no comparison looks at.
const ENVIRONMENT_ID: &str = "environmentId";

/// How two flows are compared: always without the top-level `environmentId`, without what the
/// configuration's `ignore` names, and without settings of nodes that only say their default.
///
/// A pointer is a JSON pointer (RFC 6901) in which the segment `*` matches any one key or index. What
/// it names is taken out before comparing; naming nothing is no mistake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    ignored: Vec<String>,
    patterns: Vec<Vec<Segment>>,
    defaults: Defaults,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Any,
    Named(String),
}

/// An `ignore` entry is no JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a JSON pointer like `/nodes/*/position`, found `{pointer}`: {problem}")]
pub struct IgnoreError {
    /// The entry.
    pub pointer: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Comparison {
    /// Ignores what `pointers` name.
    ///
    /// # Errors
    ///
    /// The first entry that is no pointer to a part of a document.
    pub fn new(pointers: &[String]) -> Result<Self, IgnoreError> {
        let patterns = pointers.iter().map(|pointer| pattern(pointer)).collect::<Result<_, _>>()?;
        Ok(Self { ignored: pointers.to_vec(), patterns, defaults: Defaults::default() })
    }

    /// The pointers it was made from.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The same without these defaults too; nothing where they are all left out already.
    #[must_use]
    pub fn with_defaults(&self, defaults: &Defaults) -> Option<Self> {
        let defaults = self.defaults.with(defaults)?;
        Some(Self { defaults, ..self.clone() })
    }

    /// The defaults that are left out.
    #[must_use]
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// What it was made from, a line each: where that is the same, so is every equality hash.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        self.ignored.iter().cloned().chain(self.defaults.lines()).collect()
    }

    /// Cells of the values that are left out, sorted, each once.
    pub(in crate::flow) fn removed_from(&self, document: &Document) -> Vec<u32> {
        let root = document.root();
        let mut removed: Vec<u32> = root.member(ENVIRONMENT_ID).map(Node::index).into_iter().collect();
        for pattern in &self.patterns {
            collect(root, pattern, &mut removed);
        }
        self.defaults.collect(document, &mut removed);
        removed.sort_unstable();
        removed.dedup();
        removed
    }
}

fn pattern(pointer: &str) -> Result<Vec<Segment>, IgnoreError> {
    let wrong = |problem| IgnoreError { pointer: pointer.to_owned(), problem };
    let segments = match pointer.strip_prefix('/') {
        Some(segments) => segments,
        None if pointer.is_empty() => return Err(wrong("the whole flow cannot be ignored")),
        None => return Err(wrong("it must begin with `/`")),
    };
    let segment = |segment: &str| match segment {
        "*" => Ok(Segment::Any),
        _ => pointer::unescape(segment)
            .map(Segment::Named)
            .ok_or_else(|| wrong("a `~` is written `~0`, a `/` in a key `~1`")),
    };
    segments.split('/').map(segment).collect()
}

/// Recursion ends where the pattern does.
fn collect(node: Node<'_>, pattern: &[Segment], removed: &mut Vec<u32>) {
    let Some((segment, rest)) = pattern.split_first() else {
        return removed.push(node.index());
    };
    match (node.kind(), segment) {
        (Kind::Object, Segment::Any) => node.members().for_each(|(_, value)| collect(value, rest, removed)),
        (Kind::Array, Segment::Any) => node.elements().for_each(|value| collect(value, rest, removed)),
        (Kind::Object, Segment::Named(key)) => {
            node.member(key).into_iter().for_each(|value| collect(value, rest, removed))
        }
        (Kind::Array, Segment::Named(index)) => {
            let element = pointer::index(index).and_then(|index| node.elements().nth(index));
            element.into_iter().for_each(|value| collect(value, rest, removed));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(pointers: &[&str]) -> Comparison {
        Comparison::new(&pointers.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[track_caller]
    fn check(pointers: &[&str], full: &str, reduced: &str) {
        let parse = |text: &str| Document::parse(text.as_bytes()).unwrap();
        assert_eq!(parse(full).equality_hash(&comparison(pointers)), parse(reduced).content_hash());
    }

    #[test]
    fn the_environment_is_never_compared() {
        check(&[], r#"{"environmentId":"e","a":{"environmentId":"kept"}}"#, r#"{"a":{"environmentId":"kept"}}"#);
        check(&["/environmentId"], r#"{"environmentId":"e"}"#, "{}");
    }

    #[test]
    fn what_is_ignored_is_left_out() {
        check(&["/a"], r#"{"b":1,"a":2}"#, r#"{"b":1}"#);
        check(&["/a/1"], r#"{"a":[1,2,3]}"#, r#"{"a":[1,3]}"#);
        check(&["/a/*"], r#"{"a":[1,2,3],"b":[4]}"#, r#"{"a":[],"b":[4]}"#);
        check(&["/n/*/x"], r#"{"n":[{"x":1,"y":2},{"y":3},4]}"#, r#"{"n":[{"y":2},{"y":3},4]}"#);
        check(&["/*/x"], r#"{"a":{"x":1},"b":{"x":[],"y":1}}"#, r#"{"a":{},"b":{"y":1}}"#);
        check(&["/a~1b/~0"], r#"{"a/b":{"~":1,"c":2}}"#, r#"{"a/b":{"c":2}}"#);
        check(&["/"], r#"{"":1,"a":2}"#, r#"{"a":2}"#);
        check(&["/a", "/a/b"], r#"{"a":{"b":1},"c":1}"#, r#"{"c":1}"#);
    }

    #[test]
    fn what_names_nothing_changes_nothing() {
        check(&["/a/01", "/a/-", "/a/x", "/b/c", "/*/*/*"], r#"{"a":[1,2],"b":1}"#, r#"{"a":[1,2],"b":1}"#);
    }

    #[test]
    fn a_bad_pointer_is_named() {
        for bad in ["", "a", "*", "/~2", "/a~"] {
            assert_eq!(Comparison::new(&["/ok".into(), bad.into()]).unwrap_err().pointer, bad);
        }
    }
}

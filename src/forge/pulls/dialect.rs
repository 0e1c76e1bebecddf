//! What the kinds of forges have in common, and what each brings.

use serde_json::Value;

use super::super::site::Ask;

/// The longest title that every forge takes, in characters.
pub(crate) const TITLE_CHARS_MAX: usize = 255;

/// What a pull request is to say: a branch that is to be merged into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The branch with what is proposed; it is there already.
    pub head: String,
    /// The branch it is for.
    pub base: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A pull request that is open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) number: u64,
    pub(super) address: String,
    pub(super) title: String,
    pub(super) body: String,
}

/// How a kind of forge speaks of pull requests.
pub(super) trait Dialect: Sync {
    /// Pull requests asked for in one page.
    fn page_items(&self) -> usize;

    /// Asks for a page of those that are open, the first is 1.
    fn list(&self, project: &str, wanted: &PullRequest, page: usize) -> Ask;

    /// Whether one of them is open from the project's own branch to the other.
    fn is_meant(&self, item: &Value, project: &str, wanted: &PullRequest) -> bool;

    /// What of one is looked at; none where it is not all there.
    fn read(&self, item: &Value) -> Option<Open>;

    fn create(&self, project: &str, wanted: &PullRequest) -> Ask;

    fn update(&self, project: &str, number: u64, title: &str, body: &str) -> Ask;
}

impl Open {
    /// Whether there is nothing to change. Forges write line ends their own way.
    pub(super) fn says(&self, title: &str, body: &str) -> bool {
        let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
        self.title.trim() == title.trim() && plain(&self.body) == plain(body)
    }
}

/// The text of a member.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The text of a member that may be missing or null.
pub(super) fn text_or_nothing(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or("").to_owned()
}

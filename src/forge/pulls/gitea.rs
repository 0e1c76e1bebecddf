//! <https://docs.gitea.com/api>: much as GitHub has it, but for a list that knows no branches.

use reqwest::Method;
use serde_json::Value;

use super::super::site::Ask;
use super::dialect::{Dialect, Open, PullRequest};
use super::github;

pub(super) struct Gitea;

impl Dialect for Gitea {
    /// The most that a server gives unless it is told otherwise.
    fn page_items(&self) -> usize {
        50
    }

    fn list(&self, project: &str, _: &PullRequest, page: usize) -> Ask {
        let query =
            vec![("state", "open".to_owned()), ("page", page.to_string()), ("limit", self.page_items().to_string())];
        Ask { method: Method::GET, path: github::path(project, None), query, body: None }
    }

    fn is_meant(&self, item: &Value, project: &str, wanted: &PullRequest) -> bool {
        github::is_between(item, project, wanted)
    }

    fn read(&self, item: &Value) -> Option<Open> {
        github::read(item)
    }

    fn create(&self, project: &str, wanted: &PullRequest) -> Ask {
        github::create(project, wanted)
    }

    fn update(&self, project: &str, number: u64, title: &str, body: &str) -> Ask {
        github::update(project, number, title, body)
    }
}

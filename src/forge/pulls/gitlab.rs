//! <https://docs.gitlab.com/api/merge_requests/>

use reqwest::Method;
use serde_json::{Value, json};

use super::super::site::Ask;
use super::dialect::{Dialect, Open, PullRequest, text, text_or_nothing};

pub(super) struct GitLab;

impl Dialect for GitLab {
    fn page_items(&self) -> usize {
        100
    }

    fn list(&self, project: &str, wanted: &PullRequest, page: usize) -> Ask {
        let mut query = vec![
            ("state", "opened".to_owned()),
            ("source_branch", wanted.head.clone()),
            ("target_branch", wanted.base.clone()),
            ("per_page", self.page_items().to_string()),
        ];
        if page > 1 {
            query.push(("page", page.to_string()));
        }
        Ask { method: Method::GET, path: path(project, None), query, body: None }
    }

    fn is_meant(&self, item: &Value, _: &str, wanted: &PullRequest) -> bool {
        let number = |name| item.get(name).and_then(Value::as_u64);
        let target = number("target_project_id").or(number("project_id"));
        let is_own = match item.get("source_project_id") {
            // A fork that is gone.
            Some(Value::Null) => false,
            Some(source) => source.as_u64() == target,
            None => true,
        };
        is_own
            && text(item, "/source_branch") == Some(&wanted.head)
            && text(item, "/target_branch") == Some(&wanted.base)
            && text(item, "/state").is_none_or(|state| state == "opened")
    }

    fn read(&self, item: &Value) -> Option<Open> {
        Some(Open {
            number: item.get("iid")?.as_u64()?,
            address: text(item, "/web_url")?.to_owned(),
            title: text_or_nothing(item, "/title"),
            body: text_or_nothing(item, "/description"),
        })
    }

    fn create(&self, project: &str, wanted: &PullRequest) -> Ask {
        let PullRequest { head, base, title, body } = wanted;
        let body = json!({ "source_branch": head, "target_branch": base, "title": title, "description": body });
        Ask { method: Method::POST, path: path(project, None), query: Vec::new(), body: Some(body) }
    }

    fn update(&self, project: &str, number: u64, title: &str, body: &str) -> Ask {
        let body = json!({ "title": title, "description": body });
        Ask { method: Method::PUT, path: path(project, Some(number)), query: Vec::new(), body: Some(body) }
    }
}

/// `projects/{path, encoded}/merge_requests`, or one of them.
fn path(project: &str, number: Option<u64>) -> Vec<String> {
    let number = number.map(|number| number.to_string());
    ["projects", project, "merge_requests"].into_iter().map(str::to_owned).chain(number).collect()
}

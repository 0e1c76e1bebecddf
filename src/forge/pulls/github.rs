//! <https://docs.github.com/en/rest/pulls/pulls>

use reqwest::Method;
use serde_json::{Value, json};

use super::super::site::Ask;
use super::dialect::{Dialect, Open, PullRequest, text, text_or_nothing};

pub(super) struct GitHub;

impl Dialect for GitHub {
    fn page_items(&self) -> usize {
        100
    }

    fn list(&self, project: &str, wanted: &PullRequest, page: usize) -> Ask {
        let owner = project.split('/').next().unwrap_or(project);
        let mut query = vec![
            ("state", "open".to_owned()),
            ("head", format!("{owner}:{}", wanted.head)),
            ("base", wanted.base.clone()),
            ("per_page", self.page_items().to_string()),
        ];
        if page > 1 {
            query.push(("page", page.to_string()));
        }
        Ask { method: Method::GET, path: path(project, None), query, body: None }
    }

    fn is_meant(&self, item: &Value, project: &str, wanted: &PullRequest) -> bool {
        is_between(item, project, wanted)
    }

    fn read(&self, item: &Value) -> Option<Open> {
        read(item)
    }

    fn create(&self, project: &str, wanted: &PullRequest) -> Ask {
        create(project, wanted)
    }

    fn update(&self, project: &str, number: u64, title: &str, body: &str) -> Ask {
        update(project, number, title, body)
    }
}

/// `repos/{owner}/{repo}/pulls`, or one of them.
pub(super) fn path(project: &str, number: Option<u64>) -> Vec<String> {
    let project = project.split('/').map(str::to_owned);
    let number = number.map(|number| number.to_string());
    std::iter::once("repos".to_owned()).chain(project).chain(["pulls".to_owned()]).chain(number).collect()
}

/// Whether a pull request is open between two branches of the same repository.
pub(super) fn is_between(item: &Value, project: &str, wanted: &PullRequest) -> bool {
    text(item, "/head/ref") == Some(&wanted.head)
        && text(item, "/base/ref") == Some(&wanted.base)
        && text(item, "/state").is_none_or(|state| state == "open")
        && is_within_one(item, project, &wanted.head)
}

/// Whether a branch of the project itself is proposed, not one of a fork that has the same name.
fn is_within_one(item: &Value, project: &str, head: &str) -> bool {
    for id in ["repo_id", "repo/id"] {
        let of = |side: &str| item.pointer(&format!("/{side}/{id}")).and_then(Value::as_u64);
        if let (Some(head), Some(base)) = (of("head"), of("base")) {
            return head == base;
        }
    }
    match item.pointer("/head/repo") {
        // A fork that is gone.
        Some(Value::Null) => false,
        Some(repo) => text(repo, "/full_name").is_some_and(|name| name.eq_ignore_ascii_case(project)),
        None => {
            let owner = project.split('/').next().unwrap_or(project);
            let own = format!("{owner}:{head}");
            text(item, "/head/label").is_none_or(|label| label == head || label.eq_ignore_ascii_case(&own))
        }
    }
}

pub(super) fn read(item: &Value) -> Option<Open> {
    Some(Open {
        number: item.get("number")?.as_u64()?,
        address: text(item, "/html_url")?.to_owned(),
        title: text_or_nothing(item, "/title"),
        body: text_or_nothing(item, "/body"),
    })
}

pub(super) fn create(project: &str, wanted: &PullRequest) -> Ask {
    let PullRequest { head, base, title, body } = wanted;
    let body = json!({ "title": title, "body": body, "head": head, "base": base });
    Ask { method: Method::POST, path: path(project, None), query: Vec::new(), body: Some(body) }
}

pub(super) fn update(project: &str, number: u64, title: &str, body: &str) -> Ask {
    let body = json!({ "title": title, "body": body });
    Ask { method: Method::PATCH, path: path(project, Some(number)), query: Vec::new(), body: Some(body) }
}

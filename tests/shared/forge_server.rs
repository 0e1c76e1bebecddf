//! A stand-in for GitHub, GitLab or Gitea: it holds pull requests, and takes documented requests only.
//!
//! GitHub: <https://docs.github.com/en/rest/pulls/pulls>, GitLab: <https://docs.gitlab.com/api/merge_requests/>, Gitea:
//! <https://docs.gitea.com/api>. A request that none of them documents is answered 400, and fails the test.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub use crate::test_http::Answer as Instead;
use crate::test_http::{Request, serve};

/// What every request must prove itself by.
pub const TOKEN: &str = "c4nary/t0ken+of=the forge";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    GitLab,
    Gitea,
}

pub const KINDS: [Kind; 3] = [Kind::GitHub, Kind::GitLab, Kind::Gitea];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub number: u64,
    pub head: String,
    pub base: String,
    pub title: String,
    pub body: String,
    pub is_open: bool,
    pub is_of_fork: bool,
}

/// What happens to one request instead of what it asks for, or, where it is done, instead of the answer.
#[derive(Debug, Clone)]
struct Fault {
    method: &'static str,
    is_done: bool,
    answer: Instead,
}

#[derive(Debug, Clone)]
struct Seen {
    method: String,
    /// As it came, encoded.
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: String,
}

pub struct ForgeServer {
    pub kind: Kind,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    pulls: Vec<Pull>,
    seen: Vec<Seen>,
    faults: VecDeque<Fault>,
    undocumented: Vec<String>,
    /// Most pull requests in one page; `Link` tells of the next one.
    page_items_max: Option<usize>,
}

type Reply = (u16, Vec<(String, String)>, String);

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
        }
    }

    /// The project that is there.
    pub fn project(self) -> &'static str {
        if self == Self::GitLab { "acme/bots/flows" } else { "acme/flows" }
    }

    /// How an existing one is changed.
    pub fn update(self) -> &'static str {
        if self == Self::GitLab { "PUT" } else { "PATCH" }
    }

    fn project_path(self) -> &'static str {
        match self {
            Self::GitHub => "/repos/acme/flows",
            Self::GitLab => "/api/v4/projects/acme%2Fbots%2Fflows",
            Self::Gitea => "/api/v1/repos/acme/flows",
        }
    }

    fn pulls_path(self) -> String {
        format!("{}/{}", self.project_path(), if self == Self::GitLab { "merge_requests" } else { "pulls" })
    }
}

impl ForgeServer {
    pub fn start(kind: Kind) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let served = Arc::clone(&state);
        let address = serve(move |request| handle(kind, request, &mut served.lock().unwrap()));
        Self { kind, address, state }
    }

    /// The root of the site.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `repository.forge`, on one line.
    pub fn yaml(&self, token: &str) -> String {
        let (kind, project, url) = (self.kind.name(), self.kind.project(), self.url());
        format!("{{ kind: {kind}, project: {project}, url: '{url}', token: {token} }}")
    }

    /// The address of one pull request, as people open it.
    pub fn page(&self, number: u64) -> String {
        page(self.kind, &self.address.to_string(), number)
    }

    pub fn fail(&self, method: &'static str, is_done: bool, answer: Instead) {
        self.state.lock().unwrap().faults.push_back(Fault { method, is_done, answer });
    }

    /// Answers the next request of this method with a status.
    pub fn fail_with(&self, method: &'static str, is_done: bool, status: u16, body: &str) {
        self.fail(method, is_done, Instead::Reply { status, headers: Vec::new(), body: body.to_owned() });
    }

    pub fn add(&self, pull: Pull) {
        self.state.lock().unwrap().pulls.push(pull);
    }

    pub fn give_pages_of(&self, n_items: usize) {
        self.state.lock().unwrap().page_items_max = Some(n_items);
    }

    pub fn pulls(&self) -> Vec<Pull> {
        self.state.lock().unwrap().pulls.clone()
    }

    /// The methods of all requests since the last question, in order.
    pub fn methods(&self) -> String {
        let seen = std::mem::take(&mut self.state.lock().unwrap().seen);
        seen.into_iter().map(|seen| seen.method).collect::<Vec<_>>().join(" ")
    }
}

impl Drop for ForgeServer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let undocumented = std::mem::take(&mut self.state.lock().unwrap().undocumented);
            assert!(undocumented.is_empty(), "{undocumented:#?}");
        }
    }
}

impl Pull {
    pub fn new(number: u64, head: &str, base: &str) -> Self {
        let (title, body) = ("by a person".to_owned(), String::new());
        Self { number, head: head.to_owned(), base: base.to_owned(), title, body, is_open: true, is_of_fork: false }
    }
}

fn page(kind: Kind, host: &str, number: u64) -> String {
    let project = kind.project();
    match kind {
        Kind::GitHub => format!("http://{host}/{project}/pull/{number}"),
        Kind::GitLab => format!("http://{host}/{project}/-/merge_requests/{number}"),
        Kind::Gitea => format!("http://{host}/{project}/pulls/{number}"),
    }
}

fn handle(kind: Kind, request: Request, state: &mut State) -> Instead {
    let seen = Seen::of(request);
    state.seen.push(seen.clone());
    let at = state.faults.iter().position(|fault| fault.method == seen.method);
    let fault = at.and_then(|at| state.faults.remove(at));
    if let Some(Fault { is_done: false, answer, .. }) = fault {
        return answer;
    }
    let (status, headers, body) = answer(kind, &seen, state);
    fault.map_or(Instead::Reply { status, headers, body }, |fault| fault.answer)
}

impl Seen {
    fn of(request: Request) -> Self {
        let Request { method, target, headers, body } = request;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query: url::Url = format!("http://t/?{query}").parse().unwrap();
        let query = query.query_pairs().into_owned().collect();
        Self { method, path: path.to_owned(), query, headers, body: String::from_utf8(body).unwrap() }
    }
}

/// What the forge says to a documented request.
fn answer(kind: Kind, seen: &Seen, state: &mut State) -> Reply {
    if let Err(why) = is_documented(kind, seen) {
        state.undocumented.push(format!("{why}: {seen:?}"));
        return reply(400, &json!({ "message": why }));
    }
    if !is_signed(kind, seen) {
        let echo: String = seen.headers.values().map(|value| format!("{value} ")).collect();
        return reply(401, &json!({ "message": format!("Bad credentials: {echo}") }));
    }
    let host = seen.headers["host"].clone();
    let of_body = |name: &str| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        body[name].as_str().unwrap_or_default().to_owned()
    };
    let (head, base, text) = match kind {
        Kind::GitLab => ("source_branch", "target_branch", "description"),
        Kind::GitHub | Kind::Gitea => ("head", "base", "body"),
    };
    match seen.method.as_str() {
        "GET" if seen.path == kind.project_path() => reply(200, &json!({ "id": 1 })),
        "GET" => list(kind, seen, state, &host),
        "POST" => {
            let (head, base) = (of_body(head), of_body(base));
            let is_same = |pull: &Pull| pull.is_open && !pull.is_of_fork && pull.head == head && pull.base == base;
            if state.pulls.iter().any(is_same) {
                return refused_twice(kind, &head);
            }
            let number = state.pulls.iter().map(|pull| pull.number).max().unwrap_or_default() + 1;
            let (title, body) = (of_body("title"), of_body(text));
            let pull = Pull { title, body, ..Pull::new(number, &head, &base) };
            state.pulls.push(pull.clone());
            reply(201, &shown(kind, &pull, &host))
        }
        _ => {
            let number = seen.path.rsplit('/').next().and_then(|number| number.parse::<u64>().ok());
            let found = state.pulls.iter_mut().find(|pull| Some(pull.number) == number);
            let Some(pull) = found else { return reply(404, &json!({ "message": "Not Found" })) };
            (pull.title, pull.body) = (of_body("title"), of_body(text));
            reply(200, &shown(kind, pull, &host))
        }
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    (status, vec![("content-type".to_owned(), "application/json".to_owned())], body.to_string())
}

fn refused_twice(kind: Kind, head: &str) -> Reply {
    match kind {
        Kind::GitHub => {
            let errors = json!([{ "resource": "PullRequest", "code": "custom", "message": format!("A pull request already exists for acme:{head}.") }]);
            reply(422, &json!({ "message": "Validation Failed", "errors": errors }))
        }
        Kind::GitLab => {
            reply(409, &json!({ "message": ["Another open merge request already exists for this source branch: !1"] }))
        }
        Kind::Gitea => reply(409, &json!({ "message": "pull request already exists for these targets" })),
    }
}

fn list(kind: Kind, seen: &Seen, state: &State, host: &str) -> Reply {
    let of = |name: &str| seen.query.get(name).cloned();
    let is_asked = |pull: &&Pull| match kind {
        // By the owner of the head: what is a fork's has another.
        Kind::GitHub => Some(format!("acme:{}", pull.head)) == of("head") && Some(&pull.base) == of("base").as_ref(),
        Kind::GitLab => {
            Some(&pull.head) == of("source_branch").as_ref() && Some(&pull.base) == of("target_branch").as_ref()
        }
        Kind::Gitea => true,
    };
    let pulls: Vec<&Pull> = state.pulls.iter().filter(|pull| pull.is_open).filter(is_asked).collect();
    let number = |name: &str| of(name).and_then(|number| number.parse::<usize>().ok());
    let asked = number("per_page").or(number("limit")).unwrap_or(20);
    let n_items = state.page_items_max.unwrap_or(asked).min(asked);
    let page = number("page").unwrap_or(1);
    let items: Vec<Value> =
        pulls.iter().skip((page - 1) * n_items).take(n_items).map(|pull| shown(kind, pull, host)).collect();
    let (status, mut headers, body) = reply(200, &Value::Array(items));
    if state.page_items_max.is_some() && pulls.len() > page * n_items {
        // Behind another name than ours: only the number of the page is good for anything.
        let next = format!("<http://forge.invalid{}?page={}>; rel=\"next\"", seen.path, page + 1);
        headers.push(("link".to_owned(), format!("{next}, <http://forge.invalid/?page=9>; rel=\"last\"")));
    }
    (status, headers, body)
}

fn shown(kind: Kind, pull: &Pull, host: &str) -> Value {
    let Pull { number, head, base, title, body, is_open, is_of_fork } = pull;
    let (own, source) = (7, if *is_of_fork { 8 } else { 7 });
    let address = page(kind, host, *number);
    match kind {
        Kind::GitLab => json!({
            "id": number + 1_000, "iid": number, "project_id": own, "web_url": address, "title": title,
            "description": body, "state": if *is_open { "opened" } else { "closed" }, "source_branch": head,
            "target_branch": base, "source_project_id": source, "target_project_id": own,
        }),
        Kind::GitHub | Kind::Gitea => {
            let repository =
                |id: u64| json!({ "id": id, "full_name": if id == own { "Acme/Flows" } else { "eve/flows" } });
            let mut pull = json!({
                "id": number + 1_000, "number": number, "html_url": address, "title": title, "body": body,
                "state": if *is_open { "open" } else { "closed" },
                "head": { "ref": head, "repo": repository(source) }, "base": { "ref": base, "repo": repository(own) },
            });
            if kind == Kind::Gitea {
                pull["head"]["repo_id"] = json!(source);
                pull["base"]["repo_id"] = json!(own);
            }
            if kind == Kind::GitHub && body.is_empty() {
                pull["body"] = Value::Null;
            }
            pull
        }
    }
}

fn is_signed(kind: Kind, seen: &Seen) -> bool {
    let (name, value) = match kind {
        Kind::GitHub => ("authorization", format!("Bearer {TOKEN}")),
        Kind::GitLab => ("private-token", TOKEN.to_owned()),
        Kind::Gitea => ("authorization", format!("token {TOKEN}")),
    };
    seen.headers.get(name) == Some(&value)
}

fn is_documented(kind: Kind, seen: &Seen) -> Result<(), String> {
    let header = |name: &str, expected: &str| match seen.headers.get(name) {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("expected `{name}: {expected}`, found {found:?}")),
    };
    match kind {
        Kind::GitHub => {
            header("accept", "application/vnd.github+json")?;
            header("x-github-api-version", "2022-11-28")?;
        }
        Kind::GitLab | Kind::Gitea => header("accept", "application/json")?,
    }
    if !seen.headers.get("user-agent").is_some_and(|agent| agent.starts_with("flowsync/")) {
        return Err("GitHub refuses who does not say its name".to_owned());
    }
    let below = seen.path.strip_prefix(&kind.pulls_path());
    let query: Vec<&str> = seen.query.keys().map(String::as_str).collect();
    match (seen.method.as_str(), below) {
        ("GET", None) if seen.path == kind.project_path() && query.is_empty() => Ok(()),
        ("GET", Some("")) => is_list(kind, seen, &query),
        ("POST", Some("")) if query.is_empty() => {
            header("content-type", "application/json")?;
            let members: &[&str] = match kind {
                Kind::GitLab => &["description", "source_branch", "target_branch", "title"],
                Kind::GitHub | Kind::Gitea => &["base", "body", "head", "title"],
            };
            has_texts(&seen.body, members)
        }
        (method, Some(number)) if method == kind.update() && query.is_empty() => {
            header("content-type", "application/json")?;
            let number = number.strip_prefix('/').and_then(|number| number.parse::<u64>().ok());
            number.ok_or("no number")?;
            has_texts(&seen.body, if kind == Kind::GitLab { &["description", "title"] } else { &["body", "title"] })
        }
        _ => Err("no such request".to_owned()),
    }
}

fn is_list(kind: Kind, seen: &Seen, query: &[&str]) -> Result<(), String> {
    let (members, state) = match kind {
        Kind::GitHub => (["base", "head", "per_page", "state"].as_slice(), "open"),
        Kind::GitLab => (["per_page", "source_branch", "state", "target_branch"].as_slice(), "opened"),
        Kind::Gitea => (["limit", "state"].as_slice(), "open"),
    };
    let found: Vec<&str> = query.iter().copied().filter(|name| *name != "page").collect();
    if found != members || seen.query["state"] != state || !seen.body.is_empty() {
        return Err(format!("expected {members:?} and state {state}"));
    }
    Ok(())
}

/// Whether a body has these members and no other, each a text.
fn has_texts(body: &str, members: &[&str]) -> Result<(), String> {
    let body: BTreeMap<String, String> = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let found: Vec<&str> = body.keys().map(String::as_str).collect();
    if found == members { Ok(()) } else { Err(format!("expected {members:?}, found {found:?}")) }
}

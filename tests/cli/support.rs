//! One place to run the binary in: a home, a bare repository with a work tree, a configuration.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http_server::{HttpServer, Rules};
use crate::tenant::Tenant;

/// Long enough for a slow machine; only a hang meets it.
const HANG: Duration = Duration::from_secs(60);

/// How one run of the binary ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Stdout, which is to be one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr holds every text.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        texts.iter().for_each(|text| assert!(self.stderr.contains(text), "expected `{text}` in\n{}", self.stderr));
        self
    }

    /// Asserts that stdout holds every text.
    #[track_caller]
    pub fn prints(self, texts: &[&str]) -> Self {
        texts.iter().for_each(|text| assert!(self.stdout.contains(text), "expected `{text}` in\n{}", self.stdout));
        self
    }

    /// `sync --output json` in a line: exit code, then each environment's result and flows.
    pub fn summary(&self) -> String {
        let document = self.json();
        let environments = document["environments"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        let flow =
            |flow: &Value| format!("{} {} {}", word(&flow["action"]), short(&flow["id"]), word(&flow["outcome"]));
        let one = |environment: &Value| {
            let flows: Vec<String> = environment["flows"].as_array().unwrap().iter().map(flow).collect();
            format!("{} {}", word(&environment["result"]), flows.join(", ")).trim_end().to_owned()
        };
        format!("{} {}", self.code, environments.iter().map(one).collect::<Vec<_>>().join(" | "))
    }

    /// The only environment of `sync --output json`.
    pub fn environment(&self) -> Value {
        self.json()["environments"][0].clone()
    }
}

/// The text of a JSON string.
pub fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("null")
}

fn short(id: &Value) -> &str {
    word(id).trim_start_matches("flow_")
}

/// A flow from a line such as `a 1.0.0 > b intent:hello flow:c@env_staging`; the name may follow in quotes after a
/// second `=`: `a 1.0.0 = New name > b`.
pub fn flow(line: &str) -> Value {
    let (head, needs) = line.split_once('>').unwrap_or((line, ""));
    let (head, name) = head.split_once('=').unwrap_or((head, ""));
    let mut words = head.split_whitespace();
    let (id, version) = (words.next().unwrap(), words.next().unwrap_or("1.0.0"));
    let name = if name.is_empty() { format!("Flow {id}") } else { name.trim().to_owned() };
    let references: Vec<Value> = needs.split_whitespace().map(reference).collect();
    json!({
        "id": format!("flow_{id}"), "name": name, "version": version,
        "nodes": [
            { "id": "start", "type": "start", "configuration": {} },
            { "id": "end", "type": "end", "configuration": { "version": version } },
        ],
        "edges": [{ "from": "start", "to": "end", "condition": null }],
        "externalReferences": references,
    })
}

fn reference(need: &str) -> Value {
    let (need, environment) = need.split_once('@').unwrap_or((need, "env_prod"));
    let (kind, id) = need.split_once(':').unwrap_or(("flow", need));
    let id = if kind == "flow" { format!("flow_{id}") } else { id.to_owned() };
    json!({ "type": kind, "id": id, "environmentId": environment })
}

/// Runs git away from anybody's configuration; its output, trimmed.
#[track_caller]
pub fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(dir).env("TZ", "UTC").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
    }
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Comes back when `done` holds.
#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < HANG, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder with everything one user has.
pub struct Place {
    pub dir: TempDir,
    pub tenant: Tenant,
    variables: BTreeMap<String, String>,
}

impl Place {
    /// A repository whose `main` holds these flows, a tenant that holds none, one environment `production`.
    pub fn new(flows: &[&str]) -> Self {
        Self::with("", flows)
    }

    /// The same, with lines of `sync:`, two blanks before each key.
    pub fn with(sync: &str, flows: &[&str]) -> Self {
        let tenant = Tenant::start();
        let mut variables = BTreeMap::new();
        variables.insert("CLIENT_ID".to_owned(), "sandbox-client".to_owned());
        variables.insert("CLIENT_SECRET".to_owned(), "sandbox-secret".to_owned());
        let place = Self { dir: tempfile::tempdir().unwrap(), tenant, variables };
        for folder in ["home", "elsewhere"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        git(place.dir.path(), &["init", "-q", "--bare", "--initial-branch=main", "origin.git"]);
        git(place.dir.path(), &["init", "-q", "--initial-branch=main", "work"]);
        git(&place.work(), &["remote", "add", "origin", "../origin.git"]);
        place.configure(&place.repository_yaml(""), &place.environment_yaml("production", "env_prod", sync));
        place.write("README.md", "flows");
        place.commit(flows);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    pub fn origin(&self) -> PathBuf {
        self.path("origin.git")
    }

    /// The section `repository`, with more lines of it.
    pub fn repository_yaml(&self, more: &str) -> String {
        format!("repository:\n  url: {}\n  branch: main\n{more}", self.origin().display())
    }

    /// One environment, with lines of its `sync:`.
    pub fn environment_yaml(&self, name: &str, id: &str, sync: &str) -> String {
        let (url, token) = (self.tenant.url(), self.tenant.token_url());
        let sync: String = sync.lines().map(|line| format!("      {}\n", line.trim())).collect();
        format!(
            "  {name}:\n    tenant:\n      api: flows-v2\n      url: {url}\n      environmentId: {id}\n      auth:\n        oauth2:\n          tokenUrl: {token}\n          clientId: {{ env: CLIENT_ID }}\n          clientSecret: {{ env: CLIENT_SECRET }}\n    sync:\n      verifyTimeout: 1s\n{sync}"
        )
    }

    /// Writes the configuration.
    pub fn configure(&self, repository: &str, environments: &str) {
        let text = format!("version: 1\n{repository}environments:\n{environments}");
        fs::write(self.path("flowsync.yaml"), text).unwrap();
    }

    /// Edits the configuration.
    #[track_caller]
    pub fn edit_configuration(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("flowsync.yaml")).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path("flowsync.yaml"), text.replace(from, to)).unwrap();
    }

    /// Sets a variable for every later run.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Writes a file of the work tree.
    pub fn write(&self, path: &str, content: &str) {
        let file = self.work().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// Makes `main` hold exactly these flows, in `flows/<id>.json`, on top of whatever flowsync recorded.
    pub fn commit(&self, flows: &[&str]) -> String {
        self.update_work();
        _ = fs::remove_dir_all(self.work().join("flows"));
        for line in flows {
            let flow = flow(line);
            let id = word(&flow["id"]).trim_start_matches("flow_").to_owned();
            self.write(&format!("flows/{id}.json"), &format!("{flow:#}\n"));
        }
        self.push("flows")
    }

    /// Brings the work tree to the tip of `main`.
    pub fn update_work(&self) {
        if !git(&self.origin(), &["for-each-ref", "refs/heads/main"]).is_empty() {
            git(&self.work(), &["fetch", "-q", "origin", "main"]);
            git(&self.work(), &["reset", "-q", "--hard", "FETCH_HEAD"]);
        }
    }

    /// Commits the work tree as it stands and pushes it to `main`.
    pub fn push(&self, message: &str) -> String {
        git(&self.work(), &["add", "--all"]);
        git(&self.work(), &["commit", "-q", "--allow-empty", "-m", message]);
        git(&self.work(), &["push", "-q", "origin", "HEAD:refs/heads/main"]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    /// Installs a hook in the bare repository.
    pub fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let hook = self.origin().join("hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Serves the repository over HTTP and configures it so.
    pub fn serve(&self, rules: Rules) -> HttpServer {
        git(&self.origin(), &["config", "http.receivepack", "true"]);
        let server = HttpServer::start(self.dir.path(), rules);
        self.edit_configuration(&self.origin().display().to_string(), &server.url("origin.git"));
        server
    }

    /// The tip of `main`.
    pub fn tip(&self) -> String {
        git(&self.origin(), &["rev-parse", "main"])
    }

    /// Subjects of the commits of `main`, oldest first.
    pub fn subjects(&self) -> Vec<String> {
        git(&self.origin(), &["log", "--reverse", "--format=%s", "main"]).lines().map(str::to_owned).collect()
    }

    /// A file of `main`'s tip.
    pub fn show(&self, path: &str) -> String {
        git(&self.origin(), &["show", &format!("main:{path}")])
    }

    /// The newest manifest of `production`.
    pub fn manifest(&self) -> Value {
        serde_json::from_str(&self.show("deployments/production/manifest.json")).unwrap()
    }

    /// The binary, not started yet.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowsync"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home")).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("XDG_STATE_HOME", self.path("state")).env("XDG_CACHE_HOME", self.path("cache"));
        command.env("FLOWSYNC_CONFIG", self.path("flowsync.yaml")).envs(&self.variables);
        command.current_dir(self.path("elsewhere")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary outside of any work tree.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).spawn().unwrap())
    }

    /// Runs the binary in the work tree.
    pub fn run_in_work(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).current_dir(self.work()).spawn().unwrap())
    }

    /// `sync --output json` with more arguments.
    pub fn sync_with(&self, more: &[&str]) -> Ended {
        self.run(&[&["sync", "--output", "json"], more].concat())
    }

    /// `sync`, in a line.
    pub fn sync(&self) -> String {
        self.sync_with(&[]).summary()
    }
}

/// Waits for a child and takes what it said.
pub fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or(-1);
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

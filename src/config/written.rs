//! Reading the tree as sections of known keys, and collecting what is wrong with it.
//!
//! A check of one value returns [`Wrong`]; [`Findings`] remembers where, and looks up line and column only when
//! everything has been read. Values may be secrets put in the wrong place: text from under a key that should
//! name a secret never goes into a message.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::nearest;
use super::yaml::{Node, Value, locate, shorten};
use crate::problem::{Place, Problem, Rule, Severity};

/// A kind of section and the keys it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What it is called in messages.
    pub(super) name: &'static str,
    /// Its keys.
    pub(super) keys: &'static [&'static str],
}

/// The whole file.
pub(super) const FILE: Shape =
    Shape { name: "the file", keys: &["version", "repository", "environments", "server", "notifications"] };
/// `repository`.
pub(super) const REPOSITORY: Shape = Shape {
    name: "repository",
    keys: &[
        "url",
        "watch",
        "branch",
        "flows",
        "exclude",
        "overlays",
        "records",
        "recordsBranch",
        "author",
        "commitMessage",
        "credentials",
        "sealKey",
        "caFile",
        "allowInsecure",
        "forge",
    ],
};
/// `repository.forge`.
pub(super) const FORGE: Shape = Shape { name: "forge", keys: &["kind", "project", "token", "url"] };
/// `repository.author`.
pub(super) const AUTHOR: Shape = Shape { name: "author", keys: &["name", "email"] };
/// `repository.credentials`.
pub(super) const CREDENTIALS: Shape =
    Shape { name: "credentials", keys: &["username", "password", "sshKey", "passphrase", "knownHosts"] };
/// One of `environments`.
pub(super) const ENVIRONMENT: Shape =
    Shape { name: "an environment", keys: &["tenant", "branch", "flows", "sync", "release"] };
/// `tenant`.
pub(super) const TENANT: Shape = Shape {
    name: "tenant",
    keys: &[
        "api",
        "url",
        "environmentId",
        "projectId",
        "auth",
        "caFile",
        "allowInsecure",
        "requestsPer5Minutes",
        "references",
        "write",
        "scan",
        "fullScan",
        "snapshot",
        "organisationId",
    ],
};
/// `tenant.auth`.
pub(super) const AUTH: Shape = Shape { name: "auth", keys: &["oauth2", "apiKey"] };
/// `tenant.auth.oauth2`.
pub(super) const OAUTH2: Shape = Shape { name: "oauth2", keys: &["tokenUrl", "clientId", "clientSecret"] };
/// `sync`.
pub(super) const SYNC: Shape = Shape {
    name: "sync",
    keys: &[
        "interval",
        "concurrency",
        "drift",
        "approval",
        "windows",
        "verify",
        "prune",
        "protect",
        "maxDeletes",
        "ignore",
        "verifyTimeout",
        "deployTimeout",
        "passDeadline",
    ],
};
/// `release`.
pub(super) const RELEASE: Shape =
    Shape { name: "release", keys: &["mode", "endpoints", "endpointUrl", "smokeTest", "smokeTestTimeout"] };
/// `sync.verify`.
pub(super) const VERIFY: Shape = Shape { name: "verify", keys: &["allowedSigners", "openpgpKeys"] };
/// One of `sync.windows`.
pub(super) const WINDOW: Shape = Shape { name: "a window", keys: &["kind", "schedule", "duration", "timeZone"] };
/// One of `notifications`.
pub(super) const NOTIFICATION: Shape = Shape {
    name: "a notification",
    keys: &["kind", "url", "secret", "token", "project", "events", "environments", "caFile", "allowInsecure"],
};
/// `server`.
pub(super) const SERVER: Shape = Shape { name: "server", keys: &["token", "readToken", "webhook"] };
/// `server.webhook`.
pub(super) const WEBHOOK: Shape = Shape { name: "webhook", keys: &["secret"] };
/// A secret.
pub(super) const SECRET: Shape = Shape { name: "a secret", keys: &["env", "file"] };

/// Every kind of section, to say where a key belongs that stands in the wrong one.
pub(super) const SHAPES: [Shape; 17] = [
    FILE,
    REPOSITORY,
    FORGE,
    AUTHOR,
    CREDENTIALS,
    ENVIRONMENT,
    TENANT,
    AUTH,
    OAUTH2,
    SYNC,
    RELEASE,
    VERIFY,
    WINDOW,
    SERVER,
    WEBHOOK,
    NOTIFICATION,
    SECRET,
];

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Name of the rule.
    pub(super) rule: Rule,
    /// `expected X, found Y`.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

impl Wrong {
    /// A value that does not do.
    pub(super) fn value(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { rule: Rule::BadValue, message: message.into(), help: help.into() }
    }

    /// Another rule.
    pub(super) fn rule(rule: Rule, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { rule, message: message.into(), help: help.into() }
    }
}

/// Everything found so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    address: Vec<usize>,
    pointer: String,
    wrong: Wrong,
}

impl Findings {
    /// Something is wrong with this node.
    pub(super) fn add(&mut self, node: &Node, wrong: Wrong) {
        self.0.push(Finding { address: node.address.clone(), pointer: node.pointer.clone(), wrong });
    }

    /// Something is wrong with the section as a whole: shown at its key.
    pub(super) fn add_to_section(&mut self, node: &Node, wrong: Wrong) {
        let mut address = node.address.clone();
        if let Some(last) = address.last_mut() {
            *last &= !1;
        }
        self.0.push(Finding { address, pointer: node.pointer.clone(), wrong });
    }

    /// Something is wrong with a key of the section that may be a secret: its own pointer would show it.
    fn add_hidden(&mut self, key: &Node, section: &Node, wrong: Wrong) {
        self.0.push(Finding { address: key.address.clone(), pointer: section.pointer.clone(), wrong });
    }

    /// Unwraps, or remembers what is wrong.
    pub(super) fn check<T>(&mut self, node: &Node, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|wrong| self.add(node, wrong)).ok()
    }

    /// As problems, in the order of the file.
    pub(super) fn into_problems(self, file: &str, text: &str) -> Vec<Problem> {
        let place = |finding: Finding| {
            let (line, column) = locate(text, &finding.address);
            let Wrong { rule, message, help } = finding.wrong;
            let message = naming_its_key(message, &finding.pointer);
            let place = Place { file: file.to_owned(), line, column, pointer: finding.pointer };
            Problem { place, rule, severity: Severity::Error, message, help }
        };
        let mut problems: Vec<Problem> = self.0.into_iter().map(place).collect();
        problems.sort();
        problems.dedup();
        problems
    }
}

/// A message names the key it is about. Only keys of the schema and names of environments are ever named: any other
/// may be a secret that slipped.
fn naming_its_key(message: String, pointer: &str) -> String {
    let key = match pointer.strip_prefix("/environments/") {
        Some(name) if !name.contains(['/', '~']) => Some(name),
        _ => pointer.rsplit('/').find(|part| SHAPES.iter().any(|shape| shape.keys.contains(part))),
    };
    match key {
        Some(key) if !message.contains(&format!("`{key}")) => format!("`{}`: {message}", shorten(key)),
        _ => message,
    }
}

/// Keys that are no text, keys written twice, merge keys: in every mapping of the tree.
pub(super) fn check_keys(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| check_keys(item, findings)),
        Value::Map(entries) => {
            let mut seen = BTreeMap::new();
            for (key, value) in entries {
                check_key(key, &mut seen, findings);
                check_keys(value, findings);
            }
        }
        _ => {}
    }
}

fn check_key<'n>(key: &'n Node, seen: &mut BTreeMap<&'n str, ()>, findings: &mut Findings) {
    let Value::Text(name) = &key.value else {
        let message = format!("expected a key that is text, found {}", key.value.kind());
        return findings.add(key, Wrong::rule(Rule::BadKey, message, "put the key in quotes if it is meant"));
    };
    if name == "<<" {
        let help = "repeat the keys, or use an alias for a whole value";
        return findings.add(key, Wrong::rule(Rule::MergeKey, "merge keys (`<<`) are not supported", help));
    }
    match seen.entry(name) {
        Entry::Vacant(free) => drop(free.insert(())),
        Entry::Occupied(_) => {
            let message = format!("the key `{}` stands here a second time", shorten(name));
            findings.add(key, Wrong::rule(Rule::DuplicateKey, message, "keep one of the two"));
        }
    }
}

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Section<'n> {
    shape: Shape,
    node: &'n Node,
    entries: BTreeMap<&'n str, &'n Node>,
    /// Whether a key stands in it that is not known.
    pub(super) has_unknown: bool,
}

impl<'n> Section<'n> {
    /// Reads a mapping; every key it may not have is a finding.
    pub(super) fn open(node: &'n Node, shape: Shape, findings: &mut Findings) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            let message = format!("expected a mapping for {}, found {}", quoted(shape), node.value.kind());
            findings.add(node, Wrong::value(message, format!("known keys are {}", list(shape.keys))));
            return None;
        };
        let mut entries = BTreeMap::new();
        let mut has_unknown = false;
        for (key, value) in map {
            match &key.value {
                Value::Text(name) if shape.keys.contains(&name.as_str()) => {
                    entries.insert(name.as_str(), value);
                    continue;
                }
                _ if shape.name == SECRET.name => findings.add_hidden(key, node, unknown_in_secret(&key.value)),
                Value::Text(name) if name != "<<" => findings.add(key, unknown_key(name, shape)),
                _ => {}
            }
            has_unknown = true;
        }
        Some(Self { shape, node, entries, has_unknown })
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.get(key).copied()
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &'static str, findings: &mut Findings) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            let message = format!("{} has no `{key}`", quoted(self.shape));
            findings.add_to_section(self.node, Wrong::rule(Rule::MissingKey, message, format!("add `{key}:`")));
        }
        node
    }

    /// The checked value of a key; `None` where it is missing, and where it is wrong, which is then a finding.
    pub(super) fn read<T>(
        &self,
        key: &str,
        findings: &mut Findings,
        check: impl FnOnce(&'n Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.get(key).and_then(|node| findings.check(node, check(node)))
    }

    /// As [`Section::read`], for a key that must be there.
    pub(super) fn read_required<T>(
        &self,
        key: &'static str,
        findings: &mut Findings,
        check: impl FnOnce(&'n Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.required(key, findings).and_then(|node| findings.check(node, check(node)))
    }
}

fn unknown_key(name: &str, shape: Shape) -> Wrong {
    let elsewhere = SHAPES.iter().find(|other| other.keys.contains(&name));
    let help = match (nearest(name, shape.keys.iter().copied()), elsewhere) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(home)) => format!("`{name}` belongs in {}", quoted(*home)),
        (None, None) => format!("known keys are {}", list(shape.keys)),
    };
    Wrong::rule(Rule::UnknownKey, format!("unknown key `{}` in {}", shorten(name), quoted(shape)), help)
}

/// `{ hunter2 }` is a mapping too: the key may be the secret.
fn unknown_in_secret(key: &Value) -> Wrong {
    let near = if let Value::Text(name) = key { nearest(name, SECRET.keys.iter().copied()) } else { None };
    let help = near.map_or_else(|| "known keys are `env`, `file`".to_owned(), |near| format!("did you mean `{near}`?"));
    let message = "expected `{ env: NAME }` or `{ file: PATH }`, found another key, which is not shown";
    Wrong::rule(Rule::UnknownKey, message, help)
}

/// The name of a section in backticks, unless it is a description.
fn quoted(shape: Shape) -> String {
    if shape.name.contains(' ') { shape.name.to_owned() } else { format!("`{}`", shape.name) }
}

fn list(keys: &[&str]) -> String {
    format!("`{}`", keys.join("`, `"))
}

//! From a file to a [`Config`], or to everything that is wrong with it.
//!
//! A problem inside one environment breaks that environment and no other. Whatever else is wrong, and a file
//! in which every environment is broken, breaks everything.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use super::error::ConfigError;
use super::names::environment_name;
use super::notifications::{self, Around};
use super::written::{ENVIRONMENT, FILE, Findings, Section, Wrong, check_keys};
use super::yaml::{self, FILE_BYTES_MAX, Node, SyntaxError, Value, shorten};
use super::{
    Api, Config, Environment, Notification, Repository, Server, SyncPolicy, release, repository, server, sync, tenant,
    urls,
};
use crate::problem::{Place, Problem, Rule, Severity};

/// The version of the file's format that this binary reads.
const VERSION: i128 = 1;

impl Config {
    /// Reads a configuration. Relative paths in it are resolved against its folder.
    ///
    /// # Errors
    /// Where it cannot be read, or where nothing in it can be used. Problems of single environments are in
    /// [`Config::broken`] as long as one environment is whole.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let failed = |source: std::io::Error| {
            let hint = match source.kind() {
                std::io::ErrorKind::NotFound => "; `flowsync init` writes one, `--config` names another",
                _ => "",
            };
            ConfigError::Read { path: path.to_path_buf(), hint, source }
        };
        let bytes = std::fs::read(path).map_err(failed)?;
        let whole = std::path::absolute(path).map_err(failed)?;
        let folder = whole.parent().unwrap_or(Path::new("/"));
        match std::str::from_utf8(&bytes) {
            Ok(text) => read(text, path, folder),
            Err(error) => Err(not_utf8(path, &bytes[..error.valid_up_to()])),
        }
    }

    /// Reads a configuration that is already at hand and stands, or would stand, at `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        read(text, path, path.parent().unwrap_or(Path::new("")))
    }
}

fn read(text: &str, path: &Path, folder: &Path) -> Result<Config, ConfigError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let file = path.to_string_lossy().replace('\\', "/");
    let syntax = |error| ConfigError::Problems(vec![syntax_problem(&file, error)]);
    if text.len() > FILE_BYTES_MAX {
        let message = format!("expected at most {FILE_BYTES_MAX} bytes, found {}", text.len());
        return Err(syntax(SyntaxError { line: 1, column: 1, message, help: "is it the right file?".to_owned() }));
    }
    let root = yaml::parse(text).map_err(syntax)?;
    let mut findings = Findings::default();
    let Root { environments, notifications, server } = read_root(&root, folder, &mut findings);
    let (fatal, broken) = partition(findings.into_problems(&file, text), &environments);
    let environments: BTreeMap<String, Environment> = environments
        .into_iter()
        .filter(|(name, _)| !broken.contains_key(name))
        .filter_map(|(name, environment)| Some((name, environment?)))
        .collect();
    if fatal.is_empty() && !environments.is_empty() {
        let config = Config { path: path.to_path_buf(), environments, notifications, broken, server };
        return Ok(config.withholding_secrets());
    }
    let mut problems: Vec<Problem> = fatal.into_iter().chain(broken.into_values().flatten()).collect();
    problems.sort();
    Err(ConfigError::Problems(problems))
}

/// Environments by name; `None` for one that could not be read.
type Environments = BTreeMap<String, Option<Environment>>;

/// What stands in the file.
#[derive(Default)]
struct Root {
    environments: Environments,
    notifications: Vec<Notification>,
    server: Server,
}

fn read_root(root: &Node, folder: &Path, findings: &mut Findings) -> Root {
    if root.value == Value::Null {
        let help = "`flowsync init` writes a file to begin with";
        findings.add(root, Wrong::rule(Rule::EmptyFile, "expected a configuration, found an empty file", help));
        return Root::default();
    }
    let Value::Map(entries) = &root.value else {
        let message = format!("expected a configuration, found {}", root.value.kind());
        findings.add(root, Wrong::value(message, "it begins with `version: 1`"));
        return Root::default();
    };
    let version = entries.iter().find(|(key, _)| key.value == Value::Text("version".to_owned()));
    if let Some((_, node)) = version
        && let Value::Int(found) = node.value
        && found != VERSION
    {
        let message = format!("expected `version: {VERSION}`, found `{found}`");
        let help = "this flowsync reads version 1 only; a newer one may read this file";
        findings.add(node, Wrong::rule(Rule::UnknownVersion, message, help));
        return Root::default();
    }
    check_keys(root, findings);
    let Some(section) = Section::open(root, FILE, findings) else { return Root::default() };
    section.read_required("version", findings, |node| match node.value {
        Value::Int(VERSION) => Ok(()),
        _ => Err(Wrong::value(format!("expected the number `{VERSION}`, found {}", node.value.describe()), "")),
    });
    let repository = section.required("repository", findings);
    let repository = repository.and_then(|node| repository::read(node, folder, findings));
    let environments = section.required("environments", findings);
    let environments =
        environments.map(|node| read_environments(node, repository.as_ref(), folder, findings)).unwrap_or_default();
    let around = Around {
        base: folder,
        repository: repository.as_ref(),
        environments: environments.keys().map(String::as_str).collect(),
    };
    let notifications = section.get("notifications").map(|node| notifications::read(node, &around, findings));
    let server = section.get("server").map(|node| server::read(node, folder, findings)).unwrap_or_default();
    Root { notifications: notifications.unwrap_or_default(), environments, server }
}

fn read_environments(
    node: &Node,
    repository: Option<&Repository>,
    folder: &Path,
    findings: &mut Findings,
) -> Environments {
    let entries = match &node.value {
        Value::Map(entries) if !entries.is_empty() => entries,
        other => {
            let found = if matches!(other, Value::Map(_)) { "none" } else { other.kind() };
            let message = format!("expected at least one environment by name, found {found}");
            findings.add_to_section(node, Wrong::value(message, "add one, for example `production:`"));
            return Environments::new();
        }
    };
    let mut environments = Environments::new();
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    let mut tenants: BTreeMap<(String, String), (&str, &Node)> = BTreeMap::new();
    for (key, value) in entries {
        let Value::Text(name) = &key.value else { continue };
        findings.check(key, environment_name(name));
        if let Some(other) = folded.insert(name.to_lowercase(), name).filter(|other| other != name) {
            let message = format!("expected names that differ in more than case, found `{name}` and `{other}`");
            findings.add(key, Wrong::rule(Rule::BadEnvironmentName, message, "their records would share a folder"));
        }
        let environment = read_environment(name, value, repository, folder, findings);
        if let Some((address, place)) = &environment.1 {
            match tenants.entry(address.clone()) {
                Entry::Vacant(free) => drop(free.insert((name, place))),
                Entry::Occupied(first) => same_tenant((name, place), *first.get(), findings),
            }
        }
        environments.entry(name.clone()).or_insert(environment.0);
    }
    environments
}

/// An environment, and its tenant's identity with the node that names it.
type Read<'n> = (Option<Environment>, Option<((String, String), &'n Node)>);

fn read_environment<'n>(
    name: &str,
    node: &'n Node,
    repository: Option<&Repository>,
    folder: &Path,
    findings: &mut Findings,
) -> Read<'n> {
    let Some(section) = Section::open(node, ENVIRONMENT, findings) else { return (None, None) };
    let repository = repository::with_overrides(repository, name, &section, findings);
    let place = section.required("tenant", findings);
    let tenant = place.and_then(|node| tenant::read(node, folder, findings));
    let sync = section.get("sync").map(|node| sync::read(node, folder, findings)).unwrap_or_default();
    let release = section.get("release").and_then(|node| match tenant.as_ref().map(|tenant| &tenant.api) {
        Some(Api::FlowsV2) => {
            let message = "`release` belongs to `api: cognigy-rest`";
            findings.add(node, Wrong::rule(Rule::UnknownKey, message, "remove it: what is deployed is live at once"));
            None
        }
        _ => release::read(node, folder, findings),
    });
    let sync = SyncPolicy { release, ..sync };
    let address = tenant.as_ref().map(|it| (urls::tenant_key(&it.url), it.environment_id.0.clone()));
    let environment = match (repository, tenant) {
        (Some(repository), Some(tenant)) => {
            let repository = Repository { format: tenant.api.format(), ..repository };
            Some(Environment { name: name.to_owned(), repository, tenant, sync })
        }
        _ => None,
    };
    (environment, address.zip(place))
}

/// Both are wrong: neither may touch the tenant as long as the other claims it too.
fn same_tenant(one: (&str, &Node), other: (&str, &Node), findings: &mut Findings) {
    for ((_, place), (name, _)) in [(one, other), (other, one)] {
        let message = format!(
            "expected a tenant of its own, found the `url` and `environmentId` or `projectId` of `{}`",
            shorten(name)
        );
        let help = "two environments that deploy to one place undo each other";
        findings.add_to_section(place, Wrong::rule(Rule::SameTenant, message, help));
    }
}

/// What breaks everything, and what breaks one environment.
fn partition(problems: Vec<Problem>, environments: &Environments) -> (Vec<Problem>, BTreeMap<String, Vec<Problem>>) {
    let mut fatal = Vec::new();
    let mut broken: BTreeMap<String, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        let owner = environments.keys().find(|name| belongs_to(&problem, name));
        match owner {
            Some(name) => broken.entry(name.clone()).or_default().push(problem),
            None => fatal.push(problem),
        }
    }
    (fatal, broken)
}

/// Whether a problem is the environment's own. One about its name, or about its being there twice, is not.
fn belongs_to(problem: &Problem, name: &str) -> bool {
    let whole_file = matches!(problem.rule, Rule::DuplicateKey | Rule::BadEnvironmentName);
    let rest = problem.place.pointer.strip_prefix("/environments/").and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with('/') || (rest.is_empty() && !whole_file))
}

fn syntax_problem(file: &str, error: SyntaxError) -> Problem {
    let SyntaxError { line, column, message, help } = error;
    let place = Place { file: file.to_owned(), line, column, pointer: String::new() };
    Problem { place, rule: Rule::YamlSyntax, severity: Severity::Error, message, help }
}

fn not_utf8(path: &Path, valid: &[u8]) -> ConfigError {
    let valid = String::from_utf8_lossy(valid);
    let (line, column) = yaml::line_and_column(&valid, valid.chars().count());
    let message = "expected UTF-8, found other bytes".to_owned();
    let error = SyntaxError { line, column, message, help: "save the file as UTF-8".to_owned() };
    ConfigError::Problems(vec![syntax_problem(&path.to_string_lossy(), error)])
}

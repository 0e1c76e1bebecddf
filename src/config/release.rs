//! What `release` means: whether callers meet what is deployed at once, or a frozen copy that endpoints are switched to.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::names;
use super::urls;
use super::written::{Findings, RELEASE, Section, Wrong};
use super::yaml::{Node, Value, shorten};
use crate::address::Insecure;
use crate::problem::Rule;

/// How long a smoke test may take.
const SMOKE_TEST: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
/// The same where nobody says so.
const SMOKE_TEST_DEFAULT: Duration = Duration::from_secs(120);
/// Endpoints that one environment may list.
const ENDPOINTS_MAX: usize = 100;

/// The environment is the workshop; callers meet a frozen copy of it at these endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// By name or reference id, in the order of the file; never empty.
    pub endpoints: Vec<String>,
    /// Where endpoints are reached, without a trailing slash; an endpoint's token is added.
    pub endpoint_url: Option<Url>,
    /// What is run once the endpoints are switched, and says whether they stay so.
    pub smoke_test: Option<SmokeTest>,
}

/// A program of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeTest {
    /// The program and its arguments; never empty. Nothing of it goes through a shell.
    pub command: Vec<String>,
    /// Where it is run: the folder of the configuration.
    pub folder: PathBuf,
    /// How long it may take.
    pub timeout: Duration,
    /// The environment variables that it is not given: flowsync takes secrets from them.
    pub withheld: BTreeSet<String>,
}

/// Reads the section; `None` only where something in it was wrong.
pub(super) fn read(node: &Node, folder: &Path, findings: &mut Findings) -> Option<Release> {
    let section = Section::open(node, RELEASE, findings)?;
    let mode = section.read_required("mode", findings, |node| names::choice(node, &[("endpoint", ())]));
    let endpoints = section.required("endpoints", findings).and_then(|node| endpoints(node, findings));
    let endpoint_url = section.read("endpointUrl", findings, |node| urls::web(node, Insecure::from(false)));
    let command = section.get("smokeTest").map(|node| command(node, folder, findings));
    let timeout = section
        .read("smokeTestTimeout", findings, |node| names::duration(node, SMOKE_TEST))
        .unwrap_or(SMOKE_TEST_DEFAULT);
    let smoke_test = |command: Option<Vec<String>>| {
        let folder = names::resolve(folder, ".");
        command.map(|command| SmokeTest { command, folder, timeout, withheld: BTreeSet::new() })
    };
    mode?;
    let smoke_test = match command {
        None => None,
        Some(command) => Some(smoke_test(command)?),
    };
    Some(Release { endpoints: endpoints?, endpoint_url, smoke_test })
}

fn items<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n [Node]> {
    match &node.value {
        Value::List(items) if !items.is_empty() => Some(items),
        other => {
            let found = if matches!(other, Value::List(_)) { "an empty one" } else { other.kind() };
            findings.add(node, Wrong::value(format!("expected a list of {what}, found {found}"), ""));
            None
        }
    }
}

fn endpoints(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    let items = items(node, "endpoints, each by its name or reference id", findings)?;
    if items.len() > ENDPOINTS_MAX {
        let message = format!("expected at most {ENDPOINTS_MAX} endpoints, found {}", items.len());
        findings.add(node, Wrong::rule(Rule::OutOfRange, message, ""));
        return None;
    }
    let mut named: Vec<String> = Vec::new();
    let mut is_good = true;
    for item in items {
        let Some(name) = findings.check(item, names::text(item)) else {
            is_good = false;
            continue;
        };
        if named.iter().any(|known| known == name) {
            findings.add(item, Wrong::value(format!("the endpoint `{}` stands here twice", shorten(name)), "keep one"));
            is_good = false;
        }
        named.push(name.to_owned());
    }
    is_good.then_some(named)
}

/// A program with a `/` in it is found from the folder of the configuration, any other one by `PATH`.
fn command(node: &Node, folder: &Path, findings: &mut Findings) -> Option<Vec<String>> {
    let items = items(node, "a program and its arguments, such as `[ ./smoke-test.sh, --fast ]`", findings)?;
    let words: Vec<Option<&str>> = items.iter().map(|item| findings.check(item, names::text(item))).collect();
    let mut words = words.into_iter().collect::<Option<Vec<&str>>>()?.into_iter().map(str::to_owned);
    let program = words.next()?;
    let program =
        if program.contains('/') { names::resolve(folder, &program).to_string_lossy().into_owned() } else { program };
    Some(std::iter::once(program).chain(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const PROJECT: &str = "version: 1\nrepository: { url: /r }\nenvironments:\n  production:\n    tenant: { api: cognigy-rest, url: 'https://a.b', projectId: 64c0ffee0000000000000001, auth: { apiKey: { env: KEY } } }\n";

    /// What is wrong with a `release`, which the schema must find as well; and what it means.
    fn parse(release: &str) -> (Vec<String>, Option<Release>) {
        let text = format!("{PROJECT}    release: {release}\n");
        let document: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let schema = serde_json::from_str(crate::config::CONFIG_SCHEMA).unwrap();
        let by_schema = jsonschema::draft202012::new(&schema).unwrap().is_valid(&document);
        let (problems, release) = match Config::parse(&text, Path::new("/etc/flowsync.yaml")) {
            Ok(config) => {
                let problems = config.broken.values().flatten().cloned().collect();
                (problems, config.environments.get("production").and_then(|it| it.sync.release.clone()))
            }
            Err(error) => (error.problems().to_vec(), None),
        };
        // The schema knows no spans of time.
        let is_span = problems.iter().any(|it| it.rule == Rule::OutOfRange);
        assert_eq!(by_schema, problems.is_empty() || is_span, "{problems:?}\n{text}");
        (problems.iter().map(|it| it.message.clone()).collect(), release)
    }

    #[test]
    fn endpoints_a_base_address_and_a_command_are_read() {
        let (problems, release) = parse("{ mode: endpoint, endpoints: [Web] }");
        assert_eq!(problems, [""; 0]);
        let bare = Release { endpoints: vec!["Web".into()], endpoint_url: None, smoke_test: None };
        assert_eq!(release, Some(bare));
        let all = "{ mode: endpoint, endpoints: [Web, Phone], endpointUrl: 'https://e.x', smokeTest: [./smoke, -v], smokeTestTimeout: 5s }";
        let release = parse(all).1.unwrap();
        assert_eq!(release.endpoint_url.unwrap().host_str(), Some("e.x"));
        let expected = SmokeTest {
            command: vec!["/etc/smoke".into(), "-v".into()],
            folder: "/etc".into(),
            timeout: Duration::from_secs(5),
            withheld: ["KEY".to_owned()].into(),
        };
        assert_eq!(release.smoke_test, Some(expected));
        let by_path = parse("{ mode: endpoint, endpoints: [Web], smokeTest: [curl] }").1.unwrap().smoke_test.unwrap();
        assert_eq!((by_path.command, by_path.timeout), (vec!["curl".to_owned()], SMOKE_TEST_DEFAULT));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let check = |release: &str, expected: &str| {
            let (problems, _) = parse(release);
            assert!(problems.iter().any(|it| it.contains(expected)), "{problems:?}");
        };
        check("{ endpoints: [Web] }", "no `mode`");
        check("{ mode: snapshot, endpoints: [Web] }", "expected `endpoint`");
        check("{ mode: endpoint }", "no `endpoints`");
        check("{ mode: endpoint, endpoints: [] }", "expected a list of endpoints");
        check("{ mode: endpoint, endpoints: [Web, Web] }", "stands here twice");
        check("{ mode: endpoint, endpoints: [Web], smokeTest: ./smoke }", "expected a list of a program");
        check("{ mode: endpoint, endpoints: [Web], smokeTest: [x], smokeTestTimeout: 2h }", "from `1s` to `1h`");
        check("{ mode: endpoint, endpoints: [Web], endpointUrl: 'ftp://x' }", "endpointUrl");
        check("{ mode: endpoint, endpoints: [Web], smoke: [x] }", "unknown key `smoke`");
    }
}

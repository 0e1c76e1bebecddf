//! `tenant.api`: which API a tenant speaks, and what only one of them has.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::names::{self, duration};
use super::written::{Findings, Section, Wrong};
use super::yaml::{Node, Value, shorten};
use super::{Api, CognigyRest, Scan, Snapshot, WriteRoute};
use crate::flow::EnvironmentId;
use crate::problem::Rule;

/// Keys of `tenant` that only `cognigy-rest` has.
const OF_COGNIGY_REST: [&str; 8] =
    ["projectId", "requestsPer5Minutes", "references", "write", "scan", "fullScan", "snapshot", "organisationId"];
/// What a host is asked in five minutes.
const REQUESTS: RangeInclusive<u32> = 50..=100_000;
/// How long until everything was read anew.
const FULL_SCAN: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(7 * 24 * 3600);
/// Characters of an id that the vendor's server gives.
const ID_CHARACTERS: usize = 24;
/// Characters of a reference id.
const REFERENCE_CHARACTERS: usize = 36;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    FlowsV2,
    CognigyRest,
}

/// The wire dialects this binary speaks.
const DIALECTS: [(&str, Dialect); 2] = [("flows-v2", Dialect::FlowsV2), ("cognigy-rest", Dialect::CognigyRest)];

/// Reads which API it is and what goes with it, and where in the tenant the environment is.
pub(super) fn read(section: &Section<'_>, findings: &mut Findings) -> (Option<Api>, Option<EnvironmentId>) {
    let dialect = match section.get("api") {
        None => Some(Dialect::FlowsV2),
        Some(node) => findings.check(node, names::choice(node, &DIALECTS)),
    };
    let Some(dialect) = dialect else { return (None, None) };
    match dialect {
        Dialect::FlowsV2 => {
            OF_COGNIGY_REST.iter().for_each(|key| refuse(section, key, "`api: cognigy-rest`", findings));
            let environment = section.read_required("environmentId", findings, names::text);
            (Some(Api::FlowsV2), environment.map(|id| EnvironmentId(id.to_owned())))
        }
        Dialect::CognigyRest => {
            refuse(section, "environmentId", "`api: flows-v2`; name the project with `projectId`", findings);
            let project = section.read_required("projectId", findings, id);
            (cognigy_rest(section, findings).map(Api::CognigyRest), project.map(EnvironmentId))
        }
    }
}

fn refuse(section: &Section<'_>, key: &str, owner: &str, findings: &mut Findings) {
    if let Some(node) = section.get(key) {
        let message = format!("`{key}` belongs to {owner}");
        findings.add(node, Wrong::rule(Rule::UnknownKey, message, "remove it"));
    }
}

/// `None` only where something in it was wrong.
fn cognigy_rest(section: &Section<'_>, findings: &mut Findings) -> Option<CognigyRest> {
    let default = CognigyRest::default();
    let mut is_good = true;
    let mut keep = |good: bool| is_good &= good;
    let requests = section.get("requestsPer5Minutes").map(|node| findings.check(node, requests(node)));
    keep(requests != Some(None));
    let references = section.get("references").map(|node| references(node, findings));
    keep(references != Some(None));
    let write = section.get("write").map(|node| findings.check(node, write(node)));
    keep(write != Some(None));
    let scan = section.get("scan").map(|node| findings.check(node, scan(node)));
    keep(scan != Some(None));
    let full_scan = section.get("fullScan").map(|node| findings.check(node, duration(node, FULL_SCAN)));
    keep(full_scan != Some(None));
    let snapshot = section
        .get("snapshot")
        .map(|node| findings.check(node, names::choice(node, &[("auto", Snapshot::Auto), ("never", Snapshot::Never)])));
    keep(snapshot != Some(None));
    let organisation = section.get("organisationId").map(|node| findings.check(node, names::text(node)));
    keep(organisation != Some(None));
    is_good.then(|| CognigyRest {
        requests_per_5_minutes: requests.flatten().unwrap_or(default.requests_per_5_minutes),
        references: references.flatten().unwrap_or_default(),
        write: write.flatten().unwrap_or(default.write),
        scan: scan.flatten().unwrap_or(default.scan),
        full_scan: full_scan.flatten().unwrap_or(default.full_scan),
        snapshot: snapshot.flatten().unwrap_or(default.snapshot),
        organisation_id: organisation.flatten().map(str::to_owned),
    })
}

fn write(node: &Node) -> Result<WriteRoute, Wrong> {
    let routes = [("auto", WriteRoute::Auto), ("nodes", WriteRoute::Nodes), ("package", WriteRoute::Package)];
    names::choice(node, &routes)
}

fn scan(node: &Node) -> Result<Scan, Wrong> {
    names::choice(node, &[("auto", Scan::Auto), ("nodes", Scan::Nodes), ("package", Scan::Package)])
}

fn requests(node: &Node) -> Result<u32, Wrong> {
    let number = if let Value::Int(number) = node.value { u32::try_from(number).ok() } else { None };
    number.filter(|number| REQUESTS.contains(number)).ok_or_else(|| {
        let (least, most) = REQUESTS.into_inner();
        let message = format!("expected a number from {least} to {most}, found {}", node.value.describe());
        Wrong::rule(Rule::OutOfRange, message, "")
    })
}

fn id(node: &Node) -> Result<String, Wrong> {
    let text = names::text(node)?;
    let is_one = text.len() == ID_CHARACTERS && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    if is_one {
        return Ok(text.to_owned());
    }
    let message =
        format!("expected the id of a project, {ID_CHARACTERS} letters and digits, found `{}`", shorten(text));
    let help = "it stands in the address of the project, after `/project/`; a reference id with `-` is another one";
    Err(Wrong::value(message, help))
}

/// Git's reference id and the one that stands for it in this project.
fn references(node: &Node, findings: &mut Findings) -> Option<BTreeMap<String, String>> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        Value::Null => &[],
        other => {
            let message = format!("expected a mapping of reference ids, found {}", other.kind());
            findings.add(node, Wrong::value(message, "git's reference id, a colon, and this project's"));
            return None;
        }
    };
    let mut references = BTreeMap::new();
    let mut is_good = true;
    for (key, value) in entries {
        let (git, live) = (findings.check(key, reference(key)), findings.check(value, reference(value)));
        is_good &= git.is_some() && live.is_some();
        let Some((git, live)) = git.zip(live) else { continue };
        if let Some((other, _)) = references.iter().find(|(_, known)| **known == live) {
            let message = format!("`{live}` stands for `{other}` already: what is live could not be told apart");
            findings.add(value, Wrong::value(message, "each of git's reference ids has one of its own in the project"));
            is_good = false;
        }
        references.insert(git, live);
    }
    is_good.then_some(references)
}

fn reference(node: &Node) -> Result<String, Wrong> {
    let text = names::text(node)?;
    let is_one = |(at, it): (usize, u8)| match at {
        8 | 13 | 18 | 23 => it == b'-',
        _ => it.is_ascii_digit() || (b'a'..=b'f').contains(&it),
    };
    if text.len() == REFERENCE_CHARACTERS && text.bytes().enumerate().all(is_one) {
        return Ok(text.to_owned());
    }
    let message =
        format!("expected a reference id such as `3f2a91c0-0000-4000-8000-000000000001`, found `{}`", shorten(text));
    Err(Wrong::value(message, "it is written in lower case"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, init_template};

    const GIT: &str = "3f2a91c0-0000-4000-8000-000000000001";

    /// The template, with another `tenant`; and whether the schema takes it.
    fn parse(tenant: &str) -> (Vec<String>, Option<Config>) {
        let (before, rest) = init_template().split_once("      api: flows-v2").unwrap();
        let (_, after) = rest.split_once("        oauth2:\n").unwrap();
        let text = format!("{before}      {tenant}\n      auth:\n        oauth2:\n{after}");
        let document: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let schema = serde_json::from_str(crate::config::CONFIG_SCHEMA).unwrap();
        let by_schema = jsonschema::draft202012::new(&schema).unwrap().is_valid(&document);
        let (problems, config) = match Config::parse(&text, Path::new("flowsync.yaml")) {
            Ok(config) => (config.broken.values().flatten().cloned().collect(), Some(config)),
            Err(error) => (error.problems().to_vec(), None),
        };
        assert_eq!(by_schema, problems.is_empty(), "{problems:?}\n{text}");
        (problems.iter().map(|it| format!("{}: {}", it.place.pointer, it.message)).collect(), config)
    }

    const PROJECT: &str =
        "api: cognigy-rest\n      url: https://api-app.cognigy.ai\n      projectId: 64c0ffee0000000000000001";

    #[test]
    fn a_project_is_an_environment_with_defaults_of_its_own() {
        let (problems, config) = parse(PROJECT);
        assert_eq!(problems, [""; 0]);
        let tenant = config.unwrap().environments["production"].tenant.clone();
        assert_eq!(tenant.environment_id.as_str(), "64c0ffee0000000000000001");
        assert_eq!(tenant.api, Api::CognigyRest(CognigyRest::default()));
        let all = format!(
            "{PROJECT}\n      requestsPer5Minutes: 50\n      references: {{ {GIT}: {GIT} }}\n      write: auto\n      \
             scan: nodes\n      fullScan: 1h\n      snapshot: never\n      organisationId: o"
        );
        let tenant = parse(&all).1.unwrap().environments["production"].tenant.clone();
        let expected = CognigyRest {
            requests_per_5_minutes: 50,
            references: BTreeMap::from([(GIT.to_owned(), GIT.to_owned())]),
            write: WriteRoute::Auto,
            scan: Scan::Nodes,
            full_scan: Duration::from_secs(3600),
            snapshot: Snapshot::Never,
            organisation_id: Some("o".to_owned()),
        };
        assert_eq!(tenant.api, Api::CognigyRest(expected));
    }

    #[track_caller]
    fn refused(tenant: &str, expected: &str) {
        let (problems, _) = parse(tenant);
        assert!(problems.iter().any(|it| it.contains(expected)), "{problems:?}");
    }

    #[test]
    fn what_belongs_to_the_other_api_or_is_not_built_is_refused() {
        refused(&format!("{PROJECT}\n      environmentId: e"), "`environmentId` belongs to `api: flows-v2`");
        refused(
            "url: https://a.b\n      environmentId: e\n      projectId: 64c0ffee0000000000000001",
            "`projectId` belongs to",
        );
        refused(&PROJECT.replace("projectId: 64c0ffee0000000000000001", ""), "no `projectId`");
        refused(&PROJECT.replace("64c0ffee0000000000000001", GIT), "the id of a project");
        refused(&format!("{PROJECT}\n      write: both"), "expected `auto`, `nodes` or `package`");
        refused(&format!("{PROJECT}\n      requestsPer5Minutes: 20"), "from 50 to 100000");
        refused(&format!("{PROJECT}\n      fullScan: 60"), "expected a duration");
        refused(&format!("{PROJECT}\n      references: {{ a: {GIT} }}"), "expected a reference id");
        refused(&format!("{PROJECT}\n      references: [ {GIT} ]"), "a mapping of reference ids");
    }

    #[test]
    fn two_reference_ids_of_git_are_two_in_the_project() {
        // A rule that no schema can say.
        let (before, rest) = init_template().split_once("      api: flows-v2").unwrap();
        let (_, after) = rest.split_once("        oauth2:\n").unwrap();
        let other = GIT.replace('3', "4");
        let tenant = format!("{PROJECT}\n      references: {{ {GIT}: {GIT}, {other}: {GIT} }}");
        let text = format!("{before}      {tenant}\n      auth:\n        oauth2:\n{after}");
        let config = Config::parse(&text, Path::new("flowsync.yaml"));
        let problems: Vec<String> = match &config {
            Ok(config) => config.broken.values().flatten().map(ToString::to_string).collect(),
            Err(error) => error.problems().iter().map(ToString::to_string).collect(),
        };
        assert!(problems.iter().any(|it| it.contains("stands for") && it.contains("already")), "{problems:?}");
    }
}

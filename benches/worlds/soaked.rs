//! What became of a soak: from the records in git, and from what the controller said.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use git2::{Repository, Sort};
use serde_json::Value;

use crate::Row;

/// What the records say.
#[derive(Default)]
pub(crate) struct Deployed {
    pub n_deployed: usize,
    pub n_taken_back: usize,
    /// Versions that were deployed more than once, other than over drift.
    pub twice: Vec<String>,
    /// Flows whose newest version never was.
    pub missing: Vec<String>,
}

/// Reads every closing record; the flows have come to these revisions.
pub(crate) fn deployments(path: &Path, revisions: &[usize]) -> Deployed {
    let repository = Repository::open_bare(path).unwrap();
    let mut walk = repository.revwalk().unwrap();
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).unwrap();
    walk.push_ref("refs/heads/main").unwrap();
    let mut deployed = Deployed::default();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut known = std::collections::BTreeSet::new();
    for commit in walk {
        let commit = repository.find_commit(commit.unwrap()).unwrap();
        let message = commit.message().unwrap_or_default().to_owned();
        let trailer =
            |name: &str| message.lines().find_map(|line| line.strip_prefix(name).map(|it| it.trim().to_owned()));
        let Some(environment) = trailer("Flowsync-Environment:") else { continue };
        let file = format!("deployments/{environment}/manifest.json");
        let Ok(entry) = commit.tree().unwrap().get_path(Path::new(&file)) else { continue };
        let manifest: Value = serde_json::from_slice(repository.find_blob(entry.id()).unwrap().content()).unwrap();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let status = word(&manifest["status"]);
        let is_over = matches!(status.as_str(), "deployed" | "rolled-back" | "rollback-incomplete");
        if !is_over || !known.insert((word(&manifest["deploymentId"]), status.clone())) {
            continue;
        }
        if status != "deployed" {
            deployed.n_taken_back += 1;
            continue;
        }
        deployed.n_deployed += 1;
        for flow in manifest["flows"].as_array().unwrap() {
            let is_other = flow["previousVersion"] != flow["version"];
            if word(&flow["action"]) != "none" && is_other {
                *counts.entry((word(&flow["id"]), word(&flow["version"]))).or_default() += 1;
            }
        }
    }
    deployed.twice =
        counts.iter().filter(|(_, n)| **n > 1).map(|((id, version), n)| format!("{id} {version} x{n}")).collect();
    let newest =
        revisions.iter().enumerate().map(|(index, revision)| (format!("flow_{index:06}"), format!("1.{revision}.0")));
    let missing = newest.filter(|key| !counts.contains_key(key));
    deployed.missing = missing.map(|(id, version)| format!("{id} {version}")).collect();
    deployed
}

/// When something is meant to go wrong.
pub(crate) struct Outage {
    pub from: Instant,
    pub to: Instant,
    /// Whose; every environment's, where it is git's.
    pub tenant: Option<usize>,
}

/// What was said of errors where nothing was meant to go wrong for that environment, and how many other lines of errors
/// there are.
pub(crate) fn unexplained(said: &[(Instant, String)], outages: &[Outage], n_tenants: usize) -> (Vec<String>, usize) {
    let words = ["error", "alarm", "rolled-back:", "rollback-incomplete", "busy", "refused"];
    let bad: Vec<_> = said.iter().filter(|(_, line)| words.iter().any(|word| line.contains(word))).collect();
    let tenant_of = |line: &str| {
        let named = line.split([' ', ':']).find_map(|word| word.strip_prefix('e')?.parse::<usize>().ok());
        named.map(|environment| environment % n_tenants)
    };
    // What is right to say: somebody edits flows, ends lives, and an outage that is over is counted.
    let is_right = |line: &str| {
        ["changed while this deployment ran", "SIGTERM", "times in a row in all"].iter().any(|text| line.contains(text))
    };
    let is_meant = |at: Instant, line: &str| {
        if is_right(line) {
            return true;
        }
        let is_of = |outage: &&Outage| outage.tenant.is_none() || outage.tenant == tenant_of(line);
        outages.iter().filter(is_of).any(|outage| outage.from <= at && at <= outage.to)
    };
    let left: Vec<String> =
        bad.iter().filter(|(at, line)| !is_meant(*at, line)).map(|(_, line)| line.clone()).collect();
    let n_meant = bad.len() - left.len();
    (left, n_meant)
}

/// So many milliseconds since the start lie in an outage of the first tenant or of git.
pub(crate) fn covered(outages: &[Outage], start: Instant) -> usize {
    let of_first = outages.iter().filter(|outage| outage.tenant.is_none_or(|tenant| tenant == 0));
    let mut end = start;
    let mut total = 0;
    for Outage { from, to, .. } in of_first {
        let from = (*from).max(end);
        if *to > from {
            total += (*to - from).as_millis() as usize;
            end = *to;
        }
    }
    total
}

/// How many, and the first of them.
pub(crate) fn some(of: &[String]) -> String {
    format!("{} {}", of.len(), of.iter().take(5).cloned().collect::<Vec<_>>().join(", ")).trim_end().to_owned()
}

pub(crate) fn row(what: &str, measured: String, is_reached: bool) -> Row {
    Row { what: what.to_owned(), against: String::new(), reach: String::new(), measured, is_reached }
}

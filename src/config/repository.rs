//! What `repository` means, and what an environment overrides of it.

use std::path::Path;

use super::forge;
use super::names;
use super::secret::SecretSource;
use super::urls;
use super::written::{AUTHOR, CREDENTIALS, Findings, REPOSITORY, Section, Wrong};
use super::yaml::{Node, Value, shorten};
use super::{Author, Credentials, Exclude, ExcludeError, Repository, SubjectTemplate};
use crate::address::{Folder, Insecure, RepositoryUrl, Scheme};
use crate::format::Format;
use crate::problem::Rule;

/// The folder of flow files, where none is written.
const FLOWS: &str = "flows";
/// The folder of overlays, where none is written.
const OVERLAYS: &str = "overlays";
/// The folder of records, where none is written.
const RECORDS: &str = "deployments";

/// Reads the section; `None` only where something in it was wrong. `records_branch` is as written until
/// [`with_overrides`] has seen which branch the environment takes its flows from.
pub(super) fn read(node: &Node, base: &Path, findings: &mut Findings) -> Option<Repository> {
    let section = Section::open(node, REPOSITORY, findings)?;
    let allow_insecure = section.read("allowInsecure", findings, names::boolean).unwrap_or_default();
    let check_url = |node| urls::repository(node, base, Insecure::from(allow_insecure));
    let address = section.read_required("url", findings, check_url);
    let watch = section.read("watch", findings, |node| names::file(node, base));
    let branch = section.read("branch", findings, names::branch).unwrap_or_default();
    let flows = section.read("flows", findings, names::folder).unwrap_or_else(|| Folder::known(FLOWS));
    let exclude = section.get("exclude").map(|node| exclude(node, findings)).unwrap_or_default();
    let overlays = section.read("overlays", findings, names::folder).unwrap_or_else(|| Folder::known(OVERLAYS));
    let records = section.read("records", findings, names::folder).unwrap_or_else(|| Folder::known(RECORDS));
    let records_branch = section.read("recordsBranch", findings, names::branch);
    let author = section.get("author").map(|node| author(node, findings));
    let commit_message = section.read("commitMessage", findings, subject).unwrap_or_default();
    let credentials = section.get("credentials").and_then(|node| {
        let credentials = credentials(node, base, findings);
        credentials.filter(|it| findings.check(node, fits(it, address.as_ref())).is_some())
    });
    let ca_file = section.read("caFile", findings, |node| names::file(node, base));
    let forge = section.get("forge").map(|node| forge::read(node, base, Insecure::from(allow_insecure), findings));
    let seal_key = section.get("sealKey").map(|node| names::secret(node, base, findings));
    let folders = [("records", &records), ("overlays", &overlays), ("flows", &flows)];
    for (index, one) in folders.iter().enumerate() {
        for other in &folders[index + 1..] {
            if one.1.overlaps(other.1) {
                let place = section.get(one.0).or(section.get(other.0)).unwrap_or(node);
                findings.add(place, overlapping(*other, *one));
            }
        }
    }
    Some(Repository {
        url: address?,
        watch,
        records_branch,
        branch,
        flows,
        format: Format::default(),
        exclude,
        overlays,
        records,
        commit_message,
        author: author.unwrap_or_else(default_author),
        seal_key: match seal_key {
            Some(key) => Some(key?),
            None => None,
        },
        credentials,
        ca_file,
        allow_insecure,
        forge: match forge {
            Some(forge) => Some(forge?),
            None => None,
        },
    })
}

/// The repository as one environment sees it. Overrides are checked even where the repository could not be read.
pub(super) fn with_overrides(
    repository: Option<&Repository>,
    name: &str,
    environment: &Section<'_>,
    findings: &mut Findings,
) -> Option<Repository> {
    let branch = environment.read("branch", findings, names::branch);
    let flows = environment.read("flows", findings, names::folder);
    let mut seen = repository?.clone();
    if let (Some(flows), Some(node)) = (flows, environment.get("flows")) {
        for other in [("records", &seen.records), ("overlays", &seen.overlays)] {
            if flows.overlaps(other.1) {
                findings.add(node, overlapping(("flows", &flows), other));
            }
        }
        seen.flows = flows;
    }
    // A name that is none of a folder is none of an environment either, which is said elsewhere.
    if let Ok(overlays) = seen.overlays.join(name) {
        seen.overlays = overlays;
    }
    if let Some(branch) = branch {
        seen.branch = branch;
    }
    seen.records_branch = seen.records_branch.filter(|records_branch| *records_branch != seen.branch);
    Some(seen)
}

fn overlapping((one_key, one): (&str, &Folder), (other_key, other): (&str, &Folder)) -> Wrong {
    let message = format!("expected two separate folders, found {one_key} in `{one}` and {other_key} in `{other}`");
    Wrong::rule(Rule::FoldersOverlap, message, "neither may be or hold the other")
}

fn default_author() -> Author {
    Author { name: "flowsync".to_owned(), email: "flowsync@localhost".to_owned() }
}

fn author(node: &Node, findings: &mut Findings) -> Author {
    let default = default_author();
    let Some(section) = Section::open(node, AUTHOR, findings) else { return default };
    let check = |node| match names::text(node)? {
        text if text.contains(['<', '>']) => Err(Wrong::value("expected no `<` and `>` in a commit's author", "")),
        text => Ok(text.to_owned()),
    };
    Author {
        name: section.read("name", findings, check).unwrap_or(default.name),
        email: section.read("email", findings, check).unwrap_or(default.email),
    }
}

fn subject(node: &Node) -> Result<SubjectTemplate, Wrong> {
    let help = "for example `OPS-1 flowsync: {environment} {status}`";
    SubjectTemplate::new(names::text(node)?).map_err(|why| Wrong::rule(Rule::BadCommitMessage, why, help))
}

/// Globs; each that is wrong is a finding and left out.
fn exclude(node: &Node, findings: &mut Findings) -> Exclude {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        other => {
            findings.add(node, Wrong::value(format!("expected a list of globs, found {}", other.kind()), ""));
            &[]
        }
    };
    let glob = |item| {
        let glob = names::text(item)?;
        let wrong = |ExcludeError { glob, reason }| {
            let message = format!("expected a glob such as `**/package.json`, found `{}`", shorten(&glob));
            Wrong::rule(Rule::BadGlob, message, reason)
        };
        Exclude::new(&[glob]).map(|_| glob.to_owned()).map_err(wrong)
    };
    let globs: Vec<String> = items.iter().filter_map(|item| findings.check(item, glob(item))).collect();
    Exclude::new(&globs).unwrap_or_default()
}

fn credentials(node: &Node, base: &Path, findings: &mut Findings) -> Option<Credentials> {
    let section = Section::open(node, CREDENTIALS, findings)?;
    let mut secret =
        |key| -> Option<SecretSource> { section.get(key).and_then(|node| names::secret(node, base, findings)) };
    let (username, passphrase, known_hosts) = (secret("username"), secret("passphrase"), secret("knownHosts"));
    let (password, key) = (secret("password"), secret("sshKey"));
    match (section.get("password"), section.get("sshKey")) {
        (Some(_), None) => {
            for extra in ["passphrase", "knownHosts"] {
                if let Some(node) = section.get(extra) {
                    findings.add(node, Wrong::value(format!("`{extra}` goes with `sshKey`, found `password`"), ""));
                }
            }
            Some(Credentials::Password { username, password: password? })
        }
        (None, Some(_)) => Some(Credentials::SshKey { username, key: key?, passphrase, known_hosts }),
        _ => {
            let message = "expected exactly one of `password` and `sshKey` in `credentials`";
            findings.add_to_section(node, Wrong::rule(Rule::OneOf, message, ""));
            None
        }
    }
}

/// Whether credentials can be used with the repository's address.
fn fits(credentials: &Credentials, url: Option<&RepositoryUrl>) -> Result<(), Wrong> {
    let scheme = match url {
        Some(RepositoryUrl::Remote(remote)) => Some(remote.scheme),
        Some(RepositoryUrl::Local(_)) | None => None,
    };
    let message = match (credentials, scheme) {
        (Credentials::Password { .. }, Some(Scheme::Ssh)) => "`password` goes with an https URL, found an ssh one",
        (Credentials::SshKey { .. }, Some(Scheme::Https | Scheme::Http)) => {
            "`sshKey` goes with an ssh URL, found an https one"
        }
        _ => return Ok(()),
    };
    Err(Wrong::rule(Rule::CredentialsMismatch, message, "change the credentials or `url`"))
}

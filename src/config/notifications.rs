//! What `notifications` means.

use std::collections::BTreeSet;
use std::path::Path;

use super::forge;
use super::names;
use super::nearest;
use super::notification::EVENTS;
use super::secret::SecretSource;
use super::urls;
use super::written::{Findings, NOTIFICATION, Section, Wrong};
use super::yaml::{Node, Value, shorten};
use super::{ForgeAddress, ForgeKind, Notification, NotificationTarget, Repository};
use crate::address::Insecure;
use crate::problem::Rule;

/// A kind as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Webhook,
    Slack,
    Teams,
    Status(ForgeKind),
}

const KINDS: [(&str, Kind); 5] = [
    ("webhook", Kind::Webhook),
    ("slack", Kind::Slack),
    ("teams", Kind::Teams),
    ("github-status", Kind::Status(ForgeKind::GitHub)),
    ("gitlab-status", Kind::Status(ForgeKind::GitLab)),
];

/// Keys that not every kind has.
const OF_SOME_KINDS: [&str; 3] = ["secret", "token", "project"];

impl Kind {
    /// Whether it has one of [`OF_SOME_KINDS`].
    fn has(self, key: &str) -> bool {
        match self {
            Self::Webhook => key == "secret",
            Self::Slack | Self::Teams => false,
            Self::Status(_) => key != "secret",
        }
    }
}

/// What is known around the section.
pub(super) struct Around<'a> {
    /// The folder of the file.
    pub(super) base: &'a Path,
    /// Absent where it could not be read.
    pub(super) repository: Option<&'a Repository>,
    /// Names of all environments, broken ones too.
    pub(super) environments: Vec<&'a str>,
}

/// Reads the list; what is wrong in it is left out.
pub(super) fn read(node: &Node, around: &Around<'_>, findings: &mut Findings) -> Vec<Notification> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(|item| one(item, around, findings)).collect(),
        Value::Null => Vec::new(),
        other => {
            let help = "begin each with `- kind:`";
            findings.add(node, Wrong::value(format!("expected a list of notifications, found {}", other.kind()), help));
            Vec::new()
        }
    }
}

fn one(node: &Node, around: &Around<'_>, findings: &mut Findings) -> Option<Notification> {
    let section = Section::open(node, NOTIFICATION, findings)?;
    let kind = section.read_required("kind", findings, |node| names::choice(node, &KINDS));
    let allow_insecure = section.read("allowInsecure", findings, names::boolean).unwrap_or_default();
    let ca_file = section.read("caFile", findings, |node| names::file(node, around.base));
    let events = section.get("events").map(|node| words(node, findings, |node| names::choice(node, &EVENTS)));
    let environments = section.get("environments");
    let environments = environments.map(|node| words(node, findings, |node| environment(node, &around.environments)));
    let kind = kind?;
    for key in OF_SOME_KINDS.into_iter().filter(|key| !kind.has(key)) {
        if let Some(node) = section.get(key) {
            let kinds: Vec<String> =
                KINDS.iter().filter(|(_, kind)| kind.has(key)).map(|(word, _)| format!("`{word}`")).collect();
            findings.add(node, Wrong::value(format!("`{key}` goes with the kind {}", kinds.join(" or ")), "remove it"));
        }
    }
    let target = match kind {
        Kind::Webhook => webhook(&section, around.base, allow_insecure.into(), findings),
        Kind::Slack => secret_url(&section, around.base, findings).map(|url| NotificationTarget::Slack { url }),
        Kind::Teams => secret_url(&section, around.base, findings).map(|url| NotificationTarget::Teams { url }),
        Kind::Status(forge) => {
            status(node, &section, forge, allow_insecure, around, findings).map(NotificationTarget::Status)
        }
    };
    let of_repository = || around.repository.and_then(|repository| repository.ca_file.clone());
    Some(Notification {
        target: target?,
        events: events.unwrap_or_else(|| EVENTS.iter().map(|(_, event)| *event).collect()),
        environments,
        ca_file: if matches!(kind, Kind::Status(_)) { ca_file.or_else(of_repository) } else { ca_file },
        allow_insecure,
    })
}

fn webhook(
    section: &Section<'_>,
    base: &Path,
    insecure: Insecure,
    findings: &mut Findings,
) -> Option<NotificationTarget> {
    let url = section.read_required("url", findings, |node| urls::web(node, insecure));
    let secret = section.get("secret").map(|node| names::secret(node, base, findings));
    let secret = match secret {
        Some(secret) => Some(secret?),
        None => None,
    };
    Some(NotificationTarget::Webhook { url: url?, secret })
}

/// The address of Slack or Teams: whoever knows it may post.
fn secret_url(section: &Section<'_>, base: &Path, findings: &mut Findings) -> Option<SecretSource> {
    let node = section.required("url", findings)?;
    names::secret(node, base, findings)
}

fn status(
    node: &Node,
    section: &Section<'_>,
    kind: ForgeKind,
    allow_insecure: bool,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<ForgeAddress> {
    let forge = around.repository.and_then(|repository| repository.forge.as_ref()).filter(|forge| forge.kind == kind);
    let address = forge::partly(section, kind, forge, around.base, allow_insecure.into(), findings)?;
    for (key, is_missing) in [("project", address.project.is_none()), ("token", address.token.is_none())] {
        if is_missing && section.get(key).is_none() && around.repository.is_some() {
            let message = format!("a status needs `{key}`, and no `repository.forge` of this kind has one");
            findings.add_to_section(node, Wrong::rule(Rule::MissingKey, message, format!("add `{key}:`")));
        }
    }
    Some(ForgeAddress { kind, project: address.project?, api: address.api, token: Some(address.token?) })
}

/// A list of words, each of which counts once.
fn words<T: Ord>(
    node: &Node,
    findings: &mut Findings,
    mut check: impl FnMut(&Node) -> Result<T, Wrong>,
) -> BTreeSet<T> {
    match &node.value {
        Value::List(items) if !items.is_empty() => {
            items.iter().filter_map(|item| findings.check(item, check(item))).collect()
        }
        other => {
            let found = if matches!(other, Value::List(_)) { "an empty one" } else { other.kind() };
            let help = "leave the key out for all of them";
            findings.add(node, Wrong::value(format!("expected a list of names, found {found}"), help));
            BTreeSet::new()
        }
    }
}

fn environment(node: &Node, known: &[&str]) -> Result<String, Wrong> {
    let name = names::text(node)?;
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are `{}`", known.join("`, `")),
    };
    Err(Wrong::value(format!("expected the name of an environment, found `{}`", shorten(name)), help))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use url::Url;

    use super::super::{Config, ConfigError, NotificationEvent};
    use super::*;

    /// A file with an environment `production`, a broken one `staging`, and these notifications.
    fn parse(repository: &str, notifications: &str) -> Result<Config, ConfigError> {
        let text = format!(
            "version: 1\nrepository:\n  url: https://git.example.com/acme/flows.git\n  caFile: ca.pem\n{repository}\
             environments:\n  production:\n    tenant:\n      url: https://a.example/api/v2\n      environmentId: e\n      \
             auth: {{ apiKey: {{ env: KEY }} }}\n  staging: {{}}\nnotifications: {notifications}\n"
        );
        Config::parse(&text, Path::new("acme/flowsync.yaml"))
    }

    #[track_caller]
    fn meant(repository: &str, notification: &str) -> Notification {
        let mut config = parse(repository, &format!("[ {notification} ]")).unwrap();
        assert_eq!(config.notifications.len(), 1);
        config.notifications.remove(0)
    }

    fn wrong(notifications: &str) -> Vec<String> {
        match parse("", notifications) {
            Ok(config) => panic!("{config:?}"),
            Err(error) => {
                let problems = error.problems().iter().map(ToString::to_string);
                problems.filter(|problem| !problem.contains("`tenant`")).collect()
            }
        }
    }

    const FORGE: &str = "  forge: { kind: github, project: acme/flows, token: { env: FORGE_TOKEN } }\n";

    fn variable(name: &str) -> SecretSource {
        SecretSource::Env(name.to_owned())
    }

    #[test]
    fn what_is_left_out_means_everything() {
        let webhook = meant("", "{ kind: webhook, url: 'https://hooks.example.com/flowsync/' }");
        assert_eq!(webhook.events.len(), 7);
        assert_eq!((webhook.environments, webhook.ca_file, webhook.allow_insecure), (None, None, false));
        let url = Url::parse("https://hooks.example.com/flowsync").unwrap();
        assert_eq!(webhook.target, NotificationTarget::Webhook { url, secret: None });
        for none in ["", "[]", "~"] {
            assert_eq!(parse("", none).unwrap().notifications, []);
        }
    }

    #[test]
    fn what_is_written_is_meant() {
        let events = "events: [deployed, rolled-back, deployed], environments: [production, staging]";
        let webhook =
            meant("", &format!("{{ kind: webhook, url: http://127.0.0.1:9, secret: {{ env: S }}, {events} }}"));
        assert_eq!(webhook.events, [NotificationEvent::Deployed, NotificationEvent::RolledBack].into());
        assert_eq!(webhook.environments, Some(["production".to_owned(), "staging".to_owned()].into()));
        assert_eq!(webhook.target.secret(), Some(&variable("S")));
        for (kind, target) in [
            ("slack", NotificationTarget::Slack { url: variable("U") }),
            ("teams", NotificationTarget::Teams { url: variable("U") }),
        ] {
            let told =
                meant("", &format!("{{ kind: {kind}, url: {{ env: U }}, caFile: own.pem, allowInsecure: true }}"));
            assert_eq!((told.target.kind(), &told.target), (kind, &target));
            assert_eq!((told.ca_file, told.allow_insecure), (Some(PathBuf::from("acme/own.pem")), true));
        }
        let variables = parse("", "[ { kind: slack, url: { env: SLACK } } ]").unwrap();
        assert!(variables.secret_variables().contains("SLACK"));
    }

    #[test]
    fn a_status_takes_from_the_forge_of_its_kind_what_it_does_not_say_itself() {
        let of = |notification: &str| match meant(FORGE, notification) {
            Notification { target: NotificationTarget::Status(address), ca_file, .. } => (address, ca_file),
            other => panic!("{other:?}"),
        };
        let (address, ca_file) = of("{ kind: github-status }");
        assert_eq!((address.project.as_str(), address.api.as_str()), ("acme/flows", "https://api.github.com/"));
        assert_eq!((address.token, ca_file), (Some(variable("FORGE_TOKEN")), Some(PathBuf::from("acme/ca.pem"))));
        let (address, _) =
            of("{ kind: github-status, token: { env: T }, project: acme/other, url: https://g.example/api/v3 }");
        assert_eq!((address.project.as_str(), address.api.as_str()), ("acme/other", "https://g.example/api/v3"));
        assert_eq!(address.token, Some(variable("T")));
        let (address, _) =
            of("{ kind: gitlab-status, token: { env: T }, project: a/b/c, url: 'https://g.example/git' }");
        assert_eq!((address.project.as_str(), address.api.as_str()), ("a/b/c", "https://g.example/git/api/v4"));
        let (address, _) = of("{ kind: gitlab-status, token: { env: T }, project: a/b }");
        assert_eq!((address.kind, address.api.as_str()), (ForgeKind::GitLab, "https://gitlab.com/api/v4"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (written, expected) in [
            ("7", "12:16: error[bad-value] `notifications`: expected a list of notifications, found"),
            ("[ 7 ]", "12:18: error[bad-value] `notifications`: expected a mapping for a notification"),
            ("[ { url: https://a.example } ]", "a notification has no `kind`"),
            ("[ { kind: slak, url: { env: U } } ]", "did you mean `slack`?"),
            ("[ { kind: webhook } ]", "a notification has no `url`"),
            ("[ { kind: slack } ]", "a notification has no `url`"),
            ("[ { kind: webhook, url: http://hooks.example.com } ]", "error[insecure-url]"),
            ("[ { kind: webhook, url: ftp://hooks.example.com } ]", "error[bad-scheme]"),
            ("[ { kind: webhook, url: 'https://a.example/?t=1' } ]", "expected a URL without `?` and `#`"),
            ("[ { kind: webhook, url: { env: U } } ]", "error[bad-value] `url`: expected text"),
            ("[ { kind: webhook, url: https://a.example, evnts: [error] } ]", "did you mean `events`?"),
            ("[ { kind: webhook, url: https://a.example, events: [eror] } ]", "did you mean `error`?"),
            (
                "[ { kind: webhook, url: https://a.example, events: [] } ]",
                "expected a list of names, found an empty one",
            ),
            ("[ { kind: webhook, url: https://a.example, events: error } ]", "expected a list of names, found"),
            (
                "[ { kind: webhook, url: https://a.example, environments: [prodution] } ]",
                "expected the name of an environment, found `prodution` (did you mean `production`?)",
            ),
            ("[ { kind: webhook, url: https://a.example, environments: [x] } ]", "known are `production`, `staging`"),
            (
                "[ { kind: webhook, url: https://a.example, token: { env: T } } ]",
                "goes with the kind `github-status` or `gitlab-status`",
            ),
            ("[ { kind: slack, url: { env: U }, secret: { env: T } } ]", "goes with the kind `webhook`"),
            ("[ { kind: github-status, token: { env: T } } ]", "a status needs `project`, and no `repository.forge`"),
            ("[ { kind: gitlab-status, project: a/b } ]", "a status needs `token`, and no `repository.forge`"),
            (
                "[ { kind: github-status, token: { env: T }, project: a/b, url: https://github.com } ]",
                "leave `url` out",
            ),
        ] {
            let found = wrong(written);
            assert!(found.len() == 1 && found[0].contains(expected), "{written}: {found:?}");
        }
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        for written in [
            "[ { kind: slack, url: 'https://hooks.slack.com/services/hunter2' } ]",
            "[ { kind: teams, url: { value: hunter2 } } ]",
            "[ { kind: webhook, url: https://a.example, secret: hunter2 } ]",
            "[ { kind: webhook, url: 'https://bob:hunter2@a.example' } ]",
            "[ { kind: github-status, project: a/b, token: hunter2 } ]",
        ] {
            let found = wrong(written);
            assert!(!found.is_empty() && !format!("{found:?}").contains("hunter2"), "{written}: {found:?}");
        }
    }

    #[test]
    fn every_event_and_kind_has_a_word() {
        assert!(EVENTS.iter().all(|(word, event)| event.as_str() == *word));
    }
}

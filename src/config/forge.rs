//! What `repository.forge` means: the site where people review, and how to speak to it.

use std::path::Path;

use url::Url;

use super::names;
use super::secret::SecretSource;
use super::urls;
use super::written::{FORGE, Findings, Section, Wrong};
use super::yaml::{Node, shorten};
use crate::address::Insecure;
use crate::problem::Rule;

/// A site with pull requests, and the project there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeAddress {
    /// Whose API it speaks.
    pub kind: ForgeKind,
    /// Full path of the project: `owner/name`, or `group/subgroup/name` on GitLab.
    pub project: String,
    /// Root of its API, without a trailing slash, for example `https://gitlab.com/api/v4`.
    pub api: Url,
    /// How to sign in; without it nothing can be proposed.
    pub token: Option<SecretSource>,
}

/// Whose API a site speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgeKind {
    /// github.com, or GitHub Enterprise.
    GitHub,
    /// gitlab.com, or a GitLab of one's own.
    GitLab,
    /// Gitea, or Forgejo.
    Gitea,
}

const KINDS: [(&str, ForgeKind); 3] =
    [("github", ForgeKind::GitHub), ("gitlab", ForgeKind::GitLab), ("gitea", ForgeKind::Gitea)];

impl ForgeKind {
    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Gitea => "Gitea",
        }
    }

    /// The public service, as `url` would name it.
    fn public(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("https://api.github.com"),
            Self::GitLab => Some("https://gitlab.com"),
            Self::Gitea => None,
        }
    }

    /// Where its API lies below what `url` names.
    fn below(self) -> &'static str {
        match self {
            Self::GitHub => "",
            Self::GitLab => "/api/v4",
            Self::Gitea => "/api/v1",
        }
    }
}

/// Reads the section; `None` only where something in it was wrong.
pub(super) fn read(node: &Node, base: &Path, insecure: Insecure, findings: &mut Findings) -> Option<ForgeAddress> {
    let section = Section::open(node, FORGE, findings)?;
    let kind = section.read_required("kind", findings, |node| names::choice(node, &KINDS));
    let project = section.read_required("project", findings, |node| project(node, kind));
    let token = section.get("token").map(|node| names::secret(node, base, findings));
    let public = kind.and_then(ForgeKind::public).and_then(|url| Url::parse(url).ok());
    let url = match (section.get("url"), public) {
        (Some(node), _) => findings.check(node, site(node, kind, insecure)),
        (None, Some(public)) => Some(public),
        (None, None) => {
            let help = "add `url:`, the root of the site, for example `https://git.example.com`";
            if kind.is_some() {
                findings.add_to_section(node, Wrong::rule(Rule::MissingKey, "a forge of this kind has no `url`", help));
            }
            None
        }
    };
    let token = match token {
        Some(token) => Some(token?),
        None => None,
    };
    let kind = kind?;
    Some(ForgeAddress { kind, project: project?, api: api(kind, url?), token })
}

/// A project whose keys may stand elsewhere.
pub(super) struct Partly {
    pub(super) project: Option<String>,
    pub(super) token: Option<SecretSource>,
    pub(super) api: Url,
}

/// Reads `project`, `token` and `url` of another section, each by default as `forge` has it.
pub(super) fn partly(
    section: &Section<'_>,
    kind: ForgeKind,
    forge: Option<&ForgeAddress>,
    base: &Path,
    insecure: Insecure,
    findings: &mut Findings,
) -> Option<Partly> {
    let written = section.read("project", findings, |node| project(node, Some(kind)));
    let token = section
        .get("token")
        .map_or_else(|| forge.and_then(|forge| forge.token.clone()), |node| names::secret(node, base, findings));
    let api = match section.get("url") {
        Some(node) => findings.check(node, site(node, Some(kind), insecure)).map(|url| api(kind, url)),
        None => forge.map(|forge| forge.api.clone()).or_else(|| Some(api(kind, Url::parse(kind.public()?).ok()?))),
    };
    let project = if section.get("project").is_some() { written } else { forge.map(|forge| forge.project.clone()) };
    Some(Partly { project, token, api: api? })
}

/// The root of the API: what is added may be written already.
fn api(kind: ForgeKind, mut url: Url) -> Url {
    let root = url.path().trim_end_matches('/');
    let path = if root.ends_with(kind.below()) { root.to_owned() } else { format!("{root}{}", kind.below()) };
    url.set_path(&path);
    url
}

fn site(node: &Node, kind: Option<ForgeKind>, insecure: Insecure) -> Result<Url, Wrong> {
    let url = urls::web(node, insecure)?;
    if kind == Some(ForgeKind::GitHub) && matches!(url.host_str(), Some("github.com" | "www.github.com")) {
        let message = "expected the root of GitHub's API, found the site";
        return Err(Wrong::rule(Rule::BadUrl, message, "leave `url` out, or write `https://api.github.com`"));
    }
    Ok(url)
}

/// A project's full path, as it stands in the address of its page.
fn project(node: &Node, kind: Option<ForgeKind>) -> Result<String, Wrong> {
    let path = names::text(node)?;
    let nests = kind.is_none_or(|kind| kind == ForgeKind::GitLab);
    let wrong = |why: &str| {
        let example = if nests { "group/subgroup/name" } else { "owner/name" };
        let message = format!("expected the full path of a project such as `{example}`, found `{}`", shorten(path));
        Err(Wrong::value(message, why))
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let parts: Vec<&str> = path.split('/').collect();
    if path.contains("://") || path.contains('@') {
        return Err(Wrong::value(
            "expected the full path of a project, found an address, which is not shown",
            "write `owner/name` alone; the site is named by `url`",
        ));
    }
    if parts.iter().any(|part| matches!(*part, "" | "." | "..") || !plain(part)) {
        return wrong("its parts are letters, digits, `-`, `_` and `.`, with `/` between them and none around them");
    }
    if path.ends_with(".git") {
        return wrong("write it without `.git`");
    }
    match parts.len() {
        0 | 1 => wrong("the owner stands before the name"),
        2 => Ok(path.to_owned()),
        _ if nests => Ok(path.to_owned()),
        _ => wrong("an owner and a name, no more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use super::*;

    fn parse(forge: &str, more: &str) -> Result<Config, ConfigError> {
        let text = format!(
            "version: 1\nrepository:\n  url: https://git.example.com/acme/flows.git\n  forge: {forge}\n{more}\
             environments:\n  production:\n    tenant:\n      url: https://a.example/api/v2\n      environmentId: e\n      \
             auth: {{ apiKey: {{ env: KEY }} }}\n"
        );
        Config::parse(&text, Path::new("flowsync.yaml"))
    }

    fn meant(forge: &str) -> ForgeAddress {
        parse(forge, "").unwrap().environments["production"].repository.forge.clone().unwrap()
    }

    fn wrong(forge: &str, more: &str) -> Vec<String> {
        let problems = match parse(forge, more) {
            Ok(config) => panic!("{config:?}"),
            Err(error) => error.problems().to_vec(),
        };
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_api_lies_below_the_site_and_public_ones_are_known() {
        for (written, api) in [
            ("kind: github, project: a/b", "https://api.github.com/"),
            ("kind: github, project: a/b, url: https://git.acme.example/api/v3/", "https://git.acme.example/api/v3"),
            ("kind: gitlab, project: a/b", "https://gitlab.com/api/v4"),
            ("kind: gitlab, project: a/b, url: https://acme.example/gitlab/", "https://acme.example/gitlab/api/v4"),
            ("kind: gitlab, project: a/b, url: https://acme.example/api/v4", "https://acme.example/api/v4"),
            ("kind: gitea, project: a/b, url: https://git.acme.example", "https://git.acme.example/api/v1"),
            ("kind: gitea, project: a/b, url: http://127.0.0.1:3000", "http://127.0.0.1:3000/api/v1"),
        ] {
            assert_eq!(meant(&format!("{{ {written} }}")).api.as_str(), api, "{written}");
        }
        let forge = meant("{ kind: gitlab, project: acme/bots/flows_1.x, token: { env: FORGE_TOKEN } }");
        assert_eq!((forge.project.as_str(), forge.kind), ("acme/bots/flows_1.x", ForgeKind::GitLab));
        assert_eq!(forge.token, Some(SecretSource::Env("FORGE_TOKEN".to_owned())));
        assert_eq!(meant("{ kind: github, project: a/b }").token, None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (written, expected) in [
            ("{ project: a/b }", "4:3: error[missing-key] `forge` has no `kind`"),
            ("{ kind: github }", "4:3: error[missing-key] `forge` has no `project`"),
            ("{ kind: githbu, project: a/b }", "4:18: error[bad-value] `kind`: expected `github`, `gitlab` or `gitea`"),
            ("{ kind: githbu, project: a/b }", "did you mean `github`?"),
            ("{ kind: gitea, project: a/b }", "4:3: error[missing-key] `forge`: a forge of this kind has no `url`"),
            (
                "{ kind: github, project: a/b, tokn: { env: A } }",
                "4:40: error[unknown-key] unknown key `tokn` in `forge`",
            ),
            ("{ kind: github, project: a/b/c }", "4:35: error[bad-value] `project`: expected the full path"),
            ("{ kind: github, project: b }", "the owner stands before the name"),
            ("{ kind: gitlab, project: /a/b }", "with `/` between them"),
            ("{ kind: gitlab, project: a/../b }", "with `/` between them"),
            ("{ kind: gitlab, project: 'a/b?c' }", "with `/` between them"),
            ("{ kind: github, project: a/b.git }", "without `.git`"),
            ("{ kind: github, project: a/b, url: https://github.com }", "leave `url` out"),
            ("{ kind: gitlab, project: a/b, url: http://gitlab.example.com }", "error[insecure-url]"),
            ("{ kind: gitlab, project: a/b, url: ftp://gitlab.example.com }", "error[bad-scheme]"),
            ("acme/flows", "4:10: error[bad-value] expected a mapping for `forge`"),
        ] {
            let found = wrong(written, "");
            assert!(found.len() == 1 && found[0].contains(expected), "{written}: {found:?}");
        }
        let allowed = "{ kind: gitlab, project: a/b, url: http://gitlab.example.com }";
        assert!(parse(allowed, "  allowInsecure: true\n").is_ok());
    }

    #[test]
    fn a_literal_token_and_an_address_with_a_password_are_not_repeated() {
        for written in [
            "{ kind: github, project: a/b, token: hunter2 }",
            "{ kind: github, project: a/b, token: { value: hunter2 } }",
            "{ kind: gitlab, project: a/b, url: https://bob:hunter2@gitlab.example.com }",
            "{ kind: gitlab, project: https://bob:hunter2@gitlab.example.com/a/b }",
        ] {
            let found = wrong(written, "");
            assert!(!found.is_empty() && !format!("{found:?}").contains("hunter2"), "{written}: {found:?}");
        }
    }
}

//! Checks of addresses: which are accepted, and that none carries a password.
//!
//! An address is shown in a message only once it is known to hold no credentials.

use std::path::Path;

use url::Url;

use super::names;
use super::written::Wrong;
use super::yaml::Node;
use crate::address::{Insecure, RepositoryUrl, UrlProblem, UrlRefused, checked_url, shown_scheme};
use crate::problem::Rule;

/// A repository's address: as written, or, for a relative path, seen from the configuration's folder.
pub(super) fn repository(node: &Node, base: &Path, insecure: Insecure) -> Result<RepositoryUrl, Wrong> {
    Ok(RepositoryUrl::parse(names::text(node)?, base, insecure)?)
}

impl From<UrlRefused> for Wrong {
    fn from(refused: UrlRefused) -> Self {
        let UrlRefused { problem, message, help } = refused;
        let rule = match problem {
            UrlProblem::Malformed => Rule::BadUrl,
            UrlProblem::Scheme => Rule::BadScheme,
            UrlProblem::Credentials => Rule::UrlCredentials,
            UrlProblem::Insecure => Rule::InsecureUrl,
        };
        Self::rule(rule, message, help)
    }
}

/// An `https` URL of a tenant or of its sign-in, or an `http` one where allowed; no slash at its end.
pub(super) fn web(node: &Node, insecure: Insecure) -> Result<Url, Wrong> {
    let text = names::text(node)?;
    if let Some((scheme, _)) = text.split_once("://")
        && !matches!(scheme, "https" | "http")
    {
        let message = format!("expected an https URL, found {}", shown_scheme(scheme));
        return Err(Wrong::rule(Rule::BadScheme, message, "write it as `https://…`"));
    }
    let (mut url, _) = checked_url(text, insecure)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The address that a secret holds. Nothing of it is in the reason why it is no good.
///
/// # Errors
/// Where it is none, is not `https` (or `http` to loopback, or where that is allowed), or holds a user name.
pub(crate) fn secret_address(text: &str, allow_insecure: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "expected a URL, found another text")?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err("expected an https URL, found another one");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without user name and password");
    }
    let checked = Insecure::from(allow_insecure).check(&url);
    checked.map(|()| url).map_err(|_| "expected https, found http; `allowInsecure: true` beside it allows that")
}

/// The address by which two tenants are told apart.
pub(super) fn tenant_key(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_lowercase();
    format!("{host}:{}{}", url.port_or_known_default().unwrap_or_default(), url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Value;
    use super::*;

    fn node(text: &str) -> Node {
        Node { address: Vec::new(), pointer: String::new(), value: Value::Text(text.to_owned()) }
    }

    fn repository_of(text: &str) -> Result<RepositoryUrl, Wrong> {
        repository(&node(text), Path::new("/etc/acme"), Insecure::Refuse)
    }

    #[test]
    fn what_is_wrong_with_an_address_has_a_rule() {
        for (text, rule) in [
            ("ext::sh -c id", "bad-scheme"),
            ("-uhttps://example.com", "bad-url"),
            ("https://bob:hunter2@example.com/a", "url-credentials"),
            ("http://example.com/a", "insecure-url"),
        ] {
            assert_eq!(repository_of(text).map_err(|wrong| wrong.rule.as_str()), Err(rule), "{text}");
        }
        assert!(repository(&node("http://example.com/a"), Path::new("/"), Insecure::Allow).is_ok());
    }

    #[test]
    fn credentials_in_an_address_are_refused_and_not_shown() {
        for text in [
            "https://bob:hunter2@example.com/a",
            "https://hunter2@example.com/a",
            "http://bob:hunter2@localhost/a",
            "ssh://git:hunter2@example.com/a",
            "git:hunter2@example.com:a",
            "https://bob:hun ter2@example.com/hunter2",
            "https://example.com/?hunter2",
            "ftp://bob:hunter2@example.com",
            "bob:hunter2@example.com://x",
        ] {
            let repository = repository_of(text).unwrap_err();
            assert!(!format!("{repository:?}").contains("ter2"), "{text} {repository:?}");
            let web = web(&node(text), Insecure::Refuse).unwrap_err();
            assert!(!format!("{web:?}").contains("ter2"), "{text} {web:?}");
        }
    }

    #[test]
    fn the_reason_against_a_secret_address_holds_nothing_of_it() {
        for good in ["https://a.example/x?sig=hunter2\n", "http://127.0.0.1:1/hunter2", "http://localhost/"] {
            assert!(secret_address(good, false).is_ok(), "{good}");
        }
        for bad in [
            "",
            "hunter2",
            "ftp://hunter2.example",
            "https://bob:hunter2@a.example",
            "http://hunter2.example/",
            "https://",
        ] {
            let why = secret_address(bad, false).unwrap_err();
            assert!(why.starts_with("expected ") && !why.contains("hunter2"), "{bad}: {why}");
        }
        assert!(secret_address("http://a.example/hunter2", true).is_ok());
    }

    #[test]
    fn a_tenant_has_one_key_however_it_is_spelt() {
        let key = |text: &str| tenant_key(&web(&node(text), Insecure::Allow).unwrap());
        for same in [
            "https://A.example/api/",
            "https://a.example:443/api",
            "https://a.example./api//",
            "https://a.example/x/../api",
        ] {
            assert_eq!(key(same), "a.example:443/api", "{same}");
        }
        assert_ne!(key("https://a.example/api"), key("https://a.example/other"));
        assert_eq!(web(&node("https://a.example/api/"), Insecure::Refuse).unwrap().as_str(), "https://a.example/api");
    }
}

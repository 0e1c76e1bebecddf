//! Checks of addresses: which are accepted, and that none carries a password.
//!
//! An address is shown in a message only once it is known to hold no credentials.

use std::path::Path;

use url::{Host, Url};

use super::names;
use super::written::Wrong;
use super::yaml::Node;
use crate::problem::Rule;

/// Which kind of repository an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// `https`, or `http` where allowed.
    Http,
    /// `ssh://…` or `user@host:path`.
    Ssh,
    /// `file://…` or a path.
    Local,
}

/// Where credentials belong instead.
const CREDENTIALS_HELP: &str = "take them out of the URL, change them, and name them under `credentials` or `auth`";

/// A repository's address: as written, or, for a relative path, seen from the configuration's folder.
pub(super) fn repository(node: &Node, base: &Path, insecure: Insecure) -> Result<(String, Transport), Wrong> {
    let text = names::text(node)?;
    if text.starts_with('-') {
        return Err(Wrong::rule(Rule::BadUrl, "a repository's address may not begin with `-`", ""));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let transport = with_scheme(text, scheme, authority(rest), insecure)?;
        return Ok((text.to_owned(), transport));
    }
    if text.split_once("::").is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
        return Err(scheme_refused("a remote helper (`…::`)"));
    }
    match text.split_once(':') {
        Some((host, path)) if !host.contains('/') && host.len() > 1 => scp_like(host, path).map(|()| text.to_owned()),
        _ if text.starts_with("~") => {
            Err(Wrong::rule(Rule::BadUrl, "`~` is not expanded here", "write the path in full"))
        }
        _ => return Ok((names::resolve(base, text).to_string_lossy().into_owned(), Transport::Local)),
    }
    .map(|text| (text, Transport::Ssh))
}

fn with_scheme(text: &str, scheme: &str, authority: &str, insecure: Insecure) -> Result<Transport, Wrong> {
    let transport = match scheme {
        "https" | "http" => Transport::Http,
        "ssh" => Transport::Ssh,
        "file" => Transport::Local,
        other => return Err(scheme_refused(&shown_scheme(other))),
    };
    if text.contains(|c: char| c.is_whitespace() || c == '\\') {
        return Err(Wrong::rule(Rule::BadUrl, "expected a URL, found a space or a backslash in it", ""));
    }
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| transport != Transport::Ssh || user.contains(':')) {
        return Err(Wrong::rule(
            Rule::UrlCredentials,
            "the URL holds credentials, which are not shown",
            CREDENTIALS_HELP,
        ));
    }
    let url = absolute(text)?;
    match transport {
        Transport::Local if url.host_str().is_some_and(|host| host != "localhost") => {
            Err(Wrong::rule(Rule::BadUrl, "expected `file:///path`, found a host in a file URL", ""))
        }
        Transport::Local => Ok(transport),
        _ if authority.is_empty() || url.host_str().is_none_or(|host| host.is_empty() || host.starts_with('-')) => {
            Err(Wrong::rule(Rule::BadUrl, "expected a URL with a host", ""))
        }
        _ => insecure.check(&url).map(|()| transport),
    }
}

/// A scheme in backticks, unless it is something else that had better not be shown.
fn shown_scheme(scheme: &str) -> String {
    let plain = scheme.len() <= 20 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if plain { format!("`{scheme}://`") } else { "something else".to_owned() }
}

fn scheme_refused(found: &str) -> Wrong {
    let message = format!("expected an https, ssh or file URL or a path, found {found}");
    Wrong::rule(Rule::BadScheme, message, "no other transport is supported")
}

fn scp_like(host: &str, path: &str) -> Result<(), Wrong> {
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    if path.contains('@') {
        let message = "expected `user@host:path`; what stands here may hold credentials and is not shown";
        return Err(Wrong::rule(Rule::UrlCredentials, message, CREDENTIALS_HELP));
    }
    if name.is_empty() || name.starts_with('-') || path.is_empty() || path.starts_with('-') {
        return Err(Wrong::rule(Rule::BadUrl, "expected `user@host:path`", "write it as `ssh://user@host/path`"));
    }
    Ok(())
}

/// The part of a URL between `://` and the path.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A whole URL without query and fragment.
fn absolute(text: &str) -> Result<Url, Wrong> {
    let url = Url::parse(text).map_err(|error| Wrong::rule(Rule::BadUrl, format!("expected a URL: {error}"), ""))?;
    if url.query().is_some() || url.fragment().is_some() {
        let message = "expected a URL without `?` and `#`; what follows is not shown";
        return Err(Wrong::rule(Rule::BadUrl, message, "remove the query; secrets never go into a URL"));
    }
    Ok(url)
}

/// An `https` URL of a tenant or of its sign-in, or an `http` one where allowed; no slash at its end.
pub(super) fn web(node: &Node, insecure: Insecure) -> Result<Url, Wrong> {
    let text = names::text(node)?;
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Wrong::rule(
            Rule::BadUrl,
            "expected a URL such as `https://example.com/api/v2`",
            "write it in full",
        ));
    };
    if !matches!(scheme, "https" | "http") {
        let message = format!("expected an https URL, found {}", shown_scheme(scheme));
        return Err(Wrong::rule(Rule::BadScheme, message, ""));
    }
    with_scheme(text, scheme, authority(rest), insecure)?;
    let mut url = absolute(text)?;
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

/// Whether `http://` is accepted for hosts other than loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insecure {
    /// It is refused.
    Refuse,
    /// `allowInsecure: true` stands beside it.
    Allow,
}

impl From<bool> for Insecure {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Refuse }
    }
}

impl Insecure {
    fn check(self, url: &Url) -> Result<(), Wrong> {
        if url.scheme() != "http" || self == Self::Allow || is_loopback(url) {
            return Ok(());
        }
        let message = format!("expected https, found http for `{}`", url.host_str().unwrap_or_default());
        let help = "use https; if the network is trusted, say `allowInsecure: true` beside it";
        Err(Wrong::rule(Rule::InsecureUrl, message, help))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
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

    fn repository_of(text: &str) -> Result<(String, Transport), Wrong> {
        repository(&node(text), Path::new("/etc/acme"), Insecure::Refuse)
    }

    #[test]
    fn repositories_are_https_ssh_file_or_a_path() {
        for (written, transport) in [
            ("https://git.example.com/acme/flows.git", Transport::Http),
            ("http://127.0.0.1:3000/a.git", Transport::Http),
            ("http://[::1]/a.git", Transport::Http),
            ("http://localhost/a.git", Transport::Http),
            ("ssh://git@example.com:22/a.git", Transport::Ssh),
            ("git@example.com:acme/flows.git", Transport::Ssh),
            ("file:///srv/git/a.git", Transport::Local),
            ("/srv/git/a b.git", Transport::Local),
        ] {
            assert_eq!(repository_of(written), Ok((written.to_owned(), transport)));
        }
        for (written, meant) in [(".", "/etc/acme"), ("./a.git", "/etc/acme/a.git"), ("a:b/../c", "")] {
            let found = repository_of(written).map(|(url, _)| url);
            assert!(meant.is_empty() || found.as_deref() == Ok(meant), "{written} {found:?}");
        }
    }

    #[test]
    fn other_transports_and_tricks_are_refused() {
        for (text, rule) in [
            ("ext::sh -c id", "bad-scheme"),
            ("fd::7", "bad-scheme"),
            ("ftp://example.com/a", "bad-scheme"),
            ("git://example.com/a", "bad-scheme"),
            ("HTTPS://example.com/a", "bad-scheme"),
            ("-uhttps://example.com", "bad-url"),
            ("ssh://-oProxyCommand=id/a", "bad-url"),
            ("git@-oProxyCommand=id:a", "bad-url"),
            ("file://host/a", "bad-url"),
            ("https:///a", "bad-url"),
            ("https://exa mple.com/a", "bad-url"),
            ("http://127.0.0.1\\@example.com/", "bad-url"),
            ("https://example.com/a?token=x", "bad-url"),
            ("~/flows", "bad-url"),
            ("http://example.com/a", "insecure-url"),
            ("http://128.0.0.1/a", "insecure-url"),
            ("http://localhost.example.com/a", "insecure-url"),
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

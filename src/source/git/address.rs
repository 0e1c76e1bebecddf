//! Where a repository is: what a URL may be, and which URLs are the same repository.

use std::path::{Path, PathBuf};

use url::{Host, Url};

use super::names::shown;
use crate::source::SourceError;

/// A repository's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// In this file system: opened where it is, never cloned.
    Local(PathBuf),
    /// Behind a network connection: cloned into the cache.
    Remote(RemoteUrl),
}

/// A remote that may be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteUrl {
    /// What libgit2 connects to; the user name may stand in it, a password never.
    pub(super) connect: String,
    /// What messages show: no user, no query.
    pub(super) shown: String,
    /// One text for all spellings.
    pub(super) normal: String,
    /// The protocol.
    pub(super) scheme: Scheme,
    /// Host, lower-case, without brackets.
    pub(super) host: String,
    /// Port.
    pub(super) port: u16,
    /// User name in the URL.
    pub(super) user: Option<String>,
}

/// The protocols spoken to remotes; everything else, `ext::` above all, is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Https,
    Http,
    Ssh,
    Git,
}

/// Whether protocols that do not protect what they carry may go beyond this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insecure {
    Refuse,
    Allow,
}

impl Scheme {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "https" => Some(Self::Https),
            "http" => Some(Self::Http),
            "ssh" | "git+ssh" | "ssh+git" => Some(Self::Ssh),
            "git" => Some(Self::Git),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Git => "git",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Ssh => 22,
            Self::Git => 9418,
        }
    }
}

/// One text for all spellings of a repository's URL: host in lower case, no default port, no user
/// or password (an ssh user other than `git` stays), no slash or `.git` at the end, an scp-like
/// address as ssh, a local path as the `file://` URL of the real folder.
///
/// # Errors
/// [`SourceError::Setting`] where the text is no URL flowsync would use.
pub fn normalise_url(url: &str) -> Result<String, SourceError> {
    normalise_from(Path::new(""), url)
}

/// As [`normalise_url`], a relative path seen from `base`.
pub(super) fn normalise_from(base: &Path, url: &str) -> Result<String, SourceError> {
    match Address::parse(url, Insecure::Allow)? {
        Address::Local(path) => Ok(format!("file://{}", real_folder(&base.join(path)).display())),
        Address::Remote(remote) => Ok(remote.normal),
    }
}

impl Address {
    pub(super) fn parse(text: &str, insecure: Insecure) -> Result<Self, SourceError> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
            return refused(text, "it is empty, begins with `-` or holds a control character");
        }
        match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => file_url(text),
            Some((scheme, _)) => match Scheme::parse(&scheme.to_ascii_lowercase()) {
                Some(scheme) => remote(text, text, scheme, insecure),
                None => refused(text, "expected https, ssh, file or a local path"),
            },
            None => no_scheme(text, insecure),
        }
    }
}

/// `host:path` as scp and git write it, or a local path. A helper (`ext::`) is neither.
fn no_scheme(text: &str, insecure: Insecure) -> Result<Address, SourceError> {
    let colon = text.find(':').filter(|&colon| !text[..colon].contains('/'));
    match colon {
        None => Ok(Address::Local(PathBuf::from(text))),
        Some(_) if text.contains("::") && !text.contains('[') => refused(text, "remote helpers are not used"),
        Some(colon) => {
            let (host, path) = (&text[..colon], text[colon + 1..].trim_start_matches('/'));
            remote(text, &format!("ssh://{host}/{path}"), Scheme::Ssh, insecure)
        }
    }
}

fn file_url(text: &str) -> Result<Address, SourceError> {
    let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
    path.map_or_else(|| refused(text, "expected `file:///path`"), |path| Ok(Address::Local(path)))
}

/// `connect` is the text as written, `text` the same as a URL.
fn remote(connect: &str, text: &str, scheme: Scheme, insecure: Insecure) -> Result<Address, SourceError> {
    let Ok(url) = Url::parse(text) else { return refused(text, "it cannot be read as a URL") };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let user = Some(url.username()).filter(|user| !user.is_empty()).map(str::to_owned);
    if host.is_empty() || host.starts_with('-') || user.as_deref().is_some_and(|user| user.starts_with('-')) {
        return refused(text, "expected a host, and none that begins with `-`");
    }
    if url.password().is_some() {
        return refused(text, "a password does not belong in a URL; name it under `repository.credentials`");
    }
    if url.path().trim_start_matches('/').starts_with('-') || url.path().trim_matches('/').is_empty() {
        return refused(text, "expected a path, and none that begins with `-`");
    }
    match scheme {
        Scheme::Git if !is_loopback(&host) => return refused(text, "git:// is not protected; use https or ssh"),
        Scheme::Http if !is_loopback(&host) && insecure == Insecure::Refuse => {
            return refused(text, "http:// is not protected; use https, or set `allowInsecure: true`");
        }
        Scheme::Git | Scheme::Http | Scheme::Https | Scheme::Ssh => {}
    }
    let port = url.port().unwrap_or(scheme.default_port());
    let normal = normal(&url, scheme, &host, port, user.as_deref());
    Ok(Address::Remote(RemoteUrl { connect: connect.to_owned(), shown: strip(text), normal, scheme, host, port, user }))
}

fn normal(url: &Url, scheme: Scheme, host: &str, port: u16, user: Option<&str>) -> String {
    let path = url.path().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let port = if port == scheme.default_port() { String::new() } else { format!(":{port}") };
    let user = match user {
        Some(user) if scheme == Scheme::Ssh && user != "git" => format!("{user}@"),
        _ => String::new(),
    };
    format!("{}://{user}{host}{port}/{path}", scheme.name())
}

/// Where a local repository really is, so that its folder, its `.git` and its linked work trees are one.
pub(super) fn real_folder(path: &Path) -> PathBuf {
    let found = git2::Repository::open(path).ok().map(|repo| repo.commondir().to_owned());
    let found = found.unwrap_or_else(|| path.to_owned());
    found.canonicalize().unwrap_or(found)
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host).ok() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => host.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

/// A URL fit for messages: whatever stands before an `@` in its authority and after a `?` is gone.
pub(super) fn strip(text: &str) -> String {
    let text = shown(text);
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

fn refused<T>(text: &str, why: &str) -> Result<T, SourceError> {
    Err(SourceError::Setting(format!("expected the URL or path of a repository, found `{}`: {why}", strip(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_url_are_one_repository() {
        for (spellings, normal) in [
            (
                &[
                    "https://git.example.com/acme/flows",
                    "https://GIT.example.com:443/acme/flows.git/",
                    " https://u@git.example.com/acme/flows.git ",
                ][..],
                "https://git.example.com/acme/flows",
            ),
            (
                &[
                    "git@github.com:acme/flows.git",
                    "ssh://git@github.com:22/acme/flows",
                    "ssh://GitHub.com/acme/flows/",
                    "github.com:acme/flows",
                ],
                "ssh://github.com/acme/flows",
            ),
            (&["ssh://bob@host:2222/x.git"], "ssh://bob@host:2222/x"),
            (&["http://[::1]:8080/x"], "http://[::1]:8080/x"),
        ] {
            for spelling in spellings {
                assert_eq!(normalise_url(spelling).unwrap(), normal, "{spelling}");
            }
        }
        assert_ne!(normalise_url("https://h/Acme").unwrap(), normalise_url("https://h/acme").unwrap());
    }

    #[test]
    fn a_local_repository_is_its_real_folder() {
        let dir = tempfile::tempdir().unwrap();
        git2::Repository::init(dir.path()).unwrap();
        let path = dir.path().to_str().unwrap();
        let normal = normalise_url(path).unwrap();
        for other in
            [format!("{path}/"), format!("{path}/.git"), format!("file://{path}"), format!("file://localhost{path}/")]
        {
            assert_eq!(normalise_url(&other).unwrap(), normal, "{other}");
        }
    }

    #[test]
    fn other_transports_and_tricks_are_refused() {
        for evil in [
            "",
            "-x",
            "ext::sh -c id",
            "fd::3",
            "ftp://h/x",
            "rsync://h/x",
            "git://example.com/x",
            "ssh://-oProxyCommand=id/x",
            "ssh://-l@h/x",
            "-oProxyCommand=id:x",
            "https://u:secret@h/x",
            "https:///x",
            "https://h",
            "ssh://h/-x",
            "https://h/\nx",
            "h:-x",
            "persistent-https://h/x",
            "file://other-host/x",
        ] {
            let error = Address::parse(evil, Insecure::Refuse).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Address::parse("http://git.example.com/x", Insecure::Refuse).is_err());
        assert!(Address::parse("http://git.example.com/x", Insecure::Allow).is_ok());
        assert!(Address::parse("http://127.0.0.1:1/x", Insecure::Refuse).is_ok());
        assert!(Address::parse("git://localhost/x", Insecure::Refuse).is_ok());
    }

    #[test]
    fn messages_never_show_who_signs_in() {
        assert_eq!(strip("https://me:secret@h/x?token=1"), "https://h/x");
        assert_eq!(strip("git@h:x"), "h:x");
    }
}

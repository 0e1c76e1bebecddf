//! Where a repository is.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use url::Url;

use super::checked_url::{CREDENTIALS_HELP, FILE_HELP, Insecure, Scheme, checked_url, scheme_refused};
use super::refused::{UrlProblem, UrlRefused, shown};

/// What a remote looks like.
const IN_FULL: &str = "write it in full: `https://host/path` or `ssh://user@host/path`";

/// A repository's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryUrl {
    /// In this file system: opened where it is, never cloned.
    Local(PathBuf),
    /// Behind a network connection: cloned into the cache.
    Remote(RemoteUrl),
}

/// A remote that may be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    /// What libgit2 connects to; the user name may stand in it, a password never.
    pub connect: String,
    /// What messages show: no user.
    pub shown: String,
    /// One text for all spellings: host in lower case, no default port, no user (an ssh user other than `git` stays), no
    /// slash or `.git` at the end, an scp-like address as ssh.
    pub normal: String,
    /// The protocol.
    pub scheme: Scheme,
    /// Host, lower-case, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name in the URL.
    pub user: Option<String>,
}

impl RepositoryUrl {
    /// Reads what a person wrote; a relative path is seen from `base`.
    ///
    /// # Errors
    /// The text is neither a path nor a URL that is used here.
    pub fn parse(text: &str, base: &Path, insecure: Insecure) -> Result<Self, UrlRefused> {
        if text.is_empty() || text.starts_with('-') {
            let message = "a repository's address may not be empty or begin with `-`";
            return Err(UrlRefused::malformed(message, "write a URL or a path; a path that begins so as `./-…`"));
        }
        if text.contains("://") {
            let (url, scheme) = checked_url(text, insecure)?;
            return match scheme {
                None => local_of(&url),
                Some(scheme) => remote(text, &url, scheme),
            };
        }
        if text.contains(char::is_control) {
            return Err(UrlRefused::malformed(
                "expected a path or a URL, found a control character in it",
                "take it out",
            ));
        }
        let is_helper = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if text.split_once("::").is_some_and(|(name, _)| is_helper(name)) {
            return Err(scheme_refused("a remote helper (`…::`)"));
        }
        match text.split_once(':') {
            Some((host, path)) if !host.contains('/') && host.len() > 1 => scp_like(text, host, path),
            _ if text.starts_with('~') => {
                Err(UrlRefused::malformed("`~` is not expanded here", "write the path in full"))
            }
            _ => Ok(Self::Local(seen_from(base, text))),
        }
    }

    /// Reads what git has written down of a remote, where anything may stand: who signs in does not matter.
    ///
    /// # Errors
    /// As [`RepositoryUrl::parse`].
    pub fn of_remote(text: &str, base: &Path) -> Result<Self, UrlRefused> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else { return Self::parse(text, base, Insecure::Allow) };
        let scheme = match scheme.to_ascii_lowercase() {
            ssh if matches!(&*ssh, "git+ssh" | "ssh+git") => "ssh".to_owned(),
            scheme => scheme,
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let authority = match authority.rsplit_once('@') {
            Some((_, host)) if scheme != "ssh" => host,
            _ => authority,
        };
        Self::parse(&format!("{scheme}://{authority}{path}"), base, Insecure::Allow)
    }
}

impl RepositoryUrl {
    /// As it was written, and a path as it is seen from here. A user name may stand in it, a password never.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Remote(remote) => remote.connect.clone(),
        }
    }
}

/// What messages show.
impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(remote) => f.write_str(&remote.shown),
        }
    }
}

/// A path without parts that stay where they are.
fn seen_from(base: &Path, path: &str) -> PathBuf {
    let seen: PathBuf = base.join(path).components().filter(|part| *part != Component::CurDir).collect();
    if seen.as_os_str().is_empty() { PathBuf::from(".") } else { seen }
}

fn local_of(url: &Url) -> Result<RepositoryUrl, UrlRefused> {
    let path = url.to_file_path().ok();
    path.map(RepositoryUrl::Local).ok_or_else(|| UrlRefused::malformed("expected `file:///path`", FILE_HELP))
}

fn scp_like(text: &str, host: &str, path: &str) -> Result<RepositoryUrl, UrlRefused> {
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    if path.contains('@') {
        let message = "expected `user@host:path`; what stands here may hold credentials and is not shown";
        return Err(UrlRefused::new(UrlProblem::Credentials, message, CREDENTIALS_HELP));
    }
    let malformed = || UrlRefused::malformed("expected `user@host:path`", "write it as `ssh://user@host/path`");
    if name.is_empty() || name.starts_with('-') || path.is_empty() || path.starts_with('-') {
        return Err(malformed());
    }
    let url = Url::parse(&format!("ssh://{host}/{}", path.trim_start_matches('/'))).map_err(|_| malformed())?;
    remote(text, &url, Scheme::Ssh)
}

/// `connect` is the text as written, `url` the same as a URL.
fn remote(connect: &str, url: &Url, scheme: Scheme) -> Result<RepositoryUrl, UrlRefused> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let user = Some(url.username()).filter(|user| !user.is_empty()).map(str::to_owned);
    if host.is_empty() || host.starts_with('-') || user.as_deref().is_some_and(|user| user.starts_with('-')) {
        let message = "expected a host and a user, neither of which begins with `-`";
        return Err(UrlRefused::malformed(message, IN_FULL));
    }
    if url.path().trim_start_matches('/').starts_with('-') || url.path().trim_matches('/').is_empty() {
        return Err(UrlRefused::malformed(
            "expected the path of a repository after the host, and none that begins with `-`",
            IN_FULL,
        ));
    }
    let port = url.port().unwrap_or(scheme.default_port());
    let normal = normal(url, scheme, &host, port, user.as_deref());
    let (connect, shown) = (connect.to_owned(), strip(connect));
    Ok(RepositoryUrl::Remote(RemoteUrl { connect, shown, normal, scheme, host, port, user }))
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

/// A URL fit for messages: whatever stands before an `@` in its authority and after a `?` is gone.
pub(crate) fn strip(text: &str) -> String {
    let text = shown(text);
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<RepositoryUrl, UrlRefused> {
        RepositoryUrl::parse(text, Path::new("/etc/acme"), Insecure::Refuse)
    }

    fn normal(text: &str) -> String {
        match RepositoryUrl::of_remote(text, Path::new("/")).unwrap() {
            RepositoryUrl::Remote(remote) => remote.normal,
            RepositoryUrl::Local(path) => path.display().to_string(),
        }
    }

    #[test]
    fn repositories_are_https_ssh_file_or_a_path() {
        for (written, scheme) in [
            ("https://git.example.com/acme/flows.git", Scheme::Https),
            ("http://127.0.0.1:3000/a.git", Scheme::Http),
            ("http://[::1]/a.git", Scheme::Http),
            ("http://git.localhost/a.git", Scheme::Http),
            ("git://localhost/a.git", Scheme::Git),
            ("git://127.0.0.1:9999/a.git", Scheme::Git),
            ("ssh://git@example.com:22/a.git", Scheme::Ssh),
            ("git@example.com:acme/flows.git", Scheme::Ssh),
        ] {
            let Ok(RepositoryUrl::Remote(remote)) = of(written) else { panic!("{written}: {:?}", of(written)) };
            assert_eq!((remote.connect.as_str(), remote.scheme), (written, scheme));
        }
        for (written, path) in [
            ("file:///srv/git/a.git", "/srv/git/a.git"),
            ("/srv/git/a b.git", "/srv/git/a b.git"),
            (".", "/etc/acme"),
            ("./a.git", "/etc/acme/a.git"),
        ] {
            assert_eq!(of(written), Ok(RepositoryUrl::Local(path.into())), "{written}");
        }
    }

    #[test]
    fn other_transports_and_tricks_are_refused() {
        use UrlProblem::{Credentials, Insecure as Unprotected, Malformed, Scheme as Foreign};
        for (text, problem) in [
            ("ext::sh -c id", Foreign),
            ("fd::7", Foreign),
            ("fd::3", Foreign),
            ("ftp://example.com/a", Foreign),
            ("rsync://h/x", Foreign),
            ("git://example.com/a", Foreign),
            ("persistent-https://h/x", Foreign),
            ("HTTPS://example.com/a", Foreign),
            ("", Malformed),
            ("-x", Malformed),
            ("-uhttps://example.com", Malformed),
            ("-oProxyCommand=id:x", Malformed),
            ("ssh://-oProxyCommand=id/a", Malformed),
            ("ssh://-l@h/x", Malformed),
            ("ssh://h/-x", Malformed),
            ("git@-oProxyCommand=id:a", Malformed),
            ("h1:-x", Malformed),
            ("file://host/a", Malformed),
            ("https:///a", Malformed),
            ("https://h", Malformed),
            ("https://exa mple.com/a", Malformed),
            ("https://h/\nx", Malformed),
            ("a\u{7}b", Malformed),
            ("http://127.0.0.1\\@example.com/", Malformed),
            ("https://example.com/a?token=x", Malformed),
            ("~/flows", Malformed),
            ("https://u:secret@h/x", Credentials),
            ("https://secret@h/x", Credentials),
            ("git@h:secret@x", Credentials),
            ("http://example.com/a", Unprotected),
            ("http://128.0.0.1/a", Unprotected),
            ("http://localhost.example.com/a", Unprotected),
        ] {
            let refused = of(text).unwrap_err();
            assert_eq!(refused.problem, problem, "{text}: {refused}");
            assert!(!refused.message.contains("secret"), "{refused}");
            assert!(!refused.help.is_empty(), "{text}: {refused}");
        }
        assert!(RepositoryUrl::parse("http://example.com/a", Path::new("/"), Insecure::Allow).is_ok());
    }

    #[test]
    fn another_transport_is_told_what_to_use_instead() {
        for (text, found) in [
            ("git://example.com/a", "`git://`, which protects nothing"),
            ("ftp://example.com/a", "`ftp://`"),
            ("ext::sh -c id", "a remote helper (`…::`)"),
        ] {
            let UrlRefused { message, help, .. } = of(text).unwrap_err();
            assert_eq!(message, format!("expected an https, ssh or file URL or a path, found {found}"));
            assert_eq!(help, "write it as `https://…` or `ssh://…`; no other transport is supported");
        }
    }

    #[test]
    fn spellings_of_one_url_are_one_repository() {
        for (spellings, expected) in [
            (
                &[
                    "https://git.example.com/acme/flows",
                    "HTTPS://GIT.example.com:443/acme/flows.git/",
                    " https://u@git.example.com/acme/flows.git ",
                    "https://gitlab-ci-token:secret@git.example.com/acme/flows.git",
                ][..],
                "https://git.example.com/acme/flows",
            ),
            (
                &[
                    "git@github.com:acme/flows.git",
                    "ssh://git@github.com:22/acme/flows",
                    "git+ssh://git@github.com/acme/flows",
                    "ssh://GitHub.com/acme/flows/",
                    "github.com:acme/flows",
                ],
                "ssh://github.com/acme/flows",
            ),
            (&["ssh://bob@host:2222/x.git"], "ssh://bob@host:2222/x"),
            (&["http://[::1]:8080/x"], "http://[::1]:8080/x"),
        ] {
            for spelling in spellings {
                assert_eq!(normal(spelling), expected, "{spelling}");
            }
        }
        assert_ne!(normal("https://h/Acme"), normal("https://h/acme"));
    }

    #[test]
    fn messages_never_show_who_signs_in() {
        assert_eq!(strip("https://me:secret@h/x?token=1"), "https://h/x");
        assert_eq!(strip("git@h:x"), "h:x");
        assert_eq!(of("ssh://git@example.com/a.git").unwrap().to_string(), "ssh://example.com/a.git");
    }
}

//! Which URLs are used at all. Their passwords have a place of their own, and what protects nothing stays on this
//! machine.

use url::Url;

use super::loopback::is_loopback;
use super::refused::{UrlProblem, UrlRefused};

/// The protocols that are spoken; everything else, `ext::` above all, is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `https://…`.
    Https,
    /// `http://…`, to this machine or where it is allowed.
    Http,
    /// `ssh://…` or `user@host:path`.
    Ssh,
    /// `git://…`, to this machine only.
    Git,
}

/// Whether `http://` is accepted for hosts other than loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insecure {
    /// It is refused.
    Refuse,
    /// `allowInsecure: true` stands beside it.
    Allow,
}

/// Where credentials belong instead.
pub(super) const CREDENTIALS_HELP: &str =
    "take them out of the URL, change them, and name them under `credentials` or `auth`";

/// How a file is named instead.
pub(super) const FILE_HELP: &str =
    "write three slashes, or the path alone; of another machine use `https://…` or `ssh://…`";

impl Scheme {
    /// By the name that stands in URLs.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "https" => Some(Self::Https),
            "http" => Some(Self::Http),
            "ssh" => Some(Self::Ssh),
            "git" => Some(Self::Git),
            _ => None,
        }
    }

    /// The name that stands in URLs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Git => "git",
        }
    }

    /// Where its servers listen.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Ssh => 22,
            Self::Git => 9418,
        }
    }
}

impl From<bool> for Insecure {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Refuse }
    }
}

impl Insecure {
    /// Whether a URL is protected, or needs no protection.
    ///
    /// # Errors
    /// [`UrlProblem::Insecure`].
    pub fn check(self, url: &Url) -> Result<(), UrlRefused> {
        let host = url.host_str().unwrap_or_default();
        if url.scheme() != "http" || self == Self::Allow || is_loopback(host) {
            return Ok(());
        }
        let message = format!("expected https, found http for `{host}`");
        let help = "use https; if the network is trusted, say `allowInsecure: true` beside it";
        Err(UrlRefused::new(UrlProblem::Insecure, message, help))
    }
}

/// A URL, without query and fragment, and without a user unless it is for ssh; with the protocol of one that is not of a
/// file.
///
/// # Errors
/// Anything else. The text is shown only once it is known to hold no credentials.
pub(crate) fn checked_url(text: &str, insecure: Insecure) -> Result<(Url, Option<Scheme>), UrlRefused> {
    let Some((written, rest)) = text.split_once("://") else {
        return Err(UrlRefused::malformed("expected a URL such as `https://example.com/api/v2`", "write it in full"));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme = match (written, Scheme::named(written)) {
        ("file", _) => None,
        (_, Some(scheme)) => Some(scheme),
        (_, None) => return Err(scheme_refused(&shown_scheme(written))),
    };
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        let message = "expected a URL, found a space or a backslash in it";
        return Err(UrlRefused::malformed(message, "take it out; a space in a path is written `%20`"));
    }
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| scheme != Some(Scheme::Ssh) || user.contains(':')) {
        let message = "the URL holds credentials, which are not shown";
        return Err(UrlRefused::new(UrlProblem::Credentials, message, CREDENTIALS_HELP));
    }
    let url = absolute(text)?;
    let host = url.host_str().unwrap_or_default();
    match scheme {
        None if !matches!(host, "" | "localhost") => {
            return Err(UrlRefused::malformed("expected `file:///path`, found a host in a file URL", FILE_HELP));
        }
        None => return Ok((url, scheme)),
        _ if authority.is_empty() || host.is_empty() || host.starts_with('-') => {
            return Err(UrlRefused::malformed("expected a URL with a host", "write it in full, host and path"));
        }
        Some(Scheme::Git) if !is_loopback(host) => return Err(scheme_refused("`git://`, which protects nothing")),
        _ => insecure.check(&url)?,
    }
    Ok((url, scheme))
}

/// A scheme in backticks, unless it is something else that had better not be shown.
pub(crate) fn shown_scheme(scheme: &str) -> String {
    let plain = scheme.len() <= 20 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if plain { format!("`{scheme}://`") } else { "something else".to_owned() }
}

pub(super) fn scheme_refused(found: &str) -> UrlRefused {
    let message = format!("expected an https, ssh or file URL or a path, found {found}");
    UrlRefused::new(
        UrlProblem::Scheme,
        message,
        "write it as `https://…` or `ssh://…`; no other transport is supported",
    )
}

fn absolute(text: &str) -> Result<Url, UrlRefused> {
    let url = Url::parse(text)
        .map_err(|error| UrlRefused::malformed(format!("expected a URL: {error}"), "write it in full"))?;
    if url.query().is_some() || url.fragment().is_some() {
        let message = "expected a URL without `?` and `#`; what follows is not shown";
        return Err(UrlRefused::malformed(message, "remove the query; secrets never go into a URL"));
    }
    Ok(url)
}

//! Which proxy a URL is reached through: one answer for git and for the tenant, from the usual variables.
//!
//! `HTTPS_PROXY` or `HTTP_PROXY` by the scheme of the URL, then `ALL_PROXY`; upper case is looked up before lower
//! case. `NO_PROXY` names hosts that are reached without; plain HTTP to this machine always is. A variable that
//! cannot be read is an error, never as good as unset. Nothing here ever prints a proxy's user or password.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::sync::Once;

use secrecy::SecretString;
use url::{Host, Url};

use crate::address::is_loopback;

use super::mask::Mask;

/// The proxies of this process.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    https: Option<Named>,
    http: Option<Named>,
    bypass: Vec<Bypass>,
}

/// How a URL is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// No variable names a proxy for it.
    Unsaid,
    /// Without a proxy, whatever else is configured.
    Direct,
    /// Through this proxy.
    Through(ProxyUrl),
}

/// Where a proxy is. Shown as `host:port`: its user and password cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

/// A variable does not name a proxy. What it holds is not shown: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable `{variable}` names no proxy that can be used: {problem}; write it as `http://host:port`"
)]
pub struct ProxyError {
    variable: String,
    problem: &'static str,
}

/// What a variable says.
#[derive(Debug, Clone)]
enum Named {
    Usable(ProxyUrl),
    /// A proxy of a kind that is not spoken to: an error once it would be needed.
    OtherKind(ProxyError),
}

/// One entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bypass {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Every,
    /// The domain and everything below it.
    Domain(String),
    /// Addresses that begin with the same bits.
    Network(IpAddr, u32),
}

impl Proxies {
    /// What the environment of the process says now.
    ///
    /// # Errors
    /// Where a variable that names a proxy cannot be read.
    pub fn from_environment() -> Result<Self, ProxyError> {
        let (proxies, unread) = Self::from_variables(|name| std::env::var_os(name))?;
        static WARNED: Once = Once::new();
        if !unread.is_empty() {
            WARNED
                .call_once(|| tracing::warn!(entries = unread.join(", "), "`NO_PROXY` has entries that name no host"));
        }
        Ok(proxies)
    }

    /// The proxies, and entries of `NO_PROXY` that say nothing, as they say nothing to git and curl.
    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<(Self, Vec<String>), ProxyError> {
        let read = |name: &str| {
            let names = [name.to_owned(), name.to_ascii_lowercase()];
            names.into_iter().find_map(|name| {
                let value = variable(&name)?;
                let said = value.to_str().is_none_or(|value| !value.trim().is_empty());
                said.then_some((name, value))
            })
        };
        let proxy = |name: &str| read(name).or_else(|| read("ALL_PROXY")).map(Named::parse).transpose();
        let no_proxy = read("NO_PROXY").map(|(_, value)| value.to_string_lossy().into_owned()).unwrap_or_default();
        let entries = no_proxy.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let (mut known, mut unread) = (Vec::new(), Vec::new());
        for entry in entries {
            match bypass(entry) {
                Some(entry) => known.push(entry),
                None => unread.push(entry.to_owned()),
            }
        }
        Ok((Self { https: proxy("HTTPS_PROXY")?, http: proxy("HTTP_PROXY")?, bypass: known }, unread))
    }

    /// How this URL is reached.
    ///
    /// # Errors
    /// Where that is through a proxy of a kind that is not spoken to, such as SOCKS.
    pub fn route(&self, url: &Url) -> Result<Route, ProxyError> {
        let proxy = match url.scheme() {
            "https" => &self.https,
            "http" => &self.http,
            _ => return Ok(Route::Direct),
        };
        if is_local(url) || self.bypass.iter().any(|entry| entry.names(url)) {
            return Ok(Route::Direct);
        }
        match proxy {
            None => Ok(Route::Unsaid),
            Some(Named::Usable(proxy)) => Ok(Route::Through(proxy.clone())),
            Some(Named::OtherKind(error)) => Err(error.clone()),
        }
    }
}

impl Route {
    /// The proxy on the way.
    #[must_use]
    pub fn proxy(&self) -> Option<&ProxyUrl> {
        if let Self::Through(proxy) = self { Some(proxy) } else { None }
    }
}

impl Named {
    /// A proxy without a scheme speaks HTTP.
    fn parse((variable, value): (String, OsString)) -> Result<Self, ProxyError> {
        let error = |problem| ProxyError { variable: variable.clone(), problem };
        let text = value.to_str().ok_or_else(|| error("it is not UTF-8"))?.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        let url = url.map_err(|_| error("it cannot be read as a URL"))?;
        if !url.has_host() || url.host_str() == Some("") {
            return Err(error("it has no host"));
        }
        match url.scheme() {
            "http" | "https" => Ok(Self::Usable(ProxyUrl(url))),
            _ => Ok(Self::OtherKind(error("only proxies that speak HTTP are known here"))),
        }
    }
}

impl ProxyUrl {
    /// The URL to connect to, with user and password: never to be shown.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Tells a mask what is not to be shown of it: the password, or the user where that is all there is.
    pub fn teach(&self, mask: &Mask) {
        let plain = |text: &str| decoded(text).unwrap_or_else(|| text.to_owned());
        let user = plain(self.0.username());
        match self.0.password() {
            Some(password) => mask.keep_pair(&user, &SecretString::from(plain(password))),
            None if user.is_empty() => {}
            None => mask.keep(&SecretString::from(user)),
        }
    }
}

/// A text without its percent-encoding, where it stands for one.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        plain.push(if byte == b'%' { digit(bytes.next())? << 4 | digit(bytes.next())? } else { byte });
    }
    String::from_utf8(plain).ok()
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port_or_known_default().unwrap_or_default();
        write!(f, "{}:{port}", self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// `*`, `example.com`, `.example.com`, `*.example.com`, `10.1.2.3`, `10.0.0.0/8`, `[::1]`; each may end with a port.
fn bypass(entry: &str) -> Option<Bypass> {
    if let Some((address, bits)) = entry.split_once('/') {
        let hosts = Hosts::Network(address.parse().ok()?, bits.parse().ok()?);
        return Some(Bypass { hosts, port: None });
    }
    let whole_address = entry.parse::<IpAddr>().is_ok();
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !whole_address && !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (entry, None),
    };
    Some(Bypass { hosts: hosts(host)?, port })
}

fn hosts(text: &str) -> Option<Hosts> {
    if text == "*" {
        return Some(Hosts::Every);
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Hosts::Network(address, u32::MAX));
    }
    let domain = text.trim_start_matches('*').trim_matches('.');
    match Host::parse(domain).ok()? {
        Host::Domain(domain) => Some(Hosts::Domain(domain)),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

impl Bypass {
    fn names(&self, url: &Url) -> bool {
        let port = self.port.is_none_or(|port| url.port_or_known_default() == Some(port));
        port && match (&self.hosts, url.host()) {
            (Hosts::Every, _) => true,
            (Hosts::Domain(domain), Some(Host::Domain(host))) => {
                let above = host.trim_end_matches('.').strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Hosts::Network(network, bits), Some(Host::Ipv4(host))) => within(*network, *bits, IpAddr::V4(host)),
            (Hosts::Network(network, bits), Some(Host::Ipv6(host))) => within(*network, *bits, IpAddr::V6(host)),
            _ => false,
        }
    }
}

fn within(network: IpAddr, n_bits: u32, host: IpAddr) -> bool {
    match (network, host) {
        (IpAddr::V4(network), IpAddr::V4(host)) => {
            (network.to_bits() ^ host.to_bits()).leading_zeros() >= n_bits.min(32)
        }
        (IpAddr::V6(network), IpAddr::V6(host)) => {
            (network.to_bits() ^ host.to_bits()).leading_zeros() >= n_bits.min(128)
        }
        _ => false,
    }
}

/// Plain HTTP to this machine, as to a sandbox: a proxy somewhere else cannot reach it.
fn is_local(url: &Url) -> bool {
    url.scheme() == "http" && url.host_str().is_some_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<(Proxies, Vec<String>), ProxyError> {
        Proxies::from_variables(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    fn route(variables: &[(&str, &str)], url: &str) -> Route {
        read(variables).unwrap().0.route(&Url::parse(url).unwrap()).unwrap()
    }

    fn shown(variables: &[(&str, &str)], url: &str) -> String {
        match route(variables, url) {
            Route::Unsaid => "unsaid".to_owned(),
            Route::Direct => "direct".to_owned(),
            Route::Through(proxy) => proxy.expose().to_string(),
        }
    }

    #[track_caller]
    fn goes_past(no_proxy: &str, url: &str) -> bool {
        route(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", no_proxy)], url) == Route::Direct
    }

    #[test]
    fn a_domain_names_itself_and_everything_below_in_every_spelling() {
        for entry in
            ["example.com", ".example.com", "*.example.com", "EXAMPLE.Com", "x, example.com ,y", "x example.com"]
        {
            for url in ["https://example.com/x", "https://git.example.com", "https://GIT.Example.com:8443"] {
                assert!(goes_past(entry, url), "{entry} {url}");
            }
            for url in ["https://notexample.com", "https://example.com.evil.test", "https://example.org"] {
                assert!(!goes_past(entry, url), "{entry} {url}");
            }
        }
    }

    #[test]
    fn everything_a_port_an_address_and_a_network_can_be_named() {
        for (entry, past, through) in [
            ("*", "https://a.test", ""),
            ("a.test:8443", "https://a.test:8443", "https://a.test"),
            ("a.test:443", "https://a.test", "https://a.test:8443"),
            ("*:443", "https://a.test", "https://a.test:8443"),
            ("10.1.2.3", "https://10.1.2.3:8443", "https://10.1.2.4"),
            ("10.1.2.3:443", "https://10.1.2.3", "https://10.1.2.3:8443"),
            ("10.0.0.0/8", "https://10.9.9.9", "https://11.0.0.1"),
            ("0.0.0.0/0", "https://8.8.8.8", "https://a.test"),
            ("2001:db8::1", "https://[2001:db8::1]", "https://[2001:db8::2]"),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443", "https://[2001:db8::1]"),
            ("2001:db8::/32", "https://[2001:db8:9::]", "https://[2001:db9::]"),
        ] {
            assert!(goes_past(entry, past), "{entry} {past}");
            assert!(through.is_empty() || !goes_past(entry, through), "{entry} {through}");
        }
        for nothing in ["", ",", "a.test:x", "10.0.0.0/x", "::/"] {
            assert!(!goes_past(nothing, "https://a.test"), "{nothing}");
        }
        let (_, unread) = read(&[("NO_PROXY", "a.test:x, b.test ::/")]).unwrap();
        assert_eq!(unread, ["a.test:x", "::/"]);
    }

    #[test]
    fn the_scheme_chooses_the_variable() {
        let set = [("HTTPS_PROXY", "http://one:1"), ("http_proxy", "two:2"), ("ALL_PROXY", "http://three:3")];
        assert_eq!(shown(&set, "https://a.test"), "http://one:1/");
        assert_eq!(shown(&set, "http://a.test"), "http://two:2/");
        assert_eq!(shown(&set, "ssh://a.test"), "direct");
        assert_eq!(shown(&set[2..], "https://a.test"), "http://three:3/");
        assert_eq!(shown(&[("https_proxy", "http://one:1"), ("HTTPS_PROXY", "")], "https://a.test"), "http://one:1/");
        assert_eq!(shown(&[], "https://a.test"), "unsaid");
    }

    #[test]
    fn this_machine_is_reached_without() {
        let set = [("ALL_PROXY", "http://proxy:3128")];
        for url in ["http://127.0.0.1:1", "http://localhost", "http://x.localhost", "http://[::1]"] {
            assert_eq!(route(&set, url), Route::Direct, "{url}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_named_and_not_shown() {
        for value in ["http://ann:hunter2@[::1", "http://hunter2:port", "http://", "://hunter2", "http://a b"] {
            for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "all_proxy"] {
                let error = read(&[(name, value)]).unwrap_err().to_string();
                assert!(error.contains(&format!("`{name}`")) && !error.contains("hunter2"), "{value}: {error}");
            }
        }
        let strange = |name: &str| {
            use std::os::unix::ffi::OsStringExt as _;
            (name == "HTTPS_PROXY").then(|| OsString::from_vec(b"http://prox\xff".to_vec()))
        };
        assert!(Proxies::from_variables(strange).unwrap_err().to_string().contains("it is not UTF-8"));
    }

    #[test]
    fn a_proxy_of_another_kind_is_an_error_where_it_is_needed() {
        let (proxies, _) = read(&[("ALL_PROXY", "socks5://ann:hunter2@proxy:1"), ("HTTPS_PROXY", "proxy:2")]).unwrap();
        assert!(proxies.route(&Url::parse("https://a.test").unwrap()).is_ok());
        assert_eq!(proxies.route(&Url::parse("http://localhost").unwrap()), Ok(Route::Direct));
        let error = proxies.route(&Url::parse("http://a.test").unwrap()).unwrap_err().to_string();
        assert!(error.contains("`ALL_PROXY`") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn the_password_of_a_proxy_is_never_printed() {
        for (url, said, masked) in [
            (
                "http://ann:hunter2@proxy:3128",
                "no http://ann:hunter2@proxy, Basic YW5uOmh1bnRlcjI=",
                "no http://ann:***@proxy, Basic ***=",
            ),
            ("http://ann:p%40ss%2Fword@proxy:3128", "p@ss/word p%40ss%2fword YW5uOnBAc3Mvd29yZA==", "*** *** ***=="),
            ("http://t0ken@proxy:3128", "t0ken@proxy", "***@proxy"),
        ] {
            let route = route(&[("HTTPS_PROXY", url)], "https://a.test");
            assert_eq!(format!("{route:?}"), "Through(ProxyUrl(proxy:3128))");
            let mask = Mask::default();
            route.proxy().unwrap().teach(&mask);
            assert_eq!(mask.hide(said), masked);
        }
    }
}

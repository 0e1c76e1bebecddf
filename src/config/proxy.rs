//! Which proxy a URL is reached through: one answer for git and for the tenant, from the usual variables.
//!
//! `HTTPS_PROXY` or `HTTP_PROXY` by the scheme of the URL, then `ALL_PROXY`; upper case is looked up before lower
//! case. `NO_PROXY` names hosts that are reached without; plain HTTP to this machine always is. Nothing here ever prints a proxy's
//! password.

use std::net::IpAddr;

use url::{Host, Url};

/// The proxies of this process.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<ProxyUrl>,
    http: Option<ProxyUrl>,
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

/// Where a proxy is. Its password cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

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
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            let names = [name.to_owned(), name.to_ascii_lowercase()];
            names.iter().filter_map(|name| variable(name)).find(|value| !value.trim().is_empty())
        };
        let proxy = |name: &str| read(name).or_else(|| read("ALL_PROXY")).and_then(|value| ProxyUrl::parse(&value));
        let no_proxy = read("NO_PROXY").unwrap_or_default();
        let entries = no_proxy.split(|c: char| c == ',' || c.is_whitespace());
        Self { https: proxy("HTTPS_PROXY"), http: proxy("HTTP_PROXY"), bypass: entries.filter_map(bypass).collect() }
    }

    /// How this URL is reached.
    #[must_use]
    pub fn route(&self, url: &Url) -> Route {
        let proxy = match url.scheme() {
            "https" => &self.https,
            "http" => &self.http,
            _ => return Route::Direct,
        };
        if is_local(url) || self.bypass.iter().any(|entry| entry.names(url)) {
            return Route::Direct;
        }
        proxy.clone().map_or(Route::Unsaid, Route::Through)
    }
}

impl ProxyUrl {
    /// A proxy without a scheme speaks HTTP.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        url.ok().filter(Url::has_host).map(Self)
    }

    /// The URL to connect to, with user and password: never to be shown.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Takes the password, or the user where that is all there is, out of a text from elsewhere.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        match self.0.password().unwrap_or(self.0.username()) {
            "" => text.to_owned(),
            secret => text.replace(secret, "***"),
        }
    }
}

impl std::fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProxyUrl").field(&self.0.host_str()).field(&self.0.port_or_known_default()).finish()
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
    if url.scheme() != "http" {
        return false;
    }
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(variables: &[(&str, &str)], url: &str) -> Route {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Proxies::from_variables(find).route(&Url::parse(url).unwrap())
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
    fn the_password_of_a_proxy_is_never_printed() {
        let set = [("ALL_PROXY", "http://ann:hunter2@proxy:3128")];
        let route = route(&set, "https://a.test");
        assert_eq!(format!("{route:?}"), "Through(ProxyUrl(Some(\"proxy\"), Some(3128)))");
        let Route::Through(proxy) = route else { panic!() };
        assert_eq!(proxy.scrub("no http://ann:hunter2@proxy"), "no http://ann:***@proxy");
    }
}

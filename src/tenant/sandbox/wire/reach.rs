//! Whose requests are answered: a page on the web may have a name of its own point to this machine, and its visitor's
//! browser then sends its requests here. They bear that name, and are turned away by it.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;

use crate::address::is_loopback;

/// Under which names the sandbox is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those of this machine only.
    Loopback,
    /// Any: it serves other machines.
    Anywhere,
}

impl Reach {
    /// Whether a request is for us, by its `Host` and, where its target is a whole URL, by that.
    pub(crate) fn covers(self, request: &Request) -> bool {
        let named = request.headers().get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let mut named = named.chain(request.uri().authority().map(Authority::as_str)).peekable();
        self == Self::Anywhere || named.peek().is_some() && named.all(is_here)
    }
}

/// `localhost`, a name below it, or an address of this machine, with or without a port.
fn is_here(authority: &str) -> bool {
    let Some(authority) = authority.parse::<Authority>().ok().filter(|_| !authority.contains('@')) else {
        return false;
    };
    is_loopback(authority.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for name in [
            "localhost",
            "LocalHost:8480",
            "localhost.",
            "a.localhost:1",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:8480",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_here(name), "{name}");
        }
        for name in [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
            "localhost@evil.example",
            "evil@localhost",
            "local host",
            "localhost/x",
            "::1",
            ".localhost.x",
        ] {
            assert!(!is_here(name), "{name}");
        }
    }
}

//! Which hosts are this machine.

use std::net::IpAddr;

/// Whether a host is this machine whatever the network says: an address of the loopback, with or without brackets,
/// `localhost`, or a name below it (RFC 6761, section 6.3).
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others() {
        for near in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "git.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(near), "{near}");
        }
        for far in ["", "localhost.example.com", "notlocalhost", "128.0.0.1", "0.0.0.0", "[::2]", "[::ffff:10.0.0.1]"] {
            assert!(!is_loopback(far), "{far}");
        }
    }
}

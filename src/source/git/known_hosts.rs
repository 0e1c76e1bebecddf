//! OpenSSH `known_hosts`: whether a host's key is the one a person accepted before.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The lines of one or more `known_hosts` files.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    lines: Vec<Line>,
    /// Where they were read, for messages.
    pub(super) origin: String,
}

#[derive(Debug)]
struct Line {
    mark: Mark,
    hosts: String,
    kind: String,
    key: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Mark {
    Plain,
    Revoked,
    /// Certificate authorities are not supported; such a line never matches.
    Authority,
}

/// What the lines say of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostKeyVerdict {
    /// The very key.
    Known,
    /// Nothing is known of the host.
    Unknown,
    /// The host is known with another key of this kind.
    Changed,
    /// The host is known with keys of these kinds only.
    OtherKinds(Vec<String>),
    /// The key was marked as revoked.
    Revoked,
}

impl KnownHosts {
    /// Parses a file; lines that cannot be read match nothing.
    pub(super) fn parse(text: &str, origin: &str) -> Self {
        Self { lines: text.lines().filter_map(parse_line).collect(), origin: origin.to_owned() }
    }

    /// Kind and key, in base64, of every key that a person accepted for a host.
    pub(super) fn keys_of(&self, host: &str, port: u16) -> Vec<(&str, String)> {
        let name = name_of(host, port);
        let lines = self.lines.iter().filter(|line| line.mark == Mark::Plain && matches(&line.hosts, &name));
        lines.map(|line| (line.kind.as_str(), STANDARD.encode(&line.key))).collect()
    }

    pub(super) fn check(&self, host: &str, port: u16, key: &[u8]) -> HostKeyVerdict {
        let name = name_of(host, port);
        let lines: Vec<&Line> = self.lines.iter().filter(|line| matches(&line.hosts, &name)).collect();
        if lines.iter().any(|line| line.mark == Mark::Revoked && line.key == key) {
            return HostKeyVerdict::Revoked;
        }
        let plain: Vec<&Line> = lines.into_iter().filter(|line| line.mark == Mark::Plain).collect();
        let kind = key_kind(key);
        if plain.iter().any(|line| line.key == key) {
            HostKeyVerdict::Known
        } else if plain.is_empty() {
            HostKeyVerdict::Unknown
        } else if plain.iter().any(|line| line.kind == kind) {
            HostKeyVerdict::Changed
        } else {
            HostKeyVerdict::OtherKinds(plain.iter().map(|line| line.kind.clone()).collect())
        }
    }
}

/// A host as `known_hosts` has it.
pub(super) fn name_of(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// The kind a key names in its first field, for example `ssh-ed25519`.
pub(super) fn key_kind(key: &[u8]) -> String {
    let length = key.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
    let kind = key.get(4..4_usize.saturating_add(length)).unwrap_or_default();
    String::from_utf8_lossy(kind).chars().filter(|c| !c.is_control()).collect()
}

/// A key's fingerprint as `ssh-keygen -l` prints it.
pub(super) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

fn parse_line(line: &str) -> Option<Line> {
    let mut words = line.split_whitespace().peekable();
    let mark = match *words.peek()? {
        word if word.starts_with('#') => return None,
        "@revoked" => Mark::Revoked,
        word if word.starts_with('@') => Mark::Authority,
        _ => Mark::Plain,
    };
    if mark != Mark::Plain {
        words.next();
    }
    let (hosts, kind, key) = (words.next()?, words.next()?, words.next()?);
    Some(Line { mark, hosts: hosts.to_owned(), kind: kind.to_owned(), key: STANDARD.decode(key).ok()? })
}

fn matches(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return matches_hash(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches_glob(&pattern.to_ascii_lowercase(), name) => return false,
            Some(_) => {}
            None => found |= matches_glob(&pattern.to_ascii_lowercase(), name),
        }
    }
    found
}

fn matches_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

/// `*` is any run of characters, `?` any one.
fn matches_glob(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| matches_glob(rest, &name[at..]))
        }
        (Some('?'), Some(c)) => matches_glob(&pattern[1..], &name[c.len_utf8()..]),
        (Some(p), Some(c)) if p == c => matches_glob(&pattern[p.len_utf8()..], &name[c.len_utf8()..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, tail: &[u8]) -> Vec<u8> {
        let mut key = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
        key.extend(kind.as_bytes());
        key.extend(tail);
        key
    }

    fn line(hosts: &str, key: &[u8]) -> String {
        format!("{hosts} {} {} comment\n", key_kind(key), STANDARD.encode(key))
    }

    fn check(hosts: &str, host: &str, port: u16) -> bool {
        let key = key("ssh-ed25519", b"one");
        KnownHosts::parse(&line(hosts, &key), "here").check(host, port, &key) == HostKeyVerdict::Known
    }

    #[test]
    fn names_ports_patterns_and_hashes() {
        assert!(check("git.example.com,10.0.0.1", "10.0.0.1", 22));
        assert!(check("Git.Example.com", "git.example.COM", 22));
        assert!(check("[git.example.com]:2222", "git.example.com", 2222));
        assert!(!check("git.example.com", "git.example.com", 2222));
        assert!(check("*.example.com", "git.example.com", 22));
        assert!(!check("*.example.com,!git.example.com", "git.example.com", 22));
        assert!(!check("@cert-authority *.example.com", "git.example.com", 22));
        // From `ssh-keygen -H` for `localhost`.
        assert!(!check("|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "localhost", 22));
        let salt = [7_u8; 20];
        let mut mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap();
        mac.update(b"[h]:2222");
        let hashed = format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes()));
        assert!(check(&hashed, "h", 2222));
        assert!(!check(&hashed, "h", 22));
    }

    #[test]
    fn the_keys_of_a_host_are_those_that_somebody_accepted() {
        let (one, two) = (key("ssh-ed25519", b"1"), key("ssh-rsa", b"2"));
        let lines = [line("H,other", &one), line("*", &two), line("i", &one)];
        let marked = format!("{}@revoked {}@cert-authority {}", lines.concat(), lines[0], lines[0]);
        let hosts = KnownHosts::parse(&marked, "here");
        let keys = hosts.keys_of("h", 22);
        assert_eq!(keys, [("ssh-ed25519", STANDARD.encode(&one)), ("ssh-rsa", STANDARD.encode(&two))]);
        assert_eq!(hosts.keys_of("h", 2222).len(), 1);
    }

    #[test]
    fn another_key_is_told_from_an_unknown_host() {
        let (one, two, rsa) = (key("ssh-ed25519", b"1"), key("ssh-ed25519", b"2"), key("ssh-rsa", b"3"));
        let hosts = KnownHosts::parse(&format!("# c\n\nbroken\n{}", line("h", &one)), "here");
        assert_eq!(hosts.check("h", 22, &one), HostKeyVerdict::Known);
        assert_eq!(hosts.check("h", 22, &two), HostKeyVerdict::Changed);
        assert_eq!(hosts.check("h", 22, &rsa), HostKeyVerdict::OtherKinds(vec!["ssh-ed25519".to_owned()]));
        assert_eq!(hosts.check("i", 22, &one), HostKeyVerdict::Unknown);
        let revoked = KnownHosts::parse(&format!("{}@revoked {}", line("h", &one), line("*", &one)), "here");
        assert_eq!(revoked.check("h", 22, &one), HostKeyVerdict::Revoked);
    }
}

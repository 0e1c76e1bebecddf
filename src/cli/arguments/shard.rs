//! `--shard I/N`: which of several processes this is, and so which environments are its own.

use std::str::FromStr;

use crate::record::hex_sha256;

/// Most processes that share environments.
const SHARDS_MAX: u64 = 1_000;

/// One of several processes that share the environments of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    index: u64,
    /// Of how many.
    of: u64,
}

impl Shard {
    /// Whether an environment falls to this one. It depends on nothing but its name and the number of shards.
    #[must_use]
    pub fn takes(self, environment: &str) -> bool {
        let digest = hex_sha256(environment.as_bytes());
        let number = digest.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
        number % self.of == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected `I/N` with I from 0 and less than N, such as `0/3`, found `{text}`");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let number = |digits: &str| {
            let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| is_plain).ok_or_else(wrong)
        };
        // The name of a StatefulSet's pod ends with its ordinal.
        let ordinal = match index.rsplit_once('-') {
            Some((pod, ordinal)) if pod.starts_with(|c: char| c.is_ascii_alphabetic()) => ordinal,
            _ => index,
        };
        let (index, of) = (number(ordinal)?, number(of)?);
        if of > SHARDS_MAX {
            return Err(format!("expected at most {SHARDS_MAX} shards, found `{text}`"));
        }
        if index < of { Ok(Self { index, of }) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_shard_is_refused() {
        for good in ["0/1", "0/3", "2/3", "flowsync-2/3", "flow-sync-0-1/3", "999/1000"] {
            assert!(good.parse::<Shard>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "0",
            "/",
            "3/3",
            "-1/3",
            "0/0",
            "1/",
            "/3",
            "a/3",
            "0/b",
            "0/3/4",
            "+1/3",
            " 0/3",
            "1-2/3",
            "0/1001",
            "99999999999999999999/3",
        ] {
            let error = bad.parse::<Shard>().unwrap_err();
            assert!(error.starts_with("expected "), "{bad}: {error}");
        }
        assert_eq!("flowsync-2/3".parse::<Shard>().unwrap().to_string(), "2/3");
    }

    #[test]
    fn where_an_environment_falls_never_changes() {
        let falls = |name: &str| (0..5).find(|index| Shard { index: *index, of: 5 }.takes(name)).unwrap();
        let found = ["production", "staging", "acceptance", "a", "b", "c"].map(falls);
        assert_eq!(found, FALLS);
    }

    const FALLS: [u64; 6] = [0, 1, 0, 0, 1, 0];

    proptest! {
        #[test]
        fn every_environment_falls_to_exactly_one(name in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}", of in 1..20_u64) {
            prop_assert_eq!((0..of).filter(|index| Shard { index: *index, of }.takes(&name)).count(), 1);
        }
    }
}

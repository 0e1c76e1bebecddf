//! Names of branches.

use std::str::FromStr;

use super::as_text::as_text;
use super::refused::{NameRefused, shown};

/// The short name of a branch: what git allows (`git check-ref-format`), and nothing that git or a shell could take for
/// something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branch(String);

impl Branch {
    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name, which no tag can have.
    #[must_use]
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

/// `main`.
impl Default for Branch {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for Branch {
    type Err = NameRefused;

    fn from_str(name: &str) -> Result<Self, NameRefused> {
        match problem(name) {
            None => Ok(Self(name.to_owned())),
            Some(why) => Err(NameRefused { expected: "the name of a branch", found: shown(name), why }),
        }
    }
}

as_text!(Branch);

fn problem(name: &str) -> Option<&'static str> {
    let has_odd_part =
        || name.split('/').any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"));
    if name.starts_with("refs/") {
        Some("write the branch alone, for example `main`")
    } else if name.starts_with('-') {
        Some("a branch may not begin with `-`")
    } else if name == "HEAD" {
        Some("`HEAD` is no branch but what is checked out; write the branch itself")
    } else if name.contains("..") || name.contains("@{") || name == "@" || name.ends_with('.') {
        Some("a branch may not be `@`, hold `..` or `@{`, or end with `.`")
    } else if name.contains(|c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c)) {
        Some("a branch may not hold spaces, control characters or any of `~^:?*[\\`")
    } else if has_odd_part() {
        Some("no part between `/` may be empty, begin with `.` or end with `.lock`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_branch_has_a_name_git_allows() {
        for good in ["main", "flowsync/records", "release-1.2", "ünïcode", "a@b"] {
            assert_eq!(good.parse::<Branch>().unwrap().full(), format!("refs/heads/{good}"));
        }
        for evil in [
            "",
            "-main",
            "--upload-pack=x",
            "a..b",
            "a\u{7}b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "x.lock",
            "/a",
            "a/",
            "HEAD",
            "@",
            "a//b",
            "refs/heads/main",
            "a@{1}",
            "a\nb",
            ".a",
            "a/.b",
            "a?",
            "a*",
            "a[",
            "a\\b",
        ] {
            assert!(evil.parse::<Branch>().is_err(), "{evil:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_a_branch_here_is_one_to_git(name in r"[a-bH@{}./\-~^:?*\[\\ \x00-\x20\x7fü]{0,8}|(HEAD|a)(\.lock|/|\.)?b?") {
            if let Ok(branch) = name.parse::<Branch>() {
                prop_assert!(git2::Branch::name_is_valid(&name).unwrap(), "{:?}", name);
                prop_assert!(git2::Reference::is_valid_name(&branch.full()), "{:?}", name);
            }
        }
    }
}

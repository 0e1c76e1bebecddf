//! Folders of a repository.

use std::str::FromStr;

use super::as_text::as_text;
use super::refused::{NameRefused, shown};

/// A folder of a repository, from its root: `/` between its parts and none around them. Never the root itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folder(String);

impl Folder {
    /// A folder whose name stands in the program itself.
    pub(crate) fn known(name: &'static str) -> Self {
        debug_assert_eq!(parts(name).map(|parts| parts.join("/")).as_deref(), Ok(name));
        Self(name.to_owned())
    }

    /// The path from the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A folder in this one.
    ///
    /// # Errors
    /// The name cannot be one of a folder.
    pub fn join(&self, name: &str) -> Result<Self, NameRefused> {
        format!("{self}/{name}").parse()
    }

    /// Whether one of them is or holds the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let inside = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        inside(self, other) || inside(other, self)
    }
}

impl FromStr for Folder {
    type Err = NameRefused;

    fn from_str(name: &str) -> Result<Self, NameRefused> {
        parts(name).map(|parts| Self(parts.join("/"))).map_err(|why| NameRefused {
            expected: "a folder inside the repository",
            found: shown(name),
            why,
        })
    }
}

as_text!(Folder);

fn parts(name: &str) -> Result<Vec<&str>, &'static str> {
    if name.starts_with('/') || name.contains('\\') || name.contains(':') {
        return Err("write it from the root of the repository, with `/` between its parts");
    }
    if name.contains(char::is_control) {
        return Err("it holds a control character");
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() {
        return Err("the root of the repository cannot be used; name a folder in it");
    }
    if parts.iter().any(|part| *part == ".." || part.starts_with('-') || part.eq_ignore_ascii_case(".git")) {
        return Err("no part may be `..` or `.git`, or begin with `-`");
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Folder {
        name.parse().unwrap()
    }

    #[test]
    fn a_folder_lies_in_the_repository() {
        for (good, meant) in [("flows", "flows"), ("a/b", "a/b"), ("a.b/c d", "a.b/c d"), ("./a//b/", "a/b")] {
            assert_eq!(folder(good).as_str(), meant);
        }
        for evil in
            ["", "/", "/a", ".", "..", "a/../b", "-a", "a/-b", ".git", "a/.GIT/b", "a\0b", "a\nb", "c:\\x", "c:x"]
        {
            assert!(evil.parse::<Folder>().is_err(), "{evil:?}");
        }
        assert_eq!(folder("a").join("b").unwrap().as_str(), "a/b");
        assert!(folder("a").join("../b").is_err());
    }

    #[test]
    fn folders_that_hold_one_another_overlap() {
        for (one, other) in [("a", "a"), ("a", "a/b"), ("a/b", "a")] {
            assert!(folder(one).overlaps(&folder(other)));
        }
        for (one, other) in [("a", "ab"), ("a/b", "a/c")] {
            assert!(!folder(one).overlaps(&folder(other)));
        }
    }
}

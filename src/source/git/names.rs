//! Which names of branches, folders and record files are accepted.

use crate::source::SourceError;

/// The full name of a branch, which no tag can have; refuses what git or a shell could take for
/// something else.
pub(super) fn branch_ref(branch: &str) -> Result<String, SourceError> {
    let full = format!("refs/heads/{branch}");
    let refused = |why| Err(SourceError::Setting(format!("expected a branch name, found `{}`: {why}", shown(branch))));
    if branch.starts_with('-') {
        refused("it begins with `-`")
    } else if branch.starts_with("refs/") {
        refused("expected the short name, without `refs/heads/`")
    } else if branch == "HEAD" || branch == "@" || !git2::Reference::is_valid_name(&full) {
        refused("git does not allow it")
    } else {
        Ok(full)
    }
}

/// A folder of the repository, `/` between its parts.
pub(super) fn folder(key: &str, folder: &str) -> Result<(), SourceError> {
    path_problem(folder).map_or(Ok(()), |why| {
        Err(SourceError::Setting(format!(
            "expected a folder of the repository for `{key}`, found `{}`: {why}",
            shown(folder)
        )))
    })
}

/// What forbids a path relative to the root of the repository, if anything does.
pub(super) fn path_problem(path: &str) -> Option<&'static str> {
    if path.starts_with('-') {
        return Some("it begins with `-`");
    }
    if path.chars().any(|c| c.is_control() || c == '\\' || c == ':') {
        return Some("it holds a control character, `\\` or `:`");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("it has an empty part"),
        "." | ".." => Some("it has a part `.` or `..`"),
        part if part.eq_ignore_ascii_case(".git") => Some("it has a part `.git`"),
        _ => None,
    })
}

/// A path below a folder, `""` being the root; the folder itself where the path is empty.
pub(super) fn below(folder: &str, path: &str) -> String {
    match (folder, path) {
        (_, "") => folder.to_owned(),
        ("", _) => path.to_owned(),
        _ => format!("{folder}/{path}"),
    }
}

/// The folders that lead to a path, outermost first, and the path itself.
pub(super) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| &path[..end]).filter(|prefix| !prefix.is_empty())
}

/// Whether one folder holds the other.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    one == other || holds(one, other) || holds(other, one)
}

/// Whether a path leads to something in a folder.
pub(super) fn holds(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

/// Text from outside, fit for one line of a terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_has_a_name_git_allows() {
        for good in ["main", "flowsync/records", "release-1.2", "ünïcode"] {
            assert_eq!(branch_ref(good).unwrap(), format!("refs/heads/{good}"));
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
            assert!(branch_ref(evil).is_err(), "{evil:?}");
        }
    }

    #[test]
    fn a_folder_lies_in_the_repository() {
        for good in ["flows", "a/b", "a.b/c d"] {
            folder("k", good).unwrap();
        }
        for evil in
            ["", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "-a", ".git", "a/.GIT/b", "a\0b", "a\nb", "c:\\x"]
        {
            assert!(folder("k", evil).is_err(), "{evil:?}");
        }
    }

    #[test]
    fn folders_lead_to_a_path() {
        assert_eq!(prefixes("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(prefixes("").count(), 0);
    }

    #[test]
    fn folders_that_hold_one_another_overlap() {
        assert!(overlap("a", "a") && overlap("a", "a/b") && overlap("a/b", "a"));
        assert!(!overlap("a", "ab") && !overlap("a/b", "a/c"));
    }
}

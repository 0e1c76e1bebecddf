//! Which paths of files are accepted, and how paths are put together.

use crate::address::Branch;
pub(super) use crate::address::shown;
use crate::source::SourceError;

/// The full name of a branch that somebody named.
pub(super) fn branch_ref(branch: &str) -> Result<String, SourceError> {
    branch.parse::<Branch>().map(|branch| branch.full()).map_err(|refused| SourceError::Setting(refused.to_string()))
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

/// Whether a path leads to something in a folder.
pub(super) fn holds(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_lead_to_a_path() {
        assert_eq!(prefixes("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(prefixes("").count(), 0);
    }
}

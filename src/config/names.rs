//! Checks of single values: text, choices, names of branches, folders and environments, pointers, secrets' names.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::secret::SecretSource;
use super::written::{Findings, SECRET, Section, Wrong};
use super::yaml::{Node, Value, shorten};
use super::{format_duration, nearest, parse_duration};
use crate::address::{Branch, Folder, NameRefused};
use crate::problem::Rule;

/// Text that is not empty, less surrounding space, on one line.
pub(super) fn text(node: &Node) -> Result<&str, Wrong> {
    let Value::Text(text) = &node.value else {
        let quotable = matches!(node.value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
        let help = if quotable { "put it in quotes" } else { "" };
        return Err(Wrong::value(format!("expected text, found {}", node.value.describe()), help));
    };
    match text.trim() {
        "" => Err(Wrong::value("expected text, found nothing", "")),
        text if text.contains(char::is_control) => {
            Err(Wrong::value("expected text on one line, found a control character in it", ""))
        }
        text => Ok(text),
    }
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node) -> Result<bool, Wrong> {
    match &node.value {
        Value::Bool(value) => Ok(*value),
        other => Err(Wrong::value(format!("expected `true` or `false`, found {}", other.describe()), "")),
    }
}

/// A duration within bounds.
pub(super) fn duration(node: &Node, within: RangeInclusive<Duration>) -> Result<Duration, Wrong> {
    let help = match &node.value {
        Value::Int(number) if *number >= 0 => format!("write the unit, for example `{number}s`"),
        _ => "units are `d`, `h`, `m`, `s` and `ms`".to_owned(),
    };
    let expected = || Wrong::value(format!("expected a duration such as `60s`, found {}", node.value.describe()), help);
    let Value::Text(text) = &node.value else { return Err(expected()) };
    let duration = parse_duration(text).map_err(|_| expected())?;
    if within.contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (format_duration(*within.start()), format_duration(*within.end()));
    let message = format!("expected a duration from `{least}` to `{most}`, found `{}`", shorten(text));
    Err(Wrong::rule(Rule::OutOfRange, message, ""))
}

/// One of a few words.
pub(super) fn choice<T: Copy>(node: &Node, choices: &[(&str, T)]) -> Result<T, Wrong> {
    let words = || choices.iter().map(|(word, _)| *word);
    let found = match &node.value {
        Value::Text(text) => match choices.iter().find(|(word, _)| word == text) {
            Some((_, choice)) => return Ok(*choice),
            None => Some(text),
        },
        _ => None,
    };
    let quoted: Vec<String> = words().map(|word| format!("`{word}`")).collect();
    let either = match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    };
    let message = format!("expected {either}, found {}", node.value.describe());
    let near = found.and_then(|text| nearest(text, words()));
    Err(Wrong::value(message, near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()))
}

/// A file, relative to the configuration.
pub(super) fn file(node: &Node, base: &Path) -> Result<PathBuf, Wrong> {
    let path = text(node)?;
    if path.starts_with("~/") {
        return Err(Wrong::value("`~` is not expanded here", "write the path in full"));
    }
    Ok(resolve(base, path))
}

/// `path` seen from `base`, without `.` in between.
pub(super) fn resolve(base: &Path, path: &str) -> PathBuf {
    let resolved: PathBuf = base.join(path).components().filter(|part| *part != Component::CurDir).collect();
    if resolved.as_os_str().is_empty() { PathBuf::from(".") } else { resolved }
}

/// `{ env: NAME }` or `{ file: PATH }`. Whatever else stands there may be the secret itself and is not repeated.
pub(super) fn secret(node: &Node, base: &Path, findings: &mut Findings) -> Option<SecretSource> {
    let help = "name where the secret is found, and change it if it was ever committed here";
    if !matches!(node.value, Value::Map(_)) {
        let message = "expected `{ env: NAME }` or `{ file: PATH }`, found a literal, which is not shown";
        findings.add(node, Wrong::rule(Rule::SecretLiteral, message, help));
        return None;
    }
    let section = Section::open(node, SECRET, findings)?;
    match (section.get("env"), section.get("file")) {
        (Some(name), None) => findings.check(name, variable(name)).map(SecretSource::Env),
        (None, Some(path)) => {
            let hidden = |wrong: Wrong| Wrong { message: "expected the path of a file".to_owned(), ..wrong };
            findings.check(path, file(path, base).map_err(hidden)).map(SecretSource::File)
        }
        (None, None) if section.has_unknown => None,
        _ => {
            let message = "expected exactly one of `env` and `file`";
            findings.add_to_section(node, Wrong::rule(Rule::SecretSource, message, ""));
            None
        }
    }
}

fn variable(node: &Node) -> Result<String, Wrong> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match &node.value {
        Value::Text(name) if is_name(name) => Ok(name.clone()),
        _ => Err(Wrong::value(
            "expected the name of an environment variable (letters, digits and `_`)",
            "what stands here is not shown, in case it is the secret itself",
        )),
    }
}

/// A branch.
pub(super) fn branch(node: &Node) -> Result<Branch, Wrong> {
    let name = text(node)?;
    name.parse().map_err(|NameRefused { expected, why, .. }| {
        Wrong::rule(Rule::BadBranch, format!("expected {expected}, found `{}`", shorten(name)), why)
    })
}

/// A folder of the repository.
pub(super) fn folder(node: &Node) -> Result<Folder, Wrong> {
    let name = text(node)?;
    name.parse().map_err(|NameRefused { expected, why, .. }| {
        Wrong::rule(Rule::BadFolder, format!("expected {expected}, found `{}`", shorten(name)), why)
    })
}

/// An environment's name: it becomes a folder's name.
pub(super) fn environment_name(name: &str) -> Result<(), Wrong> {
    const NAME_BYTES_MAX: usize = 64;
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.contains("..")
        && !name.ends_with('.')
        && name.len() <= NAME_BYTES_MAX;
    if valid {
        return Ok(());
    }
    let message = format!("expected the name of an environment, found `{}`", shorten(name));
    let help = "up to 64 letters, digits, `-`, `_` and `.`; it becomes a folder's name";
    Err(Wrong::rule(Rule::BadEnvironmentName, message, help))
}

/// A JSON pointer of `ignore`.
pub(super) fn pointer(node: &Node) -> Result<String, Wrong> {
    let pointer = text(node)?;
    let wrong = |why: &str| {
        let message = format!("expected a JSON pointer such as `/nodes/*/position`, found `{}`", shorten(pointer));
        Err(Wrong::rule(Rule::BadPointer, message, why))
    };
    if !pointer.starts_with('/') {
        return wrong("a pointer begins with `/`");
    }
    if pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
        return wrong("write `~0` for `~` and `~1` for `/` inside a segment");
    }
    if pointer == "/*" {
        return wrong("this would leave out the whole flow");
    }
    Ok(pointer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node { address: Vec::new(), pointer: String::new(), value: Value::Text(text.to_owned()) }
    }

    #[test]
    fn branches_and_folders_that_are_none_say_why() {
        let wrong = branch(&node("refs/heads/main")).unwrap_err();
        assert_eq!(wrong.message, "expected the name of a branch, found `refs/heads/main`");
        assert_eq!((wrong.rule.as_str(), &*wrong.help), ("bad-branch", "write the branch alone, for example `main`"));
        let wrong = folder(&node("../flows")).unwrap_err();
        assert_eq!(wrong.message, "expected a folder inside the repository, found `../flows`");
        assert_eq!(wrong.rule.as_str(), "bad-folder");
        assert_eq!(folder(&node("./a//b/")).unwrap().as_str(), "a/b");
    }

    #[test]
    fn pointers_begin_with_a_slash_and_escape_tildes() {
        for good in ["/a", "/nodes/*/position", "/a~0b~1c", "/"] {
            assert_eq!(pointer(&node(good)).unwrap(), good);
        }
        for bad in ["a", "", "#/a", "/a~", "/a~2", "/*"] {
            assert!(pointer(&node(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn environment_names_can_be_folders() {
        for good in ["production", "eu-1", "a.b_c", "7"] {
            assert!(environment_name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a..b", "-a", "a/b", "a b", "ä", "a.", &"a".repeat(65)] {
            assert!(environment_name(bad).is_err(), "{bad:?}");
        }
    }
}

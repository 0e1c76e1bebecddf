//! Comparing versions, and asking for a higher one when a flow's content changed.

use std::cmp::Ordering;

use super::definition::Definition;
use super::hash::ContentHash;
use crate::problem::{Place, Problem, Rule, Severity};

/// Compares two versions number by number, numbers of any size. `None` where one of them is not
/// numbers with dots between them. A missing number counts as 0.
#[must_use]
pub fn compare_versions(a: &str, b: &str) -> Option<Ordering> {
    let (mut a, mut b) = (numbers(a)?.into_iter(), numbers(b)?.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Some(Ordering::Equal),
            (a, b) => {
                let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
                // Without leading zeros, a longer number is a larger one.
                let order = a.len().cmp(&b.len()).then(a.cmp(b));
                if order.is_ne() {
                    return Some(order);
                }
            }
        }
    }
}

fn numbers(version: &str) -> Option<Vec<&str>> {
    let number = |text: &'_ str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    version.split('.').map(|text| number(text).then(|| text.trim_start_matches('0'))).collect()
}

/// A warning where `definition`, which stands at `place`, has another content than the flow had at
/// `previous_version`, but no higher version. `previous_hash` may be either of the previous hashes.
/// `place` is best that of the version, see [`super::version_place`].
#[must_use]
pub fn version_not_raised(
    definition: &Definition,
    place: Place,
    previous_version: &str,
    previous_hash: ContentHash,
) -> Option<Problem> {
    if definition.content_hash == previous_hash || definition.equality_hash == previous_hash {
        return None;
    }
    if compare_versions(&definition.version, previous_version)? == Ordering::Greater {
        return None;
    }
    Some(Problem {
        place,
        rule: Rule::VersionNotRaised,
        severity: Severity::Warning,
        message: format!(
            "expected a version above `{previous_version}`, found `{}` with a changed content",
            definition.version
        ),
        help: format!("raise the version of `{}`", definition.id),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::flow::Comparison;

    #[test]
    fn versions_compare_as_numbers() {
        for (lower, higher) in [
            ("1.0.0", "1.0.1"),
            ("1.9.0", "1.10.0"),
            ("1.0.99999999999999999999999998", "1.0.99999999999999999999999999"),
            ("9.9.9", "00010.0.0"),
            ("1.0", "1.0.1"),
        ] {
            assert_eq!(compare_versions(lower, higher), Some(Ordering::Less));
            assert_eq!(compare_versions(higher, lower), Some(Ordering::Greater));
        }
        assert_eq!(compare_versions("01.0.0", "1.00.0"), Some(Ordering::Equal));
        for wrong in ["", "1..0", "v1.0.0", "1.0.0-rc1", "latest"] {
            assert_eq!(compare_versions(wrong, "1.0.0"), None);
        }
    }

    #[test]
    fn a_changed_content_wants_a_higher_version() {
        let read = |version: &str, name: &str| {
            let text = format!(r#"{{"id":"flow_a","version":"{version}","name":"{name}"}}"#);
            Definition::from_file(Arc::from(text.as_bytes()), &Comparison::default()).unwrap()
        };
        let before = read("1.2.0", "A");
        let warns =
            |after: Definition| version_not_raised(&after, Place::default(), "1.2.0", before.content_hash).is_some();
        assert!(!warns(read("1.2.0", "A")));
        assert!(!warns(read("1.10.0", "B")));
        assert!(warns(read("1.2.0", "B")));
        assert!(warns(read("1.1.9", "B")));
    }
}

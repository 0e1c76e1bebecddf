//! What is flowsync's own in a project, by its name: nothing else is ever removed.

/// A package of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ours {
    /// Of one request, and removed after it.
    Passing,
    /// A scan's.
    Scan,
    /// A flow as it was before it was replaced or deleted, by the digits of its reference id.
    Kept {
        /// 32 digits.
        flow: String,
        /// Whether the flow was trained then.
        is_trained: bool,
    },
}

const PREFIX: &str = "flowsync-";
const SCAFFOLD: &str = "flowsync-scaffold-";
const BEFORE: &str = "flowsync-before-";
const PROBE: &str = "flowsync-probe-";
const TRAINED: &str = "-trained";

/// The name of a passing package: which process, and which of its packages.
pub(super) fn passing(run: u32, nth: u32) -> String {
    format!("{PREFIX}{run:08x}-{nth}")
}

/// The name of a scan's package.
pub(super) fn scan(run: u32, nth: u32) -> String {
    format!("{PREFIX}scan-{run:08x}-{nth}")
}

/// The name of a flow that lives for a moment, to see what a new one looks like.
pub(super) fn scaffold(run: u32, nth: u32) -> String {
    format!("{SCAFFOLD}{run:08x}-{nth}")
}

/// The name of a flow, and of a snapshot, by which something is found out.
pub(super) fn probe(run: u32, nth: u32) -> String {
    format!("{PROBE}{run:08x}-{nth}")
}

/// The name of a snapshot of what was there before a deployment.
pub(super) fn before(run: u32, nth: u32) -> String {
    format!("{BEFORE}{run:08x}-{nth}")
}

/// Whether a snapshot is of what was there before a deployment.
pub(super) fn is_before(name: &str) -> bool {
    name.strip_prefix(BEFORE).is_some_and(is_numbered)
}

/// Whether something was made to find something out.
pub(super) fn is_probe(name: &str) -> bool {
    name.strip_prefix(PROBE).is_some_and(is_numbered)
}

/// The name under which a flow is kept as it was.
pub(super) fn kept(reference: &str, is_trained: bool) -> String {
    format!("{PREFIX}kept-{}{}", reference.replace('-', ""), if is_trained { TRAINED } else { "" })
}

/// Whether a flow is a scaffold.
pub(super) fn is_scaffold(name: &str) -> bool {
    name.strip_prefix(SCAFFOLD).is_some_and(is_numbered)
}

/// What a package is to us; `None` of one that is not ours.
pub(super) fn ours(name: &str) -> Option<Ours> {
    let rest = name.strip_prefix(PREFIX)?;
    if let Some(rest) = rest.strip_prefix("kept-") {
        let flow = rest.strip_suffix(TRAINED).unwrap_or(rest);
        let is_one = flow.len() == 32 && flow.bytes().all(|it| it.is_ascii_hexdigit());
        return is_one.then(|| Ours::Kept { flow: flow.to_owned(), is_trained: rest.len() > 32 });
    }
    match rest.strip_prefix("scan-") {
        Some(rest) => is_numbered(rest).then_some(Ours::Scan),
        None => is_numbered(rest).then_some(Ours::Passing),
    }
}

/// `8 digits-number`.
fn is_numbered(rest: &str) -> bool {
    let is_hex = |text: &str| text.len() == 8 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    rest.split_once('-').is_some_and(|(run, nth)| is_hex(run) && is_number(nth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ours_but_what_we_name() {
        let reference = "22222222-0000-4000-8000-000000000002";
        let flow = reference.replace('-', "");
        assert_eq!(ours(&passing(7, 1)), Some(Ours::Passing));
        assert_eq!(ours(&scan(7, 1)), Some(Ours::Scan));
        assert_eq!(ours(&kept(reference, false)), Some(Ours::Kept { flow: flow.clone(), is_trained: false }));
        assert_eq!(ours(&kept(reference, true)), Some(Ours::Kept { flow, is_trained: true }));
        assert!(is_scaffold(&scaffold(7, 1)) && is_probe(&probe(7, 1)) && is_before(&before(7, 1)));
        for theirs in [
            "flowsync",
            "flowsync-backup",
            "flowsync-kept-me",
            "flowsync-2026-01",
            "Main",
            "flowsync-scaffold-x",
            "flowsync-before-x",
            "flowsync-probe-x",
        ] {
            assert!(
                ours(theirs).is_none() && !is_scaffold(theirs) && !is_probe(theirs) && !is_before(theirs),
                "{theirs}"
            );
        }
    }
}

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
        /// The deployment before which it was so; nothing where the name tells of none.
        deployment: String,
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

/// The name under which a flow is kept as it was before a deployment.
pub(super) fn kept(reference: &str, deployment: &str, is_trained: bool) -> String {
    let before = if deployment.is_empty() { String::new() } else { format!("-{deployment}") };
    format!("{PREFIX}kept-{}{before}{}", reference.replace('-', ""), if is_trained { TRAINED } else { "" })
}

/// Whether a flow is a scaffold.
pub(super) fn is_scaffold(name: &str) -> bool {
    name.strip_prefix(SCAFFOLD).is_some_and(is_numbered)
}

/// What a package is to us; `None` of one that is not ours.
pub(super) fn ours(name: &str) -> Option<Ours> {
    let rest = name.strip_prefix(PREFIX)?;
    if let Some(rest) = rest.strip_prefix("kept-") {
        return kept_by_us(rest);
    }
    match rest.strip_prefix("scan-") {
        Some(rest) => is_numbered(rest).then_some(Ours::Scan),
        None => is_numbered(rest).then_some(Ours::Passing),
    }
}

/// `32 digits[-deployment][-trained]`.
fn kept_by_us(rest: &str) -> Option<Ours> {
    let untrained = rest.strip_suffix(TRAINED);
    let (flow, deployment) = untrained.unwrap_or(rest).split_at_checked(32)?;
    let deployment = match deployment.strip_prefix('-') {
        Some(deployment) => is_deployment(deployment).then_some(deployment)?,
        None => deployment.is_empty().then_some("")?,
    };
    let (flow, deployment) = (flow.to_owned(), deployment.to_owned());
    is_hex(&flow, 32).then_some(Ours::Kept { flow, deployment, is_trained: untrained.is_some() })
}

/// `20261122T101500Z-3f9a1c22`.
fn is_deployment(text: &str) -> bool {
    let is_moment = |text: &str| {
        let parts = text.strip_suffix('Z').and_then(|text| text.split_once('T'));
        parts.is_some_and(|(day, time)| (day.len(), time.len()) == (8, 6) && is_number(day) && is_number(time))
    };
    text.split_once('-').is_some_and(|(moment, random)| is_moment(moment) && is_hex(random, 8))
}

fn is_hex(text: &str, n_digits: usize) -> bool {
    text.len() == n_digits && text.bytes().all(|it| it.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

/// `8 digits-number`.
fn is_numbered(rest: &str) -> bool {
    rest.split_once('-').is_some_and(|(run, nth)| is_hex(run, 8) && is_number(nth))
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
        for deployment in ["20261122T101500Z-3f9a1c22", ""] {
            for is_trained in [false, true] {
                let whole = Ours::Kept { flow: flow.clone(), deployment: deployment.to_owned(), is_trained };
                assert_eq!(ours(&kept(reference, deployment, is_trained)), Some(whole));
            }
        }
        assert!(is_scaffold(&scaffold(7, 1)) && is_probe(&probe(7, 1)) && is_before(&before(7, 1)));
        for theirs in [
            "flowsync",
            "flowsync-backup",
            "flowsync-kept-me",
            "flowsync-kept-22222222000040008000000000000002-mine",
            "flowsync-kept-22222222000040008000000000000002-20261122T101500Z",
            "flowsync-kept-22222222000040008000000000000002x",
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

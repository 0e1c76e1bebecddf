//! What `sync` means.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::names;
use super::written::{Findings, SYNC, Section, Wrong};
use super::yaml::{Node, Value};
use super::{ApprovalPolicy, Drift, MaxDeletes, Protect, Prune, SyncPolicy, verify, window};
use crate::problem::Rule;

/// Time between two passes.
const INTERVAL: RangeInclusive<Duration> = seconds(1)..=seconds(24 * 3600);
/// How long one flow may stay "deploying".
const VERIFY_TIMEOUT: RangeInclusive<Duration> = seconds(1)..=seconds(3600);
/// How long a deployment may take.
const DEPLOY_TIMEOUT: RangeInclusive<Duration> = seconds(10)..=seconds(24 * 3600);
/// How long a pass may take.
const PASS_DEADLINE: RangeInclusive<Duration> = seconds(1)..=seconds(48 * 3600);
/// Requests in flight.
const CONCURRENCY: RangeInclusive<usize> = 1..=256;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Reads the section. What is wrong in it is a finding and has its default meanwhile; an empty one is all defaults.
pub(super) fn read(node: &Node, folder: &Path, findings: &mut Findings) -> SyncPolicy {
    let default = SyncPolicy::default();
    if node.value == Value::Null {
        return default;
    }
    let Some(section) = Section::open(node, SYNC, findings) else { return default };
    let drift =
        |node| names::choice(node, &[("correct", Drift::Correct), ("report", Drift::Report), ("adopt", Drift::Adopt)]);
    let approval =
        |node| names::choice(node, &[("none", ApprovalPolicy::None), ("manifest", ApprovalPolicy::Manifest)]);
    let prune = |node| names::boolean(node).map(|prune| if prune { Prune::Remove } else { Prune::Keep });
    let mut time = |key, within| section.read(key, findings, |node| names::duration(node, within));
    let interval = time("interval", INTERVAL);
    let verify_timeout = time("verifyTimeout", VERIFY_TIMEOUT);
    let deploy_timeout = time("deployTimeout", DEPLOY_TIMEOUT).unwrap_or(default.deploy_timeout);
    let pass_deadline = time("passDeadline", PASS_DEADLINE);
    SyncPolicy {
        interval: interval.unwrap_or(default.interval),
        concurrency: section.read("concurrency", findings, concurrency).unwrap_or(default.concurrency),
        drift: section.read("drift", findings, drift).unwrap_or(default.drift),
        approval: section.read("approval", findings, approval).unwrap_or(default.approval),
        windows: section.get("windows").map(|node| window::read(node, findings)).unwrap_or_default(),
        verify: section.get("verify").and_then(|node| verify::read(node, folder, findings)),
        prune: section.read("prune", findings, prune).unwrap_or(default.prune),
        protect: section.get("protect").map(|node| Protect::read(node, findings)).unwrap_or_default(),
        max_deletes: section.read("maxDeletes", findings, max_deletes).unwrap_or(default.max_deletes),
        ignore: section.get("ignore").map(|node| ignore(node, findings)).unwrap_or_default(),
        verify_timeout: verify_timeout.unwrap_or(default.verify_timeout),
        deploy_timeout,
        pass_deadline: pass_deadline.unwrap_or_else(|| SyncPolicy::pass_deadline_for(deploy_timeout)),
        // It stands beside `sync`.
        release: None,
    }
}

fn concurrency(node: &Node) -> Result<NonZeroUsize, Wrong> {
    let number = if let Value::Int(number) = node.value { usize::try_from(number).ok() } else { None };
    number.filter(|number| CONCURRENCY.contains(number)).and_then(NonZeroUsize::new).ok_or_else(|| {
        let (least, most) = CONCURRENCY.into_inner();
        let message = format!("expected a number from {least} to {most}, found {}", node.value.describe());
        Wrong::rule(Rule::OutOfRange, message, "")
    })
}

fn max_deletes(node: &Node) -> Result<MaxDeletes, Wrong> {
    let meant = match &node.value {
        Value::Int(count) => usize::try_from(*count).ok().map(MaxDeletes::Count),
        Value::Text(text) => text.strip_suffix('%').and_then(percent).map(MaxDeletes::Percent),
        _ => None,
    };
    meant.ok_or_else(|| {
        let message =
            format!("expected a count such as `5` or a share from `0%` to `100%`, found {}", node.value.describe());
        Wrong::value(message, "")
    })
}

fn percent(digits: &str) -> Option<u8> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|percent| plain && *percent <= 100)
}

fn ignore(node: &Node, findings: &mut Findings) -> Vec<String> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        other => {
            findings.add(node, Wrong::value(format!("expected a list of JSON pointers, found {}", other.kind()), ""));
            &[]
        }
    };
    items.iter().filter_map(|item| findings.check(item, names::pointer(item))).collect()
}

//! `sync.windows`: when an environment may be written to.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::names;
use super::schedule::Schedule;
use super::written::{Findings, Section, WINDOW, Wrong};
use super::yaml::{Node, Value, shorten};

/// Times that begin by a schedule and last for a while, on whatever date the clocks are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What it says of writing.
    pub kind: WindowKind,
    /// When it begins.
    pub schedule: Schedule,
    /// How long it lasts: elapsed time. It may be longer than the time to the next beginning.
    pub duration: Duration,
}

/// What a window says of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    /// In it, and outside of all like it not.
    Allow,
    /// Not in it, whatever others say.
    Deny,
}

/// How long a window lasts.
const DURATION: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(366 * 24 * 3600);

/// Most windows of one environment.
const WINDOWS_MAX: usize = 100;

/// Reads the list; a window with something wrong is a finding and left out.
pub(super) fn read(node: &Node, findings: &mut Findings) -> Vec<Window> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        other => {
            let help = "for example `[ { kind: deny, schedule: \"0 22 * * 1-5\", duration: 8h } ]`";
            findings.add(node, Wrong::value(format!("expected a list of windows, found {}", other.kind()), help));
            &[]
        }
    };
    if items.len() > WINDOWS_MAX {
        let message = format!("expected at most {WINDOWS_MAX} windows, found {}", items.len());
        findings.add(node, Wrong::value(message, "one schedule names several hours and days"));
        return Vec::new();
    }
    items.iter().filter_map(|item| window(item, findings)).collect()
}

fn window(node: &Node, findings: &mut Findings) -> Option<Window> {
    let section = Section::open(node, WINDOW, findings)?;
    let kinds = [("allow", WindowKind::Allow), ("deny", WindowKind::Deny)];
    let kind = section.read_required("kind", findings, |node| names::choice(node, &kinds));
    let lasts = section.read_required("duration", findings, |node| names::duration(node, DURATION));
    let zone = match section.get("timeZone") {
        Some(node) => findings.check(node, time_zone(node)),
        None => Some("UTC"),
    };
    let schedule = section.read_required("schedule", findings, |node| schedule(node, zone.unwrap_or("UTC")));
    Some(Window { kind: kind?, schedule: zone.and(schedule)?, duration: lasts? })
}

/// Held against a schedule that is nobody's fault.
fn time_zone(node: &Node) -> Result<&str, Wrong> {
    let name = names::text(node)?;
    let wrong = |fault: super::schedule::NoSchedule| {
        Wrong::value(format!("{}, found `{}`", fault.why, shorten(name)), fault.help)
    };
    Schedule::new("0 0 * * *", name).map(|_| name).map_err(wrong)
}

fn schedule(node: &Node, zone: &str) -> Result<Schedule, Wrong> {
    let text = names::text(node)?;
    let wrong = |fault: super::schedule::NoSchedule| {
        Wrong::value(format!("expected a cron schedule, found `{}`: {}", shorten(text), fault.why), fault.help)
    };
    Schedule::new(text, zone).map_err(wrong)
}

//! Whether windows let an environment be written to, and until when not: of the windows and a time, nothing else.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Hold;
use crate::config::{Window, WindowKind, format_duration};

/// So far ahead an opening is looked for.
const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// In so many steps at most, each to the end of a window that is closed or to the beginning of one that is open.
const STEPS_MAX: usize = 2_000;

/// What keeps an environment from being written to now; `None` where its windows are open. It is told until when, where
/// an opening is found in the next five years.
#[must_use]
pub fn closed(windows: &[Window], now: Timestamp) -> Option<Hold> {
    let (window, mut next) = closed_by(windows, now)?;
    let last = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let mut until = None;
    for _ in 0..STEPS_MAX {
        let Some(time) = next.filter(|time| *time <= last) else { break };
        match closed_by(windows, time) {
            Some((_, later)) => next = later,
            None => {
                until = Some(time);
                break;
            }
        }
    }
    Some(Hold::Window {
        kind: match window.kind {
            WindowKind::Allow => "allow",
            WindowKind::Deny => "deny",
        },
        schedule: window.schedule.written().to_owned(),
        duration: format_duration(window.duration),
        time_zone: window.schedule.time_zone().to_owned(),
        until,
    })
}

/// The window that says no at a time, or the one that says yes next, and when that may be over: not before, and maybe
/// not then.
fn closed_by(windows: &[Window], time: Timestamp) -> Option<(&Window, Option<Timestamp>)> {
    let of_kind = |kind: WindowKind| windows.iter().filter(move |window| window.kind == kind);
    let on = of_kind(WindowKind::Deny).filter_map(|window| Some((window, end(window, time)?)));
    if let Some((window, end)) = on.max_by_key(|(_, end)| *end) {
        return Some((window, Some(end)));
    }
    let first = of_kind(WindowKind::Allow).next()?;
    if of_kind(WindowKind::Allow).any(|window| end(window, time).is_some()) {
        return None;
    }
    let starts = of_kind(WindowKind::Allow).filter_map(|window| Some((window, window.schedule.first_after(time)?)));
    Some(starts.min_by_key(|(_, start)| *start).map_or((first, None), |(window, start)| (window, Some(start))))
}

/// When a window that is on at a time ends that has begun first of those that are; `None` where none is on.
fn end(window: &Window, time: Timestamp) -> Option<Timestamp> {
    let lasts = signed(window.duration);
    let start = window.schedule.first_after(time.checked_sub(lasts).unwrap_or(Timestamp::MIN))?;
    (start <= time).then(|| start.checked_add(lasts).unwrap_or(Timestamp::MAX))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    /// Windows as lines of `kind | schedule | duration | zone`.
    fn windows(lines: &[&str]) -> Vec<Window> {
        let item = |line: &&str| {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let [kind, schedule, duration, zone] = parts[..] else { panic!("{line}") };
            format!("        - {{ kind: {kind}, schedule: \"{schedule}\", duration: {duration}, timeZone: {zone} }}\n")
        };
        let items: String = lines.iter().map(item).collect();
        let text = format!(
            "version: 1\nrepository: {{ url: /r }}\nenvironments:\n  e:\n    tenant: {{ url: \"https://a.b\", environmentId: e, \
             auth: {{ apiKey: {{ env: K }} }} }}\n    sync:\n      windows:\n{items}"
        );
        let config = Config::parse(&text, Path::new("flowsync.yaml")).unwrap();
        config.environments["e"].sync.windows.clone()
    }

    /// `open`, or what is closed until when.
    fn at(lines: &[&str], now: &str) -> String {
        match closed(&windows(lines), now.parse().unwrap()) {
            None => "open".to_owned(),
            Some(Hold::Window { kind, schedule, until, .. }) => {
                format!("{kind} {schedule} until {}", until.map_or("-".to_owned(), |until| until.to_string()))
            }
            Some(hold) => panic!("{hold}"),
        }
    }

    const NIGHT: &str = "deny | 0 22 * * 1-5 | 8h | Europe/Berlin";
    const OFFICE: &str = "allow | 0 9 * * 1-5 | 8h | Europe/Berlin";

    #[test]
    fn without_windows_it_is_open() {
        assert_eq!(at(&[], "2026-11-26T12:00:00Z"), "open");
    }

    #[test]
    fn a_deny_window_closes_from_its_start_to_its_end() {
        // Thursday; 22:00 in Berlin is 21:00Z.
        for (now, expected) in [
            ("2026-11-26T20:59:59Z", "open"),
            ("2026-11-26T21:00:00Z", "deny 0 22 * * 1-5 until 2026-11-27T05:00:00Z"),
            ("2026-11-27T04:59:59.999Z", "deny 0 22 * * 1-5 until 2026-11-27T05:00:00Z"),
            ("2026-11-27T05:00:00Z", "open"),
            // The night to Saturday has begun on a Friday; that to Sunday has not.
            ("2026-11-28T04:00:00Z", "deny 0 22 * * 1-5 until 2026-11-28T05:00:00Z"),
            ("2026-11-29T04:00:00Z", "open"),
        ] {
            assert_eq!(at(&[NIGHT], now), expected, "{now}");
        }
    }

    #[test]
    fn with_any_allow_window_it_is_closed_outside_of_all() {
        for (now, expected) in [
            ("2026-11-26T08:00:00Z", "open"),
            ("2026-11-26T16:00:00Z", "allow 0 9 * * 1-5 until 2026-11-27T08:00:00Z"),
            ("2026-11-28T12:00:00Z", "allow 0 9 * * 1-5 until 2026-11-30T08:00:00Z"),
        ] {
            assert_eq!(at(&[OFFICE], now), expected, "{now}");
        }
        let late = "allow | 0 20 * * * | 1h | UTC";
        assert_eq!(at(&[OFFICE, late], "2026-11-26T16:00:00Z"), "allow 0 20 * * * until 2026-11-26T20:00:00Z");
        assert_eq!(at(&[OFFICE, late], "2026-11-26T20:30:00Z"), "open");
    }

    #[test]
    fn deny_wins_and_what_follows_at_once_is_waited_out_too() {
        let freeze = "deny | 0 0 20 12 * | 14d | UTC";
        assert_eq!(at(&[OFFICE, freeze], "2026-12-21T10:00:00Z"), "deny 0 0 20 12 * until 2027-01-04T08:00:00Z");
        let noon = "deny | 0 12 * * * | 2h | UTC";
        let after = "deny | 0 14 * * * | 1h | UTC";
        assert_eq!(at(&[noon, after], "2026-11-26T12:30:00Z"), "deny 0 12 * * * until 2026-11-26T15:00:00Z");
        // The allow window is over when the deny window that covers it is.
        assert_eq!(at(&["allow | 0 12 * * * | 1h | UTC", noon], "2026-11-26T10:00:00Z"), "allow 0 12 * * * until -");
    }

    #[test]
    fn long_windows_overlap_themselves() {
        let week = "deny | 0 0 * * * | 3d | UTC";
        assert_eq!(at(&[week], "2026-11-26T12:00:00Z"), "deny 0 0 * * * until -");
        let two = "deny | 0 0 1,2 * * | 2d | UTC";
        assert_eq!(at(&[two], "2026-12-01T06:00:00Z"), "deny 0 0 1,2 * * until 2026-12-04T00:00:00Z");
        assert_eq!(at(&[two], "2026-12-03T23:59:00Z"), "deny 0 0 1,2 * * until 2026-12-04T00:00:00Z");
        assert_eq!(at(&[two], "2026-12-04T00:00:00Z"), "open");
        assert_eq!(at(&["allow | 0 0 1 1 * | 366d | UTC"], "2026-11-26T00:00:00Z"), "open");
    }

    #[test]
    fn a_window_that_spans_a_change_of_the_clocks_lasts_as_long_as_it_says() {
        let night = "deny | 0 22 * * * | 8h | Europe/Berlin";
        // 28 to 29 March 2026 has an hour less on the clock, 24 to 25 October one more.
        assert_eq!(at(&[night], "2026-03-29T00:00:00Z"), "deny 0 22 * * * until 2026-03-29T05:00:00Z");
        assert_eq!(at(&[night], "2026-10-25T00:00:00Z"), "deny 0 22 * * * until 2026-10-25T04:00:00Z");
        // A start that is left out is when the clocks have moved; one that happens twice is one window.
        let early = "deny | 30 2 * * * | 1h | Europe/Berlin";
        assert_eq!(at(&[early], "2026-03-29T00:59:59Z"), "open");
        assert_eq!(at(&[early], "2026-03-29T01:00:00Z"), "deny 30 2 * * * until 2026-03-29T02:00:00Z");
        assert_eq!(at(&[early], "2026-10-25T00:30:00Z"), "deny 30 2 * * * until 2026-10-25T01:30:00Z");
        assert_eq!(at(&[early], "2026-10-25T01:30:00Z"), "open");
    }

    #[test]
    fn an_opening_that_never_comes_is_not_looked_for_for_ever() {
        for lines in [
            &["deny | * * * * * | 1m | UTC"] as &[&str],
            &["deny | * * * * * | 366d | Europe/Berlin"],
            &["allow | 0 0 29 2 * | 1m | UTC", "deny | 0 0 28 2 * | 3d | UTC"],
        ] {
            assert!(at(lines, "2026-11-26T12:00:30Z").ends_with("until -"), "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn it_opens_when_it_says_and_no_minute_sooner(minute in 0_i64..14 * 24 * 60, pick in 1_usize..16) {
            let all = [NIGHT, OFFICE, "deny | 30 2 * * * | 90m | Europe/Berlin", "allow | 0 */6 * * * | 1h | Asia/Kolkata"];
            let lines: Vec<&str> = (0..4).filter(|at| pick & (1 << at) != 0).map(|at| all[at]).collect();
            let windows = windows(&lines);
            let start: Timestamp = "2026-10-18T00:00:00Z".parse().unwrap();
            let now = start + SignedDuration::from_mins(minute);
            if let Some(Hold::Window { until: Some(until), .. }) = closed(&windows, now) {
                prop_assert!(closed(&windows, until).is_none());
                let mut time = now;
                while time < until {
                    prop_assert!(closed_by(&windows, time).is_some(), "{} {}", time, until);
                    time += SignedDuration::from_mins(30);
                }
            }
        }
    }
}

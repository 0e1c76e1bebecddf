//! When something starts again and again: a cron expression in a time zone.
//!
//! The expression is worked out on the dial, as if there were no daylight saving, and the dial is then held against the
//! zone: a start that the clocks leave out is when they have moved, one that they show twice is the first. So every
//! start happens once, as with cron itself.

use std::fmt;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// A schedule of five fields.
#[derive(Clone)]
pub struct Schedule {
    written: String,
    zone: TimeZone,
    zone_name: String,
    crontab: Crontab,
}

/// What cannot be a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoSchedule {
    /// Why, in words.
    pub(super) why: String,
    /// What to do.
    pub(super) help: &'static str,
}

const FIELDS: [&str; 5] = ["the minute", "the hour", "the day of the month", "the month", "the day of the week"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Every schedule must start within four years of this time, which hold a leap day.
const SOME_TIME: &str = "2024-01-01T00:00:00Z";

/// A start that the dial shows twice is looked past in so many steps at most: three hours of minutes.
const STEPS_MAX: usize = 180;

impl Schedule {
    /// Reads an expression: five fields of numbers or names of months and days, `*`, lists, ranges, and steps of ranges.
    pub(super) fn new(written: &str, zone_name: &str) -> Result<Self, NoSchedule> {
        let fields: Vec<&str> = written.split_ascii_whitespace().collect();
        check_fields(&fields)?;
        let zone = zone(zone_name)?;
        let crontab = cronexpr::parse_crontab(&format!("{} UTC", fields.join(" "))).map_err(|error| {
            // The crate draws an arrow below the text; what stands behind it is said.
            let said = error.to_string();
            NoSchedule {
                why: said.rsplit("^ ").next().unwrap_or(&said).to_owned(),
                help: "ranges ascend: write `22-23,0-5` for `22-5`",
            }
        })?;
        let some_time = MakeTimestamp(SOME_TIME.parse().unwrap_or(Timestamp::UNIX_EPOCH));
        if crontab.find_next(some_time).is_err() {
            return Err(NoSchedule { why: "it never starts".to_owned(), help: "is there such a day in that month?" });
        }
        Ok(Self { written: fields.join(" "), zone, zone_name: zone_name.to_owned(), crontab })
    }

    /// The first start after a time; `None` where the next four years have none.
    #[must_use]
    pub fn first_after(&self, time: Timestamp) -> Option<Timestamp> {
        let mut dial = on_the_dial(self.zone.to_datetime(time))?;
        for _ in 0..STEPS_MAX {
            dial = self.crontab.find_next(MakeTimestamp(dial)).ok()?.timestamp();
            let start = self.real(TimeZone::UTC.to_datetime(dial))?;
            if start > time {
                return Some(start);
            }
        }
        None
    }

    /// As it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The name of its time zone.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        &self.zone_name
    }

    /// When the zone's clocks show a time.
    fn real(&self, shown: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(shown);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.compatible().ok(),
            // By the clocks of before, the time lies behind their change.
            AmbiguousOffset::Gap { before, .. } => {
                let behind = before.to_timestamp(shown).ok()?.checked_add(jiff::Span::new().nanoseconds(1)).ok()?;
                self.zone.preceding(behind).next().map(|change| change.timestamp())
            }
        }
    }
}

/// A time of a clock, as if that stood in UTC.
fn on_the_dial(shown: DateTime) -> Option<Timestamp> {
    shown.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn zone(name: &str) -> Result<TimeZone, NoSchedule> {
    // Only names: `+01:00` knows no daylight saving, and `Local` is another one on each machine.
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.eq_ignore_ascii_case("local");
    TimeZone::get(name).ok().filter(|_| is_name).ok_or_else(|| NoSchedule {
        why: "expected the IANA name of a time zone".to_owned(),
        help: "for example `Europe/Berlin` or `UTC`",
    })
}

/// What cron users would not expect is refused: extensions, macros, and where crons differ.
fn check_fields(fields: &[&str]) -> Result<(), NoSchedule> {
    let fault = |why: String, help| Err(NoSchedule { why, help });
    if fields.len() != FIELDS.len() {
        let help =
            "minute, hour, day of the month, month, day of the week: `0 22 * * 1-5` is 22:00 from Monday to Friday";
        return fault(format!("expected five fields, found {}", fields.len()), help);
    }
    for (at, (field, name)) in fields.iter().zip(FIELDS).enumerate() {
        let names: &[&str] = match at {
            3 => &MONTHS,
            4 => &DAYS,
            _ => &[],
        };
        let is_known = |word: &str| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        let mut words = field.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        let is_mark = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | ',' | '-' | '/');
        if !field.chars().all(is_mark) || !words.all(is_known) {
            let help =
                "numbers, names of months and days such as `JAN` and `MON`, `*`, lists, ranges, and steps of ranges";
            return fault(format!("{name} has more than those"), help);
        }
        let is_lone = |item: &str| item.split_once('/').is_some_and(|(of, _)| of != "*" && !of.contains('-'));
        if field.split(',').any(is_lone) {
            return fault(format!("{name} has a step of a single value"), "write the range, for example `5-59/10`");
        }
    }
    let (day, weekday) = (fields[2], fields[4]);
    let is_odd = |one: &str, other: &str| one.starts_with('*') && one != "*" && other != "*";
    if is_odd(day, weekday) || is_odd(weekday, day) {
        let help =
            "where both are given, write days as ranges: `1-31/2` instead of `*/2`; either of the two starts it then";
        return fault("crons differ about a `*` with more to it beside another day".to_owned(), help);
    }
    Ok(())
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.written, &self.zone_name) == (&other.written, &other.zone_name)
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({:?}, {:?})", self.written, self.zone_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first starts after a time, in the zone's own words.
    fn starts(written: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
        let schedule = Schedule::new(written, zone).unwrap();
        let mut time: Timestamp = after.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..n {
            time = schedule.first_after(time).unwrap();
            found.push(time.to_zoned(schedule.zone.clone()).strftime("%a %m-%d %H:%M %:z").to_string());
        }
        found
    }

    #[test]
    fn starts_are_those_of_cron() {
        assert_eq!(
            starts("0 22 * * 1-5", "Europe/Berlin", "2026-11-26T21:00:00Z", 3),
            ["Fri 11-27 22:00 +01:00", "Mon 11-30 22:00 +01:00", "Tue 12-01 22:00 +01:00"]
        );
        assert_eq!(
            starts("*/20 8-9 * * SUN", "UTC", "2026-11-29T08:30:30Z", 4),
            ["Sun 11-29 08:40 +00:00", "Sun 11-29 09:00 +00:00", "Sun 11-29 09:20 +00:00", "Sun 11-29 09:40 +00:00"]
        );
        // Either of two days starts it, and 0 and 7 are both Sunday.
        for weekday in ["0", "7", "sun"] {
            assert_eq!(
                starts(&format!("0 0 1,15 * {weekday}"), "UTC", "2026-11-26T00:00:00Z", 4),
                [
                    "Sun 11-29 00:00 +00:00",
                    "Tue 12-01 00:00 +00:00",
                    "Sun 12-06 00:00 +00:00",
                    "Sun 12-13 00:00 +00:00"
                ]
            );
        }
        assert_eq!(starts("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1), ["Tue 02-29 00:00 +00:00"]);
        assert_eq!(
            starts("0 0 * * */2", "UTC", "2026-11-29T12:00:00Z", 2),
            ["Tue 12-01 00:00 +00:00", "Thu 12-03 00:00 +00:00"]
        );
    }

    #[test]
    fn a_start_that_the_clocks_leave_out_is_when_they_have_moved() {
        // In Berlin, 02:00 to 03:00 on 2026-03-29 is left out.
        for minute in [0, 30, 59] {
            assert_eq!(
                starts(&format!("{minute} 2 * * *"), "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
                ["Sun 03-29 03:00 +02:00".to_owned(), format!("Mon 03-30 02:{minute:02} +02:00")]
            );
        }
        assert_eq!(
            starts("0,30 1-3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 4),
            ["Sun 03-29 01:30 +01:00", "Sun 03-29 03:00 +02:00", "Sun 03-29 03:30 +02:00", "Mon 03-30 01:00 +02:00"]
        );
        // Samoa left out a whole day.
        assert_eq!(starts("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1), ["Sat 12-31 00:00 +14:00"]);
    }

    #[test]
    fn a_start_that_the_clocks_show_twice_is_the_first() {
        // In Berlin, 02:00 to 03:00 on 2026-10-25 happens twice.
        assert_eq!(
            starts("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["Sun 10-25 02:30 +02:00", "Mon 10-26 02:30 +01:00"]
        );
        // From within the second time round, the next is the day after.
        assert_eq!(starts("45 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1), ["Mon 10-26 02:45 +01:00"]);
        assert_eq!(starts("* * * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1), ["Sun 10-25 03:00 +01:00"]);
    }

    #[test]
    fn starts_only_ever_lie_ahead_and_none_is_left_out() {
        // Around both changes, minute by minute: each start is found from wherever one looks.
        for (zone, around) in [
            ("Europe/Berlin", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T01:00:00Z"),
            ("America/New_York", "2026-03-08T07:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ] {
            let around: Timestamp = around.parse().unwrap();
            for written in ["15,45 * * * *", "30 2 * * *", "0 0,3 * * *"] {
                let schedule = Schedule::new(written, zone).unwrap();
                let mut last = None;
                for minute in -240..240 {
                    let time = around + jiff::SignedDuration::from_mins(minute);
                    let next = schedule.first_after(time).unwrap();
                    assert!(next > time, "{zone} {written} {time}");
                    if let Some(last) = last.filter(|last| *last > time) {
                        assert_eq!(next, last, "{zone} {written} {time}");
                    }
                    last = Some(next);
                }
            }
        }
    }

    #[test]
    fn what_cron_users_would_not_expect_is_refused() {
        for (written, why) in [
            ("", "expected five fields, found 0"),
            ("@daily", "expected five fields, found 1"),
            ("0 22 * *", "expected five fields, found 4"),
            ("0 0 22 * * 1", "expected five fields, found 6"),
            ("0 22 * * UTC", "the day of the week has more"),
            ("0 22 L * *", "the day of the month has more"),
            ("0 22 15W * *", "the day of the month has more"),
            ("0 22 * * 5L", "the day of the week has more"),
            ("0 22 * * 5#3", "the day of the week has more"),
            ("H 22 * * *", "the minute has more"),
            ("? 22 * * *", "the minute has more"),
            ("0 mon * * *", "the hour has more"),
            ("0 22 * mon *", "the month has more"),
            ("0 22 * * Monday", "the day of the week has more"),
            ("5/10 * * * *", "a step of a single value"),
            ("0 12 */2 * 0,6", "crons differ"),
            ("0 12 1 * */2", "crons differ"),
            ("60 * * * *", "must be in range 0..=59"),
            ("* 24 * * *", "must be in range 0..=23"),
            ("0 0 0 * *", "must be in range 1..=31"),
            ("0 0 * 13 *", "must be in range 1..=12"),
            ("0 0 * * 8", "must be in range 0..=7"),
            ("0 22-5 * * *", "ascending order"),
            ("*/0 * * * *", "0"),
            ("-1 * * * *", ""),
            ("1, * * * *", ""),
            ("1--2 * * * *", ""),
            ("99999999999999999999 * * * *", ""),
            ("0 0 30 2 *", "it never starts"),
        ] {
            let found = Schedule::new(written, "UTC").unwrap_err();
            assert!(found.why.contains(why) && !found.why.contains('\n'), "{written}: {found:?}");
        }
        for zone in ["", "Berlin", "Europe/Berln", "+01:00", "Local", "CET-1CEST", "../etc/passwd", "UTC\0"] {
            let found = Schedule::new("0 22 * * *", zone).unwrap_err();
            assert!(found.why.starts_with("expected the IANA name"), "{zone}: {found:?}");
        }
        for zone in ["UTC", "Etc/UTC", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"] {
            Schedule::new("0 22 * * *", zone).unwrap();
        }
    }
}

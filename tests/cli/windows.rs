//! `sync.windows`: outside of them an environment is observed, by whomever, and not written.

use flowsync::clock::{Clock as _, SystemClock};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::recovery::killed;
use crate::support::{Place, word};

/// Never open, and always.
const CLOSED: &str = "windows: [ { kind: deny, schedule: \"* * * * *\", duration: 2h } ]";
const OPEN: &str = "windows: [ { kind: allow, schedule: \"* * * * *\", duration: 2h } ]";

/// A window that began an hour ago and lasts for two more, and when it ends.
fn window(kind: &str) -> (String, Timestamp) {
    let start = SystemClock.now() - SignedDuration::from_hours(1);
    let start = Timestamp::from_second(start.as_second() / 60 * 60).unwrap();
    let schedule = start.to_zoned(TimeZone::UTC).strftime("%-M %-H %-d %-m *").to_string();
    let window = format!("windows: [ {{ kind: {kind}, schedule: \"{schedule}\", duration: 3h }} ]");
    (window, start + SignedDuration::from_hours(3))
}

/// `a`, deployed while it was open, and a change of it that waits.
fn closed(windows: &str) -> Place {
    let place = Place::with(OPEN, &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.edit_configuration(OPEN, windows);
    assert_eq!(place.sync(), "0 in-sync");
    place.commit(&["a 1.1.0"]);
    place.tenant.writes();
    place
}

#[test]
fn while_a_window_is_closed_nothing_is_written_and_it_says_until_when() {
    let (windows, ends) = window("deny");
    let place = closed(&windows);
    let tip = place.tip();
    let ended = place.sync_with(&[]).exits(0);
    assert_eq!(ended.summary(), "0 drifted update a not-attempted");
    let held = &ended.environment()["held"];
    assert_eq!((&held["by"], &held["kind"]), (&json!("window"), &json!("deny")));
    assert_eq!((&held["duration"], &held["timeZone"]), (&json!("3h"), &json!("UTC")));
    assert_eq!(word(&held["until"]), ends.to_string());
    let until = format!("closed until {ends} by the deny window `");
    let words = ["drifted", until.as_str(), "for 3h (UTC)"];
    place.run(&["sync"]).exits(0).prints(&words);
    assert_eq!(place.sync_with(&["--dry-run"]).environment()["result"], "drifted");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    place.run(&["status"]).exits(0).prints(&words[1..]);
    let status = place.run(&["status", "--output", "json"]).exits(0).environment();
    assert_eq!(word(&status["held"]["until"]), ends.to_string());
    place.update_work();
    place.run_in_work(&["plan"]).exits(0).prints(&words[1..]);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["held"]["by"], &plan["refused"]), (&json!("window"), &Value::Null));
    place.run_in_work(&["plan", "--output", "markdown"]).exits(0).prints(&["**Held back:**", &until]);
    place.edit_configuration(&windows, &window("allow").0);
    assert_eq!(place.sync(), "0 deployed update a deployed");
}

#[test]
fn outside_of_every_allow_window_it_is_closed() {
    let place = closed("windows: [ { kind: allow, schedule: \"0 0 29 2 *\", duration: 1m } ]");
    let ended = place.run(&["sync"]).exits(0);
    ended.prints(&["closed until 20", "outside of the allow windows, the next is `0 0 29 2 *` for 1m (UTC)"]);
}

#[test]
fn a_refusal_is_a_refusal_and_drift_waits() {
    let place = closed(CLOSED);
    place.commit(&["a 1.2.0 > nowhere"]);
    place.sync_with(&[]).exits(3).says(&["missing-reference"]);
    place.commit(&["a 1.0.0"]);
    place.tenant.put(&["a 1.0.0 = Somebody's"]);
    place.sync_with(&[]).exits(0).prints(&["\"drifted\"", "\"until\": null"]);
}

#[test]
fn where_it_is_closed_not_even_an_adoption_is_written_down() {
    let place = Place::with(CLOSED, &["a 1.0.0"]);
    let tip = place.tip();
    assert_eq!(place.sync(), "0 drifted create a not-attempted");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
}

#[test]
fn what_was_begun_is_ended_and_rollback_works() {
    let place = killed();
    place.edit_configuration("      verifyTimeout: 1s\n", &format!("      verifyTimeout: 1s\n      {CLOSED}\n"));
    assert!(place.sync_with(&[]).exits(0).summary().starts_with("0 deployed"));
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    assert_eq!(place.run(&["rollback", "--output", "json"]).exits(0).environment()["result"], "deployed");
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
}

//! Signals on the real binary: the first lets a deployment end or takes it back, the second ends at once.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::support::{Ended, Place, ended, until, word};

pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Starts `sync` with more arguments.
fn start(place: &Place, command: &str, more: &[&str]) -> Child {
    place.command(&[&[command, "--output", "json"], more].concat()).spawn().unwrap()
}

/// Version 1.0.0 of `a` and of `b`, which needs it, is live, and 1.1.0 is committed. Each takes a while.
fn two_slow_flows() -> Place {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 20s");
    place.sync_with(&[]).exits(0);
    place.tenant.writes();
    place.commit(&["a 1.1.0", "b 1.1.0 > a"]);
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_millis(300));
    place
}

#[test]
fn the_first_signal_lets_a_deployment_come_to_its_end() {
    for name in ["TERM", "INT", "HUP"] {
        let place = two_slow_flows();
        let child = start(&place, "sync", &[]);
        until("a is written", || place.tenant.live().starts_with("a 1.1.0"));
        signal(&child, name);
        let ended = ended(child).exits(0).says(&[&format!("SIG{name}: ending within 30 s")]);
        assert_eq!(ended.environment()["result"], "deployed");
        assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
        assert_eq!(place.manifest()["status"], "deployed");
    }
}

#[test]
fn the_first_signal_takes_back_what_cannot_be_finished_in_time() {
    let flows = |version: &str| (10..50).map(|n| format!("f{n} {version}")).collect::<Vec<_>>();
    let lines = |flows: &[String]| flows.join(", ");
    let (old, new) = (flows("1.0.0"), flows("1.1.0"));
    let place = Place::with("concurrency: 1", &old.iter().map(String::as_str).collect::<Vec<_>>());
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 3s");
    place.sync_with(&[]).exits(0);
    place.commit(&new.iter().map(String::as_str).collect::<Vec<_>>());
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_millis(800));
    let child = start(&place, "sync", &["--grace", "40s"]);
    until("a flow is written", || place.tenant.live().contains("1.1.0"));
    signal(&child, "TERM");
    let ended = ended(child).exits(4);
    assert_eq!(place.tenant.live(), lines(&old));
    let environment = ended.environment();
    assert_eq!(environment["result"], "rolled-back");
    assert!(word(&environment["error"]).contains("SIGTERM"), "{environment}");
    let manifest = place.manifest();
    assert_eq!((&manifest["status"], &manifest["quarantine"]), (&"rolled-back".into(), &serde_json::Value::Null));
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::ZERO);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), lines(&new), "nothing holds it back");
    place.run(&["audit", "verify"]).exits(0);
}

/// Sends two signals, the second once the first was heard.
fn signal_twice(mut child: Child, first: &str, second: &str) -> Ended {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    signal(&child, first);
    let mut said = String::new();
    while !said.contains("once more to end at once") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    signal(&child, second);
    let mut ended = ended(child);
    stderr.read_to_string(&mut said).unwrap();
    ended.stderr = said;
    ended
}

#[test]
fn the_second_signal_ends_at_once_and_the_next_pass_goes_on() {
    for (second, code) in [("TERM", 143), ("INT", 130)] {
        let place = two_slow_flows();
        place.tenant.fails("- { match: { call: import, flow: flow_a, nth: 1 }, fault: { delay: { after: 10m } } }");
        let child = start(&place, "sync", &["--grace", "1h"]);
        until("a is written", || place.tenant.live().starts_with("a 1.1.0"));
        let ended = signal_twice(child, "TERM", second).exits(code).says(&["ended at once", "next pass"]);
        assert_eq!(ended.json()["environments"], serde_json::json!([]), "stdout is one document all the same");
        assert_eq!(place.manifest()["status"], "deploying");
        place.tenant.heals();
        place.sync_with(&[]).exits(0);
        assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    }
}

/// Whether a process holds the kernel lock of an environment: it hears signals from before then on.
fn is_worked_on(place: &Place) -> bool {
    let Ok(environments) = std::fs::read_dir(place.path("state/flowsync/environments")) else { return false };
    let is_held = |lock: std::fs::File| matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock));
    environments.flatten().any(|entry| std::fs::File::open(entry.path().join("lock")).is_ok_and(is_held))
}

#[test]
fn a_signal_before_the_first_write_begins_nothing() {
    for (command, call) in [("sync", "export"), ("sync", "token"), ("rollback", "export")] {
        let place = two_slow_flows();
        let tip = place.tip();
        place.tenant.fails(&format!("- {{ match: {{ call: {call} }}, fault: {{ delay: {{ before: 10m }} }} }}"));
        let child = start(&place, command, &[]);
        until("it works on the environment", || is_worked_on(&place));
        signal(&child, "TERM");
        let ended = ended(child).exits(1).says(&["nothing was begun"]);
        assert_eq!(ended.environment()["result"], "error");
        assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    }
}

#[test]
fn a_signal_during_a_rollback_lets_it_come_to_its_end() {
    let place = two_slow_flows();
    place.sync_with(&[]).exits(0);
    let child = start(&place, "rollback", &[]);
    until("a is written", || place.tenant.live().starts_with("a 1.0.0"));
    signal(&child, "INT");
    ended(child).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
}

#[test]
fn a_signal_while_it_is_taken_back_lets_it_be_taken_back() {
    let place = two_slow_flows();
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: { refuse: { message: bad luck } } }");
    let child = start(&place, "sync", &[]);
    until("it is being taken back", || place.manifest()["status"] == "restoring");
    signal(&child, "TERM");
    ended(child).exits(4);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    assert_eq!(place.manifest()["status"], "rolled-back");
}

#[test]
fn a_terminal_that_may_go_ends_nothing() {
    let place = two_slow_flows();
    let command = place.command(&["sync", "--output", "json"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(place.path("elsewhere")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = shell.spawn().unwrap();
    until("a is written", || place.tenant.live().starts_with("a 1.1.0"));
    signal(&child, "HUP");
    let ended = ended(child).exits(0);
    assert!(!ended.stderr.contains("SIGHUP"), "{}", ended.stderr);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
}

#[test]
fn a_grace_is_a_duration_of_at_most_a_day() {
    let place = Place::new(&["a 1.0.0"]);
    for (grace, says) in [("30", "expected a duration"), ("-1s", "unexpected argument"), ("2d", "at most `1d`")] {
        for command in ["sync", "rollback", "run"] {
            let ended = place.run(&[command, "--grace", grace]).exits(64);
            assert!(ended.stderr.contains(says) || grace == "-1s", "{}", ended.stderr);
        }
    }
}

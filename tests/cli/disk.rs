//! A state directory and a process that run out of room, before and in the middle of a deployment.

use std::process::{Command, Stdio};

use crate::support::{Ended, Place, ended, until, word};

/// Runs `sync` with limits of the shell's.
fn limited(place: &Place, limits: &str) -> Ended {
    let command = place.command(&["sync", "--output", "json"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{limits}; exec \"$@\""), "bash"]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(place.path("elsewhere")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(shell.spawn().unwrap())
}

/// Twelve flows of version 1.0.0 are live, and 2.0.0 is committed.
fn twelve_flows() -> Place {
    let place = Place::new(&[]);
    let flows = |version: &str| (10..22).map(|n| format!("f{n} {version}")).collect::<Vec<_>>();
    place.commit(&flows("1.0.0").iter().map(String::as_str).collect::<Vec<_>>());
    place.sync_with(&[]).exits(0);
    place.tenant.writes();
    place.commit(&flows("2.0.0").iter().map(String::as_str).collect::<Vec<_>>());
    place
}

#[test]
fn room_that_cannot_be_had_is_missed_before_the_first_write() {
    let cases = [
        ("trap '' XFSZ; ulimit -f 6", "KiB for the journal"),
        ("ulimit -f 6", "KiB for the journal"),
        ("ulimit -f 64", "KiB for the closing record"),
        ("ulimit -n 24", "open files"),
    ];
    for (limits, says) in cases {
        let place = twelve_flows();
        let tip = place.tip();
        let ended = limited(&place, limits).exits(1).says(&[says, "--state-dir"]);
        assert_eq!(ended.environment()["result"], "error", "{limits}");
        assert_eq!((place.tenant.writes().as_str(), place.tip()), ("", tip), "{limits}");
        place.sync_with(&[]).exits(0);
        assert!(!place.tenant.live().contains("1.0.0"), "nothing is in the way when there is room");
    }
}

#[test]
fn a_disk_that_is_full_is_missed_before_the_first_write() {
    let mut place = twelve_flows();
    let full = place.path("full");
    std::fs::create_dir(&full).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&full).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        eprintln!("skipped: this user may not mount a file system");
        return;
    }
    place.set("XDG_STATE_HOME", &full.display().to_string());
    let ended = place.sync_with(&[]);
    let unmounted = Command::new("umount").arg(&full).status().unwrap();
    let ended = ended.exits(1).says(&["cannot secure", "No space left"]);
    assert!(unmounted.success() && ended.environment()["result"] == "error");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn a_state_folder_that_goes_in_the_middle_is_not_missed() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_millis(300));
    let child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("a is written", || !place.tenant.live().is_empty());
    std::fs::remove_dir_all(place.path("state")).unwrap();
    ended(child).exits(0);
    assert_eq!(place.manifest()["status"], "deployed");
    place.run(&["audit", "verify"]).exits(0);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_journal_that_fails_in_the_middle_is_gone_on_without_on_the_way_back() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 5s");
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.1.0 > a"]);
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: mutate }");
    // What somebody puts there meanwhile is kept in the journal, and is larger than any file may be.
    let large = format!("a 6.6.6 = {}", "x".repeat(1_000_000));
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| limited(&place, "ulimit -f 600"));
        until("b is written", || place.tenant.live().contains("b 1.1.0"));
        place.tenant.put(&[&large]);
        place.tenant.heals();
        running.join().unwrap()
    });
    let environment = ended.exits(4).environment();
    assert_eq!(environment["result"], "rolled-back", "{environment}");
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    assert!(word(&place.manifest()["failure"]).contains("the journal could not be written"), "{}", place.manifest());
    let shown = place.run(&["audit", "show", "--output", "json"]).exits(0).stdout;
    assert!(shown.contains("journal-failed") && shown.contains("xxxxxxxx"), "what was overwritten is kept in git");
    place.run(&["audit", "verify"]).exits(0);
}

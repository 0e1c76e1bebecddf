//! All or nothing, on the real binary: killed at every request of a deployment, and raced by others.

use crate::support::{Place, ended, until};

/// Six flows at a version, in two layers.
fn flows(version: usize) -> Vec<String> {
    let upper = ["d", "e", "f"].iter().zip(["a", "b", "c"]);
    let lower = ["a", "b", "c"].iter().map(|name| format!("{name} {version}.0.0"));
    lower.chain(upper.map(|(name, needs)| format!("{name} {version}.0.0 > {needs}"))).collect()
}

fn commit(place: &Place, version: usize) {
    let flows = flows(version);
    place.commit(&flows.iter().map(String::as_str).collect::<Vec<_>>());
}

fn live_at(version: usize) -> String {
    let all = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name} {version}.0.0"));
    all.join(", ")
}

/// Kills a deployment once it has made so many requests; whether it was still running.
fn kill_after(place: &Place, n_requests: u64) -> bool {
    let before = place.tenant.state.requests().total;
    let mut child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    let mut ended = false;
    until("the moment to kill", || {
        ended = child.try_wait().unwrap().is_some();
        ended || place.tenant.state.requests().total - before >= n_requests
    });
    // SIGKILL: nothing of it runs any more.
    child.kill().unwrap();
    child.wait().unwrap();
    !ended
}

#[test]
fn a_deployment_killed_at_any_request_is_finished_whole_by_whoever_comes_next() {
    let first = flows(1);
    let place = Place::new(&first.iter().map(String::as_str).collect::<Vec<_>>());
    place.tenant.behaves(|behaviour| behaviour.latency = std::time::Duration::from_millis(3));
    place.sync_with(&[]).exits(0);
    let mut version = 1;
    for n_requests in 0.. {
        version += 1;
        commit(&place, version);
        let was_running = kill_after(&place, n_requests);
        if n_requests % 3 == 2 {
            let other = place.path(&format!("other{n_requests}"));
            let mut sync = place.command(&["sync", "--take-over", "--output", "json"]);
            ended(sync.env("XDG_STATE_HOME", other).spawn().unwrap()).exits(0);
        } else {
            place.sync_with(&[]).exits(0);
        }
        assert_eq!(place.tenant.live(), live_at(version), "after a kill at request {n_requests}");
        assert_eq!(place.manifest()["status"], "deployed");
        place.tenant.writes();
        assert_eq!(place.sync(), "0 in-sync");
        assert_eq!(place.tenant.writes(), "", "a quiet pass writes nothing");
        if !was_running {
            assert!(n_requests > 12, "six imports, six statuses and exports were passed, found {n_requests}");
            break;
        }
    }
    place.run(&["audit", "verify"]).exits(0);
}

fn race(n_instances: usize) {
    let rounds = 20;
    let first = flows(1);
    let place = Place::new(&first.iter().map(String::as_str).collect::<Vec<_>>());
    place.sync_with(&[]).exits(0);
    let states: Vec<_> = (0..n_instances).map(|n| place.path(&format!("state{n}"))).collect();
    for version in 2..=rounds + 1 {
        commit(&place, version);
        place.tenant.writes();
        let children: Vec<_> = states
            .iter()
            .map(|state| place.command(&["sync", "--output", "json"]).env("XDG_STATE_HOME", state).spawn().unwrap())
            .collect();
        for child in children {
            let ended = ended(child);
            assert!(ended.code == 0 || ended.code == 6, "{ended:?}");
        }
        assert_eq!(place.tenant.live(), live_at(version), "round {version}");
        let mut writes: Vec<String> = place.tenant.writes().split(", ").map(str::to_owned).collect();
        writes.sort();
        let once = ["a", "b", "c", "d", "e", "f"].map(|name| format!("import {name}"));
        assert_eq!(writes, once, "only one instance wrote, and each flow once");
    }
    let n_deployed = place.subjects().iter().filter(|subject| subject.ends_with(" deployed")).count();
    assert_eq!(n_deployed, rounds + 1, "one deployment a commit");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn two_instances_race_for_twenty_rounds_and_one_of_them_writes() {
    race(2);
}

#[test]
fn eight_instances_race_for_twenty_rounds_and_one_of_them_writes() {
    race(8);
}

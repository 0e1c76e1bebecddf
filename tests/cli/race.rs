//! People who push while flowsync works, and the sandbox as its own process.

use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::support::{Place, ended, flow, git, until, word};

/// A first deployment that has begun, and waits in the tenant's export before it plans.
fn planning() -> (Place, Child) {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.fails("- { match: { call: export, nth: 1 }, fault: { delay: 1s } }");
    let child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("it has signed in", || place.tenant.state.requests().total > 0);
    (place, child)
}

#[test]
fn a_commit_of_something_else_before_the_push_is_built_upon() {
    let (place, child) = planning();
    place.write("README.md", "changed meanwhile");
    place.push("words");
    assert_eq!(ended(child).summary(), "0 deployed create a deployed");
    let expected = ["flows", "words", "flowsync: production deploying", "flowsync: production deployed"];
    assert_eq!(place.subjects(), expected);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_commit_of_flows_before_the_push_starts_the_pass_again() {
    let (place, child) = planning();
    place.write("flows/b.json", &flow("b 1.0.0").to_string());
    place.push("one more");
    assert_eq!(ended(child).summary(), "0 deployed create a deployed, create b deployed");
    assert_eq!(place.subjects().iter().filter(|subject| subject.ends_with(" deployed")).count(), 1);
}

#[test]
fn commits_during_a_deployment_are_kept_and_deployed_by_the_next_pass() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: { delay: { after: 1s } } }");
    let child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("a is written", || !place.tenant.live().is_empty());
    place.commit(&["a 1.1.0"]);
    let ended = ended(child).exits(0);
    assert_eq!(ended.summary(), "0 deployed create a deployed");
    assert_eq!(word(&ended.environment()["recordCommit"]), place.tip());
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(git(&place.origin(), &["log", "--merges", "--format=%s", "main"]), "", "nothing is merged");
}

#[test]
fn a_deployment_that_takes_too_long_is_restored() {
    let place = Place::with("deployTimeout: 10s\nverifyTimeout: 1h", &["a 1.0.0", "b 1.0.0 > a"]);
    place.edit_configuration("      verifyTimeout: 1s\n", "");
    place
        .tenant
        .fails("- { match: { call: import, flow: flow_b }, fault: { answer: { status: 429, retryAfter: 1 } } }");
    let ended = place.sync_with(&[]).exits(4);
    assert_eq!(ended.summary(), "4 rolled-back create a rolled-back, create b failed");
    assert_eq!(place.tenant.live(), "");
    assert_eq!(place.manifest()["quarantine"]["cause"], "transport");
}

#[test]
fn a_deployment_that_waits_too_long_for_a_status_is_restored() {
    let place = Place::with("deployTimeout: 10s\nverifyTimeout: 1h", &["a 1.0.0"]);
    place.edit_configuration("      verifyTimeout: 1s\n", "");
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_secs(3_600));
    let ended = place.sync_with(&[]).exits(4).says(&["deployTimeout"]);
    assert_eq!(ended.summary(), "4 rolled-back create a rolled-back");
    assert_eq!(place.tenant.live(), "");
}

/// Ends a child with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn the_sandbox_is_a_tenant_like_any_other() {
    let place = Place::new(&["a 1.0.0"]);
    let state = place.path("tenant.json").display().to_string();
    let mut child = place.command(&["sandbox", "--listen", "127.0.0.1:0", "--state", &state]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _child = Killed(child);
    let url = lines.find_map(|line| line.unwrap().trim().strip_prefix("API  ").map(|url| url.trim().to_owned()));
    let base = url.unwrap().split("/api/").next().unwrap().to_owned();
    let here = place.tenant.url().split("/api/").next().unwrap().to_owned();
    place.edit_configuration(&here, &base);
    assert_eq!(place.sync(), "0 deployed create a deployed");
    assert!(std::fs::read_to_string(state).unwrap().contains("flow_a"));
}

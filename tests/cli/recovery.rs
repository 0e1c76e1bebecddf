//! Deployments that somebody did not end, records that could not be sent, and two that want the same environment.

use std::process::Child;

use crate::http_server::{HttpServer, Rules};
use crate::support::{Place, ended, git, until, word};

/// A deployment of version 1.1.0 of `a` and of `b`, which needs `a`, that hangs once `a` is written.
fn half_done() -> (Place, Child) {
    half_done_with("", &|_| {})
}

/// The same with lines of `sync:`, and with what people do about each commit.
pub fn half_done_with(sync: &str, review: &dyn Fn(&Place)) -> (Place, Child) {
    let place = Place::with(sync, &["a 1.0.0", "b 1.0.0 > a"]);
    review(&place);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.1.0 > a"]);
    review(&place);
    place.tenant.fails("- { match: { call: import, flow: flow_a, nth: 1 }, fault: { delay: { after: 10m } } }");
    let child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("a is written", || place.tenant.live().starts_with("a 1.1.0"));
    (place, child)
}

/// The same, killed: nobody ends it.
pub fn killed() -> Place {
    let (place, mut child) = half_done();
    child.kill().unwrap();
    child.wait().unwrap();
    place.tenant.heals();
    assert_eq!(place.manifest()["status"], "deploying");
    place.tenant.writes();
    place
}

#[test]
fn a_killed_deployment_is_finished_by_its_holders_next_pass() {
    let place = killed();
    let deployment = word(&place.manifest()["deploymentId"]).to_owned();
    let ended = place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    assert_eq!(place.tenant.writes(), "import b", "a was live already");
    assert_eq!(place.manifest()["status"], "deployed");
    assert_eq!(word(&ended.environment()["deploymentId"]), deployment);
    place.run(&["audit", "verify"]).exits(0);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_flow_that_somebody_created_first_outlives_a_kill_and_a_restoration() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.tenant.put(&["z 1.0.0"]);
    place.tenant.fails(
        "- { match: { call: import, flow: flow_a, nth: 1 }, fault: { delay: { before: 3s } } }
- { match: { call: status, flow: flow_a }, fault: { delay: { before: 10m } } }",
    );
    let mut child = place.command(&["sync"]).spawn().unwrap();
    until("it is under way", || place.subjects().len() > 1);
    place.tenant.put(&["a 0.5.0"]);
    until("the import is answered and git told", || place.manifest()["flows"][0]["existed"] == true);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(place.tenant.live().starts_with("a 1.0.0"), "it was overwritten: {}", place.tenant.live());
    place.tenant.heals();
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: refuse }");
    let ended = place.sync_with(&[]).exits(5).says(&["not restored: flow_a"]);
    let flow = &ended.environment()["flows"][0];
    assert!(word(&flow["error"]).contains("created by somebody else"), "{flow}");
    assert!(place.tenant.live().starts_with("a 1.0.0"), "never deleted: {}", place.tenant.live());
}

#[test]
fn what_somebody_created_while_a_restoration_was_interrupted_stays() {
    for is_same_machine in [true, false] {
        let mut place = Place::new(&["a 1.0.0", "b 1.0.0 > a", "c 1.0.0 > b"]);
        place.tenant.fails(
            "- { match: { call: import, flow: flow_b }, fault: refuse }
- { match: { call: delete, flow: flow_a }, fault: { delay: { before: 10m } } }",
        );
        let mut child = place.command(&["sync"]).spawn().unwrap();
        until("it is taken back", || place.subjects().len() > 1 && place.manifest()["status"] == "restoring");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(place.tenant.live().starts_with("a 1.0.0"), "{}", place.tenant.live());
        place.tenant.put(&["c 0.5.0"]);
        place.tenant.heals();
        let mut more = Vec::new();
        if !is_same_machine {
            let other = place.path("other").display().to_string();
            place.set("XDG_STATE_HOME", &other);
            more.push("--take-over");
        }
        let ended = place.sync_with(&more).exits(4);
        assert_eq!(place.tenant.live(), "c 0.5.0", "the same machine: {is_same_machine}");
        assert_eq!(ended.summary(), "4 rolled-back create a rolled-back, create b rolled-back, create c not-attempted");
        place.run(&["audit", "verify"]).exits(0);
    }
}

#[test]
fn a_deployment_begun_by_a_version_without_months_is_gone_on_with_where_it_began() {
    let place = killed();
    let deployment = word(&place.manifest()["deploymentId"]).to_owned();
    place.update_work();
    let (audit, name) = (place.work().join("deployments/production/audit"), format!("{deployment}.jsonl"));
    let month = format!("{}-{}", &deployment[..4], &deployment[4..6]);
    std::fs::rename(audit.join(month).join(&name), audit.join(&name)).unwrap();
    place.push("as an older version has it");
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    let files = git(&place.origin(), &["ls-tree", "-r", "--name-only", "main", "deployments/production/audit"]);
    let ours: Vec<&str> = files.lines().filter(|path| path.ends_with(&name)).collect();
    assert_eq!(ours, [format!("deployments/production/audit/{name}")]);
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn the_pass_that_finishes_goes_on_with_the_newest_commit() {
    let place = killed();
    place.commit(&["a 1.2.0", "b 1.1.0 > a"]);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.2.0, b 1.1.0");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn another_holder_waits_or_takes_over() {
    let mut place = killed();
    let other = place.path("other").display().to_string();
    place.set("XDG_STATE_HOME", &other);
    let tip = place.tip();
    let ended = place.sync_with(&[]).exits(6).says(&["--take-over"]);
    assert_eq!(ended.environment()["result"], "busy");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    let dry = place.sync_with(&["--dry-run"]).exits(0).says(&["holds `production`"]);
    assert_eq!(dry.summary(), "0 planned update b not-attempted", "a dry run is never held up");
    place.sync_with(&["--take-over"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_dry_run_that_finds_nothing_to_do_leaves_an_interrupted_deployment_to_be_ended() {
    let place = killed();
    place.tenant.put(&["b 1.1.0 > a"]);
    place.sync_with(&["--dry-run"]).exits(0);
    assert_eq!(place.manifest()["status"], "deploying");
    place.sync_with(&[]).exits(0);
    assert_eq!(place.manifest()["status"], "deployed");
}

#[test]
fn a_lease_that_ended_long_ago_holds_nobody_up() {
    let mut place = killed();
    place.update_work();
    let mut manifest = place.manifest();
    manifest["holder"]["deadline"] = "2020-01-01T00:00:00Z".into();
    place.write("deployments/production/manifest.json", &format!("{manifest:#}\n"));
    place.push("time passes");
    let other = place.path("other").display().to_string();
    place.set("XDG_STATE_HOME", &other);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
}

#[test]
fn what_somebody_else_put_there_meanwhile_is_overwritten_and_kept_in_the_record() {
    let place = killed();
    place.tenant.put(&["b 6.6.6 = Mallory"]);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    let shown = place.run(&["audit", "show", "--output", "json"]).exits(0);
    assert!(shown.stdout.contains("Mallory") && shown.stdout.contains("overwritten"), "{}", shown.stdout);
}

#[test]
fn one_state_directory_lets_one_process_write_and_all_read() {
    let (place, mut child) = half_done();
    let ended = place.sync_with(&[]).exits(6);
    assert_eq!(ended.environment()["result"], "busy");
    let deployment = place.manifest()["deploymentId"].clone();
    let status = place.run(&["status", "--output", "json"]).exits(0).json();
    assert_eq!(status["environments"][0]["status"], "deploying");
    assert_eq!(status["environments"][0]["deploymentId"], deployment);
    place.run(&["plan"]).exits(0);
    assert_eq!(place.sync_with(&["--dry-run"]).summary(), "0 planned update b not-attempted");
    place.run(&["doctor"]).exits(0).prints(&["another flowsync process is working on this environment"]);
    assert_eq!(place.manifest()["deploymentId"], deployment);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_deployment_killed_while_it_is_taken_back_is_taken_back() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.1.0 > a"]);
    place.tenant.fails(
        "- { match: { call: import, flow: flow_b }, fault: { refuse: { message: bad luck } } }
- { match: { call: rollback, flow: flow_a }, fault: { delay: { before: 10m } } }",
    );
    let mut child = place.command(&["sync"]).spawn().unwrap();
    until("it is being taken back", || place.manifest()["status"] == "restoring");
    child.kill().unwrap();
    child.wait().unwrap();
    place.tenant.heals();
    let ended = place.sync_with(&[]).exits(4);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    assert_eq!(place.manifest()["status"], "rolled-back");
    assert_eq!(ended.environment()["result"], "rolled-back");
    // What the first process knew of each flow is not lost with it.
    assert_eq!(ended.summary(), "4 rolled-back update a rolled-back, update b rolled-back");
    let b = &place.manifest()["flows"][1];
    assert!(b["error"].as_str().unwrap().contains("bad luck"), "{b}");
    place.sync_with(&[]).exits(3).says(&["quarantined"]);
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_closing_record_that_is_declined_is_kept_and_sent_later() {
    let place = Place::new(&["a 1.0.0"]);
    let _server = serve_over_a_hook(
        &place,
        "git log -1 --format=%s $new | grep -q 'production deployed' && { echo not today >&2; exit 1; }",
    );
    let ended = place.sync_with(&[]).exits(1).says(&["not today"]);
    assert_eq!(ended.summary(), "1 error create a deployed");
    assert!(ended.environment()["recordCommit"].is_null());
    assert_eq!(place.tenant.live(), "a 1.0.0");
    assert_eq!(place.manifest()["status"], "deploying");
    let status = place.run(&["status"]).exits(0);
    assert!(status.stdout.contains("not sent"), "{}", status.stdout);
    place.hook("update", "exit 0");
    place.tenant.writes();
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tenant.writes(), "", "the tenant is as it should be");
    assert_eq!(place.manifest()["status"], "deployed");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_first_record_that_is_declined_leaves_the_tenant_alone() {
    let place = Place::new(&["a 1.0.0"]);
    let _server = serve_over_a_hook(&place, "echo protected branch >&2; exit 1");
    place.sync_with(&[]).exits(1).says(&["protected branch"]);
    assert_eq!((place.tenant.writes().as_str(), place.tip()), ("", git(&place.work(), &["rev-parse", "HEAD"])));
}

/// Serves the repository over HTTP, because hooks run for pushes over the wire only.
fn serve_over_a_hook(place: &Place, script: &str) -> HttpServer {
    place.hook("update", &format!("new=$3\n{script}\nexit 0"));
    place.serve(Rules::default())
}

#[test]
fn two_passes_at_once_on_one_state_directory_make_one_deployment() {
    let place = Place::new(&["a 1.0.0"]);
    let start = || place.command(&["sync", "--output", "json"]).spawn().unwrap();
    let (first, second) = (start(), start());
    let mut codes = [ended(first).code, ended(second).code];
    codes.sort_unstable();
    assert!(codes == [0, 6] || codes == [0, 0], "{codes:?}");
    assert_eq!(place.tenant.writes(), "import a");
}

#[test]
fn two_machines_at_once_make_one_deployment() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    let start = |machine: &str| {
        let mut command = place.command(&["sync", "--output", "json"]);
        command.env("XDG_STATE_HOME", place.path(machine)).env("XDG_CACHE_HOME", place.path(machine)).spawn().unwrap()
    };
    let children = ["one", "two", "three"].map(start);
    let codes = children.map(|child| ended(child).code);
    assert!(codes.contains(&0) && codes.iter().all(|code| matches!(code, 0 | 6)), "{codes:?}");
    assert_eq!(place.subjects().iter().filter(|subject| subject.ends_with("deploying")).count(), 1);
    assert_eq!(place.tenant.write_requests().len(), 2);
}

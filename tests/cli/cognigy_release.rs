//! `release: endpoint`: callers meet a snapshot of the project, to which endpoints are switched.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::project::{BOOKING, BOOKING_ID, Project, SEED};
use crate::support::{git, until, word};

const PROJECT: &str = "64c0ffee0000000000000001";
const RELEASE: &str = "release: { mode: endpoint, endpoints: [Web, Phone] }";

struct World(Project);

impl World {
    /// [`SEED`] with two endpoints and a third one that nobody here names, pulled and adopted; nothing is released yet.
    fn adopted(release: &str, sync: &str) -> Self {
        let endpoints = "    endpoints:\n      - { name: Web, flow: Main }\n      - { name: Phone, flow: Main }\n      - { name: Test, flow: Main }\n";
        let project = Project::with(sync, &format!("{SEED}{endpoints}"), |_| {});
        project.adopt();
        project.place.edit_configuration("    sync:\n", &format!("    {release}\n    sync:\n"));
        Self(project)
    }

    /// The same, and released once.
    fn released(release: &str, sync: &str) -> (Self, String) {
        let world = Self::adopted(release, sync);
        assert_eq!(world.0.place.sync(), "0 deployed");
        let first = world.release();
        world.0.state.clear_requests();
        (world, first)
    }

    fn list(&self, what: &str) -> Vec<Value> {
        let path = format!("/{what}?projectId={PROJECT}&limit=100");
        self.0.ask(Method::GET, &path, None)["items"].as_array().unwrap().clone()
    }

    /// Names, sorted.
    fn snapshots(&self) -> Vec<String> {
        let mut names: Vec<String> = self.list("snapshots").iter().map(|it| word(&it["name"]).to_owned()).collect();
        names.sort();
        names
    }

    /// What an endpoint serves: `live`, or the name of a snapshot.
    fn serves(&self, endpoint: &str) -> String {
        let endpoints = self.list("endpoints");
        let entrypoint = word(&endpoints.iter().find(|it| it["name"] == endpoint).unwrap()["entrypoint"]).to_owned();
        if entrypoint == PROJECT {
            return "live".to_owned();
        }
        let snapshots = self.list("snapshots");
        word(&snapshots.iter().find(|it| it["_id"] == entrypoint.as_str()).unwrap()["name"]).to_owned()
    }

    /// What the endpoints of the configuration serve, which is one thing.
    #[track_caller]
    fn release(&self) -> String {
        let (web, phone) = (self.serves("Web"), self.serves("Phone"));
        assert_eq!(web, phone);
        web
    }

    /// Somebody points an endpoint at something, by its `_id`.
    fn somebody_points(&self, endpoint: &str, entrypoint: &str) {
        let endpoints = self.list("endpoints");
        let id = word(&endpoints.iter().find(|it| it["name"] == endpoint).unwrap()["_id"]).to_owned();
        self.0.ask(Method::PATCH, &format!("/endpoints/{id}"), Some(&json!({ "entrypoint": entrypoint })));
    }

    fn somebody_takes_a_snapshot(&self, name: &str) {
        let body = json!({ "projectId": PROJECT, "name": name, "description": "mine" });
        self.0.ask(Method::POST, "/snapshots", Some(&body));
        until("the snapshot is there", || self.snapshots().iter().any(|known| known == name));
    }

    fn says(&self, text: &str) {
        let file = fs::read_to_string(self.0.place.work().join(BOOKING)).unwrap();
        let line = file.lines().find(|line| line.contains("?\"") || line.contains("!\"")).unwrap().trim();
        self.0.commit(BOOKING, line, &format!("\"{text}\""));
    }

    fn n_of(&self, call: &str) -> u64 {
        self.0.state.requests().by_call.get(call).copied().unwrap_or_default()
    }

    fn sync(&self) -> String {
        self.0.place.sync()
    }
}

#[test]
fn what_is_deployed_is_frozen_and_endpoints_are_switched_to_it() {
    let world = World::adopted(RELEASE, "");
    let place = &world.0.place;
    let plan = world.0.json(&["plan"]);
    assert_eq!((&plan["release"]["due"], &plan["release"]["current"]), (&json!(true), &Value::Null), "{plan}");
    assert_eq!(plan["release"]["endpoints"][1]["shows"], "live");
    place
        .run_in_work(&["plan", "--detailed-exitcode"])
        .exits(2)
        .prints(&["a new release", "\"Web\" is switched from what is live"]);
    place.run_in_work(&["plan", "--output", "markdown"]).exits(0).prints(&["**release**"]);
    assert_eq!((world.0.state.n_writes(), world.snapshots().len()), (0, 0));
    // Nothing differs but that nothing was released yet.
    assert_eq!(world.sync(), "0 deployed");
    let first = world.release();
    let manifest = place.manifest();
    assert_eq!(first, format!("flowsync-{}-1", word(&manifest["deploymentId"])));
    assert_eq!((world.serves("Test"), world.snapshots()), ("live".to_owned(), vec![first.clone()]));
    let release = &manifest["release"];
    assert_eq!((&release["target"]["name"], &release["endpoints"][0]["before"]), (&json!(first), &json!("live")));
    assert_eq!(release["endpoints"][0]["status"], "deployed");
    world.0.state.clear_requests();
    assert_eq!(world.sync(), "0 in-sync");
    assert_eq!((world.0.state.n_writes(), world.sync()), (0, "0 in-sync".to_owned()));
    world.says("When do you want to come?");
    world.0.state.clear_requests();
    let done = world.0.sync_with(&[]).exits(0);
    assert_eq!(done.summary(), format!("0 deployed update {BOOKING_ID} deployed"));
    let second = world.release();
    assert_ne!(first, second);
    let reported = &done.environment()["release"];
    assert_eq!(
        (&reported["name"], &reported["endpoints"][1]["shows"]),
        (&json!(second), &json!({ "release": second }))
    );
    assert_eq!((world.n_of("createSnapshot"), world.n_of("updateEndpoint"), world.n_of("updateNode")), (1, 2, 1));
    let calls: Vec<&str> = world.0.state.requests().requests.iter().filter_map(|it| it.call).collect();
    let at = |call: &str| calls.iter().rposition(|it| *it == call).unwrap();
    assert!(at("updateNode") < at("createSnapshot") && at("createSnapshot") < at("updateEndpoint"));
    assert_eq!(place.manifest()["release"]["earlier"][0]["name"], json!(first));
    place.run(&["status"]).exits(0).prints(&[&format!("release {second}, shown by 2 endpoint(s)")]);
    place.run(&["history"]).exits(0).prints(&[&second, &first]);
    place.run(&["audit", "verify"]).exits(0);
    let ids: Vec<String> = world.list("snapshots").iter().map(|it| word(&it["_id"]).to_owned()).collect();
    let records = git(&place.origin(), &["log", "-p", "main", "--", "deployments"]);
    assert!(ids.iter().all(|id| !records.contains(id)), "internal ids are looked up, not kept");
}

#[test]
fn an_endpoint_that_somebody_points_elsewhere_is_drift() {
    let (world, first) = World::released(RELEASE, "");
    world.somebody_points("Web", PROJECT);
    world.0.place.update_work();
    world
        .0
        .place
        .run_in_work(&["plan"])
        .exits(0)
        .prints(&["\"Web\" is switched from what is live, where somebody pointed it"]);
    assert_eq!(world.sync(), "0 deployed");
    assert_eq!((world.release(), world.n_of("createSnapshot")), (first.clone(), 0));
    assert_eq!(world.sync(), "0 in-sync");
    let (world, _) = World::released(RELEASE, "drift: report");
    world.somebody_takes_a_snapshot("mine");
    let mine = world.list("snapshots").iter().find(|it| it["name"] == "mine").unwrap()["_id"].clone();
    world.somebody_points("Phone", word(&mine));
    let told = world.0.sync_with(&[]).exits(0);
    let reported = &told.environment()["release"]["endpoints"][1];
    assert_eq!((word(&told.environment()["result"]), &reported["drifted"]), ("drifted", &json!(true)));
    assert_eq!(reported["shows"], json!({ "release": "mine" }));
    world
        .0
        .place
        .run(&["sync"])
        .exits(0)
        .prints(&["endpoint \"Phone\" shows the release `mine`, drifted, not attempted"]);
    assert_eq!((world.serves("Phone"), world.0.state.n_writes()), ("mine".to_owned(), 2), "both are somebody's");
    world.0.place.update_work();
    world.0.place.run_in_work(&["plan"]).exits(0).prints(&["\"Phone\" drifted"]);
    // The next release is shown by all.
    world.says("When?");
    world.0.sync_with(&[]).exits(0);
    assert!(world.release().starts_with("flowsync-"));
    assert!(world.snapshots().contains(&"mine".to_owned()));
}

#[test]
fn when_one_endpoint_fails_all_are_switched_back_and_the_flows_with_them() {
    let (world, first) = World::released(RELEASE, "");
    let before = world.0.live();
    world.says("When?");
    world.0.fails("- { match: { call: updateEndpoint, nth: 2 }, fault: { answer: { status: 400 } } }");
    let ended = world.0.sync_with(&[]).exits(4).says(&["endpoint `Phone` could not be switched"]);
    assert_eq!(word(&ended.environment()["release"]["endpoints"][0]["outcome"]), "rolled-back");
    assert_eq!((world.release(), world.0.live()), (first.clone(), before));
    let manifest = world.0.place.manifest();
    assert_eq!(
        (word(&manifest["status"]), word(&manifest["release"]["endpoints"][1]["status"])),
        ("rolled-back", "rolled-back")
    );
    assert_eq!(world.snapshots(), [first], "its own is removed");
    world.0.heals();
    world.0.sync_with(&[]).exits(3).says(&["--retry"]);
    let again = world.0.sync_with(&["--retry"]).exits(0);
    assert_eq!(word(&again.environment()["result"]), "deployed");
    world.0.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn an_endpoint_that_cannot_be_switched_back_is_named() {
    let (world, _) = World::released(RELEASE, "");
    world.says("When?");
    world.0.fails("- { match: { call: updateEndpoint, from: 2, to: 1000 }, fault: { answer: { status: 400 } } }");
    world.0.sync_with(&[]).exits(5).says(&["the endpoint `Web`"]);
    let manifest = world.0.place.manifest();
    assert_eq!(word(&manifest["status"]), "rollback-incomplete");
    assert_eq!(word(&manifest["release"]["endpoints"][0]["status"]), "not-restored");
    world.0.place.run(&["status"]).exits(0).prints(&["not restored"]);
}

/// Begins a deployment, kills it where a fault holds it, and has the next pass end it.
#[track_caller]
fn killed(world: &World, call: &str, nth: u32, drop: &str, reached: impl Fn() -> bool) {
    world.says("When?");
    world.0.fails(&format!(
        "- {{ match: {{ call: {call}, from: {nth}, to: 1000 }}, fault: {{ drop: {drop}, wait: 60s }} }}"
    ));
    let mut child = world.0.place.command(&["sync"]).spawn().unwrap();
    until("the request is held", reached);
    child.kill().unwrap();
    child.wait().unwrap();
    world.0.heals();
    assert_eq!(word(&world.0.place.manifest()["status"]), "deploying");
}

#[test]
fn whoever_comes_after_a_crash_between_two_switches_ends_what_was_begun() {
    let (world, first) = World::released(RELEASE, "");
    killed(&world, "updateEndpoint", 2, "before", || world.serves("Web") != world.serves("Phone"));
    let shown = world.serves("Web");
    assert_ne!(shown, first);
    world.0.sync_with(&["--take-over"]).exits(0);
    assert_eq!((world.release(), word(&world.0.place.manifest()["status"])), (shown, "deployed"));
    assert_eq!(world.sync(), "0 in-sync");
    world.0.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn whoever_comes_while_endpoints_are_switched_back_goes_on_with_that() {
    let (world, first) = World::released(RELEASE, "");
    let before = world.0.live();
    world.says("When?");
    world.0.fails(
        "- { match: { call: updateEndpoint, nth: 2 }, fault: { answer: { status: 400 } } }\n- { match: { call: updateEndpoint, from: 3, to: 1000 }, fault: { drop: before, wait: 60s } }",
    );
    let mut child = world.0.place.command(&["sync"]).spawn().unwrap();
    until("it is taken back", || {
        world.n_of("updateEndpoint") >= 2 && word(&world.0.place.manifest()["status"]) == "restoring"
    });
    child.kill().unwrap();
    child.wait().unwrap();
    world.0.heals();
    assert_ne!(world.serves("Web"), first);
    world.0.sync_with(&["--take-over"]);
    assert_eq!((world.release(), world.0.live()), (first.clone(), before));
    let manifest = world.0.place.manifest();
    assert_eq!(
        (word(&manifest["status"]), word(&manifest["release"]["endpoints"][0]["status"])),
        ("rolled-back", "rolled-back")
    );
    assert_eq!(world.snapshots(), [first]);
    world.0.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn what_is_suspended_or_closed_is_not_switched_and_that_is_told() {
    let (world, first) = World::released(RELEASE, "");
    world.somebody_points("Web", PROJECT);
    world.0.state.clear_requests();
    world.0.place.run(&["suspend", "--reason", "a test"]).exits(0);
    let told = world.0.sync_with(&[]).exits(0).environment();
    assert_eq!(
        (word(&told["result"]), word(&told["release"]["endpoints"][0]["outcome"])),
        ("suspended", "not-attempted")
    );
    world.0.place.run(&["resume"]).exits(0);
    let closed = "windows: [{ kind: allow, schedule: '0 0 29 2 *', duration: 1m, timeZone: UTC }]";
    world.0.place.edit_configuration("    sync:\n", &format!("    sync:\n      {closed}\n"));
    let told = world.0.sync_with(&[]).exits(0).environment();
    assert_eq!((word(&told["result"]), &told["held"]["by"]), ("drifted", &json!("window")));
    assert_eq!((world.serves("Web"), world.0.state.n_writes()), ("live".to_owned(), 0));
    world.0.place.edit_configuration(closed, "windows: []");
    world.0.sync_with(&[]).exits(0);
    assert_eq!(world.release(), first);
    world.0.place.run(&["doctor"]).exits(0).prints(&["endpoints: `Web` shows the release", "room for 9 more"]);
}

#[test]
fn a_release_takes_the_room_of_a_snapshot_that_was_taken_before_a_structure_changed() {
    let (world, first) = World::released(RELEASE, "");
    for n in 1..=8 {
        world.somebody_takes_a_snapshot(&format!("mine-{n}"));
    }
    world.somebody_takes_a_snapshot("flowsync-before-00000007-1");
    world.says("When?");
    world.0.sync_with(&[]).exits(0);
    assert_ne!(world.release(), first);
    let names = world.snapshots();
    assert_eq!(names.iter().filter(|name| name.starts_with("mine-")).count(), 8);
    assert!(!names.iter().any(|name| name.starts_with("flowsync-before-")), "{names:?}");
}

#[test]
fn a_snapshot_that_a_dead_run_left_unseen_is_made_anew() {
    let (world, first) = World::released(RELEASE, "");
    killed(&world, "updateEndpoint", 1, "before", || world.snapshots().len() == 2);
    let left: Vec<String> = world.snapshots().into_iter().filter(|name| *name != first).collect();
    assert_eq!(world.release(), first);
    world.0.sync_with(&["--take-over"]).exits(0);
    let second = world.release();
    assert!(second.ends_with("-2") && !world.snapshots().contains(&left[0]), "{second} {left:?}");
    assert_eq!(world.snapshots().len(), 2);
}

#[test]
fn answers_that_are_lost_are_settled_by_what_is_there() {
    let (world, first) = World::released(RELEASE, "");
    world.says("When?");
    world.0.fails(
        "- { match: { call: createSnapshot, nth: 1 }, fault: { drop: after } }\n- { match: { call: updateEndpoint, nth: 1 }, fault: { drop: after } }",
    );
    world.0.sync_with(&[]).exits(0);
    assert_ne!(world.release(), first);
    assert_eq!(world.snapshots().len(), 2);
}

#[test]
fn a_rollback_points_endpoints_back_and_moves_no_flow() {
    let (world, _) = World::released(RELEASE, "");
    world.says("When?");
    world.0.sync_with(&[]).exits(0);
    let second = world.release();
    world.says("When then?");
    world.0.sync_with(&[]).exits(0);
    let (third, live) = (world.release(), world.0.live());
    world.0.state.clear_requests();
    let place = &world.0.place;
    place.run(&["rollback"]).exits(0).prints(&["deployed", "endpoint \"Web\" shows"]);
    assert_eq!((world.release(), world.0.live()), (second.clone(), live.clone()));
    assert_eq!((world.0.state.n_writes(), world.n_of("updateEndpoint")), (2, 2), "one write an endpoint");
    // Git is not released again by itself.
    world.0.sync_with(&[]).exits(3).says(&["rolled back by a person", &second]);
    assert_eq!(world.release(), second);
    // There and back.
    place.run(&["rollback"]).exits(0);
    assert_eq!((world.release(), world.0.live()), (third.clone(), live));
    place.run(&["rollback"]).exits(0);
    assert_eq!(world.release(), second);
    world.0.sync_with(&["--retry"]).exits(0);
    assert!(![second, third].contains(&world.release()), "git is released anew");
    assert_eq!(world.sync(), "0 in-sync");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_rollback_to_what_is_not_kept_any_more_writes_the_flows_and_releases_them() {
    let (world, first) = World::released(RELEASE, "");
    let before = world.0.live();
    let deployment = word(&world.0.place.manifest()["deploymentId"]).to_owned();
    for text in ["One?", "Two?", "Three?"] {
        world.says(text);
        world.0.sync_with(&[]).exits(0);
    }
    assert!(!world.snapshots().contains(&first), "the two before the newest are kept, and no more");
    assert_eq!(world.snapshots().len(), 3);
    let newest = world.release();
    world.0.place.run(&["rollback", "--to", &deployment]).exits(0);
    assert_eq!(world.0.live(), before);
    assert_ne!(world.release(), newest);
}

#[test]
fn a_rollback_that_is_killed_is_ended_by_whoever_comes() {
    let (world, first) = World::released(RELEASE, "");
    world.says("When?");
    world.0.sync_with(&[]).exits(0);
    world.0.fails("- { match: { call: updateEndpoint, from: 2, to: 1000 }, fault: { drop: before, wait: 60s } }");
    let mut child = world.0.place.command(&["rollback"]).spawn().unwrap();
    until("one endpoint is switched", || world.serves("Web") != world.serves("Phone"));
    child.kill().unwrap();
    child.wait().unwrap();
    world.0.heals();
    world.0.sync_with(&["--take-over"]);
    assert_eq!((world.release(), word(&world.0.place.manifest()["status"])), (first, "deployed"));
    world.0.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn what_somebody_edits_while_it_is_frozen_is_read_and_frozen_anew() {
    let (world, first) = World::released(RELEASE, "");
    world.says("When?");
    world.0.state.change(|behaviour| behaviour.task_time = std::time::Duration::from_secs(3));
    let child = world.0.place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("the snapshot is being taken", || world.n_of("createSnapshot") == 1);
    world.0.somebody_says("Main", "Greet", "Surprise");
    world.0.state.change(|behaviour| behaviour.task_time = std::time::Duration::from_millis(20));
    let ended = crate::support::ended(child);
    // `Main` is managed: what was edited is not shown to callers, and everything is as before.
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stderr.contains("was changed by somebody else meanwhile"), "{}", ended.stderr);
    assert_eq!(world.release(), first);
    // The edit is drift, which the next pass puts right.
    world.0.sync_with(&[]).exits(0);
    assert_ne!(world.release(), first);
    assert!(!world.0.live().contains("Surprise"));
}

#[test]
fn flows_that_nobody_manages_are_in_a_release_and_listed_where_they_differ() {
    let (world, first) = World::released(RELEASE, "");
    let place = &world.0.place;
    let create = json!({ "projectId": PROJECT, "name": "Extra" });
    let extra = world.0.ask(Method::POST, "/flows", Some(&create));
    place.update_work();
    let plan = world.0.json(&["plan"]);
    let unmanaged = &plan["release"]["unmanaged"];
    assert_eq!((word(&unmanaged[0]["name"]), word(&unmanaged[0]["change"])), ("Extra", "added"), "{plan}");
    assert_eq!(world.sync(), "0 in-sync", "that is no reason for a release");
    world.says("When?");
    place.run_in_work(&["plan"]).exits(0).prints(&["1 flow(s) that are not managed here differ", "\"Extra\""]);
    // Somebody edits it while it is frozen: what callers meet must be what was read back.
    world.0.state.change(|behaviour| behaviour.task_time = std::time::Duration::from_secs(3));
    world.0.state.clear_requests();
    let child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("the snapshot is being taken", || world.n_of("createSnapshot") == 1);
    let path = format!("/flows/{}", word(&extra["_id"]));
    world.0.ask(Method::PATCH, &path, Some(&json!({ "description": "edited" })));
    world.0.state.change(|behaviour| behaviour.task_time = std::time::Duration::from_millis(20));
    assert_eq!(crate::support::ended(child).exits(0).code, 0);
    let second = world.release();
    assert!(second.ends_with("-2"), "{second}");
    assert_eq!(world.snapshots().len(), 2, "{first} and {second}");
}

const SMOKE: &str = "release: { mode: endpoint, endpoints: [Web, Phone], endpointUrl: 'https://endpoint.example.com', smokeTest: [./smoke.sh, again] }";

/// A script beside the configuration.
fn script(world: &World, text: &str) {
    let file = world.0.place.path("smoke.sh");
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    let mut mode = fs::metadata(&file).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(&file, mode).unwrap();
}

#[test]
fn a_smoke_test_is_told_where_to_look_and_given_no_secret() {
    let world = World::adopted(SMOKE, "");
    script(&world, "env | sort > told; test \"$1\" = again");
    world.0.sync_with(&[]).exits(0);
    let told = fs::read_to_string(world.0.place.path("told")).unwrap();
    let value = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("{name} is not in {told}")).split_once('=').unwrap().1.to_owned()
    };
    let manifest = world.0.place.manifest();
    assert_eq!((value("FLOWSYNC_ENVIRONMENT"), value("FLOWSYNC_SNAPSHOT")), ("production".to_owned(), world.release()));
    assert_eq!(value("FLOWSYNC_DEPLOYMENT"), word(&manifest["deploymentId"]));
    assert_eq!(value("FLOWSYNC_SNAPSHOT_ID"), word(&world.list("snapshots")[0]["_id"]));
    let web = world.list("endpoints").iter().find(|it| it["name"] == "Web").unwrap()["URLToken"].clone();
    assert_eq!(value("FLOWSYNC_ENDPOINT_URLS"), format!("https://endpoint.example.com/{}", word(&web)));
    assert!(!told.contains("sandbox-key") && !told.contains("COGNIGY_API_KEY"), "{told}");
}

#[test]
fn a_smoke_test_that_fails_takes_everything_back() {
    let (world, first) = World::released(SMOKE.replace("./smoke.sh, again", "'true'").as_str(), "");
    let before = world.0.live();
    world.0.place.edit_configuration("['true']", "[./smoke.sh]");
    script(&world, "echo 'no greeting' >&2; exit 1");
    world.says("When?");
    world.0.sync_with(&[]).exits(4).says(&["smoke.sh", "no greeting"]);
    assert_eq!((world.release(), world.0.live(), world.snapshots()), (first.clone(), before, vec![first.clone()]));
    assert_eq!(word(&world.0.place.manifest()["quarantine"]["cause"]), "flow");
    world.0.sync_with(&[]).exits(3).says(&["--retry"]);
    // One that does not end is no better.
    script(&world, "sleep 600");
    world.0.place.edit_configuration("smokeTest:", "smokeTestTimeout: 1s, smokeTest:");
    world.0.sync_with(&["--retry"]).exits(4).says(&["has not ended after 1 s"]);
    assert_eq!(world.release(), first);
    script(&world, "exit 0");
    world.0.sync_with(&["--retry"]).exits(0);
    assert_ne!(world.release(), first);
    world.0.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn without_room_nothing_is_written_and_what_others_made_stays() {
    let (world, first) = World::released(RELEASE, "");
    for n in 1..=9 {
        world.somebody_takes_a_snapshot(&format!("mine-{n}"));
    }
    world.says("When?");
    world.0.state.clear_requests();
    world.0.sync_with(&[]).exits(3).says(&["there is no room for a release", "10"]);
    assert_eq!(world.0.state.n_writes(), 0);
    world.0.place.run_in_work(&["plan"]).exits(3).says(&["there is no room for a release"]);
    let gone = world.list("snapshots").iter().find(|it| it["name"] == "mine-9").unwrap()["_id"].clone();
    world.0.ask(Method::DELETE, &format!("/snapshots/{}", word(&gone)), None);
    world.0.sync_with(&[]).exits(0);
    let second = world.release();
    assert_ne!(second, first);
    // Ten are there, and the older one of ours is the release before: it stays as well.
    world.says("When then?");
    world.0.sync_with(&[]).exits(3).says(&["there is no room for a release"]);
    assert_eq!(world.snapshots().len(), 10);
}

#[test]
fn drift_that_is_left_live_is_not_shown_to_callers() {
    let (world, first) = World::released(RELEASE, "drift: report");
    world.0.somebody_says("Main", "Greet", "Surprise");
    world.says("When?");
    world.0.sync_with(&[]).exits(3).says(&["would show callers what git does not hold"]);
    assert_eq!((world.release(), world.snapshots().len()), (first, 1));
}

#[test]
fn an_endpoint_that_is_not_there_is_told_before_anything_is_written() {
    let world = World::adopted("release: { mode: endpoint, endpoints: [Web, Fax] }", "");
    world.says("When?");
    world.0.state.clear_requests();
    world.0.sync_with(&[]).exits(1).says(&["no endpoint `Fax`", "`Phone`"]);
    assert_eq!(world.0.state.n_writes(), 0);
    world.0.place.edit_configuration("Fax", "Phone");
    world.0.sync_with(&[]).exits(0);
    // By its reference id it is the same.
    let web = world.list("endpoints").iter().find(|it| it["name"] == "Web").unwrap()["referenceId"].clone();
    world.0.place.edit_configuration("[Web,", &format!("['{}',", word(&web)));
    assert_eq!(world.sync(), "0 in-sync");
}

#[test]
fn a_controller_releases_a_commit_and_puts_endpoints_right() {
    let (world, first) = World::released(RELEASE, "interval: 1s");
    let controller = Controller::start(&world.0.place);
    world.says("When?");
    until("the commit is released", || world.serves("Phone") != first && world.serves("Web") == world.serves("Phone"));
    let second = world.release();
    world.somebody_points("Web", PROJECT);
    until("the endpoint is put right", || world.serves("Web") == second);
    let n_deployed = || world.0.place.subjects().iter().filter(|it| it.ends_with("production deployed")).count();
    until("it is written down", || n_deployed() == 3);
    controller.stop().exits(0);
    assert_eq!((world.sync(), world.release()), ("0 in-sync".to_owned(), second));
}

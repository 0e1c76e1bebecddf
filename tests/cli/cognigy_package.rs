//! `sync` of a project of the vendor's API where flows come, go, and change their structure: as packages, and back.

use std::fs;
use std::path::PathBuf;

use flowsync::tenant::sandbox::cognigy_rest::FaultPlan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cognigy_clone::{PROJECT, Project, names};
use crate::support::{Place, git, until};

/// `Old` leads nowhere, and nobody leads to it.
const SEED: &str = r#"
projects:
  - name: Hotel
    id: 64c0ffee0000000000000001
    locales: [en-US, de-DE]
    flows:
      - name: Main
        referenceId: 11111111-1111-4111-8111-111111111111
        intents: [book]
        chart:
          - { say: Hello, label: Greet, locales: { de-DE: { say: { type: text, text: [Hallo] } } } }
          - { goTo: Other, label: Pay }
      - name: Other
        referenceId: 22222222-2222-4222-8222-222222222222
        chart:
          - { say: Bye, label: Bye }
      - name: Old
        referenceId: 44444444-4444-4444-8444-444444444444
        intents: [forget]
        chart:
          - { say: Gone, label: Gone }
"#;

const NEW: &str = "55555555-5555-4555-8555-555555555555";

struct World {
    project: Project,
    place: Place,
    /// The commit that was live first.
    first: String,
}

impl World {
    /// A project that git holds, settled.
    fn settled() -> Self {
        let (project, mut place) = (Project::start(SEED), Place::new(&[]));
        place.set("KEY", "sandbox-key");
        let environment = format!(
            "  production:\n    flows: flows\n    tenant:\n      api: cognigy-rest\n      url: {}\n      projectId: {PROJECT}\n      auth: {{ apiKey: {{ env: KEY }} }}\n    sync: {{ prune: true, maxDeletes: 1 }}\n",
            project.url()
        );
        place.configure(&place.repository_yaml(""), &environment);
        place.update_work();
        project.clone_to(&place.path("agent"));
        place.run_in_work(&["import", "../agent", "--into", "flows"]).exits(0);
        place.push("the project");
        let world = Self { first: git(&place.work(), &["rev-parse", "HEAD"]), project, place };
        assert_eq!(world.place.sync(), "0 in-sync");
        world.place.update_work();
        world
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.place.work().join("flows").join(name)
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let file = self.folder(name).join("flow.json");
        let mut flow: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        edit(&mut flow);
        fs::write(&file, format!("{flow:#}")).unwrap();
    }

    /// One flow comes, one goes, one gets another structure.
    fn change(&self) {
        fs::remove_dir_all(self.folder("old")).unwrap();
        self.edit("main", |flow| {
            let chart = flow["chart"].as_array_mut().unwrap();
            chart.swap(1, 2);
            let say =
                json!({"say": {"type": "text", "text": ["Good day"], "data": "", "linear": false, "loop": false}});
            chart.insert(
                1,
                json!({"type": "say", "ref": "aaaaaaaa-0000-4000-8000-000000000001", "label": "First", "config": say}),
            );
        });
        fs::create_dir_all(self.folder("new")).unwrap();
        let main = json!({"flow": "11111111-1111-4111-8111-111111111111"});
        let new = json!({"format": "cognigy-flow/1", "referenceId": NEW, "name": "New", "locale": "en-US",
            "attachedFlows": [{"ref": main["flow"], "name": "Main"}],
            "chart": [{"type": "start", "ref": "bbbbbbbb-0000-4000-8000-000000000000"},
                {"type": "say", "ref": "bbbbbbbb-0000-4000-8000-000000000001", "label": "News",
                    "config": {"say": {"type": "text", "text": ["New"], "data": "", "linear": false, "loop": false}}},
                {"type": "end", "ref": "bbbbbbbb-0000-4000-8000-000000000009"}]});
        fs::write(self.folder("new").join("flow.json"), format!("{new:#}")).unwrap();
        self.place.run_in_work(&["fmt"]).exits(0);
        self.place.push("another structure");
    }

    fn names(&self, kind: &str) -> Vec<String> {
        names(&self.project.url(), kind)
    }

    fn intents(&self, flow: &str) -> usize {
        let id = self.project.state().flow(flow).unwrap();
        self.project.ask(Method::GET, &format!("/flows/{id}/intents"), None)["items"].as_array().unwrap().len()
    }
}

#[test]
fn flows_come_go_and_change_their_structure() {
    let world = World::settled();
    world.change();
    let plan = world.place.run(&["plan"]).exits(0);
    plan.prints(&["by package: +1 >1 nodes · about", "it is replaced (+1", "requests to write", "of 800 in 5 minutes"]);
    let json = world.place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(json["cost"]["requestsPer5Minutes"], 800, "{json}");
    let main = json["changes"].as_array().unwrap().iter().find(|change| change["name"] == "Main").unwrap();
    assert_eq!(main["cost"]["nodes"], json!({"added": 1, "removed": 0, "moved": 1, "changed": 0}), "{json}");
    assert!(json["changes"].as_array().unwrap().iter().all(|change| change["cost"]["route"] == "package"), "{json}");
    world.project.state().clear_requests();
    let ids =
        ["11111111111141118111111111111111", "44444444444444448444444444444444", "55555555555545558555555555555555"];
    let [main, old, new] = ids;
    let done = format!("0 deployed update {main} deployed, delete {old} deployed, create {new} deployed");
    let summary = world.place.sync();
    let in_any_order = |text: &str| {
        let mut parts: Vec<String> = text.split(", ").map(|it| it.replace("0 deployed ", "")).collect();
        parts.sort();
        parts
    };
    assert_eq!(in_any_order(&summary), in_any_order(&done), "{summary}");
    assert_eq!(world.names("flows"), ["Main", "New", "Other"]);
    assert_eq!(world.project.state().flow(NEW).unwrap(), world.project.state().flow("New").unwrap());
    let (n_requests, about) = (world.project.state().requests().total, json["cost"]["writes"].as_u64().unwrap());
    assert!(n_requests < 3 * about, "{n_requests} of about {about}: {:?}", world.project.state().requests().by_call);
    assert_eq!(world.intents("Main"), 1);
    assert_eq!(world.names("packages"), [""; 0], "nothing is left beside the flows");
    assert_eq!(world.place.sync(), "0 in-sync");
}

#[test]
fn a_deployment_that_fails_restores_what_came_went_and_changed() {
    let world = World::settled();
    world.change();
    // The flow that goes is last: everything else was written by then.
    let plan = "- { match: { call: deleteFlow, path: OLD }, fault: { answer: { status: 400 } } }";
    let old = world.project.state().flow("Old").unwrap();
    world.project.state().set_faults(FaultPlan::parse(&plan.replace("OLD", &old)).unwrap());
    let ended = world.place.sync_with(&[]).exits(4);
    assert_eq!(ended.environment()["result"], "rolled-back", "{ended:?}");
    world.project.state().set_faults(FaultPlan::default());
    assert_eq!(world.names("flows"), ["Main", "Old", "Other"]);
    assert_eq!((world.intents("Main"), world.intents("Old")), (1, 1));
    assert_eq!(world.names("packages"), [""; 0]);
    // What git had before is what is live, to the hash.
    world.place.update_work();
    fs::remove_dir_all(world.folder("new")).unwrap();
    git(&world.place.work(), &["checkout", "-q", &world.first, "--", "flows"]);
    world.place.push("back");
    assert_eq!(world.place.sync(), "0 in-sync");
}

#[test]
fn what_could_not_be_taken_away_names_its_deployment_and_goes_with_the_next() {
    let world = World::settled();
    world.change();
    let stays = "- { match: { call: deletePackage }, fault: { answer: { status: 400 } } }";
    world.project.state().set_faults(FaultPlan::parse(stays).unwrap());
    let ended = world.place.sync_with(&[]).exits(0);
    let deployment = ended.environment()["deploymentId"].as_str().unwrap().to_owned();
    let packages = world.names("packages");
    let mut kept = packages.iter().filter(|name| name.starts_with("flowsync-kept-")).cloned().collect::<Vec<_>>();
    kept.sort();
    let expected = ["11111111111141118111111111111111", "44444444444444448444444444444444"];
    assert_eq!(kept, expected.map(|flow| format!("flowsync-kept-{flow}-{deployment}")), "{packages:?}");
    world.project.state().set_faults(FaultPlan::default());
    world.place.update_work();
    fs::remove_dir_all(world.folder("new")).unwrap();
    world.place.push("another one goes");
    world.place.sync_with(&[]).exits(0);
    assert_eq!(world.names("packages"), [""; 0]);
}

#[test]
fn the_project_is_kept_before_its_structure_changes_and_no_more_than_twice() {
    let world = World::settled();
    let grow = |n: u8| {
        world.place.update_work();
        world.edit("other", |flow| {
            let config = json!({"say": {"type": "text", "text": ["More"], "data": "", "linear": false, "loop": false}});
            let reference = format!("cccccccc-0000-4000-8000-00000000000{n}");
            let node = json!({"type": "say", "ref": reference, "label": "More", "config": config});
            flow["chart"].as_array_mut().unwrap().insert(1, node);
        });
        world.place.push("one node more");
        world.place.sync_with(&[])
    };
    let mut seen = Vec::new();
    for n in 1..=3 {
        grow(n).exits(0);
        let there = world.names("snapshots");
        assert_eq!(there.len(), usize::from(n).min(2), "{there:?}");
        assert!(there.iter().all(|name| name.starts_with("flowsync-before-")), "{there:?}");
        seen.extend(there);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3, "the oldest makes room");
    for n in 0..8 {
        let body = json!({"projectId": PROJECT, "name": format!("theirs-{n}"), "description": "theirs"});
        world.project.ask(Method::POST, "/snapshots", Some(&body));
    }
    until("they are taken", || world.names("snapshots").len() == 10);
    grow(4).exits(0);
    assert_eq!(world.names("snapshots").len(), 10, "the oldest of ours made room");
    let ours = |name: &&String| name.starts_with("flowsync-before-");
    assert_eq!(world.names("snapshots").iter().filter(ours).count(), 2);
    let list = world.project.ask(Method::GET, &format!("/snapshots?projectId={PROJECT}&limit=100"), None);
    for snapshot in list["items"].as_array().unwrap() {
        if snapshot["name"].as_str().unwrap().starts_with("flowsync-") {
            let path = format!("/snapshots/{}", snapshot["_id"].as_str().unwrap());
            world.project.ask(Method::DELETE, &path, None);
        }
    }
    for n in 8..10 {
        let body = json!({"projectId": PROJECT, "name": format!("theirs-{n}"), "description": "theirs"});
        world.project.ask(Method::POST, "/snapshots", Some(&body));
    }
    until("they are taken", || world.names("snapshots").len() == 10);
    grow(5).exits(0).says(&["no snapshot was taken before this deployment: the project has 10"]);
    assert!(world.names("snapshots").iter().all(|name| name.starts_with("theirs-")));
}

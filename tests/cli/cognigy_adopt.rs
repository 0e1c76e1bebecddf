//! `adopt`, `sync.drift: adopt` and `promote` where flows stand in folders.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::json;

use crate::cognigy_clone::{PROJECT, Project};
use crate::support::{Ended, Place, git};

const BRANCH: &str = "flowsync/adopt/production";
const MAIN: &str = "flow_11111111111141118111111111111111";

const SEED: &str = r#"
projects:
  - name: Hotel
    id: 64c0ffee0000000000000001
    locales: [en-US, de-DE]
    flows:
      - name: Main
        referenceId: 11111111-1111-4111-8111-111111111111
        chart:
          - { say: Hello, label: Greet, locales: { de-DE: { say: { type: text, text: [Hallo] } } } }
          - type: if
            label: Book?
            config: { condition: { type: rule, condition: "", rule: { left: input.intent, operand: eq, right: book } } }
            branches:
              - { type: then, chart: [{ goTo: Other, label: Pay }] }
          - { code: "const a = 1;\r\nconst b = 2;\r\n", label: Count }
      - name: Other
        referenceId: 22222222-2222-4222-8222-222222222222
        chart:
          - { say: Bye, label: Bye }
"#;

/// A project, and a place whose git holds it in folders that were named by hand.
struct World {
    project: Project,
    place: Place,
}

impl World {
    fn with(sync: &str) -> Self {
        let (project, mut place) = (Project::start(SEED), Place::new(&[]));
        place.set("KEY", "sandbox-key");
        let environment = |name: &str| {
            format!(
                "  {name}:\n    flows: flows/{name}\n    tenant:\n      api: cognigy-rest\n      url: {}\n      projectId: {PROJECT}\n      auth: {{ apiKey: {{ env: KEY }} }}\n    sync: {{ {sync} }}\n",
                project.url()
            )
        };
        place.configure(&place.repository_yaml(""), &environment("production"));
        place.update_work();
        project.clone_to(&place.path("agent"));
        place.run_in_work(&["import", "../agent", "--into", "flows/production"]).exits(0);
        let world = Self { project, place };
        fs::rename(world.flows().join("main"), world.flows().join("greeting")).unwrap();
        let code = world.code();
        fs::rename(&code, code.with_file_name("mine.js")).unwrap();
        let file = world.flows().join("greeting/flow.json");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(&code.file_name().unwrap().to_string_lossy().into_owned(), "mine.js")).unwrap();
        world.place.write("flows/production/greeting/README.md", "ours");
        world.place.push("the project");
        world
    }

    fn flows(&self) -> PathBuf {
        self.place.work().join("flows/production")
    }

    /// The only file of code.
    fn code(&self) -> PathBuf {
        fs::read_dir(self.flows().join("greeting/code")).unwrap().next().unwrap().unwrap().path()
    }

    /// Takes git as the state that was deployed.
    fn settled(sync: &str) -> Self {
        let world = Self::with(sync);
        assert_eq!(world.place.sync(), "0 in-sync");
        world.place.update_work();
        world
    }

    #[track_caller]
    fn adopt(&self, more: &[&str]) -> Ended {
        self.place.run(&[&["adopt"], more].concat())
    }

    /// The files that a branch changes: lines that came, lines that went, path.
    #[track_caller]
    fn proposed(&self, branch: &str) -> Vec<String> {
        let lines = git(&self.place.origin(), &["diff", "--numstat", "--no-renames", "main", branch]);
        lines.lines().map(|line| line.replace('\t', " ")).collect()
    }

    fn merge(&self, branch: &str) {
        self.place.update_work();
        git(&self.place.work(), &["fetch", "-q", "origin"]);
        git(&self.place.work(), &["merge", "-q", "--no-ff", "-m", "merged", &format!("origin/{branch}")]);
        self.place.push("merged");
    }
}

#[test]
fn what_is_live_changes_its_lines_and_no_others() {
    let world = World::settled("drift: report");
    let state = world.project.state();
    let say = json!({ "type": "text", "text": ["Good day"], "data": "", "linear": false, "loop": false });
    state.edit("Main", "Greet", &json!({ "config": { "say": say } })).unwrap();
    state.edit("Main", "Count", &json!({ "config": { "code": "const a = 1;\r\nconst b = 3;\r\n" } })).unwrap();
    let report = world.place.run(&["sync"]).exits(0);
    report.prints(&["drifted"]);
    world.adopt(&[]).exits(0).prints(&[BRANCH, MAIN, "flows/production/greeting/flow.json"]);
    let expected = ["1 1 flows/production/greeting/code/mine.js", "1 1 flows/production/greeting/flow.json"];
    assert_eq!(world.proposed(BRANCH), expected);
    assert_eq!(world.adopt(&["--output", "json"]).exits(0).json()["result"], "held");
    world.merge(BRANCH);
    assert_eq!(world.place.sync(), "0 in-sync");
    world.place.update_work();
    world.place.run_in_work(&["fmt", "--check"]).exits(0);
    assert_eq!(fs::read_to_string(world.code()).unwrap(), "const a = 1;\nconst b = 3;\n");
}

#[test]
fn a_folder_in_somebodys_hand_keeps_it() {
    let world = World::with("drift: report");
    let file = world.flows().join("greeting/flow.json");
    let text = fs::read_to_string(&file).unwrap();
    // Four blanks a level, and members in another order.
    let by_hand: String = text
        .lines()
        .map(|line| {
            let blanks = line.len() - line.trim_start().len();
            format!("{}{}\n", " ".repeat(2 * blanks), line.trim_start())
        })
        .collect();
    fs::write(&file, &by_hand).unwrap();
    world.place.push("by hand");
    assert_eq!(world.place.sync(), "0 in-sync");
    world.project.state().edit("Main", "Pay", &json!({ "label": "Pay now" })).unwrap();
    world.adopt(&[]).exits(0);
    assert_eq!(world.proposed(BRANCH), ["1 1 flows/production/greeting/flow.json"]);
    world.merge(BRANCH);
    assert_eq!(fs::read_to_string(&file).unwrap(), by_hand.replace("\"Pay\"", "\"Pay now\""));
    assert_eq!(world.place.sync(), "0 in-sync");
}

#[test]
fn nodes_that_came_and_went_are_taken_over() {
    let world = World::settled("drift: report");
    let state = world.project.state();
    let (flow, greet) = (state.flow("Main").unwrap(), state.node("Main", "Greet").unwrap());
    let made = json!({ "type": "say", "extension": "@cognigy/basic-nodes", "mode": "append", "target": greet, "label": "Second" });
    world.project.ask(Method::POST, &format!("/flows/{flow}/chart/nodes"), Some(&made));
    let pay = state.node("Main", "Pay").unwrap();
    world.project.ask(Method::DELETE, &format!("/flows/{flow}/chart/nodes/{pay}"), None);
    world.adopt(&[]).exits(0);
    world.merge(BRANCH);
    assert_eq!(world.place.sync(), "0 in-sync");
    world.place.update_work();
    world.place.run_in_work(&["fmt", "--check"]).exits(0);
    world.place.run_in_work(&["validate"]).exits(0);
    let text = fs::read_to_string(world.flows().join("greeting/flow.json")).unwrap();
    assert!(text.contains("\"Second\"") && !text.contains("\"Pay\""), "{text}");
}

#[test]
fn a_flow_that_is_gone_leaves_what_is_not_its_own() {
    let world = World::settled("drift: report");
    let flow = world.project.state().flow("Main").unwrap();
    world.project.ask(Method::DELETE, &format!("/flows/{flow}"), None);
    let ended = world.adopt(&[]).exits(0);
    ended.prints(&["delete", MAIN]);
    let removed: Vec<String> =
        world.proposed(BRANCH).iter().map(|line| line.rsplit_once(' ').unwrap().1.to_owned()).collect();
    let expected = ["code/mine.js", "flow.json", "locales/de-DE.json"];
    assert_eq!(removed, expected.map(|file| format!("flows/production/greeting/{file}")));
    world.merge(BRANCH);
    assert!(world.flows().join("greeting/README.md").exists());
    assert_eq!(world.place.sync(), "0 in-sync");
}

#[test]
fn a_flow_of_somebody_else_gets_a_folder_beside_the_others() {
    let world = World::settled("drift: report");
    world.project.ask(Method::POST, "/flows", Some(&json!({ "projectId": PROJECT, "name": "Größe & Preis" })));
    let plan = world.place.run(&["plan", "--output", "json"]).exits(0).json();
    let id = plan["unmanaged"][0].as_str().unwrap().to_owned();
    world.adopt(&[]).exits(0).prints(&["nothing to propose"]);
    world.adopt(&["--flow", &id]).exits(0).prints(&["create", "flows/production/groesse-preis/flow.json"]);
    world.merge(BRANCH);
    assert_eq!(world.place.sync(), "0 in-sync");
    world.place.run_in_work(&["fmt", "--check"]).exits(0);
    let text = fs::read_to_string(world.flows().join("groesse-preis/flow.json")).unwrap();
    assert!(text.contains("\"locale\": \"en-US\""), "{text}");
}

#[test]
fn a_pass_proposes_drift_where_it_is_told_to() {
    let world = World::settled("drift: adopt");
    world.project.state().edit("Main", "Pay", &json!({ "label": "Pay now" })).unwrap();
    let n_writes = world.project.state().n_writes();
    assert_eq!(world.place.sync(), format!("0 drifted update {} not-attempted", MAIN.trim_start_matches("flow_")));
    assert_eq!(world.proposed(BRANCH), ["1 1 flows/production/greeting/flow.json"]);
    assert_eq!(world.project.state().n_writes(), n_writes, "nobody's edit was overwritten");
    world.merge(BRANCH);
    assert_eq!(world.place.sync(), "0 in-sync");
}

#[test]
fn what_is_deployed_to_one_project_is_promoted_to_another() {
    const PROMOTED: &str = "flowsync/promote/production-to-next";
    let world = World::with("drift: report");
    // Another project of which git holds one flow, in a folder of its own name and hand.
    let text = fs::read_to_string(world.place.path("flowsync.yaml")).unwrap();
    let (head, production) = text.split_once("  production:\n").unwrap();
    let next = production.replace("flows/production", "flows/next").replace(PROJECT, "64c0ffee0000000000000002");
    let text = format!("{head}  production:\n{production}  next:\n{next}");
    fs::write(world.place.path("flowsync.yaml"), text).unwrap();
    for file in ["flow.json", "code/mine.js", "locales/de-DE.json"] {
        let content = fs::read_to_string(world.flows().join("greeting").join(file)).unwrap();
        world.place.write(&format!("flows/next/hello/{file}"), &content);
    }
    world.place.push("another project");
    let sync = ["sync", "--env", "production"];
    world.place.run(&sync).exits(0);
    world.place.update_work();
    let file = world.flows().join("greeting/flow.json");
    let text = fs::read_to_string(&file).unwrap().replace("\"Book?\"", "\"Shall I book?\"");
    fs::write(&file, text).unwrap();
    world.place.push("a label");
    world.place.run(&sync).exits(0).prints(&["deployed"]);
    let promote = ["promote", "--from", "production", "--to", "next"];
    world.place.run(&promote).exits(0).prints(&[PROMOTED, "flows/next/hello/flow.json", "flows/next/other/flow.json"]);
    let proposed = world.proposed(PROMOTED);
    assert_eq!(proposed[0], "1 1 flows/next/hello/flow.json");
    assert!(proposed.len() == 2 && proposed[1].ends_with(" flows/next/other/flow.json"), "{proposed:?}");
    let copied = |path: &str| git(&world.place.origin(), &["show", &format!("{PROMOTED}:{path}")]);
    assert_eq!(copied("flows/next/other/flow.json"), copied("flows/production/other/flow.json"), "as it is there");
    world.merge(PROMOTED);
    world.place.run(&promote).exits(0).prints(&["nothing to propose"]);
    // What is live and was not deployed is no promotion.
    world.project.state().edit("Other", "Bye", &json!({ "label": "Ciao" })).unwrap();
    world.place.run(&promote).exits(0).says(&["left out", "is not what was last deployed"]);
}

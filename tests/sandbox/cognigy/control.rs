//! Reaching in: other users, upgrades, faults, settings, and the state between runs.

use flowsync::tenant::sandbox::cognigy_rest::settings::Settings;
use flowsync::tenant::sandbox::cognigy_rest::{FaultPlan, Seed};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::support::{Answer, answer, try_answer};
use super::support::{Cognigy, PROJECT, SEED, refusal};

impl Cognigy {
    async fn control(&self, method: Method, path: &str, body: &Value) -> Answer {
        let url = format!("{}/sandbox{path}", self.running.base_url());
        answer(self.client.request(method, url).body(body.to_string())).await
    }

    fn faults(&self, plan: &str) {
        self.state().set_faults(FaultPlan::parse(plan).unwrap());
    }
}

#[tokio::test]
async fn another_user_edits_a_node_and_the_platform_is_upgraded() {
    let cognigy = Cognigy::start().await;
    let edit = cognigy.control(Method::PATCH, "/nodes/Main/Greet", &json!({ "label": "Welcome" })).await;
    assert_eq!(edit.status, 204, "{}", edit.text);
    assert_eq!(cognigy.read(&cognigy.node("Main", "Welcome")).await["label"], "Welcome");
    let nobody = cognigy.control(Method::PATCH, "/nodes/Main/Nobody", &json!({ "label": "x" })).await;
    assert_eq!(nobody.status, 404);
    let upgrade = json!({ "type": "goTo", "key": "mediaPath", "default": "" });
    assert_eq!(cognigy.control(Method::POST, "/upgrade", &upgrade).await.status, 204);
    assert_eq!(cognigy.read(&cognigy.node("Main", "Pay")).await["config"]["mediaPath"], "");
    assert_eq!(cognigy.control(Method::POST, "/upgrade", &json!({ "typ": "goTo" })).await.status, 400);
    assert_eq!(cognigy.control(Method::GET, "/nothing", &json!({})).await.status, 404);
    assert_eq!(cognigy.control(Method::PUT, "/state", &json!({})).await.status, 405);
}

#[tokio::test]
async fn state_requests_settings_and_time_are_looked_at_and_changed() {
    let cognigy = Cognigy::start().await;
    let path = format!("/projects/{PROJECT}");
    cognigy.read(&path).await;
    let state = cognigy.control(Method::GET, "/state", &json!({})).await.json();
    assert_eq!(state["projects"][0]["flows"][0]["name"], "Main");
    let requests = cognigy.control(Method::GET, "/requests", &json!({})).await.json();
    assert_eq!((&requests["total"], &requests["byCall"]["readProject"]), (&json!(1), &json!(1)));
    assert_eq!(cognigy.control(Method::DELETE, "/requests", &json!({})).await.status, 204);
    let settings = json!({ "limit": { "requests": 2, "window": "60s" } });
    assert_eq!(cognigy.control(Method::PUT, "/settings", &settings).await.json()["limit"], settings["limit"]);
    assert_eq!(cognigy.control(Method::PUT, "/settings", &json!({ "limt": null })).await.status, 400);
    assert_eq!((cognigy.get(&path).await.status, cognigy.get(&path).await.status), (200, 429));
    assert_eq!(cognigy.control(Method::POST, "/clock", &json!({ "advance": "2m" })).await.status, 204);
    assert_eq!(cognigy.get(&path).await.status, 200);
    let counted = cognigy.control(Method::GET, "/requests", &json!({})).await.json();
    assert_eq!((&counted["total"], &counted["byStatus"]["429"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn a_request_is_cut_before_or_after_its_effect() {
    for (when, label) in [("before", "Greet"), ("after", "Welcome")] {
        let cognigy = Cognigy::start().await;
        cognigy.faults(&format!("- {{ match: {{ call: updateNode, nth: 1 }}, fault: {{ drop: {when} }} }}"));
        let node = cognigy.node("Main", "Greet");
        let request = cognigy.request(Method::PATCH, &node).header("Content-Type", "application/json");
        assert!(try_answer(request.body(r#"{"label":"Welcome"}"#)).await.is_err());
        assert_eq!(cognigy.read(&node).await["label"], label);
        let log = cognigy.state().requests();
        assert_eq!((log.requests[0].status, log.requests[0].fault), (None, Some("drop")));
        assert_eq!(cognigy.state().n_writes(), 1);
    }
}

#[tokio::test]
async fn any_call_can_be_answered_otherwise_and_every_task_can_fail() {
    let cognigy = Cognigy::start().await;
    cognigy.state().change(|behaviour| behaviour.task_time = std::time::Duration::ZERO);
    cognigy.faults(
        "- { match: { call: reads, path: /projects/ }, fault: { answer: { status: 503, retryAfter: 2 } } }
- { match: { call: createSnapshot }, fault: { task: out of luck } }
- { match: { call: readFlow }, fault: { corrupt: html } }",
    );
    let answer = cognigy.get(&format!("/projects/{PROJECT}")).await;
    assert_eq!((refusal(&answer), answer.header("retry-after")), ((503, 503), "2"));
    assert!(cognigy.get(&cognigy.flow("Main")).await.text.contains("<html>"));
    let body = json!({ "projectId": PROJECT, "name": "s", "description": "d" });
    let task = cognigy.post("/snapshots", &body).await.json()["_id"].as_str().unwrap().to_owned();
    assert_eq!(cognigy.read(&format!("/tasks/{task}")).await["failReason"], "out of luck");
    let counts = cognigy.control(Method::GET, "/faults", &json!({})).await.json();
    assert_eq!(counts["rules"][1]["fired"], 1);
}

#[tokio::test]
async fn the_state_file_holds_everything_between_runs() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings {
        seed: Seed::parse(SEED).unwrap(),
        state_file: Some(folder.path().join("state.json")),
        ..Settings::default()
    };
    let cognigy = Cognigy::of(settings()).await;
    cognigy.state().change(|behaviour| behaviour.stale_charts = false);
    let node = cognigy.node("Main", "Greet");
    assert_eq!(cognigy.patch(&node, &json!({ "label": "Welcome" })).await.status, 204);
    let (flow, drawn) = (cognigy.read(&cognigy.flow("Main")).await, cognigy.drawn("Main").await);
    cognigy.running.shutdown().await;
    let again = Cognigy::of(settings()).await;
    assert_eq!(again.read(&node).await["label"], "Welcome");
    assert_eq!((again.read(&again.flow("Main")).await, again.drawn("Main").await), (flow, drawn));
    let made = again.create("say", "append", &again.id("Main", "Welcome")).await;
    assert_eq!(made.status, 201, "new ids are new: {}", made.text);
    std::fs::write(folder.path().join("state.json"), "{}").unwrap();
    assert!(
        flowsync::tenant::sandbox::cognigy_rest::CognigySandbox::start(settings(), "127.0.0.1:0".parse().unwrap())
            .await
            .is_err()
    );
}

#[test]
fn a_seed_that_contradicts_itself_is_explained() {
    for (seed, expected) in [
        ("projects: []", "expected `projects:` with at least one"),
        ("{}", "expected `projects:` with at least one"),
        ("projects: [{ name: A, flow: [] }]", "did you mean `flows`?"),
        ("projects: [{ name: A, id: x }]", "24 letters"),
        ("projects: [{ name: A, flows: [{ name: F, attachedFlows: [G] }] }]", "there is no `G`"),
        ("projects: [{ name: A, flows: [{ name: F, chart: [{ goTo: G }] }] }]", "no flow `G` to go to"),
        ("projects: [{ name: A, flows: [{ name: F, chart: [{ say: a, code: b }] }] }]", "one of `say`, `code`, `goTo`"),
        ("projects: [{ name: A, locales: [{ name: a, fallback: b }] }]", "no locale `b`"),
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = match Seed::parse(seed) {
            Err(error) => flowsync::error_chain(&error),
            Ok(seed) => {
                let settings = Settings { seed, ..Settings::default() };
                let started = flowsync::tenant::sandbox::cognigy_rest::CognigySandbox::start(
                    settings,
                    "127.0.0.1:0".parse().unwrap(),
                );
                flowsync::error_chain(&runtime.block_on(started).unwrap_err())
            }
        };
        assert!(error.contains(expected), "{seed}: {error}");
    }
}

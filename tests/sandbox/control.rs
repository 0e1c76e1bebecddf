//! `/sandbox/...`: looking in and reaching in.

use reqwest::Method;
use serde_json::json;

use crate::support::{Tenant, flow};

#[tokio::test]
async fn the_state_is_shown_shortly_or_whole() {
    let tenant = Tenant::furnished().await;
    tenant.import(&flow("flow_a", "1.0.0")).await;
    tenant.import(&flow("flow_a", "1.1.0")).await;
    let state = tenant.control(Method::GET, "/state", "").await.json();
    let production = &state["environments"]["env_prod"];
    let expected = json!([{ "id": "flow_a", "name": "Flow 1.1.0", "version": "1.1.0", "history": ["1.0.0"], "status": "deployed" }]);
    assert_eq!(production["flows"], expected);
    assert_eq!(production["intents"], json!({ "hello": "hello" }));
    let whole = tenant.control(Method::GET, "/state?flows=full", "").await.json();
    assert_eq!(whole["environments"]["env_prod"]["flows"][0]["nodes"][0]["id"], "start");
    assert_eq!(tenant.control(Method::DELETE, "/state", "").await.status, 204);
    assert!(tenant.running.state().flows("env_prod").is_empty());
}

#[tokio::test]
async fn flows_are_edited_behind_everyones_back() {
    let tenant = Tenant::start().await;
    let path = "/flows/env_prod/flow_a";
    assert_eq!(tenant.control(Method::PUT, path, r#"{"id":"flow_a","name":"by hand"}"#).await.status, 204);
    let expected = r#"{"environmentId":"env_prod","id":"flow_a","name":"by hand"}"#;
    assert_eq!(tenant.control(Method::GET, path, "").await.text, expected);
    assert_eq!(tenant.get("/flows?environmentId=env_prod").await.ids(), ["flow_a"]);
    assert_eq!(tenant.control(Method::PUT, path, "[]").await.status, 400);
    assert_eq!(tenant.control(Method::DELETE, path, "").await.status, 204);
    assert_eq!(tenant.control(Method::DELETE, path, "").await.status, 404);
}

#[tokio::test]
async fn intents_entities_and_variables_come_and_go() {
    let tenant = Tenant::start().await;
    for kind in ["intents", "entities", "variables"] {
        let path = format!("/{kind}/env_prod/a%20b");
        assert_eq!(tenant.control(Method::PUT, &path, r#"{"name":"A"}"#).await.status, 204);
        let item = json!({ "id": "a b", "name": "A", "environmentId": "env_prod" });
        assert_eq!(tenant.get(&format!("/{kind}")).await.json()["items"], json!([item]));
        assert_eq!(tenant.control(Method::DELETE, &path, "").await.status, 204);
        assert_eq!(tenant.control(Method::DELETE, &path, "").await.status, 404);
    }
}

#[tokio::test]
async fn requests_are_logged_with_what_they_were_about() {
    let tenant = Tenant::start().await;
    tenant.import(&flow("flow_a", "1.0.0")).await;
    tenant.faults("- match: { call: status }\n  fault: { answer: { status: 503 } }");
    tenant.status("flow_a").await;
    tenant.get("/nowhere").await;
    let log = tenant.control(Method::GET, "/requests", "").await;
    assert!(!log.text.contains("sandbox-key"), "{}", log.text);
    let log = log.json();
    assert_eq!((&log["total"], &log["faulted"], &log["mostInFlight"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!(log["byCall"], json!({ "import": 1, "status": 1, "unknown": 1 }));
    assert_eq!(log["byStatus"], json!({ "201": 1, "503": 1, "404": 1 }));
    let mut second = log["requests"][1].clone();
    second.as_object_mut().unwrap().remove("atMs");
    let expected = json!({
        "seq": 2, "method": "GET", "path": "/api/v2/flows/flow_a/status?environmentId=env_prod", "status": 503,
        "call": "status", "flow": "flow_a", "environment": "env_prod", "fault": "answer",
    });
    assert_eq!(second, expected);
    assert_eq!(tenant.control(Method::DELETE, "/requests", "").await.status, 204);
    assert_eq!(tenant.running.state().requests().total, 0);
}

#[tokio::test]
async fn faults_are_set_shown_and_cleared() {
    let tenant = Tenant::start().await;
    let plan = "- match: { call: export, times: 1 }\n  fault: short\n";
    assert_eq!(tenant.control(Method::PUT, "/faults", plan).await.status, 200);
    tenant.get("/flows").await;
    let shown = tenant.control(Method::GET, "/faults", "").await.json();
    let rule = json!({ "match": { "call": "export", "times": 1 }, "fault": "short" });
    assert_eq!(shown, json!({ "rules": [{ "rule": rule, "seen": 1, "fired": 1 }] }));
    let wrong = tenant.control(Method::PUT, "/faults", "- fault: { trunkate: 3 }").await;
    assert_eq!(wrong.status, 400);
    for part in ["`trunkate`", "line 1 column 12", "did you mean `truncate`?"] {
        assert!(wrong.json()["message"].as_str().unwrap().contains(part), "{}", wrong.text);
    }
    assert_eq!(tenant.control(Method::DELETE, "/faults", "").await.status, 204);
    assert_eq!(tenant.control(Method::GET, "/faults", "").await.json(), json!({ "rules": [] }));
}

#[tokio::test]
async fn settings_change_while_it_runs() {
    let tenant = Tenant::start().await;
    let changed = tenant.control(Method::PUT, "/settings", r#"{"pageLimit": 5, "statusDelay": "2s"}"#).await;
    assert_eq!((&changed.json()["pageLimit"], &changed.json()["statusDelay"]), (&json!(5), &json!("2s")));
    assert_eq!(tenant.get("/flows").await.json()["limit"], 5);
    assert_eq!(tenant.control(Method::PUT, "/settings", "pageLimit: 0").await.status, 400);
    assert_eq!(tenant.control(Method::GET, "/settings", "").await.json(), changed.json());
    assert_eq!(tenant.control(Method::DELETE, "/tokens", "").await.status, 204);
    assert_eq!(tenant.control(Method::POST, "/settings", "").await.status, 405);
    assert_eq!(tenant.control(Method::GET, "/nothing", "").await.status, 404);
}

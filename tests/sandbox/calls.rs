//! Every call of the API, its limits and its refusals.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{Tenant, answer, flow, flow_needing, with_json};

#[tokio::test]
async fn an_import_creates_then_updates_and_an_export_gives_the_same_bytes_back() {
    let tenant = Tenant::furnished().await;
    let text = r#"{ "name":"A", "id":"flow_a", "version":"1.0.0", "rate": 1.50e3, "big": 12345678901234567890123,
        "ü": "\u00fc", "nodes":[{"id":"s","type":"start"}], "edges":[], "environmentId": "elsewhere" }"#;
    let body = format!(r#"{{"environmentId":"env_prod","flow":{text}}}"#);
    let import = || with_json(tenant.request(Method::POST, "/flows/import"), &body);
    let created = answer(import()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json(), json!({ "id": "flow_a", "version": "1.0.0", "status": "importing" }));
    assert_eq!(answer(import()).await.status, 200);
    let export = tenant.get("/flows?environmentId=env_prod").await;
    let item = text.replace("elsewhere", "env_prod");
    assert_eq!(export.text, format!(r#"{{"items":[{item}],"total":1,"limit":100,"offset":0}}"#));
    assert_eq!(export.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_wrong_flow_is_refused_with_every_violation() {
    let tenant = Tenant::start().await;
    let refused = tenant.import(&json!({ "id": "a", "version": "1", "nodes": [{}] })).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "validation_failed");
    let expected = ["/id", "/name", "/version", "/nodes/0/id", "/nodes/0/type", "/nodes", "/edges"];
    assert_eq!(refused.violations(), expected);
    assert_eq!(tenant.import(&json!([])).await.violations(), [""]);
    assert!(tenant.running.state().flows("env_prod").is_empty());
}

#[tokio::test]
async fn a_request_of_the_wrong_form_is_refused() {
    let tenant = Tenant::start().await;
    let import = |body: String| answer(with_json(tenant.request(Method::POST, "/flows/import"), &body));
    assert_eq!(import("{".to_owned()).await.status, 400);
    assert_eq!(import(r#"{"flow":{}}"#.to_owned()).await.status, 400);
    assert_eq!(import(r#"{"flow":{},"environmentId":"env_prod","force":true}"#.to_owned()).await.status, 400);
    let deep = format!(r#"{{"flow":{}1{},"environmentId":"env_prod"}}"#, "[".repeat(500), "]".repeat(500));
    assert_eq!(import(deep).await.status, 400);
    let plain = tenant.request(Method::POST, "/flows/import").body("{}");
    assert_eq!(answer(plain).await.status, 415);
    let large = format!(r#"{{"flow":"{}"}}"#, "x".repeat(20 * 1024 * 1024));
    assert_eq!(import(large).await.status, 413);
}

#[tokio::test]
async fn what_a_flow_needs_must_be_there_before_it() {
    let tenant = Tenant::furnished().await;
    let needs = ["flow_b", "intent:hello", "intent:bye", "entity:city", "variable:tariff", "variable:none", "flow_a"];
    let refused = tenant.import(&flow_needing("flow_a", "1.0.0", &needs)).await;
    let expected = ["/externalReferences/0", "/externalReferences/2", "/externalReferences/5"];
    assert_eq!((refused.status, refused.violations()), (400, expected.map(str::to_owned).to_vec()));
    assert!(refused.text.contains("there is no flow `flow_b` in `env_prod`"), "{}", refused.text);
    assert_eq!(tenant.import(&flow("flow_b", "1.0.0")).await.status, 201);
    let needs = ["flow_b", "intent:hello", "entity:city", "variable:tariff", "flow_a"];
    assert_eq!(tenant.import(&flow_needing("flow_a", "1.0.0", &needs)).await.status, 201);
}

#[tokio::test]
async fn an_unknown_environment_is_never_an_empty_one() {
    let tenant = Tenant::start().await;
    for path in ["/flows", "/intents", "/entities", "/variables", "/flows/flow_a/status"] {
        let answer = tenant.get(&format!("{path}?environmentId=env_typo")).await;
        assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("environment_not_found")), "{path}");
    }
    let body = json!({ "flow": flow("flow_a", "1.0.0"), "environmentId": "env_typo" });
    assert_eq!(tenant.post("/flows/import", &body).await.status, 404);
}

#[tokio::test]
async fn pages_are_capped_ordered_and_counted() {
    let tenant = Tenant::start().await;
    for number in (0..7).rev() {
        assert_eq!(tenant.import(&flow(&format!("flow_{number}"), "1.0.0")).await.status, 201);
    }
    tenant.running.state().put_flow("env_staging", r#"{"id":"flow_0"}"#).unwrap();
    let page = tenant.get("/flows?environmentId=env_prod&limit=3&offset=5").await;
    assert_eq!(page.ids(), ["flow_5", "flow_6"]);
    assert_eq!(
        (&page.json()["total"], &page.json()["limit"], &page.json()["offset"]),
        (&json!(7), &json!(3), &json!(5))
    );
    let all = tenant.get("/flows?offset=6&limit=1000").await;
    assert_eq!((all.ids().len(), &all.json()["limit"]), (2, &json!(100)));
    assert_eq!(all.json()["items"][1]["environmentId"], "env_staging");
    assert!(tenant.get("/flows?offset=99").await.ids().is_empty());
    tenant.running.state().change(|behaviour| behaviour.page_limit = 2);
    assert_eq!(tenant.get("/flows?limit=3").await.ids().len(), 2);
    tenant.running.state().change(|behaviour| behaviour.ignore_environment = true);
    assert_eq!(tenant.get("/flows?environmentId=env_prod").await.json()["total"], 8);
    for wrong in ["limit=0", "limit=-1", "limit=x", "offset=1.5", "limit=99999999999999999999999", "limit="] {
        assert_eq!(tenant.get(&format!("/flows?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_413() {
    let tenant = Tenant::start().await;
    for id in ["flow_a", "flow_b"] {
        tenant.import(&flow(id, "1.0.0")).await;
    }
    tenant.running.state().change(|behaviour| behaviour.page_bytes_max = Some(500));
    assert_eq!(tenant.get("/flows?limit=2").await.status, 413);
    assert_eq!(tenant.get("/flows?limit=1").await.status, 200);
}

#[tokio::test]
async fn intents_entities_and_variables_are_listed() {
    let tenant = Tenant::furnished().await;
    let item = |id| json!({ "id": id, "name": id, "environmentId": "env_prod" });
    for (path, id) in [("/intents", "hello"), ("/entities", "city"), ("/variables", "tariff")] {
        let expected = json!({ "items": [item(id)], "total": 1, "limit": 100, "offset": 0 });
        assert_eq!(tenant.get(path).await.json(), expected);
        assert_eq!(tenant.get(&format!("{path}?environmentId=env_staging")).await.json()["total"], 0);
    }
    tenant.running.state().change(|behaviour| behaviour.has_variables = false);
    assert_eq!(tenant.get("/variables").await.status, 404);
}

#[tokio::test]
async fn a_deployment_takes_its_time() {
    let tenant = Tenant::start().await;
    tenant.import(&flow("flow_a", "1.0.0")).await;
    assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "deployed" }));
    tenant.running.state().change(|behaviour| behaviour.status_delay = Duration::from_secs(3600));
    tenant.import(&flow("flow_a", "1.1.0")).await;
    assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "importing" }));
    assert_eq!(tenant.status("flow_b").await.status, 404);
    assert_eq!(tenant.get("/flows/flow_a/status").await.status, 400);
}

#[tokio::test]
async fn a_rollback_restores_the_newest_earlier_definition_of_that_version() {
    let tenant = Tenant::furnished().await;
    tenant.import(&flow("flow_a", "1.0.0")).await;
    tenant.import(&flow_needing("flow_a", "1.0.0", &["intent:hello"])).await;
    tenant.import(&flow("flow_a", "2.0.0")).await;
    assert_eq!(tenant.running.state().history("env_prod", "flow_a"), ["1.0.0", "1.0.0"]);
    let done = tenant.rollback("flow_a", "1.0.0").await;
    assert_eq!((done.status, &done.json()["version"]), (200, &json!("1.0.0")));
    let live = tenant.get("/flows").await.json();
    assert_eq!(live["items"][0]["externalReferences"][0]["id"], "hello");
    let unknown = tenant.rollback("flow_a", "7.0.0").await;
    assert_eq!((unknown.status, &unknown.json()["error"]), (404, &json!("version_not_found")));
    assert_eq!(tenant.rollback("flow_b", "1.0.0").await.json()["error"], "flow_not_found");
    assert_eq!(tenant.post("/flows/flow_a/rollback", &json!({ "targetVersion": "1.0.0" })).await.status, 400);
}

#[tokio::test]
async fn a_flow_that_is_still_needed_is_not_deleted() {
    let tenant = Tenant::start().await;
    tenant.import(&flow("flow_b", "1.0.0")).await;
    tenant.import(&flow_needing("flow_a", "1.0.0", &["flow_b", "flow_a"])).await;
    let refused = tenant.delete("/flows/flow_b?environmentId=env_prod").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("the flow `flow_a` in `env_prod` refers to it"), "{}", refused.text);
    assert_eq!(tenant.delete("/flows/flow_a?environmentId=env_prod").await.status, 204);
    assert_eq!(tenant.delete("/flows/flow_b?environmentId=env_prod").await.status, 204);
    assert_eq!(tenant.delete("/flows/flow_b?environmentId=env_prod").await.status, 404);
    tenant.running.state().change(|behaviour| behaviour.can_delete = false);
    assert_eq!(tenant.delete("/flows/flow_b?environmentId=env_prod").await.status, 405);
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_json() {
    let tenant = Tenant::start().await;
    for path in ["/flow", "", "/flows/", "/flows/flow_a/status/more"] {
        let unknown = tenant.get(path).await;
        assert_eq!((unknown.status, &unknown.json()["error"]), (404, &json!("not_found")), "{path}");
    }
    let wrong = tenant.delete("/flows").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET"));
    assert_eq!(wrong.json()["error"], "method_not_allowed");
    assert_eq!(tenant.get("/flows/import").await.status, 405);
}

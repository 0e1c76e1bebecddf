//! Flows themselves, and the resources around them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Cognigy, PROJECT, refusal};

#[tokio::test]
async fn a_flow_is_made_without_a_locale_and_under_a_reference_id_of_the_servers() {
    let cognigy = Cognigy::start().await;
    let locale = cognigy.read(&format!("/locales?projectId={PROJECT}")).await["items"][0]["_id"].clone();
    let with_locale = json!({ "projectId": PROJECT, "name": "New", "localeId": locale });
    assert_eq!(refusal(&cognigy.post("/flows", &with_locale).await), (400, 1005));
    let chosen = json!({ "projectId": PROJECT, "name": "New", "referenceId": "x" });
    assert_eq!(refusal(&cognigy.post("/flows", &chosen).await), (400, 1005));
    assert_eq!(refusal(&cognigy.post("/flows", &json!({ "projectId": PROJECT })).await), (400, 1000));
    let body = json!({ "projectId": PROJECT, "name": "New", "context": { "a": 1 } });
    let (one, other) = (cognigy.post("/flows", &body).await, cognigy.post("/flows", &body).await);
    assert_eq!((one.status, other.status), (201, 201), "doing it again makes another one");
    assert_ne!(one.json()["referenceId"], other.json()["referenceId"]);
    assert_eq!(cognigy.drawn("New").await, "start end");
}

#[tokio::test]
async fn a_flow_is_patched_field_by_field() {
    let cognigy = Cognigy::start().await;
    let flow = cognigy.flow("Other");
    let main = cognigy.state().flow("Main").unwrap();
    let lexicon = cognigy.read(&format!("/lexicons?projectId={PROJECT}")).await["items"][0]["_id"].clone();
    let body = json!({ "description": "x", "attachedFlows": [main], "attachedLexicons": [lexicon] });
    assert_eq!(cognigy.patch(&flow, &body).await.status, 204);
    let read = cognigy.read(&flow).await;
    assert_eq!(
        (&read["description"], &read["attachedFlows"], &read["attachedLexicons"], &read["name"]),
        (&json!("x"), &json!([main]), &json!([lexicon]), &json!("Other"))
    );
    assert_eq!(refusal(&cognigy.patch(&flow, &body).await), (400, 1005), "it changes nothing");
    let by_reference = json!({ "attachedFlows": ["11111111-1111-4111-8111-111111111111"] });
    assert_eq!(refusal(&cognigy.patch(&flow, &by_reference).await), (400, 1005));
    assert_eq!(refusal(&cognigy.patch(&flow, &json!({ "colour": "red" })).await), (400, 1005));
    cognigy.state().change(|behaviour| behaviour.answer_writes = true);
    assert_eq!(cognigy.patch(&flow, &json!({ "name": "Another" })).await.json()["name"], "Another");
}

#[tokio::test]
async fn last_changed_moves_on_every_edit_and_on_nothing_else() {
    let cognigy = Cognigy::start().await;
    let flow = cognigy.flow("Main");
    let stamp = async || cognigy.read(&flow).await["lastChanged"].as_u64().unwrap();
    let (greet, count) = (cognigy.node("Main", "Greet"), cognigy.id("Main", "Count"));
    let edits: [(Method, String, Value); 5] = [
        (Method::PATCH, greet.clone(), json!({ "label": "Greeting" })),
        (Method::PATCH, format!("{greet}/move"), json!({ "mode": "append", "target": count })),
        (Method::POST, format!("{flow}/chart/nodes"), json!({ "type": "say", "mode": "append", "target": count })),
        (Method::DELETE, greet.clone(), json!({})),
        (Method::PATCH, flow.clone(), json!({ "attachedFlows": [] })),
    ];
    for (method, path, body) in edits {
        let before = stamp().await;
        cognigy.state().advance(Duration::from_secs(3));
        let done = cognigy.send(method, &path, &body).await;
        assert!(done.status < 300, "{path}: {}", done.text);
        assert!(stamp().await >= before + 3, "{path}");
    }
    let before = stamp().await;
    cognigy.state().advance(Duration::from_secs(3));
    cognigy.read(&format!("{flow}/chart")).await;
    let settings = json!({ "useAttachedFlowsStates": true });
    assert_eq!(cognigy.patch(&format!("{flow}/settings"), &settings).await.status, 204);
    assert_eq!(stamp().await, before);
}

#[tokio::test]
async fn settings_are_null_in_part_and_null_is_not_taken_back() {
    let cognigy = Cognigy::start().await;
    let path = format!("{}/settings", cognigy.flow("Main"));
    assert_eq!(cognigy.read(&path).await["intentsThreshold"], Value::Null);
    assert_eq!(refusal(&cognigy.patch(&path, &json!({ "intentsThreshold": null })).await), (400, 1005));
    assert_eq!(cognigy.patch(&path, &json!({ "intentsThreshold": 0.5 })).await.status, 204);
    assert_eq!(cognigy.read(&path).await["intentsThreshold"], 0.5);
}

#[tokio::test]
async fn a_project_shows_what_it_holds_and_who_needs_whom() {
    let cognigy = Cognigy::start().await;
    for (list, n_items) in [
        ("lexicons", 1),
        ("connections", 1),
        ("functions", 0),
        ("extensions", 0),
        ("largelanguagemodels", 0),
        ("knowledgestores", 0),
        ("aiagents", 0),
        ("endpoints", 1),
        ("locales", 2),
        ("flows", 2),
    ] {
        let page = cognigy.read(&format!("/{list}?projectId={PROJECT}")).await;
        assert_eq!(page["total"], n_items, "{list}");
    }
    let graph = cognigy.read(&format!("/projects/{PROJECT}/graph?dependencies=true&packages=false")).await;
    let resources = graph[PROJECT]["resources"].as_array().unwrap();
    let main = resources.iter().find(|resource| resource["name"] == "Main").unwrap();
    let kinds: Vec<&str> =
        main["dependencies"].as_array().unwrap().iter().map(|d| d["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["attachedFlow", "flowNode"]);
    let bare = cognigy.read(&format!("/projects/{PROJECT}/graph?packages=false")).await;
    assert!(bare[PROJECT]["resources"][2].get("dependencies").is_none());
}

#[tokio::test]
async fn intents_are_listed_and_exported_without_ids() {
    let cognigy = Cognigy::start().await;
    let flow = cognigy.flow("Main");
    let heads = cognigy.read(&format!("{flow}/intents?includeChildren=true")).await;
    assert_eq!((&heads["total"], &heads["items"][1]["name"]), (&json!(2), &json!("cancel")));
    let locale = cognigy.read(&format!("/locales?projectId={PROJECT}")).await["items"][0]["_id"].clone();
    let exported =
        cognigy.post(&format!("{flow}/intents/export"), &json!({ "localeId": locale, "format": "json" })).await;
    assert_eq!(exported.status, 200, "{}", exported.text);
    assert_eq!(exported.json()[1]["exampleSentences"], json!(["stop it", "never mind"]));
    assert!(exported.json()[1].get("_id").is_none());
}

#[tokio::test]
async fn an_endpoint_is_pointed_elsewhere_in_one_write() {
    let cognigy = Cognigy::start().await;
    let endpoints = cognigy.read(&format!("/endpoints?projectId={PROJECT}")).await;
    let path = format!("/endpoints/{}", endpoints["items"][0]["_id"].as_str().unwrap());
    let other = cognigy.read(&cognigy.flow("Other")).await["referenceId"].clone();
    assert_eq!(cognigy.patch(&path, &json!({ "flowId": other, "entrypoint": PROJECT })).await.status, 204);
    assert_eq!(cognigy.read(&path).await["flowId"], other);
    let unknown = json!({ "entrypoint": "aaaaaaaaaaaaaaaaaaaaaaaa" });
    assert_eq!(refusal(&cognigy.patch(&path, &unknown).await), (400, 1005));
}

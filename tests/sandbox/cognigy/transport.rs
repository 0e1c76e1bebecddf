//! Who is let in, which requests are well formed, how lists and errors look.

use std::time::Duration;

use flowsync::tenant::sandbox::cognigy_rest::rules::{ComeAgain, WindowLimit};
use flowsync::tenant::sandbox::cognigy_rest::settings::{Key, Role, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::support::answer;
use super::support::{Cognigy, PROJECT, refusal};

#[tokio::test]
async fn a_key_or_a_token_lets_in_and_nothing_else() {
    let cognigy = Cognigy::start().await;
    let path = format!("/projects/{PROJECT}");
    assert_eq!(cognigy.read(&path).await["name"], "Hotel");
    assert_eq!(answer(cognigy.bare(Method::GET, &path)).await.status, 401);
    assert_eq!(answer(cognigy.bare(Method::GET, &path).header("X-API-Key", "wrong")).await.status, 401);
    let form =
        [("grant_type", "client_credentials"), ("client_id", "sandbox-client"), ("client_secret", "sandbox-secret")];
    let token = answer(cognigy.client.post(cognigy.running.token_url()).form(&form)).await.json();
    let bearer = token["access_token"].as_str().unwrap().to_owned();
    let with_token = || cognigy.bare(Method::GET, &path).bearer_auth(&bearer).header("Accept", "application/json");
    assert_eq!(answer(with_token()).await.status, 200);
    cognigy.state().advance(Duration::from_secs(3601));
    assert_eq!(answer(with_token()).await.status, 401, "it has expired");
    let wrong = [form[0], form[1], ("client_secret", "wrong")];
    let refused = answer(cognigy.client.post(cognigy.running.token_url()).form(&wrong)).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_client")));
}

#[tokio::test]
async fn a_user_who_may_only_read_is_told_which_call_is_forbidden() {
    let keys = vec![Key { key: "sandbox-key".to_owned(), role: Role::ReadOnly }];
    let cognigy = Cognigy::of(Settings { keys, ..Settings::default() }).await;
    assert_eq!(cognigy.get(&format!("/flows?projectId={PROJECT}")).await.status, 200);
    let refused = cognigy.post("/flows", &json!({ "projectId": PROJECT, "name": "x" })).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("createFlow"), "{}", refused.text);
}

#[tokio::test]
async fn an_answer_is_hal_where_json_was_not_asked_for() {
    let cognigy = Cognigy::start().await;
    let request = cognigy.bare(Method::GET, &format!("/flows?projectId={PROJECT}")).header("X-API-Key", "sandbox-key");
    let hal = answer(request).await;
    assert_eq!(hal.header("content-type"), "application/hal+json");
    assert_eq!(hal.json()["_embedded"]["flows"][0]["name"], "Main");
    assert!(hal.json().get("items").is_none() && hal.json()["_links"].is_object());
}

#[tokio::test]
async fn a_body_on_get_is_403_unless_it_is_overlooked() {
    let cognigy = Cognigy::start().await;
    let path = format!("/projects/{PROJECT}");
    assert_eq!(cognigy.send(Method::GET, &path, &json!({})).await.status, 403);
    cognigy.state().change(|behaviour| behaviour.get_bodies = true);
    assert_eq!(cognigy.send(Method::GET, &path, &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_body_over_60_kb_is_413() {
    let cognigy = Cognigy::start().await;
    let body = json!({ "config": { "code": "x".repeat(61_440) } });
    assert_eq!(refusal(&cognigy.patch(&cognigy.node("Main", "Count"), &body).await), (413, 413));
    let body = json!({ "config": { "code": "x".repeat(61_000) } });
    assert_eq!(cognigy.patch(&cognigy.node("Main", "Count"), &body).await.status, 204);
}

#[tokio::test]
async fn a_uuid_in_the_place_of_an_id_is_400() {
    let cognigy = Cognigy::start().await;
    let uuid = "11111111-1111-4111-8111-111111111111";
    for path in [
        format!("/flows/{uuid}"),
        format!("{}/chart/nodes/{uuid}", cognigy.flow("Main")),
        format!("/flows?projectId={uuid}"),
        format!("{}?preferredLocaleId={uuid}", cognigy.flow("Main")),
    ] {
        assert_eq!(refusal(&cognigy.get(&path).await), (400, 1005), "{path}");
    }
    let body = json!({ "projectId": uuid, "name": "x" });
    assert_eq!(refusal(&cognigy.post("/flows", &body).await), (400, 1005));
    assert_eq!(refusal(&cognigy.get("/flows/aaaaaaaaaaaaaaaaaaaaaaaa").await), (404, 1002));
}

#[tokio::test]
async fn a_limit_outside_1_to_100_an_unknown_name_and_skip_with_a_cursor_are_400() {
    let cognigy = Cognigy::start().await;
    for wrong in ["limit=0", "limit=101", "colour=red", "skip=1&next=x", "sort=name:up", "next=nobody"] {
        assert_eq!(refusal(&cognigy.get(&format!("/flows?projectId={PROJECT}&{wrong}")).await), (400, 1005), "{wrong}");
    }
    assert_eq!(refusal(&cognigy.get("/flows").await), (400, 1000));
    let with_limit = format!("{}/chart?limit=3", cognigy.flow("Main"));
    assert_eq!(cognigy.get(&with_limit).await.status, 400, "a chart is no list");
}

#[tokio::test]
async fn a_list_is_read_page_by_page_with_cursors_or_skip() {
    let cognigy = Cognigy::start().await;
    let base = format!("{}/chart/nodes?limit=5", cognigy.flow("Main"));
    let whole = cognigy.read(&format!("{}/chart/nodes?limit=100", cognigy.flow("Main"))).await;
    let ids =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["_id"].clone()).collect::<Vec<_>>();
    let mut by_cursor = Vec::new();
    let mut page = cognigy.read(&base).await;
    loop {
        by_cursor.extend(ids(&page));
        let Some(next) = page["nextCursor"].as_str() else { break };
        page = cognigy.read(&format!("{base}&next={next}")).await;
    }
    assert_eq!(by_cursor, ids(&whole));
    assert_eq!(whole["total"].as_u64(), Some(by_cursor.len() as u64));
    let mut by_skip = ids(&cognigy.read(&base).await);
    by_skip.extend(ids(&cognigy.read(&format!("{}/chart/nodes?limit=100&skip=5", cognigy.flow("Main"))).await));
    assert_eq!(by_skip, by_cursor);
}

#[tokio::test]
async fn an_error_has_the_vendors_form() {
    let cognigy = Cognigy::start().await;
    let path = "/flows/aaaaaaaaaaaaaaaaaaaaaaaa";
    let error = cognigy.get(path).await.json();
    for key in ["type", "title", "status", "detail", "instance", "code", "traceId", "details"] {
        assert!(error.get(key).is_some(), "{key} of {error}");
    }
    assert_eq!(error["instance"], format!("/new/v2.0{path}"));
    assert_eq!(refusal(&cognigy.get("/flowers").await), (404, 404));
    assert_eq!(refusal(&cognigy.send(Method::PUT, "/flows", &json!({})).await), (405, 1013));
}

#[tokio::test]
async fn past_the_rate_of_a_window_answers_are_429_until_it_has_slid() {
    let limit = WindowLimit { requests: 3, window: Duration::from_secs(300) };
    let cognigy = Cognigy::with(|behaviour| behaviour.limit = Some(limit)).await;
    let path = format!("/projects/{PROJECT}");
    for _ in 0..3 {
        assert_eq!(cognigy.get(&path).await.status, 200);
    }
    let silent = cognigy.get(&path).await;
    assert_eq!((refusal(&silent), silent.header("retry-after")), ((429, 429), ""));
    cognigy.state().change(|behaviour| behaviour.come_again = ComeAgain::Seconds);
    let said: u64 = cognigy.get(&path).await.header("retry-after").parse().unwrap();
    assert!((298..=300).contains(&said), "{said}");
    cognigy.state().change(|behaviour| behaviour.come_again = ComeAgain::Date);
    assert!(cognigy.get(&path).await.header("retry-after").ends_with(" GMT"));
    cognigy.state().change(|behaviour| behaviour.come_again = ComeAgain::Reset);
    assert_ne!(cognigy.get(&path).await.header("ratelimit-reset"), "");
    cognigy.state().advance(Duration::from_secs(301));
    assert_eq!(cognigy.get(&path).await.status, 200);
    let log = cognigy.state().requests();
    assert_eq!((log.total, log.by_status["429"], log.by_call["readProject"]), (8, 4, 4));
    assert_eq!(cognigy.state().n_writes(), 0);
}

#[tokio::test]
async fn charts_may_be_readable_under_the_old_base_only() {
    let cognigy = Cognigy::with(|behaviour| behaviour.old_charts = true).await;
    let path = format!("{}/chart", cognigy.flow("Main"));
    assert_eq!(cognigy.get(&path).await.status, 404);
    let old = cognigy.client.get(format!("{}/v2.0{path}", cognigy.running.base_url()));
    let old = old.header("X-API-Key", "sandbox-key").header("Accept", "application/json");
    assert_eq!(answer(old).await.status, 200);
}

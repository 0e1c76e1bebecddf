//! Every fault, as a client meets it, and what the tenant holds afterwards.

use std::time::{Duration, Instant};

use flowsync::tenant::sandbox::FaultPlan;
use serde_json::json;

use crate::support::{Tenant, flow, try_answer};

#[tokio::test]
async fn refuse_says_no_and_does_nothing() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- match: { call: import, flow: flow_a, nth: 2 }
  fault: { refuse: { message: no such luck, violations: [{ path: /name, message: bad name }] } }",
    );
    assert_eq!(tenant.import(&flow("flow_b", "1.0.0")).await.status, 201);
    assert_eq!(tenant.import(&flow("flow_a", "1.0.0")).await.status, 201);
    let refused = tenant.import(&flow("flow_a", "1.1.0")).await;
    let violations = json!([{ "path": "/name", "message": "bad name" }]);
    let expected = json!({ "error": "validation_failed", "message": "no such luck", "violations": violations });
    assert_eq!((refused.status, refused.json()), (400, expected));
    assert_eq!(tenant.live_name("flow_a").unwrap(), "Flow 1.0.0");
    assert_eq!(tenant.import(&flow("flow_a", "1.1.0")).await.status, 200);
}

#[tokio::test]
async fn answer_gives_any_status_with_seconds_or_a_date() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { call: export, nth: 1 }, fault: { answer: { status: 503, retryAfter: 2 } } }
- { match: { call: export, nth: 2 }, fault: { answer: { status: 429, retryAfter: { dateIn: 60s } } } }
- { match: { call: export, nth: 3 }, fault: { answer: { status: 500, retryAfter: soon, body: oops } } }
- { match: { call: import }, fault: { answer: { status: 504, takesEffect: true } } }",
    );
    let first = tenant.get("/flows").await;
    assert_eq!((first.status, first.header("retry-after")), (503, "2"));
    let second = tenant.get("/flows").await;
    assert!(second.status == 429 && second.header("retry-after").ends_with(" GMT"), "{second:?}");
    let third = tenant.get("/flows").await;
    assert_eq!((third.status, third.header("retry-after"), third.text.as_str()), (500, "soon", "oops"));
    assert_eq!(tenant.import(&flow("flow_a", "1.0.0")).await.status, 504);
    assert!(tenant.live_name("flow_a").is_some());
}

#[tokio::test]
async fn the_token_endpoint_can_fail_too() {
    let tenant = Tenant::start().await;
    tenant.faults("- { match: { call: token }, fault: { answer: { status: 500 } } }");
    assert_eq!(tenant.token_answer(&[]).await.status, 500);
}

#[tokio::test]
async fn delay_keeps_the_client_waiting() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { call: import, nth: 1 }, fault: { delay: 300ms } }
- { match: { call: import, nth: 2 }, fault: { delay: { after: 10m } } }",
    );
    let start = Instant::now();
    assert_eq!(tenant.import(&flow("flow_a", "1.0.0")).await.status, 201);
    assert!(start.elapsed() >= Duration::from_millis(300));
    let waiting = tokio::spawn(try_answer(tenant.import_request(&flow("flow_a", "1.1.0"))));
    while tenant.live_name("flow_a").unwrap() != "Flow 1.1.0" {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished(), "it took effect unseen");
    waiting.abort();
    assert_eq!(tenant.status("flow_a").await.status, 200, "nobody else waits");
}

#[tokio::test]
async fn drop_closes_the_connection_without_an_answer() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { call: import, flow: flow_a }, fault: { drop: before } }
- { match: { call: import, flow: flow_b }, fault: { drop: after } }
- { match: { call: import, flow: flow_c }, fault: { drop: before, wait: 200ms } }",
    );
    for id in ["flow_a", "flow_b", "flow_c"] {
        let lost = try_answer(tenant.import_request(&flow(id, "1.0.0"))).await.unwrap_err();
        assert!(lost.is_request() && lost.status().is_none(), "{lost:?}");
    }
    let live: Vec<String> = tenant.running.state().flows("env_prod").into_keys().collect();
    assert_eq!(live, ["flow_b"]);
    assert_eq!(tenant.running.state().requests().by_status["dropped"], 3);
    assert_eq!(tenant.get("/flows").await.status, 200, "the next connection is a good one");
}

#[tokio::test]
async fn truncate_breaks_the_body_off() {
    let tenant = Tenant::start().await;
    tenant.import(&flow("flow_a", "1.0.0")).await;
    let whole = tenant.get("/flows").await.text.len();
    tenant.faults("- { match: { call: export }, fault: { truncate: 40 } }");
    let url = format!("{}/flows", tenant.running.base_url());
    let mut response = tenant.client.get(url).header("X-API-Key", "sandbox-key").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.content_length(), Some(whole as u64));
    let mut n_bytes = 0;
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => n_bytes += chunk.len(),
            end => break end,
        }
    };
    assert!(end.is_err(), "the body must not look whole");
    assert_eq!(n_bytes, 40);
}

#[tokio::test]
async fn a_truncated_answer_is_never_whole_however_much_of_it_is_sent() {
    let tenant = Tenant::start().await;
    let padding = "x".repeat(4 * 1024 * 1024);
    tenant.running.state().put_flow("env_prod", &format!(r#"{{"id":"flow_a","pad":"{padding}"}}"#)).unwrap();
    for n_bytes in [4_000_000, 400_000_000] {
        tenant.faults(&format!("- {{ match: {{ call: export }}, fault: {{ truncate: {n_bytes} }} }}"));
        assert!(try_answer(tenant.request(reqwest::Method::GET, "/flows")).await.is_err());
    }
}

#[tokio::test]
async fn corrupt_answers_are_200_and_wrong() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { nth: 1 }, fault: { corrupt: html } }
- { match: { nth: 2 }, fault: { corrupt: garbage } }
- { match: { nth: 3 }, fault: { corrupt: wrongShape } }",
    );
    let html = tenant.get("/flows").await;
    assert_eq!((html.status, html.header("content-type")), (200, "text/html; charset=utf-8"));
    let garbage = tenant.get("/flows").await;
    assert_eq!((garbage.status, garbage.header("content-type")), (200, "application/json"));
    assert!(garbage.json().is_null());
    let shape = tenant.get("/flows").await;
    assert!(shape.status == 200 && shape.json().is_object() && shape.json()["items"].is_null());
}

#[tokio::test]
async fn status_says_something_else_once_or_until_the_next_import() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { call: status, times: 1 }, fault: { status: pending, message: wait } }
- { match: { call: import, nth: 2 }, fault: { status: failed, message: no model } }",
    );
    tenant.import(&flow("flow_a", "1.0.0")).await;
    assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "pending", "message": "wait" }));
    assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "deployed" }));
    assert_eq!(tenant.import(&flow("flow_a", "1.1.0")).await.status, 200);
    for _ in 0..2 {
        assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "failed", "message": "no model" }));
    }
    assert_eq!(tenant.rollback("flow_a", "1.0.0").await.status, 200);
    assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "deployed" }));
}

#[tokio::test]
async fn ignore_and_mutate_keep_something_else_than_they_say() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { call: import, nth: 2 }, fault: ignore }
- { match: { call: import, nth: 3 }, fault: mutate }
- { match: { call: rollback }, fault: ignore }
- { match: { call: delete }, fault: ignore }",
    );
    assert_eq!(tenant.import(&flow("flow_a", "1.0.0")).await.status, 201);
    assert_eq!(tenant.import(&flow("flow_a", "1.1.0")).await.json()["version"], "1.1.0");
    assert_eq!(tenant.live_name("flow_a").unwrap(), "Flow 1.0.0");
    assert_eq!(tenant.import(&flow("flow_a", "1.1.0")).await.status, 200);
    assert_eq!(tenant.live_name("flow_a").unwrap(), "Flow 1.1.0 (changed by the sandbox)");
    assert_eq!(tenant.rollback("flow_a", "1.0.0").await.status, 200);
    assert_eq!(tenant.live_name("flow_a").unwrap(), "Flow 1.1.0 (changed by the sandbox)");
    assert_eq!(tenant.delete("/flows/flow_a?environmentId=env_prod").await.status, 204);
    assert!(tenant.live_name("flow_a").is_some());
}

#[tokio::test]
async fn exports_lag_behind_or_fall_short() {
    let tenant = Tenant::start().await;
    tenant.faults(
        "- { match: { call: export, nth: 1 }, fault: stale }
- { match: { call: export, environment: env_prod, nth: 1 }, fault: short }",
    );
    tenant.import(&flow("flow_a", "1.0.0")).await;
    tenant.import(&flow("flow_b", "1.0.0")).await;
    let stale = tenant.get("/flows").await;
    assert_eq!((stale.ids(), &stale.json()["total"]), (vec!["flow_a".to_owned()], &json!(1)));
    let short = tenant.get("/flows?environmentId=env_prod").await;
    assert_eq!((short.ids(), &short.json()["total"]), (vec!["flow_a".to_owned()], &json!(2)));
    assert_eq!(tenant.get("/flows?environmentId=env_prod").await.ids(), ["flow_a", "flow_b"]);
}

#[test]
fn the_plan_in_the_documentation_is_a_good_one() {
    let (_, section) = include_str!("../../docs/sandbox.md").split_once("## Fault plan").unwrap();
    let plan = section.split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    FaultPlan::parse(plan).unwrap();
}

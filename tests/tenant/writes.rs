//! What imports, status requests, rollbacks and deletes say.

use flowsync::flow::EnvironmentId;
use flowsync::tenant::{Call, FlowStatus, Imported, Reply, Tenant, Unrecorded};

use super::server::{Act, Seen, Server, ample, good, impatient, reply};

fn env() -> EnvironmentId {
    EnvironmentId("env".to_owned())
}

async fn import(acts: &'static [Act]) -> Reply<Imported> {
    let server = Server::start(move |seen: &Seen| match seen.call {
        Call::Import => acts[seen.nth].clone(),
        _ => good(seen),
    })
    .await;
    let client = server.client_with(server.oauth2(), impatient());
    client.import(&env(), &"flow_a".parse().unwrap(), b"{}", &Unrecorded, &ample()).await.unwrap()
}

fn answer(status: u16) -> Act {
    reply(status, r#"{"id":"flow_a"}"#)
}

#[tokio::test]
async fn an_import_tells_created_updated_and_unknown_apart() {
    let check = async |acts: Vec<Act>, value| {
        let attempts = u32::try_from(acts.len()).unwrap();
        assert_eq!(import(Vec::leak(acts)).await, Reply { value, attempts });
    };
    check(vec![answer(201)], Imported::Created).await;
    check(vec![answer(200)], Imported::Updated).await;
    check(vec![reply(201, "")], Imported::Created).await;
    check(vec![answer(429), answer(200)], Imported::Updated).await;
    check(vec![answer(401), answer(200)], Imported::Updated).await;
    check(vec![answer(503), answer(201)], Imported::Created).await;
    for fault in [answer(500), answer(504), Act::Drop, Act::Hang, Act::Short { status: 201, body: b"{".to_vec() }] {
        check(vec![fault, answer(200)], Imported::UpdatedAfterUnknown).await;
    }
}

#[tokio::test]
async fn an_imported_flow_arrives_byte_for_byte_every_time() {
    let server = Server::faulty(Call::Import, answer(503), |nth| nth == 0).await;
    let flow = "{ \"id\":\"flow_a\",\r\n\t\"x\": 1.0E+2, \"y\": \"\\u00e4ä\" }\n";
    let environment = EnvironmentId("e \"1\"".to_owned());
    let client = server.client();
    client.import(&environment, &"flow_a".parse().unwrap(), flow.as_bytes(), &Unrecorded, &ample()).await.unwrap();
    for seen in server.seen(Call::Import) {
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/api/v2/flows/import"));
        assert_eq!(seen.headers["content-type"], "application/json");
        let body = format!("{{\"flow\":{flow},\"environmentId\":\"e \\\"1\\\"\"}}");
        assert_eq!(String::from_utf8_lossy(&seen.body), body);
    }
}

#[tokio::test]
async fn a_status_is_read() {
    let check = async |body: &'static str, expected: FlowStatus| {
        let server = Server::faulty(Call::Status, reply(200, body), |_| true).await;
        let status = server.client().status(&env(), &"flow_a".parse().unwrap(), &ample()).await;
        assert_eq!(status, Ok(expected), "{body}");
    };
    check(r#"{"status":"deployed","x":1}"#, FlowStatus::Deployed).await;
    for word in ["pending", "deploying", "importing", "queued"] {
        let body = String::leak(format!(r#"{{"status":"{word}"}}"#));
        check(body, FlowStatus::InProgress(word.to_owned())).await;
    }
    let failed = |status: &str, message: &str| FlowStatus::Failed { status: status.into(), message: message.into() };
    check(r#"{"status":"failed","message":"intent\n missing"}"#, failed("failed", "intent\\n missing")).await;
    check(r#"{"status":"Deployed"}"#, failed("Deployed", "")).await;
    check(r#"{"status":"error","error":"c4nary-token-0"}"#, failed("error", "***")).await;
}

#[tokio::test]
async fn a_rollback_and_a_delete_are_asked_for_as_the_specification_says() {
    let server = Server::start(good).await;
    let (client, id, limits) = (server.client(), "flow_a".parse().unwrap(), ample());
    let environment = EnvironmentId("a b&c".to_owned());
    client.rollback(&environment, &id, "1.0.0", &limits).await.unwrap();
    client.delete(&environment, &id, &Unrecorded, &limits).await.unwrap();
    let rolled = &server.seen(Call::Rollback)[0];
    assert_eq!((rolled.method.as_str(), rolled.path.as_str()), ("POST", "/api/v2/flows/flow_a/rollback"));
    let body: serde_json::Value = serde_json::from_slice(&rolled.body).unwrap();
    assert_eq!(body, serde_json::json!({ "targetVersion": "1.0.0", "environmentId": "a b&c" }));
    let deleted = &server.seen(Call::Delete)[0];
    assert_eq!((deleted.method.as_str(), deleted.path.as_str()), ("DELETE", "/api/v2/flows/flow_a"));
    assert_eq!(deleted.query["environmentId"], "a b&c");
}

#[tokio::test]
async fn a_delete_that_says_something_is_done_as_well() {
    for act in [reply(200, ""), reply(200, "{}"), reply(204, ""), reply(404, "gone")] {
        let server = Server::faulty(Call::Delete, act, |_| true).await;
        let deleted = server.client().delete(&env(), &"flow_a".parse().unwrap(), &Unrecorded, &ample()).await;
        assert_eq!(deleted, Ok(Reply { value: (), attempts: 1 }));
    }
}

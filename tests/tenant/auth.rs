//! Signing in: once, again when it is time, never twice at once.

use flowsync::config::Auth;
use flowsync::tenant::{Call, Failure};
use futures_util::future::join_all;

use super::server::{Act, CANARY, Seen, Server, ample, good, hurry, make, reply};

fn bearer(seen: &Seen) -> &str {
    seen.headers.get("authorization").map_or("", String::as_str)
}

#[tokio::test]
async fn a_token_is_asked_for_as_the_specification_says() {
    let server = Server::start(good).await;
    make(&server.client(), Call::Export, &ample()).await.unwrap();
    let asked = &server.seen(Call::Token)[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/oauth/token"));
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
    let scope = "flows%3Aread+flows%3Awrite+environments%3Aread+deployments%3Amanage";
    let body =
        format!("grant_type=client_credentials&client_id={CANARY}-id&client_secret={CANARY}-secret&scope={scope}");
    assert_eq!(String::from_utf8_lossy(&asked.body), body);
    let exported = &server.seen(Call::Export)[0];
    assert_eq!(bearer(exported), format!("Bearer {CANARY}-token-0"));
    assert_eq!(exported.headers["user-agent"], concat!("flowsync/", env!("CARGO_PKG_VERSION")));
    assert!(exported.headers["accept-encoding"].contains("gzip"));
}

#[tokio::test]
async fn one_token_serves_every_request_side_by_side() {
    let server = Server::start(good).await;
    let (client, limits) = (server.client(), ample());
    let made = join_all((0..20).map(|_| make(&client, Call::Status, &limits))).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(server.seen(Call::Token).len(), 1);
}

#[tokio::test]
async fn a_token_that_is_running_out_is_renewed_before_it_is_used() {
    let short = |seen: &Seen| match seen.call {
        // A second of this tenant's takes 10 ms here; half of one is soon over.
        Call::Token => reply(200, format!(r#"{{"access_token":"{CANARY}-{}","expires_in":"1"}}"#, seen.nth)),
        _ => good(seen),
    };
    let server = Server::start(short).await;
    let client = server.client();
    while server.seen(Call::Token).len() < 3 {
        make(&client, Call::Status, &ample()).await.unwrap();
    }
    assert_eq!(bearer(server.seen(Call::Status).last().unwrap()), format!("Bearer {CANARY}-2"));
}

#[tokio::test]
async fn a_401_in_mid_flight_renews_once_for_all_and_repeats_the_request() {
    let revoked = |seen: &Seen| match seen.call {
        Call::Status if bearer(seen).ends_with("token-0") => reply(401, ""),
        _ => good(seen),
    };
    let server = Server::start(revoked).await;
    let (client, limits) = (server.client(), ample());
    let made = join_all((0..8).map(|_| make(&client, Call::Status, &limits))).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    assert_eq!(server.seen(Call::Token).len(), 2);
}

#[tokio::test]
async fn every_call_is_repeated_after_a_401() {
    for call in [Call::Export, Call::Intents, Call::Import, Call::Status, Call::Rollback, Call::Delete] {
        let server = Server::faulty(call, reply(401, ""), |nth| nth == 0).await;
        make(&server.client(), call, &ample()).await.unwrap();
        let (first, second) = (&server.seen(call)[0], &server.seen(call)[1]);
        assert_eq!((&first.path, &first.body), (&second.path, &second.body));
        assert_ne!(bearer(first), bearer(second));
    }
}

#[tokio::test]
async fn a_failure_to_sign_in_is_shared_by_those_who_waited_for_it() {
    let server = Server::faulty(Call::Token, reply(400, r#"{"error":"invalid_scope"}"#), |_| true).await;
    let (client, limits) = (server.client(), ample());
    let made = join_all((0..8).map(|_| make(&client, Call::Status, &limits))).await;
    assert!(made.iter().all(|made| made.as_ref().is_err_and(|error| error.call == Call::Token)));
    assert_eq!(server.seen(Call::Token).len(), 1);
    assert!(make(&client, Call::Status, &limits).await.is_err());
    assert_eq!(server.seen(Call::Token).len(), 2, "a later call asks again");
}

#[tokio::test]
async fn what_a_token_endpoint_says_is_shown_whatever_its_status() {
    let body = format!(r#"{{"error":"invalid_client","error_description":"{CANARY}-id is locked","hint":"h1nt"}}"#);
    for status in [200, 201, 400, 401, 403, 404, 500, 503] {
        let server = Server::faulty(Call::Token, reply(status, &body), |_| true).await;
        let error = make(&server.client(), Call::Export, &ample()).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&format!("answered {status}")), "{status}: {said}");
        assert!(said.contains("invalid_client: *** is locked") && !said.contains("h1nt"), "{status}: {said}");
    }
}

#[tokio::test]
async fn secrets_are_read_again_when_a_token_is_fetched() {
    let server = Server::faulty(Call::Token, reply(401, "{}"), |nth| nth == 0).await;
    let client = server.client();
    assert!(make(&client, Call::Status, &ample()).await.is_err());
    std::fs::write(server.secrets().join("secret"), format!("{CANARY}-new")).unwrap();
    make(&client, Call::Status, &ample()).await.unwrap();
    let body = server.seen(Call::Token)[1].body.clone();
    assert!(String::from_utf8_lossy(&body).contains(&format!("client_secret={CANARY}-new&")));
}

#[tokio::test]
async fn an_api_key_is_sent_as_such_and_read_again_when_it_changes() {
    let server = Server::start(|seen: &Seen| match seen.headers.get("x-api-key") {
        Some(key) if key == &format!("{CANARY}-rotated") => good(seen),
        _ => reply(401, ""),
    })
    .await;
    let client = server.client_with(Auth::ApiKey(server.secret("key")), hurry());
    let error = make(&client, Call::Status, &ample()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unauthorized { .. }));
    assert_eq!(error.attempts, 1, "the same key would not do better");
    std::fs::write(server.secrets().join("key"), format!("{CANARY}-rotated")).unwrap();
    make(&client, Call::Status, &ample()).await.unwrap();
    assert!(server.seen(Call::Token).is_empty());
    assert!(!server.seen(Call::Status)[1].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_and_nothing_is_sent() {
    let server = Server::start(good).await;
    std::fs::remove_file(server.secrets().join("secret")).unwrap();
    let error = make(&server.client(), Call::Import, &ample()).await.unwrap_err();
    let Failure::Unauthorized { message } = &error.failure else { panic!("{error:?}") };
    assert!(message.contains("tenant.auth.oauth2.clientSecret") && message.contains("No such file"), "{message}");
    assert_eq!((error.attempts, server.seen(Call::Token).len()), (0, 0));
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_an_error() {
    let act = reply(200, format!(r#"{{"access_token":"{CANARY}\nx","expires_in":60}}"#));
    let server = Server::faulty(Call::Token, act, |_| true).await;
    let error = make(&server.client(), Call::Status, &ample()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unauthorized { .. }), "{error:?}");
}

#[tokio::test]
async fn a_write_that_may_have_taken_effect_says_so_even_when_signing_in_fails_after_it() {
    // The import is lost, the token with it.
    let server = Server::start(|seen: &Seen| match (seen.call, seen.nth) {
        (Call::Token, 0) => reply(200, format!(r#"{{"access_token":"{CANARY}","expires_in":1}}"#)),
        (Call::Token, _) => reply(403, "{}"),
        (Call::Import, _) => Act::Drop,
        _ => good(seen),
    })
    .await;
    let tuning = flowsync::tenant::flows_v2::Tuning {
        backoff_base: std::time::Duration::from_millis(200),
        backoff_cap: std::time::Duration::from_millis(200),
        ..hurry()
    };
    let error = make(&server.client_with(server.oauth2(), tuning), Call::Import, &ample()).await.unwrap_err();
    assert!(error.maybe_took_effect(), "{error:?}");
}

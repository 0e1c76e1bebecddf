//! Signing in, scopes, the rate limit.

use std::time::Duration;

use flowsync::tenant::sandbox::{ApiKey, Behaviour, Client, Rate, Running, Sandbox, Settings, StartError};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{Answer, Tenant, answer, flow, with_json};

const GRANT: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "sandbox-client"), ("client_secret", "sandbox-secret")];

fn grant_with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = GRANT.into_iter().filter(|(key, _)| *key != name);
    others.chain([(name, value)]).collect()
}

fn with_token(request: RequestBuilder, token: &Answer) -> RequestBuilder {
    request.bearer_auth(token.json()["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn a_token_opens_the_api() {
    let tenant = Tenant::start().await;
    let scopes = "flows:read flows:write environments:read deployments:manage";
    let token = tenant.token_answer(&grant_with("scope", scopes)).await;
    assert_eq!(token.status, 200);
    assert_eq!((&token.json()["token_type"], &token.json()["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let request = with_token(tenant.bare(Method::GET, "/flows"), &token);
    assert_eq!(answer(request).await.status, 200);
}

#[tokio::test]
async fn the_token_endpoint_explains_its_refusals() {
    let tenant = Tenant::start().await;
    for (form, status, error) in [
        (grant_with("client_secret", "wrong"), 401, "invalid_client"),
        (grant_with("client_id", "nobody"), 401, "invalid_client"),
        (grant_with("grant_type", "password"), 400, "unsupported_grant_type"),
        (grant_with("scope", "flows:read flows:own"), 400, "invalid_scope"),
        (GRANT[..2].to_vec(), 400, "invalid_request"),
    ] {
        let refusal = tenant.token_answer(&form).await;
        assert_eq!((refusal.status, &refusal.json()["error"]), (status, &json!(error)));
        assert!(!refusal.json()["error_description"].as_str().unwrap().is_empty());
    }
    let as_json = answer(with_json(tenant.client.post(tenant.running.token_url()), "{}")).await;
    assert_eq!((as_json.status, &as_json.json()["error"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn without_a_good_credential_nothing_opens() {
    let tenant = Tenant::start().await;
    let ask = |request: RequestBuilder| async move { answer(request).await };
    let none = ask(tenant.bare(Method::GET, "/flows")).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(ask(tenant.bare(Method::GET, "/flows").bearer_auth("made-up")).await.status, 401);
    assert_eq!(ask(tenant.bare(Method::GET, "/flows").basic_auth("a", Some("b"))).await.status, 401);
    assert_eq!(ask(tenant.bare(Method::GET, "/flows").header("X-API-Key", "wrong")).await.status, 401);
}

#[tokio::test]
async fn a_token_ends_when_it_expires_or_is_revoked() {
    let tenant = Tenant::start().await;
    let token = tenant.token_answer(&GRANT).await;
    let ask = || answer(with_token(tenant.bare(Method::GET, "/flows"), &token));
    assert_eq!(ask().await.status, 200);
    tenant.running.state().revoke_tokens();
    assert_eq!(ask().await.json()["message"], "the token is unknown");
    tenant.running.state().change(|behaviour| behaviour.token_lifetime = Duration::ZERO);
    let token = tenant.token_answer(&GRANT).await;
    let expired = answer(with_token(tenant.bare(Method::GET, "/flows"), &token)).await;
    assert_eq!((expired.status, &expired.json()["message"]), (401, &json!("the token has expired")));
}

/// A sandbox whose client and key have every scope but `scope`.
async fn without(scope: &str) -> Tenant {
    let scopes: std::collections::BTreeSet<String> =
        Client::default().scopes.into_iter().filter(|other| other != scope).collect();
    let clients = vec![Client { scopes: scopes.clone(), ..Client::default() }];
    let api_keys = vec![ApiKey { scopes, ..ApiKey::default() }];
    Tenant::with(Settings { clients, api_keys, ..Settings::default() }).await
}

#[tokio::test]
async fn each_call_needs_its_scope_and_no_other() {
    let calls = [
        (Method::GET, "/flows", "flows:read"),
        (Method::GET, "/intents", "environments:read"),
        (Method::GET, "/entities", "environments:read"),
        (Method::GET, "/variables", "environments:read"),
        (Method::POST, "/flows/import", "flows:write"),
        (Method::DELETE, "/flows/flow_a?environmentId=env_prod", "flows:write"),
        (Method::GET, "/flows/flow_a/status?environmentId=env_prod", "deployments:manage"),
        (Method::POST, "/flows/flow_a/rollback", "deployments:manage"),
    ];
    for missing in ["flows:read", "flows:write", "environments:read", "deployments:manage"] {
        let tenant = without(missing).await;
        let asked = "flows:read flows:write environments:read deployments:manage";
        let token = tenant.token_answer(&grant_with("scope", asked)).await;
        assert!(!token.json()["scope"].as_str().unwrap().contains(missing));
        for (method, path, scope) in &calls {
            let by_key = answer(tenant.request(method.clone(), path)).await;
            let by_token = answer(with_token(tenant.bare(method.clone(), path), &token)).await;
            for answer in [by_key, by_token] {
                assert_eq!(answer.status == 403, *scope == missing, "{method} {path} without {missing}");
                assert!(answer.status != 403 || answer.text.contains(&format!("the scope `{missing}`")));
            }
        }
    }
}

#[tokio::test]
async fn a_token_can_do_no_more_than_was_asked_for() {
    let tenant = Tenant::start().await;
    let token = tenant.token_answer(&grant_with("scope", "flows:read")).await;
    assert_eq!(answer(with_token(tenant.bare(Method::GET, "/flows"), &token)).await.status, 200);
    assert_eq!(answer(with_token(tenant.bare(Method::GET, "/intents"), &token)).await.status, 403);
}

#[tokio::test]
async fn past_the_burst_the_answer_is_429_with_whole_seconds() {
    let rate = Some(Rate { per_second: 0.4, burst: 2 });
    let tenant =
        Tenant::with(Settings { behaviour: Behaviour { rate, ..Behaviour::default() }, ..Settings::default() });
    let tenant = tenant.await;
    assert_eq!(tenant.import(&flow("flow_a", "1.0.0")).await.status, 201);
    assert_eq!(tenant.get("/flows").await.status, 200);
    let refused = tenant.get("/flows").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "3"));
    assert_eq!(tenant.token_answer(&GRANT).await.status, 200, "signing in is not limited");
    tenant.running.state().change(|behaviour| behaviour.rate = None);
    assert_eq!(tenant.get("/flows").await.status, 200);
}

#[tokio::test]
async fn other_machines_are_kept_out_unless_allowed() {
    async fn listen(allow_remote: bool) -> Result<Running, StartError> {
        Sandbox::start(Settings { allow_remote, ..Settings::default() }, "0.0.0.0:0".parse().unwrap()).await
    }
    assert!(matches!(listen(false).await, Err(StartError::Remote { .. })));
    assert!(listen(true).await.is_ok());
}

#[tokio::test]
async fn a_page_elsewhere_cannot_reach_in_by_a_name_that_points_here() {
    for (allow_remote, expected) in [(false, 421), (true, 200)] {
        let tenant = Tenant::with(Settings { allow_remote, ..Settings::default() }).await;
        for path in ["/sandbox/state", "/api/v2/flows?environmentId=env_prod"] {
            let url = format!("http://{}{path}", tenant.running.address());
            let named = |host: &str| {
                let request = tenant.client.get(&url).header("X-API-Key", "sandbox-key");
                answer(request.header("Host", host))
            };
            for host in ["evil.example", "evil.example:8480", "10.0.0.1"] {
                let refused = named(host).await;
                assert_eq!(refused.status, expected, "{host} {path}");
                assert!(allow_remote || refused.text.contains("--allow-remote"), "{}", refused.text);
            }
            for host in ["localhost:8480", "127.0.0.1", "[::1]:1"] {
                assert_eq!(named(host).await.status, 200, "{host} {path}");
            }
        }
    }
}

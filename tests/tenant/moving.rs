//! Lists that move while they are read, because other environments of the tenant deploy as well; and what
//! environments of one tenant share.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use flowsync::config::{Api, TenantAddress};
use flowsync::flow::EnvironmentId;
use flowsync::tenant::flows_v2::Connections;
use flowsync::tenant::{Call, Export, Failure, Tenant, TenantError};
use futures_util::future::join_all;

use super::server::{Act, Plain, Seen, Server, ample, good, hurry, reply};

fn number(seen: &Seen, name: &str) -> usize {
    seen.query[name].parse().unwrap()
}

fn item(id: &str, environment: &str) -> String {
    format!(r#"{{"id":"flow_{id}","environmentId":"{environment}"}}"#)
}

/// A tenant that does not filter, in the order of its list.
fn slice(seen: &Seen, items: &[String]) -> Act {
    let from = number(seen, "offset").min(items.len());
    let to = (from + number(seen, "limit")).min(items.len());
    reply(200, format!(r#"{{"items":[{}],"total":{}}}"#, items[from..to].join(","), items.len()))
}

/// Our items, each between two of others, after `n_before` more of others.
fn among_others(n_before: usize) -> Vec<String> {
    let before = (0..n_before).map(|n| item(&format!("before{n}"), "other"));
    let ours = (0..150).flat_map(|n| [item(&format!("{n}"), "env"), item(&format!("{n}"), "other")]);
    before.chain(ours).collect()
}

async fn export(server: &Server) -> Result<Export, TenantError> {
    server.client().export(&EnvironmentId("env".to_owned()), &Plain, &ample()).await
}

async fn exports_ours(list: impl Fn(&Seen) -> Vec<String> + Send + Sync + 'static) {
    let server = Server::start(move |seen: &Seen| match seen.call {
        Call::Export => slice(seen, &list(seen)),
        _ => good(seen),
    })
    .await;
    let export = export(&server).await.unwrap();
    let ids: BTreeSet<_> = export.flows.keys().map(|id| id.to_string()).collect();
    assert_eq!(ids, (0..150).map(|n| format!("flow_{n}")).collect());
}

#[tokio::test]
async fn what_other_environments_create_all_the_time_is_no_change_of_ours() {
    // At the front, so that everything moves on; at the end; and both.
    exports_ours(|seen| among_others(seen.nth)).await;
    exports_ours(|seen| {
        let more = (0..seen.nth).map(|n| item(&format!("after{n}"), "other"));
        among_others(0).into_iter().chain(more).collect()
    })
    .await;
    exports_ours(|seen| {
        let more = (0..seen.nth * 3).map(|n| item(&format!("after{n}"), "third"));
        among_others(seen.nth * 2).into_iter().chain(more).collect()
    })
    .await;
}

#[tokio::test]
async fn a_list_that_comes_to_rest_is_complete() {
    // Others are deleted at the front, so that ours move back past the pages: what is missed shows, and is read again.
    exports_ours(|seen| among_others(20_usize.saturating_sub(seen.nth))).await;
}

#[tokio::test]
async fn what_is_missed_is_missed_in_two_readings_or_not_believed() {
    // Ours move back by one item with each request: no two readings miss the same.
    let server = Server::start(|seen: &Seen| match seen.call {
        Call::Export => slice(seen, &among_others(1_000 - seen.nth)),
        _ => good(seen),
    })
    .await;
    match export(&server).await {
        Ok(export) => assert_eq!(export.flows.len(), 150),
        Err(error) => assert!(matches!(error.failure, Failure::Incomplete { .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_short_list_is_no_list_however_many_others_there_are() {
    let server = Server::start(|seen: &Seen| match seen.call {
        Call::Export => {
            let items = among_others(seen.nth);
            let from = number(seen, "offset").min(items.len());
            let to = (from + number(seen, "limit")).min(items.len());
            // Each page lacks its last item, which is counted all the same.
            let shown = items[from..to].split_last().map(|(_, items)| items.join(",")).unwrap_or_default();
            reply(200, format!(r#"{{"items":[{shown}],"total":{}}}"#, items.len()))
        }
        _ => good(seen),
    })
    .await;
    let error = export(&server).await;
    assert!(error.is_err() || error.is_ok_and(|export| export.flows.len() == 150), "all of ours, or none");
}

#[tokio::test]
async fn a_change_of_ours_is_read_again() {
    // The first reading sees an item that is gone in the next ones.
    let n_readings = AtomicUsize::new(0);
    let server = Server::start(move |seen: &Seen| match seen.call {
        Call::Export => {
            let reading = n_readings.fetch_add(usize::from(number(seen, "offset") == 0), Ordering::SeqCst);
            let mut items = among_others(seen.nth);
            if reading == 0 {
                items.push(item("gone", "env"));
            }
            slice(seen, &items)
        }
        _ => good(seen),
    })
    .await;
    assert_eq!(export(&server).await.unwrap().flows.len(), 150);
}

#[tokio::test]
async fn environments_of_one_tenant_share_token_and_throttle() {
    let server = Server::start(good).await;
    let connections = Connections::default();
    let client = |environment: &str, concurrency: usize, auth| {
        let url = format!("http://{}/api/v2", server.address).parse().unwrap();
        let environment_id = EnvironmentId(environment.to_owned());
        let address =
            TenantAddress { api: Api::FlowsV2, url, environment_id, auth, ca_file: None, allow_insecure: false };
        connections.connect_tuned(&address, NonZeroUsize::new(concurrency).unwrap(), hurry()).unwrap()
    };
    let clients: Vec<_> = (1..=20).map(|n| client(&format!("env_{n}"), n, server.oauth2())).collect();
    let (environment, limits) = (EnvironmentId("env".to_owned()), ample());
    let listed = join_all(clients.iter().map(|client| client.intents(&environment, &limits))).await;
    assert!(listed.iter().all(Result::is_ok));
    assert_eq!(server.seen(Call::Token).len(), 1, "one token for twenty environments");
    let other = client("env_1", 1, flowsync::config::Auth::ApiKey(server.secret("key")));
    other.intents(&environment, &limits).await.unwrap();
    assert!(
        server.seen(Call::Intents).last().unwrap().headers.contains_key("x-api-key"),
        "who signs in otherwise does"
    );
    // Nobody is left who uses the line: the next one signs in anew.
    drop(clients);
    client("env_1", 1, server.oauth2()).intents(&environment, &limits).await.unwrap();
    assert_eq!(server.seen(Call::Token).len(), 2);
}

//! Lists: whole, or an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flowsync::flow::EnvironmentId;
use flowsync::tenant::{Call, Export, Failure, Tenant, TenantError};

use super::server::{Act, Plain, Seen, Server, ample, good, hurry, impatient, reply};

fn number(seen: &Seen, name: &str) -> usize {
    seen.query[name].parse().unwrap()
}

fn item(n: usize) -> String {
    format!(r#"{{"id":"flow_{n}","name":"N","environmentId":"env"}}"#)
}

fn page(items: &[String], total: usize) -> Act {
    reply(200, format!(r#"{{"items":[{}],"total":{total}}}"#, items.join(",")))
}

/// The page asked for, of `items`, at most `most` long.
fn slice(seen: &Seen, items: &[String], most: usize) -> Act {
    let from = number(seen, "offset").min(items.len());
    let to = (from + number(seen, "limit").min(most)).min(items.len());
    page(&items[from..to], items.len())
}

fn items(n: usize) -> Vec<String> {
    (0..n).map(item).collect()
}

async fn export(server: &Server) -> Result<Export, TenantError> {
    server.client().export(&EnvironmentId("env".to_owned()), &Plain, &ample()).await
}

async fn exports(n: usize, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Server {
    let server =
        Server::start(move |seen: &Seen| if seen.call == Call::Export { script(seen) } else { good(seen) }).await;
    let export = export(&server).await.unwrap();
    assert_eq!(export.flows.len(), n);
    assert!(export.foreign.is_empty());
    server
}

async fn is_incomplete(n_requests: usize, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) {
    let server =
        Server::start(move |seen: &Seen| if seen.call == Call::Export { script(seen) } else { good(seen) }).await;
    let error = export(&server).await.unwrap_err();
    let Failure::Incomplete { detail } = &error.failure else { panic!("{error:?}") };
    assert!(detail.ends_with("read 5 times"), "{detail}");
    assert!(server.seen(Call::Export).len() >= n_requests, "{}", server.seen(Call::Export).len());
}

#[tokio::test]
async fn whole_lists_of_any_length_are_read() {
    for n in [0, 1, 99, 100, 101, 250, 1_000] {
        let all = items(n);
        let server = exports(n, move |seen| slice(seen, &all, 100)).await;
        assert_eq!(server.seen(Call::Export).len(), n.div_ceil(100).max(1));
    }
}

#[tokio::test]
async fn pages_are_asked_for_as_the_specification_says() {
    let all = items(101);
    let server = exports(101, move |seen| slice(seen, &all, 100)).await;
    let first = &server.seen(Call::Export)[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", "/api/v2/flows"));
    let query: Vec<_> = first.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(query, ["environmentId=env", "limit=100", "offset=0"]);
    assert_eq!(number(&server.seen(Call::Export)[1], "offset"), 100);
}

#[tokio::test]
async fn smaller_pages_than_asked_for_leave_no_hole() {
    for most in [1, 7, 30, 50, 99] {
        let all = items(205);
        exports(205, move |seen| slice(seen, &all, most)).await;
    }
}

#[tokio::test]
async fn pages_that_vary_leave_no_hole() {
    let all = items(300);
    exports(300, move |seen| slice(seen, &all, [60, 13, 41, 1, 29][number(seen, "offset") % 5])).await;
}

#[tokio::test]
async fn larger_pages_than_asked_for_are_counted_once() {
    // The limit is ignored: 40 a page, whatever is asked for.
    let all = items(100);
    exports(100, move |seen| {
        let from = number(seen, "offset");
        page(&all[from..(from + 40).min(all.len())], all.len())
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_ignores_the_environment_is_filtered() {
    let other = |n: usize| format!(r#"{{"id":"flow_{n}","name":"other","environmentId":"env_test"}}"#);
    let bare = |n: usize| format!(r#"{{"id":"flow_{n}"}}"#);
    let nil = |n: usize| format!(r#"{{"id":"flow_{n}","environmentId":null}}"#);
    // The same ids in both environments; those that name none are taken to be of the one asked about.
    let all: Vec<_> = (0..80).flat_map(|n| [item(n), other(n)]).chain((100..110).map(bare)).chain([nil(200)]).collect();
    let server = exports(91, move |seen| slice(seen, &all, 100)).await;
    assert!(server.seen(Call::Export).len() > 1);
}

#[tokio::test]
async fn items_that_are_no_flows_are_reported_and_counted() {
    let strange = [item(1), r#"{"id":"65f0-uuid"}"#.to_owned(), r#"{"id":"flow_9","name":"unreadable"}"#.to_owned()];
    let server =
        Server::start(move |seen: &Seen| if seen.call == Call::Export { page(&strange, 3) } else { good(seen) }).await;
    let export = export(&server).await.unwrap();
    assert_eq!(export.flows.len(), 1);
    assert_eq!(export.foreign.keys().collect::<Vec<_>>(), ["65f0-uuid", "flow_9"]);
    assert_eq!(export.foreign["flow_9"], "it says so");
    assert_eq!(&**export.flows.values().next().unwrap().body().unwrap(), item(1).as_bytes(), "the bytes as they came");
}

#[tokio::test]
async fn a_total_that_changes_is_read_again() {
    let n_whole = Arc::new(AtomicUsize::new(0));
    let all = items(150);
    exports(150, move |seen| {
        let from = number(seen, "offset");
        // During the first reading a flow comes into being between the pages.
        let total = if from > 0 && n_whole.fetch_add(1, Ordering::SeqCst) == 0 { 151 } else { 150 };
        page(&all[from..(from + 100).min(150)], total)
    })
    .await;
}

#[tokio::test]
async fn a_total_that_keeps_changing_is_an_error() {
    is_incomplete(6, |seen| {
        let from = number(seen, "offset");
        page(&items(150)[from.min(150)..(from + 100).min(150)], 150 + seen.nth)
    })
    .await;
}

#[tokio::test]
async fn an_id_that_comes_twice_is_an_error() {
    is_incomplete(3, |_| page(&[item(1), item(1)], 2)).await;
    is_incomplete(6, |seen| {
        let from = number(seen, "offset").min(149);
        page(&items(150)[from - usize::from(from > 0)..(from + 100).min(150)], 150)
    })
    .await;
}

#[tokio::test]
async fn a_short_list_is_never_an_absence() {
    is_incomplete(3, |_| page(&[], 5)).await;
    // The last page ends early, for good.
    is_incomplete(6, |seen| slice_with_total(seen, 140, 150)).await;
    // More items than the total.
    is_incomplete(3, |_| page(&items(3), 2)).await;
    is_incomplete(3, |_| page(&items(3), 0)).await;
}

fn slice_with_total(seen: &Seen, n: usize, total: usize) -> Act {
    let from = number(seen, "offset").min(n);
    page(&items(n)[from..(from + number(seen, "limit")).min(n)], total)
}

#[tokio::test]
async fn a_page_that_fails_for_good_fails_the_list() {
    let all = items(250);
    let server = Server::start(move |seen: &Seen| match seen.call {
        Call::Export if number(seen, "offset") == 200 => reply(500, ""),
        Call::Export => slice(seen, &all, 100),
        _ => good(seen),
    })
    .await;
    let error = export(&server).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unavailable { maybe_took_effect: false, .. }));
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_halves_and_the_list_goes_on() {
    let all = items(40);
    let server = exports(40, move |seen| match number(seen, "limit") {
        13.. => reply(413, ""),
        _ => slice(seen, &all, 100),
    })
    .await;
    let limits: Vec<_> = server.seen(Call::Export).iter().map(|seen| number(seen, "limit")).collect();
    assert_eq!(limits[..4], [100, 50, 25, 12]);
    assert!(limits[4..].iter().all(|limit| *limit <= 12));
}

#[tokio::test]
async fn a_page_that_becomes_too_large_on_the_way_goes_on_from_the_same_offset() {
    let all = items(250);
    exports(250, move |seen| match (number(seen, "offset"), number(seen, "limit")) {
        (200.., 10..) => reply(413, ""),
        _ => slice(seen, &all, 100),
    })
    .await;
}

#[tokio::test]
async fn a_page_that_times_out_is_asked_for_in_halves() {
    let all = items(30);
    let server = Server::start(move |seen: &Seen| match seen.call {
        Call::Export if number(seen, "limit") > 25 => Act::Hang,
        Call::Export => slice(seen, &all, 100),
        _ => good(seen),
    })
    .await;
    let client = server.client_with(server.oauth2(), impatient());
    let export = client.export(&EnvironmentId("env".to_owned()), &Plain, &ample()).await.unwrap();
    assert_eq!(export.flows.len(), 30);
}

#[tokio::test]
async fn intents_entities_and_variables_are_paged_in_the_same_way() {
    let server = Server::start(|seen: &Seen| match seen.call {
        Call::Token => good(seen),
        _ => slice(seen, &items(130), 60),
    })
    .await;
    let (client, env, limits) =
        (server.client_with(server.oauth2(), hurry()), EnvironmentId("env".to_owned()), ample());
    assert_eq!(client.intents(&env, &limits).await.unwrap().len(), 130);
    assert_eq!(client.entities(&env, &limits).await.unwrap().len(), 130);
    assert_eq!(client.variables(&env, &limits).await.unwrap().unwrap().len(), 130);
}

//! Every cap has a way on: smaller pages, single items, a name for what cannot be had. And every list has an end.

use std::time::Duration;

use flowsync::flow::{EnvironmentId, Reading};
use flowsync::tenant::flows_v2::Tuning;
use flowsync::tenant::{Blame, Call, Export, Failure, Tenant, TenantError};

use super::server::{Act, Plain, Seen, Server, ample, good, hurry, reply};

const CAP: u64 = 10_000;

fn number(seen: &Seen, name: &str) -> usize {
    seen.query[name].parse().unwrap()
}

/// An item of about so many bytes; with `id_last` its id comes after its padding.
fn item(n: usize, bytes: usize, id_last: bool) -> String {
    let (id, pad) = (format!(r#""id":"flow_{n}","environmentId":"env""#), format!(r#""pad":"{}""#, "x".repeat(bytes)));
    if id_last { format!("{{{pad},{id}}}") } else { format!("{{{id},{pad}}}") }
}

fn page(items: &[String], total: usize) -> Act {
    reply(200, format!(r#"{{"items":[{}],"total":{total}}}"#, items.join(",")))
}

fn slice(seen: &Seen, items: &[String]) -> Act {
    let from = number(seen, "offset").min(items.len());
    page(&items[from..(from + number(seen, "limit")).min(items.len())], items.len())
}

fn lists(items: Vec<String>) -> impl Fn(&Seen) -> Act + Send + Sync + 'static {
    move |seen| if matches!(seen.call, Call::Export | Call::Intents) { slice(seen, &items) } else { good(seen) }
}

fn capped() -> Tuning {
    Tuning { body_bytes_max: CAP, ..hurry() }
}

async fn export(server: &Server, tuning: Tuning) -> Result<Export, TenantError> {
    server.client_with(server.oauth2(), tuning).export(&EnvironmentId("env".to_owned()), &Plain, &ample()).await
}

#[tokio::test]
async fn a_page_over_the_cap_is_asked_for_in_halves() {
    let server = Server::start(lists((0..80).map(|n| item(n, 1_000, false)).collect())).await;
    assert_eq!(export(&server, capped()).await.unwrap().flows.len(), 80);
    let limits: Vec<_> = server.seen(Call::Export).iter().map(|seen| number(seen, "limit")).collect();
    assert_eq!(limits[..5], [100, 50, 25, 12, 6]);
    assert!(limits[5..].iter().all(|limit| *limit <= 6), "what was learned holds: {limits:?}");
}

#[tokio::test]
async fn an_item_over_the_cap_is_live_and_named_wherever_it_stands() {
    for at in [0, 7, 29] {
        let items = (0..30).map(|n| item(n, if n == at { 20_000 } else { 100 }, false)).collect();
        let server = Server::start(lists(items)).await;
        let export = export(&server, capped()).await.unwrap();
        assert_eq!((export.flows.len(), export.foreign.len()), (30, 0));
        for (id, flow) in &export.flows {
            let is_it = id.as_str() == format!("flow_{at}");
            let expected = if is_it { Reading::Beginning { bytes_max: CAP } } else { Reading::Whole };
            assert_eq!(*flow.reading(), expected, "{id}");
            assert_eq!(flow.body().is_ok(), !is_it, "{id}");
        }
        // Down to it, and on: one giant does not make every page a page of one.
        assert!(server.seen(Call::Export).len() < 20, "{}", server.seen(Call::Export).len());
    }
}

#[tokio::test]
async fn giants_alone_are_all_named() {
    let server = Server::start(lists((0..3).map(|n| item(n, 20_000, false)).collect())).await;
    assert_eq!(export(&server, capped()).await.unwrap().flows.len(), 3);
    let client = server.client_with(server.oauth2(), capped());
    let intents = client.intents(&EnvironmentId("env".to_owned()), &ample()).await.unwrap();
    assert_eq!(intents.len(), 3, "an id is all that matters of them");
}

#[tokio::test]
async fn a_giant_whose_id_does_not_come_in_time_is_counted_and_shown() {
    let items = (0..5).map(|n| item(n, if n == 2 { 20_000 } else { 100 }, n == 2)).collect();
    let server = Server::start(lists(items)).await;
    let export = export(&server, capped()).await.unwrap();
    assert_eq!(export.flows.len(), 4);
    let shown: Vec<_> = export.foreign.keys().collect();
    assert!(shown.len() == 1 && shown[0].starts_with(r#"without an id: {"pad":"xxx"#), "{shown:?}");
}

/// The export fails for good, in time, because the list has no end.
async fn is_endless(tuning: Tuning, expected: &str, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) {
    let server =
        Server::start(move |seen: &Seen| if seen.call == Call::Export { script(seen) } else { good(seen) }).await;
    let error = export(&server, tuning).await.unwrap_err();
    let Failure::Endless { detail } = &error.failure else { panic!("{error:?}") };
    assert!(detail.contains(expected), "{detail}");
    assert_eq!(error.blame(), Blame::Transport);
}

#[tokio::test]
async fn a_list_without_an_end_is_not_read_to_its_end() {
    let next = |seen: &Seen, n: usize, environment: &str| -> Vec<String> {
        let from = number(seen, "offset");
        (from..from + n).map(|n| format!(r#"{{"id":"flow_{n}","environmentId":"{environment}"}}"#)).collect()
    };
    let small = || Tuning { list_items_max: 1_000, own_items_max: 200, ..hurry() };
    is_endless(small(), "speaks of 1000000000000 items", move |seen| page(&next(seen, 100, "env"), 1_000_000_000_000))
        .await;
    is_endless(small(), "1001 items", move |seen| page(&next(seen, 100, "env"), 1_001)).await;
    is_endless(small(), "more than 200 items", move |seen| page(&next(seen, 100, "env"), 900)).await;
    // It grows as it is read, and never says a large number.
    is_endless(small(), "items", move |seen| page(&next(seen, 100, "other"), number(seen, "offset") + 101)).await;
}

#[tokio::test]
async fn a_list_that_takes_for_ever_is_given_up() {
    let tuning = Tuning { list_total: Duration::from_millis(50), ..hurry() };
    is_endless(tuning, "not at its end after 0.05 s", |_| Act::Hang).await;
}

#[tokio::test]
async fn the_bounds_are_far_from_what_people_have() {
    let Tuning { list_items_max, own_items_max, list_total, .. } = Tuning::default();
    assert_eq!((list_items_max, own_items_max, list_total.as_secs()), (1_000_000, 100_000, 600));
}

//! What is sent to each service, by the requests that its documentation has, and what its answers lead to.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowsync::clock::SystemClock;
use flowsync::config::Config;
use flowsync::controller::{EnvironmentReport, SyncResult};
use flowsync::notify::{MessageOutcome, Notifier, Patience};
use flowsync::revision::CommitId;

use crate::recorder::{Answer, Recorder, Seen, is_signed};

const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
const CANARY: &str = "c4nary-t0ken-of-it-all";

/// A notifier by these items of `notifications`, and what became of its messages.
struct Told {
    notifier: Notifier,
    outcomes: Arc<Mutex<Vec<(&'static str, MessageOutcome)>>>,
    /// A file that holds whatever was written last.
    secret: tempfile::NamedTempFile,
}

impl Told {
    /// In `items`, `%S` is a secret, and holds `secret`.
    fn new(items: &[&str], secret: &str) -> Self {
        // The numbers of everyday, a hundred times as fast where something waits.
        let hurry = Patience {
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_millis(50),
            request: Duration::from_millis(500),
            at_the_end: Duration::from_millis(500),
            ..Patience::default()
        };
        let outcomes: Arc<Mutex<Vec<(&'static str, MessageOutcome)>>> = Arc::default();
        let (counted, file) = (Arc::clone(&outcomes), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(file.path(), secret).unwrap();
        let tally = Arc::new(move |kind, outcome| counted.lock().unwrap().push((kind, outcome)));
        let told = Self { notifier: Notifier::tuned(Arc::new(SystemClock), tally, hurry), outcomes, secret: file };
        told.notifier.configure(&told.config(items, ""));
        told
    }

    fn config(&self, items: &[&str], forge: &str) -> Config {
        let source = format!("{{ file: '{}' }}", self.secret.path().display());
        let items: String = items.iter().map(|item| format!("  - {{ {} }}\n", item.replace("%S", &source))).collect();
        let forge = forge.replace("%S", &source);
        let environment = |name: &str| {
            format!(
                "  {name}:\n    tenant:\n      url: https://a.example/api/v2\n      environmentId: {name}\n      \
                 auth: {{ apiKey: {{ env: KEY }} }}\n"
            )
        };
        let text = format!(
            "version: 1\nrepository:\n  url: /nowhere.git\n{forge}environments:\n{}{}notifications:\n{items}",
            environment("production"),
            environment("staging")
        );
        Config::parse(&text, Path::new("flowsync.yaml")).unwrap()
    }

    fn hears(&self, environment: &str, result: SyncResult) {
        let commit = Some(CommitId(COMMIT.to_owned()));
        let report = EnvironmentReport { commit, ..EnvironmentReport::new(environment, result) };
        self.notifier.ended(&report);
    }

    async fn has(&self, outcomes: &[(&'static str, MessageOutcome)]) {
        let start = Instant::now();
        while self.outcomes.lock().unwrap().len() < outcomes.len() {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", self.outcomes.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut found = self.outcomes.lock().unwrap().clone();
        found.sort();
        assert_eq!(found, outcomes);
    }
}

fn header<'a>(seen: &'a Seen, name: &str) -> &'a str {
    seen.headers.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn a_webhook_gets_a_signed_body_and_the_words_of_what_happened() {
    let server = Recorder::start();
    let url = server.url();
    let told = Told::new(&[&format!("kind: webhook, url: '{url}/hooks/x', secret: %S")], CANARY);
    told.hears("production", SyncResult::Refused);
    told.hears("production", SyncResult::Refused);
    told.hears("production", SyncResult::InSync);
    told.has(&[("webhook", MessageOutcome::Sent); 2]).await;
    let seen = server.seen();
    for (seen, event) in seen.iter().zip(["refused", "recovered"]) {
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/hooks/x"));
        assert!(is_signed(seen, CANARY), "{seen:?}");
        assert_eq!(header(seen, "content-type"), "application/json");
        assert_eq!((header(seen, "x-flowsync-event"), seen.json()["event"].as_str()), (event, Some(event)));
        assert!(header(seen, "user-agent").starts_with("flowsync/"));
        assert_eq!(seen.json()["commit"], COMMIT);
    }
    assert_eq!((seen[1].json()["previousResult"].as_str(), seen.len()), (Some("refused"), 2));
    assert_ne!(header(&seen[0], "x-flowsync-delivery"), header(&seen[1], "x-flowsync-delivery"));
}

#[tokio::test]
async fn slack_and_teams_are_found_where_the_secret_says_now() {
    let (before, after) = (Recorder::start(), Recorder::start());
    for (kind, path) in
        [("slack", "/services/T0/B0/c4nary"), ("teams", "/workflows/0/triggers/manual?sig=c4nary&sv=1.0")]
    {
        let told = Told::new(&[&format!("kind: {kind}, url: %S")], &format!("{}{path}\n", before.url()));
        told.hears("production", SyncResult::Error);
        told.has(&[(kind, MessageOutcome::Sent)]).await;
        std::fs::write(told.secret.path(), format!("{}{path}", after.url())).unwrap();
        told.hears("production", SyncResult::InSync);
        told.has(&[(kind, MessageOutcome::Sent); 2]).await;
        for server in [&before, &after] {
            let seen = server.seen().pop().unwrap();
            assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", path));
            assert_eq!(header(&seen, "content-type"), "application/json");
            let body = seen.json();
            if kind == "slack" {
                assert_eq!(body["blocks"][0]["type"], "section");
            } else {
                assert_eq!(body["type"], "message");
                assert_eq!(body["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
                assert_eq!(body["attachments"][0]["content"]["type"], "AdaptiveCard");
            }
        }
    }
}

#[tokio::test]
async fn a_status_is_set_on_the_commit_as_each_forge_documents_it() {
    for (kind, path, signature) in [
        (
            "github-status",
            format!("/repos/acme/flows/statuses/{COMMIT}"),
            ("authorization", format!("Bearer {CANARY}")),
        ),
        (
            "gitlab-status",
            format!("/api/v4/projects/acme%2Fflows/statuses/{COMMIT}"),
            ("private-token", CANARY.to_owned()),
        ),
    ] {
        let server = Recorder::start();
        server.always(Answer::with(201, ("content-type", "application/json"), "{}"));
        let url = server.url();
        let told = Told::new(&[], CANARY);
        // All of it from the repository's forge.
        let (forge, _) = kind.split_once('-').unwrap();
        let forge = format!("  forge: {{ kind: {forge}, project: acme/flows, token: %S, url: '{url}' }}\n");
        told.notifier.configure(&told.config(&[&format!("kind: {kind}")], &forge));
        told.notifier.began("production", &CommitId(COMMIT.to_owned()));
        told.hears("production", SyncResult::Deployed);
        told.hears("production", SyncResult::Refused);
        told.has(&[(kind, MessageOutcome::Sent); 3]).await;
        let failure = if kind == "github-status" { "failure" } else { "failed" };
        for (seen, state) in server.seen().iter().zip(["pending", "success", failure]) {
            assert_eq!((seen.method.as_str(), &seen.path), ("POST", &path));
            assert_eq!(header(seen, signature.0), signature.1);
            let body = seen.json();
            assert_eq!((body["state"].as_str(), body["context"].as_str()), (Some(state), Some("flowsync/production")));
            assert_eq!(body.as_object().unwrap().len(), 3);
            if kind == "github-status" {
                assert_eq!(header(seen, "accept"), "application/vnd.github+json");
                assert_eq!(header(seen, "x-github-api-version"), "2022-11-28");
            }
        }
    }
}

#[tokio::test]
async fn a_status_that_is_set_already_is_no_failure() {
    let server = Recorder::start();
    let said = r#"{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")"}"#;
    server.always(Answer::with(400, ("content-type", "application/json"), said));
    let url = server.url();
    let told = Told::new(&[&format!("kind: gitlab-status, url: '{url}', project: a/b, token: %S")], CANARY);
    told.notifier.began("production", &CommitId(COMMIT.to_owned()));
    told.has(&[("gitlab-status", MessageOutcome::Sent)]).await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    for (answers, outcome, n_tries) in [
        (vec![Answer::status(500), Answer::Drop, Answer::status(503)], MessageOutcome::Sent, 4),
        (vec![Answer::with(429, ("retry-after", "0"), ""), Answer::status(429)], MessageOutcome::Sent, 3),
        (vec![Answer::Hang], MessageOutcome::Sent, 2),
        (vec![Answer::status(404)], MessageOutcome::Failed, 1),
        (vec![Answer::status(400)], MessageOutcome::Failed, 1),
    ] {
        let server = Recorder::start();
        answers.iter().for_each(|answer| server.answer(answer.clone()));
        let told = Told::new(&[&format!("kind: webhook, url: '{}'", server.url())], CANARY);
        told.hears("production", SyncResult::Error);
        told.has(&[("webhook", outcome)]).await;
        assert_eq!(server.n_seen(), n_tries, "{answers:?}");
        let deliveries: Vec<Seen> = server.seen();
        assert!(
            deliveries
                .iter()
                .all(|seen| header(seen, "x-flowsync-delivery") == header(&deliveries[0], "x-flowsync-delivery"))
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, other) = (Recorder::start(), Recorder::start());
    for status in [301, 302, 307, 308] {
        server.answer(Answer::with(status, ("location", &other.url()), ""));
        let told = Told::new(&[&format!("kind: webhook, url: '{}', secret: %S", server.url())], CANARY);
        told.hears("production", SyncResult::Error);
        told.has(&[("webhook", MessageOutcome::Failed)]).await;
    }
    assert_eq!((server.n_seen(), other.n_seen()), (4, 0));
}

#[tokio::test]
async fn only_what_is_wanted_is_told() {
    let server = Recorder::start();
    let url = server.url();
    let items = [
        format!("kind: webhook, url: '{url}/one', events: [error], environments: [staging]"),
        format!("kind: webhook, url: '{url}/other', events: [recovered]"),
    ];
    let told = Told::new(&[&items[0], &items[1]], CANARY);
    for environment in ["production", "staging"] {
        told.hears(environment, SyncResult::Error);
        told.hears(environment, SyncResult::Deployed);
    }
    told.has(&[("webhook", MessageOutcome::Sent); 3]).await;
    told.notifier.close().await;
    let mut paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    paths.sort();
    assert_eq!(paths, ["/one", "/other", "/other"]);
}

#[tokio::test]
async fn a_target_that_hangs_holds_up_nobody_and_the_end_is_near() {
    let (dead, alive) = (Recorder::start(), Recorder::start());
    dead.always(Answer::Hang);
    let items =
        [dead.url(), alive.url(), "http://127.0.0.1:1".to_owned()].map(|url| format!("kind: webhook, url: '{url}'"));
    let told = Told::new(&[&items[0], &items[1], &items[2]], CANARY);
    told.hears("production", SyncResult::Error);
    told.hears("production", SyncResult::InSync);
    told.has(&[("webhook", MessageOutcome::Sent); 2]).await;
    assert_eq!(alive.n_seen(), 2);
    let start = Instant::now();
    told.notifier.close().await;
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(told.outcomes.lock().unwrap().len(), 6, "each message became something");
}

#[tokio::test]
async fn whoever_stays_in_the_configuration_hears_nothing_twice() {
    let server = Recorder::start();
    let item = format!("kind: webhook, url: '{}'", server.url());
    let told = Told::new(&[&item], CANARY);
    told.hears("production", SyncResult::Error);
    told.notifier.configure(&told.config(&["kind: webhook, url: 'http://127.0.0.1:1'", &item], ""));
    told.hears("production", SyncResult::Error);
    told.notifier.configure(&told.config(&[&item], ""));
    told.hears("production", SyncResult::InSync);
    told.has(&[("webhook", MessageOutcome::Sent); 2]).await;
    told.notifier.close().await;
    assert_eq!(
        server.seen().iter().map(|seen| seen.json()["event"].clone()).collect::<Vec<_>>(),
        ["error", "recovered"]
    );
}

//! What may be asked of a running controller, and by whom.

use crate::listening::Listening;
use crate::support::{Place, until};

const TOKEN: &str = "c4nary-t0ken";

fn bearer(token: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {token}"))
}

/// A place whose first pass is over, with lines of `server:`.
fn serving(server: &str) -> Place {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let text = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    std::fs::write(place.path("flowsync.yaml"), format!("{text}{server}")).unwrap();
    place
}

/// Asks for a pass of an environment.
fn ask(controller: &Listening, environment: &str, token: Option<&str>) -> u16 {
    let headers: Vec<(&str, String)> = token.map(bearer).into_iter().collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    controller.ask("POST", &format!("/api/v1/environments/{environment}/sync"), &headers, "").status
}

#[test]
fn whoever_has_the_token_may_ask_for_a_pass_and_a_rotated_one_counts_at_once() {
    let place = serving("server:\n  token: { file: token }\n");
    std::fs::write(place.path("token"), format!("{TOKEN}\n")).unwrap();
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    assert_eq!(ask(&controller, "production", Some(TOKEN)), 202);
    controller.until_passes("production", 2);
    assert_eq!(ask(&controller, "nowhere", Some(TOKEN)), 404);
    for (environment, token) in [("production", None), ("production", Some("another")), ("nowhere", None)] {
        assert_eq!(ask(&controller, environment, token), 401, "{environment} {token:?}");
    }
    let by_get = controller.ask("GET", "/api/v1/environments/production/sync", &[], "");
    assert_eq!(by_get.status, 405);
    std::fs::write(place.path("token"), "next\n").unwrap();
    assert_eq!((ask(&controller, "production", Some(TOKEN)), ask(&controller, "production", Some("next"))), (401, 202));
    controller.until_passes("production", 3);
    // A token that cannot be read lets nobody in, and is no mystery.
    std::fs::remove_file(place.path("token")).unwrap();
    assert_eq!(ask(&controller, "production", Some("next")), 500);
    controller.until_said("server.token");
    assert_eq!(controller.n_passes("production"), 3, "whoever was refused woke nobody");
    let ended = controller.stop().exits(0);
    assert!(!ended.stderr.contains("c4nary"), "{}", ended.stderr);
}

#[test]
fn without_a_token_nobody_may_ask_for_a_pass() {
    let place = serving("");
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    for token in [None, Some(""), Some(TOKEN)] {
        assert_eq!(ask(&controller, "production", token), 401, "{token:?}");
    }
    controller.stop().exits(0);
}

#[test]
fn with_a_token_for_readers_only_the_probes_are_open() {
    let mut place = serving("server:\n  token: { env: TOKEN }\n  readToken: { env: READ_TOKEN }\n");
    place.set("TOKEN", TOKEN);
    place.set("READ_TOKEN", "c4nary-read");
    place.tenant.fails("- { match: { call: export }, fault: { delay: { before: 10m } } }");
    let controller = Listening::start(&place);
    for path in ["/metrics", "/api/v1/status", "/"] {
        let refused = controller.ask("GET", path, &[], "");
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.head.to_lowercase().contains("www-authenticate: bearer"), "{}", refused.head);
        assert!(!refused.body.contains("production"), "{}", refused.body);
        for (token, status) in [(TOKEN, 401), ("c4nary-rea", 401), ("c4nary-read", 200)] {
            let (name, value) = bearer(token);
            assert_eq!(controller.ask("GET", path, &[(name, &value)], "").status, status, "{path} {token}");
        }
    }
    // Who may read may not ask for a pass.
    assert_eq!(ask(&controller, "production", Some("c4nary-read")), 401);
    assert_eq!(controller.ask("GET", "/healthz", &[], "").status, 200);
    let ready = controller.ask("GET", "/readyz", &[], "");
    assert_eq!((ready.status, ready.body.as_str()), (503, "production: waiting\n"));
    let ended = controller.stop().exits(0);
    assert!(!ended.stderr.contains("c4nary"), "{}", ended.stderr);
}

#[test]
fn a_pass_that_is_stuck_shows_in_health_until_one_ends_in_time() {
    let place = Place::with("interval: 1h\npassDeadline: 1s", &["a 1.0.0"]);
    place.tenant.fails("- { match: { call: export }, fault: { delay: { before: 10m } } }");
    let controller = Listening::start(&place);
    let health = || controller.ask("GET", "/healthz", &[], "");
    until("it is stuck", || health().status == 503);
    assert_eq!(health().body, "production: a pass took longer than `sync.passDeadline`\n");
    controller
        .until_said("alarm: production: this pass takes longer than `sync.passDeadline` (1s); it is asked to end");
    // It has had a pass, whatever its result.
    until("its pass has ended", || controller.ask("GET", "/readyz", &[], "").status == 200);
    assert_eq!(controller.ask("GET", "/readyz", &[], "").body, "production: error\n");
    place.tenant.heals();
    until("it is well again", || health().status == 200);
    until("it is deployed", || place.tenant.live() == "a 1.0.0");
    controller.stop().exits(0);
}

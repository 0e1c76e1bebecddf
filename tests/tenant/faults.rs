//! The failure table, row by row, at every call site.

use std::time::Duration;

use flowsync::tenant::flows_v2::Tuning;
use flowsync::tenant::{Blame, Call, CallLimits, Failure, StartLimit};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::server::{Act, CANARY, Server, ample, hurry, impatient, make, reply, reply_with};

const CALLS: [Call; 9] = [
    Call::Token,
    Call::Export,
    Call::Intents,
    Call::Entities,
    Call::Variables,
    Call::Import,
    Call::Status,
    Call::Rollback,
    Call::Delete,
];

fn writes(call: Call) -> bool {
    matches!(call, Call::Import | Call::Rollback | Call::Delete)
}

fn lists(call: Call) -> bool {
    matches!(call, Call::Export | Call::Intents | Call::Entities | Call::Variables)
}

fn once(nth: usize) -> bool {
    nth == 0
}

fn always(_: usize) -> bool {
    true
}

/// After one fault the call goes well, with `n_requests` in all.
async fn recovers(act: Act, n_requests: usize) {
    for call in CALLS {
        let server = Server::faulty(call, act.clone(), once).await;
        let tuning = if matches!(act, Act::Hang) { impatient() } else { hurry() };
        let made = make(&server.client_with(server.oauth2(), tuning), call, &ample()).await;
        assert!(made.is_ok(), "{call} after {act:?}: {made:?}");
        assert_eq!(server.seen(call).len(), n_requests, "{call} after {act:?}");
    }
}

/// The call fails as `expected` says (`None`: it goes well), after `n_requests`.
async fn fails(act: Act, calls: &[Call], n_requests: usize, expected: impl Fn(Call, &Failure) -> bool) {
    for call in calls.iter().copied() {
        let server = Server::faulty(call, act.clone(), always).await;
        let error = make(&server.client(), call, &ample()).await.expect_err(call.as_str());
        assert!(expected(call, &error.failure), "{call} meets {act:?}: {error:?}");
        assert_eq!(error.call, call);
        assert_eq!(error.attempts as usize, n_requests, "{call} meets {act:?}");
        assert_eq!(server.seen(call).len(), n_requests, "{call} meets {act:?}");
    }
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "an HTTP date is one of the wall clock")]
async fn a_429_is_waited_out() {
    recovers(reply(429, ""), 2).await;
    recovers(reply_with(429, "Retry-After", 1, "{}"), 2).await;
    let date = jiff::Timestamp::now() + Duration::from_secs(2);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
    recovers(reply_with(429, "Retry-After", date, "{}"), 2).await;
    recovers(Act::Short { status: 429, body: Vec::new() }, 2).await;
}

#[tokio::test]
async fn a_5xx_is_tried_again() {
    for status in [500, 502, 503, 504] {
        recovers(reply(status, "<html>gateway</html>"), 2).await;
    }
    recovers(reply_with(503, "Retry-After", 1, ""), 2).await;
    recovers(Act::Short { status: 503, body: b"half".to_vec() }, 2).await;
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    recovers(Act::Drop, 2).await;
    recovers(Act::Short { status: 200, body: br#"{"items":[],"total":0}"#.to_vec() }, 2).await;
    recovers(Act::Short { status: 400, body: b"{}".to_vec() }, 2).await;
}

#[tokio::test]
async fn a_time_out_is_tried_again() {
    recovers(Act::Hang, 2).await;
}

#[tokio::test]
async fn six_tries_are_the_end_and_a_write_may_have_taken_effect() {
    for act in [reply(500, "x"), reply(502, ""), reply(503, ""), reply(504, ""), Act::Drop] {
        let unavailable = |call, failure: &Failure| matches!(failure, Failure::Unavailable { maybe_took_effect, .. } if *maybe_took_effect == writes(call));
        fails(act, &CALLS, 6, unavailable).await;
    }
}

#[tokio::test]
async fn answers_that_never_come_are_the_end_after_six_time_outs() {
    join_all(CALLS.map(async |call| {
        let server = Server::faulty(call, Act::Hang, always).await;
        let tuning = Tuning { page_items: 4, ..impatient() };
        let error = make(&server.client_with(server.oauth2(), tuning), call, &ample()).await.unwrap_err();
        let Failure::Unavailable { detail, maybe_took_effect } = &error.failure else { panic!("{error:?}") };
        assert!(detail.starts_with("no whole answer within"), "{detail}");
        assert_eq!(*maybe_took_effect, writes(call));
        // A page is first asked for in halves: 4, 2, and then 1 six times.
        assert_eq!(error.attempts, if lists(call) { 8 } else { 6 }, "{call}");
    }))
    .await;
}

#[tokio::test]
async fn a_connection_that_is_refused_changes_nothing() {
    for call in CALLS {
        let server = Server::faulty(Call::Token, reply(200, "{}"), always).await;
        // The token endpoint is asked first, whatever the call, where there is one.
        let auth = match call {
            Call::Token => server.oauth2(),
            _ => flowsync::config::Auth::ApiKey(server.secret("key")),
        };
        let client = server.client_with(auth, hurry());
        let detail = format!("cannot connect to `http://{}`: connection refused", server.address);
        let _secrets = server.close().await;
        let error = make(&client, call, &ample()).await.unwrap_err();
        assert_eq!(error.call, call);
        assert_eq!(error.failure, Failure::Unavailable { detail, maybe_took_effect: false });
        assert_eq!((error.attempts, error.blame()), (6, Blame::Transport));
    }
}

#[tokio::test]
async fn a_429_for_ever_ends_with_the_patience() {
    for call in CALLS {
        let server = Server::faulty(call, reply_with(429, "Retry-After", 3, ""), always).await;
        let give_up_at = Instant::now() + Duration::from_millis(100);
        let limits = CallLimits { lease: StartLimit::none(), give_up_at };
        let error = make(&server.client(), call, &limits).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Throttled { .. }), "{error:?}");
        assert!(!error.maybe_took_effect());
        assert!((1..=4).contains(&server.seen(call).len()), "{call}: {}", server.seen(call).len());
    }
}

#[tokio::test]
async fn a_400_shows_its_violations_and_is_not_tried_again() {
    let body = format!(
        r#"{{"error":"invalid flow {CANARY}-id {CANARY}-secret","violations":[{{"path":"/nodes/0","message":"no\u001b[31m"}},"two"]}}"#
    );
    let expected = "invalid flow *** ***: /nodes/0: no\\u{1b}[31m; two";
    fails(reply(400, body), &CALLS, 1, |call, failure| match failure {
        Failure::Unauthorized { message } => call == Call::Token && message.contains("invalid flow"),
        Failure::Refused { status: 400, message } => message == expected,
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn a_token_that_the_tenant_echoes_is_not_shown() {
    let bodies = [format!("<p>{CANARY}-token-0"), format!(r#"{{"message":"Bearer {CANARY}-token-0"}}"#)];
    for (body, status) in bodies.iter().flat_map(|body| [400, 403, 409, 422, 500, 503].map(|status| (body, status))) {
        for call in &CALLS[1..] {
            let server = Server::faulty(*call, reply(status, body), always).await;
            let error = make(&server.client(), *call, &ample()).await.unwrap_err();
            assert!(error.to_string().contains("***"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_403_names_the_scope() {
    fails(reply(403, r#"{"message":"not you"}"#), &CALLS, 1, |call, failure| match failure {
        Failure::Unauthorized { message } => call == Call::Token && message.contains("403: not you"),
        Failure::Forbidden { scope, message } => *scope == call.scope() && message == "not you",
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn a_404_is_an_answer_to_some_and_never_an_absence() {
    let refused = [Call::Export, Call::Intents, Call::Entities, Call::Import, Call::Rollback];
    fails(reply(404, ""), &refused, 1, |_, failure| matches!(failure, Failure::Refused { status: 404, .. })).await;
    fails(reply(404, ""), &[Call::Status], 6, |_, failure| {
        matches!(failure, Failure::Unavailable { maybe_took_effect: false, .. })
    })
    .await;
    for (call, expected) in [(Call::Variables, "None"), (Call::Delete, "()")] {
        let server = Server::faulty(call, reply(404, "<html>"), always).await;
        assert_eq!(make(&server.client(), call, &ample()).await.as_deref(), Ok(expected));
    }
    let server = Server::faulty(Call::Status, reply(404, ""), |nth| nth < 5).await;
    assert_eq!(make(&server.client(), Call::Status, &ample()).await.as_deref(), Ok("Deployed"));
}

#[tokio::test]
async fn what_the_tenant_cannot_do_is_said_at_once() {
    for status in [405, 501] {
        fails(reply(status, ""), &CALLS[1..], 1, |_, failure| *failure == Failure::Unsupported { status }).await;
    }
}

#[tokio::test]
async fn a_login_page_is_no_answer() {
    let page = format!("<html>\n<b>{CANARY}-secret</b>{}", "x".repeat(300));
    let expected = format!("<html>\\n<b>***</b>{}…", "x".repeat(200 - 17));
    fails(reply(200, page), &CALLS, 1, |call, failure| match failure {
        Failure::Garbage { excerpt } => call == Call::Token || *excerpt == expected,
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn json_of_another_shape_is_no_answer_either() {
    for body in ["[]", "{}", r#"{"items":{},"total":1,"status":7}"#, r#"{"items":[7],"total":1}"#, ""] {
        let calls = [Call::Token, Call::Export, Call::Intents, Call::Entities, Call::Variables, Call::Status];
        fails(reply(200, body), &calls, 1, |_, failure| matches!(failure, Failure::Garbage { .. })).await;
    }
    // A token under another name is not quoted.
    let token = format!(r#"{{"accessToken":"{CANARY}-other"}}"#);
    fails(reply(200, token), &[Call::Token], 1, |_, failure| matches!(failure, Failure::Garbage { .. })).await;
    fails(reply(202, "{}"), &[Call::Import], 1, |_, failure| matches!(failure, Failure::Garbage { .. })).await;
}

#[tokio::test]
async fn a_second_401_is_the_end() {
    fails(reply(401, r#"{"message":"who?"}"#), &CALLS[1..], 2, |_, failure| {
        *failure == Failure::Unauthorized { message: "the tenant answered 401: who?".to_owned() }
    })
    .await;
    fails(reply(401, r#"{"error":"invalid_client","error_description":"who?"}"#), &[Call::Token], 1, |_, failure| {
        let message = "the token endpoint answered 401: invalid_client: who?".to_owned();
        *failure == Failure::Unauthorized { message }
    })
    .await;
}

#[tokio::test]
async fn a_flow_that_somebody_is_editing_is_waited_for_and_is_no_fault_of_the_flow() {
    let writes = [Call::Import, Call::Rollback, Call::Delete];
    let others = [Call::Export, Call::Intents, Call::Entities, Call::Variables, Call::Status];
    for status in [409, 423] {
        for call in writes {
            let server = Server::faulty(call, reply(status, r#"{"message":"somebody edits it"}"#), |nth| nth < 3).await;
            assert!(make(&server.client(), call, &ample()).await.is_ok());
            assert_eq!(server.seen(call).len(), 4);
            let server = Server::faulty(call, reply(status, r#"{"message":"somebody edits it"}"#), always).await;
            let error = make(&server.client(), call, &ample()).await.unwrap_err();
            assert_eq!((error.blame(), error.maybe_took_effect(), error.attempts), (Blame::Transport, false, 6));
            assert!(error.to_string().contains(&format!("answered {status} ")), "{error}");
            assert!(error.to_string().ends_with("somebody edits it"), "{error}");
        }
        fails(reply(status, ""), &others, 1, |_, failure| matches!(failure, Failure::Refused { .. })).await;
    }
}

#[tokio::test]
async fn a_413_is_the_end_of_all_but_pages() {
    let refused = [Call::Import, Call::Status, Call::Rollback, Call::Delete];
    fails(reply(413, ""), &refused, 1, |_, failure| matches!(failure, Failure::Refused { status: 413, .. })).await;
    let pages = [Call::Export, Call::Intents, Call::Entities, Call::Variables];
    // 100, 50, 25, 12, 6, 3, 1.
    fails(reply(413, ""), &pages, 7, |_, failure| matches!(failure, Failure::Refused { status: 413, .. })).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_comes() {
    for act in [Act::Flood, reply(200, " ".repeat(5_000))] {
        for call in CALLS {
            let server = Server::faulty(call, act.clone(), always).await;
            let tuning = Tuning { body_bytes_max: 4_999, ..hurry() };
            let error = make(&server.client_with(server.oauth2(), tuning), call, &ample()).await.unwrap_err();
            assert_eq!(error.failure, Failure::TooLarge { limit_bytes: 4_999 }, "{call} meets {act:?}");
            // Pages are asked for in halves first: 100, 50, 25, 12, 6, 3, 1.
            assert_eq!(server.seen(call).len(), if lists(call) { 7 } else { 1 });
        }
    }
}

#[tokio::test]
async fn the_limit_is_64_mebibytes() {
    assert_eq!(Tuning::default().body_bytes_max, 64 << 20);
}

//! Credentials never follow a redirect to another host.

use flowsync::tenant::{Call, Failure};

use super::server::{Seen, Server, ample, good, make, reply_with};

const CALLS: [Call; 6] = [Call::Token, Call::Export, Call::Import, Call::Status, Call::Rollback, Call::Delete];

#[tokio::test]
async fn a_redirect_to_another_host_is_refused_and_named() {
    for status in [301, 302, 303, 307, 308] {
        for call in CALLS {
            let elsewhere = Server::start(good).await;
            let target = format!("http://{}/api/v2/flows?token=c4nary", elsewhere.address);
            let server = Server::faulty(call, reply_with(status, "Location", target, ""), |_| true).await;
            let error = make(&server.client(), call, &ample()).await.unwrap_err();
            let Failure::Refused { status: found, message } = &error.failure else { panic!("{error:?}") };
            assert_eq!(*found, status);
            assert!(message.contains(&format!("http://{}", elsewhere.address)), "{message}");
            assert!(CALLS.iter().all(|call| elsewhere.seen(*call).is_empty()));
            assert_eq!(server.seen(call).len(), 1);
        }
    }
}

#[tokio::test]
async fn a_redirect_within_the_tenant_is_followed_for_reads() {
    let server = Server::start(|seen: &Seen| match (seen.call, seen.nth) {
        (Call::Export | Call::Status, 0) => reply_with(307, "Location", format!("{}?moved=1", seen.path), ""),
        _ => good(seen),
    })
    .await;
    for call in [Call::Export, Call::Status] {
        make(&server.client(), call, &ample()).await.unwrap();
        let second = &server.seen(call)[1];
        assert_eq!(second.query["moved"], "1");
        assert!(second.headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn a_redirect_within_the_tenant_is_not_followed_for_writes() {
    for call in [Call::Import, Call::Rollback, Call::Delete] {
        let server = Server::faulty(call, reply_with(307, "Location", "/api/v2/flows", ""), |_| true).await;
        let error = make(&server.client(), call, &ample()).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Refused { status: 307, .. }));
    }
}

#[tokio::test]
async fn redirects_that_go_round_in_circles_end() {
    let server =
        Server::faulty(Call::Status, reply_with(302, "Location", "/api/v2/flows/flow_a/status", ""), |_| true).await;
    let error = make(&server.client(), Call::Status, &ample()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unavailable { .. }), "{error:?}");
}

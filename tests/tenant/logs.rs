//! What is logged, and what never is.

use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex};

use flowsync::tenant::Call;
use flowsync::tenant::flows_v2::Tuning;
use futures_util::future::join;
use tracing_subscriber::filter::LevelFilter;

use super::server::{Act, CANARY, Seen, Server, ample, good, make, reply, reply_with};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Alone in a process: which events are of interest is found out once for all threads, and other tests
/// have no subscriber.
#[test]
fn every_request_is_logged_and_no_secret_is_at_any_level() {
    let arguments = ["--exact", "tenant::logs::alone", "--ignored"];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn alone() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
    let guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
    let server = Server::start(|seen: &Seen| match (seen.call, seen.nth) {
        (Call::Status, 0) => reply_with(429, "Retry-After", 1, &format!("{CANARY}-token-0")),
        (Call::Status, 1) => reply(401, format!("{CANARY}-token-0")),
        (Call::Status, 2) => reply(503, format!("{CANARY}-token-1")),
        (Call::Status, 3) => Act::Drop,
        (Call::Import, _) => reply(400, format!(r#"{{"error":"{CANARY}-token-1"}}"#)),
        _ => good(seen),
    })
    .await;
    let client = server.client();
    make(&client, Call::Status, &ample()).await.unwrap();
    make(&client, Call::Import, &ample()).await.unwrap_err();
    a_long_wait_is_said(&buffer).await;
    assert!(!format!("{client:?} {client:#?}").contains(CANARY));
    drop(guard);
    let logged = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(!logged.contains(CANARY), "{logged}");
    assert_eq!(logged.matches("http::waits").count(), 1, "only the long wait, once for all who wait: {logged}");
    assert!(!logged.contains("environmentId="), "a query is logged: {logged}");
    for part in ["slowing down", "/api/v2/flows/flow_a/status", "status=429", "status=503", "attempt=4", "/oauth/token"]
    {
        assert!(logged.contains(part), "{part}: {logged}");
    }
}

/// Longer than 5 s, so that it is said; nobody waits for its end here.
async fn a_long_wait_is_said(buffer: &Buffer) {
    let body = format!("closed {CANARY}-token-0");
    let server = Server::faulty(Call::Status, reply_with(503, "Retry-After", 17, &body), |_| true).await;
    let client = server.client_with(server.oauth2(), Tuning::default());
    let said = || String::from_utf8_lossy(&buffer.0.lock().unwrap()).contains("waiting 17 s for `127.0.0.1:");
    let (first, second) = (ample(), ample());
    let calls = join(make(&client, Call::Status, &first), make(&client, Call::Status, &second));
    let until_said = async {
        while server.seen(Call::Status).len() < 2 || !said() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = calls => panic!("{ended:?}"),
        () = until_said => {}
    }
    let logged = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("Z: the tenant answered 503 Service Unavailable: closed ***"), "{logged}");
}

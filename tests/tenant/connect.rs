//! Making a client, proxies, and reaching what is no tenant at all.

use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use flowsync::config::{Api, Auth, TenantAddress};
use flowsync::flow::EnvironmentId;
use flowsync::tenant::flows_v2::{Client, ConnectError};
use flowsync::tenant::{Call, Failure};
use flowsync::tls::CaFileError;

use super::server::{Act, CANARY, Seen, Server, ample, good, hurry, make, reply};

fn address(server: &Server, url: &str) -> TenantAddress {
    TenantAddress {
        api: Api::FlowsV2,
        url: url.parse().unwrap(),
        environment_id: EnvironmentId("env".to_owned()),
        auth: Auth::ApiKey(server.secret("key")),
        ca_file: None,
        allow_insecure: false,
    }
}

#[tokio::test]
async fn a_ca_file_that_is_no_good_is_named() {
    let server = Server::start(good).await;
    let connect = |name: &str| {
        let ca_file = Some(server.secrets().join(name));
        let address = TenantAddress { ca_file, ..address(&server, "https://tenant.example/api/v2") };
        Client::connect(&address, NonZeroUsize::MIN).unwrap_err()
    };
    assert!(matches!(connect("missing"), ConnectError::CaFile { source: CaFileError::Unreadable { .. }, .. }));
    assert!(matches!(connect("key"), ConnectError::CaFile { source: CaFileError::Empty { .. }, .. }));
    let said = flowsync::error_chain(&connect("missing"));
    assert!(said.contains("`tenant.caFile`") && said.contains("/missing`: No such file"), "{said}");
}

#[tokio::test]
async fn a_host_that_does_not_speak_tls_is_named_as_such() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            _ = stream.read(&mut [0; 1024]);
        }
    });
    let server = Server::start(good).await;
    let address = address(&server, &format!("https://127.0.0.1:{port}/api/v2"));
    let client = Client::connect_tuned(&address, NonZeroUsize::MIN, hurry()).unwrap();
    let error = make(&client, Call::Import, &ample()).await.unwrap_err();
    let Failure::Unavailable { detail, maybe_took_effect: false } = &error.failure else { panic!("{error:?}") };
    let expected = format!("cannot connect to `https://127.0.0.1:{port}`: what answers there does not speak TLS");
    assert!(detail.starts_with(&expected), "{detail}");
}

/// `{"status":"deployed"}`, compressed.
const ZIPPED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x2e\x49\x2c\x29\x2d\x56\xb2\x52\x4a\x49\x2d\xc8\xc9\xaf\x4c\x4d\x51\xaa\x05\x00\x97\x36\xbc\xb8\x15\x00\x00\x00";

#[tokio::test]
async fn a_compressed_answer_is_read_and_a_torn_one_is_asked_for_again() {
    let zipped = |n_bytes: usize| Act::Reply {
        status: 200,
        headers: vec![("Content-Encoding".to_owned(), "gzip".to_owned())],
        body: ZIPPED[..n_bytes].to_vec(),
    };
    let server = Server::start(move |seen: &Seen| match (seen.call, seen.nth) {
        (Call::Status, 0) => zipped(ZIPPED.len() - 12),
        (Call::Status, _) => zipped(ZIPPED.len()),
        _ => good(seen),
    })
    .await;
    assert_eq!(make(&server.client(), Call::Status, &ample()).await.as_deref(), Ok("Deployed"));
    assert_eq!(server.seen(Call::Status).len(), 2);
}

/// The environment belongs to the process, so another one is asked.
#[test]
fn no_proxy_means_what_it_means_for_git_and_the_password_of_a_proxy_is_not_shown() {
    let (proxy, asked) = refusing_proxy();
    let is_asked = |no_proxy: &str| {
        asked.lock().unwrap().clear();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture", "tenant::connect::asks_as_the_environment_says"])
            .env("HTTPS_PROXY", format!("http://ann:{CANARY}@127.0.0.1:{proxy}"))
            .env("NO_PROXY", no_proxy)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!format!("{output:?}").contains(CANARY), "{said}");
        let was_asked = !asked.lock().unwrap().is_empty();
        assert_eq!(said.contains(&format!("through the proxy `127.0.0.1:{proxy}`")), was_asked, "{said}");
        was_asked
    };
    assert!(is_asked("example.com"));
    assert!(asked.lock().unwrap()[0].starts_with("CONNECT 0.0.0.0:1 "), "{asked:?}");
    assert!(!is_asked("example.com, 0.0.0.0:1"));
    assert!(is_asked("example.com, 0.0.0.0:2"));
}

#[tokio::test]
#[ignore = "run by another test, in an environment of its own"]
async fn asks_as_the_environment_says() {
    let server = Server::start(good).await;
    // A name of this machine that does not look like one, where nobody listens.
    let address = address(&server, "https://0.0.0.0:1/api/v2");
    let client = Client::connect_tuned(&address, NonZeroUsize::MIN, hurry()).unwrap();
    let error = make(&client, Call::Import, &ample()).await.unwrap_err();
    println!("{error} {error:?} {client:?}");
}

#[tokio::test]
async fn what_a_proxy_says_when_it_asks_for_credentials_is_not_repeated() {
    for call in [Call::Token, Call::Export, Call::Import, Call::Delete] {
        let server = Server::faulty(call, reply(407, format!("<p>Basic {CANARY} says the page</p>")), |_| true).await;
        let error = make(&server.client(), call, &ample()).await.unwrap_err();
        let Failure::Unauthorized { message } = &error.failure else { panic!("{error:?}") };
        assert!(message.starts_with("a proxy on the way asks for credentials (407)"), "{message}");
        assert!(!format!("{error:?}").contains("page"), "{error:?}");
        assert_eq!(server.seen(call).len(), 1);
    }
}

/// A proxy that lets nobody through, and remembers what was asked.
fn refusing_proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            heard.lock().unwrap().extend(head.into_iter().next());
            _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (port, asked)
}

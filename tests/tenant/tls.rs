//! Whom a client believes, and what it says of the others: TLS servers with certificates of every kind.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use flowsync::config::{Api, Auth, TenantAddress};
use flowsync::flow::EnvironmentId;
use flowsync::tenant::flows_v2::Client;
use flowsync::tenant::{Call, Failure, TenantError};
use tempfile::TempDir;

use super::server::{ample, hurry, make};
use crate::certificates::{Identity, Says};

/// A tenant whose flow is deployed, behind TLS.
struct TlsTenant {
    port: u16,
    /// What was agreed to be spoken, for each connection.
    spoken: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl TlsTenant {
    fn start(identity: &Identity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (acceptor, spoken) = (identity.acceptor(), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&spoken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let accepted = acceptor.accept(stream);
                let protocol = |stream: &openssl::ssl::SslRef| stream.selected_alpn_protocol().map(<[u8]>::to_vec);
                let protocol = accepted.as_ref().ok().and_then(|stream| protocol(stream.ssl())).unwrap_or_default();
                heard.lock().unwrap().push(String::from_utf8(protocol).unwrap());
                if let Ok(mut stream) = accepted {
                    let _ = stream.read(&mut [0; 4096]);
                    // No frame of HTTP/2: that the client speaks it is all there is to see.
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                }
            }
        });
        Self { port, spoken, folder: tempfile::tempdir().unwrap() }
    }

    fn client(&self, ca_file: Option<&[u8]>) -> Client {
        let file = |name: &str, content: &[u8]| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let address = TenantAddress {
            api: Api::FlowsV2,
            url: format!("https://localhost:{}/api/v2", self.port).parse().unwrap(),
            environment_id: EnvironmentId("env".to_owned()),
            auth: Auth::ApiKey(flowsync::config::SecretSource::File(file("key", b"c4nary-key"))),
            ca_file: ca_file.map(|pem| file("ca.pem", pem)),
            allow_insecure: false,
        };
        Client::connect_tuned(&address, NonZeroUsize::MIN, hurry()).unwrap()
    }

    /// Makes a call; what was said of the certificate, and that it was said at once.
    async fn refused(&self, ca_file: Option<&[u8]>) -> String {
        let error = make(&self.client(ca_file), Call::Import, &ample()).await.unwrap_err();
        let TenantError { attempts, failure: Failure::Unavailable { detail, maybe_took_effect: false }, .. } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(attempts, 1, "{detail}");
        detail
    }

    /// Makes a call; whether the certificate was believed, whatever became of the call.
    async fn believes(&self, ca_file: &[u8]) -> bool {
        let error = make(&self.client(Some(ca_file)), Call::Import, &ample()).await.unwrap_err().to_string();
        let protocols = self.spoken.lock().unwrap().clone();
        !error.contains("certificate") && protocols.iter().all(|protocol| protocol == "h2")
    }
}

fn authority() -> Identity {
    Identity::new(&Says { common_name: "acme root", hosts: &[], authority: true, ..Says::default() }, None)
}

#[tokio::test]
async fn a_server_is_believed_by_a_root_of_the_ca_file_or_by_its_own_certificate_in_it() {
    let root = authority();
    let issued = Identity::new(&Says::default(), Some(&root));
    assert!(TlsTenant::start(&issued).believes(&root.pem()).await);
    // As `openssl req -x509` makes it, and as it should be.
    for authority in [true, false] {
        let own = Identity::new(&Says { authority, ..Says::default() }, None);
        assert!(TlsTenant::start(&own).believes(&own.pem()).await, "{authority}");
        let bundle = [root.pem(), own.pem()].concat();
        assert!(TlsTenant::start(&own).believes(&bundle).await, "{authority}");
    }
}

#[tokio::test]
async fn an_unknown_issuer_is_final_at_once_and_names_the_ca_file() {
    let stranger = authority();
    for authority in [true, false] {
        let own = Identity::new(&Says { authority, ..Says::default() }, None);
        for ca_file in [None, Some(stranger.pem())] {
            let said = TlsTenant::start(&own).refused(ca_file.as_deref()).await;
            assert!(said.contains("`localhost`") && said.contains("`tenant.caFile`"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_names_both_and_no_ca_file() {
    let root = authority();
    let hosts: &[&str] = &["tenant.example", "*.acme.example"];
    let issued = Identity::new(&Says { hosts, ..Says::default() }, Some(&root));
    let nameless = Identity::new(&Says { hosts: &[], ..Says::default() }, Some(&root));
    let named_itself = Identity::new(&Says { hosts, authority: true, ..Says::default() }, None);
    for (identity, ca_file, names) in [
        (&issued, root.pem(), "`tenant.example`, `*.acme.example`"),
        (&nameless, root.pem(), "no host name at all"),
        (&named_itself, named_itself.pem(), "`tenant.example`, `*.acme.example`"),
    ] {
        let said = TlsTenant::start(identity).refused(Some(&ca_file)).await;
        assert!(said.contains(&format!("made out for {names}, not for `localhost`")), "{said}");
        assert!(!said.contains("caFile"), "{said}");
    }
}

#[tokio::test]
async fn a_certificate_out_of_its_time_tells_the_times_and_names_no_ca_file() {
    let root = authority();
    for (days, words) in [((-9, -2), "expired at 2"), ((2, 9), "is valid from 2")] {
        for authority in [true, false] {
            let issued = Identity::new(&Says { days, authority, ..Says::default() }, Some(&root));
            let own = Identity::new(&Says { days, authority, ..Says::default() }, None);
            for (identity, ca_file) in [(&issued, root.pem()), (&own, own.pem())] {
                let said = TlsTenant::start(identity).refused(Some(&ca_file)).await;
                assert!(said.contains(words) && said.contains("the clock here says 2"), "{said}");
                assert!(!said.contains("caFile"), "{said}");
            }
        }
    }
}

/// The environment belongs to the process, so another one is asked.
#[test]
fn a_tenant_is_reached_through_a_proxy_that_only_passes_on() {
    let own = Identity::new(&Says { hosts: &["tenant.proxied.test"], ..Says::default() }, None);
    let tenant = TlsTenant::start(&own);
    let folder = tenant.folder.path();
    std::fs::write(folder.join("ca.pem"), own.pem()).unwrap();
    std::fs::write(folder.join("key"), "c4nary-key").unwrap();
    let (proxy, asked) = passing_proxy(tenant.port);
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "tenant::tls::calls_a_tenant_that_only_a_proxy_can_find"])
        .env("HTTPS_PROXY", format!("http://ann:hunter2@127.0.0.1:{proxy}"))
        .env("TENANT_FOLDER", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let head = asked.lock().unwrap().join("\n");
    assert!(head.starts_with("CONNECT tenant.proxied.test:443 "), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic yw5uomh1bnrlcji="), "{head}");
    assert!(tenant.spoken.lock().unwrap().iter().all(|protocol| protocol == "h2"));
}

#[tokio::test]
#[ignore = "run by another test, in an environment of its own"]
async fn calls_a_tenant_that_only_a_proxy_can_find() {
    let folder = std::path::PathBuf::from(std::env::var_os("TENANT_FOLDER").unwrap());
    let address = TenantAddress {
        api: Api::FlowsV2,
        url: "https://tenant.proxied.test/api/v2".parse().unwrap(),
        environment_id: EnvironmentId("env".to_owned()),
        auth: Auth::ApiKey(flowsync::config::SecretSource::File(folder.join("key"))),
        ca_file: Some(folder.join("ca.pem")),
        allow_insecure: false,
    };
    let client = Client::connect_tuned(&address, NonZeroUsize::MIN, hurry());
    // Its answer is none; that it was believed is seen by the other side.
    let error = make(&client.unwrap(), Call::Import, &ample()).await.unwrap_err().to_string();
    assert!(!error.contains("certificate") && !error.contains("cannot connect"), "{error}");
}

/// A proxy that passes on to one port whatever is asked for, and remembers what was.
fn passing_proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let lines = BufReader::new(client.try_clone().unwrap()).lines();
            heard.lock().unwrap().extend(lines.map_while(Result::ok).take_while(|line| !line.is_empty()));
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let mut server = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (port, asked)
}

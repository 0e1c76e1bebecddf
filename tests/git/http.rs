//! Remotes behind HTTP: passwords, redirects, lost answers, certificates, proxies.

use base64::Engine as _;
use flowsync::config::{Credentials, Repository};
use flowsync::source::{GitOptions, GitSource, PushError, Source, SourceError};
use openssl::ssl::SslAcceptor;

use crate::certificates::{Identity, Says};
use crate::http_server::{HttpServer, Rules, connect_proxy};
use crate::support::{Place, record, settings};

const PASSWORD: &str = "canary-hunter2";

fn login() -> Rules {
    Rules { login: Some(("ann".to_owned(), PASSWORD.to_owned())), ..Rules::default() }
}

fn password(place: &Place, password: &str) -> Credentials {
    Credentials::Password {
        username: Some(place.secret("user", "ann\n")),
        password: place.secret("password", &format!("{password}\n")),
    }
}

#[tokio::test]
async fn a_password_lets_in() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), login());
    let source = place.signed_in(&server.url("origin.git"), password(&place, PASSWORD));
    let base = source.fetch().await.unwrap().flows;
    let made = source.commit_records(Some(&base), &record("x", Some(&"1".repeat(100_000)))).await.unwrap();
    assert_eq!(place.origin_tip("main"), made);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_never_shown() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), login());
    let source = place.signed_in(&server.url("origin.git"), password(&place, "canary-wrong"));
    let error = source.fetch().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("the credentials were refused"), "{text}");
    assert!(!text.contains("canary") && !format!("{source:?}").contains("canary"), "{text}");
    assert!(server.n_logins() <= 2, "{}", server.n_logins());
    // A rotated secret is seen without a new start.
    place.secret("password", PASSWORD);
    source.fetch().await.unwrap();
}

#[tokio::test]
async fn a_server_that_asks_for_credentials_nobody_has() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), login());
    let error = place.source(&server.url("origin.git")).fetch().await.unwrap_err().to_string();
    assert!(error.contains("none are configured (`repository.credentials`)"), "{error}");
}

#[tokio::test]
async fn credentials_never_follow_to_another_host() {
    let place = Place::new();
    let other = HttpServer::start(place.dir.path(), Rules::default());
    let elsewhere = Some(other.url("").replace("localhost", "127.0.0.1").trim_end_matches('/').to_owned());
    let server = HttpServer::start(place.dir.path(), Rules { redirect: elsewhere.clone(), ..login() });
    let source = place.signed_in(&server.url("origin.git"), password(&place, PASSWORD));
    let error = source.fetch().await.unwrap_err().to_string();
    assert!(error.contains("redirect"), "{error}");
    assert_eq!(other.heard(), "");
    // Redirected before it asks, to a host that asks.
    other.set(login());
    server.set(Rules { redirect: elsewhere, ..Rules::default() });
    source.fetch().await.unwrap_err();
    assert!(!other.heard().contains("authorization"), "{}", other.heard());
}

#[tokio::test]
async fn a_missing_right_to_push_is_declined() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), Rules { read_only: true, ..login() });
    let source = place.signed_in(&server.url("origin.git"), password(&place, PASSWORD));
    let base = source.fetch().await.unwrap().flows;
    let declined = source.commit_records(Some(&base), &record("x", Some("1"))).await;
    assert!(matches!(&declined, Err(PushError::Declined(why)) if why.contains("403")), "{declined:?}");
}

#[tokio::test]
async fn a_push_whose_answer_is_lost_is_read_back() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), Rules::default());
    let source = place.source(&server.url("origin.git"));
    let base = source.fetch().await.unwrap().flows;
    server.set(Rules { drop_push_answer: true, ..Rules::default() });
    let made = source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
    assert_eq!(place.origin_tip("main"), made);
    server.set(Rules { drop_push: true, ..Rules::default() });
    let failed = source.commit_records(Some(&made), &record("x", Some("2"))).await;
    assert!(matches!(failed, Err(PushError::Source(SourceError::Remote { .. }))), "{failed:?}");
    assert_eq!(place.origin_tip("main"), made);
}

#[tokio::test]
async fn a_repository_that_is_not_there() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), Rules::default());
    let error = place.source(&server.url("absent.git")).fetch().await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("no such repository"), "{error}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_once_it_is_named() {
    let place = Place::new();
    let named = |name: &str| {
        let (acceptor, root) = authority(name);
        let ca_file = place.dir.path().join(name);
        std::fs::write(&ca_file, root).unwrap();
        let server = HttpServer::start_tls(place.dir.path(), Rules::default(), acceptor);
        let settings = Repository { ca_file: Some(ca_file), ..settings(&server.url("origin.git")) };
        (server, settings)
    };
    let (stranger, known_later) = named("three.pem");
    let refused = async || {
        let error = place.source(&stranger.url("origin.git")).fetch().await.unwrap_err().to_string();
        assert!(error.contains("`repository.caFile`"), "{error}");
    };
    refused().await;
    // One after the other: roots add up in a process.
    let servers = [named("one.pem"), named("two.pem")];
    for (n, (server, settings)) in servers.iter().enumerate() {
        let source = GitSource::open(settings, &place.cache(), GitOptions::default()).unwrap();
        let base = source.fetch().await.unwrap().flows;
        source.commit_records(Some(&base), &record("x", Some(&n.to_string()))).await.unwrap();
        through_a_proxy(settings, server.port());
    }
    refused().await;
    let source = GitSource::open(&known_later, &place.cache(), GitOptions::default()).unwrap();
    source.fetch().await.unwrap();

    let missing = Repository { ca_file: Some("/no/such.pem".into()), ..servers[0].1.clone() };
    let refused = GitSource::open(&missing, &place.cache(), GitOptions::default());
    assert!(matches!(&refused, Err(SourceError::Setting(text)) if text.contains("/no/such.pem")), "{refused:?}");
}

#[tokio::test]
async fn a_certificate_that_is_no_good_is_named_for_what_is_wrong_with_it() {
    let place = Place::new();
    for (says, words) in [
        (
            Says { hosts: &["git.other.test"], ..Says::default() },
            "is made out for `git.other.test`, not for `localhost`",
        ),
        (Says { days: (-9, -2), ..Says::default() }, "the certificate of `localhost` expired at 2"),
        (Says { days: (2, 9), ..Says::default() }, "the certificate of `localhost` is valid from 2"),
    ] {
        let identity = Identity::new(&Says { common_name: words, authority: true, ..says }, None);
        let ca_file = place.dir.path().join("named.pem");
        std::fs::write(&ca_file, identity.pem()).unwrap();
        let server = HttpServer::start_tls(place.dir.path(), Rules::default(), identity.acceptor());
        let settings = Repository { ca_file: Some(ca_file), ..settings(&server.url("origin.git")) };
        let source = GitSource::open(&settings, &place.cache(), GitOptions::default()).unwrap();
        let error = source.fetch().await.unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("caFile"), "{error}");
    }
}

#[tokio::test]
async fn what_a_server_echoes_of_the_password_is_hidden() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), login());
    let source = place.signed_in(&server.url("origin.git"), password(&place, PASSWORD));
    let base = source.fetch().await.unwrap().flows;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("ann:{PASSWORD}"));
    let spelt = PASSWORD.replace('-', "%2d");
    // The last one stands across the border of what is shown.
    let said = format!("printf '%s ' no: {PASSWORD} Basic {encoded} {spelt}; printf '%4050s{PASSWORD}'; exit 1");
    place.hook("pre-receive", &said);
    let declined = source.commit_records(Some(&base), &record("x", Some("1"))).await;
    let Err(PushError::Declined(why)) = &declined else { panic!("{declined:?}") };
    assert!(why.contains("no: *** Basic *** ***"), "{why}");
    assert!(!why.contains("canary"), "{why}");
    // A redirect that bears it.
    let elsewhere = Some(format!("http://{PASSWORD}.invalid/{spelt}"));
    server.set(Rules { redirect: elsewhere, ..login() });
    let error = source.fetch().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

/// The environment belongs to the process, so another one is asked.
fn through_a_proxy(settings: &Repository, server: u16) {
    let (proxy, asked) = connect_proxy(server);
    let cache = tempfile::tempdir().unwrap();
    let run = |host: &str, no_proxy: &str| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "http::fetch_as_the_environment_says"])
            .env("FETCH_URL", settings.url.written().replace("localhost", host))
            .env("FETCH_CA", settings.ca_file.as_ref().unwrap())
            .env("FETCH_CACHE", cache.path())
            .env("HTTPS_PROXY", format!("http://127.0.0.1:{proxy}"))
            .env("NO_PROXY", no_proxy)
            .output()
            .unwrap()
    };
    // A name nobody can resolve but the proxy.
    let output = run("git.proxied.test", "example.com, 0.0.0.0/8");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let lines = asked.lock().unwrap().clone();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("CONNECT git.proxied.test:")), "{lines:?}");
    let output = run("localhost", "example.com, LOCALHOST");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(asked.lock().unwrap().len(), lines.len(), "NO_PROXY goes past the proxy");
    // A name of this machine that does not look like one; its certificate does not do, and so it ends.
    run("0.0.0.0", "example.com, 0.0.0.0/8");
    assert_eq!(asked.lock().unwrap().len(), lines.len(), "NO_PROXY goes past the proxy");
}

#[tokio::test]
#[ignore = "run by another test, in an environment of its own"]
async fn fetch_as_the_environment_says() {
    let variable = |name| std::env::var(name).unwrap();
    let ca_file = std::env::var_os("FETCH_CA").map(Into::into);
    let settings = Repository { ca_file, ..settings(&variable("FETCH_URL")) };
    let source = GitSource::open(&settings, variable("FETCH_CACHE").as_ref(), GitOptions::default()).unwrap();
    let base = source.fetch().await.unwrap().flows;
    source.commit_records(Some(&base), &record("y", Some(&base.0))).await.unwrap();
}

#[test]
fn somebodys_git_configuration_does_not_send_us_elsewhere() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), Rules::default());
    let home = tempfile::tempdir().unwrap();
    let rewrite = "[url \"http://127.0.0.1:1/\"]\n\tinsteadOf = http://localhost\n\tpushInsteadOf = http://localhost\n";
    std::fs::write(home.path().join(".gitconfig"), rewrite).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "http::fetch_as_the_environment_says"])
        .env("FETCH_URL", server.url("origin.git"))
        .env("FETCH_CACHE", place.cache())
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(place.origin_file("deployments/y").len() == 40);
}

/// A self-signed root that is its own server certificate, and its PEM.
fn authority(common_name: &str) -> (SslAcceptor, Vec<u8>) {
    let hosts = &["localhost", "git.proxied.test"];
    let root = Identity::new(&Says { common_name, hosts, authority: true, ..Says::default() }, None);
    (root.acceptor(), root.pem())
}

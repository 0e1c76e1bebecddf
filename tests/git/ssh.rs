//! Remotes behind a real `sshd`, run by the user of the tests on a port of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flowsync::config::{Credentials, SecretSource};
use flowsync::source::{GitSource, Source};

use crate::support::{Place, Server, record, serve};

const SSHD: &str = "/usr/sbin/sshd";

struct Sshd {
    _server: Server,
    port: u16,
    dir: PathBuf,
    user: String,
}

fn keygen(args: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn make_key(path: &Path, kind: &[&str], passphrase: &str) {
    keygen(&[kind, &["-q", "-N", passphrase, "-C", "test", "-f", path.to_str().unwrap()]].concat());
}

/// `None` where there is no sshd to test with.
fn start(place: &Place) -> Option<Sshd> {
    if !Path::new(SSHD).exists() {
        println!("skipped: no {SSHD}");
        return None;
    }
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
    if user == "root" {
        let _ = fs::create_dir_all("/run/sshd");
    }
    let dir = place.dir.path().join("sshd");
    fs::create_dir(&dir).unwrap();
    make_key(&dir.join("host_ed25519"), &["-t", "ed25519"], "");
    make_key(&dir.join("host_rsa"), &["-t", "rsa", "-b", "2048"], "");
    fs::write(dir.join("authorized_keys"), "").unwrap();
    let shown = dir.display();
    let config = format!(
        "HostKey {shown}/host_ed25519\nHostKey {shown}/host_rsa\nAuthorizedKeysFile {shown}/authorized_keys\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nPidFile none\nMaxStartups 100\n"
    );
    fs::write(dir.join("config"), config).unwrap();
    let (server, port) = serve(|port| {
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(dir.join("config"));
        command.args(["-o", &format!("ListenAddress 127.0.0.1:{port}")]);
        command
    });
    Some(Sshd { _server: server, port, dir, user })
}

impl Sshd {
    fn url(&self, place: &Place) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, place.origin().display())
    }

    fn authorize(&self, key: &Path) {
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let file = self.dir.join("authorized_keys");
        fs::write(&file, format!("{}{public}", fs::read_to_string(&file).unwrap())).unwrap();
    }

    fn known_line(&self, host_key: &str) -> String {
        let public = fs::read_to_string(self.dir.join(format!("{host_key}.pub"))).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    fn source(&self, place: &Place, key: &Path, passphrase: Option<&str>, known_hosts: &str) -> GitSource {
        let credentials = Credentials::SshKey {
            username: None,
            key: SecretSource::File(key.to_owned()),
            passphrase: passphrase.map(|passphrase| place.secret("passphrase", passphrase)),
            known_hosts: Some(place.secret("known_hosts", known_hosts)),
        };
        place.signed_in(&self.url(place), credentials)
    }
}

#[tokio::test]
async fn keys_of_every_usual_kind_let_in() {
    let place = Place::new();
    let Some(sshd) = start(&place) else { return };
    let known = sshd.known_line("host_ed25519");
    for (name, kind, passphrase) in [
        ("ed25519", &["-t", "ed25519"][..], ""),
        ("ed25519-locked", &["-t", "ed25519"], "canary-pass"),
        ("rsa", &["-t", "rsa", "-b", "2048"], ""),
        ("rsa-locked", &["-t", "rsa", "-b", "2048"], "canary-pass"),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"], ""),
        ("ecdsa", &["-t", "ecdsa", "-b", "256"], ""),
        ("ecdsa-pem", &["-t", "ecdsa", "-b", "384", "-m", "PEM"], ""),
    ] {
        let key = place.dir.path().join(name);
        make_key(&key, kind, passphrase);
        sshd.authorize(&key);
        let passphrase = Some(passphrase).filter(|passphrase| !passphrase.is_empty());
        let source = sshd.source(&place, &key, passphrase, &known);
        let base = source.fetch().await.unwrap_or_else(|error| panic!("{name}: {error}")).flows;
        source.commit_records(Some(&base), &record("x", Some(name))).await.unwrap();
        assert_eq!(place.origin_file("deployments/x"), name);
    }
}

#[tokio::test]
async fn a_key_the_server_does_not_know_is_refused_once() {
    let place = Place::new();
    let Some(sshd) = start(&place) else { return };
    let key = place.dir.path().join("stranger");
    make_key(&key, &["-t", "ed25519"], "canary-pass");
    let known = sshd.known_line("host_ed25519");
    for passphrase in ["canary-pass", "canary-wrong"] {
        let error = sshd.source(&place, &key, Some(passphrase), &known).fetch().await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("refused") || text.contains("and its passphrase"), "{text}");
        assert!(!text.contains("canary") && !text.contains("PRIVATE KEY"), "{text}");
    }
}

#[tokio::test]
async fn a_host_is_known_by_its_key_or_not_at_all() {
    let place = Place::new();
    let Some(sshd) = start(&place) else { return };
    let key = place.dir.path().join("key");
    make_key(&key, &["-t", "ed25519"], "");
    sshd.authorize(&key);
    make_key(&place.dir.path().join("other"), &["-t", "ecdsa"], "");
    let line = sshd.known_line("host_ed25519");
    let fetch =
        async |known: &str| sshd.source(&place, &key, None, known).fetch().await.map_err(|error| error.to_string());

    let fingerprint = keygen(&["-l", "-f", sshd.dir.join("host_ed25519.pub").to_str().unwrap()]);
    let fingerprint = fingerprint.split_whitespace().nth(1).unwrap();
    let error = fetch("# nothing").await.unwrap_err();
    assert!(error.contains("not known") && error.contains(fingerprint) && error.contains("ssh-keyscan"), "{error}");
    let error = fetch(&line.replace(&format!(":{}", sshd.port), ":1")).await.unwrap_err();
    assert!(error.contains("not known"), "{error}");

    let ecdsa = fs::read_to_string(place.dir.path().join("other.pub")).unwrap();
    let error = fetch(&format!("[127.0.0.1]:{} {ecdsa}", sshd.port)).await.unwrap_err();
    assert!(error.contains("has only ecdsa-sha2-nistp256 of `127.0.0.1`") && error.contains("ssh-keyscan"), "{error}");

    let stranger = fs::read_to_string(key.with_extension("pub")).unwrap();
    let error = fetch(&format!("[127.0.0.1]:{} {stranger}", sshd.port)).await.unwrap_err();
    assert!(error.contains("has changed") && error.contains(fingerprint), "{error}");
    let error = fetch(&format!("{line}@revoked {line}")).await.unwrap_err();
    assert!(error.contains("revoked"), "{error}");

    let hashed = place.dir.path().join("hashed");
    fs::write(&hashed, &line).unwrap();
    keygen(&["-q", "-H", "-f", hashed.to_str().unwrap()]);
    let hashed = fs::read_to_string(hashed).unwrap();
    assert!(hashed.starts_with("|1|"), "{hashed}");
    fetch(&hashed).await.unwrap();
}

#[tokio::test]
async fn a_host_is_asked_for_the_kind_of_key_that_is_known() {
    let place = Place::new();
    let Some(sshd) = start(&place) else { return };
    let key = place.dir.path().join("key");
    make_key(&key, &["-t", "ed25519"], "");
    sshd.authorize(&key);
    let (ed25519, rsa) = (sshd.known_line("host_ed25519"), sshd.known_line("host_rsa"));
    let pattern = rsa.replace("[127.0.0.1]", "[127.*]");
    let marked = format!("@cert-authority *.example.com {}", rsa.split_once(' ').unwrap().1);
    for known in [rsa.clone(), format!("{rsa}{ed25519}"), pattern, format!("{marked}\n{rsa}"), ed25519] {
        let source = sshd.source(&place, &key, None, &known);
        let base = source.fetch().await.unwrap_or_else(|error| panic!("{known}: {error}")).flows;
        source.commit_records(Some(&base), &record("x", Some(&known))).await.unwrap();
    }
}

//! Canaries: distinctive secrets that must be found nowhere, whatever goes wrong.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use flowsync::tenant::sandbox::settings::all_scopes;
use flowsync::tenant::sandbox::{ApiKey, Client, Settings};

use crate::http_server::Rules;
use crate::support::{Ended, Place, git};
use crate::tenant::Tenant;

const CANARIES: [(&str, &str); 5] = [
    ("CLIENT_ID", "canary-id-5d1f"),
    ("CLIENT_SECRET", "canary-secret-93ab/+&=\"'"),
    ("API_KEY", "canary-key-77e0"),
    ("GIT_USER", "canary-user-c04d"),
    ("GIT_PASSWORD", "canary-password-1b2c%/@:"),
];

/// A place whose every credential is a canary.
fn place() -> Place {
    let mut place = Place::new(&["a 1.0.0"]);
    let canary = |name: &str| CANARIES.iter().find(|(known, _)| *known == name).unwrap().1.to_owned();
    let client = Client { id: canary("CLIENT_ID"), secret: canary("CLIENT_SECRET"), scopes: all_scopes() };
    let api_keys = vec![ApiKey { key: canary("API_KEY"), scopes: all_scopes() }];
    place.tenant = Tenant::started_with(Settings { clients: vec![client], api_keys, ..Settings::default() });
    CANARIES.iter().for_each(|(name, value)| place.set(name, value));
    place.configure(&place.repository_yaml(""), &place.environment_yaml("production", "env_prod", ""));
    place
}

/// The same behind a git server that wants the password.
fn behind_a_password(place: &Place) -> crate::http_server::HttpServer {
    let server = place.serve(rules(&CANARIES.map(|(_, value)| value)));
    place.edit_configuration(
        "  branch: main\n",
        "  branch: main\n  credentials:\n    username: { env: GIT_USER }\n    password: { env: GIT_PASSWORD }\n",
    );
    server
}

fn rules(values: &[&str; 5]) -> Rules {
    Rules { login: Some((values[3].to_owned(), values[4].to_owned())), ..Rules::default() }
}

/// Every way a secret may be written down.
fn spellings() -> BTreeSet<String> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let mut all = BTreeSet::new();
    for (_, value) in CANARIES {
        let stem = value.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        all.extend([stem.to_owned(), engine.encode(value)]);
    }
    all.insert(engine.encode(format!("{}:{}", CANARIES[3].1, CANARIES[4].1)));
    all
}

/// Nothing said, kept or recorded shows a canary.
#[track_caller]
fn clean(place: &Place, ended: &Ended) {
    let mut texts = vec![("stdout".to_owned(), ended.stdout.clone()), ("stderr".to_owned(), ended.stderr.clone())];
    for folder in ["state", "cache", "home", "origin.git", "elsewhere"] {
        read_all(&place.path(folder), &mut texts);
    }
    let objects = git(&place.origin(), &["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    texts.extend(objects.lines().map(|id| (format!("object {id}"), git(&place.origin(), &["cat-file", "-p", id]))));
    for (name, text) in texts {
        spellings().iter().for_each(|canary| assert!(!text.contains(canary), "{canary} in {name}: {text}"));
    }
}

fn read_all(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            read_all(&entry.path(), texts);
        } else if let Ok(bytes) = fs::read(entry.path()) {
            texts.push((entry.path().display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// Runs `sync` as loudly as it gets, in both forms of the log.
#[track_caller]
fn loud(place: &Place, code: i32) -> Ended {
    let ended = place.run(&["sync", "-vv", "--output", "json", "--log-format", "json"]).exits(code);
    clean(place, &ended);
    let text = place.run(&["plan", "-vv"]);
    clean(place, &text);
    ended
}

#[test]
fn nothing_is_shown_when_all_goes_well() {
    let place = place();
    let server = behind_a_password(&place);
    loud(&place, 0);
    assert!(server.n_logins() > 0, "the password was used");
    for command in ["status", "history", "doctor"] {
        clean(&place, &place.run(&[command, "-vv"]).exits(0));
    }
    place.edit_configuration("oauth2:", "apiKey: { env: API_KEY }");
    let text = fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    let kept =
        text.lines().filter(|line| !["tokenUrl", "clientId", "clientSecret"].iter().any(|key| line.contains(key)));
    fs::write(place.path("flowsync.yaml"), kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    place.commit(&["a 1.1.0"]);
    loud(&place, 0);
    assert_eq!(place.tenant.live(), "a 1.1.0");
}

#[test]
fn nothing_is_shown_when_the_tenant_echoes_everything_it_was_sent() {
    let echo = format!("{} {}", CANARIES[0].1, CANARIES[1].1);
    let echo = serde_json::json!({ "error": "denied", "error_description": echo, "message": echo }).to_string();
    let one = |call: &str, status: u16| {
        let place = place();
        let answer = serde_json::json!({ "status": status, "body": echo });
        let rule = serde_json::json!({ "match": { "call": call }, "fault": { "answer": answer } });
        place.tenant.fails(&serde_json::json!([rule]).to_string());
        loud(&place, if matches!(call, "import" | "status") { 4 } else { 1 });
    };
    std::thread::scope(|scope| {
        for call in ["token", "export", "import", "status"] {
            scope.spawn(move || [400, 401, 403].map(|status| one(call, status)));
        }
    });
}

/// A tenant that gives out the token `canary-token-0e4a`, and answers everything else with what it was sent.
fn parrot(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = vec![0; 65_536];
            let n = stream.read(&mut bytes).unwrap_or(0);
            let request = String::from_utf8_lossy(&bytes[..n]).into_owned();
            let (status, body) = if request.starts_with("POST /token") {
                (200, r#"{"access_token":"canary-token-0e4a","token_type":"bearer","expires_in":3600}"#.to_owned())
            } else {
                (status, serde_json::json!({ "error": "denied", "message": request, "echo": request }).to_string())
            };
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            _ = stream.write_all((head + &body).as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_token_that_the_tenant_repeats_is_not_shown() {
    for status in [200, 400, 403, 404, 301] {
        let place = place();
        let url = parrot(status);
        place.edit_configuration(&place.tenant.token_url(), &format!("{url}/token"));
        place.edit_configuration(&place.tenant.url(), &format!("{url}/api/v2"));
        let ended = loud(&place, 1);
        assert!(!format!("{ended:?}").contains("canary-token"), "{status}: {ended:?}");
    }
}

#[test]
fn nothing_is_shown_when_credentials_are_wrong() {
    let mut place = place();
    let server = behind_a_password(&place);
    server.set(rules(&["", "", "", "somebody", "else"]));
    let ended = loud(&place, 1);
    assert!(ended.stderr.contains("credentials were refused"), "{}", ended.stderr);
    server.set(rules(&CANARIES.map(|(_, value)| value)));
    place.tenant = Tenant::start();
    place.configure(&place.repository_yaml(""), &place.environment_yaml("production", "env_prod", ""));
    let ended = loud(&place, 1);
    assert!(ended.stderr.contains("401") || ended.stderr.contains("invalid_client"), "{}", ended.stderr);
}

#[test]
fn nothing_goes_along_with_a_redirect() {
    let place = place();
    let server = behind_a_password(&place);
    let thief = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = thief.local_addr().unwrap();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = thief.accept().unwrap();
        let mut bytes = [0; 4096];
        let n = stream.read(&mut bytes).unwrap_or(0);
        _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    });
    let login = Some((CANARIES[3].1.to_owned(), CANARIES[4].1.to_owned()));
    server.set(Rules { login, redirect: Some(format!("http://{address}")), ..Rules::default() });
    loud(&place, 1);
    // Whoever comes first ends the thread: the thief's victim, or this.
    _ = std::net::TcpStream::connect(address).and_then(|mut stream| stream.write_all(b"nobody came"));
    let heard = heard.join().unwrap();
    spellings().iter().for_each(|canary| assert!(!heard.contains(canary), "{heard}"));
    assert!(!heard.to_lowercase().contains("authorization"), "{heard}");
}

#[test]
fn a_password_in_the_url_is_refused_and_not_repeated() {
    let place = place();
    let url = "http://canary-user-c04d:canary-password-1b2c@localhost:1/x.git";
    place.edit_configuration(&place.origin().display().to_string(), url);
    loud(&place, 1);
    let place = self::place();
    let with_query = format!("{}?key=canary-key-77e0", place.tenant.url());
    place.edit_configuration(&place.tenant.url(), &with_query);
    let ended = place.run(&["sync", "-vv", "--output", "json"]);
    clean(&place, &ended);
}

#[test]
fn a_secret_with_a_line_break_is_an_error_that_does_not_show_it() {
    let mut place = place();
    place.set("CLIENT_SECRET", "canary-secret-93ab\ninjected");
    let ended = place.run(&["sync", "-vv", "--output", "json"]).exits(1);
    clean(&place, &ended);
}

#[test]
fn a_secret_file_that_never_ends_is_an_error_at_once() {
    let place = place();
    let fifo = place.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    place.edit_configuration(
        "clientSecret: { env: CLIENT_SECRET }",
        &format!("clientSecret: {{ file: {} }}", fifo.display()),
    );
    loud(&place, 1).says(&["clientSecret", "expected a regular file, found a FIFO"]);
    // As the roots of a private authority, too.
    place.edit_configuration("    tenant:\n", &format!("    tenant:\n      caFile: {}\n", fifo.display()));
    loud(&place, 1).says(&["`tenant.caFile`", "expected a regular file, found a FIFO"]);
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_by_its_variable() {
    for (variable, value) in [
        ("HTTPS_PROXY", "http://ann:canary-password-1b2c@[::"),
        ("http_proxy", "http://canary-password-1b2c:port"),
        ("ALL_PROXY", "canary-password-1b2c:x@proxy:port"),
    ] {
        let mut place = place();
        place.set(variable, value);
        loud(&place, 1).says(&[&format!("`{variable}`"), "write it as `http://host:port`"]);
        place.run(&["doctor"]).exits(1).prints(&[&format!("`{variable}`")]);
    }
}

#[test]
fn what_is_kept_is_kept_for_us_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place();
    let _server = behind_a_password(&place);
    let roots = ["state", "cache"].map(|name| place.path(name).join("flowsync"));
    let set = |folder: &Path, mode: u32| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    loud(&place, 0);
    roots.iter().for_each(|root| check_rights(root));
    // As an earlier version left them.
    for folder in roots.iter().flat_map(|root| {
        [
            root.clone(),
            fs::read_dir(root).unwrap().flatten().map(|entry| entry.path()).find(|path| path.is_dir()).unwrap(),
        ]
    }) {
        set(&folder, 0o755);
    }
    place.commit(&["a 1.1.0"]);
    loud(&place, 0);
    roots.iter().for_each(|root| check_rights(root));
}

/// Nobody else may look into a folder, or read a file that is not locked away by one.
fn check_rights(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{}: {mode:o}", folder.display());
    for path in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.is_symlink())
    {
        check_rights(&path);
    }
}

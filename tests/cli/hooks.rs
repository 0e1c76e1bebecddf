//! Webhooks over the wire: what each sender hears, and that a pass follows where it is to and nowhere else.

use serde_json::json;

use crate::listening::Listening;
use crate::recorder::hmac;
use crate::support::{Place, git};

const SECRET: &str = "c4nary-h00k/+=";

const MAIN: &str = r#"{"ref":"refs/heads/main"}"#;
const OTHER: &str = r#"{"ref":"refs/heads/other"}"#;
const TAG: &str = r#"{"ref":"refs/tags/main"}"#;
const CLOUD: &str = r#"{"push":{"changes":[{"new":{"type":"branch","name":"main"},"old":null}]}}"#;
const CLOUD_TAG: &str = r#"{"push":{"changes":[{"new":{"type":"tag","name":"main"},"old":null}]}}"#;
const SERVER: &str = r#"{"eventKey":"repo:refs_changed","changes":[{"ref":{"id":"refs/heads/main","type":"BRANCH"}}]}"#;
const SERVER_OTHER: &str = r#"{"changes":[{"ref":{"id":"refs/heads/other","type":"BRANCH"}}]}"#;
const GITLAB: &str = r#"{"object_kind":"push","ref":"refs/heads/main"}"#;
const GITLAB_TAG: &str = r#"{"object_kind":"tag_push","ref":"refs/tags/main"}"#;
const GITLAB_MANY: &str = r#"{"event_name":"repository_update","refs":["refs/heads/other","refs/heads/main"]}"#;

/// The header that decides, for a body.
fn proof(header: &'static str, body: &str, secret: &str) -> (&'static str, String) {
    let digits = hmac(body.as_bytes(), secret);
    match header {
        "X-Gitea-Signature" | "X-Forgejo-Signature" => (header, digits),
        "X-Gitlab-Token" => (header, secret.to_owned()),
        _ => (header, format!("sha256={digits}")),
    }
}

/// `production` on `main` and `staging` on `next`, both in sync, that trust hooks.
fn two_branches() -> Place {
    let mut place = Place::with("interval: 1h", &["a 1.0.0"]);
    let production = place.environment_yaml("production", "env_prod", "interval: 1h");
    let staging = place.environment_yaml("staging", "env_staging", "interval: 1h") + "    branch: next\n";
    place.configure(&place.repository_yaml(""), &format!("{production}{staging}"));
    let text = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    let server = "server:\n  webhook: { secret: { env: HOOK_SECRET } }\n";
    std::fs::write(place.path("flowsync.yaml"), format!("{text}{server}")).unwrap();
    place.set("HOOK_SECRET", SECRET);
    git(&place.work(), &["push", "-q", "origin", "HEAD:refs/heads/next"]);
    place.sync_with(&[]).exits(0);
    place
}

/// Sends a hook, signed as this header says.
fn hook(controller: &Listening, path: &str, event: (&str, &str), header: &'static str, body: &str) -> u16 {
    let (name, value) = proof(header, body, SECRET);
    controller.ask("POST", path, &[(name, &value), event], body).status
}

#[test]
fn every_sender_wakes_the_environments_of_its_branch_and_no_other() {
    let place = two_branches();
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    controller.until_passes("staging", 1);
    let none = ("Accept", "*/*");
    let pushes: &[((&str, &str), &'static str, &str)] = &[
        (("X-GitHub-Event", "push"), "X-Hub-Signature-256", MAIN),
        (("X-Gitea-Event", "push"), "X-Gitea-Signature", MAIN),
        (("X-Forgejo-Event", "push"), "X-Forgejo-Signature", MAIN),
        (("X-Event-Key", "repo:push"), "X-Hub-Signature", CLOUD),
        (("X-Event-Key", "repo:refs_changed"), "X-Hub-Signature", SERVER),
        (("X-Gitlab-Event", "Push Hook"), "X-Gitlab-Token", GITLAB),
        (("X-Gitlab-Event", "System Hook"), "X-Gitlab-Token", GITLAB_MANY),
        (none, "X-Flowsync-Signature", MAIN),
    ];
    let mut n_passes = 1;
    for (event, header, body) in pushes {
        for path in ["/hooks/production", "/hooks/all"] {
            assert_eq!(hook(&controller, path, *event, header, body), 202, "{path} {event:?}");
            n_passes += 1;
            controller.until_passes("production", n_passes);
        }
        assert_eq!(hook(&controller, "/hooks/staging", *event, header, body), 200, "another branch: {event:?}");
    }
    let nothing: &[((&str, &str), &'static str, &str)] = &[
        (("X-GitHub-Event", "ping"), "X-Hub-Signature-256", r#"{"zen":"Design for failure.","hook_id":1}"#),
        (("X-GitHub-Event", "push"), "X-Hub-Signature-256", TAG),
        (("X-GitHub-Event", "push"), "X-Hub-Signature-256", OTHER),
        (("X-Gitea-Event", "push"), "X-Gitea-Signature", TAG),
        (("X-Gitea-Event", "issues"), "X-Gitea-Signature", r#"{"action":"opened"}"#),
        (("X-Forgejo-Event", "push"), "X-Forgejo-Signature", OTHER),
        (("X-Event-Key", "diagnostics:ping"), "X-Hub-Signature", r#"{"test":true}"#),
        (("X-Event-Key", "repo:push"), "X-Hub-Signature", CLOUD_TAG),
        (("X-Event-Key", "repo:refs_changed"), "X-Hub-Signature", SERVER_OTHER),
        (("X-Gitlab-Event", "Tag Push Hook"), "X-Gitlab-Token", GITLAB_TAG),
        (none, "X-Flowsync-Signature", TAG),
        (none, "X-Flowsync-Signature", OTHER),
    ];
    for (event, header, body) in nothing {
        for path in ["/hooks/production", "/hooks/all"] {
            assert_eq!(hook(&controller, path, *event, header, body), 200, "{path} {event:?} {body}");
        }
    }
    // Without a body it is every tracked branch, of one environment or of all.
    assert_eq!(hook(&controller, "/hooks/staging", none, "X-Flowsync-Signature", ""), 202);
    controller.until_passes("staging", 2);
    assert_eq!(hook(&controller, "/hooks/all", none, "X-Flowsync-Signature", ""), 202);
    controller.until_passes("staging", 3);
    controller.until_passes("production", n_passes + 1);
    let found = (controller.n_passes("production"), controller.n_passes("staging"));
    assert_eq!(found, (n_passes + 1, 3), "what is nobody's woke nobody");
    controller.stop().exits(0);
}

#[test]
fn a_hook_that_cannot_be_believed_or_read_wakes_nobody_and_says_why() {
    let place = two_branches();
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    let headers = ["X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature", "X-Hub-Signature"];
    for header in headers.into_iter().chain(["X-Gitlab-Token", "X-Flowsync-Signature"]) {
        let (name, wrong) = proof(header, MAIN, "another secret");
        let status = controller.ask("POST", "/hooks/production", &[(name, &wrong)], MAIN).status;
        assert_eq!(status, 401, "{header}");
        let (name, right) = proof(header, "{", SECRET);
        assert_eq!(controller.ask("POST", "/hooks/production", &[(name, &right)], "{").status, 400, "{header}");
        let (name, right) = proof(header, MAIN, SECRET);
        assert_eq!(controller.ask("POST", "/hooks/nowhere", &[(name, &right)], MAIN).status, 404, "{header}");
    }
    let unsigned = controller.ask("POST", "/hooks/production", &[], MAIN);
    assert_eq!(unsigned.status, 401);
    assert!(!unsigned.body.contains("c4nary"), "{unsigned:?}");
    // SHA-1 proves nothing, and the header that decides is the first one.
    assert_eq!(controller.ask("POST", "/hooks/production", &[("X-Hub-Signature", "sha1=00")], MAIN).status, 401);
    let (name, right) = proof("X-Gitlab-Token", MAIN, SECRET);
    let both = [("X-Hub-Signature-256", "sha256=00"), (name, right.as_str())];
    assert_eq!(controller.ask("POST", "/hooks/production", &both, MAIN).status, 401);
    let large = format!("{MAIN}{}", " ".repeat(1024 * 1024));
    let (name, right) = proof("X-Hub-Signature-256", &large, SECRET);
    assert_eq!(controller.ask("POST", "/hooks/production", &[(name, &right)], &large).status, 413);
    assert_eq!(controller.ask("GET", "/hooks/production", &[], "").status, 405);
    assert_eq!(hook(&controller, "/hooks/production", ("Accept", "*/*"), "X-Flowsync-Signature", MAIN), 202);
    controller.until_passes("production", 2);
    assert_eq!((controller.n_passes("production"), controller.n_passes("staging")), (2, 1));
    let ended = controller.stop().exits(0);
    assert!(!ended.stderr.contains("c4nary") && !ended.stdout.contains("c4nary"), "{}", ended.stderr);
}

#[test]
fn without_a_secret_there_are_no_hooks_and_one_that_is_set_by_reload_is_in_force_and_rotates() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    let send = |secret: &str| {
        let (name, value) = proof("X-Hub-Signature-256", MAIN, secret);
        controller.ask("POST", "/hooks/all", &[(name, &value)], MAIN).status
    };
    assert_eq!(send(SECRET), 404);
    std::fs::write(place.path("hook-secret"), format!("{SECRET}\n")).unwrap();
    let text = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    let server = "server:\n  webhook: { secret: { file: hook-secret } }\n";
    std::fs::write(place.path("flowsync.yaml"), format!("{text}{server}")).unwrap();
    controller.hang_up();
    controller.until_passes("production", 2);
    assert_eq!((send(SECRET), send("next")), (202, 401));
    controller.until_passes("production", 3);
    std::fs::write(place.path("hook-secret"), "next\n").unwrap();
    assert_eq!((send(SECRET), send("next")), (401, 202));
    controller.until_passes("production", 4);
    controller.stop().exits(0);
}

#[test]
fn a_shard_takes_its_own_environments_and_leaves_another_ones_hooks_alone() {
    let mut place = two_branches();
    place.edit_configuration("server:\n", "server:\n  token: { env: TOKEN }\n");
    place.set("TOKEN", "t0ken");
    place.commit(&["a 1.1.0"]);
    // `staging` is the first's, `production` the second's; a pod's name does for its ordinal.
    let first = Listening::start_with(&place, &["--shard", "flowsync-0/2"]);
    first.until_passes("staging", 1);
    assert!(first.said().contains("shard 0/2: 1 environment(s)"), "{}", first.said());
    let signature = ("Accept", "*/*");
    assert_eq!(hook(&first, "/hooks/production", signature, "X-Flowsync-Signature", MAIN), 202);
    let bearer = ("Authorization", "Bearer t0ken");
    let ask = |controller: &Listening, name: &str| {
        controller.ask("POST", &format!("/api/v1/environments/{name}/sync"), &[bearer], "").status
    };
    assert_eq!((ask(&first, "production"), ask(&first, "nowhere")), (202, 404));
    assert_eq!(hook(&first, "/hooks/all", signature, "X-Flowsync-Signature", ""), 202);
    first.until_passes("staging", 2);
    let status: serde_json::Value = serde_json::from_str(&first.get("/api/v1/status").1).unwrap();
    let names: Vec<_> = status["environments"].as_array().unwrap().iter().map(|it| it["environment"].clone()).collect();
    assert_eq!((names, &status["shard"]), (vec![json!("staging")], &json!("0/2")));
    assert_eq!(first.n_passes("production"), 0);
    assert!(first.ask("GET", "/readyz", &[], "").status == 200, "ready is whoever has looked after its own");
    assert_eq!(place.tenant.live(), "a 1.0.0", "what is another's is not written");
    let second = Listening::start_with(&place, &["--shard", "1/2"]);
    second.until_passes("production", 1);
    assert_eq!((place.tenant.live(), second.n_passes("staging")), ("a 1.1.0".to_owned(), 0));
    second.stop().exits(0);
    first.stop().exits(0);
    // Of the environments that are named, it takes its share.
    let none = Listening::start_with(&place, &["--shard", "0/2", "--env", "production"]);
    none.until_said("shard 0/2: 0 environment(s)");
    assert_eq!(none.ask("GET", "/readyz", &[], "").status, 200);
    none.stop().exits(0);
}

#[test]
fn what_is_no_shard_is_wrong_usage() {
    let place = Place::new(&["a 1.0.0"]);
    for bad in ["2/2", "-1/2", "1/0", "1", "/", "a/2", "0/1001", "0/99999999999999999999"] {
        let ended = place.run(&["run", "--shard", bad]).exits(64);
        assert!(ended.stderr.contains("expected "), "{bad}: {}", ended.stderr);
    }
}

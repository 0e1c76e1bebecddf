//! What each sender is documented to send, shortened to what a reader could stumble over.

use super::*;

const GITHUB_PUSH: &str = r#"{
  "ref": "refs/heads/main", "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "after": "0000000000000000000000000000000000000000",
  "repository": { "id": 186853002, "full_name": "acme/flows", "private": false, "default_branch": "trunk", "url": "https://github.com/acme/flows",
    "owner": { "name": "acme", "login": "acme" }, "master_branch": "trunk" },
  "pusher": { "name": "ada", "email": "ada@example.com" }, "sender": { "login": "ada", "id": 21031067, "site_admin": false },
  "created": false, "deleted": true, "forced": false, "base_ref": null, "compare": "https://github.com/acme/flows/compare/6113728f27ae...000000000000",
  "commits": [ { "id": "9d4eb9a", "tree_id": "f9d2a07", "distinct": true, "message": "refs/heads/other \ud800", "added": [], "removed": [], "modified": ["flows/a.json"] } ],
  "head_commit": null }"#;

const GITEA_PUSH: &str = r#"{
  "ref": "refs/heads/feature/größer", "before": "28e1879d029cb852e4844d9c718537df08844e03", "after": "bffeb74224043ba2feb48d137756c8a9331c449a",
  "compare_url": "http://localhost:3000/acme/flows/compare/28e1879d...bffeb742", "total_commits": 1,
  "commits": [ { "id": "bffeb742", "message": "Webhooks", "url": "http://localhost:3000/acme/flows/commit/bffeb742",
    "author": { "name": "Ada", "email": "ada@example.com", "username": "ada" }, "timestamp": "2017-03-13T13:52:11-04:00", "added": [] } ],
  "repository": { "id": 140, "owner": { "id": 1, "login": "acme", "full_name": "" }, "name": "flows", "default_branch": "master" },
  "pusher": { "id": 1, "login": "ada" }, "sender": { "id": 1, "login": "ada" } }"#;

const GITLAB_PUSH: &str = r#"{
  "object_kind": "push", "event_name": "push", "before": "95790bf891e76fee5e1747ab589903a6a1f80f22", "after": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
  "ref": "refs/heads/main", "ref_protected": true, "checkout_sha": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", "message": null, "user_id": 4,
  "project_id": 15, "project": { "id": 15, "path_with_namespace": "acme/flows", "default_branch": "master", "ci_config_path": null },
  "commits": [], "total_commits_count": 0, "push_options": { "ci": { "skip": true } }, "repository": { "name": "flows", "visibility_level": 0 } }"#;

const GITLAB_UPDATE: &str = r#"{
  "event_name": "repository_update", "user_id": 1, "user_name": "Ada", "project_id": 1, "project": { "name": "flows", "default_branch": "master" },
  "changes": [ { "before": "8205ea8d", "after": "4045ea7a", "ref": "refs/heads/main" } ],
  "refs": [ "refs/heads/main", "refs/heads/a/b", "refs/tags/v1", "refs/merge-requests/1/head" ] }"#;

const BITBUCKET_CLOUD_PUSH: &str = r#"{
  "actor": { "type": "user", "display_name": "Ada" }, "repository": { "type": "repository", "full_name": "acme/flows", "scm": "git" },
  "push": { "changes": [
    { "new": { "type": "branch", "name": "main", "target": { "type": "commit", "hash": "709d658d", "parents": [] } }, "old": null,
      "created": true, "forced": false, "closed": false, "commits": [], "truncated": false },
    { "old": { "type": "branch", "name": "feature/x", "target": { "type": "commit" } }, "new": null, "closed": true, "created": false },
    { "new": { "type": "tag", "name": "release" }, "old": { "type": "tag", "name": "release" } },
    { "new": { "type": "branch", "name": "other" }, "old": { "type": "branch", "name": "other" }, "links": { "html": { "href": "https://bitbucket.org" } } } ] } }"#;

const BITBUCKET_SERVER_PUSH: &str = r#"{
  "eventKey": "repo:refs_changed", "date": "2017-09-19T09:45:32+1000", "actor": { "name": "ada", "id": 1, "type": "NORMAL" },
  "repository": { "slug": "flows", "id": 84, "scmId": "git", "project": { "key": "ACME", "id": 84, "type": "NORMAL" }, "public": false },
  "changes": [
    { "ref": { "id": "refs/heads/main", "displayId": "main", "type": "BRANCH" }, "refId": "refs/heads/main", "fromHash": "ecddabb6", "toHash": "178864a7", "type": "UPDATE" },
    { "ref": { "id": "refs/tags/other", "displayId": "other", "type": "TAG" }, "refId": "refs/tags/other", "fromHash": "0", "toHash": "1", "type": "ADD" } ],
  "commits": [], "toCommit": null }"#;

fn verdict(sender: Sender, event: Option<(&'static str, &str)>, body: &str) -> HookVerdict {
    let request = Request::of(sender, body);
    event.into_iter().fold(request, |request, (name, value)| request.with(name, value)).judge()
}

#[test]
fn a_push_as_it_is_documented_names_its_branches() {
    for (sender, event, body, names) in [
        (Sender::GitHub, ("X-GitHub-Event", "push"), GITHUB_PUSH, &["main"] as &[&str]),
        (Sender::GitHub, ("X-GitHub-Event", "push"), GITEA_PUSH, &["feature/größer"]),
        (Sender::Gitea, ("X-Gitea-Event", "push"), GITEA_PUSH, &["feature/größer"]),
        (Sender::Forgejo, ("X-Forgejo-Event", "push"), GITEA_PUSH, &["feature/größer"]),
        (Sender::GitLab, ("X-Gitlab-Event", "Push Hook"), GITLAB_PUSH, &["main"]),
        (Sender::GitLab, ("X-Gitlab-Event", "System Hook"), GITLAB_PUSH, &["main"]),
        (Sender::GitLab, ("X-Gitlab-Event", "System Hook"), GITLAB_UPDATE, &["a/b", "main"]),
        (Sender::Bitbucket, ("X-Event-Key", "repo:push"), BITBUCKET_CLOUD_PUSH, &["feature/x", "main", "other"]),
        (Sender::Bitbucket, ("X-Event-Key", "repo:refs_changed"), BITBUCKET_SERVER_PUSH, &["main"]),
        (Sender::Bitbucket, ("X-Event-Key", "mirror:repo_synchronized"), BITBUCKET_SERVER_PUSH, &["main"]),
        (Sender::Other, ("X-Anything", "x"), r#"{"ref":"refs/heads/a/b","more":[1,{}]}"#, &["a/b"]),
    ] {
        assert_eq!(verdict(sender, Some(event), body), branches(names), "{sender:?} {event:?}");
        assert_eq!(verdict(sender, None, body), branches(names), "{sender:?} by its body alone");
    }
}

#[test]
fn a_tag_of_a_branchs_name_is_no_branch() {
    for sender in [Sender::GitHub, Sender::Gitea, Sender::Forgejo, Sender::Other] {
        assert_eq!(verdict(sender, None, r#"{"ref":"refs/tags/main"}"#), HookVerdict::Nothing);
        assert_eq!(verdict(sender, None, r#"{"ref":"refs/heads/refs/heads/main"}"#), branches(&["refs/heads/main"]));
        assert_eq!(verdict(sender, None, r#"{"ref":"refs/pull/1/head"}"#), HookVerdict::Nothing);
    }
    let tag = GITLAB_PUSH.replace("\"push\"", "\"tag_push\"").replace("refs/heads", "refs/tags");
    assert_eq!(verdict(Sender::GitLab, None, &tag), HookVerdict::Nothing);
    let tag = BITBUCKET_SERVER_PUSH.replace("refs/heads/main", "refs/tags/main").replace("BRANCH", "TAG");
    assert_eq!(verdict(Sender::Bitbucket, None, &tag), HookVerdict::Nothing);
    let tag = r#"{"push":{"changes":[{"new":{"type":"tag","name":"main"},"old":null}]}}"#;
    assert_eq!(verdict(Sender::Bitbucket, None, tag), HookVerdict::Nothing);
}

#[test]
fn pings_and_other_events_are_nothing_for_us() {
    let ping = r#"{"zen":"Keep it logically awesome.","hook_id":1,"hook":{"type":"Repository","events":["push"]}}"#;
    for (sender, event, body) in [
        (Sender::GitHub, Some(("X-GitHub-Event", "ping")), ping),
        (Sender::GitHub, None, ping),
        (Sender::GitHub, Some(("X-GitHub-Event", "create")), r#"{"ref":"main","ref_type":"branch"}"#),
        (Sender::GitHub, Some(("X-GitHub-Event", "workflow_dispatch")), r#"{"ref":"refs/heads/main"}"#),
        (Sender::Gitea, Some(("X-Gitea-Event", "delete")), r#"{"ref":"main","ref_type":"branch"}"#),
        (Sender::Forgejo, Some(("X-Forgejo-Event", "issues")), r#"{"action":"opened"}"#),
        (Sender::GitLab, None, r#"{"object_kind":"build","ref":"main","tag":false}"#),
        (Sender::GitLab, None, r#"{"object_kind":"pipeline","object_attributes":{"ref":"main"}}"#),
        (Sender::GitLab, None, r#"{"event_name":"project_create","name":"flows"}"#),
        (Sender::Bitbucket, Some(("X-Event-Key", "diagnostics:ping")), r#"{"test":true}"#),
        (Sender::Bitbucket, None, r#"{"test":true}"#),
        (Sender::Bitbucket, Some(("X-Event-Key", "pullrequest:created")), r#"{"pullrequest":{}}"#),
        (Sender::Bitbucket, Some(("X-Event-Key", "repo:push")), r#"{"push":{"changes":[]}}"#),
    ] {
        assert_eq!(verdict(sender, event, body), HookVerdict::Nothing, "{sender:?} {event:?} {body}");
    }
}

#[test]
fn a_push_that_names_no_branch_of_many_is_about_all() {
    assert_eq!(verdict(Sender::Other, None, ""), HookVerdict::EveryBranch);
    assert_eq!(verdict(Sender::Other, None, "\r\n"), HookVerdict::EveryBranch);
    let mirror = r#"{"eventKey":"mirror:repo_synchronized","refLimitExceeded":true,"changes":[]}"#;
    assert_eq!(verdict(Sender::Bitbucket, None, mirror), HookVerdict::EveryBranch);
}

#[test]
fn a_form_of_github_is_read_and_one_of_another_shape_is_told() {
    let form = |fields: &[(&str, &str)]| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::of(Sender::GitHub, body).with("X-GitHub-Event", "push");
        request.with("Content-Type", "application/x-www-form-urlencoded; charset=utf-8").judge()
    };
    assert_eq!(form(&[("payload", GITHUB_PUSH)]), branches(&["main"]));
    let why = unreadable(form(&[("payload", GITHUB_PUSH), ("payload", GITHUB_PUSH)])).to_string();
    assert!(why.contains("application/json"), "{why}");
    for wrong in [&[] as &[(&str, &str)], &[("other", "x")], &[("payload", "")], &[("payload", "ref")]] {
        unreadable(form(wrong));
    }
    // Without the header it is what it is: no JSON.
    unreadable(verdict(Sender::GitHub, None, "payload=%7B%7D"));
}

#[test]
fn what_no_sender_sends_is_unreadable_and_its_words_are_not_repeated() {
    let hunter = r#"{"ref":"hunter2"}"#;
    for sender in SENDERS {
        for body in ["{", "[]", "null", "7", "{}", hunter, "hunter2", "\u{feff}{}", r#"{"ref":7,"push":7}"#] {
            let request = Request::of(sender, body);
            let why = unreadable(request.judge()).to_string();
            assert!(why.starts_with("expected ") && !why.contains("hunter2"), "{sender:?} {body}: {why}");
        }
        unreadable(Request::of(sender, b"\xff\xfe{}".to_vec()).judge());
        if sender != Sender::Other {
            unreadable(Request::of(sender, "").judge());
        }
    }
    for body in [
        r#"{"ref":"refs/heads/"}"#,
        r#"{"ref":"refs/heads/a","ref":"refs/heads/b"}"#,
        r#"{"ref":"\ud800"}"#,
        r#"{"ref":"main"}"#,
        r#"{"ref":null}"#,
    ] {
        unreadable(verdict(Sender::GitHub, None, body));
        unreadable(verdict(Sender::Other, None, body));
    }
    for body in [r#"{"push":{}}"#, r#"{"push":{"changes":[{"new":{"name":"x"}}]}}"#, r#"{"changes":[{}]}"#] {
        unreadable(verdict(Sender::Bitbucket, None, body));
    }
}

#[test]
fn depth_and_size_are_no_way_to_bring_us_down() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    for sender in [Sender::GitHub, Sender::Gitea, Sender::Forgejo, Sender::Other] {
        let bomb = format!(r#"{{"x":{},"ref":"refs/heads/main"}}"#, deep(400_000));
        assert_eq!(verdict(sender, None, &bomb), branches(&["main"]));
        unreadable(verdict(sender, None, &format!(r#"{{"ref":{}}}"#, deep(400_000))));
        unreadable(verdict(sender, None, &"[".repeat(1 << 20)));
    }
    let many: Vec<String> = (0..20_000).map(|n| format!(r#"{{"new":{{"type":"branch","name":"b{n}"}}}}"#)).collect();
    let many = format!(r#"{{"push":{{"changes":[{}]}}}}"#, many.join(","));
    assert!(matches!(verdict(Sender::Bitbucket, None, &many), HookVerdict::Branches(names) if names.len() == 20_000));
}

/// Every documented push, for tests that change them.
pub(super) const PUSHES: [(Sender, &str); 8] = [
    (Sender::GitHub, GITHUB_PUSH),
    (Sender::Gitea, GITEA_PUSH),
    (Sender::Forgejo, GITEA_PUSH),
    (Sender::GitLab, GITLAB_PUSH),
    (Sender::GitLab, GITLAB_UPDATE),
    (Sender::Bitbucket, BITBUCKET_CLOUD_PUSH),
    (Sender::Bitbucket, BITBUCKET_SERVER_PUSH),
    (Sender::Other, r#"{"ref":"refs/heads/main"}"#),
];

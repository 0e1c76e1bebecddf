//! A pull request on each forge, by the requests that its documentation has.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use flowsync::config::{Config, Repository};
use flowsync::forge::{Forge, ForgeError, OpenError, Opened, Patience, PullOutcome, PullRequest};

use crate::forge_server::{ForgeServer, Instead, KINDS, Kind, Pull, TOKEN};
use crate::support::Place;

/// The numbers of everyday, a hundred times as fast where something waits.
fn hurry() -> Patience {
    let millisecond = Duration::from_millis(1);
    Patience { second: 10 * millisecond, pause: millisecond, ..Patience::default() }
}

fn repository(forge: &str) -> Repository {
    let text = format!(
        "version: 1\nrepository:\n  url: /nowhere.git\n  forge: {forge}\nenvironments:\n  e:\n    tenant:\n      \
         url: https://a.example/api/v2\n      environmentId: e\n      auth: {{ apiKey: {{ env: KEY }} }}\n"
    );
    Config::parse(&text, Path::new("flowsync.yaml")).unwrap().environments["e"].repository.clone()
}

fn forge_with(server: &ForgeServer, token: &str, patience: Patience) -> Forge {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{token}\n")).unwrap();
    let source = format!("{{ file: '{}' }}", file.path().display());
    Forge::open_tuned(&repository(&server.yaml(&source)), patience).unwrap()
}

fn forge(server: &ForgeServer) -> Forge {
    forge_with(server, TOKEN, hurry())
}

fn proposal() -> PullRequest {
    let text = str::to_owned;
    PullRequest {
        head: text("flowsync/adopt/prod"),
        base: text("main"),
        title: text("flow_a"),
        body: text("- `flow_a`"),
    }
}

async fn propose(server: &ForgeServer) -> Result<Opened, ForgeError> {
    forge(server).propose(&proposal()).await
}

/// One that somebody else opened between the same branches.
fn same_branches(number: u64) -> Pull {
    Pull::new(number, "flowsync/adopt/prod", "main")
}

#[track_caller]
fn check(server: &ForgeServer, opened: Result<Opened, ForgeError>, number: u64, outcome: PullOutcome, methods: &str) {
    let expected = Opened { address: server.page(number), outcome };
    assert_eq!((opened, server.methods().as_str()), (Ok(expected), methods), "{:?}", server.kind);
}

#[tokio::test]
async fn it_is_created_left_as_it_is_and_updated() {
    for kind in KINDS {
        let (server, update) = (ForgeServer::start(kind), kind.update());
        check(&server, propose(&server).await, 1, PullOutcome::Created, "GET POST");
        let created = Pull { title: "flow_a".to_owned(), body: "- `flow_a`".to_owned(), ..same_branches(1) };
        assert_eq!(server.pulls(), std::slice::from_ref(&created));
        check(&server, propose(&server).await, 1, PullOutcome::Unchanged, "GET");
        for changed in [
            PullRequest { title: "flow_a, flow_b".to_owned(), ..proposal() },
            PullRequest { body: "- `flow_b`".to_owned(), ..proposal() },
        ] {
            let opened = forge(&server).propose(&changed).await;
            check(&server, opened, 1, PullOutcome::Updated, &format!("GET {update}"));
            let PullRequest { title, body, .. } = changed;
            assert_eq!(server.pulls(), [Pull { title, body, ..created.clone() }]);
        }
    }
}

#[tokio::test]
async fn closed_ones_those_of_forks_and_those_for_other_branches_are_left_alone() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        let others = [
            Pull { is_open: false, ..same_branches(1) },
            Pull { is_of_fork: true, ..same_branches(2) },
            Pull::new(3, "flowsync/adopt/prod", "release"),
            Pull::new(4, "flowsync/adopt/production", "main"),
        ];
        others.iter().for_each(|pull| server.add(pull.clone()));
        check(&server, propose(&server).await, 5, PullOutcome::Created, "GET POST");
        assert_eq!(server.pulls()[..4], others);
    }
}

#[tokio::test]
async fn it_is_found_on_a_later_page() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        // GitHub and GitLab are asked for these branches only: there, forks stand before it.
        (1..=4).for_each(|number| server.add(Pull { is_of_fork: true, ..same_branches(number) }));
        server.add(Pull { title: "flow_a".to_owned(), body: "- `flow_a`\r\n".to_owned(), ..same_branches(5) });
        server.give_pages_of(2);
        check(&server, propose(&server).await, 5, PullOutcome::Unchanged, "GET GET GET");
    }
    let server = ForgeServer::start(Kind::Gitea);
    (1..=60).for_each(|number| server.add(Pull::new(number, &format!("topic/{number}"), "main")));
    check(&server, propose(&server).await, 61, PullOutcome::Created, "GET GET POST");
}

#[tokio::test]
async fn a_list_without_an_end_is_no_reason_to_open_another() {
    let server = ForgeServer::start(Kind::Gitea);
    (1..=60).for_each(|number| server.add(Pull::new(number, &format!("topic/{number}"), "main")));
    server.give_pages_of(1);
    let said = propose(&server).await.unwrap_err().to_string();
    assert!(said.ends_with("cannot say which pull requests are open: more than 1000 pull requests are open"), "{said}");
    assert_eq!(server.methods().matches("POST").count(), 0);
}

#[tokio::test]
async fn what_was_done_in_spite_of_the_answer_is_found_and_not_done_again() {
    let instead = |status, body: &str| Instead::Reply { status, headers: Vec::new(), body: body.to_owned() };
    for kind in KINDS {
        for answer in
            [instead(500, "oops"), instead(502, ""), instead(201, "<html>"), instead(201, "{}"), Instead::Drop]
        {
            let server = ForgeServer::start(kind);
            server.fail("POST", true, answer.clone());
            check(&server, propose(&server).await, 1, PullOutcome::Created, "GET POST GET");
            server.fail(kind.update(), true, answer);
            let changed = PullRequest { title: "other".to_owned(), ..proposal() };
            let opened = forge(&server).propose(&changed).await;
            assert_eq!(opened.unwrap().address, server.page(1));
            assert_eq!((server.pulls().len(), server.pulls()[0].title.as_str()), (1, "other"));
        }
    }
}

#[tokio::test]
async fn what_was_not_done_is_an_error_and_a_rerun_does_it() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        server.fail_with("POST", false, 500, r#"{"message":"out of order"}"#);
        let said = propose(&server).await.unwrap_err().to_string();
        let end = "cannot open the pull request: it answered 500 Internal Server Error: out of order";
        assert!(said.ends_with(end), "{said}");
        assert_eq!((server.methods().as_str(), server.pulls().len()), ("GET POST GET", 0));
        check(&server, propose(&server).await, 1, PullOutcome::Created, "GET POST");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_made_again_and_not_for_ever() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        server.fail_with("GET", false, 503, "");
        server.fail("GET", false, Instead::Drop);
        check(&server, propose(&server).await, 1, PullOutcome::Created, "GET GET GET POST");
        (0..3).for_each(|_| server.fail_with("GET", false, 500, ""));
        let said = propose(&server).await.unwrap_err().to_string();
        assert!(
            said.ends_with(
                "cannot say which pull requests are open: it answered 500 Internal Server Error: no further word"
            ),
            "{said}"
        );
        assert_eq!(server.methods(), "GET GET GET");
    }
}

#[tokio::test]
async fn somebody_who_was_faster_is_not_opposed() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        server.add(same_branches(1));
        server.fail_with("GET", false, 200, "[]");
        check(&server, propose(&server).await, 1, PullOutcome::Updated, &format!("GET POST GET {}", kind.update()));
        assert_eq!(server.pulls().len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_words_of_the_forge() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        server.fail_with(
            "POST",
            false,
            422,
            r#"{"message":"Validation Failed","errors":[{"message":"No commits between main and x"}]}"#,
        );
        let said = propose(&server).await.unwrap_err().to_string();
        let end = "cannot open the pull request: it refuses (422): Validation Failed: No commits between main and x";
        assert!(said.ends_with(end) && said.contains("at `127.0.0.1:"), "{said}");
        server.fail_with("GET", false, 404, r#"{"message":"404 Project Not Found"}"#);
        let said = propose(&server).await.unwrap_err().to_string();
        assert!(said.contains("no such project") && said.ends_with("(404): 404 Project Not Found"), "{said}");
    }
}

#[tokio::test]
async fn a_wait_of_a_few_seconds_is_made_and_no_longer_one() {
    let throttled = |status, seconds: &str| Instead::Reply {
        status,
        headers: vec![("retry-after".to_owned(), seconds.to_owned())],
        body: r#"{"message":"slow down"}"#.to_owned(),
    };
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        server.fail("GET", false, throttled(429, "1"));
        server.fail("POST", false, throttled(if kind == Kind::GitHub { 403 } else { 429 }, "5"));
        check(&server, propose(&server).await, 1, PullOutcome::Created, "GET GET POST POST");
        server.fail("GET", false, throttled(429, "6"));
        let said = propose(&server).await.unwrap_err().to_string();
        assert!(said.ends_with("it limits the rate (429) and asks to wait 6 s"), "{said}");
        assert_eq!(server.methods(), "GET");
        (0..3).for_each(|_| server.fail_with("GET", false, 429, ""));
        let said = propose(&server).await.unwrap_err().to_string();
        assert!(said.ends_with("it limits the rate (429)"), "{said}");
    }
    let Patience { whole, retry_after_seconds_max, second, .. } = Patience::default();
    assert_eq!((whole, retry_after_seconds_max, second), (Duration::from_secs(30), 5.0, Duration::from_secs(1)));
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let other = ForgeServer::start(Kind::GitHub);
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        for (method, status) in [("GET", 301), ("GET", 302), ("POST", 307), ("POST", 308)] {
            let headers = vec![("location".to_owned(), format!("{}/repos/acme/flows/pulls?{TOKEN}", other.url()))];
            server.fail(method, false, Instead::Reply { status, headers, body: String::new() });
            let said = propose(&server).await.unwrap_err().to_string();
            let expected = format!("it redirects to `{}`, where no token is sent", other.url());
            assert!(said.contains(&expected) && !said.contains("c4nary"), "{said}");
        }
        let headers = vec![("location".to_owned(), format!("{}/elsewhere", server.url()))];
        server.fail("POST", false, Instead::Reply { status: 307, headers, body: String::new() });
        let said = propose(&server).await.unwrap_err().to_string();
        assert!(said.ends_with("the project has moved; correct `repository.forge.project`"), "{said}");
        assert_eq!(server.pulls(), []);
    }
    assert_eq!(other.methods(), "");
}

#[tokio::test]
async fn the_token_is_shown_in_no_spelling() {
    let base64 = base64::engine::general_purpose::STANDARD;
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        let wrong = "c4nary-of-somebody-else";
        let error = forge_with(&server, wrong, hurry()).propose(&proposal()).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(
            said.contains("the token is not accepted (401): Bad credentials") && !said.contains("c4nary"),
            "{said}"
        );
        for echo in [
            serde_json::json!({ "message": format!("no {TOKEN}") }).to_string(),
            format!("<p>{TOKEN}</p>"),
            url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect(),
            base64.encode(format!("Bearer {TOKEN}")),
            TOKEN.replace('/', "\\/"),
        ] {
            server.fail_with("GET", false, 401, &echo);
            let error = propose(&server).await.unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(said.contains("***") && !said.contains("c4nary") && !said.contains(&echo), "{echo}: {said}");
        }
        assert!(!format!("{:?}", forge(&server)).contains("c4nary"));
        server.methods();
    }
}

#[tokio::test]
async fn a_forge_that_says_nothing_is_not_waited_for() {
    let patience = || Patience { whole: Duration::from_millis(200), ..hurry() };
    for method in ["GET", "POST"] {
        let server = ForgeServer::start(Kind::GitLab);
        server.fail(method, false, Instead::Hang);
        let said = forge_with(&server, TOKEN, patience()).propose(&proposal()).await.unwrap_err().to_string();
        assert!(said.ends_with("cannot be asked for a pull request: no end within 0.2 s"), "{said}");
    }
    let closed = ForgeServer::start(Kind::Gitea).url().replace("http://127.0.0.1:", "");
    let source = format!("{{ kind: gitea, project: a/b, url: 'http://127.0.0.1:{closed}', token: {{ env: PATH }} }}");
    // Nobody says anything of value there, whether or not the port was given away meanwhile.
    assert!(Forge::open_tuned(&repository(&source), patience()).unwrap().propose(&proposal()).await.is_err());
}

#[tokio::test]
async fn answers_that_make_no_sense_are_quoted_in_short() {
    for kind in KINDS {
        for (answer, expected) in [
            ("<html>\u{1b}[31m", "expected JSON, found: <html>\\u{1b}[31m"),
            ("{}", "expected a list of pull requests, found: {}"),
            ("", "expected JSON, found: no further word"),
        ] {
            let server = ForgeServer::start(kind);
            server.fail_with("GET", false, 200, answer);
            let said = propose(&server).await.unwrap_err().to_string();
            assert!(said.ends_with(expected), "{said}");
        }
        let server = ForgeServer::start(kind);
        server.fail_with("GET", false, 400, &"x".repeat(1_000_000));
        let said = propose(&server).await.unwrap_err().to_string();
        assert!(said.len() < 350 && said.contains('…'), "{said}");
    }
}

#[tokio::test]
async fn a_draft_stays_one() {
    for (kind, mark) in [(Kind::GitLab, "Draft: "), (Kind::Gitea, "WIP: ")] {
        let server = ForgeServer::start(kind);
        server.add(Pull { title: format!("{mark}flow_a"), body: "- `flow_a`".to_owned(), ..same_branches(1) });
        check(&server, propose(&server).await, 1, PullOutcome::Unchanged, "GET");
        let changed = PullRequest { title: "flow_b".to_owned(), ..proposal() };
        let opened = forge(&server).propose(&changed).await;
        check(&server, opened, 1, PullOutcome::Updated, &format!("GET {}", kind.update()));
        assert_eq!(server.pulls()[0].title, format!("{mark}flow_b"));
    }
}

#[tokio::test]
async fn a_token_is_proven_without_changing_anything() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        forge(&server).check().await.unwrap();
        let said = forge_with(&server, "another", hurry()).check().await.unwrap_err().to_string();
        assert!(said.contains("cannot show the project: the token is not accepted (401)"), "{said}");
        assert_eq!((server.methods().as_str(), server.pulls().len()), ("GET GET", 0));
    }
}

#[test]
fn without_a_forge_or_its_token_nothing_is_asked() {
    let opened = |forge: &str| Forge::open(&repository(forge)).unwrap_err();
    let none = Repository { forge: None, ..repository("{ kind: github, project: a/b }") };
    assert!(matches!(Forge::open(&none), Err(OpenError::NotConfigured)));
    assert!(matches!(opened("{ kind: github, project: a/b }"), OpenError::NoToken));
    let unset = opened("{ kind: github, project: a/b, token: { env: FLOWSYNC_TESTS_NEVER_SET_THIS } }").to_string();
    assert!(unset.contains("FLOWSYNC_TESTS_NEVER_SET_THIS") && unset.contains("repository.forge.token"), "{unset}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a\nb").unwrap();
    let lines = opened(&format!("{{ kind: github, project: a/b, token: {{ file: '{}' }} }}", file.path().display()));
    assert!(matches!(lines, OpenError::UnusableToken), "{lines}");
}

#[test]
fn doctor_shows_whether_the_token_is_good() {
    for kind in KINDS {
        let server = ForgeServer::start(kind);
        let mut place = Place::new(&["a 1.0.0"]);
        place.set("FORGE_TOKEN", TOKEN);
        place.configure(
            &place.repository_yaml(&format!("  forge: {}\n", server.yaml("{ env: FORGE_TOKEN }"))),
            &place.environment_yaml("production", "env_prod", ""),
        );
        place.run(&["doctor"]).exits(0).prints(&["ok   forge: ", "takes the token and shows the project"]);
        place.set("FORGE_TOKEN", "c4nary-of-somebody-else");
        let ended = place.run(&["doctor"]).exits(1).prints(&["FAIL forge: ", "the token is not accepted (401)"]);
        assert!(!format!("{ended:?}").contains("c4nary"), "{ended:?}");
        assert_eq!((server.methods().as_str(), server.pulls().len()), ("GET GET", 0));
    }
}

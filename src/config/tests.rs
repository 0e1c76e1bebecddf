//! The loader from outside: text in, a configuration or all of its problems out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::address::RepositoryUrl;
use crate::problem::Problem;

/// A whole file; `%R` and `%E` stand for more of `repository` and of the environment, `%S` for `sync`.
const FILE: &str = "\
version: 1
repository:
  url: https://git.example.com/acme/flows.git
%R
environments:
  production:
    tenant:
      url: https://us-east-1.cognigy.ai/api/v2
      environmentId: env_prod
      auth:
        apiKey: { env: COGNIGY_API_KEY }
%E
    sync:
%S
";

pub(super) fn file(repository: &str, environment: &str, sync: &str) -> String {
    FILE.replace("%R", repository).replace("%E", environment).replace("%S", sync)
}

pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("acme/flowsync.yaml"))
}

pub(super) fn problems(text: &str) -> Vec<Problem> {
    match parse(text) {
        Ok(config) => config.broken.into_values().flatten().collect(),
        Err(error) => error.problems().to_vec(),
    }
}

/// What is wrong, a line a problem.
pub(super) fn check(text: &str, expected: &[&str]) {
    let found: Vec<String> = problems(text).iter().map(Problem::to_string).collect();
    let expected: Vec<String> = expected.iter().map(|line| format!("acme/flowsync.yaml:{line}")).collect();
    assert_eq!(found, expected, "\n{text}");
}

#[test]
fn every_default_is_filled_in() {
    let config = parse(&file("", "", "")).unwrap();
    assert!(config.broken.is_empty());
    let Environment { name, repository, tenant, sync } = config.environment("production").unwrap();
    assert_eq!((name.as_str(), sync), ("production", &SyncPolicy::default()));
    let Repository { branch, flows, records, records_branch, author, .. } = repository;
    assert_eq!((branch.as_str(), flows.as_str(), records.as_str()), ("main", "flows", "deployments"));
    assert_eq!(&*repository.overlays, "overlays/production");
    assert_eq!((records_branch, author.email.as_str()), (&None, "flowsync@localhost"));
    assert!(repository.credentials.is_none() && !repository.allow_insecure && !tenant.allow_insecure);
    assert!(matches!(&tenant.auth, Auth::ApiKey(SecretSource::Env(name)) if name == "COGNIGY_API_KEY"));
}

#[test]
fn what_is_written_is_meant() {
    let sync = "      { interval: 5m, concurrency: 256, drift: report, approval: manifest, prune: true, maxDeletes: 3,\n        \
                ignore: [/a/*/b], verifyTimeout: 1s, deployTimeout: 1h30m }\n\
                server: { token: { file: token }, readToken: { env: READ_TOKEN }, webhook: { secret: { env: HOOK_SECRET } } }";
    let text = file(
        "  recordsBranch: flowsync/records\n  caFile: ca.pem\n  watch: ../git/current",
        "    branch: release\n    flows: ./a/b/",
        sync,
    );
    let config = parse(&text).unwrap();
    let Environment { repository, sync, .. } = &config.environments["production"];
    assert_eq!((repository.branch.as_str(), repository.flows.as_str()), ("release", "a/b"));
    assert_eq!(repository.records_branch.as_deref(), Some("flowsync/records"));
    assert_eq!(repository.ca_file, Some(PathBuf::from("acme/ca.pem")));
    assert_eq!(repository.watch, Some(PathBuf::from("acme/../git/current")));
    let Server { token, read_token, webhook_secret } = &config.server;
    assert_eq!(token, &Some(SecretSource::File(PathBuf::from("acme/token"))));
    assert_eq!(read_token, &Some(SecretSource::Env("READ_TOKEN".to_owned())));
    assert_eq!(webhook_secret, &Some(SecretSource::Env("HOOK_SECRET".to_owned())));
    let variables: Vec<&str> = config.secret_variables().into_iter().collect();
    assert_eq!(variables, ["COGNIGY_API_KEY", "HOOK_SECRET", "READ_TOKEN"]);
    let expected = SyncPolicy {
        interval: Duration::from_secs(300),
        concurrency: std::num::NonZeroUsize::new(256).unwrap(),
        drift: Drift::Report,
        approval: ApprovalPolicy::Manifest,
        windows: Vec::new(),
        verify: None,
        prune: Prune::Remove,
        protect: Protect::default(),
        max_deletes: MaxDeletes::Count(3),
        ignore: vec!["/a/*/b".to_owned()],
        verify_timeout: Duration::from_secs(1),
        deploy_timeout: Duration::from_secs(5400),
        pass_deadline: Duration::from_secs(5400 + 900),
        release: None,
    };
    assert_eq!(sync, &expected);
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    check(
        &file("  brnach: x", "    interval: 60s", "      intervall: 1s\n      client_secret: x\n      colour: x"),
        &[
            "4:3: error[unknown-key] unknown key `brnach` in `repository` (did you mean `branch`?)",
            "12:5: error[unknown-key] unknown key `interval` in an environment (`interval` belongs in `sync`)",
            "14:7: error[unknown-key] unknown key `intervall` in `sync` (did you mean `interval`?)",
            "15:7: error[unknown-key] unknown key `client_secret` in `sync` (known keys are `interval`, `concurrency`, \
             `drift`, `approval`, `windows`, `verify`, `prune`, `protect`, `maxDeletes`, `ignore`, `verifyTimeout`, `deployTimeout`, \
             `passDeadline`)",
            "16:7: error[unknown-key] unknown key `colour` in `sync` (known keys are `interval`, `concurrency`, \
             `drift`, `approval`, `windows`, `verify`, `prune`, `protect`, `maxDeletes`, `ignore`, `verifyTimeout`, `deployTimeout`, \
             `passDeadline`)",
        ],
    );
}

#[test]
fn every_bad_value_is_reported_at_once() {
    check(
        &file(
            "  branch: no..way\n  records: flows/records",
            "",
            "      interval: 60\n      concurrency: 257\n      drift: repor\n      prune: yes\n      maxDeletes: 101%\n      \
             ignore: [a]\n      verifyTimeout: 2h\n      deployTimeout: 1s",
        ),
        &[
            "4:11: error[bad-branch] `branch`: expected the name of a branch, found `no..way` (a branch may not be `@`, hold `..` \
             or `@{`, or end with `.`)",
            "5:12: error[folders-overlap] `records`: expected two separate folders, found flows in `flows` and records in \
             `flows/records` (neither may be or hold the other)",
            "15:17: error[bad-value] `interval`: expected a duration such as `60s`, found the number `60` (write the unit, for \
             example `60s`)",
            "16:20: error[out-of-range] `concurrency`: expected a number from 1 to 256, found the number `257`",
            "17:14: error[bad-value] `drift`: expected `correct`, `report` or `adopt`, found `repor` (did you mean `report`?)",
            "18:14: error[bad-value] `prune`: expected `true` or `false`, found `yes`",
            "19:19: error[bad-value] `maxDeletes`: expected a count such as `5` or a share from `0%` to `100%`, found `101%`",
            "20:16: error[bad-pointer] `ignore`: expected a JSON pointer such as `/nodes/*/position`, found `a` (a pointer begins \
             with `/`)",
            "21:22: error[out-of-range] `verifyTimeout`: expected a duration from `1s` to `1h`, found `2h`",
            "22:22: error[out-of-range] `deployTimeout`: expected a duration from `10s` to `1d`, found `1s`",
        ],
    );
}

#[test]
fn ranges_end_where_they_say() {
    for (key, least, below, most, above) in [
        ("interval", "1s", "999ms", "24h", "24h1ms"),
        ("verifyTimeout", "1s", "999ms", "1h", "1h1ms"),
        ("deployTimeout", "10s", "9s", "24h", "24h1s"),
        ("passDeadline", "1s", "999ms", "48h", "48h1s"),
        ("concurrency", "1", "0", "256", "257"),
        ("maxDeletes", "0", "-1", "100%", "101%"),
        ("maxDeletes", "0%", "-1%", "1000000", "1.5"),
    ] {
        for good in [least, most] {
            check(&file("", "", &format!("      {key}: {good}")), &[]);
        }
        for bad in [below, above] {
            assert_eq!(problems(&file("", "", &format!("      {key}: {bad}"))).len(), 1, "{key}: {bad}");
        }
    }
}

#[test]
fn a_key_written_twice_is_an_error_at_every_level() {
    for (text, place) in [
        ("version: 1\nversion: 1\n".to_owned() + &file("", "", "").replace("version: 1\n", ""), "2:1"),
        (file("  url: https://b.example.com/x", "", ""), "4:3"),
        (file("  author: { name: a, name: b }", "", ""), "4:22"),
        (file("", "    tenant: {}", ""), "12:5"),
        (file("", "", "      prune: true\n      prune: true"), "15:7"),
        (file("", "  production:\n    tenant: {}", ""), "12:3"),
    ] {
        let found = problems(&text);
        let duplicates: Vec<_> = found.iter().filter(|it| it.rule.as_str() == "duplicate-key").collect();
        assert_eq!(duplicates.len(), 1, "{text}\n{found:?}");
        assert!(duplicates[0].to_string().contains(&format!("flowsync.yaml:{place}: ")), "{duplicates:?}");
    }
}

#[test]
fn a_broken_environment_stops_no_other() {
    let staging = "  staging:\n    tenant: { url: http://127.0.0.1:8480/api/v2, environmentId: s, auth: { apiKey: { env: K } } }\n";
    let config = parse(&format!("{}{staging}", file("", "", "      interval: 0s"))).unwrap();
    assert_eq!(config.environments.keys().collect::<Vec<_>>(), ["staging"]);
    assert_eq!(config.broken["production"][0].place.pointer, "/environments/production/sync/interval");
    let error = config.environment("production").unwrap_err().to_string();
    assert!(error.contains("the environment `production` is not usable:\nacme/flowsync.yaml:14:17: "), "{error}");
    assert_eq!(
        config.environment("stagnig").unwrap_err().to_string(),
        "unknown environment `stagnig`: did you mean `staging`?"
    );
    assert_eq!(
        config.environment("x").unwrap_err().to_string(),
        "unknown environment `x`: known are `staging`, `production`"
    );
    assert!(parse(&format!("{}{staging}", file("  urll: x", "", ""))).is_err());
}

#[test]
fn two_environments_with_one_tenant_are_both_broken() {
    let other = |url: &str, id: &str| {
        let tenant = format!("{{ url: '{url}', environmentId: {id}, auth: {{ apiKey: {{ env: K }} }} }}");
        problems(&format!("{}  other:\n    tenant: {tenant}\n", file("", "", "")))
    };
    assert_eq!(other("https://us-east-1.cognigy.ai/api/v2", "env_test"), []);
    assert_eq!(other("https://eu-1.cognigy.ai/api/v2", "env_prod"), []);
    let both = other("https://US-EAST-1.cognigy.ai:443/api/v2/", "env_prod");
    let pointers: Vec<_> = both.iter().map(|it| (it.rule.as_str(), it.place.pointer.as_str())).collect();
    assert_eq!(
        pointers,
        [("same-tenant", "/environments/production/tenant"), ("same-tenant", "/environments/other/tenant")]
    );
}

#[test]
fn a_literal_secret_is_refused_and_never_repeated() {
    for written in [
        "hunter2",
        "'hunter2'",
        "[hunter2]",
        "{ env: 'hunter2!' }",
        "{ file: [hunter2] }",
        "{ value: hunter2 }",
        "{ env: [hunter2] }",
        "{ env: A, file: hunter2 }",
        "!vault hunter2",
        "!hunter2 x",
        "{ hunter2 }",
        "{{ hunter2 }}",
        "*hunter2",
        "\"hunter2",
        "{ hunter2: { env: A } }",
        "20423472",
    ] {
        for (repository, environment) in [
            (format!("  credentials: {{ password: {written} }}"), String::new()),
            (
                String::new(),
                format!("  e2:\n    tenant: {{ url: https://a.b, environmentId: x, auth: {{ apiKey: {written} }} }}"),
            ),
        ] {
            let found = problems(&file(&repository, &environment, ""));
            assert!(!found.is_empty(), "{written}");
            assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
            assert!(!format!("{found:?}").contains("20423472"), "{found:?}");
        }
    }
    check(
        &file("  credentials: { password: hunter2 }", "", ""),
        &[
            "4:28: error[secret-literal] `password`: expected `{ env: NAME }` or `{ file: PATH }`, found a literal, which is not shown \
           (name where the secret is found, and change it if it was ever committed here)",
        ],
    );
    for (written, help) in [
        ("{ evn: X }", "did you mean `env`?"),
        ("{ fiel: X }", "did you mean `file`?"),
        ("{ hunter2: X }", "known keys are `env`, `file`"),
    ] {
        let expected = "4:30: error[unknown-key] `password`: expected `{ env: NAME }` or `{ file: PATH }`, found another key, \
                        which is not shown";
        let text = file(&format!("  credentials: {{ password: {written} }}"), "", "");
        check(&text, &[&format!("{expected} ({help})")]);
    }
}

#[test]
fn http_needs_a_loopback_address_or_an_explicit_word() {
    let tenant =
        |lines: &str| problems(&file("", "", "").replace("      url: https://us-east-1.cognigy.ai/api/v2", lines));
    assert_eq!(tenant("      url: http://localhost:1/x"), []);
    assert_eq!(tenant("      url: http://10.0.0.1/x")[0].rule.as_str(), "insecure-url");
    assert_eq!(tenant("      url: http://10.0.0.1/x\n      allowInsecure: true"), []);
    assert_eq!(tenant("      url: http://10.0.0.1/x\n      allowInsecure: false")[0].rule.as_str(), "insecure-url");
}

#[test]
fn exactly_one_way_to_sign_in() {
    for (credentials, rule) in [
        ("{}", "one-of"),
        ("{ username: { env: U } }", "one-of"),
        ("{ password: { env: P }, sshKey: { file: k } }", "one-of"),
        ("{ sshKey: { file: k } }", "credentials-mismatch"),
        ("{ password: { env: P }, knownHosts: { file: k } }", "bad-value"),
    ] {
        let found = problems(&file(&format!("  credentials: {credentials}"), "", ""));
        assert_eq!(found.iter().map(|it| it.rule.as_str()).collect::<Vec<_>>(), [rule], "{credentials}");
    }
    let auth = |auth: &str| problems(&file("", "", "").replace("\n        apiKey: { env: COGNIGY_API_KEY }", auth));
    assert_eq!(auth(" {}")[0].rule.as_str(), "one-of");
    let both = auth(
        " { apiKey: { env: A }, oauth2: { tokenUrl: 'https://a.b', clientId: { env: A }, clientSecret: { env: A } } }",
    );
    assert_eq!(both[0].rule.as_str(), "one-of");
}

#[test]
fn relative_paths_start_at_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flowsync.yaml");
    let text = file("  credentials: { password: { file: secrets/token } }", "", "");
    std::fs::write(&path, text.replace("https://git.example.com/acme/flows.git", "./repo")).unwrap();
    let config = Config::load(&path).unwrap();
    let Repository { url, credentials, .. } = &config.environments["production"].repository;
    assert_eq!(url, &RepositoryUrl::Local(folder.path().join("repo")));
    let Some(Credentials::Password { password: SecretSource::File(token), .. }) = credentials else { panic!() };
    assert_eq!(token, &folder.path().join("secrets/token"));
    assert_eq!(config.secret_variables().into_iter().collect::<Vec<_>>(), ["COGNIGY_API_KEY"]);
}

#[test]
fn the_version_comes_first() {
    check(
        "version: 2\nnew: thing\n",
        &[
            "1:10: error[unknown-version] expected `version: 1`, found `2` (this flowsync reads version 1 only; a newer one \
           may read this file)",
        ],
    );
    let missing = problems(&file("", "", "").replace("version: 1\n", ""));
    assert_eq!(missing[0].message, "the file has no `version`");
    assert_eq!(problems(&file("", "", "").replace("version: 1", "version: '1'"))[0].rule.as_str(), "bad-value");
}

#[test]
fn yaml_has_no_traps() {
    for (text, rule) in [
        (String::new(), "empty-file"),
        ("# nothing\n".to_owned(), "empty-file"),
        ("- a\n".to_owned(), "bad-value"),
        ("text".to_owned(), "bad-value"),
        (file("\tbranch: x", "", ""), "yaml-syntax"),
        (file("  author: { name: a", "", ""), "yaml-syntax"),
        (format!("{}---\n{}", file("", "", ""), file("", "", "")), "yaml-syntax"),
        (file("  1: x", "", ""), "bad-key"),
        (file("  [a]: x", "", ""), "bad-key"),
        (file("  on: x", "", ""), "unknown-key"),
        (file("  branch: 1.0", "", ""), "bad-value"),
        (file("  branch: true", "", ""), "bad-value"),
        (file("  branch:", "", ""), "bad-value"),
        (file("  branch: !x main", "", ""), "bad-value"),
        (file("  <<: { branch: x }", "", ""), "merge-key"),
        (file("  branch: *nowhere", "", ""), "yaml-syntax"),
        (file("  branch: \u{0}", "", ""), "yaml-syntax"),
        ("environments: {}\n".to_owned() + "version: 1\nrepository: { url: a }\n", "bad-value"),
        ("a".repeat(300_000), "yaml-syntax"),
    ] {
        let found = problems(&text);
        assert!(found.iter().any(|it| it.rule.as_str() == rule), "{text}\n{found:?}");
    }
    check(&format!("\u{FEFF}{}", file("  branch: no\n  author: &a { name: x }", "    branch: \"on\"", "")), &[]);
    check(&file("  author: { name: &n flowsync, email: *n }", "", ""), &[]);
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Config::load(&folder.path().join("none.yaml")).unwrap_err();
    assert!(missing.to_string().contains("flowsync init"), "{missing}");
    let path = folder.path().join("latin1.yaml");
    std::fs::write(&path, b"version: 1\nname: \xe9\n").unwrap();
    assert!(
        Config::load(&path).unwrap_err().to_string().contains("latin1.yaml:2:7: error[yaml-syntax] expected UTF-8")
    );
}

#[test]
fn the_template_can_be_used_as_it_is() {
    let config = parse(init_template()).unwrap();
    assert!(config.broken.is_empty());
    assert_eq!(config.environments["production"].sync, SyncPolicy::default());
}

/// Pieces from which files are made that are almost right.
fn almost_right() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "version: 1\n",
        "repository:",
        "environments:",
        "  ",
        "\n",
        "url: ",
        "a: ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!t ",
        "!!str ",
        "!!binary ",
        "'",
        "\"",
        "#",
        "|\n",
        ">\n",
        "---\n",
        "...\n",
        "?",
        ": ",
        "\t",
        "\u{FEFF}",
        "~",
        "1e999",
        "0x1F",
        ".nan",
        "<<: ",
        "%YAML 1.2\n",
        "production",
        "tenant: ",
        "ä",
        "\u{0}",
        "\r\n",
        "99999999999999999999999999999",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_breaks_the_loader(text in prop_oneof![any::<String>(), almost_right()]) {
        for problem in problems(&text) {
            prop_assert!(problem.place.line as usize <= text.split('\n').count() + 1, "{problem} in {text:?}");
        }
    }

    #[test]
    fn no_edit_of_a_good_file_breaks_the_loader(at in any::<prop::sample::Index>(), cut in 0_usize..9, more in almost_right()) {
        let mut text: Vec<char> = init_template().chars().collect();
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        text.splice(start..end, more.chars());
        let _ = problems(&text.into_iter().collect::<String>());
    }
}

#[test]
fn a_number_in_quotes_is_called_text() {
    let message = |lines: &str| problems(&file("", "", lines))[0].message.clone();
    assert!(message("      concurrency: '8'").ends_with("found the text `8`"));
    assert!(message("      maxDeletes: '5'").ends_with("found the text `5`"));
    assert!(message("      prune: 'true'").ends_with("found the text `true`"));
    let version = problems(&file("", "", "").replace("version: 1\n", "version: '1'\n"));
    assert!(version[0].message.ends_with("found the text `1`"), "{version:?}");
}

#[test]
fn only_what_has_snapshots_is_released() {
    let found = problems(&file("", "    release: { mode: endpoint, endpoints: [Web] }", ""));
    let shown: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(shown, ["`release` belongs to `api: cognigy-rest`"]);
}

#[test]
fn two_environments_of_one_project_are_an_error() {
    let other = "  other:\n    tenant: { api: cognigy-rest, url: https://x.y, projectId: 64c0ffee0000000000000001, auth: { apiKey: { env: K } } }\n";
    let text = file("", "", "") + other;
    assert!(problems(&text).is_empty());
    let found = problems(&(text + &other.replace("other:", "another:")));
    assert_eq!(found.iter().filter(|it| it.rule == crate::problem::Rule::SameTenant).count(), 2);
}

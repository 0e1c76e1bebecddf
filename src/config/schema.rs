//! The JSON Schema of `flowsync.yaml`, and a file to begin with.

/// JSON Schema (draft 2020-12) of `flowsync.yaml`, for editors. The loader checks more: that folders do not
/// overlap, that no two environments share a tenant, and what a URL may be.
pub const CONFIG_SCHEMA: &str = include_str!("schema.json");

/// A commented `flowsync.yaml` to begin with.
#[must_use]
pub fn init_template() -> &'static str {
    include_str!("template.yaml")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::super::Config;
    use super::super::written::SHAPES;
    use super::*;

    fn schema() -> Value {
        serde_json::from_str(CONFIG_SCHEMA).unwrap()
    }

    /// Whether schema and loader say the same; then what they say.
    fn agree(text: &str) -> bool {
        let document: Value = serde_yaml::from_str(text).unwrap();
        let by_schema = jsonschema::draft202012::new(&schema()).unwrap().is_valid(&document);
        let loaded = Config::parse(text, Path::new("flowsync.yaml"));
        let by_loader = loaded.as_ref().is_ok_and(|config| config.broken.is_empty());
        assert_eq!(by_schema, by_loader, "{loaded:?}\n{text}");
        by_schema
    }

    #[test]
    fn the_schema_knows_the_keys_that_the_loader_knows() {
        let schema = schema();
        for shape in SHAPES {
            let name = shape.name.rsplit(' ').next().unwrap();
            let section = if name == "file" { &schema } else { &schema["$defs"][name] };
            let mut known: Vec<&str> = shape.keys.to_vec();
            known.sort_unstable();
            let mut described: Vec<&str> =
                section["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            described.sort_unstable();
            assert_eq!(described, known, "{name}");
        }
    }

    #[test]
    fn the_schema_is_a_schema_with_a_description_for_every_key() {
        let schema = schema();
        assert!(jsonschema::meta::is_valid(&schema));
        let sections = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for (key, property) in sections.filter_map(|it| it["properties"].as_object()).flatten() {
            assert!(property["description"].is_string(), "{key}");
        }
    }

    #[test]
    fn schema_and_loader_agree_on_good_files() {
        assert!(agree(init_template()));
        assert!(agree(include_str!("../../examples/flows-repo/flowsync.yaml")));
        let more = "flows: flows\n  exclude: [ '**/package.json', drafts/ ]\n  commitMessage: 'OPS-1 ({{}}) {environment} {status}'";
        assert!(agree(&init_template().replacen("flows: flows", more, 1)));
        let window = "ignore: []\n      windows: [ { kind: deny, schedule: '*/5 22 1-7 JAN,feb MON-fri', duration: 1h30m, timeZone: Europe/Berlin } ]";
        assert!(agree(&init_template().replacen("ignore: []", window, 1)));
        let verify = "ignore: []\n      verify: { allowedSigners: signers, openpgpKeys: keys.asc }";
        assert!(agree(&init_template().replacen("ignore: []", verify, 1)));
        for server in ["{}", "{ token: { env: A } }", "{ readToken: { file: a }, webhook: { secret: { env: B } } }"] {
            assert!(agree(&init_template().replacen("version: 1", &format!("version: 1\nserver: {server}"), 1)));
        }
        for forge in [
            "{ kind: github, project: acme/flows.x }",
            "{ kind: gitlab, project: acme/bots/flows, token: { env: T }, url: https://gitlab.example.com }",
            "{ kind: gitea, project: acme/flows, url: https://git.example.com/gitea }",
        ] {
            assert!(agree(&init_template().replacen("flows: flows", &format!("flows: flows\n  forge: {forge}"), 1)));
        }
    }

    #[test]
    fn schema_and_loader_agree_on_notifications() {
        let project = "token: { env: T }, project: a/b";
        for (notification, is_good) in [
            ("{ kind: webhook, url: https://a.example/x, secret: { env: S }, events: [deployed, recovered] }", true),
            ("{ kind: webhook, url: http://127.0.0.1:9, environments: [production] }", true),
            ("{ kind: slack, url: { env: U }, caFile: ca.pem, allowInsecure: true }", true),
            ("{ kind: teams, url: { file: u } }", true),
            (&format!("{{ kind: github-status, {project} }}"), true),
            (&format!("{{ kind: gitlab-status, {project}/c, url: https://git.example.com }}"), true),
            ("{ url: https://a.example }", false),
            ("{ kind: mail, url: https://a.example }", false),
            ("{ kind: webhook }", false),
            ("{ kind: webhook, url: { env: U } }", false),
            ("{ kind: webhook, url: https://a.example, token: { env: T } }", false),
            ("{ kind: webhook, url: https://a.example, events: [] }", false),
            ("{ kind: webhook, url: https://a.example, events: [planned] }", false),
            ("{ kind: slack, url: https://a.example }", false),
            ("{ kind: teams, url: { env: U }, secret: { env: S } }", false),
            (&format!("{{ kind: github-status, {project}/c }}"), false),
            (&format!("{{ kind: github-status, {project}, secret: {{ env: S }} }}"), false),
        ] {
            let text = format!("{}\nnotifications: [ {notification} ]\n", init_template());
            assert_eq!(agree(&text), is_good, "{notification}");
        }
        assert!(agree(&format!("{}\nnotifications:\n", init_template())));
        assert!(!agree(&format!("{}\nnotifications: all\n", init_template())));
    }

    #[test]
    fn schema_and_loader_agree_on_bad_files() {
        for (good, bad) in [
            ("version: 1", "version: 2"),
            ("version: 1", "version: 1\nextra: 1"),
            ("version: 1", ""),
            ("version: 1", "version: 1\nserver: { token: literal }"),
            ("version: 1", "version: 1\nserver: { tokn: { env: A } }"),
            ("version: 1", "version: 1\nserver: { webhook: {} }"),
            ("version: 1", "version: 1\nserver: { webhook: { secret: { env: A }, url: b } }"),
            ("flows: flows", "flows: flows\n  watch: ~/git"),
            ("flows: flows", "flows: flows\n  watch: []"),
            ("branch: main", "branch: -x"),
            ("branch: main", "branch: a..b"),
            ("branch: main", "branch: refs/heads/main"),
            ("branch: main", "branch: [main]"),
            ("flows: flows", "flows: /flows"),
            ("flows: flows", "flows: a/../b"),
            ("flows: flows", "flows: ."),
            ("records: deployments", "records: .git/x"),
            ("flows: flows", "flows: flows\n  overlays: ../x"),
            ("flows: flows", "flows: flows\n  exclude: '**/package.json'"),
            ("flows: flows", "flows: flows\n  exclude: [/package.json]"),
            ("flows: flows", "flows: flows\n  commitMessage: '{enviroment}'"),
            ("flows: flows", "flows: flows\n  commitMessage: 'a { b'"),
            ("flows: flows", "flows: flows\n  commitMessage: '# {status}'"),
            ("flows: flows", "flows: flows\n  forge: { kind: github }"),
            ("flows: flows", "flows: flows\n  forge: { kind: bitbucket, project: a/b }"),
            ("flows: flows", "flows: flows\n  forge: { kind: gitea, project: a/b }"),
            ("flows: flows", "flows: flows\n  forge: { kind: github, project: a/b/c }"),
            ("flows: flows", "flows: flows\n  forge: { kind: gitlab, project: a/../b }"),
            ("flows: flows", "flows: flows\n  forge: { kind: gitlab, project: a/b.git }"),
            ("flows: flows", "flows: flows\n  forge: { kind: gitlab, project: a/b, token: literal }"),
            ("name: flowsync", "name: <flowsync>"),
            ("{ env: GIT_TOKEN }", "literal"),
            ("{ env: GIT_TOKEN }", "{ env: 'not a name' }"),
            ("{ env: GIT_TOKEN }", "{ env: A, file: b }"),
            ("{ env: GIT_TOKEN }", "{}"),
            ("    password: { env: GIT_TOKEN }\n", ""),
            ("api: flows-v2", "api: flows-v3"),
            ("url: https://us-east-1", "url: ftp://us-east-1"),
            ("url: https://us-east-1", "url: https://bob:x@us-east-1"),
            ("environmentId: env_prod", "environmentId: 7"),
            ("environmentId: env_prod", ""),
            ("        oauth2:\n", "        oauth3:\n"),
            ("  production:", "  'pro/duction':"),
            ("interval: 60s", "interval: 60"),
            ("interval: 60s", "interval: 1s1h"),
            ("interval: 60s", "interval: ''"),
            ("concurrency: 8", "concurrency: 0"),
            ("concurrency: 8", "concurrency: 257"),
            ("drift: correct", "drift: ignore"),
            ("approval: none", "approval: yes"),
            ("prune: false", "prune: 'no'"),
            ("maxDeletes: 10%", "maxDeletes: 101%"),
            ("maxDeletes: 10%", "maxDeletes: -1"),
            ("ignore: []", "ignore: [name]"),
            ("ignore: []", "ignore: [/*]"),
            ("ignore: []", "ignore: /name"),
            ("ignore: []", "verify: {}"),
            ("ignore: []", "verify: { allowedSigner: x }"),
            ("ignore: []", "verify: [ x ]"),
            ("ignore: []", "protect: 'flow_pay*'"),
            ("ignore: []", "protect: [ 'pay*' ]"),
            ("ignore: []", "windows: { kind: deny, schedule: '0 22 * * *', duration: 8h }"),
            ("ignore: []", "windows: [ { kind: deny, schedule: '0 22 * * *' } ]"),
            ("ignore: []", "windows: [ { kind: never, schedule: '0 22 * * *', duration: 8h } ]"),
            ("ignore: []", "windows: [ { kind: deny, schedule: '@daily', duration: 8h } ]"),
            ("ignore: []", "windows: [ { kind: deny, schedule: '0 22 * *', duration: 8h } ]"),
            ("ignore: []", "windows: [ { kind: deny, schedule: '0 22 L * *', duration: 8h } ]"),
            ("ignore: []", "windows: [ { kind: deny, schedule: '0 22 * * *', duration: 8 } ]"),
            ("ignore: []", "windows: [ { kind: deny, schedule: '0 22 * * *', duration: 8h, timeZone: +01:00 } ]"),
        ] {
            let text = init_template().replacen(good, bad, 1);
            assert_ne!(text, init_template(), "{good}");
            assert!(!agree(&text), "{good} -> {bad}");
        }
    }
}

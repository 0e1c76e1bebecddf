//! Alerts and dashboard: what they ask for is there, what they say leads somewhere, and promtool agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::super::documents::{anchors, quoted, rows, section};
use super::super::sources::{read, root};
use super::{documents, list, run, text, tool};

const RULES: &str = "deploy/monitoring/rules.yaml";
const TESTS: &str = "deploy/monitoring/rules.test.yaml";
const DASHBOARD: &str = "deploy/monitoring/dashboard.json";
const OPERATIONS: &str = "docs/operations.md";

/// Labels of the samples of a histogram, and those that Prometheus itself adds.
const OF_PROMETHEUS: [&str; 2] = ["le", "pod"];

/// Validates objects as the operator of Prometheus declares them.
const VALIDATE: &str = r#"
import { PrometheusRule, PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
const models = { PrometheusRule, PodMonitor };
for (const object of JSON.parse(process.argv[1])) new models[object.kind](object).validate();
"#;

/// Every metric that is promised, with its labels.
fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let section = section(OPERATIONS, "## What to watch");
    let rows = rows(&section).into_iter().filter(|row| row.len() == 3 && row[0].starts_with("`flowsync_"));
    let words = |cell: &str| quoted(cell).into_iter().map(str::to_owned).collect::<Vec<_>>();
    rows.map(|row| (words(&row[0])[0].clone(), words(&row[1]).into_iter().collect())).collect()
}

/// Every metric that a text asks for, each with the labels that it is asked by.
fn asked(text: &str) -> Vec<(String, Vec<String>)> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("flowsync_") {
        let whole = text[..at].chars().next_back().is_none_or(|c| !is_of_name(c));
        let name: String = text[at..].chars().take_while(|c| is_of_name(*c)).collect();
        let rest =
            text[at + name.len()..].strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        let label = |part: &str| part.split(['=', '!']).next().unwrap().trim().to_owned();
        if whole {
            found.push((name, rest.split(", ").filter(|part| !part.is_empty()).map(label).collect()));
        }
    }
    found
}

/// The rules, each an alert.
fn alerts() -> Vec<Value> {
    let rules = &documents(&read(RULES))[0];
    list(rules, "groups").into_iter().flat_map(|group| list(group, "rules")).cloned().collect()
}

/// Every expression of the dashboard, with what stands for its variables.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("expr").and_then(Value::as_str).map(|it| it.replace("$environment", ".+")));
            map.values().for_each(|value| expressions(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn nothing_asks_for_a_metric_or_a_label_that_is_not_promised() {
    let metrics = metrics();
    assert!(metrics.len() > 10, "{metrics:?}");
    let mut n_asked = BTreeMap::new();
    for file in [RULES, TESTS, DASHBOARD] {
        for (name, labels) in asked(&read(file)) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
            let promised = metrics.get(base).unwrap_or_else(|| panic!("{file}: no metric `{name}`"));
            for label in labels.iter().filter(|label| !OF_PROMETHEUS.contains(&label.as_str())) {
                assert!(promised.contains(label), "{file}: `{name}` has no label `{label}`");
            }
            *n_asked.entry(base.to_owned()).or_insert(0) += 1;
        }
    }
    let shown: BTreeSet<String> =
        asked(&read(DASHBOARD)).into_iter().map(|(name, _)| name.replace("_bucket", "")).collect();
    assert_eq!(shown, metrics.into_keys().collect(), "the dashboard shows every metric");
}

#[test]
fn the_rules_for_the_operator_are_the_same() {
    let object = &documents(&read("deploy/monitoring/prometheus-rule.yaml"))[0];
    assert_eq!(object["spec"], documents(&read(RULES))[0]);
}

#[test]
fn every_alert_says_what_is_to_be_done() {
    let operations = read(OPERATIONS);
    let anchors = anchors(&operations);
    let tests = read(TESTS);
    let names: BTreeSet<String> = alerts().iter().map(|alert| text(alert, "alert").to_owned()).collect();
    for alert in alerts() {
        let (name, told) = (text(&alert, "alert"), &alert["annotations"]);
        assert!(["critical", "warning", "info"].contains(&alert["labels"]["severity"].as_str().unwrap()), "{name}");
        assert!(text(told, "summary").ends_with('.') && text(told, "description").ends_with('.'), "{name}");
        let (file, anchor) = text(told, "runbook_url").split_once('#').unwrap();
        assert!(file.ends_with(OPERATIONS), "{name}: {file}");
        assert_eq!(anchor, name.to_lowercase(), "{name}");
        assert!(anchors.contains(anchor), "{OPERATIONS} says nothing of {name}");
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "no test has {name} fire");
    }
    let told: BTreeSet<String> = operations
        .lines()
        .filter_map(|line| line.strip_prefix("### Flowsync"))
        .map(|name| format!("Flowsync{name}"))
        .collect();
    assert_eq!(told, names, "{OPERATIONS} tells of these alerts and no others");
}

#[test]
fn promtool_takes_the_rules_and_their_tests_hold() {
    let Some(promtool) = tool("promtool") else { return };
    let folder = root().join("deploy/monitoring");
    run(&promtool, &["check", "rules", "rules.yaml"], &folder).unwrap();
    run(&promtool, &["test", "rules", "rules.test.yaml"], &folder).unwrap();
    let broken = tempfile::tempdir().unwrap();
    std::fs::write(broken.path().join("rules.yaml"), read(RULES).replace("> 1800", "> 18000")).unwrap();
    std::fs::write(broken.path().join("rules.test.yaml"), read(TESTS)).unwrap();
    assert!(run(&promtool, &["test", "rules", "rules.test.yaml"], broken.path()).is_err(), "a later alert is noticed");
}

#[test]
fn the_dashboard_asks_what_prometheus_understands() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let mut asked = Vec::new();
    expressions(&dashboard, &mut asked);
    assert!(asked.len() > 10);
    let panels = list(&dashboard, "panels");
    let places: BTreeSet<(u64, u64)> =
        panels.iter().map(|panel| ["x", "y"].map(|key| panel["gridPos"][key].as_u64().unwrap()).into()).collect();
    assert_eq!(places.len(), panels.len(), "no panel lies on another");
    let Some(promtool) = tool("promtool") else { return };
    let rules: Vec<Value> =
        asked.iter().enumerate().map(|(at, expr)| json!({ "record": format!("shown:{at}"), "expr": expr })).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    std::fs::write(folder.path().join("rules.yaml"), file.to_string()).unwrap();
    run(&promtool, &["check", "rules", "rules.yaml"], folder.path()).unwrap();
}

#[test]
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn the_objects_for_the_operator_are_as_it_declares_them() {
    let linters = root().join("target/linters");
    if !linters.join("node_modules/@kubernetes-models").exists() {
        eprintln!("skipped: run tests/linters/install first (it needs node and npm)");
        return;
    }
    let said = |objects: &[Value], folder: &Path| {
        let mut node = Command::new("node");
        node.args(["--input-type=module", "-e", VALIDATE]).arg(json!(objects).to_string()).current_dir(folder);
        let output = node.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mut objects: Vec<Value> = ["prometheus-rule", "pod-monitor"]
        .iter()
        .flat_map(|name| documents(&read(&format!("deploy/monitoring/{name}.yaml"))))
        .collect();
    assert_eq!(said(&objects, &linters), (true, String::new()));
    objects[1]["spec"]["podMetricsEndpoints"][0]["interval"] = json!("half a minute");
    let (taken, why) = said(&objects, &linters);
    assert!(!taken && why.contains("interval"), "{why}");
}

//! How a running controller says that it stands: `/api/v1/status` for programs, `/` for people.

use serde_json::{Value, json};

use crate::listening::Listening;
use crate::support::{Place, until};

/// Holds the status against `schema status`, as the binary prints it, and returns it.
#[track_caller]
fn status(place: &Place, controller: &Listening) -> Value {
    let (head, body) = controller.get("/api/v1/status");
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let status: Value = serde_json::from_str(&body).unwrap();
    let schema = place.run(&["schema", "status"]).exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&status).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} in {status:#}");
    status
}

fn result(controller: &Listening) -> Value {
    let status: Value = serde_json::from_str(&controller.get("/api/v1/status").1).unwrap();
    status["environments"][0]["result"].clone()
}

#[test]
fn the_status_says_what_came_of_the_last_pass_and_is_what_its_schema_says() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let controller = Listening::start(&place);
    // Its own record wakes it once more.
    until("it is in sync", || result(&controller) == "in-sync");
    let status = status(&place, &controller);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["alarms"], &status["shard"]), (&json!([]), &Value::Null));
    let environment = &status["environments"][0];
    let manifest = place.manifest();
    for (key, expected) in [
        ("environment", json!("production")),
        ("commit", json!(place.tip())),
        ("deploymentId", manifest["deploymentId"].clone()),
        ("recordCommit", json!(place.tip())),
        ("failedPasses", json!(0)),
        ("error", Value::Null),
        ("held", Value::Null),
        ("alarms", json!([])),
        ("managed", json!(1)),
        ("drifted", json!(0)),
    ] {
        assert_eq!(environment[key], expected, "{key} in {environment:#}");
    }
    assert!(environment["lastPass"]["seconds"].as_f64().unwrap() > 0.0, "{environment:#}");
    assert!(environment["since"].is_string(), "{environment:#}");
    controller.stop().exits(0);
}

#[test]
fn a_refused_commit_and_a_suspended_environment_are_said_on_the_page_without_believing_their_words() {
    let place = Place::with("interval: 1s", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    place.write("flows/<b>.json", "{");
    place.push("broken");
    let controller = Listening::start(&place);
    until("it is refused", || result(&controller) == "refused");
    let refused = status(&place, &controller);
    assert!(refused["environments"][0]["problems"].as_u64().unwrap() > 0, "{refused:#}");
    until("more than one is refused", || {
        let status = status(&place, &controller);
        status["environments"][0]["failedPasses"].as_u64().unwrap() > 1
    });
    place.run(&["suspend", "--reason", "<script>alert(1)</script>"]).exits(0);
    until("it is suspended", || result(&controller) == "suspended");
    let suspended = status(&place, &controller);
    assert_eq!(suspended["environments"][0]["held"]["by"], "suspended", "{suspended:#}");
    let (head, page) = controller.get("/");
    assert!(head.to_lowercase().contains("content-security-policy: default-src 'none'"), "{head}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("<th scope=\"row\">production</th>"), "{page}");
    controller.stop().exits(0);
}

#[test]
fn a_broken_configuration_file_is_an_alarm_of_the_whole_controller() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let controller = Listening::start(&place);
    until("it is in sync", || result(&controller) == "in-sync");
    std::fs::write(place.path("flowsync.yaml"), "version: 1\nenvironments: 7\n").unwrap();
    controller.hang_up();
    until("there is an alarm", || {
        let status: Value = serde_json::from_str(&controller.get("/api/v1/status").1).unwrap();
        status["alarms"].as_array().unwrap().len() == 1
    });
    let (_, page) = controller.get("/");
    assert!(page.contains("role=\"alert\"") && page.contains("the configuration file is broken"), "{page}");
    let (_, metrics) = controller.get("/metrics");
    assert!(metrics.contains("flowsync_alarms{environment=\"production\"} 1\n"), "{metrics}");
    controller.stop().exits(0);
}

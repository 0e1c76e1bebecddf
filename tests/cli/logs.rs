//! The whole of what a controller writes to stderr: as JSON each line says what it is about, and nothing is said again and
//! again.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::listening::Listening;
use crate::recovery::killed;
use crate::support::{Ended, Place, until, word};

/// Every line, each of which is to be a JSON object with a time, a level, a message and where it comes from.
fn lines(ended: &Ended) -> Vec<Value> {
    let line = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "message", "target"] {
            assert!(object[key].is_string(), "{key} in {line}");
        }
        object
    };
    ended.stderr.lines().map(line).collect()
}

/// What is about the controller and about no environment of it.
fn is_of_the_controller(line: &Value) -> bool {
    let of = ["listening on ", "read the configuration again", "SIGTERM: ending within"];
    of.iter().any(|text| word(&line["message"]).starts_with(text))
}

#[test]
fn each_line_of_a_pass_names_its_environment_and_its_deployment_once_there_is_one() {
    let place = Place::with("interval: 1h", &["a 1.0.0", "b 1.0.0"]);
    let production = place.environment_yaml("production", "env_prod", "interval: 1h");
    let staging = place.environment_yaml("staging", "env_staging", "interval: 1h");
    place.configure(&place.repository_yaml(""), &format!("{production}{staging}"));
    place.tenant.fails(
        "- { match: { call: import, flow: flow_b, environment: env_prod }, fault: { refuse: { message: bad luck } } }",
    );
    let controller = Listening::start_with(&place, &["-vv", "--log-format", "json"]);
    controller.until_passes("production", 1);
    until("staging is deployed", || place.tenant.live_in("env_staging") == "a 1.0.0, b 1.0.0");
    controller.until_said("create flow_b deployed");
    controller.hang_up();
    controller.until_said("read the configuration again");
    let ended = controller.stop().exits(0);
    let lines = lines(&ended);
    let (mut n_staging, mut n_requests) = (0, 0);
    for line in lines.iter().filter(|line| !is_of_the_controller(line)) {
        assert!(["production", "staging"].contains(&word(&line["environment"])), "{line}");
        n_staging += usize::from(line["environment"] == "staging");
        n_requests += usize::from(line["call"].is_string());
    }
    assert!(n_staging > 5 && n_requests > 10, "{}", ended.stderr);
    // Of production: from the line that says that it writes on, and until the pass is over.
    let id = place.manifest()["deploymentId"].clone();
    let of_production: Vec<&Value> = lines.iter().filter(|line| line["environment"] == "production").collect();
    let from = of_production.iter().position(|line| word(&line["message"]) == "production: deploy (2 flows)").unwrap();
    let to =
        of_production.iter().position(|line| word(&line["message"]).starts_with("production: rolled-back,")).unwrap();
    assert!(to > from + 5, "{}", ended.stderr);
    for line in &of_production[from..=to] {
        assert_eq!(line["deployment"], id, "{line}");
    }
    assert!(of_production[0]["deployment"].is_null(), "{}", of_production[0]);
    let named: BTreeSet<&str> = lines.iter().filter_map(|line| line["deployment"].as_str()).collect();
    assert_eq!(named.len(), 2, "one deployment an environment: {named:?}");
}

#[test]
fn a_deployment_that_is_gone_on_with_is_named_too() {
    let place = killed();
    let id = place.manifest()["deploymentId"].clone();
    let ended = place.run(&["sync", "--log-format", "json"]).exits(0);
    let lines = lines(&ended);
    let of = |text: &str| lines.iter().find(|line| word(&line["message"]).starts_with(text)).unwrap();
    for text in ["going on with an interrupted deployment", "production: verify ("] {
        assert_eq!((word(&of(text)["environment"]), &of(text)["deployment"]), ("production", &id));
    }
}

/// What was said of a failure that came seven times, and then no more.
fn seven_failures(more: &[&str]) -> Ended {
    let mut place = Place::with("interval: 1h", &["a 1.0.0"]);
    place.set("TOKEN", "t0ken");
    let text = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    std::fs::write(place.path("flowsync.yaml"), format!("{text}server: {{ token: {{ env: TOKEN }} }}\n")).unwrap();
    place.tenant.fails("- { match: { call: token }, fault: { answer: { status: 400 } } }");
    let controller = Listening::start_with(&place, more);
    let ask = || {
        let path = "/api/v1/environments/production/sync";
        controller.ask("POST", path, &[("Authorization", "Bearer t0ken")], "").status
    };
    for n_passes in 1..=7 {
        controller.until_passes("production", n_passes);
        if n_passes < 7 {
            assert_eq!(ask(), 202);
        }
    }
    place.tenant.heals();
    assert_eq!(ask(), 202);
    until("it is deployed", || place.tenant.live() == "a 1.0.0");
    controller.stop().exits(0)
}

#[test]
fn a_failure_that_comes_again_and_again_is_a_line_with_a_count() {
    let ended = seven_failures(&[]);
    let count = |text: &str| ended.stderr.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("production: error: token of `env_prod`: not signed in"), 1, "{}", ended.stderr);
    let counted: Vec<String> =
        ended.stderr.lines().filter(|line| line.contains("times in a row")).map(str::to_owned).collect();
    let starts =
        ["error 2 times in a row so far: ", "error 4 times in a row so far: ", "error 7 times in a row in all: "];
    assert_eq!(counted.len(), starts.len(), "{counted:?}");
    for (line, start) in counted.iter().zip(starts) {
        assert!(line.starts_with(&format!("production: {start}")), "{line}");
    }
    let ended = seven_failures(&["--log-format", "json"]);
    let times: Vec<u64> = lines(&ended).iter().filter_map(|line| line["times"].as_u64()).collect();
    assert_eq!(times, [2, 4, 7]);
}

#[test]
fn a_warning_that_comes_again_and_again_is_a_line_with_a_count() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let fault = "- { match: { call: export, times: 4 }, fault: { answer: { status: 429, retryAfter: 0 } } }";
    place.tenant.fails(fault);
    let ended = place.run(&["sync"]).exits(0);
    let warned: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("slowing down")).collect();
    assert_eq!(warned.len(), 3, "{}", ended.stderr);
    assert!(warned.iter().all(|line| line.contains(" WARN production: ")), "{warned:?}");
    assert!(warned[1].ends_with(" (2 times)") && warned[2].ends_with(" (4 times)"), "{warned:?}");
    // Whoever wants to hear more hears all of it.
    place.tenant.lose("a");
    place.tenant.fails(fault);
    let ended = place.run(&["sync", "-v"]).exits(0);
    assert_eq!(ended.stderr.lines().filter(|line| line.contains("slowing down")).count(), 4);
}

//! `run` with somebody to tell: one message a change, none of a pass that finds nothing new, and nobody waits for it.

use std::process::{Child, Command};

use crate::recorder::{Answer, Recorder, is_signed};
use crate::support::{Ended, Place, ended, until};

const SECRET: &str = "c4nary-n0tify/+=";

/// A controller over this place, killed with the test.
struct Running(Option<Child>);

impl Running {
    fn start(place: &Place) -> Self {
        Self(Some(place.command(&["run", "-vv"]).spawn().unwrap()))
    }

    fn stop(mut self) -> Ended {
        let child = self.0.take().unwrap();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        ended(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

/// A place whose controller makes a pass a second and tells these, one item of the list a line.
fn telling(items: &[String]) -> Place {
    let mut place = Place::with("interval: 1s", &["a 1.0.0"]);
    place.set("NOTIFY_SECRET", SECRET);
    let items: String = items.iter().map(|item| format!("  - {{ {item} }}\n")).collect();
    let text = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    std::fs::write(place.path("flowsync.yaml"), format!("{text}notifications:\n{items}")).unwrap();
    place
}

fn events(server: &Recorder) -> String {
    let seen = server.seen();
    let word = |seen: &crate::recorder::Seen| seen.json()["event"].as_str().unwrap().to_owned();
    seen.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Comes back when the controller has made some more passes.
fn quiet_passes(place: &Place) {
    let exports = || place.tenant.state.requests().total;
    let n_before = exports();
    until("three more passes", || exports() >= n_before + 3);
}

#[test]
fn each_change_is_one_message_and_a_quiet_pass_is_none() {
    let server = Recorder::start();
    let place = telling(&[format!("kind: webhook, url: '{}/hook', secret: {{ env: NOTIFY_SECRET }}", server.url())]);
    let running = Running::start(&place);
    until("the deployment is told", || events(&server) == "deployed");
    quiet_passes(&place);
    place.update_work();
    place.write("flows/b.json", "{");
    let refused = place.push("broken");
    until("the refusal is told", || events(&server) == "deployed refused");
    place.write("flows/b.json", "{ ");
    place.push("still broken");
    until("the next one too", || events(&server) == "deployed refused refused");
    let commit = place.commit(&["a 1.1.0"]);
    until("it is well again", || events(&server) == "deployed refused refused deployed recovered");
    quiet_passes(&place);
    let ended = running.stop().exits(0);
    let seen = server.seen();
    assert_eq!(seen.len(), 5, "{}", events(&server));
    assert!(seen.iter().all(|seen| is_signed(seen, SECRET) && seen.path == "/hook"));
    let first = seen[0].json();
    assert_eq!(
        (&first["environment"], &first["result"], &first["previousResult"]),
        (&"production".into(), &"deployed".into(), &().into())
    );
    assert_eq!(first["flows"], serde_json::json!([{ "id": "flow_a", "action": "create", "outcome": "deployed" }]));
    assert_eq!(first["summary"], serde_json::json!({ "create": 1, "update": 0, "delete": 0, "failed": 0 }));
    assert!(first["recordCommit"].is_string() && first["deploymentId"].is_string());
    assert_eq!(
        (seen[1].json()["commit"].as_str(), seen[3].json()["commit"].as_str()),
        (Some(&*refused), Some(&*commit))
    );
    assert!(seen[1].json()["error"].as_str().unwrap().contains("1 problem(s)"));
    assert_eq!(seen[4].json()["previousResult"], "refused");
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("c4nary"), "{text}");
    }
}

#[test]
fn a_target_that_never_answers_delays_no_deployment_and_no_end() {
    let dead = Recorder::start();
    dead.always(Answer::Hang);
    let mut place = telling(&[
        format!("kind: webhook, url: '{}'", dead.url()),
        "kind: slack, url: { env: SLACK_URL }".to_owned(),
        "kind: teams, url: { env: NEVER_SET }".to_owned(),
    ]);
    place.set("SLACK_URL", "http://127.0.0.1:1/services/T0000000/B0000000/c4nary-slack-path");
    let running = Running::start(&place);
    until("it is told", || dead.n_seen() > 0);
    for (version, n) in [("1.1.0", 2), ("1.2.0", 3)] {
        place.commit(&[&format!("a {version}")]);
        let subjects = || place.subjects().iter().filter(|subject| subject.ends_with(" deployed")).count();
        until("it is deployed", || subjects() == n);
    }
    let ended = running.stop().exits(0);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("c4nary"), "{text}");
    }
    assert!(ended.stderr.contains("notifications[2]") || ended.stderr.contains("NEVER_SET"), "{}", ended.stderr);
}

#[test]
fn the_last_deployments_message_goes_out_before_the_end() {
    let server = Recorder::start();
    let place = telling(&[format!("kind: webhook, url: '{}'", server.url())]);
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_millis(300));
    let running = Running::start(&place);
    until("a is written", || !place.tenant.live().is_empty());
    running.stop().exits(0);
    assert_eq!(events(&server), "deployed");
}

#[test]
fn a_start_on_what_is_in_sync_tells_nothing_and_one_on_a_failure_does() {
    let server = Recorder::start();
    let place = telling(&[format!("kind: webhook, url: '{}'", server.url())]);
    place.sync_with(&[]).exits(0);
    let running = Running::start(&place);
    quiet_passes(&place);
    running.stop().exits(0);
    assert_eq!(server.n_seen(), 0);
    place.update_work();
    place.write("flows/b.json", "{");
    place.push("broken");
    let running = Running::start(&place);
    until("it is told", || events(&server) == "refused");
    running.stop().exits(0);
}

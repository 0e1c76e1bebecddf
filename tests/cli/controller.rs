//! `run`: the loop that a person starts once.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::{Ended, Place, ended, git, until};

/// A running controller, killed with the test.
pub struct Controller(Option<Child>);

impl Controller {
    pub fn start(place: &Place) -> Self {
        Self(Some(place.command(&["run"]).spawn().unwrap()))
    }

    /// Ends it the polite way.
    pub fn stop(mut self) -> Ended {
        let child = self.0.take().unwrap();
        let signalled = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        ended(child)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

fn n_deployments(place: &Place) -> usize {
    place.subjects().iter().filter(|subject| subject.ends_with(" deployed")).count()
}

#[test]
fn a_commit_is_picked_up_long_before_the_interval_and_sigterm_ends_it_well() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let controller = Controller::start(&place);
    until("the first deployment", || n_deployments(&place) == 1);
    place.commit(&["a 1.1.0"]);
    until("the second deployment", || n_deployments(&place) == 2);
    assert_eq!(place.tenant.live(), "a 1.1.0");
    controller.stop().exits(0).says(&["production: deployed"]);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn fifty_triggers_after_one_change_make_one_deployment() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let controller = Controller::start(&place);
    until("the first deployment", || n_deployments(&place) == 1);
    place.commit(&["a 1.1.0"]);
    for n in 0..50 {
        git(&place.origin(), &["update-ref", &format!("refs/heads/nudge{n}"), "main"]);
        // Not `update-ref refs/heads/main main`: it reads before it writes, and would take back a record
        // that is pushed in between.
        git(&place.origin(), &["pack-refs", "--all", "--no-prune"]);
    }
    until("the second deployment", || n_deployments(&place) == 2);
    controller.stop().exits(0);
    assert_eq!(place.tenant.writes(), "import a, import a");
    assert_eq!((n_deployments(&place), place.subjects().len()), (2, 6));
}

#[test]
fn sigterm_during_a_deployment_lets_it_come_to_its_end() {
    let place = Place::with("interval: 1h", &["a 1.0.0", "b 1.0.0 > a"]);
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_millis(300));
    let controller = Controller::start(&place);
    until("a is written", || !place.tenant.live().is_empty());
    controller.stop().exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    assert_eq!(place.manifest()["status"], "deployed");
}

#[test]
fn a_tenant_that_comes_back_is_found_again() {
    let place = Place::with("interval: 1s", &["a 1.0.0"]);
    place.tenant.fails("- { match: { call: token }, fault: { answer: { status: 400 } } }");
    let controller = Controller::start(&place);
    until("it was asked", || place.tenant.state.requests().total > 0);
    place.tenant.heals();
    until("it is deployed", || n_deployments(&place) == 1);
    controller.stop().exits(0).says(&["production: error"]);
}

#[test]
fn drift_is_found_by_the_interval() {
    let place = Place::with("interval: 1s", &["a 1.0.0"]);
    let controller = Controller::start(&place);
    until("the first deployment", || n_deployments(&place) == 1);
    place.tenant.put(&["a 7.0.0"]);
    until("it is put right", || place.tenant.live() == "a 1.0.0");
    controller.stop().exits(0);
}

#[test]
fn a_refused_commit_is_told_once_and_the_next_good_one_deployed() {
    let place = Place::with("interval: 1s", &["a 1.0.0"]);
    place.write("flows/b.json", "{");
    place.push("broken");
    let mut child = place.command(&["run"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("flows/b.json:1:")));
    let controller = Controller(Some(child));
    place.commit(&["a 1.1.0"]);
    until("it is deployed", || n_deployments(&place) == 1);
    controller.stop().exits(0);
    assert_eq!(lines.filter(|line| line.as_ref().unwrap().contains("flows/b.json:1:")).count(), 0);
}

#[test]
fn health_is_served_where_asked_for() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let mut child = place.command(&["run", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("listening on"))).unwrap();
    let address = line.rsplit("http://").next().unwrap().trim().to_owned();
    let controller = Controller(Some(child));
    let get = |path: &str| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get("/healthz").starts_with("HTTP/1.1 200"));
    until("it is ready", || get("/readyz").starts_with("HTTP/1.1 200"));
    drop(lines);
    controller.stop().exits(0);
}

#[test]
fn sighup_reads_the_configuration_again_and_makes_a_pass() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let controller = Controller::start(&place);
    until("the first deployment", || n_deployments(&place) == 1);
    let pid = controller.0.as_ref().unwrap().id().to_string();
    let hang_up = || assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    // A pass comes without anything else to wake it.
    place.tenant.put(&["a 7.0.0"]);
    hang_up();
    until("drift is corrected", || n_deployments(&place) == 2);
    // A broken file keeps the old configuration.
    let good = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    std::fs::write(place.path("flowsync.yaml"), "version: 1\nenvironments: 7\n").unwrap();
    place.tenant.put(&["a 8.0.0"]);
    hang_up();
    until("drift is corrected again", || n_deployments(&place) == 3);
    // An environment comes.
    let staging = place.environment_yaml("staging", "env_staging", "interval: 1h");
    std::fs::write(place.path("flowsync.yaml"), good.clone() + &staging).unwrap();
    hang_up();
    until("staging is deployed", || n_deployments(&place) == 4);
    assert_eq!(place.tenant.live_in("env_staging"), "a 1.0.0");
    // And goes.
    std::fs::write(place.path("flowsync.yaml"), good).unwrap();
    place.tenant.put(&["a 9.0.0"]);
    hang_up();
    until("production goes on", || n_deployments(&place) == 5);
    controller.stop().exits(0).says(&["alarm: the configuration in use is kept", "staging: not in the configuration"]);
}

#[test]
fn an_environment_whose_signal_comes_before_anything_begins_ends_well() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    place.tenant.fails("- { match: { call: export }, fault: { delay: { before: 10m } } }");
    let controller = Controller::start(&place);
    until("it asks", || place.tenant.state.requests().total > 0);
    controller.stop().exits(0);
    assert_eq!(place.tenant.live(), "");
}

//! Somebody edits a project of the vendor's own API while flowsync works on it.

use std::time::Duration;

use crate::controller::Controller;
use crate::project::{BOOKING, BOOKING_ID, Project, SEED};
use crate::support::{ended, git, until, word};

#[test]
fn what_somebody_edits_between_plan_and_write_is_left_alone_and_the_next_pass_begins_anew() {
    let project = Project::with("", SEED, |_| {});
    // What was read of a flow is believed once its stamp is older than two seconds.
    project.state.advance(Duration::from_secs(10));
    project.adopt();
    let place = &project.place;
    project.commit(BOOKING, "When would you like to come?", "When?");
    // The plan knows every flow by its stamp: the first flow that is read is the one about to be written.
    project.fails("- { match: { call: readFlow }, fault: { answer: { status: 503 } } }");
    let child = place.command(&["sync", "--output", "json"]).spawn().unwrap();
    until("it is about to write", || word(&place.manifest()["status"]) == "deploying");
    project.somebody_says("Booking", "Ask", "Come as you are");
    project.heals();
    let ended = ended(child).exits(4);
    assert_eq!(ended.summary(), format!("4 rolled-back update {BOOKING_ID} failed"), "{}", ended.stderr);
    let ended = ended.says(&["changed meanwhile by somebody else, and was not written"]);
    assert_eq!(project.state.n_writes(), 0, "{:?}\n{}", project.state.requests().by_call, ended.stderr);
    assert!(project.live().contains("Come as you are"));
    // Nothing holds the next pass back. It overwrites theirs, and keeps it.
    assert_eq!(place.sync(), format!("0 deployed update {BOOKING_ID} deployed"));
    assert!(project.live().contains("\"When?\""));
    let records = git(&place.origin(), &["log", "-p", "main", "--", "deployments"]);
    assert!(records.contains("Come as you are"), "what was overwritten is on record");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_controller_deploys_a_commit_and_puts_right_what_somebody_changes() {
    let project = Project::adopted("interval: 1s");
    let controller = Controller::start(&project.place);
    project.commit(BOOKING, "When would you like to come?", "When?");
    let n_deployed =
        || project.place.subjects().iter().filter(|subject| subject.ends_with("production deployed")).count();
    until("the commit is deployed", || n_deployed() == 1);
    project.somebody_says("Booking", "Ask", "Come as you are");
    until("it is put right", || n_deployed() == 2);
    controller.stop().exits(0).says(&["production: deployed"]);
    assert!(project.live().contains("\"When?\""));
    assert_eq!(project.place.sync(), "0 in-sync");
}

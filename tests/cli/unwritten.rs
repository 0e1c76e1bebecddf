//! A result that cannot be written is no success, whatever the command; what was to be done is done all the same.

use std::fs::OpenOptions;
use std::process::Stdio;

use clap::CommandFactory;

use crate::support::{Ended, Place, ended};

/// Commands that print a result and end with 0 where nothing is wrong.
const PRINTING: [&[&str]; 31] = [
    &["validate"],
    &["validate", "--format", "json"],
    &["validate", "--format", "sarif"],
    &["build"],
    &["plan"],
    &["plan", "--output", "json"],
    &["plan", "--output", "markdown"],
    &["sync"],
    &["sync", "--output", "json"],
    &["sync", "--dry-run"],
    &["status"],
    &["status", "--output", "json"],
    &["history"],
    &["history", "--output", "json"],
    &["audit", "show"],
    &["audit", "show", "--output", "json"],
    &["audit", "verify"],
    &["graph"],
    &["graph", "--format", "dot"],
    &["graph", "--format", "json"],
    &["pull"],
    &["adopt"],
    &["suspend"],
    &["resume"],
    &["doctor"],
    &["schema", "flow"],
    &["schema", "config"],
    &["completions", "bash"],
    &["--help"],
    &["sync", "--help"],
    &["--version"],
];

/// Runs in the work tree with a stdout that is full.
pub fn run_full(place: &Place, arguments: &[&str]) -> Ended {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    ended(place.command(arguments).current_dir(place.work()).stdout(Stdio::from(full)).spawn().unwrap())
}

#[test]
fn a_full_disk_under_stdout_is_exit_1_for_every_command() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    for arguments in PRINTING {
        place.run_in_work(arguments).exits(0);
        run_full(&place, arguments).exits(1).says(&["cannot write the result to stdout", "No space left"]);
    }
}

#[test]
fn every_command_is_tried() {
    let tried = PRINTING.map(|arguments| arguments[0]);
    let whole = flowsync::cli::Arguments::command();
    let others = whole.get_subcommands().map(clap::Command::get_name).filter(|name| !tried.contains(name));
    assert_eq!(others.collect::<Vec<_>>(), ["run", "rollback", "promote", "import", "fmt", "sandbox", "demo", "init"]);
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    let fresh = place.path("fresh").display().to_string();
    // `promote` needs two environments, `fmt` and `import` flows in folders: they are tried beside their other tests.
    for arguments in [
        &["rollback"] as &[&str],
        &["init", &fresh],
        &["sandbox", "--listen", "127.0.0.1:0"],
        &["demo"],
        &["demo", "--api", "cognigy-rest"],
    ] {
        run_full(&place, arguments).exits(1).says(&["No space left"]);
    }
    assert!(place.path("fresh/flowsync.yaml").exists() && place.manifest()["kind"] == "rollback");
}

#[test]
fn a_reader_that_went_away_is_exit_1_without_a_word() {
    let place = Place::new(&["a 1.0.0"]);
    for arguments in [&["validate"] as &[&str], &["schema", "flow"], &["--help"], &["plan", "--output", "json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = place.command(arguments).current_dir(place.work()).stdout(Stdio::from(writer)).spawn().unwrap();
        let said = ended(child).exits(1).stderr;
        assert!(!said.contains("cannot write"), "{said}");
    }
}

#[test]
fn what_was_to_be_done_is_done_and_what_is_worse_is_told() {
    let place = Place::new(&["a 1.0.0"]);
    run_full(&place, &["plan", "--detailed-exitcode"]).exits(1);
    run_full(&place, &["sync", "--output", "json"]).exits(1);
    assert_eq!(place.manifest()["status"], "deployed");
    place.commit(&["a 1.1.0"]);
    place.tenant.fails("- { match: { call: import }, fault: refuse }");
    run_full(&place, &["sync"]).exits(4);
    place.write("flows/b.json", "{");
    run_full(&place, &["validate", "--format", "github"]).exits(3);
    run_full(&place, &["plam"]).exits(64);
}

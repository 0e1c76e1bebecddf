//! Flows that stand in folders, from the outside: checked, formatted and drawn without a tenant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::{Ended, Place, ended, git};
use crate::unwritten::run_full;

/// A place whose work tree is the example.
fn place() -> (Place, PathBuf) {
    let place = Place::new(&[]);
    let work = place.work();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cognigy-repo"), &work);
    (place, work)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// In the work tree, with the example's own configuration.
fn run(place: &Place, work: &Path, arguments: &[&str]) -> Ended {
    let mut command = place.command(arguments);
    command.current_dir(work).env("FLOWSYNC_CONFIG", work.join("flowsync.yaml"));
    ended(command.stdin(Stdio::null()).spawn().unwrap())
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn the_example_is_valid_formatted_and_drawn() {
    let (place, work) = place();
    run(&place, &work, &["validate"]).exits(0).prints(&["2 files, 2 flows: 0 errors, 0 warnings"]);
    run(&place, &work, &["fmt", "--check"]).exits(0);
    let edge = "flow_11111111000040008000000000000001 --> flow_22222222000040008000000000000002";
    run(&place, &work, &["graph"]).exits(0).prints(&[edge]);
    run(&place, &work, &["schema", "cognigy-flow"]).exits(0).prints(&["urn:flowsync:schema:cognigy-flow"]);
}

/// File and rule of everything that `validate` says.
fn problems(place: &Place, work: &Path) -> Vec<String> {
    let json = run(place, work, &["validate", "--format", "json"]).exits(3).json();
    let shown = |it: &serde_json::Value| format!("{} {}", it["file"], it["rule"]).replace('"', "");
    json["problems"].as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn problems_stand_in_the_file_that_has_them_in_every_form() {
    let (place, work) = place();
    edit(&work.join("flows/main/flow.json"), "\"isEntryPoint\": true,", "");
    assert_eq!(problems(&place, &work), ["flows/booking/flow.json target-no-entry-point"]);
    let text = run(&place, &work, &["validate"]).exits(3);
    text.prints(&["error[target-no-entry-point]", "\"node\": \"1c000000-0000-4000-8000-000000000000\""]);
    edit(&work.join("flows/booking/locales/de-DE.json"), "2e000000", "2e00000f");
    assert_eq!(problems(&place, &work), ["flows/booking/locales/de-DE.json locale-unknown-node"]);
    let github = run(&place, &work, &["validate", "--format", "github"]).exits(3);
    github.prints(&["file=flows/booking/locales/de-DE.json,line=2"]);
    run(&place, &work, &["validate", "--format", "sarif"]).exits(3).prints(&["locale-unknown-node"]);
}

#[test]
fn a_node_written_by_hand_gets_an_identity_once() {
    let (place, work) = place();
    let file = work.join("flows/main/flow.json");
    edit(&file, "\"ref\": \"1b000000-0000-4000-8000-000000000000\",", "");
    run(&place, &work, &["validate"]).exits(3).prints(&["error[node-without-ref]"]);
    run(&place, &work, &["fmt", "--check"]).exits(3).says(&["locale-unknown-node"]);
    fs::remove_file(work.join("flows/main/locales/de-DE.json")).unwrap();
    run(&place, &work, &["fmt", "--check", "flows/main"]).exits(1).prints(&["flows/main/flow.json"]);
    run(&place, &work, &["fmt", "flows/main"]).exits(0).prints(&["flows/main/flow.json"]);
    let written = fs::read(&file).unwrap();
    run(&place, &work, &["fmt"]).exits(0);
    assert_eq!(fs::read(&file).unwrap(), written);
    run(&place, &work, &["validate"]).exits(0);
    // Line ends of a work tree are its own.
    fs::write(&file, String::from_utf8(written).unwrap().replace('\n', "\r\n")).unwrap();
    run(&place, &work, &["fmt", "--check"]).exits(0);
}

#[test]
fn what_cannot_be_formatted_is_said_to_be() {
    let (place, _) = place();
    let other = place.path("other");
    fs::create_dir_all(other.join("flows")).unwrap();
    git(&other, &["init", "-q"]);
    let ended = ended(place.command(&["fmt", "flows"]).current_dir(&other).stdin(Stdio::null()).spawn().unwrap());
    ended.exits(1).says(&["found none"]);
}

#[test]
fn a_full_disk_under_stdout_is_exit_1() {
    let (place, work) = place();
    edit(&work.join("flows/main/flow.json"), "  \"name\": \"Main\",\n", "  \"name\":  \"Main\",\n");
    let mut place = place;
    place.set("FLOWSYNC_CONFIG", &work.join("flowsync.yaml").display().to_string());
    run_full(&place, &["fmt"]).exits(1).says(&["cannot write the result to stdout"]);
}

//! `audit`: shown as it happened, and held against git.

use std::fs;
use std::path::PathBuf;

use crate::support::{Place, git, word};

/// Two deployments, and the audit file of the first in the work tree.
fn two_deployments() -> (Place, PathBuf) {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let first = word(&place.manifest()["deploymentId"]).to_owned();
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    let month = format!("{}-{}", &first[..4], &first[4..6]);
    let file = place.work().join(format!("deployments/production/audit/{month}/{first}.jsonl"));
    (place, file)
}

/// Changes the lines of the first audit file in git; expects the place of the fault to be named.
#[track_caller]
fn tampered(change: impl Fn(&mut Vec<String>), line: &str) {
    let (place, file) = two_deployments();
    let mut lines: Vec<String> = fs::read_to_string(&file).unwrap().lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    fs::write(&file, lines.concat()).unwrap();
    place.push("nothing to see here");
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let ended = place.run(&["audit", "verify"]).exits(1).prints(&["tampered", &format!("{name}:{line}")]);
    let document = place.run(&["audit", "verify", "--output", "json"]).exits(1).json();
    assert_eq!(document["environments"][0]["valid"], false, "{ended:?}");
}

#[test]
fn a_sound_trail_is_sound() {
    let (place, _) = two_deployments();
    place.run(&["audit", "verify"]).exits(0).prints(&["records"]);
    let document = place.run(&["audit", "verify", "--output", "json"]).exits(0).json();
    let verdict = &document["environments"][0];
    assert_eq!((&verdict["valid"], &verdict["faults"]), (&true.into(), &serde_json::json!([])));
    assert!(verdict["records"].as_u64().unwrap() >= 10, "{verdict}");
}

#[test]
fn altered_removed_reordered_and_cut_records_are_found_where_they_are() {
    tampered(|lines| lines[1] = lines[1].replace("import", "delete"), "2");
    tampered(|lines| drop(lines.remove(1)), "2");
    tampered(|lines| lines.swap(1, 2), "2");
    tampered(|lines| lines.truncate(2), "3");
    tampered(|lines| lines.insert(1, lines[1].clone()), "3");
    tampered(|lines| lines[0] = lines[0].trim_end().to_owned(), "1");
}

#[test]
fn a_removed_file_is_found() {
    let (place, file) = two_deployments();
    fs::remove_file(&file).unwrap();
    place.push("tidy up");
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    place.run(&["audit", "verify"]).exits(1).prints(&[&name]);
}

#[test]
fn a_record_altered_and_put_back_is_found() {
    let (place, file) = two_deployments();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("import", "delete")).unwrap();
    let altered = place.push("altered");
    fs::write(&file, text).unwrap();
    place.push("as it was");
    place.run(&["audit", "verify"]).exits(1).prints(&[&format!("not as commit {altered} had it")]);
}

/// The same repository as a version before the folders of months would have left it.
fn without_months(place: &Place) {
    let script = "git fast-export --all | sed 's#audit/[0-9]*-[0-9]*/#audit/#' | git -C ../older.git fast-import --quiet --force";
    git(place.dir.path(), &["init", "-q", "--bare", "--initial-branch=main", "older.git"]);
    let status = std::process::Command::new("sh").args(["-c", script]).current_dir(place.origin()).status().unwrap();
    assert!(status.success());
    fs::remove_dir_all(place.origin()).unwrap();
    fs::rename(place.path("older.git"), place.origin()).unwrap();
}

#[test]
fn files_that_lie_in_the_folder_itself_are_read_verified_and_followed() {
    let (place, _) = two_deployments();
    let shown = place.run(&["audit", "show"]).exits(0).stdout;
    without_months(&place);
    let listing = || git(&place.origin(), &["ls-tree", "-r", "--name-only", "main", "deployments/production/audit"]);
    assert!(listing().lines().all(|path| path.split('/').count() == 4), "{}", listing());
    assert_eq!(place.run(&["audit", "show"]).exits(0).stdout, shown);
    place.run(&["audit", "verify"]).exits(0);
    place.commit(&["a 1.2.0"]);
    place.sync_with(&["--allow-rewind"]).exits(0);
    assert_eq!(listing().lines().filter(|path| path.split('/').count() == 5).count(), 1, "{}", listing());
    place.run(&["audit", "verify"]).exits(0);
    place.update_work();
    let old = listing().lines().find(|path| path.split('/').count() == 4).unwrap().to_owned();
    let altered = place.work().join(&old);
    fs::write(&altered, fs::read_to_string(&altered).unwrap().replace("begun", "ended")).unwrap();
    place.push("nothing to see here");
    let name = altered.file_name().unwrap().to_string_lossy().into_owned();
    place.run(&["audit", "verify"]).exits(1).prints(&[&format!("  audit/{name}:1: not as commit")]);
}

#[test]
fn a_file_that_cannot_be_shown_is_named() {
    let (place, file) = two_deployments();
    fs::write(&file, "nonsense\n").unwrap();
    place.push("nonsense");
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    place.run(&["audit", "show"]).exits(0).says(&["left out", &name]);
}

#[test]
fn a_trail_sealed_anew_is_found_by_gits_history() {
    let (place, file) = two_deployments();
    let text = fs::read_to_string(&file).unwrap();
    let mut prev = "0".repeat(64);
    let mut forged = String::new();
    for line in text.lines() {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["prev"] = prev.clone().into();
        record.as_object_mut().unwrap().remove("hash");
        let mut body = record.to_string().replace("1.0.0", "6.6.6");
        body.pop();
        prev = sha256(&body);
        forged.push_str(&format!("{body},\"hash\":\"{prev}\"}}\n"));
    }
    fs::write(&file, forged).unwrap();
    place.push("forged");
    place.run(&["audit", "verify"]).exits(1).prints(&["tampered"]);
}

pub fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn records_are_shown_as_a_log_a_table_and_json() {
    let (place, _) = two_deployments();
    let log = place.run(&["audit", "show", "--output", "log"]).exits(0).stdout;
    for line in log.lines() {
        let parts: Vec<&str> = line.splitn(3, " | ").collect();
        let [time, level, message] = parts[..] else { panic!("{line}") };
        time.parse::<jiff::Timestamp>().unwrap();
        assert!(matches!(level, "INFO" | "WARN" | "ERROR") && !message.is_empty(), "{line}");
    }
    let document = place.run(&["audit", "show", "--output", "json"]).exits(0).json();
    let records = document["records"].as_array().unwrap();
    assert_eq!(records.len(), log.lines().count());
    let events: Vec<&str> = records.iter().map(|record| word(&record["event"])).collect();
    assert_eq!(events[..5], ["begun", "intent", "outcome", "verified", "ended"]);
    assert_eq!(place.run(&["audit", "show"]).exits(0).stdout.lines().count(), records.len());
}

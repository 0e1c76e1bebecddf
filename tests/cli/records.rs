//! Records are input: whoever may commit can write one, and a merge can garble one.

use serde_json::{Value, json};

use crate::support::{Ended, Place};

const MANIFEST: &str = "deployments/production/manifest.json";

/// Somebody commits another manifest.
pub fn forge(place: &Place, change: impl FnOnce(&mut Value)) {
    place.update_work();
    let mut manifest = place.manifest();
    change(&mut manifest);
    place.write(MANIFEST, &format!("{manifest:#}\n"));
    place.push("nothing to see here");
}

/// One flow, deployed.
fn deployed() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.writes();
    place
}

/// A pass ends with 3, says these words, writes nothing anywhere, and shows no character that moves a terminal.
#[track_caller]
fn refused(place: &Place, texts: &[&str]) -> Ended {
    let (tip, live) = (place.tip(), place.tenant.live());
    let ended = place.sync_with(&[]).exits(3).says(texts);
    assert_eq!(ended.environment()["result"], "refused");
    assert_eq!((place.tip(), place.tenant.live(), place.tenant.writes().as_str()), (tip, live, ""));
    no_escape(&ended);
    ended
}

#[track_caller]
pub fn no_escape(ended: &Ended) {
    let is_bad = |c: char| c.is_control() && c != '\n';
    assert!(!ended.stdout.contains(is_bad) && !ended.stderr.contains(is_bad), "{ended:?}");
}

#[test]
fn what_stands_in_a_record_has_its_pattern_or_is_refused() {
    let place = deployed();
    let sound = place.manifest();
    let long = "9".repeat(64);
    let wrong: Vec<(&str, Value)> = vec![
        ("/deploymentId", json!("../../x")),
        ("/deploymentId", json!("20261122T172257Z-b13a843\u{1b}")),
        ("/deploymentId", json!("20261122T172257Z-B13A843E")),
        ("/environment", json!("../staging")),
        ("/holder", json!({ "id": "a\nFlowsync-Source: x", "deadline": "2030-01-01T00:00:00Z" })),
        ("/holder", json!({ "id": "../x", "deadline": "2030-01-01T00:00:00Z" })),
        ("/lastDeployed/deploymentId", json!("\u{9b}2J")),
        ("/lastDeployed/commit", json!("main")),
        ("/source/commit", json!("refs/heads/main")),
        ("/source/flowsDigest", json!("md5:0")),
        ("/planDigest", json!(long)),
        ("/auditHead", json!("\u{1b}]0;x\u{7}")),
        ("/flows/0/id", json!("flow_a\u{202e}")),
        ("/flows/0/path", json!("/etc/passwd")),
        ("/flows/0/path", json!("flows/../../x")),
        ("/flows/0/blob", json!("zz")),
        ("/flows/0/contentHash", json!("\u{1b}[31m")),
    ];
    for (pointer, value) in wrong {
        forge(&place, |manifest| {
            manifest.clone_from(&sound);
            manifest["status"] = "deploying".into();
            *manifest.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        });
        refused(&place, &[MANIFEST, "restore it from its git history"]);
        for command in [&["status"][..], &["history"], &["plan"], &["audit", "show"], &["audit", "verify"]] {
            no_escape(&place.run(command));
        }
    }
    let beside: Vec<_> = std::fs::read_dir(place.path("state")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(beside, ["flowsync"], "no file outside of the state directory");
}

#[test]
fn a_flow_that_is_listed_twice_is_refused() {
    let place = deployed();
    forge(&place, |manifest| {
        let first = manifest["flows"][0].clone();
        manifest["flows"].as_array_mut().unwrap().push(first);
    });
    refused(&place, &["it lists `flow_a` twice"]);
}

#[test]
fn a_manifest_of_a_newer_flowsync_is_refused_and_one_of_a_minor_version_read() {
    let place = deployed();
    for newer in ["2.0.0", "10.3.1"] {
        forge(&place, |manifest| {
            manifest["manifestVersion"] = newer.into();
            manifest["status"] = "a new word".into();
        });
        refused(&place, &["made by a newer flowsync", newer, "use that version here"]);
        forge(&place, |manifest| manifest["status"] = "deployed".into());
        refused(&place, &["made by a newer flowsync", newer]);
        place.run(&["status"]).exits(3).says(&["made by a newer flowsync"]);
    }
    forge(&place, |manifest| {
        manifest["manifestVersion"] = "1.7.0".into();
        manifest["members"] = "of later".into();
    });
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_manifest_larger_than_any_is_measured_and_not_read() {
    let place = deployed();
    place.update_work();
    let text = format!("{:#}{}", place.manifest(), " ".repeat(64 * 1024 * 1024));
    place.write(MANIFEST, &text);
    place.push("large");
    refused(&place, &[MANIFEST, "bytes"]);
}

#[test]
fn what_the_audit_trail_says_is_escaped_where_it_is_shown() {
    let place = deployed();
    place.update_work();
    let body = r#"{"deploymentId":"\u001b[2J","environment":"production","event":"begun","prev":"","seq":1,"time":"\u001b]0;x\u0007""#;
    let hash = crate::audit::sha256(body);
    let file = "deployments/production/audit/20261122T172257Z-b13a843e.jsonl";
    place.write(file, &format!("{body},\"hash\":\"{hash}\"}}\n"));
    place.push("forged");
    for form in ["log", "table", "json"] {
        no_escape(&place.run(&["audit", "show", "--output", form]).exits(0).prints(&["begun"]));
    }
}

//! Live flows that no strict parser reads: live all the same, kept before they are overwritten, and put back.

use std::fs;

use crate::support::{Place, flow, git, until, word};

/// Members that a tenant holds and our parser refuses, and a word of the reason.
const ODD: [(&str, &str); 4] = [
    (r#""odd":{"text":"x","text":"y"}"#, "`text` again"),
    (r#""odd":"\ud83d""#, "surrogate"),
    (r#""odd":1e999"#, "double"),
    (r#""odd":DEEP"#, "nested"),
];

/// A flow's text with such a member, on one line.
fn odd(line: &str, member: &str) -> String {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    flow(line).to_string().replacen('{', &format!("{{{},", member.replace("DEEP", &deep)), 1)
}

/// `a` and `b`, deployed; then somebody leaves an odd `a`.
fn edited(member: &str) -> (Place, String) {
    let place = Place::with("prune: true\nmaxDeletes: 100%\nconcurrency: 1", &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let text = odd("a 1.5.0 = EDITED", member);
    place.tenant.put_text(&text);
    place.tenant.writes();
    (place, text)
}

/// The text of the previous definition of the first flow of a manifest, read from git alone.
fn kept_before(place: &Place) -> String {
    git(&place.origin(), &["cat-file", "blob", word(&place.manifest()["flows"][0]["before"])])
}

#[test]
fn what_cannot_be_read_is_updated_and_its_bytes_are_kept() {
    for (member, reason) in ODD {
        let (place, text) = edited(member);
        place.update_work();
        let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
        let change = &plan["changes"][0];
        assert_eq!(
            (word(&change["id"]), word(&change["action"]), word(&change["cause"])),
            ("flow_a", "update", "drift")
        );
        assert_eq!(word(&change["previousVersion"]), "1.5.0", "what is found is shown");
        let problem = &plan["problems"][0];
        assert_eq!((word(&problem["rule"]), word(&problem["severity"])), ("live-unreadable", "warning"));
        assert!(word(&problem["message"]).contains(reason), "{problem}");
        place.run_in_work(&["plan"]).exits(0).prints(&["cannot be read", reason]).says(&["live-unreadable"]);
        place.run(&["doctor"]).exits(0).prints(&["2 live flows", "`flow_a` cannot be read", reason]);

        let ended = place.sync_with(&[]).exits(0).says(&["live-unreadable", reason]);
        assert_eq!(ended.summary(), "0 deployed update a deployed");
        assert_eq!(kept_before(&place), text, "in git, byte for byte");
        assert_eq!(place.sync(), "0 in-sync");
        place.run(&["audit", "verify"]).exits(0);

        // The sandbox imports nothing that it cannot parse itself.
        if member == ODD[0].0 {
            place.run(&["rollback"]).exits(0);
            assert_eq!(place.tenant.text("a"), text, "and it can be gone back to");
        }
    }
}

#[test]
fn a_deployment_that_fails_puts_the_same_bytes_back() {
    for (member, _) in ODD {
        for by_import in [true, false] {
            let (place, text) = edited(member);
            place.commit(&["a 2.0.0", "b 2.0.0"]);
            let rollback = if by_import { "{ answer: { status: 404 } }" } else { "{ delay: 1ms }" };
            place.tenant.fails(&format!(
                "- {{ match: {{ call: import, flow: flow_b }}, fault: refuse }}
- {{ match: {{ call: rollback }}, fault: {rollback} }}"
            ));
            // As above.
            let is_refused = by_import && member != ODD[0].0;
            let ended = place.sync_with(&[]);
            if is_refused {
                assert_eq!(ended.exits(5).summary(), "5 rollback-incomplete update a not-restored, update b failed");
                assert_eq!(kept_before(&place), text, "it is not lost");
            } else {
                assert_eq!(ended.exits(4).summary(), "4 rolled-back update a rolled-back, update b failed");
                assert_eq!(place.tenant.text("a"), text);
            }
        }
    }
}

#[test]
fn what_somebody_leaves_in_the_middle_of_a_deployment_is_kept_before_it_is_overwritten() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.1.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_b, nth: 1 }, fault: { delay: { before: 10m } } }");
    let mut child = place.command(&["sync"]).spawn().unwrap();
    until("a is written", || place.tenant.live().starts_with("a 1.1.0"));
    child.kill().unwrap();
    child.wait().unwrap();
    place.tenant.heals();
    let text = odd("a 1.5.0 = EDITED", ODD[0].0);
    place.tenant.put_text(&text);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    let audit = place.run(&["audit", "show", "--output", "json"]).exits(0).json();
    let records = audit.as_array().or_else(|| audit["records"].as_array()).unwrap();
    let overwritten = records.iter().find(|record| record["event"] == "overwritten").unwrap();
    assert_eq!(word(&overwritten["definition"]), text);
    assert!(word(&overwritten["unreadable"]).contains("`text` again"), "{overwritten}");
}

#[test]
fn its_id_satisfies_references_and_what_is_not_managed_is_left_alone() {
    let place = Place::new(&["a 1.0.0 > z"]);
    for (member, _) in ODD {
        let text = odd("z 0.1.0", member);
        place.tenant.put_text(&text);
        let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
        assert_eq!(plan["unmanaged"], serde_json::json!(["flow_z"]));
        assert_eq!(plan["problems"], serde_json::json!([]));
        place.sync_with(&[]).exits(0);
        assert_eq!(place.sync(), "0 in-sync", "quietly, too");
        assert_eq!(place.tenant.text("z"), text);
    }
}

#[test]
fn what_is_pruned_is_kept_and_comes_back_with_a_rollback() {
    let (place, text) = edited(ODD[0].0);
    place.commit(&["b 1.0.0"]);
    let ended = place.sync_with(&[]).exits(0).says(&["live-unreadable", "before it is deleted"]);
    assert_eq!(ended.summary(), "0 deployed delete a deployed");
    assert_eq!(kept_before(&place), text);
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.text("a"), text);
}

#[test]
fn a_pull_writes_the_others_and_ends_with_1_and_the_names_of_what_it_left_out() {
    let (place, _) = edited(ODD[0].0);
    place.tenant.put(&["b 3.0.0", "c 3.0.0"]);
    place.tenant.put_text(&odd("z 1.0.0", ODD[1].0));
    place.tenant.put_text(r#"{"id":"65f0-uuid","name":"no flow of ours"}"#);
    let before = fs::read_to_string(place.work().join("flows/a.json")).unwrap();
    place.run_in_work(&["pull"]).exits(1).prints(&["2 flows written"]).says(&[
        "left out: flow_a: it cannot be read",
        "left out: flow_z: it cannot be read",
        "left out: 65f0-uuid",
        "3 of 5 live flows",
    ]);
    let file = |name: &str| fs::read_to_string(place.work().join("flows").join(name)).unwrap();
    assert!(file("b.json").contains("3.0.0") && file("flow_c.json").contains("3.0.0"));
    assert_eq!(file("a.json"), before, "the file of a flow that was left out stays");
    assert!(!place.work().join("flows/flow_z.json").exists());
}

#[test]
fn an_item_without_an_id_is_nobodys_flow_and_is_shown() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let body = format!(
        r#"{{"items":[{},{{"name":"lost \u001b[31m"}}],"total":2,"limit":100,"offset":0}}"#,
        String::from_utf8(place.tenant.state.flows("env_prod")["flow_a"].to_vec()).unwrap()
    );
    let answer =
        serde_json::json!([{ "match": { "call": "export" }, "fault": { "answer": { "status": 200, "body": body } } }]);
    place.tenant.fails(&answer.to_string());
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).says(&[r#"{"name":"lost \u001b[31m"}"#]);
    let unmanaged = plan.json()["unmanaged"].clone();
    assert_eq!(unmanaged, serde_json::json!(["without an id: {\"name\":\"lost \\u001b[31m\"}"]));
    assert_eq!(place.sync(), "0 in-sync");
}

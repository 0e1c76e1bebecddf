//! `sync.protect`: flows that no prune deletes, unless a person names them.

use serde_json::{Value, json};

use crate::support::{Place, word};

/// `pay`, `payOut` and `help`, deployed; the first and the last have left git since.
fn left() -> Place {
    let sync = "prune: true\nmaxDeletes: 100%\nprotect: [ \"flow_pay*\" ]";
    let place = Place::with(sync, &["pay 1.0.0", "payOut 1.0.0", "help 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["payOut 1.0.0"]);
    place.tenant.writes();
    place
}

#[test]
fn a_protected_flow_is_deleted_only_where_a_person_names_it() {
    let place = left();
    let tip = place.tip();
    let words = ["deletes `flow_pay`, protected by `sync.protect`", "--allow-delete-protected flow_pay"];
    place.sync_with(&[]).exits(3).says(&words);
    place.sync_with(&["--allow-delete-protected", "flow_payOut"]).exits(3).says(&words);
    place.sync_with(&["--allow-deletes", "2", "--dry-run"]).exits(3).says(&words);
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    place.run(&["sync", "--allow-delete-protected", "pay"]).exits(64);
    let ended = place.sync_with(&["--allow-delete-protected", "flow_pay", "--allow-delete-protected", "flow_x"]);
    assert_eq!(ended.summary(), "0 deployed delete help deployed, delete pay deployed");
}

#[test]
fn a_plan_shows_what_would_refuse_it() {
    let place = left();
    place.update_work();
    let ended = place.run_in_work(&["plan", "--output", "json"]).exits(3);
    let plan = ended.json();
    let protected = |change: &Value| (word(&change["id"]).to_owned(), change["protected"].clone());
    let changes: Vec<_> = plan["changes"].as_array().unwrap().iter().map(protected).collect();
    assert_eq!(changes, [("flow_help".to_owned(), Value::Null), ("flow_pay".to_owned(), json!(true))]);
    assert!(word(&plan["refused"]).contains("protected by `sync.protect`"), "{plan}");
    place.run_in_work(&["plan"]).exits(3).prints(&["protected: deleted only with --allow-delete-protected flow_pay"]);
    let comment = place.run_in_work(&["plan", "--output", "markdown"]).exits(3);
    comment.prints(&["**Would be refused:**", "`flow_pay` `Flow pay` `1.0.0`, wave 0, **protected**"]);
}

#[test]
fn restoration_and_rollback_are_not_bound() {
    let place = Place::with("protect: [ \"*\" ]", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0 > pay", "pay 1.0.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_a }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    assert_eq!(place.tenant.live(), "a 1.0.0");
    place.tenant.heals();
    place.sync_with(&["--retry"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, pay 1.0.0");
    let ended = place.run(&["rollback", "--output", "json"]).exits(0);
    assert_eq!(ended.summary(), "0 deployed update a deployed, delete pay deployed");
}

//! The text, for each kind of change.

use super::super::text::{Inside, Style, text};
use super::world::{FLOW, flow, planned, shown, update};
use crate::controller::view::PlanView;
use crate::flow::Comparison;

#[test]
fn a_text_is_told_as_people_hear_it() {
    insta::assert_snapshot!(update(&[("would you like to pay today", "do you want to pay"), ("Which amount", "Which \\\"sum\\\"")]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        nodes
          ~ action "Ask amount" (ask)
            ~ text[0]: "How much [-would-]{+do+} you [-like-]{+want+} to [-pay today?-]{+pay?+}"
            ~ text[1]: "Which amount?" -> "Which "sum"?"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn code_is_told_line_by_line() {
    insta::assert_snapshot!(update(&[("let b = 2;", "let b = 3;")]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        nodes
          ~ action "Ask amount" (ask)
            ~ code:
                let a = 1;
              - let b = 2;
              + let b = 3;
                return a + b;
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_variant_and_a_thing_with_an_id_come_and_go() {
    let edits =
        [("\"Which amount?\"", "\"Hm?\", \"Which amount?\""), ("{\"id\": \"r1\", \"title\": \"All of it\"}, ", "")];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        nodes
          ~ action "Ask amount" (ask)
            - replies[0].id: "r1"
            - replies[0].title: "All of it"
            + text[1]: "Hm?"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn nodes_come_and_go() {
    let apology =
        r#"{"id": "sorry", "type": "action", "label": "Apology", "configuration": {"text": "Sorry.", "retries": 2}},"#;
    let done = r#"{"id": "done", "type": "end", "configuration": {"outcome": "paid"}}"#;
    let end = r#"{"id": "end", "type": "end", "configuration": {"note": "two\nlines"}}"#;
    let edits = [
        ("{\"id\": \"wants\"", &*format!("{apology}{{\"id\": \"wants\"")),
        (done, end),
        ("\"to\": \"done\"", "\"to\": \"end\""),
    ];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        nodes
          + action "Apology" (sorry)
            + retries: 2
            + text: "Sorry."
          + end end
            + note:
              + two
              + lines
          - end done
            - outcome: "paid"
        edges
          ~ wants -> end (was wants -> done)
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_node_moves() {
    let start = r#"{"id": "start", "type": "start", "configuration": {"entry": "voice"}},"#;
    let done = r#"{"id": "done", "type": "end", "configuration": {"outcome": "paid"}}"#;
    insta::assert_snapshot!(update(&[(start, ""), (done, &format!("{done}, {}", start.trim_end_matches(',')))]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        nodes
          > start start moved, now after done
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_node_changes_its_type_and_its_settings() {
    let edits = [
        ("\"type\": \"intent\", \"conf", "\"type\": \"action\", \"conf"),
        ("0.7", "0.75"),
        ("\"action\": \"say\",", ""),
    ];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        nodes
          ~ action "Ask amount" (ask)
            - action: "say"
          ~ action wants
            ~ minScore: 0.7 -> 0.75
            ~ type: "intent" -> "action"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn edges_are_retargeted_reworded_added_removed_and_moved() {
    let retargeted = ("\"from\": \"wants\", \"to\": \"done\"", "\"from\": \"wants\", \"to\": \"ask\"");
    let reworded = ("input.amount > 0", "input.amount > 0 && input.amount < 500");
    insta::assert_snapshot!(update(&[retargeted, reworded]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        edges
          ~ "Ask amount" -> wants
            ~ when: input.amount > 0{+ && input.amount < 500+}
          ~ wants -> "Ask amount" (was wants -> done)
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    let last = r#"{"from": "wants", "to": "done", "condition": null}"#;
    let first = r#"{"from": "start", "to": "ask", "condition": null}"#;
    let moved = [(first, last), (last, r#"{"from": "wants", "to": "wants", "condition": "input.again"}"#)];
    let moved: Vec<(&str, &str)> = vec![(moved[0].0, "FIRST"), (last, "LAST"), ("FIRST", last), ("LAST", moved[1].1)];
    insta::assert_snapshot!(update(&moved), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        edges
          > wants -> done moved, from place 3 to 1
          + wants -> wants when input.again
          - start -> "Ask amount"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    insta::assert_snapshot!(update(&[("\"input.amount > 0\"", "null")]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        edges
          ~ "Ask amount" -> wants
            ~ when: input.amount > 0 -> always
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    insta::assert_snapshot!(update(&[("\"to\": \"ask\", \"condition\": null", "\"to\": \"ask\"")]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        edges
          ~ start -> "Ask amount"
            ~ when: always (null -> left out)
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn references_and_fields_change() {
    let reference = r#"{"type": "intent", "id": "intent_pay", "environmentId": "env_prod"}"#;
    let other = r#"{"type": "flow", "id": "flow_help", "environmentId": "env_prod"}"#;
    let fields = ("\"owner\": \"billing\",", "\"tags\": {\"team\": \"pay\", \"on call\": true},");
    insta::assert_snapshot!(update(&[(reference, other), fields, ("1.0.0", "1.1.0")]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 -> 1.1.0 (commit, wave 0)
        - owner: "billing"
        + tags."on call": true
        + tags.team: "pay"
        references
          + flow flow_help in env_prod
          - intent intent_pay in env_prod
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    insta::assert_snapshot!(update(&[("1.0.0", "1.1.0")]), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 -> 1.1.0 (commit, wave 0)
        ~ version: "1.0.0" -> "1.1.0"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn odd_documents_show_what_differs() {
    let edits = [
        ("\"externalReferences\": [", "\"externalReferences\": null, \"more\": ["),
        ("{\"id\": \"done\"", "7, {\"id\": \"start\", \"x\": 1}, {\"id\": \"done\""),
    ];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 (commit, wave 0)
        + more[0]: {"environmentId": "env_prod", "id": "intent_pay", "type": "intent"}
        ~ externalReferences: [{"environmentId": "env_prod", "id": "intent_pay", "type": "intent"}] -> null
        nodes
          + without id
            + all of it: 7
          + start
            + x: 1
        references
          - intent intent_pay in env_prod
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn flows_come_and_go() {
    let other = flow(&[("flow_pay", "flow_help"), ("Payment", "Help")]);
    insta::assert_snapshot!(shown(&[FLOW.to_owned()], &[other], Inside::Told), @r#"
    production (env_prod)
      + flow_pay "Payment" 1.0.0 (commit, wave 0)
        4 nodes (1 action, 1 end, 1 intent, 1 start), 3 edges
        needs intent:intent_pay
      - flow_help "Help" 1.0.0 (commit, wave 0)
        4 nodes (1 action, 1 end, 1 intent, 1 start), 3 edges
        needs intent:intent_pay
    1 to create, 0 to update, 1 to delete, 0 unchanged
    "#);
}

#[test]
fn raw_lines_are_as_they_were() {
    insta::assert_snapshot!(shown(&[flow(&[("1.0.0", "1.1.0")])], &[FLOW.to_owned()], Inside::Raw), @r#"
    production (env_prod)
      ~ flow_pay "Payment" 1.0.0 -> 1.1.0 (commit, wave 0)
        @@ -74,4 +74,4 @@
           ],
           "owner": "billing",
        -  "version": "1.0.0"
        +  "version": "1.1.0"
         }
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn colours_are_for_terminals() {
    let plan = planned(&[flow(&[("would you like", "do you want")])], &[FLOW.to_owned()]);
    let view = PlanView::new("production", "env_prod", &plan, &[]);
    let style = Style { inside: Inside::Told, color: true, n_plans: 1 };
    let text = text(&view, &Comparison::default(), style).unwrap();
    insta::assert_snapshot!(text.replace('\u{1b}', "ESC"), @r#"
    production (env_prod)
    ESC[33m  ~ flow_pay "Payment" 1.0.0 (commit, wave 0)ESC[0m
        ESC[2mnodesESC[0m
    ESC[33m      ~ ESC[0maction ESC[1m"Ask amount" (ask)ESC[0m
    ESC[33m        ~ ESC[0mESC[1mtext[0]ESC[0m: "How much ESC[31m[-would-]ESC[0mESC[32m{+do+}ESC[0m you ESC[31m[-like-]ESC[0mESC[32m{+want+}ESC[0m to pay today?"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

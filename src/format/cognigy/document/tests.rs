//! The model's laws, and what is said of a document that is none.

use proptest::prelude::*;
use serde_json::json;

use super::any::any_flow;
use super::*;
use crate::flow::Definition;

const GOOD: &str = r#"{"format":"cognigy-flow/1","id":"flow_22222222000000000000000000000002","referenceId":"22222222-0000-0000-0000-000000000002","name":"Booking","description":"","context":{},"attachedFlows":["11111111-0000-0000-0000-000000000001"],"attachedLexicons":[],"externalReferences":[{"type":"flow","id":"flow_11111111000000000000000000000001","environmentId":"${environment}"},{"type":"locale","id":"en-US","environmentId":"${environment}"}],"chart":[{"type":"start","ref":"a0000000-0000-0000-0000-000000000000"},{"type":"code","ref":"a1000000-0000-0000-0000-000000000000","label":"Check","config":{"en-US":{"code":"a\r\n"}}},{"type":"if","ref":"b1000000-0000-0000-0000-000000000000","branches":[{"type":"then","ref":"b2000000-0000-0000-0000-000000000000","body":[{"type":"say","ref":"b4000000-0000-0000-0000-000000000000","isDisabled":true}]},{"type":"else","ref":"b3000000-0000-0000-0000-000000000000","body":[]}]},{"type":"end","ref":"a9000000-0000-0000-0000-000000000000"}]}"#;

/// Rule and pointer of everything wrong with a text.
fn faults(text: &str) -> Vec<String> {
    match Flow::parse(text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(FlowError::Parse(error)) => vec![error.to_string()],
        Err(FlowError::Faults(faults)) => faults.iter().map(|it| format!("{} {}", it.rule, it.pointer)).collect(),
    }
}

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    assert_eq!(faults(&GOOD.replacen(from, to, 1)), expected);
}

#[test]
fn a_document_is_read_and_written_to_the_byte() {
    let flow = Flow::parse(GOOD.as_bytes()).unwrap();
    assert_eq!(flow.to_text(), GOOD);
    assert_eq!(
        flow.nodes().map(|node| node.kind.as_str()).collect::<Vec<_>>(),
        ["start", "code", "if", "then", "say", "else", "end"]
    );
    assert_eq!(flow.placed_nodes()[4].0, "/chart/2/branches/0/body/0");
    assert_eq!(FlowRef::of_flow(&flow.reference.flow_id()), Some(flow.reference));
    let definition = Definition::from_live(GOOD.as_bytes(), &crate::flow::Comparison::default()).unwrap();
    assert_eq!((definition.id, definition.name.as_str()), (flow.reference.flow_id(), "Booking"));
    assert_eq!(definition.references.len(), 1);
}

#[test]
fn what_is_wrong_is_said_of_its_place() {
    check(r#""ref":"a1000000-0000-0000-0000-000000000000","#, "", &["node-without-ref /chart/1"]);
    check("a1000000", "A1000000", &["wrong-ref /chart/1/ref"]);
    check("b4000000", "b1000000", &["duplicate-node-id /chart/2/branches/0/body/0/ref"]);
    check(r#""label":"Check""#, r#""lable":"Check""#, &["unknown-member /chart/1/lable"]);
    check(r#""then","#, r#""then","label":"x","#, &["marker-with-settings /chart/2/branches/0"]);
    check(r#""isDisabled":true"#, r#""isDisabled":1"#, &["wrong-type /chart/2/branches/0/body/0/isDisabled"]);
    check(r#""type":"start","#, r#""type":"stop","#, &["start-node-count /chart"]);
    check(r#""Booking""#, r#""""#, &["empty-name /name"]);
    check(r#""cognigy-flow/1""#, r#""cognigy-flow/2""#, &["unknown-value /format"]);
    check(r#""en-US":{"#, r#"" ":{"#, &["unknown-value /chart/1/config/ "]);
    check(r#""body":[]}]"#, r#""body":{}}]"#, &["wrong-type /chart/2/branches/1/body"]);
}

#[test]
fn what_is_empty_or_computed_has_no_text() {
    let with = |from: &str, to: &str| Flow::parse(GOOD.replacen(from, to, 1).as_bytes()).unwrap().to_text();
    let same = [
        (r#""label":"Check","#, r#""label":"Check","comment":"","isEntryPoint":false,"#),
        (r#""label":"Check","#, r#""extension":"@cognigy/basic-nodes","label":"Check","#),
        (r#""label":"Check","#, r#""label":"Check","mock":{"isEnabled":false,"code":""},"branches":[],"#),
        (r#"{"code":"#, r#"{"hasError":true,"transpiled":"x","code":"#),
    ];
    for (from, to) in same {
        assert_eq!(with(from, to), GOOD, "{to}");
    }
}

#[test]
fn numbers_are_those_of_javascript() {
    for (written, kept) in [
        ("1.0", "1"),
        ("-0.0", "0"),
        ("1e2", "100"),
        ("0.1", "0.1"),
        ("1E21", "1e+21"),
        ("12345678901234567890", "1.2345678901234567e+19"),
    ] {
        let text = GOOD.replacen(r#""context":{}"#, &format!(r#""context":{{"x":{written}}}"#), 1);
        let flow = Flow::parse(text.as_bytes()).unwrap();
        let again = Flow::parse(flow.to_text().as_bytes()).unwrap();
        assert_eq!((&flow, flow.to_text()), (&again, again.to_text()), "{written}");
        assert!(flow.to_text().contains(&format!(r#"{{"x":{kept}}}"#)), "{written}: {}", flow.to_text());
    }
}

#[test]
fn targets_are_found_wherever_they_stand() {
    let target =
        json!({"flow": "11111111-0000-0000-0000-000000000001", "node": "c0000000-0000-0000-0000-000000000000"});
    let config = json!({"a": [{"flowNode": target}], "flowNode": {"flow": "", "node": ""}});
    let text = GOOD.replacen(r#"{"code":"a\r\n"}"#, &config.to_string(), 1);
    let flow = Flow::parse(text.as_bytes()).unwrap();
    let found: Vec<String> = flow.targets().into_iter().map(|it| it.pointer).collect();
    assert_eq!(found, ["/chart/1/config/en-US/a/0/flowNode"]);
    assert_eq!(flow.reason_for_reference(0).as_deref(), Some("/attachedFlows/0"));
    assert_eq!(flow.reason_for_reference(2).as_deref(), Some("/chart/1/config/en-US/a/0/flowNode/node"));
    assert_eq!(flow.reason_for_reference(3), None);
    assert!(flow.to_text().contains(r#"{"type":"node","id":"11111111-0000-0000-0000-000000000001/c0000000"#));
}

proptest! {
    #[test]
    fn a_flow_is_read_as_it_was_written(flow in any_flow()) {
        let text = flow.to_text();
        prop_assert_eq!(Flow::parse(text.as_bytes()).unwrap(), flow);
    }
}

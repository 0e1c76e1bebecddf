//! Flows that are charts: the text, for each kind of change, and the other forms.

use super::super::text::Inside;
use super::world::{comment, document, shown};

/// A composed document of which parts can be replaced.
const CHART: &str = r#"{"format":"cognigy-flow/1","id":"flow_22222222000040008000000000000002","referenceId":"22222222-0000-4000-8000-000000000002","name":"Booking","description":"Books a slot","context":{"slot":{"hours":[9,17]}},"attachedFlows":["11111111-0000-4000-8000-000000000001"],"attachedLexicons":[],"externalReferences":[{"type":"flow","id":"flow_11111111000040008000000000000001","environmentId":"${environment}"},{"type":"locale","id":"en-US","environmentId":"${environment}"}],"chart":[
{"type":"start","ref":"a0000000-0000-4000-8000-000000000000"},
{"type":"say","ref":"a1000000-0000-4000-8000-000000000000","label":"Hello","config":{"de-DE":{"say":{"text":["Wann möchten Sie kommen?"],"type":"text"}},"en-US":{"say":{"text":["When would you like to come?","Which day suits you?"],"type":"text"}}}},
{"type":"code","ref":"a2000000-0000-4000-8000-000000000000","label":"Check slot","config":{"en-US":{"code":"const a = 1;\r\nconst b = 2;\r\nactions.output(a + b);\r\n"}}},
{"type":"if","ref":"b1000000-0000-4000-8000-000000000000","label":"Free?","config":{"en-US":{"condition":{"condition":"","rule":{"left":"context.slot","operand":"eq","right":"free"},"type":"rule"}}},"branches":[
{"type":"then","ref":"b2000000-0000-4000-8000-000000000000","body":[{"type":"goTo","ref":"b4000000-0000-4000-8000-000000000000","label":"Pay","config":{"en-US":{"flowNode":{"flow":"11111111-0000-4000-8000-000000000001","node":"c0000000-0000-4000-8000-000000000000"}}}}]},
{"type":"else","ref":"b3000000-0000-4000-8000-000000000000","body":[]}]},
{"type":"end","ref":"a9000000-0000-4000-8000-000000000000"}]}"#;

const CODE: &str = r#"{"type":"code","ref":"a2000000-0000-4000-8000-000000000000","label":"Check slot","config":{"en-US":{"code":"const a = 1;\r\nconst b = 2;\r\nactions.output(a + b);\r\n"}}}"#;
const ELSE: &str = r#"{"type":"else","ref":"b3000000-0000-4000-8000-000000000000","body":["#;

#[track_caller]
fn chart(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(CHART.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

/// The text of an update that replaces parts of the flow.
#[track_caller]
fn update(edits: &[(&str, &str)]) -> String {
    shown(&[chart(edits)], &[CHART.to_owned()], Inside::Told)
}

#[test]
fn what_is_said_is_told_word_by_word_and_by_locale() {
    let edits = [("When would you like", "When do you want"), ("Wann möchten Sie kommen", "Wann wollen Sie kommen")];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ say "Hello" (a1000000-0000-4000-8000-000000000000)
            ~ say.text[0] (de-DE): "Wann [-möchten-]{+wollen+} Sie kommen?"
            ~ say.text[0] (en-US): "When [-would-]{+do+} you [-like-]{+want+} to come?"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    insta::assert_snapshot!(update(&[(r#","Which day suits you?""#, "")]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ say "Hello" (a1000000-0000-4000-8000-000000000000)
            - say.text[1] (en-US): "Which day suits you?"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn settings_of_a_locale_come_and_go() {
    let german = r#""de-DE":{"say":{"text":["Wann möchten Sie kommen?"],"type":"text"}},"#;
    insta::assert_snapshot!(update(&[(german, r#""fr-FR":{"say":{"text":["Quand ?"],"type":"text"}},"#)]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ say "Hello" (a1000000-0000-4000-8000-000000000000)
            - say.text[0] (de-DE): "Wann möchten Sie kommen?"
            - say.type (de-DE): "text"
            + say.text[0] (fr-FR): "Quand ?"
            + say.type (fr-FR): "text"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_condition_is_reworded() {
    insta::assert_snapshot!(update(&[(r#""operand":"eq""#, r#""operand":"neq""#)]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ if "Free?" (b1000000-0000-4000-8000-000000000000)
            ~ condition.rule.operand (en-US): "eq" -> "neq"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    let free =
        r#""condition":{"condition":"","rule":{"left":"context.slot","operand":"eq","right":"free"},"type":"rule"}"#;
    let script = r#""condition":{"condition":"context.slot === 'free'","type":"condition"}"#;
    insta::assert_snapshot!(update(&[(free, script)]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ if "Free?" (b1000000-0000-4000-8000-000000000000)
            ~ condition.condition (en-US): "" -> "context.slot === 'free'"
            - condition.rule.left (en-US): "context.slot"
            - condition.rule.operand (en-US): "eq"
            - condition.rule.right (en-US): "free"
            ~ condition.type (en-US): "rule" -> "condition"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn code_is_told_line_by_line() {
    insta::assert_snapshot!(update(&[("const b = 2;", "const b = 3;")]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ code "Check slot" (a2000000-0000-4000-8000-000000000000)
            ~ code (en-US):
                const a = 1;
              - const b = 2;
              + const b = 3;
                actions.output(a + b);
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_node_comes_and_one_goes() {
    let sorry = r#"{"type":"say","ref":"d1000000-0000-4000-8000-000000000000","label":"Sorry","comment":"ask the team","config":{"en-US":{"say":{"text":["Sorry, that slot is taken."]}}}}"#;
    insta::assert_snapshot!(update(&[(ELSE, &format!("{ELSE}{sorry}")), (&format!("{CODE},"), "")]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          + say "Sorry" (d1000000-0000-4000-8000-000000000000) first in else of "Free?"
            + comment: "ask the team"
            + say.text[0] (en-US): "Sorry, that slot is taken."
          - code "Check slot" (a2000000-0000-4000-8000-000000000000)
            - code (en-US):
              - const a = 1;
              - const b = 2;
              - actions.output(a + b);
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_branching_comes_with_its_branches() {
    let once = r#"{"type":"once","ref":"e1000000-0000-4000-8000-000000000000","branches":[{"type":"onFirstExecution","ref":"e2000000-0000-4000-8000-000000000000","body":[{"type":"say","ref":"e4000000-0000-4000-8000-000000000000","label":"First"}]},{"type":"afterwards","ref":"e3000000-0000-4000-8000-000000000000","body":[]}]},"#;
    insta::assert_snapshot!(update(&[(CODE, &format!("{once}{CODE}"))]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          + once e1000000-0000-4000-8000-000000000000 after "Hello"
          + say "First" (e4000000-0000-4000-8000-000000000000) first in onFirstExecution of once e1000000-0000-4000-8000-000000000000
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn nodes_move_within_a_chain_and_into_a_branch() {
    let within = [(&*format!("{CODE},"), ""), (r#"{"type":"end""#, &*format!("{CODE},{{\"type\":\"end\""))];
    insta::assert_snapshot!(update(&within), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          > if "Free?" (b1000000-0000-4000-8000-000000000000) moved, now after "Hello"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
    insta::assert_snapshot!(update(&[(&format!("{CODE},"), ""), (ELSE, &format!("{ELSE}{CODE}"))]), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          > code "Check slot" (a2000000-0000-4000-8000-000000000000) moved, now first in else of "Free?"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn the_head_of_a_node_changes() {
    let edits = [(r#""label":"Pay""#, r#""label":"Pay now","isDisabled":true"#)];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        nodes
          ~ goTo "Pay now" (b4000000-0000-4000-8000-000000000000)
            + isDisabled: true
            ~ label: "Pay" -> "Pay now"
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn fields_of_the_flow_change() {
    let edits = [
        (r#""Booking""#, r#""Book a slot""#),
        ("Books a slot", "Books a slot for you"),
        ("[9,17]", "[9,18]"),
        (
            r#""attachedFlows":["11111111-0000-4000-8000-000000000001"]"#,
            r#""attachedFlows":["33333333-0000-4000-8000-000000000003"]"#,
        ),
        ("flow_11111111000040008000000000000001", "flow_33333333000040008000000000000003"),
    ];
    insta::assert_snapshot!(update(&edits), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Book a slot" (commit, wave 0)
        ~ attachedFlows[0]: "11111111-0000-4000-8000-000000000001" -> "33333333-0000-4000-8000-000000000003"
        ~ context.slot.hours[1]: 17 -> 18
        ~ description: "Books a slot{+ for you+}"
        ~ name: "Booking" -> "Book a slot"
        references
          + flow flow_33333333000040008000000000000003
          - flow flow_11111111000040008000000000000001
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn charts_come_and_go() {
    let other = chart(&[("flow_2222", "flow_4444"), ("\"22222222", "\"44444444"), ("Booking", "Help")]);
    insta::assert_snapshot!(shown(&[CHART.to_owned()], &[other], Inside::Told), @r#"
    production (env_prod)
      + flow_22222222000040008000000000000002 "Booking" (commit, wave 0)
        8 nodes (1 code, 1 else, 1 end, 1 goTo, 1 if, 1 say, 1 start, 1 then) in de-DE, en-US
        needs flow_11111111000040008000000000000001
      - flow_44442222000040008000000000000002 "Help" (commit, wave 0)
        8 nodes (1 code, 1 else, 1 end, 1 goTo, 1 if, 1 say, 1 start, 1 then) in de-DE, en-US
        needs flow_11111111000040008000000000000001
    1 to create, 0 to update, 1 to delete, 0 unchanged
    "#);
}

#[test]
fn raw_lines_are_those_of_the_composed_document() {
    insta::assert_snapshot!(shown(&[chart(&[("Booking", "Slots")])], &[CHART.to_owned()], Inside::Raw), @r#"
    production (env_prod)
      ~ flow_22222222000040008000000000000002 "Slots" (commit, wave 0)
        @@ -115,5 +115,5 @@
           "format": "cognigy-flow/1",
           "id": "flow_22222222000040008000000000000002",
        -  "name": "Booking",
        +  "name": "Slots",
           "referenceId": "22222222-0000-4000-8000-000000000002"
         }
    0 to create, 1 to update, 0 to delete, 0 unchanged
    "#);
}

#[test]
fn a_comment_draws_the_chart() {
    let edits = [
        ("When would you like", "When do you want"),
        (&*format!("{CODE},"), ""),
        (
            ELSE,
            &*format!(
                "{ELSE}{{\"type\":\"say\",\"ref\":\"d1000000-0000-4000-8000-000000000000\",\"label\":\"Sorry\"}}"
            ),
        ),
    ];
    insta::assert_snapshot!(comment(&[chart(&edits)], &[CHART.to_owned()]), @r#"
    <!-- flowsync plan: production -->

    ### flowsync plan: `production`

    **0 to create, 1 to update, 0 to delete, 0 unchanged** in `env_prod`, from the work tree

    Plan digest: `sha256:0a5bca0bf6f020e2c8dc79542c01c8e04a4d5430567ddd75ba23b9a7f3abf3e1`

    - **update** `flow_22222222000040008000000000000002` `Booking`, wave 0

    <details><summary>Who needs whom</summary>

    ```mermaid
    flowchart TD
      flow_11111111000040008000000000000001["flow#95;11111111000040008000000000000001"]
      flow_22222222000040008000000000000002["update#58; Booking"]
      flow_22222222000040008000000000000002 --> flow_11111111000040008000000000000001
      classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px
      class flow_22222222000040008000000000000002 changed
    ```

    </details>

    <details><summary><b>update</b> <code>flow_22222222000040008000000000000002</code>: 3 nodes</summary>

    ```diff
      nodes
    !   say "Hello" (a1000000-0000-4000-8000-000000000000)
    !     say.text[0] (en-US): "When [-would-]{+do+} you [-like-]{+want+} to come?"
    +   say "Sorry" (d1000000-0000-4000-8000-000000000000) first in else of "Free?"
    -   code "Check slot" (a2000000-0000-4000-8000-000000000000)
    -     code (en-US):
    -       const a = 1;
    -       const b = 2;
    -       actions.output(a + b);
    ```

    ```mermaid
    flowchart TD
      n0(["start"])
      n1["changed#58; Hello<br/>say"]
      n2{{"Free#63;<br/>if"}}
      n3("then")
      n4[["Pay<br/>goTo"]]
      n5("else")
      n6["added#58; Sorry<br/>say"]
      n7(["end"])
      n8["removed#58; Check slot<br/>code"]
      n1 ==>|"added"| n2
      n5 ==>|"added"| n6
      n1 -.->|"removed"| n8
      n8 -.->|"removed"| n2
      n0 --> n1
      n2 --> n3
      n3 --> n4
      n2 --> n5
      n2 --> n7
      classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px
      class n1 changed
      classDef added fill:#dafbe1,stroke:#1a7f37,color:#1f2328,stroke-width:2px
      class n6 added
      linkStyle 0,1 stroke:#1a7f37,stroke-width:2px
      classDef removed fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:2px,stroke-dasharray:5 5
      class n8 removed
      linkStyle 2,3 stroke:#cf222e,stroke-width:2px
    ```

    </details>
    "#);
}

#[test]
fn the_json_is_as_promised() {
    let moved = [(&*format!("{CODE},"), ""), (ELSE, &*format!("{ELSE}{CODE}")), ("Wann möchten", "Wann wollen")];
    insta::assert_snapshot!(document(&[chart(&moved)], &[CHART.to_owned()]), @r#"
    {
      "environment": "production",
      "targetEnvironment": "env_prod",
      "commit": null,
      "summary": {
        "create": 0,
        "update": 1,
        "delete": 0,
        "unchanged": 0
      },
      "changes": [
        {
          "id": "flow_22222222000040008000000000000002",
          "name": "Booking",
          "path": "flows/flow_22222222000040008000000000000002.json",
          "action": "update",
          "cause": "commit",
          "version": null,
          "previousVersion": null,
          "contentHash": "f90a2bc41ca25dd01d10487c6e4e62696632a80506cf02b8f1735e32c21d3c83",
          "previousHash": "0a6cb77b705c4b981cea25c7b9b13b76e9292626eee95e6a1be7ee903a529736",
          "wave": 0,
          "diff": {
            "fields": [],
            "nodes": [
              {
                "id": "a1000000-0000-4000-8000-000000000000",
                "type": "say",
                "label": "Hello",
                "change": "changed",
                "place": {
                  "before": 1,
                  "after": 1
                },
                "values": [
                  {
                    "path": "/config/de-DE/say/text/0",
                    "before": "Wann möchten Sie kommen?",
                    "after": "Wann wollen Sie kommen?"
                  }
                ]
              },
              {
                "id": "a2000000-0000-4000-8000-000000000000",
                "type": "code",
                "label": "Check slot",
                "change": "moved",
                "place": {
                  "before": 2,
                  "after": 6
                },
                "within": {
                  "after": {
                    "node": "b3000000-0000-4000-8000-000000000000",
                    "part": "body"
                  }
                },
                "values": []
              }
            ],
            "edges": [],
            "references": [],
            "truncated": {
              "fields": 0,
              "nodes": 0,
              "edges": 0,
              "references": 0,
              "values": 0
            }
          }
        }
      ],
      "drifted": [],
      "unmanaged": [],
      "orphaned": [],
      "problems": [],
      "refused": null,
      "planDigest": "sha256:c21dce8d594b76fce761895a9b29829d94882d18e740c77b7bbcf6f7fd6bc24c"
    }
    "#);
}

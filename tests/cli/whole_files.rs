//! What commands print of files, as a whole: whoever changes a word of it sees what people will see.

use crate::shown::shown;
use crate::support::Place;

fn at_work(place: &Place, arguments: &[&str]) -> String {
    shown(place, &place.run_in_work(arguments))
}

/// A text that is no JSON beside a flow that is sound.
fn with_a_problem() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    place.write("flows/c.json", "{\"id\": \"flow_c\",}");
    place
}

/// A cycle and who needs it.
fn with_a_cycle() -> Place {
    Place::new(&[
        "a 1.0.0=Greeting >b intent:greet",
        "b 2.0.0=Booking >a",
        "c 1.0.0=\"Quoted\" >a variable:x@env_other",
    ])
}

#[test]
fn problems_in_every_form() {
    let place = with_a_problem();
    place.write("flows/b.json", "{\n  \"id\": \"flow_b\",\n  \"name\": \" \",\n  \"version\": 1\n}\n");
    insta::assert_snapshot!(at_work(&place, &["validate"]), @r#"
    exit 3
    error[missing-member]: expected a member `edges`, found an object without it
     --> flows/b.json:1:1
      |
    1 | {
      | ^
      |
      = help: add `edges`

    error[missing-member]: expected a member `nodes`, found an object without it
     --> flows/b.json:1:1
      |
    1 | {
      | ^
      |
      = help: add `nodes`

    warning[blank-name]: expected a name, found only white space
     --> flows/b.json:3:11
      |
    3 |   "name": " ",
      |           ^^^
      |
      = note: at `/name`
      = help: write what people call this flow

    error[wrong-type]: expected a string, found a number, `1`
     --> flows/b.json:4:14
      |
    4 |   "version": 1
      |              ^
      |
      = note: at `/version`
      = help: write a string

    error[trailing-comma]: expected another entry after `,`, found `}`
     --> flows/c.json:1:16
      |
    1 | {"id": "flow_c",}
      |                ^
      |
      = help: remove the comma

    3 files, 2 flows: 4 errors, 1 warnings
    stderr:
    `version-not-raised` was not judged for `production`: `deployments/production/manifest.json` is neither on branch `main` as last fetched nor in the work tree; where something was deployed, fetch that branch
    "#);
    std::fs::remove_file(place.work().join("flows/b.json")).unwrap();
    insta::assert_snapshot!(at_work(&place, &["validate", "--format", "json"]), @r#"
    exit 3
    {
      "errors": 1,
      "files": 2,
      "flows": 1,
      "leftOut": [],
      "notJudged": [
        {
          "environment": "production",
          "reason": "`deployments/production/manifest.json` is neither on branch `main` as last fetched nor in the work tree; where something was deployed, fetch that branch",
          "rule": "version-not-raised"
        }
      ],
      "overlays": 0,
      "problems": [
        {
          "column": 16,
          "file": "flows/c.json",
          "help": "remove the comma",
          "line": 1,
          "message": "expected another entry after `,`, found `}`",
          "pointer": "",
          "rule": "trailing-comma",
          "severity": "error"
        }
      ],
      "valid": false,
      "warnings": 0
    }
    stderr:
    `version-not-raised` was not judged for `production`: `deployments/production/manifest.json` is neither on branch `main` as last fetched nor in the work tree; where something was deployed, fetch that branch
    "#);
    insta::assert_snapshot!(at_work(&place, &["validate", "--format", "sarif"]), @r#"
    exit 3
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "runs": [
        {
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "level": "error",
              "locations": [
                {
                  "logicalLocations": [
                    {
                      "fullyQualifiedName": ""
                    }
                  ],
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "flows/c.json"
                    },
                    "region": {
                      "startColumn": 16,
                      "startLine": 1
                    }
                  }
                }
              ],
              "message": {
                "text": "expected another entry after `,`, found `}` (remove the comma)"
              },
              "ruleId": "trailing-comma"
            }
          ],
          "tool": {
            "driver": {
              "name": "flowsync",
              "rules": [
                {
                  "id": "trailing-comma"
                }
              ],
              "version": "0.1.0"
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    stderr:
    `version-not-raised` was not judged for `production`: `deployments/production/manifest.json` is neither on branch `main` as last fetched nor in the work tree; where something was deployed, fetch that branch
    "#);
    insta::assert_snapshot!(at_work(&place, &["validate", "--format", "github"]), @r#"
    exit 3
    ::error file=flows/c.json,line=1,col=16,title=trailing-comma::expected another entry after `,`, found `}` (remove the comma)
    stderr:
    `version-not-raised` was not judged for `production`: `deployments/production/manifest.json` is neither on branch `main` as last fetched nor in the work tree; where something was deployed, fetch that branch
    "#);
}

#[test]
fn a_graph_in_every_form() {
    let place = with_a_cycle();
    insta::assert_snapshot!(at_work(&place, &["graph"]), @r##"
    flowchart TD
      flow_a["Greeting"]
      flow_b["Booking"]
      flow_c["#34;Quoted#34;"]
      r3(["intent:greet"])
      r4(["variable:x"])
      flow_a --> flow_b
      flow_a -.-> r3
      flow_b --> flow_a
      flow_c --> flow_a
      flow_c -.-> r4
    "##);
    insta::assert_snapshot!(at_work(&place, &["graph", "--format", "dot"]), @r#"
    digraph flows {
      rankdir=LR;
      node [shape=box];
      "flow_a" [label="Greeting"];
      "flow_b" [label="Booking"];
      "flow_c" [label="\"Quoted\""];
      "flow_a" -> "flow_b";
      "flow_a" -> "intent:greet" [style=dotted];
      "flow_b" -> "flow_a";
      "flow_c" -> "flow_a";
      "flow_c" -> "variable:x" [style=dotted];
    }
    "#);
    insta::assert_snapshot!(at_work(&place, &["graph", "--format", "json"]), @r#"
    {
      "cycles": [
        [
          "flow_a",
          "flow_b"
        ]
      ],
      "flows": [
        {
          "id": "flow_a",
          "name": "Greeting",
          "needs": [
            "flow_b",
            "intent:greet"
          ],
          "version": "1.0.0",
          "wave": 0
        },
        {
          "id": "flow_b",
          "name": "Booking",
          "needs": [
            "flow_a"
          ],
          "version": "2.0.0",
          "wave": 0
        },
        {
          "id": "flow_c",
          "name": "\"Quoted\"",
          "needs": [
            "flow_a",
            "variable:x"
          ],
          "version": "1.0.0",
          "wave": 1
        }
      ]
    }
    "#);
}

//! The comment and the JSON.

use super::world::{FLOW, comment, document, flow};

#[test]
fn a_comment_has_it_all() {
    let help = flow(&[
        ("flow_pay", "flow_help"),
        ("Payment", "Help"),
        ("\"type\": \"intent\", \"id\": \"intent_pay\"", "\"type\": \"flow\", \"id\": \"flow_pay\""),
    ]);
    let pay = flow(&[("would you like", "do you want"), ("\"to\": \"done\"", "\"to\": \"ask\""), ("1.0.0", "1.1.0")]);
    insta::assert_snapshot!(comment(&[help, pay], &[FLOW.to_owned()]), @r#"
    <!-- flowsync plan: production -->

    ### flowsync plan: `production`

    **1 to create, 1 to update, 0 to delete, 0 unchanged** in `env_prod`, from the work tree

    Plan digest: `sha256:dd85d47cbc862853a0fcb87636ccf82c0ed3e18cf32643e68c4a4beb13567818`

    - **update** `flow_pay` `Payment` `1.0.0` → `1.1.0`, wave 0
    - **create** `flow_help` `Help` `1.0.0`, wave 1

    <details><summary>Who needs whom</summary>

    ```mermaid
    flowchart TD
      flow_help["create#58; Help"]
      flow_pay["update#58; Payment"]
      flow_help --> flow_pay
      classDef added fill:#dafbe1,stroke:#1a7f37,color:#1f2328,stroke-width:2px
      class flow_help added
      classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px
      class flow_pay changed
    ```

    </details>

    <details><summary><b>update</b> <code>flow_pay</code>: 1 field, 1 node, 1 edge</summary>

    ```diff
      nodes
    !   action "Ask amount" (ask)
    !     text[0]: "How much [-would-]{+do+} you [-like-]{+want+} to pay today?"
      edges
    !   wants -> "Ask amount" (was wants -> done)
    ```

    ```mermaid
    flowchart TD
      n0(["start<br/>start"])
      n1["changed#58; Ask amount<br/>action ask"]
      n2{{"wants<br/>intent"}}
      n3(["done<br/>end"])
      n2 ==>|"added"| n1
      n2 -.->|"removed"| n3
      n0 --> n1
      n1 -->|"input#46;amount #62; 0"| n2
      classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px
      class n1 changed
      linkStyle 0 stroke:#1a7f37,stroke-width:2px
      linkStyle 1 stroke:#cf222e,stroke-width:2px
    ```

    </details>

    <details><summary><b>create</b> <code>flow_help</code></summary>

    ```diff
      4 nodes (1 action, 1 end, 1 intent, 1 start), 3 edges
      needs flow_pay
    ```

    ```mermaid
    flowchart TD
      n0(["start<br/>start"])
      n1["Ask amount<br/>action ask"]
      n2{{"wants<br/>intent"}}
      n3(["done<br/>end"])
      n0 --> n1
      n1 -->|"input#46;amount #62; 0"| n2
      n2 --> n3
    ```

    </details>
    "#);
}

#[test]
fn the_json_is_as_promised() {
    insta::assert_snapshot!(document(&[flow(&[("1.0.0", "1.1.0"), ("0.7", "0.70000000000000000001"), ("\"to\": \"done\"", "\"to\": \"ask\"")])], &[FLOW.to_owned()]), @r#"
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
          "id": "flow_pay",
          "name": "Payment",
          "path": "flows/flow_pay.json",
          "action": "update",
          "cause": "commit",
          "version": "1.1.0",
          "previousVersion": "1.0.0",
          "contentHash": "e3b89e8c6bcccee2dab3a813dcb3c31ea6b073f4f8c0e06371f2b3793d1f38b3",
          "previousHash": "4a071a4f697a4df01cfe1d3cfc39062c7e3d317638f9f1992e5e4b294ddb205a",
          "wave": 0,
          "diff": {
            "fields": [
              {
                "path": "/version",
                "before": "1.0.0",
                "after": "1.1.0"
              }
            ],
            "nodes": [],
            "edges": [
              {
                "change": "retargeted",
                "from": "wants",
                "to": "ask",
                "condition": null,
                "before": {"condition": null, "from": "wants", "to": "done"},
                "place": {
                  "before": 2,
                  "after": 2
                }
              }
            ],
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
      "planDigest": "sha256:b90b1e4730a11ae865fc55b474d2b638c5a1dec27f3773357aea7c8f0db3cd6a"
    }
    "#);
}

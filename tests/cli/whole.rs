//! What commands print of an environment, as a whole: whoever changes a word of it sees what people will see.

use crate::shown::shown;
use crate::support::Place;

fn run(place: &Place, arguments: &[&str]) -> String {
    shown(place, &place.run(arguments))
}

/// Two deployments, and a third that the tenant refused.
fn with_a_past() -> Place {
    let place = Place::new(&["a 1.0.0", "b 1.0.0>a"]);
    assert_eq!(place.sync(), "0 deployed create a deployed, create b deployed");
    place.commit(&["a 1.1.0", "b 1.0.0>a"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    place
}

#[test]
fn where_an_environment_stands_and_stood() {
    let place = with_a_past();
    insta::assert_snapshot!(run(&place, &["status"]), @r#"production: deployed, deployment <deployment>, commit <10 hex>"#);
    insta::assert_snapshot!(run(&place, &["status", "--output", "json"]), @r#"
    {
      "environments": [
        {
          "alarms": [],
          "branchTip": "<40 hex>",
          "commit": "<40 hex>",
          "deploymentId": "<deployment>",
          "environment": "production",
          "failure": null,
          "flowsChangedSince": false,
          "generatedAt": "<time>",
          "held": null,
          "holder": null,
          "lastDeployed": {
            "commit": "<40 hex>",
            "deploymentId": "<deployment>"
          },
          "managedFlows": 2,
          "notRestored": [],
          "quarantine": null,
          "quarantined": null,
          "release": null,
          "status": "deployed",
          "unsent": null
        }
      ]
    }
    "#);
    insta::assert_snapshot!(run(&place, &["history"]), @r#"
    production
      <deployment>  deployed             sync      commit <10 hex>  +0 ~1 -0
      <deployment>  deployed             sync      commit <10 hex>  +2 ~0 -0
    "#);
    insta::assert_snapshot!(run(&place, &["history", "--output", "json"]), @r#"
    {
      "environments": [
        {
          "deployments": [
            {
              "commit": "<40 hex>",
              "create": 0,
              "delete": 0,
              "deploymentId": "<deployment>",
              "failure": null,
              "generatedAt": "<time>",
              "kind": "sync",
              "recordCommit": "<40 hex>",
              "release": null,
              "status": "deployed",
              "update": 1
            },
            {
              "commit": "<40 hex>",
              "create": 2,
              "delete": 0,
              "deploymentId": "<deployment>",
              "failure": null,
              "generatedAt": "<time>",
              "kind": "sync",
              "recordCommit": "<40 hex>",
              "release": null,
              "status": "deployed",
              "update": 0
            }
          ],
          "environment": "production"
        }
      ]
    }
    "#);
}

#[test]
fn the_audit_trail() {
    let place = with_a_past();
    insta::assert_snapshot!(run(&place, &["audit", "show"]), @r#"
    <time> <deployment>    1  begun kind=sync
    <time> <deployment>    2  intent call=import flow=flow_a version=1.0.0
    <time> <deployment>    3  outcome call=import flow=flow_a result=done
    <time> <deployment>    4  intent call=import flow=flow_b version=1.0.0
    <time> <deployment>    5  outcome call=import flow=flow_b result=done
    <time> <deployment>    6  verified
    <time> <deployment>    7  ended status=deployed
    <time> <deployment>    1  begun kind=sync
    <time> <deployment>    2  intent call=import flow=flow_a version=1.1.0
    <time> <deployment>    3  outcome call=import flow=flow_a result=done
    <time> <deployment>    4  verified
    <time> <deployment>    5  ended status=deployed
    "#);
    insta::assert_snapshot!(run(&place, &["audit", "verify"]), @r#"production: 12 records, every seal and link holds"#);
    insta::assert_snapshot!(run(&place, &["audit", "verify", "--output", "json"]), @r#"
    {
      "environments": [
        {
          "environment": "production",
          "faults": [],
          "records": 12,
          "unsealed": 0,
          "valid": true
        }
      ]
    }
    "#);
}

#[test]
fn what_a_suspension_says() {
    let place = with_a_past();
    insta::assert_snapshot!(run(&place, &["suspend", "--env", "production", "--reason", "migration"]), @r#"production: suspended since <time> by flowsync until `flowsync resume`: migration, commit <10 hex>"#);
    insta::assert_snapshot!(run(&place, &["suspend", "--env", "production", "--reason", "migration"]), @r#"production: already suspended since <time> by flowsync until `flowsync resume`: migration"#);
    insta::assert_snapshot!(run(&place, &["sync"]), @r#"
    production: suspended, commit <10 hex>
      suspended since <time> by flowsync until `flowsync resume`: migration
    "#);
    insta::assert_snapshot!(run(&place, &["status"]), @r#"
    production: deployed, deployment <deployment>, commit <10 hex>
      suspended since <time> by flowsync until `flowsync resume`: migration
    "#);
    insta::assert_snapshot!(run(&place, &["resume", "--env", "production", "--output", "json"]), @r#"
    {
      "environment": "production",
      "held": null,
      "recordCommit": "<40 hex>",
      "result": "resumed"
    }
    "#);
    insta::assert_snapshot!(run(&place, &["sync"]), @r#"production: in-sync, commit <10 hex>"#);
}

#[test]
fn what_a_doctor_finds() {
    let place = with_a_past();
    insta::assert_snapshot!(run(&place, &["doctor"]), @r#"
    ok   configuration: DIR/flowsync.yaml holds
    ok   state directory: `DIR/state/flowsync` can be written to and has room
    ok   cache directory: `DIR/cache/flowsync` can be written to and has room
    ok   production: git: branch `main` at <10 hex>, 2 flows
    ok   production: git, push: allowed: the reference `refs/flowsync/doctor/<16 hex>` was made and removed again
    ok   production: tenant, flows:read: 2 live flows
    ok   production: tenant, environments:read: 0 intents
    ok   production: lock: no other process holds this environment
    "#);
    place.edit_configuration("environmentId: env_prod", "environmentId: env_none");
    insta::assert_snapshot!(run(&place, &["doctor"]), @r#"
    exit 1
    ok   configuration: DIR/flowsync.yaml holds
    ok   state directory: `DIR/state/flowsync` can be written to and has room
    ok   cache directory: `DIR/cache/flowsync` can be written to and has room
    FAIL production: git: the manifest `deployments/production/manifest.json` at <40 hex> is not this environment's: `targetEnvironment` is `env_prod` in the records and `env_none` here; nothing was written. Correct the configuration, or restore the manifest from its git history; if these records are meant, pass --adopt-records once
    ok   production: git, push: allowed: the reference `refs/flowsync/doctor/<16 hex>` was made and removed again
    FAIL production: tenant, flows:read: export of `env_none`: the tenant refused it (404): environment_not_found: there is no environment `env_none`
    FAIL production: tenant, environments:read: intents of `env_none`: the tenant refused it (404): environment_not_found: there is no environment `env_none`
    ok   production: lock: no other process holds this environment
    "#);
}

#[test]
fn a_refusal() {
    let place = with_a_past();
    place.commit(&["a 1.2.0>missing", "b 1.0.0>a"]);
    insta::assert_snapshot!(run(&place, &["plan"]), @r#"
    exit 3
    production (env_prod)
      ~ flow_a "Flow a" 1.1.0 -> 1.2.0 (commit, wave 0)
        nodes
          ~ end end
            ~ version: "1.1.0" -> "1.2.0"
        references
          + flow flow_missing in env_prod
    0 to create, 1 to update, 0 to delete, 1 unchanged
    stderr:
    production: planning `main` of the configured repository `DIR/origin.git`, because this is no git work tree
    flows/a.json:10:5: error[missing-reference] expected flow `flow_missing` in environment `env_prod`, found none (add the flow to git, or remove the reference)
    production: refused: 1 problem(s) in what the flows refer to or replace; nothing was written
    "#);
    insta::assert_snapshot!(run(&place, &["sync"]), @r#"
    exit 3
    production: refused, commit <10 hex>
    stderr:
    flows/a.json:10:5: error[missing-reference] expected flow `flow_missing` in environment `env_prod`, found none (add the flow to git, or remove the reference)
    production: refused: 1 problem(s) in what the flows refer to or replace; nothing was written
    "#);
    insta::assert_snapshot!(run(&place, &["sync", "--output", "json"]), @r#"
    exit 3
    {
      "environments": [
        {
          "alarms": [],
          "commit": "<40 hex>",
          "deploymentId": null,
          "environment": "production",
          "error": "1 problem(s) in what the flows refer to or replace; nothing was written",
          "flows": [],
          "problems": [
            {
              "column": 5,
              "file": "flows/a.json",
              "help": "add the flow to git, or remove the reference",
              "line": 10,
              "message": "expected flow `flow_missing` in environment `env_prod`, found none",
              "pointer": "/externalReferences/0",
              "rule": "missing-reference",
              "severity": "error"
            }
          ],
          "recordCommit": null,
          "result": "refused"
        }
      ]
    }
    stderr:
    flows/a.json:10:5: error[missing-reference] expected flow `flow_missing` in environment `env_prod`, found none (add the flow to git, or remove the reference)
    production: refused: 1 problem(s) in what the flows refer to or replace; nothing was written
    "#);
}

#[test]
fn a_deployment_and_one_that_is_taken_back() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0>a"]);
    insta::assert_snapshot!(run(&place, &["sync"]), @r#"
    production: deployed, deployment <deployment>, commit <10 hex>
      create flow_a deployed
      create flow_b deployed
    stderr:
    production: deploy (2 flows)
    production: verify (2 flows)
    "#);
    place.commit(&["a 1.1.0", "b 1.1.0>a"]);
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: { refuse: { message: bad luck } } }");
    insta::assert_snapshot!(run(&place, &["sync"]), @r#"
    exit 4
    production: rolled-back, deployment <deployment>, commit <10 hex>
      update flow_a rolled back
      update flow_b failed: import of `flow_b` in `env_prod`: the tenant refused it (400): validation_failed: bad luck
    stderr:
    production: deploy (2 flows)
    production: failed flow_b
    <time> WARN production: the deployment failed; what was written is taken back reason="import of `flow_b` in `env_prod`: the tenant refused it (400): validation_failed: bad luck"
    production: restore (2 flows)
    production: rolled-back: import of `flow_b` in `env_prod`: the tenant refused it (400): validation_failed: bad luck
    "#);
    insta::assert_snapshot!(run(&place, &["history"]), @r#"
    production
      <deployment>  rolled-back          sync      commit <10 hex>  +0 ~2 -0  import of `flow_b` in `env_prod`: the tenant refused it (400): validation_failed: bad luck
      <deployment>  deployed             sync      commit <10 hex>  +2 ~0 -0
    "#);
}

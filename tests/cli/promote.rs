//! `promote`: what is deployed to one environment, proposed for another.

use serde_json::Value;

use crate::forge_server::{ForgeServer, KINDS, TOKEN};
use crate::http_server::Rules;
use crate::support::{Place, flow, git, word};
use crate::unwritten::run_full;

const BRANCH: &str = "flowsync/promote/staging-to-production";

/// Two environments with folders of their own on one branch; staging holds these flows and has deployed them.
fn place(staging: &[&str], production: &[&str]) -> Place {
    let place = Place::new(&[]);
    let environments: String = [("production", "env_prod"), ("staging", "env_staging")]
        .map(|(name, id)| place.environment_yaml(name, id, "drift: report") + &format!("    flows: flows/{name}\n"))
        .concat();
    place.configure(&place.repository_yaml(""), &environments);
    place.update_work();
    write(&place, "staging", staging);
    write(&place, "production", production);
    place.push("flows");
    place.run(&["sync"]).exits(0);
    place.update_work();
    place
}

fn write(place: &Place, environment: &str, flows: &[&str]) {
    for line in flows {
        let (path, line) = line.split_once(": ").unwrap();
        place.write(&format!("flows/{environment}/{path}.json"), &format!("{:#}\n", flow(line)));
    }
}

fn proposed(place: &Place) -> String {
    git(&place.origin(), &["diff", "--name-status", &format!("main...{BRANCH}")])
}

fn promote(place: &Place, more: &[&str]) -> crate::support::Ended {
    place.run(&[&["promote", "--from", "staging", "--to", "production"], more].concat())
}

#[test]
fn what_is_deployed_is_proposed_with_the_other_environment_in_its_references() {
    let place = place(
        &["deep/a: a 2.0.0 > b@env_staging", "b: b 1.0.0", "same: same 1.0.0"],
        &["moved: b 0.9.0", "same: same 1.0.0", "only: only 1.0.0"],
    );
    promote(&place, &[]).exits(0).prints(&[BRANCH, "flow_a", "flow_b"]);
    assert_eq!(proposed(&place), "A\tflows/production/deep/a.json\nM\tflows/production/moved.json");
    let text = git(&place.origin(), &["show", &format!("{BRANCH}:flows/production/deep/a.json")]);
    let a: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(word(&a["externalReferences"][0]["environmentId"]), "env_prod");
    let again = promote(&place, &["--output", "json"]).exits(0).json();
    assert_eq!(word(&again["result"]), "held");
    // Merged, it is deployed as ever.
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["merge", "-q", "-m", "promoted", &format!("origin/{BRANCH}")]);
    place.push("merged");
    place.run(&["sync", "--env", "production"]).exits(0).prints(&["deployed"]);
    promote(&place, &[]).exits(0).prints(&["nothing to propose"]);
}

#[test]
fn what_is_not_live_as_it_was_deployed_is_named_and_left_out() {
    let place = place(&["a: a 2.0.0", "b: b 2.0.0"], &["a: a 1.0.0", "b: b 1.0.0"]);
    // Committed and not deployed yet: what was deployed counts.
    write(&place, "staging", &["a: a 3.0.0"]);
    place.push("newer");
    promote(&place, &["--flow", "flow_a"]).exits(0);
    assert_eq!(proposed(&place), "M\tflows/production/a.json");
    assert!(git(&place.origin(), &["show", &format!("{BRANCH}:flows/production/a.json")]).contains("2.0.0"));
    promote(&place, &["--flow", "flow_nobody"]).exits(1).says(&["flow_nobody"]);
    place.tenant.put_in("env_staging", &["b 9.0.0", "c 1.0.0"]);
    let ended = promote(&place, &[]).exits(0).says(&["left out: flow_b", "left out: flow_c"]);
    assert!(ended.stdout.contains("nothing new"), "{ended:?}");
}

#[test]
fn one_folder_on_one_branch_and_a_tracked_branch_are_refused() {
    let place = place(&["a: a 2.0.0"], &["a: a 1.0.0"]);
    promote(&place, &["--branch", "main"]).exits(3);
    place.run(&["promote", "--from", "staging", "--to", "staging"]).exits(64);
    promote(&place, &["--pull-request"]).exits(1).says(&["forge"]);
    let branches = git(&place.origin(), &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, "main");
}

#[test]
fn an_offer_that_cannot_be_printed_is_made_and_no_success() {
    let place = place(&["a: a 2.0.0"], &["a: a 1.0.0"]);
    run_full(&place, &["promote", "--from", "staging", "--to", "production"]).exits(1).says(&["No space left"]);
    assert_eq!(proposed(&place), "M\tflows/production/a.json");
}

#[test]
fn it_is_proposed_over_http_as_well() {
    let place = place(&["a: a 2.0.0"], &["a: a 1.0.0"]);
    let _server = place.serve(Rules::default());
    promote(&place, &[]).exits(0).prints(&[BRANCH, "flow_a"]);
    assert_eq!(proposed(&place), "M\tflows/production/a.json");
    let again = promote(&place, &["--output", "json"]).exits(0).json();
    assert_eq!(word(&again["result"]), "held");
}

#[test]
fn an_overlay_of_the_one_environment_is_not_carried_to_the_other() {
    let place =
        place(&["a: a 2.0.0 > b@${environment}", "b: b 1.0.0"], &["a: a 1.0.0 > b@${environment}", "b: b 1.0.0"]);
    for environment in ["staging", "production"] {
        let text = format!(r#"{{ "description": "in {environment}" }}"#);
        place.write(&format!("overlays/{environment}/flow_a.json"), &text);
    }
    place.push("overlays");
    place.run(&["sync"]).exits(0);
    promote(&place, &[]).exits(0).prints(&["flow_a"]);
    assert_eq!(proposed(&place), "M\tflows/production/a.json");
    let text = git(&place.origin(), &["show", &format!("{BRANCH}:flows/production/a.json")]);
    assert!(text.contains("${environment}") && text.contains("2.0.0") && !text.contains("description"), "{text}");
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["reset", "-q", "--hard", "origin/main"]);
    git(&place.work(), &["merge", "-q", "-m", "promoted", &format!("origin/{BRANCH}")]);
    place.push("merged");
    place.run(&["sync", "--env", "production"]).exits(0).prints(&["deployed"]);
    let live = place.tenant.flow("a");
    assert_eq!((word(&live["description"]), word(&live["version"])), ("in production", "2.0.0"));
}

#[test]
fn a_pull_request_names_both_environments_and_every_flow() {
    for kind in KINDS {
        let mut place = place(&["a: a 2.0.0", "b: b 2.0.0"], &["a: a 1.0.0"]);
        let forge = ForgeServer::start(kind);
        place.set("FORGE_TOKEN", TOKEN);
        let line = format!("  forge: {}\n", forge.yaml("{ env: FORGE_TOKEN }"));
        place.edit_configuration("  branch: main\n", &format!("  branch: main\n{line}"));
        for _ in 0..2 {
            promote(&place, &["--pull-request"]).exits(0).prints(&["pull request: http"]);
            let pulls = forge.pulls();
            assert_eq!((pulls.len(), pulls[0].head.as_str(), pulls[0].base.as_str()), (1, BRANCH, "main"));
            for name in ["staging", "production", "flow_a", "flow_b"] {
                assert!(pulls[0].title.contains(name) && pulls[0].body.contains(name), "{name}: {pulls:?}");
            }
        }
    }
}

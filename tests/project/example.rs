//! The example is a repository that deploys: no problem in it, nothing missing, one cycle.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use flowsync::config::Config;
use flowsync::flow::{Checked, Comparison, EnvironmentId, File, FlowId, ReferenceKind, check_all};
use flowsync::plan::graph::{Needs, Order, needed_flows};
use flowsync::tenant::sandbox::Seed;

use super::sources::{files, read, root};

const EXAMPLE: &str = "examples/flows-repo";

fn checked(folder: &str) -> Checked {
    let paths = files(&format!("{EXAMPLE}/{folder}"), &[".json"]);
    let texts: Vec<(String, Arc<[u8]>)> =
        paths.into_iter().map(|path| (path.clone(), Arc::from(read(&path).into_bytes()))).collect();
    check_all(texts.iter().map(|(path, bytes)| File { path, bytes: bytes.clone() }), &Comparison::default())
}

/// Folder, environment and number of flows, as its own README states them.
const FOLDERS: [(&str, &str, usize); 2] = [("flows/production", "env_prod", 19), ("flows/staging", "env_staging", 12)];

#[test]
fn its_flows_have_no_problem() {
    for (folder, _, n_flows) in FOLDERS {
        let checked = checked(folder);
        assert_eq!(checked.problems, [], "{folder}");
        assert_eq!(checked.flows.len(), n_flows, "{folder}");
    }
}

#[test]
fn it_has_one_cycle() {
    for (folder, environment, _) in FOLDERS {
        let target = EnvironmentId(environment.to_owned());
        let needs: Needs = checked(folder)
            .flows
            .into_iter()
            .map(|(id, flow)| (id, needed_flows(&flow.definition, &target).collect()))
            .collect();
        let order = Order::of(&needs);
        let cycles: Vec<Vec<FlowId>> = order.members.into_iter().filter(|members| members.len() > 1).collect();
        let expected: Vec<FlowId> = ["flow_fallback", "flow_mainMenu"].map(|id| id.parse().unwrap()).into();
        assert_eq!(cycles, [expected], "{folder}");
    }
}

#[test]
fn whatever_it_refers_to_is_in_git_or_in_the_seed() {
    let seed = Seed::read(&root().join(EXAMPLE).join("seed.yaml")).unwrap();
    for (folder, environment, _) in FOLDERS {
        let flows = checked(folder).flows;
        let held = &seed.environments[environment];
        assert!(held.flows.is_empty(), "flows come from git");
        for (id, flow) in &flows {
            for reference in &flow.definition.references {
                assert_eq!(reference.environment.to_string(), environment, "{id}");
                let there = match reference.kind {
                    ReferenceKind::Flow => reference.id.parse().is_ok_and(|id: FlowId| flows.contains_key(&id)),
                    ReferenceKind::Intent => held.intents.contains_key(&reference.id),
                    ReferenceKind::Entity => held.entities.contains_key(&reference.id),
                    ReferenceKind::Variable => held.variables.contains_key(&reference.id),
                };
                assert!(there, "{id} refers to {reference}, which is nowhere in {environment}");
            }
        }
    }
}

#[test]
fn its_configuration_holds() {
    let config = Config::load(&root().join(EXAMPLE).join("flowsync.yaml")).unwrap();
    assert!(config.broken.is_empty(), "{:?}", config.broken);
    let found: BTreeSet<(&str, String)> = config
        .environments
        .values()
        .map(|environment| (environment.repository.flows.as_str(), environment.tenant.environment_id.to_string()))
        .collect();
    assert_eq!(found, FOLDERS.map(|(folder, environment, _)| (folder, environment.to_owned())).into());
    assert!(Path::new(&config.path).ends_with("flowsync.yaml"));
}

//! The state file: what survives a restart.

use std::path::Path;

use flowsync::flow::ReferenceKind;
use flowsync::tenant::sandbox::{Sandbox, Seed, SeedEnvironment, Settings, StartError};
use serde_json::json;

use crate::support::{Tenant, flow, flow_needing};

fn kept_in(path: &Path) -> Settings {
    let intents = [("hello".to_owned(), "Hello".to_owned())].into();
    let production = SeedEnvironment { intents, ..SeedEnvironment::default() };
    let seed = Seed { environments: [("env_prod".to_owned(), production)].into() };
    Settings { state_file: Some(path.to_owned()), seed, ..Settings::default() }
}

#[tokio::test]
async fn everything_but_tokens_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tenant = Tenant::with(kept_in(&path)).await;
    tenant.import(&flow_needing("flow_a", "1.0.0", &["intent:hello"])).await;
    tenant.import(&flow("flow_a", "1.1.0")).await;
    tenant.import(&flow("flow_b", "1.0.0")).await;
    tenant.delete("/flows/flow_b?environmentId=env_prod").await;
    tenant.running.state().remove("env_prod", ReferenceKind::Intent, "hello");
    tenant.control(reqwest::Method::PUT, "/intents/env_prod/bye", "").await;
    let before = tenant.running.state().flows("env_prod");
    tenant.running.shutdown().await;

    let tenant = Tenant::with(kept_in(&path)).await;
    assert_eq!(tenant.running.state().flows("env_prod"), before);
    assert_eq!(tenant.running.state().history("env_prod", "flow_a"), ["1.0.0"]);
    assert_eq!(tenant.status("flow_a").await.json(), json!({ "status": "deployed" }));
    assert_eq!(tenant.get("/intents").await.ids(), ["bye"], "the seed is for the first start only");
    assert_eq!(tenant.rollback("flow_a", "1.0.0").await.status, 200);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "no temporary file stays behind");
}

#[tokio::test]
async fn concurrent_imports_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tenant = Tenant::with(kept_in(&path)).await;
    let flows: Vec<_> = (0..40).map(|number| flow(&format!("flow_{number}"), "1.0.0")).collect();
    let imports = futures_util::future::join_all(flows.iter().map(|flow| tenant.import(flow))).await;
    assert!(imports.iter().all(|import| import.status == 201));
    tenant.running.shutdown().await;
    assert_eq!(Tenant::with(kept_in(&path)).await.running.state().flows("env_prod").len(), 40);
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    for content in ["not json", r#"{"format":"other","environments":{}}"#] {
        std::fs::write(&path, content).unwrap();
        let started = Sandbox::start(kept_in(&path), "127.0.0.1:0".parse().unwrap()).await;
        assert!(matches!(started, Err(StartError::StateFile(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

//! The vendor's own client, unchanged, against the stand-in for its API.

use std::path::PathBuf;
use std::time::Duration;

use flowsync::tenant::sandbox::cognigy_rest::rules::MoveRoute;

use super::support::{Cognigy, PROJECT};

/// Where `tests/conformance/install` puts the client; `None`, with a message, where it was not run.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn script() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/conformance");
    if !folder.join("installed").exists() {
        eprintln!("skipped: run tests/conformance/install first (it needs node and npm)");
        return None;
    }
    std::fs::copy(root.join("tests/conformance/calls.mjs"), folder.join("calls.mjs")).unwrap();
    Some(folder.join("calls.mjs"))
}

#[tokio::test]
async fn the_vendors_client_finds_what_it_knows() {
    let Some(script) = script() else { return };
    let cognigy = Cognigy::with(|behaviour| {
        // It sends bodies with some GETs, moves by POST, and takes a chart for current.
        behaviour.get_bodies = true;
        behaviour.move_route = MoveRoute::Post;
        behaviour.stale_charts = false;
        behaviour.descriptors = true;
        behaviour.task_time = Duration::from_millis(30);
    })
    .await;
    cognigy.post("/flows", &serde_json::json!({ "projectId": PROJECT, "name": "Extra" })).await;
    let mut node = tokio::process::Command::new("node");
    node.arg(script).env("BASE_URL", cognigy.running.base_url()).env("PROJECT", PROJECT);
    let output = node.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (n_calls, problems) = text.split_once('\n').unwrap_or_else(|| {
        panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
    });
    assert_eq!(problems.trim(), "[]", "{}", problems.replace("\",\"", "\n"));
    assert!(n_calls.parse::<u32>().unwrap() >= 60, "{n_calls} calls");
}

//! What a running controller counts, as Prometheus reads it.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::listening::Listening;
use crate::support::{Place, until};

#[test]
fn a_deployment_is_counted() {
    let place = Place::with("interval: 1h", &["a 1.0.0", "b 1.0.0 > a"]);
    let controller = Listening::start(&place);
    until("it is ready", || controller.get("/readyz").0.starts_with("HTTP/1.1 200"));
    let holds = |text: &str, line: &str| text.lines().any(|it| it == line);
    let deployed = r#"flowsync_passes_total{environment="production",result="deployed"} 1"#;
    until("it is counted", || holds(&controller.get("/metrics").1, deployed));
    let (head, text) = controller.get("/metrics");
    assert!(head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
    let expected = [
        r#"flowsync_changes_total{action="create",environment="production",outcome="deployed"} 2"#,
        r#"flowsync_tenant_requests_total{call="import",environment="production",status="201"} 2"#,
        r#"flowsync_tenant_concurrency_limit{environment="production"} 8"#,
        r#"flowsync_managed_flows{environment="production"} 2"#,
        r#"flowsync_drifted_flows{environment="production"} 0"#,
        r#"flowsync_git_operations_total{operation="push",outcome="failed"} 0"#,
        r#"flowsync_notifications_total{kind="slack",outcome="failed"} 0"#,
        &format!("flowsync_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ];
    expected.into_iter().for_each(|line| assert!(holds(&text, line), "expected `{line}` in\n{text}"));
    check_with_promtool(&text);
    controller.stop();
}

#[test]
fn drift_that_is_only_reported_is_counted_and_what_a_request_says_is_no_label() {
    let place = Place::with("interval: 1h\ndrift: report", &["a 1.0.0", "b 1.0.0"]);
    place.command(&["sync"]).output().unwrap();
    place.tenant.put(&["a 7.0.0"]);
    let controller = Listening::start(&place);
    until("it is counted", || {
        let (_, text) = controller.get("/metrics?environment=canary");
        text.lines().any(|line| line == r#"flowsync_drifted_flows{environment="production"} 1"#)
    });
    controller.get("/canary");
    let (_, text) = controller.get("/metrics");
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains(r#"flowsync_managed_flows{environment="production"} 2"#), "{text}");
    controller.stop();
}

/// Where it is installed, it has nothing to say of a good text.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn check_with_promtool(text: &str) {
    let spawned =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut promtool) = spawned else {
        eprintln!("skipped: no `promtool` here");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

use std::sync::Arc;
use std::time::Duration;

use super::Meter;
use crate::controller::run::{Event, Events, Unusable};
use crate::controller::{EnvironmentReport, FlowCounts, FlowReport, Outcome, SyncResult};
use crate::plan::Action;
use crate::source::{GitOperation, GitOutcome};
use crate::tenant::Call;

fn added(environment: &str) -> Event {
    Event::Added { environment: environment.into() }
}

fn ended(result: SyncResult, change: impl FnOnce(&mut EnvironmentReport)) -> Event {
    let mut report = EnvironmentReport::new("production", result);
    change(&mut report);
    Event::PassEnded {
        environment: "production".into(),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        took: Duration::from_millis(1_500),
        report: Arc::new(report),
    }
}

fn flow(id: &str, action: Action, outcome: Outcome) -> FlowReport {
    FlowReport { id: id.parse().unwrap(), action, outcome, error: None }
}

fn meter(events: &[Event]) -> Meter {
    let meter = Meter::new("1.2.3").unwrap();
    events.iter().for_each(|event| meter.hear(event));
    meter
}

/// The lines of one family without the comments.
fn lines(meter: &Meter, family: &str) -> Vec<String> {
    let text = meter.text().unwrap();
    text.lines().filter(|line| line.starts_with(family)).map(str::to_owned).collect()
}

/// What happens in the life of one environment.
fn story() -> Vec<Event> {
    let deployed = ended(SyncResult::Deployed, |report| {
        report.deployment_id = Some("d1".into());
        report.counts = Some(FlowCounts { managed: 7, drifted: 2 });
        report.flows =
            vec![flow("flow_a", Action::Create, Outcome::Deployed), flow("flow_b", Action::Create, Outcome::Deployed)];
    });
    let refused = ended(SyncResult::Refused, |report| {
        report.flows = vec![flow("flow_a", Action::Update, Outcome::NotAttempted)];
        report.alarms = vec!["one".into(), "two".into()];
    });
    let asked = |call, status| Event::TenantRequest { environment: "production".into(), call, status };
    vec![
        added("production"),
        Event::GitOperation { operation: GitOperation::Fetch, outcome: GitOutcome::Done },
        Event::ConcurrencyLimit { environment: "production".into(), limit: 4 },
        asked(Call::Export, Some(200)),
        asked(Call::Export, None),
        deployed,
        refused,
    ]
}

#[test]
fn the_whole_text_after_a_deployment_and_a_refusal() {
    insta::assert_snapshot!(meter(&story()).text().unwrap(), @r##"
    # HELP flowsync_alarms Alarms of the last pass, and one more while the configuration file is broken.
    # TYPE flowsync_alarms gauge
    flowsync_alarms{environment="production"} 2
    # HELP flowsync_build_info Always 1, with the version of this process.
    # TYPE flowsync_build_info gauge
    flowsync_build_info{version="1.2.3"} 1
    # HELP flowsync_changes_total Flows of deployments by what was to be done with them and what came of it.
    # TYPE flowsync_changes_total counter
    flowsync_changes_total{action="create",environment="production",outcome="deployed"} 2
    flowsync_changes_total{action="create",environment="production",outcome="failed"} 0
    flowsync_changes_total{action="create",environment="production",outcome="not-attempted"} 0
    flowsync_changes_total{action="create",environment="production",outcome="not-restored"} 0
    flowsync_changes_total{action="create",environment="production",outcome="rolled-back"} 0
    flowsync_changes_total{action="delete",environment="production",outcome="deployed"} 0
    flowsync_changes_total{action="delete",environment="production",outcome="failed"} 0
    flowsync_changes_total{action="delete",environment="production",outcome="not-attempted"} 0
    flowsync_changes_total{action="delete",environment="production",outcome="not-restored"} 0
    flowsync_changes_total{action="delete",environment="production",outcome="rolled-back"} 0
    flowsync_changes_total{action="update",environment="production",outcome="deployed"} 0
    flowsync_changes_total{action="update",environment="production",outcome="failed"} 0
    flowsync_changes_total{action="update",environment="production",outcome="not-attempted"} 0
    flowsync_changes_total{action="update",environment="production",outcome="not-restored"} 0
    flowsync_changes_total{action="update",environment="production",outcome="rolled-back"} 0
    # HELP flowsync_drifted_flows Managed flows that were changed behind git's back, and are live so.
    # TYPE flowsync_drifted_flows gauge
    flowsync_drifted_flows{environment="production"} 2
    # HELP flowsync_git_operations_total Fetches, pushes of records and of proposals by what came of them; what is lost to another push is made again.
    # TYPE flowsync_git_operations_total counter
    flowsync_git_operations_total{operation="fetch",outcome="done"} 1
    flowsync_git_operations_total{operation="fetch",outcome="failed"} 0
    flowsync_git_operations_total{operation="propose",outcome="declined"} 0
    flowsync_git_operations_total{operation="propose",outcome="done"} 0
    flowsync_git_operations_total{operation="propose",outcome="failed"} 0
    flowsync_git_operations_total{operation="propose",outcome="lost"} 0
    flowsync_git_operations_total{operation="push",outcome="declined"} 0
    flowsync_git_operations_total{operation="push",outcome="done"} 0
    flowsync_git_operations_total{operation="push",outcome="failed"} 0
    flowsync_git_operations_total{operation="push",outcome="lost"} 0
    # HELP flowsync_last_success_timestamp_seconds When the last pass ended that did what it was to do: in-sync, deployed, drifted or suspended; 0 before the first since the start.
    # TYPE flowsync_last_success_timestamp_seconds gauge
    flowsync_last_success_timestamp_seconds{environment="production"} 1767323045
    # HELP flowsync_managed_flows Flows that git holds for the environment, as the last pass that looked found them.
    # TYPE flowsync_managed_flows gauge
    flowsync_managed_flows{environment="production"} 7
    # HELP flowsync_notifications_total Notifications by what came of them.
    # TYPE flowsync_notifications_total counter
    flowsync_notifications_total{kind="github-status",outcome="dropped"} 0
    flowsync_notifications_total{kind="github-status",outcome="failed"} 0
    flowsync_notifications_total{kind="github-status",outcome="sent"} 0
    flowsync_notifications_total{kind="gitlab-status",outcome="dropped"} 0
    flowsync_notifications_total{kind="gitlab-status",outcome="failed"} 0
    flowsync_notifications_total{kind="gitlab-status",outcome="sent"} 0
    flowsync_notifications_total{kind="slack",outcome="dropped"} 0
    flowsync_notifications_total{kind="slack",outcome="failed"} 0
    flowsync_notifications_total{kind="slack",outcome="sent"} 0
    flowsync_notifications_total{kind="teams",outcome="dropped"} 0
    flowsync_notifications_total{kind="teams",outcome="failed"} 0
    flowsync_notifications_total{kind="teams",outcome="sent"} 0
    flowsync_notifications_total{kind="webhook",outcome="dropped"} 0
    flowsync_notifications_total{kind="webhook",outcome="failed"} 0
    flowsync_notifications_total{kind="webhook",outcome="sent"} 0
    # HELP flowsync_pass_duration_seconds How long passes took.
    # TYPE flowsync_pass_duration_seconds histogram
    flowsync_pass_duration_seconds_bucket{environment="production",le="0.05"} 0
    flowsync_pass_duration_seconds_bucket{environment="production",le="0.1"} 0
    flowsync_pass_duration_seconds_bucket{environment="production",le="0.25"} 0
    flowsync_pass_duration_seconds_bucket{environment="production",le="0.5"} 0
    flowsync_pass_duration_seconds_bucket{environment="production",le="1"} 0
    flowsync_pass_duration_seconds_bucket{environment="production",le="2.5"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="5"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="10"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="30"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="60"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="300"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="600"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="1800"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="3600"} 2
    flowsync_pass_duration_seconds_bucket{environment="production",le="+Inf"} 2
    flowsync_pass_duration_seconds_sum{environment="production"} 3
    flowsync_pass_duration_seconds_count{environment="production"} 2
    # HELP flowsync_passes_total Passes by how they ended.
    # TYPE flowsync_passes_total counter
    flowsync_passes_total{environment="production",result="busy"} 0
    flowsync_passes_total{environment="production",result="deployed"} 1
    flowsync_passes_total{environment="production",result="drifted"} 0
    flowsync_passes_total{environment="production",result="error"} 0
    flowsync_passes_total{environment="production",result="in-sync"} 0
    flowsync_passes_total{environment="production",result="refused"} 1
    flowsync_passes_total{environment="production",result="rollback-incomplete"} 0
    flowsync_passes_total{environment="production",result="rolled-back"} 0
    flowsync_passes_total{environment="production",result="suspended"} 0
    # HELP flowsync_suspended 1 while a person has suspended the environment, else 0.
    # TYPE flowsync_suspended gauge
    flowsync_suspended{environment="production"} 0
    # HELP flowsync_tenant_concurrency_limit How many requests at once the throttle lets go to the tenant now.
    # TYPE flowsync_tenant_concurrency_limit gauge
    flowsync_tenant_concurrency_limit{environment="production"} 4
    # HELP flowsync_tenant_requests_total Requests to the tenant by what they were for and the code of the answer; error where there was none.
    # TYPE flowsync_tenant_requests_total counter
    flowsync_tenant_requests_total{call="export",environment="production",status="200"} 1
    flowsync_tenant_requests_total{call="export",environment="production",status="error"} 1
    "##);
}

#[test]
fn every_count_of_an_environment_begins_at_0() {
    let meter = meter(&[added("production")]);
    let passes = lines(&meter, "flowsync_passes_total{");
    assert!(passes.contains(&r#"flowsync_passes_total{environment="production",result="rolled-back"} 0"#.to_owned()));
    assert!(passes.iter().all(|line| line.ends_with(" 0")), "{passes:?}");
    assert_eq!(lines(&meter, "flowsync_changes_total{").len(), 15);
}

#[test]
fn an_environment_that_is_gone_leaves_nothing_behind_and_another_stays() {
    let mut events = story();
    events.push(added("staging"));
    events.push(Event::Gone { environment: "production".into() });
    let text = meter(&events).text().unwrap();
    assert!(!text.contains("production"), "{text}");
    assert!(text.contains(r#"flowsync_alarms{environment="staging"} 0"#), "{text}");
    let begun = meter(&[added("staging")]).text().unwrap();
    // git has no environment.
    let of_environments =
        |text: String| text.lines().filter(|line| !line.contains("_git_")).collect::<Vec<_>>().join("\n");
    assert_eq!(of_environments(text), of_environments(begun));
}

#[test]
fn a_pass_that_fails_is_no_success_and_one_that_leaves_things_as_they_should_be_is() {
    let success =
        |result| lines(&meter(&[added("production"), ended(result, |_| {})]), "flowsync_last_success")[0].clone();
    for result in [SyncResult::InSync, SyncResult::Deployed, SyncResult::Drifted, SyncResult::Suspended] {
        assert!(success(result).ends_with(" 1767323045"), "{result:?}");
    }
    for result in [SyncResult::Error, SyncResult::Refused, SyncResult::Busy, SyncResult::RolledBack] {
        assert!(success(result).ends_with(" 0"), "{result:?}");
    }
}

#[test]
fn a_broken_configuration_file_is_an_alarm_of_every_environment_until_it_is_mended() {
    let broken = Event::Reloaded { error: Some(Unusable { message: "broken".into(), problems: Arc::new([]) }) };
    let mut events = story();
    events.extend([added("staging"), broken]);
    let meter = meter(&events);
    let expected = |n: [u8; 2]| {
        let line = |name, n| format!("flowsync_alarms{{environment=\"{name}\"}} {n}");
        vec![line("production", n[0]), line("staging", n[1])]
    };
    assert_eq!(lines(&meter, "flowsync_alarms{"), expected([3, 1]));
    let overdue = Event::PassOverdue { environment: "staging".into(), deadline: Duration::from_secs(60) };
    meter.hear(&overdue);
    assert_eq!(lines(&meter, "flowsync_alarms{"), expected([3, 2]));
    meter.hear(&Event::Gone { environment: "staging".into() });
    meter.hear(&added("staging"));
    meter.hear(&Event::Reloaded { error: None });
    assert_eq!(lines(&meter, "flowsync_alarms{"), expected([2, 0]));
}

#[test]
fn notifications_are_counted_by_kind() {
    let meter = meter(&[]);
    meter.count_notification("slack", "failed");
    let counted = lines(&meter, "flowsync_notifications_total{");
    assert!(counted.contains(&r#"flowsync_notifications_total{kind="slack",outcome="failed"} 1"#.to_owned()));
    assert_eq!(counted.iter().filter(|line| line.ends_with(" 0")).count(), 14);
}

#[test]
fn a_name_cannot_leave_its_label() {
    let meter = meter(&[added("a\"} 1\n# \\")]);
    assert_eq!(lines(&meter, "flowsync_alarms{"), [r#"flowsync_alarms{environment="a\"} 1\n# \\"} 0"#]);
}

#[tokio::test]
async fn whatever_is_told_is_counted_by_the_end() {
    let (events, meter) = (Events::default(), Meter::new("1.2.3").unwrap());
    let listener = events.listen();
    story().into_iter().for_each(|event| events.tell(event));
    events.tell(Event::Ended);
    meter.clone().follow(listener).await;
    assert_eq!(
        lines(&meter, "flowsync_passes_total{environment=\"production\",result=\"deployed\"")[0].rsplit(' ').next(),
        Some("1")
    );
}

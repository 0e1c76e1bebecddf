//! Passes as traces, against a collector that decodes what it is sent. Tests are built with the feature `otlp`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::listening::Listening;
use crate::recorder::{Answer, Recorder, Seen};
use crate::support::{Place, word};

const TOKEN: &str = "c4nary-c0llector";
/// A status that says that something went wrong, as OTLP numbers it.
const ERROR: i32 = 2;

/// What a collector was sent.
#[derive(Debug, Default)]
struct Sent {
    spans: Vec<Span>,
    /// Who sent it.
    resource: BTreeMap<String, String>,
}

fn sent(collector: &Recorder) -> Sent {
    let mut sent = Sent::default();
    for Seen { method, path, headers, bytes, .. } in collector.seen() {
        assert_eq!((method.as_str(), path.as_str()), ("POST", "/v1/traces"));
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        for of_resource in ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap().resource_spans {
            sent.resource.extend(attributes(&of_resource.resource.unwrap().attributes));
            sent.spans.extend(of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans));
        }
    }
    sent.spans.sort_by_key(|span| span.start_time_unix_nano);
    sent
}

fn attributes(of: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{}: {other:?}", value.key),
    };
    let found: BTreeMap<String, String> = of.iter().map(|value| (value.key.clone(), text(value))).collect();
    assert_eq!(found.len(), of.len(), "each name once: {of:?}");
    found
}

impl Sent {
    /// Every pass, in order.
    fn passes(&self) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.parent_span_id.is_empty()).collect()
    }

    /// The first of them.
    fn root(&self) -> &Span {
        self.passes()[0]
    }

    /// The names of its stages, in order; each is to lie within it.
    fn stages(&self) -> String {
        let root = self.root();
        let is_stage = |span: &&Span| span.trace_id == root.trace_id && span.span_id != root.span_id;
        let stages: Vec<&Span> = self.spans.iter().filter(is_stage).collect();
        for stage in &stages {
            assert_eq!(stage.parent_span_id, root.span_id, "{stage:?}");
            let is_within = root.start_time_unix_nano <= stage.start_time_unix_nano
                && stage.start_time_unix_nano <= stage.end_time_unix_nano
                && stage.end_time_unix_nano <= root.end_time_unix_nano;
            assert!(is_within, "{stage:?} in {root:?}");
        }
        stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// A place whose traces go to this address.
fn place_of(url: &str) -> Place {
    let mut place = Place::with("interval: 1h", &["a 1.0.0", "b 1.0.0 > a"]);
    place.set("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    place.set("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization=Bearer%20{TOKEN},x-team=flows"));
    place
}

#[test]
fn a_pass_is_a_trace_with_its_stages() {
    let collector = Recorder::start();
    let mut place = place_of(&collector.url());
    place.set("OTEL_SERVICE_NAME", "acme-flows");
    let environment = place.sync_with(&[]).exits(0).environment();
    let sent = sent(&collector);
    assert_eq!(sent.stages(), "send fetch observe read prepare judge begin deploy verify close");
    let root = sent.root();
    assert_eq!((root.name.as_str(), root.status.clone().unwrap_or_default().code), ("pass", 0));
    let mut found = attributes(&root.attributes);
    for (name, member) in [("deployment", "deploymentId"), ("commit", "commit")] {
        assert_eq!(found.remove(name).unwrap(), word(&environment[member]));
    }
    let expected = [
        ("environment", "production"),
        ("flows.create", "2"),
        ("flows.delete", "0"),
        ("flows.drifted", "0"),
        ("flows.failed", "0"),
        ("flows.managed", "2"),
        ("flows.update", "0"),
        ("result", "deployed"),
    ];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(sent.resource["service.name"], "acme-flows");
    assert_eq!(sent.resource["service.version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_pass_that_fails_says_so_with_its_reason_and_a_rollback_has_its_name() {
    let collector = Recorder::start();
    let place = place_of(&collector.url());
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: { refuse: { message: bad luck } } }");
    let environment = place.sync_with(&[]).exits(4).environment();
    let first = sent(&collector);
    assert_eq!(first.stages(), "send fetch observe read prepare judge begin deploy restore close");
    let found = attributes(&first.root().attributes);
    assert_eq!((found["result"].as_str(), found["flows.failed"].as_str()), ("rolled-back", "1"));
    assert_eq!(found["deployment"], word(&environment["deploymentId"]));
    let status = first.root().status.clone().unwrap();
    assert_eq!((status.code, status.message.as_str()), (ERROR, word(&environment["error"])));
    assert_eq!(first.resource["service.name"], "flowsync", "where nobody names it");

    place.tenant.heals();
    for version in ["1.1.0", "1.2.0"] {
        place.commit(&[&format!("a {version}"), "b 1.0.0 > a"]);
        place.sync_with(&["--retry"]).exits(0);
    }
    place.run(&["rollback"]).exits(0);
    let sent = sent(&collector);
    let names: Vec<&str> = sent.passes().iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["pass", "pass", "pass", "rollback"]);
    let traces: BTreeSet<&Vec<u8>> = sent.spans.iter().map(|span| &span.trace_id).collect();
    assert_eq!(traces.len(), 4);
}

#[test]
fn a_collector_that_does_not_take_them_costs_spans_and_nothing_else() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let echo = Answer::Reply { status: 400, headers: Vec::new(), body: format!("Bearer {TOKEN}") };
    let answers = [echo, Answer::status(503), Answer::status(302), Answer::Drop, Answer::Hang];
    let reasons = ["it answers 400", "it answers 503", "it answers 302", "connection", "no time left"];
    let faulty = |answer: Answer| {
        let collector = Recorder::start();
        collector.always(answer);
        collector
    };
    let collectors: Vec<Recorder> = answers.map(faulty).into();
    let urls = collectors.iter().map(Recorder::url).zip(reasons);
    for (url, reason) in urls.chain([(format!("http://{nobody}"), "connection refused")]) {
        let place = place_of(&url);
        let ended = place.sync_with(&[]).exits(0).says(&[reason, "span(s)", url.trim_start_matches("http://")]);
        assert_eq!(ended.environment()["result"], "deployed", "{reason}");
        assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
        assert!(!ended.stderr.contains(TOKEN), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("span(s)").count(), 1, "a line with a count: {}", ended.stderr);
    }
}

#[test]
fn spans_that_a_collector_rejects_are_counted() {
    let collector = Recorder::start();
    let partly = ExportTracePartialSuccess { rejected_spans: 3, error_message: format!("Bearer {TOKEN}") };
    let body = ExportTraceServiceResponse { partial_success: Some(partly) }.encode_to_vec();
    collector.always(Answer::with(200, ("content-type", "application/x-protobuf"), &String::from_utf8(body).unwrap()));
    let ended = place_of(&collector.url()).sync_with(&[]).exits(0).says(&["it rejects some; 3 span(s) are lost"]);
    assert!(!ended.stderr.contains(TOKEN), "{}", ended.stderr);
}

#[test]
fn what_waits_is_sent_before_a_controller_ends() {
    let collector = Recorder::start();
    let mut place = place_of(&collector.url());
    place.set("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    assert_eq!(collector.n_seen(), 0, "it waits for more");
    let ended = controller.stop().exits(0);
    let sent = sent(&collector);
    assert_eq!(attributes(&sent.root().attributes)["result"], "deployed");
    assert!(sent.stages().ends_with("verify close"), "{}", sent.stages());
    assert!(!ended.stderr.contains("span"), "{}", ended.stderr);
}

#[test]
fn what_cannot_be_done_is_said_and_stops_nothing() {
    let said = |name: &str, value: &str, says: &str| {
        let mut place = place_of("http://collector.invalid:4318");
        place.set(name, value);
        let ended = place.sync_with(&[]).exits(0).says(&["no traces are sent: ", says]);
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
        assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    };
    said("OTEL_EXPORTER_OTLP_ENDPOINT", "s3cret", "`OTEL_EXPORTER_OTLP_ENDPOINT` is no URL");
    said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://s3cret:4317", "`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is no URL");
    said("OTEL_EXPORTER_OTLP_HEADERS", "s3cret", "`OTEL_EXPORTER_OTLP_HEADERS` holds what is no header");
    said("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "`OTEL_EXPORTER_OTLP_PROTOCOL` asks for `grpc`");
    said("HTTP_PROXY", "ftp://s3cret@proxy", "HTTP_PROXY");
}

#[test]
fn commands_that_make_no_pass_and_those_who_say_no_send_nothing() {
    let collector = Recorder::start();
    let mut place = place_of(&collector.url());
    for command in [["plan"].as_slice(), &["status"], &["history"], &["doctor"]] {
        place.run(command).exits(0);
    }
    place.set("OTEL_TRACES_EXPORTER", "none");
    place.sync_with(&[]).exits(0);
    assert_eq!(collector.n_seen(), 0);
}

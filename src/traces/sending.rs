//! From spans that end to batches: OpenTelemetry's queue, with a gate before it.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tokio::runtime::Handle;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};

use super::collector::{Collector, Told};
use super::tally::{Tally, WAITING_MAX};
use super::wish::{Listener, NoTraces, Variables, Wish};
use crate::problem::escape_terminal;

/// What is sent calls itself so, where the environment names it in no other way.
const NAME: &str = "flowsync";
/// At the end, so long is waited for what still waits to be sent.
const FLUSH: Duration = Duration::from_secs(3);
/// The protocol, as variables name it.
const PROTOCOL: &str = "http/protobuf";

/// Sends spans until its end.
pub(crate) struct Sending {
    provider: SdkTracerProvider,
    told: Told,
}

impl Sending {
    pub(super) fn start(wish: &Wish, of: Variables<'_>, runtime: &Handle) -> Result<Self, NoTraces> {
        check_protocol(of)?;
        let tally = Arc::new(Tally::default());
        let collector = Collector::new(wish, of, runtime, &tally)?;
        let told = collector.told();
        let batches = BatchConfigBuilder::default().with_max_queue_size(WAITING_MAX).build();
        let batching = BatchSpanProcessor::builder(collector).with_batch_config(batches).build();
        let gate = Gate { next: batching, tally };
        let provider = SdkTracerProvider::builder().with_resource(resource()).with_span_processor(gate).build();
        Ok(Self { provider, told })
    }

    /// What hears of spans.
    pub(crate) fn listener(&self) -> Listener {
        let spans = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with(NAME));
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(NAME))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(spans.with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Sends what still waits, for a few seconds, and says how much of it could not be sent.
    pub(crate) fn end(self) {
        // That it does not come to its end in time is told by the count.
        _ = self.provider.shutdown_with_timeout(FLUSH);
        self.told.end();
    }
}

/// Refuses to be asked for another protocol: where traces went otherwise, nobody would find them.
fn check_protocol(of: Variables<'_>) -> Result<(), NoTraces> {
    for variable in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        match of(variable).filter(|value| !value.is_empty()) {
            None => {}
            Some(asked) if asked == PROTOCOL => return Ok(()),
            Some(asked) => return Err(NoTraces::Protocol { variable, asked: escape_terminal(&asked).into_owned() }),
        }
    }
    Ok(())
}

/// Who sends: what the environment says, and our name and version.
fn resource() -> Resource {
    let said = Resource::builder().build();
    let name = said.get_ref(&Key::new("service.name")).map(|name| name.as_str().into_owned());
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    match name {
        Some(name) if !name.starts_with("unknown_service") => resource.build(),
        _ => resource.with_service_name(NAME).build(),
    }
}

/// What is said twice of a span is what was said last: in OTLP each name stands once, and the SDK leaves that to us.
fn keep_last(attributes: &mut Vec<KeyValue>) {
    for at in (0..attributes.len()).rev() {
        if attributes[at + 1..].iter().any(|later| later.key == attributes[at].key) {
            attributes.remove(at);
        }
    }
}

/// Lets no more spans in than may wait.
#[derive(Debug)]
struct Gate<P> {
    next: P,
    tally: Arc<Tally>,
}

impl<P: SpanProcessor> SpanProcessor for Gate<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if self.tally.admits() {
            keep_last(&mut span.attributes);
            self.next.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

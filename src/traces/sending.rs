//! From spans that end to requests: OpenTelemetry's batches, with a gate before them and a count behind.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor,
};
use tokio::runtime::Handle;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use url::Url;

use super::collector::Collector;
use super::tally::{News, Tally, WAITING_MAX};
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
    collector: Collector,
    tally: Arc<Tally>,
}

impl Sending {
    pub(super) fn start(wish: &Wish, of: Variables<'_>, runtime: &Handle) -> Result<Self, NoTraces> {
        check_protocol(of)?;
        let url: Url = wish.endpoint.parse().map_err(|_| NoTraces::Endpoint(wish.variable))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(NoTraces::Endpoint(wish.variable));
        }
        let collector = Collector::new(&url, of, runtime)?;
        let tally = Arc::new(Tally::default());
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(collector.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .build()?;
        let exporter = Counted { exporter, collector: collector.clone(), tally: Arc::clone(&tally) };
        let batches = BatchConfigBuilder::default().with_max_queue_size(WAITING_MAX).build();
        let batching = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let gate = Gate { next: batching, tally: Arc::clone(&tally) };
        let provider = SdkTracerProvider::builder().with_resource(resource()).with_span_processor(gate).build();
        Ok(Self { provider, collector, tally })
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
        let reason = self.collector.fault().unwrap_or_else(|| "there was no time left".to_owned());
        self.tally.left().iter().for_each(|news| tell(*news, self.collector.place(), &reason));
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

fn tell(news: News, place: &str, reason: &str) {
    match news {
        News::Lost(n) => tracing::warn!("traces are not delivered to `{place}`: {reason}; {n} span(s) are lost"),
        News::Again(n) => tracing::warn!("traces are delivered to `{place}` again; {n} span(s) were lost"),
        News::Dropped(n) => tracing::warn!("traces are delivered to `{place}` too slowly: {n} span(s) found no room"),
        News::Left(n) => tracing::warn!("{n} span(s) could not be delivered to `{place}`: {reason}"),
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

    fn on_end(&self, span: SpanData) {
        if self.tally.admits() {
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

/// Counts what is delivered, and tells what is not.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    collector: Collector,
    tally: Arc<Tally>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let n_spans = batch.len();
        let exported = self.exporter.export(batch).await;
        let news = match &exported {
            Ok(()) => self.tally.delivered(n_spans),
            Err(_) => self.tally.lost(n_spans),
        };
        let reason = || match &exported {
            Err(error) => self.collector.fault().unwrap_or_else(|| error.to_string()),
            Ok(()) => String::new(),
        };
        news.into_iter().for_each(|news| tell(news, self.collector.place(), &reason()));
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

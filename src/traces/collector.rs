//! The way to the collector: OTLP over our own HTTP client, so that proxies, roots and limits are those of every other request.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message as _;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use url::Url;

use super::headers::headers;
use super::tally::{News, Tally};
use super::wish::{NoTraces, Variables, Wish};
use crate::web::{Answer, FaultKind, Http, Intake, Over, Peer, exchange, retry_after_seconds};

/// How long a batch may take with all its tries, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A batch is sent so often at most.
const TRIES_MAX: u32 = 4;
/// Before the second try; doubled before each other.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Whoever answers has little to say.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// The variable that names more trusted roots.
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

/// A collector: takes batches of spans, and tells what was not delivered.
#[derive(Debug)]
pub(super) struct Collector {
    /// Where requests are made: whoever exports has no runtime.
    runtime: Handle,
    way: Arc<Way>,
    resource: ResourceAttributesWithSchema,
    told: Told,
}

/// What a request needs.
#[derive(Debug)]
struct Way {
    http: Http,
    url: Url,
    headers: HeaderMap,
    timeout: Duration,
}

/// What is told of a collector, and kept for the end. Clones are of the same.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Host and port.
    place: Arc<str>,
    tally: Arc<Tally>,
    /// What went wrong last.
    fault: Arc<Mutex<Option<String>>>,
}

/// A try that failed.
struct Failed {
    reason: String,
    /// Whether another one may be better, and what the collector says of when.
    again: Option<Duration>,
}

impl Collector {
    pub(super) fn new(wish: &Wish, of: Variables<'_>, runtime: &Handle, tally: &Arc<Tally>) -> Result<Self, NoTraces> {
        let url: Url = wish.endpoint.parse().map_err(|_| NoTraces::Endpoint(wish.variable))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(NoTraces::Endpoint(wish.variable));
        }
        let of = |name: &str| of(name).filter(|value| !value.is_empty());
        let either = |special: &str, general: &str| of(special).or_else(|| of(general));
        let ca_file = either("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", CERTIFICATE).map(PathBuf::from);
        let millis = either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
        let timeout = millis.and_then(|millis| millis.parse().ok()).map_or(TIMEOUT, Duration::from_millis);
        let (urls, connect_timeout) = (vec![&url], timeout.min(TIMEOUT));
        let peer = Peer { urls, ca_file: ca_file.as_deref(), ca_file_key: CERTIFICATE, connect_timeout };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let place = format!("{}{port}", url.host_str().unwrap_or_default()).into();
        Ok(Self {
            runtime: runtime.clone(),
            way: Arc::new(Way { http: Http::new(&peer)?, headers: headers(&of)?, url, timeout }),
            resource: ResourceAttributesWithSchema::default(),
            told: Told { place, tally: Arc::clone(tally), fault: Arc::default() },
        })
    }

    /// For whoever tells of the end.
    pub(super) fn told(&self) -> Told {
        self.told.clone()
    }
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let n_spans = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let way = Arc::clone(&self.way);
        let sent = match self.runtime.spawn(async move { way.deliver(body).await }).await {
            Ok(sent) => sent,
            Err(_) => Err("this process ends".to_owned()),
        };
        let n_taken = n_spans - sent.as_ref().map_or(n_spans, |n_rejected| (*n_rejected).min(n_spans));
        let reason = sent.err().or_else(|| (n_taken < n_spans).then(|| "it rejects some".to_owned()));
        self.told.outcome(n_taken, n_spans - n_taken, reason.clone());
        reason.map_or(Ok(()), |reason| Err(OTelSdkError::InternalFailure(reason)))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

impl Way {
    /// Sends a batch, again where that may help; how many of its spans the collector rejects.
    async fn deliver(&self, body: Vec<u8>) -> Result<usize, String> {
        let give_up_at = Instant::now() + self.timeout;
        let mut pause = FIRST_PAUSE;
        for n_tries in 1.. {
            let Failed { reason, again } = match self.send(body.clone(), give_up_at).await {
                Ok(n_rejected) => return Ok(n_rejected),
                Err(failed) => failed,
            };
            let wait = again.map(|asked| asked.max(pause));
            match wait.filter(|wait| n_tries < TRIES_MAX && Instant::now() + *wait < give_up_at) {
                Some(wait) => sleep(wait).await,
                None => return Err(reason),
            }
            pause *= 2;
        }
        Ok(0)
    }

    async fn send(&self, body: Vec<u8>, give_up_at: Instant) -> Result<usize, Failed> {
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        *request.timeout_mut() = Some(give_up_at.saturating_duration_since(Instant::now()));
        *request.body_mut() = Some(body.into());
        let intake = Intake { bytes_max: ANSWER_BYTES_MAX, over: Over::Cut, place: None };
        match exchange(&self.http, request, intake, || true).await {
            Ok(answer) => judge(&answer),
            Err(fault) => {
                let may_pass = matches!(fault.kind, FaultKind::NotSent | FaultKind::Lost);
                Err(Failed { reason: fault.detail, again: may_pass.then_some(Duration::ZERO) })
            }
        }
    }
}

/// What an answer means. Of what it says nothing is shown: it may echo what it was sent.
fn judge(answer: &Answer) -> Result<usize, Failed> {
    let status = answer.status;
    if (200..300).contains(&status) {
        // One that nobody can read says no less than one that is empty.
        let response = ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap_or_default();
        let n_rejected = response.partial_success.map_or(0, |partly| partly.rejected_spans);
        return Ok(usize::try_from(n_rejected).unwrap_or_default());
    }
    let asked = retry_after_seconds(&answer.headers).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let may_pass = matches!(status, 429 | 502 | 503 | 504);
    Err(Failed { reason: format!("it answers {status}"), again: may_pass.then(|| asked.unwrap_or_default()) })
}

impl Told {
    /// Tells what became of a batch, where a person should hear it.
    fn outcome(&self, n_taken: usize, n_lost: usize, reason: Option<String>) {
        let text = reason.clone().unwrap_or_default();
        if reason.is_some() {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        }
        self.tally.settled(n_taken, n_lost).into_iter().for_each(|news| self.tell(news, &text));
    }

    /// Tells what is left when nothing more is sent.
    pub(super) fn end(&self) {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reason = fault.unwrap_or_else(|| "there was no time left".to_owned());
        self.tally.left().into_iter().for_each(|news| self.tell(news, &reason));
    }

    fn tell(&self, news: News, reason: &str) {
        let place = &self.place;
        match news {
            News::Lost(n) => tracing::warn!("traces are not delivered to `{place}`: {reason}; {n} span(s) are lost"),
            News::Again(n) => tracing::warn!("traces are delivered to `{place}` again; {n} span(s) were lost"),
            News::Dropped(n) => tracing::warn!("traces are taken by `{place}` too slowly; {n} span(s) found no room"),
            News::Left(n) => tracing::warn!("{n} span(s) could not be delivered to `{place}`: {reason}"),
        }
    }
}

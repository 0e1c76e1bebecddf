//! The way to the collector: our own client, so that proxies, roots and limits are those of every other request.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;
use url::Url;

use super::wish::Variables;
use crate::web::{ConnectError, Http, Intake, Over, Peer, exchange};

/// How long one request may take, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Whoever answers has little to say.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// The variable that names more trusted roots.
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

/// A collector. Clones are of the same one.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    http: Arc<Http>,
    /// Where requests are made: whoever exports has no runtime.
    runtime: Handle,
    timeout: Duration,
    /// Host and port, to be shown.
    place: Arc<str>,
    /// What went wrong last.
    fault: Arc<Mutex<Option<String>>>,
}

impl Collector {
    pub(super) fn new(url: &Url, of: Variables<'_>, runtime: &Handle) -> Result<Self, ConnectError> {
        let of = |name: &str| of(name).filter(|value| !value.is_empty());
        let either = |special: &str, general: &str| of(special).or_else(|| of(general));
        let ca_file = either("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", CERTIFICATE).map(PathBuf::from);
        let millis = either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
        let timeout = millis.and_then(|millis| millis.parse().ok()).map_or(TIMEOUT, Duration::from_millis);
        let peer = Peer {
            urls: vec![url],
            ca_file: ca_file.as_deref(),
            ca_file_key: CERTIFICATE,
            connect_timeout: timeout.min(TIMEOUT),
        };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self {
            http: Arc::new(Http::new(&peer)?),
            runtime: runtime.clone(),
            timeout,
            place: format!("{}{port}", url.host_str().unwrap_or_default()).into(),
            fault: Arc::default(),
        })
    }

    /// Host and port, to be shown.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What went wrong last, where anything did.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fails(&self, fault: String) -> HttpError {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
        fault.into()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = reqwest::Request::try_from(request).map_err(|error| error.without_url())?;
        *request.timeout_mut() = Some(self.timeout);
        let http = Arc::clone(&self.http);
        let sending = self.runtime.spawn(async move {
            let intake = Intake { bytes_max: ANSWER_BYTES_MAX, over: Over::Cut, place: None };
            exchange(&http, request, intake, || true).await
        });
        let answer = match sending.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(fault)) => return Err(self.fails(fault.detail)),
            Err(_) => return Err(self.fails("this process ends".to_owned())),
        };
        if !(200..300).contains(&answer.status) {
            // What it says is not shown: it may echo what it was sent.
            _ = self.fails(format!("it answers {}", answer.status));
        }
        let mut response = Response::builder().status(answer.status).body(Bytes::from(answer.body))?;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

//! One HTTP exchange: a request out, a whole body in, or a fault. No judgement of the status.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, Request, Response, Url};
use tokio::time::timeout as within;

use super::connect::Http;
use super::inside::{self, InsideAnswer, InsideServer, NoAnswer};
use super::room::Place;
use crate::tls::{CertificateFault, handshake_fault};

/// A body of an error is read this far.
const ERROR_BODY_BYTES_MAX: u64 = 64 * 1024;
/// Redirects followed within one server.
const REDIRECTS_MAX: usize = 5;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the body is only the beginning of what there is: see [`Over::Cut`].
    pub(crate) is_cut: bool,
    /// Held as long as the body is.
    _place: Option<Place>,
}

/// What of an answer's body is taken.
#[derive(Debug)]
pub(crate) struct Intake {
    /// The most, in bytes.
    pub(crate) bytes_max: u64,
    /// What to do about more.
    pub(crate) over: Over,
    /// Where it goes; nowhere in particular for what is small in any case.
    pub(crate) place: Option<Place>,
}

/// What to do about a body over the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It is a fault.
    Refuse,
    /// The beginning will do.
    Cut,
}

/// No whole answer.
#[derive(Debug)]
pub(crate) struct ExchangeFault {
    pub(crate) kind: FaultKind,
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// No connection: the request did not leave.
    NotSent,
    /// The server's certificate is refused: the request did not leave, and another try would not help.
    Untrusted,
    /// The connection was lost after the request may have left, or the body is short.
    Lost,
    /// Time was up after the request may have left.
    TimedOut,
    /// The body is over the limit.
    TooLarge,
}

/// Sends `request`. Redirects are followed for GET, within one scheme, host and port, while `may_start`
/// says so; any other 3xx is an answer like others.
pub(crate) async fn exchange(
    http: &Http,
    mut request: Request,
    intake: Intake,
    may_start: impl Fn() -> bool,
) -> Result<Answer, ExchangeFault> {
    if let Some(server) = &http.inside {
        return ask_inside(server, request, intake).await;
    }
    let timeout = request.timeout().copied().unwrap_or(Duration::ZERO);
    for _ in 0..REDIRECTS_MAX {
        let next = repeat(&request);
        let response = http.client.execute(request).await.map_err(|error| ExchangeFault::new(error, timeout, http))?;
        match next.zip(onward(&response)) {
            Some((mut next, target)) if may_start() => {
                *next.url_mut() = target;
                request = next;
            }
            _ => return read(response, intake, timeout, http).await,
        }
    }
    Err(ExchangeFault { kind: FaultKind::Lost, detail: format!("more than {REDIRECTS_MAX} redirects") })
}

/// The same of a server in this process.
async fn ask_inside(server: &Arc<dyn InsideServer>, request: Request, intake: Intake) -> Result<Answer, ExchangeFault> {
    let patience = request.timeout().copied().unwrap_or(Duration::MAX);
    let answered = within(patience, server.answer(inside::given(&request))).await;
    let fault = |kind, detail: &str| ExchangeFault { kind, detail: detail.to_owned() };
    let InsideAnswer { status, headers, mut body } = match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(NoAnswer::NotSent)) => return Err(fault(FaultKind::NotSent, "cannot connect")),
        Ok(Err(NoAnswer::Lost)) => return Err(fault(FaultKind::Lost, "connection lost")),
        Err(_) => return Err(fault(FaultKind::TimedOut, "no whole answer in time")),
    };
    let Intake { bytes_max, over, place } = intake;
    let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let is_over = body.len() > most;
    if is_over && over == Over::Refuse {
        return Err(fault(FaultKind::TooLarge, ""));
    }
    body.truncate(most);
    Ok(Answer { status, headers: inside::named(headers), body, is_cut: is_over, _place: place })
}

/// The same request once more, where it may be sent on.
fn repeat(request: &Request) -> Option<Request> {
    if request.method() == Method::GET { request.try_clone() } else { None }
}

/// Where a redirect leads, if that is the same scheme, host and port.
fn onward(response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = location(response.url(), response.headers())?;
    (target.origin() == response.url().origin()).then_some(target)
}

/// The address a redirect names.
pub(crate) fn location(from: &Url, headers: &HeaderMap) -> Option<Url> {
    from.join(headers.get(LOCATION)?.to_str().ok()?).ok()
}

async fn read(mut response: Response, intake: Intake, timeout: Duration, http: &Http) -> Result<Answer, ExchangeFault> {
    let Intake { bytes_max, over, mut place } = intake;
    let status = response.status().as_u16();
    let well = response.status().is_success();
    let over = if well { Some(over) } else { None };
    let too_large = || ExchangeFault { kind: FaultKind::TooLarge, detail: String::new() };
    if over == Some(Over::Refuse) && response.content_length().is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let headers = std::mem::take(response.headers_mut());
    let most = if well { bytes_max } else { ERROR_BODY_BYTES_MAX.min(bytes_max) };
    let (mut body, mut is_cut) = (Vec::new(), false);
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) => {
                let room = usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(body.len());
                if chunk.len() > room && over == Some(Over::Refuse) {
                    return Err(too_large());
                }
                if let Some(place) = &mut place {
                    place.grow_to((body.len() + chunk.len().min(room)) as u64).await;
                }
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    is_cut = well;
                    break;
                }
            }
            // The status alone says what to do.
            Err(_) if status == 429 || status >= 500 => break,
            Err(error) => return Err(ExchangeFault::new(error, timeout, http)),
        }
    }
    Ok(Answer { status, headers, body, is_cut, _place: place })
}

impl ExchangeFault {
    fn new(error: reqwest::Error, timeout: Duration, http: &Http) -> Self {
        if let Some(fault) = CertificateFault::among(&error) {
            let host = error.url().and_then(Url::host_str).unwrap_or("the server");
            return Self { kind: FaultKind::Untrusted, detail: fault.explain(host, http.ca_file_key) };
        }
        let through =
            error.url().and_then(|url| http.proxy_of(url)).map(|proxy| format!(" through the proxy `{proxy}`"));
        let through = through.unwrap_or_default();
        let to = error.url().map(|url| format!(" to `{}`", asked(url))).unwrap_or_default();
        // A URL may hold what must not be printed.
        let error = error.without_url();
        let cause = handshake_fault(&error).map_or_else(|| deepest(&error), str::to_owned);
        if error.is_connect() {
            return Self { kind: FaultKind::NotSent, detail: format!("cannot connect{to}{through}: {cause}") };
        }
        if error.is_timeout() {
            let detail = format!("no whole answer within {} s", timeout.as_secs_f64());
            return Self { kind: FaultKind::TimedOut, detail };
        }
        if error.is_builder() {
            return Self { kind: FaultKind::NotSent, detail: format!("cannot send: {cause}") };
        }
        Self { kind: FaultKind::Lost, detail: format!("connection lost{through}: {cause}") }
    }
}

/// Where a connection was tried: scheme, host and port. Path, query and user may hold what must not be printed.
fn asked(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The innermost cause, in plain words where there are any.
fn deepest(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = match cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionRefused) => return "connection refused".to_owned(),
            Some(std::io::ErrorKind::ConnectionReset) => return "connection reset".to_owned(),
            Some(std::io::ErrorKind::TimedOut) => return "no answer in time".to_owned(),
            _ => cause.to_string(),
        };
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_connection_was_tried_says_scheme_host_and_port_and_no_more() {
        for (url, expected) in [
            ("https://me:secret@api.example.com/v2/secret?token=secret", "https://api.example.com:443"),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
            ("http://[::1]/x", "http://[::1]:80"),
        ] {
            assert_eq!(asked(&Url::parse(url).unwrap()), expected);
        }
    }
}

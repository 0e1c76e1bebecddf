//! The way to one project of a forge: whoever asks for something there asks through this.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::sleep;

use super::error::{Doing, ForgeError, OpenError, Reason};
use super::patience::Patience;
use crate::config::{ForgeAddress, ForgeKind, Repository};
use crate::web::{self, Answer, ExchangeFault, FaultKind, Http, Intake, Mask, Over, Peer, exchange};

/// An answer is smaller: a page of pull requests with the longest descriptions.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What is quoted of what a forge says.
const SAID_CHARS: usize = 200;

/// One project of a forge, with the token for it.
#[derive(Debug)]
pub struct Forge {
    pub(super) kind: ForgeKind,
    /// Full path of the project.
    pub(super) project: String,
    pub(super) patience: Patience,
    pub(super) http: Http,
    api: Url,
    signed: (HeaderName, HeaderValue),
    mask: Mask,
}

/// What stands beside an address in the configuration, and what it is called there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// More trusted roots, PEM.
    pub(crate) ca_file: Option<&'a Path>,
    pub(crate) ca_file_key: &'static str,
    pub(crate) token_key: &'a str,
}

/// A request, below the root of the API.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Segments of its path, not encoded.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

/// A 2xx, read.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// What to do after an answer that is none to go on with.
enum Next {
    /// After so long; the reason is what it fails with where there were tries enough.
    Again(Duration, Reason),
    Stop(Reason),
}

impl Forge {
    /// The forge that the configuration names. The token is read, and no request is made.
    ///
    /// # Errors
    /// Where there is none, it has no token, or no way leads there.
    pub fn open(repository: &Repository) -> Result<Self, OpenError> {
        Self::open_tuned(repository, Patience::default())
    }

    /// [`Self::open`], for tests in a hurry.
    ///
    /// # Errors
    /// As for [`Self::open`].
    #[doc(hidden)]
    pub fn open_tuned(repository: &Repository, patience: Patience) -> Result<Self, OpenError> {
        let address = repository.forge.as_ref().ok_or(OpenError::NotConfigured)?;
        let reach = Reach {
            ca_file: repository.ca_file.as_deref(),
            ca_file_key: "repository.caFile",
            token_key: "repository.forge.token",
        };
        Self::at(address, &reach, patience)
    }

    /// The project at an address that stands somewhere else in the configuration.
    pub(crate) fn at(address: &ForgeAddress, reach: &Reach<'_>, patience: Patience) -> Result<Self, OpenError> {
        let ForgeAddress { kind, project, api, token } = address;
        let token = token.as_ref().ok_or(OpenError::NoToken)?.read(reach.token_key)?;
        let signed = signature(*kind, &token)?;
        let peer = Peer {
            urls: vec![api],
            ca_file: reach.ca_file,
            ca_file_key: reach.ca_file_key,
            connect_timeout: patience.connect,
        };
        let http = Http::new(&peer)?;
        let mask = Mask::new(http.secrets(&peer));
        mask.learn(&token);
        Ok(Self { kind: *kind, project: project.clone(), api: api.clone(), signed, http, mask, patience })
    }

    /// What it is called in messages: its kind and its host.
    #[must_use]
    pub fn name(&self) -> String {
        let port = self.api.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} at `{}{port}`", self.kind.name(), self.api.host_str().unwrap_or_default())
    }

    /// Looks at the project, to learn whether the token is good for that.
    ///
    /// # Errors
    /// Where it is not, or the forge does not answer.
    pub async fn check(&self) -> Result<(), ForgeError> {
        let path = match self.kind {
            ForgeKind::GitHub | ForgeKind::Gitea => {
                std::iter::once("repos").chain(self.project.split('/')).map(str::to_owned).collect()
            }
            ForgeKind::GitLab => vec!["projects".to_owned(), self.project.clone()],
        };
        let ask = Ask { method: Method::GET, path, query: Vec::new(), body: None };
        self.in_time(Doing::Check, async { self.ask(Doing::Check, &ask).await.map(drop) }).await
    }

    /// Waits for all that one operation takes, and no longer.
    pub(super) async fn in_time<T>(
        &self,
        doing: Doing,
        work: impl Future<Output = Result<T, ForgeError>>,
    ) -> Result<T, ForgeError> {
        let whole = self.patience.whole;
        let ended = tokio::time::timeout(whole, work).await;
        ended.unwrap_or_else(|_| Err(self.failed(doing, Reason::TimeUp(whole))))
    }

    pub(super) fn failed(&self, doing: Doing, reason: Reason) -> ForgeError {
        ForgeError { site: self.name(), doing, reason }
    }

    /// A text of the forge's, fit for a message.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.mask.clean(text)
    }

    /// Makes a request until it is answered. One that may have been done is not made again.
    pub(super) async fn ask(&self, doing: Doing, ask: &Ask) -> Result<Told, ForgeError> {
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            let request = self.request(ask).map_err(|reason| self.failed(doing, reason))?;
            let intake = Intake { bytes_max: BODY_BYTES_MAX, over: Over::Refuse, place: None };
            let answer = exchange(&self.http, request, intake, || true).await;
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            tracing::debug!(method = %ask.method, path = ask.path.join("/"), status, attempt = n_tries, forge = self.kind.name());
            let next = match answer {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    return self.read(answer).map_err(|reason| self.failed(doing, reason));
                }
                Ok(answer) => self.after_answer(ask, &answer),
                Err(fault) => self.after_fault(ask, &fault),
            };
            match next {
                Next::Again(wait, _) if n_tries < self.patience.tries => sleep(wait).await,
                Next::Again(_, reason) | Next::Stop(reason) => return Err(self.failed(doing, reason)),
            }
        }
    }

    pub(super) fn request(&self, ask: &Ask) -> Result<Request, Reason> {
        let mut url = self.api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        let accept = if self.kind == ForgeKind::GitHub { "application/vnd.github+json" } else { "application/json" };
        let (name, value) = self.signed.clone();
        let mut request = self.http.client.request(ask.method.clone(), url).timeout(self.patience.request);
        request = request.header(ACCEPT, accept).header(name, value);
        if self.kind == ForgeKind::GitHub {
            request = request.header("X-GitHub-Api-Version", "2022-11-28");
        }
        if let Some(body) = &ask.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        request.build().map_err(|error| {
            let detail = format!("no request can be made: {}", self.clean(&error.without_url().to_string()));
            Reason::Unavailable { detail, maybe_done: false }
        })
    }

    fn read(&self, answer: Answer) -> Result<Told, Reason> {
        match serde_json::from_slice(&answer.body) {
            Ok(body) => Ok(Told { headers: answer.headers, body }),
            Err(_) => Err(Reason::Garbage { expected: "JSON", excerpt: self.said(&answer.body) }),
        }
    }

    fn after_answer(&self, ask: &Ask, answer: &Answer) -> Next {
        let status = answer.status;
        let reads = ask.method == Method::GET;
        let asked = web::retry_after_seconds(&answer.headers).filter(|seconds| *seconds > 0.0);
        match (status, asked) {
            // Such an answer says that nothing was done; GitHub's second limit is a 403.
            (429, asked) => self.after_throttling(status, asked),
            (403, Some(asked)) => self.after_throttling(status, Some(asked)),
            (503, Some(asked)) if reads => self.after_throttling(status, Some(asked)),
            (501, _) => Next::Stop(Reason::Refused { status, said: self.said(&answer.body) }),
            (408 | 500..=599, _) => {
                let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
                let detail =
                    format!("it answered {status} {}: {}", reason.unwrap_or_default(), self.said(&answer.body));
                let reason = Reason::Unavailable { detail, maybe_done: !reads };
                if reads { Next::Again(self.patience.pause, reason) } else { Next::Stop(reason) }
            }
            (300..=399, _) => Next::Stop(self.redirected(answer)),
            _ => Next::Stop(Reason::Refused { status, said: self.said(&answer.body) }),
        }
    }

    fn after_throttling(&self, status: u16, asked: Option<f64>) -> Next {
        let most = self.patience.retry_after_seconds_max;
        let wish = asked.map(|seconds| format!(" and asks to wait {} s", seconds.min(1e9).ceil()));
        let reason = Reason::Throttled { status, asked: wish.unwrap_or_default() };
        match asked {
            Some(seconds) if seconds > most => Next::Stop(reason),
            Some(seconds) => Next::Again(self.patience.second.mul_f64(seconds), reason),
            None => Next::Again(self.patience.pause, reason),
        }
    }

    /// A token goes nowhere else.
    fn redirected(&self, answer: &Answer) -> Reason {
        let target = web::location(&self.api, &answer.headers);
        let own = target.as_ref().is_some_and(|target| target.origin() == self.api.origin());
        Reason::Redirected(match target {
            Some(_) if own => "the project has moved; correct `repository.forge.project`".to_owned(),
            Some(target) => {
                let target = self.clean(&target.origin().ascii_serialization());
                format!("it redirects to `{target}`, where no token is sent; correct `repository.forge.url`")
            }
            None => "it redirects to nowhere".to_owned(),
        })
    }

    fn after_fault(&self, ask: &Ask, fault: &ExchangeFault) -> Next {
        let detail = self.clean(&fault.detail);
        let reads = ask.method == Method::GET;
        match fault.kind {
            FaultKind::TooLarge => {
                let excerpt = format!("an answer of more than {BODY_BYTES_MAX} bytes");
                Next::Stop(Reason::Garbage { expected: "a page of pull requests", excerpt })
            }
            FaultKind::Lost if reads => {
                Next::Again(self.patience.pause, Reason::Unavailable { detail, maybe_done: false })
            }
            FaultKind::Lost | FaultKind::TimedOut => Next::Stop(Reason::Unavailable { detail, maybe_done: !reads }),
            FaultKind::NotSent | FaultKind::Untrusted => Next::Stop(Reason::Unavailable { detail, maybe_done: false }),
        }
    }

    /// What a body says, in a few words.
    pub(crate) fn said(&self, body: &[u8]) -> String {
        shortened(self.mask.message(body))
    }
}

/// The header that proves who asks.
fn signature(kind: ForgeKind, token: &SecretString) -> Result<(HeaderName, HeaderValue), OpenError> {
    let token = token.expose_secret();
    let (name, text) = match kind {
        ForgeKind::GitHub => (AUTHORIZATION, format!("Bearer {token}")),
        ForgeKind::GitLab => (HeaderName::from_static("private-token"), token.to_owned()),
        ForgeKind::Gitea => (AUTHORIZATION, format!("token {token}")),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| OpenError::UnusableToken)?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SAID_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

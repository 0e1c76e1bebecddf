//! One try to deliver one message.
//!
//! Secrets are read anew for each, so that they may be changed. What a target or the way there says is cleaned of them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::lane::{Carried, Carrier};
use super::message::{self, Form};
use super::patience::Patience;
use super::queue::Item;
use super::what::News;
use crate::config::{ForgeAddress, Notification, NotificationTarget, SecretSource, secret_address};
use crate::error_chain;
use crate::forge::{self, CommitStatus, Forge, Reach};
use crate::web::{Answer, ExchangeFault, FaultKind, Http, Intake, Mask, Over, Peer, exchange, retry_after_seconds};

/// What is read of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Parts of a secret address that are shorter say nothing alone.
const PART_BYTES_MIN: usize = 8;

/// Delivers what somebody is to be told.
pub(super) fn carrier(notification: Notification, place: String, patience: Patience) -> Carrier {
    let sender = Arc::new(Sender { notification, place, patience });
    Arc::new(move |item: Item| {
        let sender = Arc::clone(&sender);
        async move { sender.send(&item).await }.boxed()
    })
}

struct Sender {
    notification: Notification,
    /// Its place in the configuration.
    place: String,
    patience: Patience,
}

/// A request with JSON.
struct Post {
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
    /// What no message may show.
    secrets: Vec<SecretString>,
}

impl Sender {
    async fn send(&self, item: &Item) -> Carried {
        let sent = match (&self.notification.target, &*item.news) {
            (NotificationTarget::Status(address), news) => match message::status(news) {
                Some(status) => self.set_status(address, &status).await,
                None => Ok(Carried::Delivered),
            },
            (_, News::Began(_)) => Ok(Carried::Delivered),
            (target, News::Ended(ended)) => {
                let body = |form| message::body(form, ended, &item.events);
                match target {
                    NotificationTarget::Webhook { url, secret } => {
                        let event = item.events.first().map_or("", |event| event.as_str());
                        self.exchange(self.signed(url, secret.as_ref(), event, body(Form::Webhook))).await
                    }
                    NotificationTarget::Slack { url } => self.exchange(self.unsigned(url, body(Form::Slack))).await,
                    NotificationTarget::Teams { url } => self.exchange(self.unsigned(url, body(Form::Teams))).await,
                    NotificationTarget::Status(_) => Ok(Carried::Delivered),
                }
            }
        };
        sent.unwrap_or_else(|carried| carried)
    }

    fn signed(
        &self,
        url: &Url,
        secret: Option<&SecretSource>,
        event: &'static str,
        body: Vec<u8>,
    ) -> Result<Post, Carried> {
        let mut headers = HeaderMap::new();
        headers.insert("x-flowsync-event", HeaderValue::from_static(event));
        // The same for every try of one message.
        headers.insert("x-flowsync-delivery", header(&hex(&Sha256::digest(&body)[..16])));
        let secret = secret.map(|secret| self.read(secret, "secret")).transpose()?;
        if let Some(secret) = &secret {
            headers.insert("x-flowsync-signature", header(&format!("sha256={}", hex(&mac(secret, &body)))));
        }
        Ok(Post { url: url.clone(), headers, body, secrets: secret.into_iter().collect() })
    }

    /// For an address that is the secret itself: it is not shown, whole or in parts.
    fn unsigned(&self, source: &SecretSource, body: Vec<u8>) -> Result<Post, Carried> {
        let text = self.read(source, "url")?;
        let url = secret_address(text.expose_secret(), self.notification.allow_insecure).map_err(|why| {
            Carried::Refused(format!("the address that `{}.url` names is no good: {why}", self.place))
        })?;
        let segments = url.path_segments().into_iter().flatten().map(str::to_owned);
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let parts = segments.chain(values).filter(|part| part.len() >= PART_BYTES_MIN);
        let secrets = parts.chain([url.as_str().to_owned()]).map(SecretString::from).chain([text]).collect();
        Ok(Post { url, headers: HeaderMap::new(), body, secrets })
    }

    /// A secret that cannot be read may be put right.
    fn read(&self, source: &SecretSource, key: &str) -> Result<SecretString, Carried> {
        let read = source.read(&format!("{}.{key}", self.place));
        read.map_err(|error| again(error_chain(&error)))
    }

    async fn exchange(&self, post: Result<Post, Carried>) -> Result<Carried, Carried> {
        let Post { url, headers, body, secrets } = post?;
        let peer = Peer {
            urls: vec![&url],
            ca_file: self.notification.ca_file.as_deref(),
            ca_file_key: "caFile",
            connect_timeout: self.patience.connect,
        };
        let http = Http::new(&peer).map_err(|error| again(error_chain(&error)))?;
        let mask = Mask::new(http.secrets(&peer));
        secrets.iter().for_each(|secret| mask.learn(secret));
        let request = http.client.post(url.clone()).timeout(self.patience.request).headers(headers);
        let request = request.header(CONTENT_TYPE, "application/json").body(body).build();
        let request = request.map_err(|_| Carried::Refused("no request can be made".to_owned()))?;
        let intake = Intake { bytes_max: ANSWER_BYTES_MAX, over: Over::Cut, place: None };
        match exchange(&http, request, intake, || true).await {
            Ok(answer) => Ok(judge(&answer, |body| mask.message(body))),
            Err(fault) => Ok(after_fault(&fault, mask.clean(&fault.detail))),
        }
    }

    async fn set_status(&self, address: &ForgeAddress, status: &CommitStatus) -> Result<Carried, Carried> {
        let token_key = format!("{}.token", self.place);
        let ca_file = self.notification.ca_file.as_deref();
        let reach = Reach { ca_file, ca_file_key: "caFile", token_key: &token_key };
        let patience = forge::Patience {
            request: self.patience.request,
            connect: self.patience.connect,
            ..forge::Patience::default()
        };
        let forge = Forge::at(address, &reach, patience).map_err(|error| again(error_chain(&error)))?;
        match forge.set_status(status).await {
            Ok(answer) if is_set_already(&answer) => Ok(Carried::Delivered),
            Ok(answer) => Ok(judge(&answer, |body| forge.said(body))),
            Err(fault) => Ok(after_fault(&fault, forge.clean(&fault.detail))),
        }
    }
}

/// GitLab refuses a status that the commit has already.
fn is_set_already(answer: &Answer) -> bool {
    answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("Cannot transition status")
}

fn again(reason: String) -> Carried {
    Carried::Again { asked: None, reason }
}

fn judge(answer: &Answer, said: impl Fn(&[u8]) -> String) -> Carried {
    let status = answer.status;
    let asked = retry_after_seconds(&answer.headers).filter(|seconds| *seconds > 0.0);
    let asked = asked.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match status {
        200..=299 => Carried::Delivered,
        429 => Carried::Again { asked, reason: "it limits the rate (429)".to_owned() },
        500..=599 => Carried::Again { asked, reason: format!("it answered {status}: {}", said(&answer.body)) },
        // Nothing is sent to where nobody said it should go.
        300..=399 => Carried::Refused(format!("it redirects ({status}), which is not followed; correct its address")),
        _ => Carried::Refused(format!("it refuses ({status}): {}", said(&answer.body))),
    }
}

fn after_fault(fault: &ExchangeFault, detail: String) -> Carried {
    match fault.kind {
        FaultKind::Untrusted => Carried::Refused(detail),
        FaultKind::NotSent | FaultKind::Lost | FaultKind::TimedOut | FaultKind::TooLarge => again(detail),
    }
}

#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(secret: &SecretString, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length will do");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Of ASCII that any header can hold.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

//! Signing in: OAuth2 client credentials, or a key. Tokens live in memory only.

use std::time::Duration;

use reqwest::Request;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::{Call, Failure, Observed, RequestObserver, TenantError};
use super::asked::Asked;
use super::patience::{Ended, Patience, within};
use super::post::Post;
use super::refusal;
use super::throttle::retry_after;
use crate::config::{self, OAuth2, SecretError, SecretSource};
use crate::web::{Answer, FaultKind, Intake, Mask, Over, exchange};

/// Tokens are renewed this long before they expire, or at half their life where that is sooner.
const RENEW_BEFORE_SECONDS: f64 = 60.0;
/// The life of a token whose answer names none.
const LIFE_ASSUMED_SECONDS: f64 = 300.0;

/// No token's answer is larger.
const TOKEN_BYTES_MAX: u64 = 1024 * 1024;

/// How requests prove who sends them.
#[derive(Debug)]
pub(super) enum Auth {
    OAuth2(Box<Tokens>),
    ApiKey(SecretSource),
}

/// Proof for one request.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    name: HeaderName,
    secret: SecretString,
    renew_at: Option<Instant>,
}

/// The one token of this client; the lock is held while a new one is fetched, so that it is fetched once.
#[derive(Debug)]
pub(super) struct Tokens {
    from: OAuth2,
    scopes: Option<&'static str>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Credential>,
    failed: Option<(Instant, TenantError)>,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    expires_in: Option<serde_json::Value>,
}

impl Auth {
    /// `scopes` is what a token is asked for.
    pub(super) fn new(auth: &config::Auth, scopes: Option<&'static str>) -> Self {
        match auth {
            config::Auth::OAuth2(from) => {
                Self::OAuth2(Box::new(Tokens { from: from.clone(), scopes, held: Mutex::default() }))
            }
            config::Auth::ApiKey(source) => Self::ApiKey(source.clone()),
        }
    }

    /// Proof that is good now.
    pub(super) async fn credential(&self, post: &Post, asked: &Asked<'_>) -> Result<Credential, TenantError> {
        match self {
            Self::OAuth2(tokens) => tokens.credential(post, asked).await,
            Self::ApiKey(source) => {
                let secret =
                    read(source, "tenant.auth.apiKey", post).map_err(|failure| asked.token_error(0, failure))?;
                Ok(Credential { name: HeaderName::from_static("x-api-key"), secret, renew_at: None })
            }
        }
    }

    /// The tenant answered 401 to `credential`. Whether another one may be had.
    pub(super) async fn rejected(&self, post: &Post, credential: &Credential) -> bool {
        match self {
            Self::OAuth2(tokens) => {
                let mut held = tokens.held.lock().await;
                if held.token.as_ref().is_some_and(|token| token.is(&credential.secret)) {
                    held.token = None;
                }
                true
            }
            Self::ApiKey(source) => {
                read(source, "tenant.auth.apiKey", post).is_ok_and(|secret| !credential.is(&secret))
            }
        }
    }
}

impl Credential {
    /// Whether it is still good; one that waited long for its turn may not be.
    pub(super) fn is_good(&self) -> bool {
        self.renew_at.is_none_or(|renew_at| Instant::now() < renew_at)
    }

    /// Puts it on a request; an error where it cannot stand in a header.
    pub(super) fn sign(&self, request: &mut Request) -> Result<(), Failure> {
        let secret = self.secret.expose_secret();
        let text = if self.name == AUTHORIZATION { format!("Bearer {secret}") } else { secret.to_owned() };
        let mut value = HeaderValue::from_str(&text).map_err(|_| Failure::Unauthorized {
            message: format!("the secret for `{}` has characters that no header can hold", self.name),
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(self.name.clone(), value);
        Ok(())
    }

    fn is(&self, secret: &SecretString) -> bool {
        self.secret.expose_secret() == secret.expose_secret()
    }
}

impl Tokens {
    async fn credential(&self, post: &Post, asked: &Asked<'_>) -> Result<Credential, TenantError> {
        let since = Instant::now();
        let mut held = within(asked.limits, self.held.lock())
            .await
            .map_err(|ended| asked.token_error(0, post.patience(asked.limits).turn_ended(ended, false)))?;
        if let Some(token) = held.token.as_ref().filter(|token| token.is_good()) {
            return Ok(token.clone());
        }
        // A failure that came while this request waited for the lock is its failure too.
        if let Some((at, error)) = held.failed.as_ref().filter(|(at, _)| *at > since) {
            tracing::trace!(?at, "sharing a failure to sign in");
            return Err(error.clone());
        }
        let fetched = self.fetch(post, asked).await;
        match &fetched {
            Ok(token) => held.token = Some(token.clone()),
            Err(TenantError { failure: Failure::LeaseEnded | Failure::Throttled { .. }, .. }) => {}
            Err(error) => held.failed = Some((Instant::now(), error.clone())),
        }
        fetched
    }

    async fn fetch(&self, post: &Post, asked: &Asked<'_>) -> Result<Credential, TenantError> {
        let mut patience = post.patience(asked.limits);
        let fetched = self.fetch_patiently(post, &mut patience, asked.observer).await;
        fetched.map_err(|failure| asked.token_error(patience.attempts, failure))
    }

    async fn fetch_patiently(
        &self,
        post: &Post,
        patience: &mut Patience<'_>,
        observer: &RequestObserver,
    ) -> Result<Credential, Failure> {
        loop {
            let request = self.request(post)?;
            if !patience.limits.lease.holds().await {
                return Err(patience.turn_ended(Ended::Lease, false));
            }
            patience.attempts += 1;
            let started = Instant::now();
            let lease = &patience.limits.lease;
            let bytes_max = TOKEN_BYTES_MAX.min(post.tuning.body_bytes_max);
            let intake = Intake { bytes_max, over: Over::Refuse, place: None };
            let answer = exchange(&post.http, request, intake, || lease.allows_now()).await;
            observer.tell(Observed::Request(Call::Token, answer.as_ref().ok().map(|answer| answer.status)));
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            tracing::debug!(method = "POST", path = self.from.token_url.path(), status, attempt = patience.attempts);
            let spent = started.elapsed();
            let answer = match answer {
                Ok(answer) => answer,
                Err(fault) if fault.kind == FaultKind::TooLarge => {
                    return Err(Failure::TooLarge { limit_bytes: bytes_max });
                }
                Err(fault) if fault.kind == FaultKind::Untrusted => {
                    return Err(patience.given_up(post.mask.clean(&fault.detail)));
                }
                Err(fault) => {
                    patience.unavailable(post.mask.clean(&fault.detail), spent, None).await?;
                    continue;
                }
            };
            let asks = retry_after(&answer.headers, &post.tuning);
            match answer.status {
                200..=299 => return token(&answer, post),
                429 => {
                    let wait = patience.tries.after_throttled(asks);
                    tracing::warn!(pause_ms = wait.as_millis(), "the token endpoint limits the rate");
                    observer.tell(Observed::Throttled(wait));
                    patience.throttled(wait).await?;
                }
                501 => return Err(self.refusal(&answer, post)),
                408 | 500..=599 => patience.unavailable(refusal::detail(&answer, &post.mask), spent, asks).await?,
                _ => return Err(self.refusal(&answer, post)),
            }
        }
    }

    fn request(&self, post: &Post) -> Result<Request, Failure> {
        let OAuth2 { token_url, client_id, client_secret } = &self.from;
        let client_id = read(client_id, "tenant.auth.oauth2.clientId", post)?;
        let client_secret = read(client_secret, "tenant.auth.oauth2.clientSecret", post)?;
        post.mask.keep_pair(&client_id, &client_secret);
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.expose_secret()),
            ("client_secret", client_secret.expose_secret()),
        ];
        form.extend(self.scopes.map(|scopes| ("scope", scopes)));
        let request = post.http.client.post(token_url.clone()).header(ACCEPT, "application/json").form(&form);
        request.timeout(post.tuning.other_timeout).build().map_err(|error| Failure::Unauthorized {
            message: post.mask.clean(&format!("cannot ask for a token: {}", error.without_url())),
        })
    }

    fn refusal(&self, answer: &Answer, post: &Post) -> Failure {
        let Answer { status, .. } = answer;
        if (300..400).contains(status) {
            return refusal::redirected(&self.from.token_url, answer, "tokenUrl", &post.mask);
        }
        if *status == 407 {
            return refusal::proxy_refusal();
        }
        let message = post.mask.message(&answer.body);
        Failure::Unauthorized { message: format!("the token endpoint answered {status}: {message}") }
    }
}

fn token(answer: &Answer, post: &Post) -> Result<Credential, Failure> {
    let Ok(TokenBody { access_token, expires_in }) = serde_json::from_slice(&answer.body) else {
        return Err(no_token(answer, &post.mask));
    };
    let access_token = SecretString::from(access_token);
    post.mask.learn(&access_token);
    let life = match expires_in {
        Some(serde_json::Value::Number(seconds)) => seconds.as_f64(),
        Some(serde_json::Value::String(seconds)) => seconds.parse().ok(),
        _ => None,
    };
    let renew_at = Instant::now() + renew_after(life.unwrap_or(LIFE_ASSUMED_SECONDS), post);
    Ok(Credential { name: AUTHORIZATION, secret: access_token, renew_at: Some(renew_at) })
}

/// A 2xx without a token. An endpoint that says `error` in it means it.
fn no_token(answer: &Answer, mask: &Mask) -> Failure {
    if let Some(said) = mask.oauth_error(&answer.body) {
        let message = format!("the token endpoint answered {}: {said}", answer.status);
        return Failure::Unauthorized { message };
    }
    // What is no page may hold a token under another name: it is not quoted.
    let page = answer.body.trim_ascii_start().starts_with(b"<");
    let excerpt = if page { mask.excerpt(&answer.body) } else { "an answer without `access_token`".to_owned() };
    Failure::Garbage { excerpt }
}

fn renew_after(life_seconds: f64, post: &Post) -> Duration {
    // A token that lives shorter than a second is used for the request it was fetched for.
    let life = if life_seconds.is_finite() { life_seconds.max(1.0) } else { LIFE_ASSUMED_SECONDS };
    post.tuning.tenant_seconds((life - RENEW_BEFORE_SECONDS).max(life / 2.0))
}

fn read(source: &SecretSource, purpose: &str, post: &Post) -> Result<SecretString, Failure> {
    let secret = source.read(purpose).map_err(|error| {
        let cause = match &error {
            SecretError::File { source, .. } => format!(": {source}"),
            SecretError::Env { .. } | SecretError::Content { .. } => String::new(),
        };
        Failure::Unauthorized { message: post.mask.clean(&format!("{error}{cause}")) }
    })?;
    post.mask.learn(&secret);
    Ok(secret)
}

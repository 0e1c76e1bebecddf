//! Who may do what: OAuth2 clients, API keys and the tokens given out. Tokens live in memory only.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::super::wire::Credential;
use super::settings::{ApiKey, Client, SCOPES, Settings};

/// Clients, keys and tokens.
#[derive(Debug)]
pub(super) struct Access {
    clients: Vec<Client>,
    api_keys: Vec<ApiKey>,
    tokens: BTreeMap<String, Grant>,
}

#[derive(Debug)]
struct Grant {
    scopes: BTreeSet<String>,
    until: Instant,
}

/// Why a request may not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    /// 401, with the reason.
    Unauthorized(&'static str),
    /// 403, with the scope that is lacking.
    Forbidden(&'static str),
}

/// A refusal of the token endpoint (RFC 6749, 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenRefusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl TokenRefusal {
    fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }
}

impl Access {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { clients, api_keys, .. } = settings;
        Self { clients: clients.clone(), api_keys: api_keys.clone(), tokens: BTreeMap::new() }
    }

    /// What a token request is granted: what was asked for and the client may have.
    pub(super) fn grant(&self, form: &BTreeMap<String, String>) -> Result<BTreeSet<String>, TokenRefusal> {
        let field = |name: &'static str| {
            form.get(name)
                .map(String::as_str)
                .ok_or_else(|| TokenRefusal::new(400, "invalid_request", format!("the form field `{name}` is missing")))
        };
        let grant_type = field("grant_type")?;
        if grant_type != "client_credentials" {
            let text = format!("expected `client_credentials`, found `{grant_type}`");
            return Err(TokenRefusal::new(400, "unsupported_grant_type", text));
        }
        let (id, secret) = (field("client_id")?, field("client_secret")?);
        let client = self
            .clients
            .iter()
            .find(|client| client.id == id && client.secret == secret)
            .ok_or_else(|| TokenRefusal::new(401, "invalid_client", "unknown client, or wrong secret"))?;
        narrowed(client, form.get("scope").map_or("", String::as_str))
    }

    /// Gives `token` out.
    pub(super) fn admit(&mut self, token: String, scopes: BTreeSet<String>, until: Instant, now: Instant) {
        self.tokens.retain(|_, grant| grant.until > now);
        self.tokens.insert(token, Grant { scopes, until });
    }

    /// Makes every token given out unknown.
    pub(super) fn revoke_all(&mut self) {
        self.tokens.clear();
    }

    /// Whether `credential` may make a call that needs `scope`.
    pub(super) fn check(&self, credential: Credential<'_>, scope: &'static str, now: Instant) -> Result<(), Denied> {
        let scopes = match credential {
            Credential::Missing => {
                return Err(Denied::Unauthorized("expected a bearer token or an API key, found none"));
            }
            Credential::Bearer(token) => match self.tokens.get(token) {
                None => return Err(Denied::Unauthorized("the token is unknown")),
                Some(grant) if grant.until <= now => return Err(Denied::Unauthorized("the token has expired")),
                Some(grant) => &grant.scopes,
            },
            Credential::ApiKey(key) => match self.api_keys.iter().find(|known| known.key == key) {
                None => return Err(Denied::Unauthorized("the API key is unknown")),
                Some(known) => &known.scopes,
            },
        };
        if scopes.contains(scope) { Ok(()) } else { Err(Denied::Forbidden(scope)) }
    }
}

fn narrowed(client: &Client, asked: &str) -> Result<BTreeSet<String>, TokenRefusal> {
    let asked: Vec<&str> = asked.split_ascii_whitespace().collect();
    if let Some(unknown) = asked.iter().find(|scope| !SCOPES.contains(scope)) {
        return Err(TokenRefusal::new(400, "invalid_scope", format!("the scope `{unknown}` is unknown")));
    }
    let granted: BTreeSet<String> =
        client.scopes.iter().filter(|scope| asked.is_empty() || asked.contains(&scope.as_str())).cloned().collect();
    if granted.is_empty() {
        return Err(TokenRefusal::new(400, "invalid_scope", "the client may have none of the scopes asked for"));
    }
    Ok(granted)
}

//! Who may do what: keys, each a user's, and the tokens given out. Tokens live in memory only.

use std::collections::{BTreeMap, HashMap};

use super::super::wire::Credential;
use super::mint::Mint;
use super::refusal::Refusal;
use super::settings::{Key, OauthClient, Role, Settings};

/// Keys, clients and tokens.
#[derive(Debug)]
pub(super) struct Access {
    keys: Vec<Key>,
    clients: Vec<OauthClient>,
    /// Until when each token is good; milliseconds since 1970.
    tokens: HashMap<String, u64>,
}

/// A refusal of the token endpoint (RFC 6749, 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenRefusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl TokenRefusal {
    pub(super) fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }
}

impl Access {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { keys: settings.keys.clone(), clients: settings.clients.clone(), tokens: HashMap::new() }
    }

    /// Gives a token out for client credentials, from now on and until then; milliseconds since 1970.
    pub(super) fn grant(
        &mut self,
        form: &BTreeMap<String, String>,
        (now_ms, until_ms): (u64, u64),
        mint: &mut Mint,
    ) -> Result<String, TokenRefusal> {
        let field = |name: &'static str| {
            let missing = || TokenRefusal::new(400, "invalid_request", format!("the field `{name}` is missing"));
            form.get(name).map(String::as_str).ok_or_else(missing)
        };
        let grant_type = field("grant_type")?;
        if grant_type != "client_credentials" {
            let text = format!("expected `client_credentials`, found `{grant_type}`");
            return Err(TokenRefusal::new(400, "unsupported_grant_type", text));
        }
        let (id, secret) = (field("client_id")?, field("client_secret")?);
        if !self.clients.iter().any(|client| client.id == id && client.secret == secret) {
            return Err(TokenRefusal::new(401, "invalid_client", "unknown client, or wrong secret"));
        }
        let token = format!("{}{}", mint.id(), mint.id());
        self.tokens.retain(|_, until_ms| *until_ms > now_ms);
        self.tokens.insert(token.clone(), until_ms);
        Ok(token)
    }

    /// Makes every token given out unknown.
    pub(super) fn revoke_all(&mut self) {
        self.tokens.clear();
    }

    /// What the bearer of a credential may do.
    pub(super) fn role(&self, credential: Credential<'_>, now_ms: u64) -> Result<Role, Refusal> {
        match credential {
            Credential::Missing => Err(Refusal::unauthorized("neither an API key nor a token was sent")),
            Credential::Bearer(token) => match self.tokens.get(token) {
                Some(until_ms) if *until_ms > now_ms => Ok(Role::Full),
                Some(_) => Err(Refusal::unauthorized("the token has expired")),
                None => Err(Refusal::unauthorized("the token is unknown")),
            },
            Credential::ApiKey(key) => {
                let known = self.keys.iter().find(|known| known.key == key);
                known.map(|known| known.role).ok_or_else(|| Refusal::unauthorized("the API key is unknown"))
            }
        }
    }
}

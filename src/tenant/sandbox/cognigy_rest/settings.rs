//! What a stand-in is made of when it starts.

use std::path::PathBuf;

pub use super::call::Role;
use super::fault::FaultPlan;
use super::rules::Behaviour;
use super::seed::Seed;

/// How to start a stand-in. The default is what `flowsync sandbox --api cognigy-rest` offers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Keys accepted in `X-API-Key`.
    pub keys: Vec<Key>,
    /// Who may ask for a token.
    pub clients: Vec<OauthClient>,
    /// How the platform behaves.
    pub behaviour: Behaviour,
    /// What is there from the start.
    pub seed: Seed,
    /// What goes wrong, and when.
    pub faults: FaultPlan,
    /// Where the state is kept between runs; without it, the state ends with the process.
    pub state_file: Option<PathBuf>,
    /// Where ids come from: one number, one sequence.
    pub chance: u64,
    /// Whether an address beyond this machine may be listened on, and names beyond it are answered to.
    pub allow_remote: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: vec![Key { key: "sandbox-key".to_owned(), role: Role::Full }],
            clients: vec![OauthClient { id: "sandbox-client".to_owned(), secret: "sandbox-secret".to_owned() }],
            behaviour: Behaviour::default(),
            seed: Seed::default(),
            faults: FaultPlan::default(),
            state_file: None,
            chance: 0,
            allow_remote: false,
        }
    }
}

/// A user's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key itself.
    pub key: String,
    /// What its user may do.
    pub role: Role,
}

/// An OAuth2 client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
}

//! What callers meet: a live environment, or a release, which is a frozen copy of one. Values only: who asks a tenant
//! for them is `tenant`, who decides about them `plan`, who carries that out `deploy`.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What an endpoint shows to whoever comes in by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shows {
    /// The environment, as it is at any moment.
    Live,
    /// A release, by its name.
    Release(String),
}

/// Where callers come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The tenant's stable id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it shows now.
    pub shows: Shows,
    /// The last part of its address, where the tenant tells.
    pub token: Option<String>,
}

/// What callers of an environment meet, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serving {
    /// The endpoints that were asked for, in that order, each once.
    pub endpoints: Vec<Endpoint>,
    /// Every release that is kept, whoever made it.
    pub releases: BTreeSet<String>,
    /// Those among them that some endpoint shows, asked for or not.
    pub in_use: BTreeSet<String>,
    /// How many more can be kept.
    pub room: usize,
}

/// What came of freezing an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The tenant's own id of the release, which may be another one tomorrow.
    pub id: String,
    /// The flows that were changed after they were read and before they were frozen, by name: the release may hold
    /// something else than what was read.
    pub moved: Vec<String>,
}

impl Serving {
    /// An endpoint that was asked for.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }
}

/// ``what is live``, ``the release `x` ``
impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("what is live"),
            Self::Release(name) => write!(f, "the release `{name}`"),
        }
    }
}

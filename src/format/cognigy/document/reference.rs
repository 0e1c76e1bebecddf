//! Reference ids: the identity of a thing in every environment.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::flow::FlowId;

/// Characters of a reference id: `8-4-4-4-12` hexadecimal digits.
const CHARACTERS: usize = 36;

/// The text is no reference id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a reference id like `3f2a91c0-0000-4000-8000-000000000001`, in lower case, found `{found}`")]
pub struct RefError {
    /// What stood there instead.
    pub found: String,
}

/// One spelling a reference id: two that are equal are equal as texts.
fn parse(text: &str) -> Result<Uuid, RefError> {
    let wrong = || RefError { found: text.to_owned() };
    let is_written_well = text.len() == CHARACTERS && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_written_well { Uuid::try_parse(text).map_err(|_| wrong()) } else { Err(wrong()) }
}

macro_rules! references {
    ($($(#[$doc:meta])+ $name:ident,)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl FromStr for $name {
            type Err = RefError;

            fn from_str(text: &str) -> Result<Self, RefError> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
    )+};
}

references! {
    /// A flow's reference id.
    FlowRef,
    /// A node's reference id. Nodes of two flows may have the same.
    NodeRef,
    /// A lexicon's reference id.
    LexiconRef,
}

impl FlowRef {
    /// The flow's id in the rest of the program: `flow_` and the 32 digits.
    #[must_use]
    pub fn flow_id(self) -> FlowId {
        FlowId::of_number(self.0.as_u128())
    }

    /// The reference id that a flow id was made from; `None` for the id of another dialect.
    #[must_use]
    pub fn of_flow(id: &FlowId) -> Option<Self> {
        id.number().map(Uuid::from_u128).map(Self)
    }
}

impl NodeRef {
    /// A reference id for a new node, from bytes of chance.
    #[must_use]
    pub fn from_chance(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

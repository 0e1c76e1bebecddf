//! New ids, the same in each run of one seed. A project's internal ids and its reference ids are told apart by their types.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Characters of an internal id (vendor's reference: `^[a-z0-9]{24}$`).
const ID_LENGTH: usize = 24;

/// What tells neighbouring drafts of one seed apart.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// An internal id: stands in paths and between relations, and is new after a restore or an import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Id(String);

/// A reference id: a UUID that stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RefId(String);

/// The text is no id of that kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub(crate) struct IdError {
    expected: &'static str,
    found: String,
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = text.len() == ID_LENGTH && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        let wrong = || IdError { expected: "24 letters a-z and digits", found: text.to_owned() };
        fits.then(|| Self(text.to_owned())).ok_or_else(wrong)
    }
}

impl FromStr for RefId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text);
        let wrong = || IdError { expected: "a UUID in lower case with hyphens", found: text.to_owned() };
        fits.then(|| Self(text.to_owned())).ok_or_else(wrong)
    }
}

macro_rules! as_text {
    ($id:ident) => {
        impl $id {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $id {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0
            }
        }
    };
}

as_text!(Id);
as_text!(RefId);

/// Where ids come from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Mint {
    seed: u64,
    n_minted: u64,
}

impl Mint {
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, n_minted: 0 }
    }

    fn chance(&mut self) -> fastrand::Rng {
        self.n_minted += 1;
        fastrand::Rng::with_seed(self.seed ^ self.n_minted.wrapping_mul(STRIDE))
    }

    pub(crate) fn id(&mut self) -> Id {
        let mut chance = self.chance();
        Id((0..ID_LENGTH).map(|_| chance.digit(36)).collect())
    }

    pub(crate) fn reference(&mut self) -> RefId {
        let mut bytes = [0_u8; 16];
        self.chance().fill(&mut bytes);
        RefId(uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids_again_and_each_of_its_kind() {
        let (mut one, mut other) = (Mint::of(7), Mint::of(7));
        for _ in 0..100 {
            let (id, reference) = (one.id(), one.reference());
            assert_eq!((id.clone(), reference.clone()), (other.id(), other.reference()));
            assert_eq!(id.as_str().parse::<Id>().unwrap(), id);
            assert_eq!(reference.as_str().parse::<RefId>().unwrap(), reference);
            assert!(reference.as_str().parse::<Id>().is_err());
            assert!(id.as_str().parse::<RefId>().is_err());
        }
    }
}

//! A live flow as an export shows it: read, or only recognised.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BodyAbsent, ContentHash, Definition, FlowId, Reading};

/// A live flow. Of one that was only recognised nobody can ask for more than its id and its hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveFlow {
    /// It was read, as far as it could be: see [`Definition::reading`].
    Read(Arc<Definition>),
    /// Its bytes were seen before, or what they hold is not needed.
    Recognised(KnownFlow),
}

/// What is known of a flow that was recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFlow {
    /// Who it is.
    pub id: FlowId,
    /// Its content hash.
    pub content_hash: ContentHash,
    /// Its equality hash.
    pub equality_hash: ContentHash,
}

impl LiveFlow {
    /// Who it is.
    #[must_use]
    pub fn id(&self) -> &FlowId {
        match self {
            Self::Read(definition) => &definition.id,
            Self::Recognised(known) => &known.id,
        }
    }

    /// See [`Definition::content_hash`].
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        match self {
            Self::Read(definition) => definition.content_hash,
            Self::Recognised(known) => known.content_hash,
        }
    }

    /// See [`Definition::equality_hash`].
    #[must_use]
    pub fn equality_hash(&self) -> ContentHash {
        match self {
            Self::Read(definition) => definition.equality_hash,
            Self::Recognised(known) => known.equality_hash,
        }
    }

    /// How much of it could be read. What is recognised could be read once.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        match self {
            Self::Read(definition) => &definition.reading,
            Self::Recognised(_) => &Reading::Whole,
        }
    }

    /// Everything that was read of it.
    ///
    /// # Errors
    ///
    /// It was only recognised.
    pub fn definition(&self) -> Result<&Arc<Definition>, BodyAbsent> {
        match self {
            Self::Read(definition) => Ok(definition),
            Self::Recognised(known) => Err(BodyAbsent { id: known.id.clone() }),
        }
    }

    /// Its JSON text.
    ///
    /// # Errors
    ///
    /// Only its hashes are known.
    pub fn body(&self) -> Result<&Arc<[u8]>, BodyAbsent> {
        self.definition()?.body()
    }
}

impl From<Definition> for LiveFlow {
    fn from(definition: Definition) -> Self {
        Self::Read(Arc::new(definition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Comparison;

    #[test]
    fn of_a_recognised_flow_there_is_nothing_but_its_hashes() {
        let read = Definition::from_live(br#"{"id":"flow_a","name":"A"}"#, &Comparison::default()).unwrap();
        let Definition { id, content_hash, equality_hash, .. } = read.clone();
        let known = LiveFlow::Recognised(KnownFlow { id: id.clone(), content_hash, equality_hash });
        let read = LiveFlow::from(read);
        for flow in [&read, &known] {
            assert_eq!((flow.id(), flow.content_hash(), flow.equality_hash()), (&id, content_hash, equality_hash));
            assert_eq!(*flow.reading(), Reading::Whole);
        }
        assert_eq!(read.definition().unwrap().name, "A");
        assert_eq!((known.definition(), known.body()), (Err(BodyAbsent { id: id.clone() }), Err(BodyAbsent { id })));
    }
}

//! Reading what a record names. A record may name anything, so blobs are measured before they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{PassError, Records};
use crate::revision::BlobId;
use crate::source::Source;

/// A blob that a record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// Its content.
    Text(Arc<[u8]>),
    /// It has so many bytes, which is more than was asked for, and was not read.
    TooLarge(u64),
    /// git does not hold it.
    Gone,
}

impl Named {
    /// Its content, if it was read.
    pub(super) fn text(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Text(text) => Some(text),
            Self::TooLarge(_) | Self::Gone => None,
        }
    }
}

impl<S: Source> Records<S> {
    /// Reads each of `blobs` once, but none of more than `bytes_max`.
    pub(super) async fn read_named(
        &self,
        blobs: impl Iterator<Item = &BlobId>,
        bytes_max: u64,
    ) -> Result<BTreeMap<BlobId, Named>, PassError> {
        let blobs: Vec<BlobId> = blobs.collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let mut named = BTreeMap::new();
        let mut fit = Vec::new();
        for (blob, bytes) in blobs.iter().zip(self.source.blob_sizes(&blobs).await?) {
            match bytes {
                None => _ = named.insert(blob.clone(), Named::Gone),
                Some(bytes) if bytes > bytes_max => _ = named.insert(blob.clone(), Named::TooLarge(bytes)),
                Some(_) => fit.push(blob.clone()),
            }
        }
        for (blob, text) in fit.iter().zip(self.source.read_blobs(&fit).await?) {
            named.insert(blob.clone(), text.map_or(Named::Gone, Named::Text));
        }
        Ok(named)
    }
}

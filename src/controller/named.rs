//! Reading what a record names. A record may name anything, so blobs are measured before they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desired::documents;
use super::{PassError, Records};
use crate::revision::{BlobId, Origin};
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

    /// Reads each of the documents once, none of whose parts has more than `bytes_max`; what git no longer holds, or
    /// cannot be composed, is gone.
    pub(super) async fn read_documents(
        &self,
        origins: impl Iterator<Item = Origin>,
        bytes_max: u64,
    ) -> Result<BTreeMap<Origin, Named>, PassError> {
        let (composed, plain): (BTreeSet<Origin>, BTreeSet<Origin>) =
            origins.partition(|origin| origin.composed.is_some());
        let blobs = self.read_named(plain.iter().map(|origin| &origin.blob), bytes_max).await?;
        let mut named: BTreeMap<Origin, Named> =
            blobs.into_iter().map(|(blob, named)| (Origin::plain(blob), named)).collect();
        if composed.is_empty() {
            return Ok(named);
        }
        let overlay = |origin: &Origin| origin.composed.as_ref().and_then(|composed| composed.overlay.clone());
        let parts = composed.iter().flat_map(|origin| [Some(origin.blob.clone()), overlay(origin)]).flatten();
        let parts: Vec<BlobId> = parts.collect::<BTreeSet<_>>().into_iter().collect();
        let sizes = self.source.blob_sizes(&parts).await?;
        let sizes: BTreeMap<BlobId, u64> =
            parts.into_iter().zip(sizes).filter_map(|(blob, bytes)| Some((blob, bytes?))).collect();
        let excess = |blob: &BlobId| sizes.get(blob).copied().filter(|bytes| *bytes > bytes_max);
        let mut fit = Vec::new();
        for origin in composed {
            match excess(&origin.blob).or_else(|| excess(&overlay(&origin)?)) {
                Some(bytes) => _ = named.insert(origin, Named::TooLarge(bytes)),
                None => fit.push(origin),
            }
        }
        let texts = documents(&*self.source, &fit).await?;
        named.extend(fit.into_iter().zip(texts).map(|(origin, text)| (origin, text.map_or(Named::Gone, Named::Text))));
        Ok(named)
    }
}

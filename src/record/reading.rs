//! Reading a manifest: it is input, and of a version that may be newer than this program.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Manifest;
use super::manifest::MANIFEST_VERSION;
use crate::flow::FlowId;
use crate::revision::CommitId;

/// A manifest may have this many bytes at most, which is some 40,000 flows: it is measured before it is read.
pub const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A manifest in git that is not gone by.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the manifest `{path}` at {commit}: {}", fault.remedy())]
pub struct ManifestError {
    /// Its path in the repository.
    pub path: String,
    /// The commit.
    pub commit: CommitId,
    /// What is wrong.
    #[source]
    pub fault: ManifestFault,
}

/// What is wrong with a manifest's text.
#[derive(Debug, thiserror::Error)]
pub enum ManifestFault {
    /// Its first number of version is greater than ours.
    #[error("it was made by a newer flowsync: its version is {found}, this one reads {MANIFEST_VERSION}")]
    Newer {
        /// Digits and dots.
        found: String,
    },
    /// No JSON, or not of this shape.
    #[error(transparent)]
    Shape(#[from] serde_json::Error),
    /// It lists a flow more than once: two manifests were merged.
    #[error("it lists `{0}` twice")]
    Twice(FlowId),
    /// More than [`MANIFEST_BYTES_MAX`].
    #[error("it has {bytes} bytes, the most is {MANIFEST_BYTES_MAX}")]
    TooLarge {
        /// So many.
        bytes: u64,
    },
}

impl ManifestFault {
    fn remedy(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "use that version here",
            _ => "only flowsync writes it; restore it from its git history",
        }
    }
}

/// What every version of the format has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versioned {
    manifest_version: String,
}

/// The first number of a version such as `1.0.0`.
fn major(version: &str) -> Option<u64> {
    let numbers: Vec<u64> = version.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.first().copied().filter(|_| numbers.len() == 3)
}

impl Manifest {
    /// Reads a manifest of git.
    ///
    /// # Errors
    ///
    /// The text is none, or one of a newer major version; or it lists a flow twice.
    pub fn from_text(text: &[u8], path: &str, commit: &CommitId) -> Result<Self, ManifestError> {
        Self::read(text).map_err(|fault| ManifestError { path: path.to_owned(), commit: commit.clone(), fault })
    }

    pub(super) fn read(text: &[u8]) -> Result<Self, ManifestFault> {
        let bytes = text.len() as u64;
        if bytes > MANIFEST_BYTES_MAX {
            return Err(ManifestFault::TooLarge { bytes });
        }
        // A newer one may have another shape: its version is looked at whether the rest can be read or not.
        let read = serde_json::from_slice::<Self>(text);
        let found = match &read {
            Ok(manifest) => manifest.manifest_version.clone(),
            Err(_) => serde_json::from_slice::<Versioned>(text).map(|it| it.manifest_version).unwrap_or_default(),
        };
        if major(&found) > major(MANIFEST_VERSION) {
            return Err(ManifestFault::Newer { found });
        }
        let manifest = read?;
        let mut seen = BTreeSet::new();
        match manifest.flows.iter().find(|flow| !seen.insert(&flow.id)) {
            Some(flow) => Err(ManifestFault::Twice(flow.id.clone())),
            None => Ok(manifest),
        }
    }
}

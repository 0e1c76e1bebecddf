//! The index on the disk: a versioned, checksummed file, rebuilt when anything is wrong with it.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::state::IndexState;
use crate::disk::make_private;

/// Raised whenever the shape or the meaning of what is stored changes, the order of an enum's variants included; the
/// crate's version stands beside it because lint rules may change with it.
const HEADER: &str = concat!("flowsync-index 8 ", env!("CARGO_PKG_VERSION"), "\n");
const SUM_BYTES: usize = 32;

/// Fills `state` from the file; leaves it as it is where the file is absent, damaged, of another
/// version, or by another comparison.
pub(super) fn load(path: &Path, rules: &[String], state: &mut IndexState) {
    let Ok(content) = std::fs::read(path) else { return };
    match read(&content, rules) {
        Some(written) => state.fill(written),
        None => tracing::info!(path = %path.display(), "the index is not usable and is built anew"),
    }
}

fn read(content: &[u8], rules: &[String]) -> Option<IndexState> {
    let (known, written): (Vec<String>, IndexState) = unseal(content)?;
    (known == rules).then_some(written)
}

/// Reads a sealed file; nothing where it is absent, damaged or of another version.
pub(super) fn read_sealed<T: DeserializeOwned>(path: &Path) -> Option<T> {
    unseal(&std::fs::read(path).ok()?)
}

fn unseal<T: DeserializeOwned>(content: &[u8]) -> Option<T> {
    let rest = content.strip_prefix(HEADER.as_bytes())?;
    let (sum, payload) = rest.split_at_checked(SUM_BYTES)?;
    if Sha256::digest(payload).as_slice() != sum {
        return None;
    }
    postcard::from_bytes(payload).ok()
}

/// Writes the file whole or not at all.
pub(super) fn save(path: &Path, rules: &[String], state: &IndexState) -> io::Result<()> {
    write_sealed(path, &(rules, state))
}

/// Writes a sealed file whole or not at all.
pub(super) fn write_sealed<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let payload = postcard::to_stdvec(value).map_err(io::Error::other)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    make_private(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for part in [HEADER.as_bytes(), &Sha256::digest(&payload), &payload] {
        io::Write::write_all(&mut file, part)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

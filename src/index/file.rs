//! The index on the disk: a versioned, checksummed file, rebuilt when anything is wrong with it.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::State;
use super::stored::Stored;

/// Raised whenever the shape or the meaning of what is stored changes; the crate's version stands
/// beside it because lint rules may change with it.
const HEADER: &str = concat!("flowsync-index 1 ", env!("CARGO_PKG_VERSION"), "\n");
const SUM_BYTES: usize = 32;

/// Fills `state` from the file; leaves it as it is where the file is absent, damaged, of another
/// version, or by another comparison.
pub(super) fn load(path: &Path, ignored: &[String], state: &mut State) {
    let Ok(content) = std::fs::read(path) else { return };
    match read(&content, ignored) {
        Some(stored) => stored.fill(state),
        None => tracing::info!(path = %path.display(), "the index is not usable and is built anew"),
    }
}

fn read(content: &[u8], ignored: &[String]) -> Option<Stored> {
    let rest = content.strip_prefix(HEADER.as_bytes())?;
    let (sum, payload) = rest.split_at_checked(SUM_BYTES)?;
    if Sha256::digest(payload).as_slice() != sum {
        return None;
    }
    let stored: Stored = postcard::from_bytes(payload).ok()?;
    (stored.ignored == ignored).then_some(stored)
}

/// Writes the file whole or not at all.
pub(super) fn save(path: &Path, ignored: &[String], state: &State) -> io::Result<()> {
    let payload = postcard::to_stdvec(&Stored::of(ignored, state)).map_err(io::Error::other)?;
    let mut content = Vec::with_capacity(HEADER.len() + SUM_BYTES + payload.len());
    content.extend_from_slice(HEADER.as_bytes());
    content.extend_from_slice(&Sha256::digest(&payload));
    content.extend_from_slice(&payload);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, &content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

//! Reference ids of a seed.

use super::super::mint::{Mint, RefId};

/// The reference id that is written, or a new one.
pub(super) fn reference(written: Option<&str>, mint: &mut Mint) -> Result<RefId, String> {
    match written {
        Some(text) => text.parse().map_err(|error| format!("`referenceId`: {error}")),
        None => Ok(mint.reference()),
    }
}

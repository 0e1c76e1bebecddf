//! Digests of records, as text.

use sha2::{Digest as _, Sha256};

/// Lower-case hex SHA-256.
#[must_use]
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `sha256:` and [`hex_sha256`]: the form of `flowsDigest` and `planDigest`.
#[must_use]
pub fn digest_text(bytes: &[u8]) -> String {
    format!("sha256:{}", hex_sha256(bytes))
}

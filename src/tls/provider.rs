//! The cryptography under TLS.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// Small, and built without cmake.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

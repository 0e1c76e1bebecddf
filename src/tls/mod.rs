//! TLS as a client: whom we believe, and what is wrong with a certificate in words.
//!
//! rustls with the roots of the system and those a `caFile` adds. Sites in git are reached by libgit2, which brings
//! OpenSSL along; what that refuses is named here as well. Nothing here can be told to believe just anybody.

mod fault;
mod provider;
mod roots;
mod verifier;

use std::sync::Arc;

pub use rustls::ClientConfig;

pub use fault::{CertificateFault, handshake_fault};
use provider::provider;
pub use roots::{CaFileError, Roots};
use verifier::Verifier;

/// What is spoken inside, best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS does not start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No root is known at all.
    #[error("this machine has no trusted roots that can be read; install them (`ca-certificates`), or name a `caFile`")]
    NoRoots(#[source] rustls::Error),
    /// The TLS library refuses its own settings.
    #[error("TLS cannot be set up")]
    Settings(#[source] rustls::Error),
}

/// How a client of servers with these roots, and the system's, speaks TLS 1.2 and 1.3, over HTTP/2 where it can.
///
/// # Errors
/// Where neither the system nor `extra` has a root.
pub fn client_config(extra: Roots) -> Result<ClientConfig, SetupError> {
    let provider = provider();
    let verifier = Verifier::new(extra, &provider).map_err(SetupError::NoRoots)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Settings)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// A client that no server is good enough for: for addresses without TLS, since the system's roots are slow to read.
///
/// # Errors
/// Where the TLS library refuses its own settings.
pub fn nobody() -> Result<ClientConfig, SetupError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Settings)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

//! Who is believed: whoever the system believes, whoever a root of the `caFile` signed, and a server whose own
//! certificate stands in it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::fault::calls_itself_authority;
use super::roots::Roots;

#[derive(Debug)]
pub(super) struct Verifier {
    system: rustls_platform_verifier::Verifier,
    extra: Roots,
}

impl Verifier {
    pub(super) fn new(extra: Roots, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let roots = extra.0.clone();
        let system = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(provider))?;
        Ok(Self { system, extra })
    }

    /// Whether the very certificate was named, where all there is to say against it is that it calls itself an
    /// authority, which a server must not be: most tools make self-signed ones so.
    fn is_named_itself(
        &self,
        server: &CertificateDer<'_>,
        name: &ServerName<'_>,
        why_not: &Error,
    ) -> Result<bool, Error> {
        let only_that = matches!(why_not, Error::InvalidCertificate(fault) if calls_itself_authority(fault));
        if !only_that || !self.extra.0.contains(server) {
            return Ok(false);
        }
        verify_server_name(&ParsedCertificate::try_from(server)?, name).map(|()| true)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.system.verify_server_cert(server, intermediates, name, ocsp_response, now) {
            Err(why_not) if self.is_named_itself(server, name, &why_not)? => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

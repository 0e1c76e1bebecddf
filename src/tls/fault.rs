//! What is wrong with a certificate, and what to do about it.

use std::error::Error as StdError;

use jiff::Timestamp;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, CertificateError, Error, RootCertStore};

use super::provider::provider;

/// Names of a certificate that are shown.
const NAMES_MAX: usize = 5;

/// Why a server's certificate is refused. Trying again would not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFault {
    /// Nobody who is trusted signed it.
    UnknownIssuer,
    /// It is made out for these names, and not for the server's.
    OtherName(Vec<String>),
    /// Its time is over.
    Expired {
        /// When it ended.
        not_after: Timestamp,
        /// What the clock says here.
        now: Timestamp,
    },
    /// Its time is to come.
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
        /// What the clock says here.
        now: Timestamp,
    },
    /// Anything else, in the words of the library.
    Unusable(String),
}

impl CertificateFault {
    /// The fault among the causes of a connection that failed, if it was that.
    #[must_use]
    pub fn among(error: &(dyn StdError + 'static)) -> Option<Self> {
        tls_error(error).and_then(invalid).map(Self::new)
    }

    /// What is wrong with the certificate that a server at `host` showed to another library, which refused it.
    #[must_use]
    pub fn of(certificate: &[u8], host: &str) -> Self {
        let now = UnixTime::now();
        let der = CertificateDer::from(certificate);
        let judge = || {
            let certificate = ParsedCertificate::try_from(&der)?;
            let algorithms = provider().signature_verification_algorithms.all;
            let dates =
                verify_server_cert_signed_by_trust_anchor(&certificate, &RootCertStore::empty(), &[], now, algorithms);
            let is_dated = |fault: &Self| matches!(fault, Self::Expired { .. } | Self::NotYetValid { .. });
            if let Some(fault) = dates.as_ref().err().and_then(invalid).map(Self::new).filter(is_dated) {
                return Ok(fault);
            }
            let name = ServerName::try_from(host).map_err(|_| Error::General(format!("`{host}` is no host name")))?;
            verify_server_name(&certificate, &name).map(|()| Self::UnknownIssuer)
        };
        judge().unwrap_or_else(|error| match error {
            Error::InvalidCertificate(fault) => Self::new(&fault),
            other => Self::Unusable(other.to_string()),
        })
    }

    fn new(fault: &CertificateError) -> Self {
        match fault {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            // Believed where it stands in the `caFile` itself; here it does not.
            fault if calls_itself_authority(fault) => Self::UnknownIssuer,
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::OtherName(presented.iter().map(|name| plain(name)).collect())
            }
            CertificateError::NotValidForName => Self::OtherName(Vec::new()),
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired { not_after: timestamp(*not_after), now: timestamp(*time) }
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                Self::NotYetValid { not_before: timestamp(*not_before), now: timestamp(*time) }
            }
            other => Self::Unusable(other.to_string()),
        }
    }

    /// A sentence about the server at `host`; `ca_key` names the setting that adds roots.
    #[must_use]
    pub fn explain(&self, host: &str, ca_key: &str) -> String {
        match self {
            Self::UnknownIssuer => format!(
                "the certificate of `{host}` is signed by nobody who is trusted here; the root of a private authority \
                 is named by `{ca_key}`"
            ),
            Self::OtherName(names) => {
                let names = shown(names);
                format!(
                    "the certificate that `{host}` shows is made out for {names}, not for `{host}`; correct the host name"
                )
            }
            Self::Expired { not_after, now } => {
                format!("the certificate of `{host}` expired at {not_after:.0}; the clock here says {now:.0}")
            }
            Self::NotYetValid { not_before, now } => {
                format!("the certificate of `{host}` is valid from {not_before:.0} on; the clock here says {now:.0}")
            }
            Self::Unusable(why) => format!("the certificate of `{host}` cannot be used: {why}"),
        }
    }
}

/// What a connection failed for that is neither a certificate nor the network, where it is to be said in plain words.
#[must_use]
pub fn handshake_fault(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    match tls_error(error)? {
        Error::InvalidMessage(_) => Some("what answers there does not speak TLS; is it an `http://` address?"),
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            Some("the server knows no TLS that is safe; 1.2 or 1.3 is needed")
        }
        _ => None,
    }
}

/// The error of rustls among the causes.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        // An error of the system's that carries another one is not said to have it for its cause.
        let carried = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = carried.map_or_else(|| cause.source(), |carried| Some(carried));
    }
    None
}

/// Whether what is wrong is that the certificate calls itself an authority, as self-signed ones mostly do. Its dates
/// were looked at before.
pub(super) fn calls_itself_authority(fault: &CertificateError) -> bool {
    let CertificateError::Other(other) = fault else { return false };
    other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn invalid(error: &Error) -> Option<&CertificateError> {
    if let Error::InvalidCertificate(fault) = error { Some(fault) } else { None }
}

fn timestamp(time: UnixTime) -> Timestamp {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

/// A name without the kind that the library sets around it: `DnsName("example.com")`, `IpAddress(10.0.0.1)`.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"')).to_owned()
}

fn shown(names: &[String]) -> String {
    if names.is_empty() {
        return "no host name at all".to_owned();
    }
    let mut texts: Vec<String> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    if names.len() > NAMES_MAX {
        texts.push(format!("{} more", names.len() - NAMES_MAX));
    }
    texts.join(", ")
}

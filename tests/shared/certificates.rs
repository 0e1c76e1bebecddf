//! Certificates made on the spot, for servers that listen on this machine.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A certificate and its key.
pub struct Identity {
    cert: X509,
    key: PKey<Private>,
}

/// What a certificate says.
pub struct Says<'a> {
    /// OpenSSL tells roots apart by it.
    pub common_name: &'a str,
    /// Host names it is made out for.
    pub hosts: &'a [&'a str],
    /// When it is good, in days from now.
    pub days: (i64, i64),
    /// Whether it calls itself an authority.
    pub authority: bool,
}

impl Default for Says<'_> {
    fn default() -> Self {
        Self { common_name: "server", hosts: &["localhost"], days: (-1, 2), authority: false }
    }
}

impl Identity {
    /// One that `issuer` signs, or that signs itself.
    pub fn new(says: &Says<'_>, issuer: Option<&Self>) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", says.common_name).unwrap();
        let name = name.build();
        let mut cert = X509::builder().unwrap();
        cert.set_version(2).unwrap();
        cert.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        cert.set_subject_name(&name).unwrap();
        cert.set_issuer_name(issuer.map_or(&name, |issuer| issuer.cert.subject_name())).unwrap();
        cert.set_pubkey(&key).unwrap();
        cert.set_not_before(&day(says.days.0)).unwrap();
        cert.set_not_after(&day(says.days.1)).unwrap();
        if !says.hosts.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for host in says.hosts {
                names.dns(host);
            }
            let names = names.build(&cert.x509v3_context(None, None)).unwrap();
            cert.append_extension(names).unwrap();
        }
        if says.authority {
            cert.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        }
        cert.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
        Self { cert: cert.build(), key }
    }

    /// For a `caFile`.
    pub fn pem(&self) -> Vec<u8> {
        self.cert.to_pem().unwrap()
    }

    /// A server that shows it, and speaks HTTP/2 with whoever can.
    pub fn acceptor(&self) -> SslAcceptor {
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
        acceptor.set_private_key(&self.key).unwrap();
        acceptor.set_certificate(&self.cert).unwrap();
        acceptor.set_alpn_select_callback(|_, offered| {
            openssl::ssl::select_next_proto(b"\x02h2\x08http/1.1", offered).ok_or(openssl::ssl::AlpnError::NOACK)
        });
        acceptor.build()
    }
}

#[allow(clippy::disallowed_methods, reason = "certificates are judged by the clock of the machine")]
fn day(from_now: i64) -> Asn1Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Asn1Time::from_unix(now.cast_signed() + from_now * 24 * 60 * 60).unwrap()
}

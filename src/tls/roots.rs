//! The certificates of a `caFile`.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::disk::read_regular;

/// Bundles of every public authority have a quarter of this.
const CA_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Certificates that are believed besides the system's.
#[derive(Debug, Clone, Default)]
pub struct Roots(pub(super) Vec<CertificateDer<'static>>);

/// A `caFile` is no good.
#[derive(Debug, thiserror::Error)]
pub enum CaFileError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds no certificate that can be used.
    #[error("expected PEM certificates in `{}`, found none that can be read", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Roots {
    /// Every certificate of a PEM file that can be read.
    ///
    /// # Errors
    /// Where that is none.
    pub fn read(path: &Path) -> Result<Self, CaFileError> {
        let pem = read_regular(path, CA_FILE_BYTES_MAX)
            .map_err(|source| CaFileError::Unreadable { path: path.to_owned(), source })?;
        let usable =
            |certificate: &CertificateDer<'static>| rustls::RootCertStore::empty().add(certificate.clone()).is_ok();
        let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).filter(usable).collect();
        if roots.is_empty() {
            return Err(CaFileError::Empty { path: path.to_owned() });
        }
        Ok(Self(roots))
    }
}

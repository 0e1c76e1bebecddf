//! Whether a commit is signed by somebody who is trusted: ssh signatures against a file of allowed signers, OpenPGP ones
//! against a file of keys.
//!
//! The signatures are checked by the programs that made them, `ssh-keygen` and `gpg`, as git does it: run without a shell,
//! for a bounded time, with nothing of this user's own keys or settings. What to do about a verdict is the caller's business.

mod fault;
mod openpgp;
mod program;
mod ssh;

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::config::Verify;
use crate::disk::read_regular;

pub use fault::{KeysError, SignatureFault, Signed};
pub use program::ProgramError;

/// A file of keys may have this many bytes at most.
const KEYS_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Those who are trusted, as their files have it now.
#[derive(Debug)]
pub struct Keys {
    allowed_signers: Option<Vec<u8>>,
    openpgp: Option<Vec<u8>>,
}

impl Keys {
    /// Reads the files, and looks whether the programs are there.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a program is missing.
    pub fn open(verify: &Verify) -> Result<Self, KeysError> {
        let missing = |key, program, package| Err(KeysError::Missing { key, program, package });
        if verify.allowed_signers.is_some() && !program::is_there(ssh::PROGRAM) {
            return missing("allowedSigners", ssh::PROGRAM, "OpenSSH 8.9 or newer");
        }
        if verify.openpgp_keys.is_some() && !program::is_there(openpgp::PROGRAM) {
            return missing("openpgpKeys", openpgp::PROGRAM, "GnuPG");
        }
        let Verify { allowed_signers, openpgp_keys } = verify;
        Ok(Self {
            allowed_signers: read("allowedSigners", allowed_signers.as_deref())?,
            openpgp: read("openpgpKeys", openpgp_keys.as_deref())?,
        })
    }

    /// By what they are told from others.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for file in [&self.allowed_signers, &self.openpgp] {
            hasher.update(file.as_ref().map_or(u64::MAX, |content| content.len() as u64).to_be_bytes());
            hasher.update(file.as_deref().unwrap_or_default());
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is needed to check one signature after the other. Blocks.
    ///
    /// # Errors
    ///
    /// There is no room for it, or `gpg` cannot read the keys.
    pub fn checker(&self) -> Result<Checker, KeysError> {
        let folder = tempfile::Builder::new().prefix("flowsync-keys-").tempdir().map_err(KeysError::Temporary)?;
        let ssh = self.allowed_signers.as_ref().map(|keys| ssh::Signers::new(folder.path(), keys)).transpose()?;
        let openpgp = self.openpgp.as_ref().map(|keys| openpgp::Ring::new(folder.path(), keys)).transpose()?;
        Ok(Checker { ssh, openpgp, _folder: folder })
    }
}

fn read(key: &'static str, path: Option<&Path>) -> Result<Option<Vec<u8>>, KeysError> {
    let read = |path: &Path| {
        read_regular(path, KEYS_BYTES_MAX).map_err(|source| KeysError::Read { key, path: path.to_owned(), source })
    };
    path.map(read).transpose()
}

/// Checks signatures, with files of its own.
#[derive(Debug)]
pub struct Checker {
    ssh: Option<ssh::Signers>,
    openpgp: Option<openpgp::Ring>,
    _folder: tempfile::TempDir,
}

impl Checker {
    /// Whether a signature is somebody's who is trusted. Blocks.
    ///
    /// # Errors
    ///
    /// It cannot be found out.
    pub fn check(&self, signed: Option<&Signed>) -> Result<Result<(), SignatureFault>, KeysError> {
        let Some(signed) = signed else { return Ok(Err(SignatureFault::Unsigned)) };
        let is_ssh = signed.signature.starts_with(b"-----BEGIN SSH SIGNATURE-----");
        match (is_ssh, &self.ssh, &self.openpgp) {
            (true, Some(ssh), _) => ssh.check(signed),
            (false, _, Some(openpgp)) => openpgp.check(signed),
            (true, None, _) => Ok(Err(SignatureFault::OtherKind("`openpgpKeys` can check"))),
            (false, _, None) => Ok(Err(SignatureFault::OtherKind("`allowedSigners` can check"))),
        }
    }
}

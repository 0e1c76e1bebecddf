//! ssh signatures, checked by `ssh-keygen` against a file of allowed signers, in the namespace and at the time of the commit.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::fault::{KeysError, SignatureFault, Signed};
use super::program::{Ran, run};

/// The program.
pub(super) const PROGRAM: &str = "ssh-keygen";

/// What git signs for.
const NAMESPACE: &str = "git";

/// So many principals of one key are tried.
const PRINCIPALS_MAX: usize = 100;

/// Those who are allowed.
#[derive(Debug)]
pub(super) struct Signers {
    folder: PathBuf,
    allowed: String,
}

impl Signers {
    pub(super) fn new(folder: &Path, keys: &[u8]) -> Result<Self, KeysError> {
        let allowed = folder.join("allowed-signers");
        std::fs::write(&allowed, keys).map_err(KeysError::Temporary)?;
        Ok(Self { folder: folder.to_owned(), allowed: allowed.display().to_string() })
    }

    pub(super) fn check(&self, signed: &Signed) -> Result<Result<(), SignatureFault>, KeysError> {
        let file = self.folder.join("signature");
        std::fs::write(&file, &signed.signature).map_err(KeysError::Temporary)?;
        let file = file.display().to_string();
        // The program is told to live in UTC.
        let at = format!("verify-time={}", signed.time.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S"));
        let ask = |arguments: &[&str], content: &[u8]| run(PROGRAM, arguments, &self.folder, content);
        let found = ask(&["-Y", "find-principals", "-f", &self.allowed, "-s", &file, "-O", &at], b"")?;
        let mut last = found.stderr.clone();
        if found.is_success {
            for principal in found.stdout.lines().filter(|line| !line.is_empty()).take(PRINCIPALS_MAX) {
                let who =
                    ["-Y", "verify", "-n", NAMESPACE, "-f", &self.allowed, "-I", principal, "-s", &file, "-O", &at];
                let verified = ask(&who, &signed.content)?;
                if verified.is_success {
                    return Ok(Ok(()));
                }
                last = verified.stderr;
            }
        }
        let sound = ask(&["-Y", "check-novalidate", "-n", NAMESPACE, "-s", &file], &signed.content)?;
        Ok(Err(if sound.is_success { not_allowed(&last, &sound) } else { SignatureFault::Bad }))
    }
}

/// Why a sound signature is not one of those allowed, in the program's words.
fn not_allowed(said: &str, sound: &Ran) -> SignatureFault {
    if said.contains("no valid principals found") || said.contains("certificate not authorized") {
        return SignatureFault::Certificate;
    }
    let why = said.lines().find_map(|line| {
        let starts = ["key has expired", "key is not yet valid", "key is not permitted for use"];
        starts.iter().find_map(|start| Some(line[line.find(start)?..].to_owned()))
    });
    match why {
        Some(why) => SignatureFault::NotValid(why.trim().to_owned()),
        None => {
            let key = sound.stdout.split_whitespace().find(|word| word.starts_with("SHA256:"));
            SignatureFault::UnknownKey(key.map(|key| format!(" ({key})")).unwrap_or_default())
        }
    }
}

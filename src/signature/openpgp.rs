//! OpenPGP signatures, checked by `gpg` with a ring that holds nobody but those who are trusted.

use std::path::{Path, PathBuf};

use super::fault::{KeysError, SignatureFault, Signed};
use super::program::{ProgramError, Ran, run};

/// The program.
pub(super) const PROGRAM: &str = "gpg";

/// A ring of its own.
#[derive(Debug)]
pub(super) struct Ring {
    home: PathBuf,
}

impl Ring {
    pub(super) fn new(folder: &Path, keys: &[u8]) -> Result<Self, KeysError> {
        let home = folder.join("gpg");
        std::fs::create_dir(&home).map_err(KeysError::Temporary)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let only_ours = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&home, only_ours).map_err(KeysError::Temporary)?;
        }
        let ring = Self { home };
        let imported = ring.ask(&["--import"], keys)?;
        if !imported.stdout.contains("[GNUPG:] IMPORT_OK ") {
            let said = format!("`sync.verify.openpgpKeys` holds no key that it can read ({})", imported.said());
            return Err(ProgramError::Failed { program: PROGRAM, said }.into());
        }
        Ok(ring)
    }

    pub(super) fn check(&self, signed: &Signed) -> Result<Result<(), SignatureFault>, KeysError> {
        let file = self.home.join("signature.asc");
        std::fs::write(&file, &signed.signature).map_err(KeysError::Temporary)?;
        let file = file.display().to_string();
        Ok(judge(&self.ask(&["--verify", &file, "-"], &signed.content)?))
    }

    /// Nothing is fetched, asked or started besides.
    fn ask(&self, what: &[&str], stdin: &[u8]) -> Result<Ran, ProgramError> {
        let home = self.home.display().to_string();
        let fixed = [
            "--homedir",
            &home,
            "--no-options",
            "--batch",
            "--no-tty",
            "--no-autostart",
            "--no-auto-key-retrieve",
            "--no-auto-check-trustdb",
            "--trust-model",
            "always",
            "--status-fd",
            "1",
        ];
        run(PROGRAM, &[&fixed, what].concat(), &self.home, stdin)
    }
}

/// What the status lines of one verification say. Exactly one signature must be there and be good.
fn judge(ran: &Ran) -> Result<(), SignatureFault> {
    let lines = ran.stdout.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
    let all = |word: &str| lines.iter().filter(|line| line.first() == Some(&word)).collect::<Vec<_>>();
    let number = |line: &[&str], at: usize| line.get(at).and_then(|number| number.parse::<i64>().ok());
    let key = |line: &[&str]| line.get(1).map(|key| format!(" ({key})")).unwrap_or_default();
    if !all("BADSIG").is_empty() {
        return Err(SignatureFault::Bad);
    }
    if !all("REVKEYSIG").is_empty() {
        return Err(SignatureFault::Revoked);
    }
    if !all("EXPSIG").is_empty() {
        return Err(SignatureFault::NotValid("the signature has expired".to_owned()));
    }
    let valid = all("VALIDSIG");
    if let (Some(missing), true) = (all("ERRSIG").first(), valid.is_empty()) {
        return Err(SignatureFault::UnknownKey(key(missing)));
    }
    let [valid] = valid[..] else { return Err(SignatureFault::Bad) };
    if all("GOODSIG").len() == 1 {
        return Ok(());
    }
    if all("EXPKEYSIG").len() != 1 {
        return Err(SignatureFault::Bad);
    }
    // The key has expired since; what counts is when it signed.
    let expired = all("KEYEXPIRED").into_iter().filter_map(|line| number(line, 1)).min();
    match (number(valid, 3), expired) {
        (Some(signed), Some(expired)) if signed < expired => Ok(()),
        _ => Err(SignatureFault::NotValid("it had expired".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[&str]) -> Result<(), SignatureFault> {
        let stdout = lines.iter().map(|line| format!("[GNUPG:] {line}\n")).collect();
        judge(&Ran { is_success: true, stdout, stderr: String::new() })
    }

    const VALID: &str = "VALIDSIG 0123 2026-11-26 1795708800 0 4 0 22 8 00 0123";

    #[test]
    fn only_one_good_signature_of_a_valid_key_counts() {
        assert_eq!(judged(&["NEWSIG", "GOODSIG 23 Ann", VALID]), Ok(()));
        assert_eq!(judged(&["GOODSIG 23 Ann", VALID, "GOODSIG 24 Bob", VALID]), Err(SignatureFault::Bad));
        assert_eq!(judged(&["GOODSIG 23 Ann", VALID, "BADSIG 24 Bob"]), Err(SignatureFault::Bad));
        assert_eq!(
            judged(&["ERRSIG 24 1 8 00 1 9 -", "NO_PUBKEY 24"]),
            Err(SignatureFault::UnknownKey(" (24)".into()))
        );
        assert_eq!(judged(&["REVKEYSIG 23 Ann", VALID]), Err(SignatureFault::Revoked));
        assert_eq!(judged(&["KEYEXPIRED 1795708801", "EXPKEYSIG 23 Ann", VALID]), Ok(()));
        for expired in ["KEYEXPIRED 1795708800", "KEYEXPIRED 1", "NODATA 1"] {
            assert!(matches!(judged(&[expired, "EXPKEYSIG 23 Ann", VALID]), Err(SignatureFault::NotValid(_))));
        }
        assert!(matches!(judged(&["EXPSIG 23 Ann", VALID]), Err(SignatureFault::NotValid(_))));
        for nothing in [&[] as &[&str], &["NODATA 4"], &["GOODSIG 23 Ann"], &[VALID]] {
            assert_eq!(judged(nothing), Err(SignatureFault::Bad), "{nothing:?}");
        }
    }
}

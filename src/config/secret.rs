//! A secret is named, never written: `{ env: NAME }` or `{ file: PATH }`. A file is a regular one of a bounded size:
//! whatever stands there, reading it neither waits nor fills the memory.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::disk::read_regular;

/// A secret is smaller; a key of 16,384 bits has 13 KiB.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is found. Reading it again sees a file that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; one trailing line break is not part of the secret.
    File(PathBuf),
}

/// A secret could not be read. Names where it should be, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or not UTF-8, or empty.
    #[error("the environment variable `{name}` {problem}; the configuration names it for {purpose}")]
    Env {
        /// The variable.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What it is for, for example `tenant.auth.apiKey`.
        purpose: String,
    },
    /// The file cannot be read.
    #[error("cannot read the secret file `{}` for {purpose}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it is for.
        purpose: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is empty or not UTF-8.
    #[error("the secret file `{}` for {purpose} {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is for.
        purpose: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl SecretSource {
    /// Reads the secret now. `purpose` goes into the error.
    ///
    /// # Errors
    /// Where it is not there, cannot be read, is no regular file, is empty, not UTF-8, or over 64 KiB.
    pub fn read(&self, purpose: &str) -> Result<SecretString, SecretError> {
        self.read_up_to(SECRET_BYTES_MAX, purpose)
    }

    /// Reads what is named like a secret and is a file of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub(crate) fn read_up_to(&self, bytes_max: u64, purpose: &str) -> Result<SecretString, SecretError> {
        let text = match self {
            Self::Env(name) => {
                let wrong = |problem| SecretError::Env { name: name.clone(), problem, purpose: purpose.to_owned() };
                std::env::var(name).map_err(|error| match error {
                    std::env::VarError::NotPresent => wrong("is not set"),
                    std::env::VarError::NotUnicode(_) => wrong("is not UTF-8"),
                })?
            }
            Self::File(path) => {
                let bytes = read_regular(path, bytes_max).map_err(|source| SecretError::File {
                    path: path.clone(),
                    purpose: purpose.to_owned(),
                    source,
                })?;
                String::from_utf8(bytes).map_err(|_| self.content(purpose, "is not UTF-8"))?
            }
        };
        self.check(text, purpose)
    }

    fn check(&self, text: String, purpose: &str) -> Result<SecretString, SecretError> {
        let secret = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if secret.is_empty() {
            return Err(self.content(purpose, "is empty"));
        }
        Ok(SecretString::from(secret.to_owned()))
    }

    fn content(&self, purpose: &str, problem: &'static str) -> SecretError {
        match self {
            Self::Env(name) => SecretError::Env { name: name.clone(), problem, purpose: purpose.to_owned() },
            Self::File(path) => SecretError::Content { path: path.clone(), purpose: purpose.to_owned(), problem },
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_that_changes_is_read_again_and_its_last_line_break_is_no_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().to_path_buf());
        for (written, meant) in [("hunter2\n", "hunter2"), ("b\r\n", "b"), ("c\n\n", "c\n"), (" d ", " d ")] {
            std::fs::write(file.path(), written).unwrap();
            assert_eq!(source.read("tests").unwrap().expose_secret(), meant);
        }
        assert!(!format!("{:?} {source:?}", source.read("tests")).contains(" d "));
    }

    #[test]
    fn a_file_that_never_ends_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, large) = (folder.path().join("fifo"), folder.path().join("large"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        std::fs::write(&large, "x".repeat(64 * 1024)).unwrap();
        assert!(SecretSource::File(large.clone()).read("tests").is_ok());
        std::fs::write(&large, "x".repeat(64 * 1024 + 1)).unwrap();
        for (path, found) in [(fifo, "a FIFO"), ("/dev/zero".into(), "a device"), (large, "more")] {
            let error = SecretSource::File(path.clone()).read("tenant.auth.apiKey").unwrap_err();
            let said = crate::error_chain(&error);
            assert!(said.contains(&format!("`{}` for tenant.auth.apiKey: expected", path.display())), "{said}");
            assert!(said.ends_with(&format!("found {found}")), "{said}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_where_it_should_be_and_what_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().to_path_buf());
        assert!(
            source.read("tenant.auth.apiKey").unwrap_err().to_string().ends_with("for tenant.auth.apiKey is empty")
        );
        std::fs::write(file.path(), b"hunter2\xff").unwrap();
        assert!(!format!("{:?}", source.read("tests").unwrap_err()).contains("hunter2"));
        let missing = SecretSource::File(file.path().join("none")).read("tests").unwrap_err();
        assert!(missing.to_string().starts_with("cannot read the secret file"));
        let unset = SecretSource::Env("FLOWSYNC_TESTS_NEVER_SET_THIS".to_owned()).read("tenant.auth.apiKey");
        assert_eq!(
            unset.unwrap_err().to_string(),
            "the environment variable `FLOWSYNC_TESTS_NEVER_SET_THIS` is not set; \
             the configuration names it for tenant.auth.apiKey"
        );
        let empty = SecretSource::Env("TOKEN".to_owned()).check("\n".to_owned(), "tenant.auth.apiKey").unwrap_err();
        assert!(empty.to_string().starts_with("the environment variable `TOKEN` is empty; "), "{empty}");
    }
}

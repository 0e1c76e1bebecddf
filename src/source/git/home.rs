//! Where OpenSSH and git look for what a person has set up.

use std::path::PathBuf;

/// The person's home folder, if one is known.
pub(super) fn folder() -> Option<PathBuf> {
    std::env::home_dir()
}

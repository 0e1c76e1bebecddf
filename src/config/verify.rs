//! `sync.verify`: whose signatures commits must carry.

use std::path::{Path, PathBuf};

use super::names;
use super::written::{Findings, Section, VERIFY, Wrong};
use super::yaml::Node;

/// Files with the keys of those who are trusted: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// ssh keys, in the form of ssh-keygen's ALLOWED SIGNERS.
    pub allowed_signers: Option<PathBuf>,
    /// OpenPGP keys, armored or not.
    pub openpgp_keys: Option<PathBuf>,
}

/// Reads the section; one with something wrong is a finding, and nobody is trusted then.
pub(super) fn read(node: &Node, folder: &Path, findings: &mut Findings) -> Option<Verify> {
    let section = Section::open(node, VERIFY, findings)?;
    let mut file = |key| section.read(key, findings, |node| names::file(node, folder));
    let (allowed_signers, openpgp_keys) = (file("allowedSigners"), file("openpgpKeys"));
    if section.get("allowedSigners").is_none() && section.get("openpgpKeys").is_none() {
        let message = "expected `allowedSigners` or `openpgpKeys`, found neither";
        findings.add(node, Wrong::value(message, "name a file with the keys of those who may change flows"));
        return None;
    }
    Some(Verify { allowed_signers, openpgp_keys })
}

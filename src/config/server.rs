//! What `server` means: who may ask the controller for what over HTTP.

use std::path::Path;

use super::names;
use super::secret::SecretSource;
use super::written::{Findings, SERVER, Section, WEBHOOK};
use super::yaml::Node;

/// Who may ask the controller for what. A route whose secret is absent is not there, but reading, which is free then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// Whoever has it may ask for a pass.
    pub token: Option<SecretSource>,
    /// Whoever has it may read; absent, everybody may.
    pub read_token: Option<SecretSource>,
    /// What webhooks are signed with, or show.
    pub webhook_secret: Option<SecretSource>,
}

impl Server {
    /// Where its secrets are found.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        [&self.token, &self.read_token, &self.webhook_secret].into_iter().flatten()
    }
}

/// Reads the section. What is wrong in it is a finding.
pub(super) fn read(node: &Node, base: &Path, findings: &mut Findings) -> Server {
    let Some(section) = Section::open(node, SERVER, findings) else { return Server::default() };
    let token = section.get("token").and_then(|node| names::secret(node, base, findings));
    let read_token = section.get("readToken").and_then(|node| names::secret(node, base, findings));
    let webhook = section.get("webhook").and_then(|node| Section::open(node, WEBHOOK, findings));
    let secret = webhook.and_then(|webhook| webhook.required("secret", findings));
    let webhook_secret = secret.and_then(|node| names::secret(node, base, findings));
    Server { token, read_token, webhook_secret }
}

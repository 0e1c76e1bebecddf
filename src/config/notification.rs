//! Who is told of what happens while the controller runs, and of what.

use std::collections::BTreeSet;
use std::path::PathBuf;

use url::Url;

use super::{ForgeAddress, ForgeKind, SecretSource};

/// Somebody to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// How and where.
    pub target: NotificationTarget,
    /// Of what.
    pub events: BTreeSet<NotificationEvent>,
    /// Of which environments; absent for all.
    pub environments: Option<BTreeSet<String>>,
    /// More trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` to a host other than loopback is accepted.
    pub allow_insecure: bool,
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationTarget {
    /// JSON of ours, signed where there is a secret.
    Webhook {
        /// Without query.
        url: Url,
        /// The key of the signature.
        secret: Option<SecretSource>,
    },
    /// A message by an incoming webhook of Slack, whose address is the secret.
    Slack {
        /// That address.
        url: SecretSource,
    },
    /// A card by a workflow of Teams, whose address is the secret.
    Teams {
        /// That address.
        url: SecretSource,
    },
    /// A status of the commit, on GitHub or GitLab; the address has a token.
    Status(ForgeAddress),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationEvent {
    /// A deployment was made.
    Deployed,
    /// A deployment failed and was taken back.
    RolledBack,
    /// A deployment failed and could not be taken back as a whole.
    RollbackIncomplete,
    /// A commit was refused.
    Refused,
    /// What is live differs from git, and is left so.
    Drifted,
    /// Nothing could be done.
    Error,
    /// All is well again.
    Recovered,
}

/// Every event and its word.
pub(super) const EVENTS: [(&str, NotificationEvent); 7] = [
    ("deployed", NotificationEvent::Deployed),
    ("rolled-back", NotificationEvent::RolledBack),
    ("rollback-incomplete", NotificationEvent::RollbackIncomplete),
    ("refused", NotificationEvent::Refused),
    ("drifted", NotificationEvent::Drifted),
    ("error", NotificationEvent::Error),
    ("recovered", NotificationEvent::Recovered),
];

impl NotificationEvent {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        EVENTS.iter().find(|(_, event)| *event == self).map_or("", |(word, _)| word)
    }
}

impl NotificationTarget {
    /// Its `kind`, as written.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Teams { .. } => "teams",
            Self::Status(ForgeAddress { kind: ForgeKind::GitHub, .. }) => "github-status",
            Self::Status(ForgeAddress { kind: ForgeKind::GitLab, .. }) => "gitlab-status",
            Self::Status(ForgeAddress { kind: ForgeKind::Gitea, .. }) => "gitea-status",
        }
    }

    /// Where its secret is found.
    pub(super) fn secret(&self) -> Option<&SecretSource> {
        match self {
            Self::Webhook { secret, .. } => secret.as_ref(),
            Self::Slack { url } | Self::Teams { url } => Some(url),
            Self::Status(address) => address.token.as_ref(),
        }
    }
}

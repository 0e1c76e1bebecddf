//! The life of a deployment, as one total match.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Proposed; nothing happened.
    Pending,
    /// Under way: recovery finishes it forward.
    Deploying,
    /// Being taken back: recovery finishes it backward.
    Restoring,
    /// Done.
    Deployed,
    /// Failed, and everything it had written was restored.
    RolledBack,
    /// Failed, and something could not be restored.
    RollbackIncomplete,
}

/// What can happen to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusEvent {
    /// It is written down, and whoever wins the push of that may write.
    Begun,
    /// Git and tenant were found equal: there is nothing to write but that.
    Adopted,
    /// Another process took it over, its own came back to it or renewed the lease, or git was told more of it.
    Continued,
    /// Every flow was read back as sent.
    Verified,
    /// Something failed.
    UndoStarted,
    /// Every touched flow was read back as before.
    Undone,
    /// Some touched flow was not.
    UndoneInPart,
}

/// An event that cannot happen in this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a deployment that is `{status}` cannot go on with {event:?}")]
pub struct IllegalEvent {
    /// The status.
    pub status: Status,
    /// The event.
    pub event: StatusEvent,
}

impl Status {
    /// The status after `event`.
    ///
    /// # Errors
    ///
    /// The event cannot happen in this status.
    pub fn after(self, event: StatusEvent) -> Result<Self, IllegalEvent> {
        match (self, event) {
            (Self::Pending, StatusEvent::Begun) => Ok(Self::Deploying),
            (Self::Pending, StatusEvent::Adopted) => Ok(Self::Deployed),
            (Self::Deploying | Self::Restoring, StatusEvent::Continued) => Ok(self),
            (Self::Deploying, StatusEvent::Verified) => Ok(Self::Deployed),
            (Self::Deploying | Self::Restoring, StatusEvent::UndoStarted) => Ok(Self::Restoring),
            (Self::Restoring, StatusEvent::Undone) => Ok(Self::RolledBack),
            (Self::Restoring, StatusEvent::UndoneInPart) => Ok(Self::RollbackIncomplete),
            (status, event) => Err(IllegalEvent { status, event }),
        }
    }

    /// Whether the deployment has begun and has not ended.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Deploying | Self::Restoring)
    }

    /// Whether the deployment has ended, well or badly.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Deployed | Self::RolledBack | Self::RollbackIncomplete)
    }

    /// The word in the manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Deploying => "deploying",
            Self::Restoring => "restoring",
            Self::Deployed => "deployed",
            Self::RolledBack => "rolled-back",
            Self::RollbackIncomplete => "rollback-incomplete",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_deployment_accepts_no_event() {
        for status in [Status::Deployed, Status::RolledBack, Status::RollbackIncomplete] {
            for event in [
                StatusEvent::Begun,
                StatusEvent::Adopted,
                StatusEvent::Continued,
                StatusEvent::Verified,
                StatusEvent::UndoStarted,
                StatusEvent::Undone,
                StatusEvent::UndoneInPart,
            ] {
                assert_eq!(status.after(event), Err(IllegalEvent { status, event }));
            }
        }
    }

    #[test]
    fn a_failed_deployment_passes_through_restoring() {
        assert!(Status::Deploying.after(StatusEvent::Undone).is_err());
        let restoring = Status::Deploying.after(StatusEvent::UndoStarted).unwrap();
        assert_eq!(restoring.after(StatusEvent::Undone), Ok(Status::RolledBack));
        assert_eq!(restoring.after(StatusEvent::UndoneInPart), Ok(Status::RollbackIncomplete));
        assert!(restoring.after(StatusEvent::Verified).is_err());
    }
}

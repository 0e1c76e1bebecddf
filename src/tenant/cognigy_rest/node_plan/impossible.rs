//! What no sequence of requests leads to.

/// Why a chart cannot become another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The root chain must begin with `start`.
    #[error("expected the chart to begin with its node of type `start`")]
    NoStart,
    /// Nothing can follow the end.
    #[error("nothing can follow node `{0}` of type `end`")]
    AfterEnd(String),
    /// A node that the tenant alone makes.
    #[error("node `{node}` of type `{kind}` comes and goes with its parent only: it cannot be created")]
    Create {
        /// Its reference id.
        node: String,
        /// Its type.
        kind: String,
    },
    /// A node that the tenant alone removes.
    #[error("node `{node}` of type `{kind}` comes and goes with its parent only: it cannot be deleted")]
    Delete {
        /// Its reference id.
        node: String,
        /// Its type.
        kind: String,
    },
    /// A node that stays where it is.
    #[error("node `{node}` of type `{kind}` cannot be moved")]
    Move {
        /// Its reference id.
        node: String,
        /// Its type.
        kind: String,
    },
    /// A new node comes with a child that is not wanted, and cannot be deleted.
    #[error("node `{node}` comes with a child of type `{kind}`, which cannot be left out")]
    Brings {
        /// Reference id of the new node.
        node: String,
        /// The child's type.
        kind: String,
    },
}

impl Impossible {
    /// The type of the node that it is about, where that is the reason.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::NoStart | Self::AfterEnd(_) => None,
            Self::Create { kind, .. }
            | Self::Delete { kind, .. }
            | Self::Move { kind, .. }
            | Self::Brings { kind, .. } => Some(kind),
        }
    }
}

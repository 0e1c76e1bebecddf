//! What a node may be asked to do, by its type.
//!
//! Types are opaque text: an unknown one is an ordinary node in a chain, and a fixed marker below a parent, which is
//! the careful reading of both.

/// The extension of nodes that come with the product.
pub(super) const BASIC_EXTENSION: &str = "@cognigy/basic-nodes";

/// The type of a node, and whose extension it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// For example `say`.
    pub name: String,
    /// For example `@cognigy/basic-nodes`.
    pub extension: String,
}

/// What may be done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Begins the root chain; never created, deleted or moved.
    Start,
    /// Ends the root chain; never created, deleted or moved, and nothing comes after it.
    End,
    /// Stands in a chain.
    Ordinary,
    /// Comes and goes with its parent: `then`, `else`, `default` and their like.
    Marker,
    /// Created below its parent: a case, a tool.
    Branch,
}

impl Kind {
    /// A type of the product's own.
    #[must_use]
    pub fn basic(name: &str) -> Self {
        Self { name: name.to_owned(), extension: BASIC_EXTENSION.to_owned() }
    }

    /// Whether nodes of this type are nothing but places: neither their heads nor their configurations are read,
    /// compared or written.
    #[must_use]
    pub fn is_mere_place(&self) -> bool {
        matches!(self.name.as_str(), "start" | "end" | "then" | "else" | "default" | "onFirstExecution" | "afterwards")
    }

    /// What may be done to a node of this type that stands in a chain.
    #[must_use]
    pub fn in_chain(&self) -> Role {
        match self.name.as_str() {
            "start" => Role::Start,
            "end" => Role::End,
            _ => Role::Ordinary,
        }
    }

    /// What may be done to a node of this type that stands below a parent.
    #[must_use]
    pub fn below_parent(&self) -> Role {
        if self.name == "case" || self.name.ends_with("Tool") { Role::Branch } else { Role::Marker }
    }
}

impl Role {
    /// Whether it is never created, deleted or moved.
    #[must_use]
    pub fn is_fixed(self) -> bool {
        matches!(self, Self::Start | Self::End | Self::Marker)
    }
}

/// The types of the children that a new node of a type brings along, in their order; `None` where only its marker
/// children are known to come, whatever they are.
#[must_use]
pub fn brought_with(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "if" => Some(&["then", "else"]),
        "switch" => Some(&["default", "case", "case"]),
        "once" => Some(&["onFirstExecution", "afterwards"]),
        _ => None,
    }
}

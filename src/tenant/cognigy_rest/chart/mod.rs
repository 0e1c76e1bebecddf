//! Charts: nodes and relations on the wire, a tree for everybody else.
//!
//! A chart that is no tree is *unreadable*, with the reason; nothing is guessed.

mod kind;
mod read;
mod relate;
mod tree;
mod wire;

pub use kind::{Kind, Role, brought_with};
pub use read::{UnreadableChart, head, read};
pub use relate::relate;
pub use tree::{Chain, Head, Node, Standing, Tree, Within};
pub use wire::{WireChart, WireNode, WireRelation};

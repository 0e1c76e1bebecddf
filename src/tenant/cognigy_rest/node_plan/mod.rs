//! How one chart becomes another, as a value.
//!
//! [`plan`] is pure: it asks nobody and remembers nothing. It can be made anew from whatever a broken-off execution has
//! left, and ends at the same chart. Steps come in this order, so that nothing points at what is not there yet, and
//! nothing is lost that is to survive:
//!
//! 1. **create**, parents first and *disabled*, since what they lead to may be missing still;
//! 2. children that came with a new parent and nobody wants **go**;
//! 3. **move**, again parents first: whatever moves into a chain finds it in its place;
//! 4. **write** fields: entry points on, then targets before what leads to them, then what is enabled, entry points off;
//! 5. **delete**, leaves first: survivors have moved out by now.

mod build;
mod impossible;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod machine;
mod matching;
mod order;
mod place;
mod step;
#[cfg(test)]
mod tests;
mod write;

pub use build::plan;
pub use impossible::Impossible;
pub use step::{Count, Creation, NodePlan, NodeStep, Patch, Place};

//! What an environment adds to a flow: an overlay over its file, and its own id where the file says `${environment}`.
//! Pure.

mod base;
mod compose;
mod equal;
mod fault;
mod guard;
mod merge;
mod operation;
mod patch;
mod place;
#[cfg(test)]
mod tests;
mod value;
mod work;

pub use base::{Unwritable, base_of};
pub use compose::{NotComposed, check_composed, composed_place, composed_text};

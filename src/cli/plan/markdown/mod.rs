//! Plans as a comment of a pull request.
//!
//! Everything that a flow says stands in code, where nothing is markup, link or mention; charts escape it themselves.
//! The whole fits into one comment whatever is planned: what goes first stands last.

mod budget;
mod details;
mod page;
mod section;

pub(super) use page::page;
pub(super) use section::Section;

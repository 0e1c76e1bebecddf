//! The format `cognigy-flow/1`: a flow is a folder with `flow.json`, a file a locale, and its code as files.

mod check;
pub mod document;
pub mod folder;
mod json;
mod view;
#[cfg(test)]
mod view_laws;

/// The JSON Schema of `flow.json`, draft 2020-12, for editors. What is read is checked by [`document`] and [`folder`], which
/// say more.
pub const COGNIGY_FLOW_SCHEMA: &str = include_str!("schema.json");

pub(super) use check::{check, place, text};
pub(super) use view::view;

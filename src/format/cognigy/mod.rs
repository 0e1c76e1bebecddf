//! The format `cognigy-flow/1`: a flow is a folder with `flow.json`, a file a locale, and its code as files.

pub mod document;
mod json;

//! The project held to what it says of itself: its structure, its example, its documents.
#![allow(unreachable_pub, reason = "modules of one test binary share helpers")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers are tests too")]

#[path = "project/architecture.rs"]
mod architecture;
#[path = "project/ci_examples.rs"]
mod ci_examples;
#[path = "project/circles.rs"]
mod circles;
#[path = "project/documents.rs"]
mod documents;
#[path = "project/example.rs"]
mod example;
#[path = "project/operators/mod.rs"]
mod operators;
#[path = "project/paths.rs"]
mod paths;
#[path = "project/sources.rs"]
mod sources;
#[path = "project/tokens.rs"]
mod tokens;
#[path = "project/unused.rs"]
mod unused;

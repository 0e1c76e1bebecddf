//! The project held to what it says of itself: its structure, its example, its documents.

#[path = "project/architecture.rs"]
mod architecture;
#[path = "project/documents.rs"]
mod documents;
#[path = "project/example.rs"]
mod example;
#[path = "project/sources.rs"]
mod sources;

//! A file a command: arguments in, text out.

pub mod sandbox;

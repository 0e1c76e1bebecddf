//! flowsync keeps the conversation flows of a NICE Cognigy.AI tenant equal to a folder of JSON files in git.

pub mod clock;
pub mod config;
pub mod flow;
pub mod plan;
pub mod problem;
pub mod record;
pub mod revision;
pub mod source;
pub mod tenant;

//! flowsync keeps the conversation flows of a NICE Cognigy.AI tenant equal to a folder of JSON files in git.

pub mod cli;
pub mod config;
pub mod flow;
pub mod problem;
pub mod source;
pub mod tenant;

//! flowsync keeps the conversation flows of a NICE Cognigy.AI tenant equal to a folder of JSON files in git.

pub mod cli;
pub mod clock;
pub mod config;
pub mod controller;
pub mod demo;
pub mod deploy;
pub mod flow;
pub mod index;
pub mod local;
pub mod plan;
pub mod problem;
pub mod record;
pub mod revision;
pub mod serve;
pub mod source;
pub mod tenant;

/// An error and its causes, once each, as `what: because: because`.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = next.source();
    }
    text
}

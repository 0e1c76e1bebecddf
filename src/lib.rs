//! flowsync keeps the conversation flows of a NICE Cognigy.AI tenant equal to a folder of JSON files in git.
//!
//! # One pass, in order
//!
//! [`controller::Engine::pass`] takes no input: it looks at all of git and all of live.
//!
//! 1. fetch and read the manifest ([`source`], [`record`]); finish what was interrupted ([`deploy::Found::recovery`]);
//! 2. read and check the flow files of the commit ([`flow`]), before any request to the tenant;
//! 3. export what is live and look up what flows refer to ([`tenant`]);
//! 4. plan: git x live x last deployed -> ordered changes ([`plan`]);
//! 5. commit and push the manifest, status `deploying`: only whoever wins that push goes on ([`source`]);
//! 6. push, verify and, where that fails, restore ([`deploy`]), each request announced in the journal ([`local`]);
//! 7. commit and push how it ended, with the audit trail ([`record`]).
//!
//! [`cli`] turns arguments into passes and reports into text; [`serve`] shows the last reports, [`notify`] tells of them and `traces`
//! sends their spans; [`config`] says what is wanted; [`index`] spares reading twice what did not change; [`problem`] is how anything wrong is told; [`demo`] shows it all.
//!
//! # Invariants
//!
//! - Nothing is written to a tenant before the manifest that announces it is pushed; no request that changes a
//!   tenant is made before its intent is on the disk.
//! - The pushed manifest is lock and journal. Nothing is forced, and only the records folder is written.
//! - A plan is a value, made by a pure function. Carrying it out decides nothing.
//! - A read that failed or came back short is never taken for an absence.
//! - Deployed and restored are what a final export shows, compared by hash.
//! - Flows that git never held are never touched.
//! - Time and chance are handed in ([`clock`]); whatever reaches a plan, a hash or a page is sorted.
//!
//! # Deliberately absent
//!
//! A database, partial deployments, a force flag, locks that a person must remove, and wire formats in the engine: a
//! second tenant dialect is one new folder under [`tenant`].
//!
//! `ARCHITECTURE.md` has the folders; `tests/project/architecture.rs` holds who may know whom.

// A test may be one long table, and what a command prints as a whole; a function of the program may not.
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

pub mod address;
pub mod cli;
pub mod clock;
pub mod config;
pub mod controller;
pub mod demo;
pub mod deploy;
mod disk;
pub mod flow;
pub mod forge;
pub mod format;
pub mod index;
pub mod local;
pub mod notify;
mod parallel;
pub mod picture;
pub mod plan;
pub mod problem;
pub mod record;
pub mod release;
pub mod revision;
pub mod serve;
pub mod shutdown;
pub mod signature;
mod smoke;
pub mod source;
pub mod tenant;
pub mod tls;
mod traces;
mod web;

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

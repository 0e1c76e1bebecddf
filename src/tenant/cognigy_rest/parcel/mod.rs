//! Package files, and how a flow in one becomes another. Pure: bytes in, bytes out.
//!
//! A package is the one write that keeps reference ids. What is put into one is made from a fresh export of that very
//! flow (`edit`), so that whatever else the platform keeps of it, settings, intents, states, comes along unread.

mod archive;
mod edit;
mod files;
#[cfg(test)]
mod laws;
mod read;
mod said;

pub(super) use files::Parcel;
pub(super) use read::Charts;

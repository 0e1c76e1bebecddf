//! The stand-in for the vendor's own API: projects, flows, charts of nodes, locales.
//!
//! It is written from what is known of that API and knows no client. Where a rule comes from is said beside it: the
//! vendor's reference, real exports, or users' reports. What nobody has confirmed is a switch in [`rules`].
//!
//! - `model`: what the platform holds and what calls do to it; pure, time and rules are handed in.
//! - `parcel`: package files, written and read.
//! - `mint`, `clock`: new ids, and what time it is. `refusal`: a call refused, in the vendor's form.
//! - [`settings`], [`rules`]: what it is made of, and how it behaves. `seed`: what it holds at the start.
//! - `access`, `limiter`: who may, how often.
//! - `http`: the wire. A request is read, slowed, limited, let in, performed, logged.
//! - `shared`: all of the above of one running stand-in, behind one lock.
//! - `server`: starting and stopping. `handle`, `live`: the way in for whoever embeds it.

mod access;
mod call;
mod clock;
mod fault;
mod handle;
mod http;
mod limiter;
mod live;
mod mint;
mod model;
mod parcel;
mod reach_in;
mod refusal;
pub mod rules;
mod seed;
mod server;
pub mod settings;
mod shared;
mod state;

pub use fault::FaultPlan;
pub use handle::{Handle, HandleError};
pub use http::inside::{Answer, Request};
pub use seed::{PROJECT, Seed, SeedError};
pub use server::{CognigySandbox, Running};

//! The stand-in that speaks flow-api-v2 as strictly as the real thing.
//!
//! - [`settings`]: what it is made of. `seed`, `state`: what it holds at the start, and between runs.
//! - `world`: environments and flows, and what each call does to them; pure, the time is handed in.
//! - `access`, `limiter`, `fault`: who may, how often, what goes wrong.
//! - `http`: the wire. A request is read, slowed, limited, let in, struck by a fault, performed, logged.
//! - `shared`: all of the above of one running sandbox, behind one lock.
//! - `server`: starting and stopping. `handle`: the way in for whoever embeds it.

mod access;
mod fault;
mod handle;
mod http;
mod limiter;
mod seed;
mod server;
pub mod settings;
mod shared;
mod state;
mod world;

pub use fault::FaultPlan;
pub use handle::{Handle, HandleError};
pub use seed::{Seed, SeedEnvironment, SeedError};
pub use server::{Running, Sandbox};
pub use settings::{ApiKey, Behaviour, Client, Rate, Settings};
pub use world::{HISTORY_MAX, Violation};

//! A Cognigy.AI stand-in that speaks flow-api-v2 as strictly as the real thing, in this process.
//!
//! People try flowsync against it (`flowsync sandbox`), the demo and the tests run it in-process, and a
//! fault plan makes it fail on purpose. `docs/sandbox.md` describes it from the outside.
//!
//! - [`settings`]: what it is made of. `seed`, `file`: what it holds at the start, and between runs.
//! - `world`: environments and flows, and what each call does to them; pure, the time is handed in.
//! - `access`, `limiter`, `fault`, `log`: who may, how often, what goes wrong, what was asked.
//! - `http`: the wire. A request is read, slowed, limited, let in, struck by a fault, performed, logged.
//! - `shared`: all of the above of one running sandbox, behind one lock.
//! - `server`: starting and stopping. `handle`: the way in for whoever embeds it.
//!
//! Absent on purpose: TLS, HTTP/2, and any check of what `/sandbox/...` puts behind everyone's back.

mod access;
mod fault;
mod file;
mod handle;
mod http;
mod limiter;
mod log;
mod seed;
mod server;
pub mod settings;
mod shared;
mod span;
mod world;
mod yaml;

pub use fault::FaultPlan;
pub use file::StateFileError;
pub use handle::{Handle, HandleError};
pub use log::{LoggedRequest, RequestLog};
pub use seed::{Seed, SeedEnvironment, SeedError};
pub use server::{Running, Sandbox, StartError};
pub use settings::{ApiKey, Behaviour, Client, Rate, Settings};
pub(crate) use span::Span;
pub use world::{HISTORY_MAX, Violation};
pub use yaml::ReadError;

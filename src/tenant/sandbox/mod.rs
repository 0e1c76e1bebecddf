//! Stand-ins for tenants, in this process: as strict as the real thing, and failing on purpose when asked to.
//!
//! People try flowsync against them (`flowsync sandbox`), the demo and the tests run them in-process.
//! `docs/sandbox.md` describes them from the outside. Each API has a folder that knows no other and no client:
//!
//! - `flows_v2`: flow-api-v2.
//! - [`cognigy_rest`]: the vendor's own API.
//!
//! Beside them lies what they share: `wire` (HTTP), `fault` (what may go wrong with any request), `file` (the state file), `log` (what was asked), `stand` (starting, stopping and sharing), `span` and `yaml`
//! (what people write).
//!
//! Absent on purpose: TLS, HTTP/2, and any check of what `/sandbox/...` puts behind everyone's back.

pub mod cognigy_rest;
mod fault;
mod file;
mod flows_v2;
mod log;
mod span;
mod stand;
mod wire;
mod yaml;

pub use file::StateFileError;
pub use flows_v2::settings;
pub use flows_v2::{
    ApiKey, Behaviour, Client, FaultPlan, HISTORY_MAX, Handle, HandleError, Rate, Running, Sandbox, Seed,
    SeedEnvironment, SeedError, Settings, Violation,
};
pub use log::{LoggedRequest, RequestLog};
pub(crate) use span::Span;
pub use stand::StartError;
pub use yaml::ReadError;

//! `flowsync demo`: everything once, in a temporary folder, with this very binary against a stand-in.
//!
//! Every step runs a real command as a user would, shows what it prints, and checks its exit code: a
//! demo that ends with 0 has seen what it tells. `flows_v2` and `cognigy_rest` are the two stories, one an API;
//! `stage` is what they are told on, `example` what their people commit into `repository`.

mod cognigy_rest;
mod example;
mod flows_v2;
mod repository;
mod stage;

pub use cognigy_rest::run as run_cognigy_rest;
pub use flows_v2::run as run_flows_v2;

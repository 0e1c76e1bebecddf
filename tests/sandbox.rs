//! The sandbox over real HTTP: every call, every scope, every fault.

#![allow(clippy::unwrap_used)]

#[path = "sandbox/access.rs"]
mod access;
#[path = "sandbox/calls.rs"]
mod calls;
#[path = "sandbox/cognigy/mod.rs"]
mod cognigy;
#[path = "sandbox/control.rs"]
mod control;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/keeping.rs"]
mod keeping;
#[path = "sandbox/support.rs"]
mod support;

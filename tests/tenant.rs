//! The tenant client against a scripted server on a real socket: every row of the failure table at
//! every call site, paging, signing in, and what never leaves the process.

#![allow(unreachable_pub, reason = "modules of one test binary share helpers")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "shared/certificates.rs"]
mod certificates;
#[path = "shared/hotel.rs"]
mod hotel;

mod tenant {
    mod auth;
    mod cognigy;
    mod cognigy_budget;
    mod cognigy_kept;
    mod cognigy_sandbox;
    mod connect;
    mod faults;
    mod large;
    mod limits;
    mod logs;
    mod moving;
    mod paging;
    mod redirects;
    mod server;
    mod tls;
    mod writes;
}

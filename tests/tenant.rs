//! The tenant client against a scripted server on a real socket: every row of the failure table at
//! every call site, paging, signing in, and what never leaves the process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tenant {
    mod auth;
    mod connect;
    mod faults;
    mod limits;
    mod logs;
    mod paging;
    mod redirects;
    mod server;
    mod writes;
}

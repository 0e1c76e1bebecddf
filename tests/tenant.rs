//! The tenant client against a scripted server on a real socket: every row of the failure table at
//! every call site, paging, signing in, and what never leaves the process.

mod tenant {
    mod auth;
    mod faults;
    mod limits;
    mod paging;
    mod redirects;
    mod server;
    mod writes;
}

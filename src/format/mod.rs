//! How the flows of a dialect stand in files: composed from them and scattered over them, checked, and put in order.
//!
//! Pure: no file, no network, no clock. Nothing above this room and [`crate::tenant`] names a dialect.

pub mod cognigy;

//! The `flowsync` binary.

fn main() {}

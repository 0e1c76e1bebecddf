//! The `flowsync` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowsync::cli::main(std::env::args_os().collect())
}

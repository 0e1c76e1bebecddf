//! The log on stderr.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use super::arguments::{Globals, LogFormat};

/// Starts logging for this process.
pub(super) fn start(globals: &Globals) {
    let level = match (globals.quiet, globals.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let ours = tracing_subscriber::filter::filter_fn(|metadata| metadata.target().starts_with("flowsync"));
    if globals.log_format == LogFormat::Json {
        super::output::say_in_json();
    }
    let layer = match globals.log_format {
        LogFormat::Text => fmt::layer()
            .with_writer(|| super::screen::Stderr)
            .with_ansi(super::context::color_of(globals, &std::io::stderr()))
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(|| super::screen::Stderr).boxed(),
    };
    // A second start in one process (tests) keeps the first.
    _ = tracing_subscriber::registry().with(layer.with_filter(ours)).with(level).try_init();
}

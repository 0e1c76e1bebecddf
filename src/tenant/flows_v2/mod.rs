//! wip
mod throttle;
mod tuning;

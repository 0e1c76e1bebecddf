//! The metrics of a controller: `families` are their names and labels, `meter` counts what it hears.
//!
//! They are kept in a registry of their own, and nothing of a request ever becomes a label.

mod families;
mod meter;
#[cfg(test)]
mod tests;

pub use meter::Meter;

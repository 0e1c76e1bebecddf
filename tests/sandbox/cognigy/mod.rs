//! The stand-in for the vendor's own API, rule by rule.

mod charts;
mod conformance;
mod control;
mod flows;
mod packages;
mod support;
mod transport;

//! `flowsync demo`

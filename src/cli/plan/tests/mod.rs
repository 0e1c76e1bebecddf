//! Whole outputs, one for each kind of change, and what no flow may do to them.

mod charts;
mod forms;
mod kinds;
mod limits;
mod world;

//! Faults on purpose, as far as they know no API: which of the requests that a rule is about it strikes, and what may
//! happen to any request and its answer.

mod strike;
mod trouble;
mod turn;

pub(super) use strike::{Delivery, suffer};
pub(super) use trouble::Corruption;
pub(super) use trouble::{AnswerSpec, DelaySpec, Trouble, When, answered, delayed, status_in};
pub(super) use turn::{Tally, Turn, TurnWritten};

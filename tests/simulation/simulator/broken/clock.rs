//! Clocks that stand still.

use std::sync::Arc;

use flowsync::clock::{Clock, ClockReading, SimulatedClock};
use jiff::Timestamp;

use super::{Breakage, Broken};

struct Stopped {
    clock: Arc<SimulatedClock>,
    at: ClockReading,
}

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }

    fn reading(&self) -> ClockReading {
        self.at
    }
}

/// The clocks of a machine, as its engine sees them.
pub fn clock(clock: &Arc<SimulatedClock>, broken: &Broken) -> Arc<dyn Clock> {
    if broken.is(Breakage::StoppedClock) {
        return Arc::new(Stopped { clock: clock.clone(), at: clock.reading() });
    }
    clock.clone()
}

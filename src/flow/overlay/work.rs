//! How much one composition may cost: a patch of a few lines can ask for any amount.

/// So many units may one composition take: a value made costs [`MADE`], one that is looked at costs one.
const UNITS_MAX: usize = 16_000_000;

/// What a value in memory costs.
const MADE: usize = 4;

/// So many elements of an array are moved along for one unit.
const MOVED: usize = 64;

/// What is left to spend.
#[derive(Debug)]
pub(super) struct Work(usize);

/// Nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

impl Default for Work {
    fn default() -> Self {
        Self(UNITS_MAX)
    }
}

impl Work {
    /// `n_values` are made.
    pub(super) fn made(&mut self, n_values: usize) -> Result<(), Spent> {
        self.spend(n_values.saturating_mul(MADE))
    }

    /// `n_values` are looked at.
    pub(super) fn looked(&mut self, n_values: usize) -> Result<(), Spent> {
        self.spend(n_values)
    }

    /// `n_values` are moved to another place in their array or object.
    pub(super) fn moved(&mut self, n_values: usize) -> Result<(), Spent> {
        self.spend(1 + n_values / MOVED)
    }

    fn spend(&mut self, units: usize) -> Result<(), Spent> {
        self.0 = self.0.checked_sub(units).ok_or(Spent)?;
        Ok(())
    }
}

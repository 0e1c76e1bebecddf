//! How much may be said.

/// Most bytes of all plans of one call, in whatever form: what is inside of large flows is cut, and it is said.
pub(super) const PLAN_BYTES_MAX: usize = 4_800_000;

//! What a text may measure.

/// Largest text that is read as a flow, in bytes.
pub const FLOW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most arrays and objects inside each other.
pub const DEPTH_MAX: usize = 128;

/// Most digits of an integer: Python, whose canonical form is hashed, reads no longer ones.
pub const INTEGER_DIGITS_MAX: usize = 4300;

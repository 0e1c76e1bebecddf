//! A panic is a bug of ours: what is said of it, wherever it is caught.

use std::any::Any;

use super::report::{EnvironmentReport, SyncResult};

impl EnvironmentReport {
    /// The report of a pass that panicked.
    #[must_use]
    pub fn of_panic(environment: &str, panic: &(dyn Any + Send)) -> Self {
        Self { error: Some(internal_error(panic)), ..Self::new(environment, SyncResult::Error) }
    }
}

/// A panic as an error.
#[must_use]
pub fn internal_error(panic: &(dyn Any + Send)) -> String {
    format!(
        "internal error: {}; this is a bug, please report it; the next pass goes on with what was begun",
        panic_words(panic)
    )
}

/// What a panic says.
#[must_use]
pub fn panic_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}

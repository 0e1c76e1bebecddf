//! Which environments of a configuration are looked after.

use crate::cli::context::select;
use crate::cli::output::Failure;
use crate::config::Config;

/// The environments to look after. A broken one is told of, and stops no other.
pub(super) fn usable(config: &Config, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let selected = select(config, wanted)?;
    if let (Some((_, Err(failure))), false) = (selected.first(), selected.iter().any(|(_, found)| found.is_ok())) {
        return Err(failure.clone());
    }
    Ok(selected.into_iter().map(|(name, _)| name).collect())
}

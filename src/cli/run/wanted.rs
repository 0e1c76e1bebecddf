//! Which environments of a configuration are looked after.

use crate::cli::arguments::Shard;
use crate::cli::context::select;
use crate::cli::output::Failure;
use crate::config::Config;

/// The environments that this process is to look after.
pub(super) struct Wanted {
    /// Those asked for by name; none is all.
    pub(super) names: Vec<String>,
    pub(super) shard: Option<Shard>,
}

impl Wanted {
    /// Those of a configuration. A broken one is told of, and stops no other.
    pub(super) fn of(&self, config: &Config) -> Result<Vec<String>, Failure> {
        let selected = select(config, &self.names)?;
        if let (Some((_, Err(failure))), false) = (selected.first(), selected.iter().any(|(_, found)| found.is_ok())) {
            return Err(failure.clone());
        }
        let names = selected.into_iter().map(|(name, _)| name);
        Ok(names.filter(|name| self.shard.is_none_or(|shard| shard.takes(name))).collect())
    }
}

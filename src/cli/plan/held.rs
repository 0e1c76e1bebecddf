//! What keeps a planned environment from being written to.

use super::ground::Ground;
use crate::cli::context::RealRecords;
use crate::cli::output::Failure;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Environment;
use crate::controller::PassError;
use crate::plan::{self, Hold};
use crate::source::LocalRepository;

/// What is known of it.
pub(super) struct Holding {
    /// Why nothing is written, though it could be.
    pub(super) hold: Option<Hold>,
    /// Why it cannot be told, which refuses a deployment.
    pub(super) refused: Option<String>,
}

/// Looks where the records stand, as far as is known here.
pub(super) async fn holding(
    records: &RealRecords,
    environment: &Environment,
    repository: Option<&LocalRepository>,
    ground: &Ground,
) -> Result<Holding, Failure> {
    let tip = match repository {
        Some(repository) => repository.records_tips(&environment.repository)?.into_iter().next(),
        None => ground.records.clone(),
    };
    let window = plan::closed(&environment.sync.windows, SystemClock.now());
    let Some(tip) = tip else { return Ok(Holding { hold: window, refused: None }) };
    match records.hold_of(&records.suspended_at(&tip).await?) {
        Ok(suspension) => Ok(Holding { hold: suspension.or(window), refused: None }),
        Err(PassError::Refused { reason, .. }) => Ok(Holding { hold: None, refused: Some(reason) }),
        Err(error) => Err(error.into()),
    }
}

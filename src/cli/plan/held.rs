//! What keeps a planned environment from being written to.

use super::ground::Ground;
use crate::cli::context::RealRecords;
use crate::cli::output::{Failure, complain};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Environment;
use crate::controller::PassError;
use crate::plan::{self, Hold};
use crate::problem::escape_terminal;
use crate::source::LocalRepository;

/// What is known of it.
pub(super) struct Holding {
    /// Why nothing is written, though it could be.
    pub(super) hold: Option<Hold>,
    /// What refuses a deployment besides the plan: signatures, or that it cannot be told.
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
    let unsigned = unsigned(records, environment, ground).await;
    let Some(tip) = tip else { return Ok(Holding { hold: window, refused: unsigned }) };
    match records.hold_of(&records.suspended_at(&tip).await?) {
        Ok(suspension) => Ok(Holding { hold: suspension.or(window), refused: unsigned }),
        Err(PassError::Refused { reason, .. }) => Ok(Holding { hold: None, refused: Some(reason) }),
        Err(error) => Err(error.into()),
    }
}

/// Why signatures refuse it. Where they cannot be checked here, that is said: whoever writes checks them again.
async fn unsigned(records: &RealRecords, environment: &Environment, ground: &Ground) -> Option<String> {
    for commit in &ground.reviewed {
        let verify = environment.sync.verify.as_ref();
        match records.check_signed(verify, commit, ground.manifest.as_ref()).await {
            Ok(()) => {}
            Err(PassError::Refused { reason, .. }) => return Some(reason),
            Err(error) => {
                let why = crate::error_chain(&error);
                complain(&format!("{}: signatures were not checked: {}", environment.name, escape_terminal(&why)));
            }
        }
    }
    None
}

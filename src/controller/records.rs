//! Git's side of one environment: where its branches stand, what its records say, and what of that its history proves.
//!
//! Reads git and nothing else: no tenant is opened and nothing is written. What is read here is spread over the files of its
//! questions: `observe`, `named`, `trust`, `claims`, `states`, `prove`, `trail`.

use std::sync::Arc;

use crate::config::SecretSource;
use crate::flow::EnvironmentId;
use crate::index::FlowIndex;

/// The records of one environment.
#[derive(Debug, Clone)]
pub struct Records<S> {
    /// The environment's name in the configuration.
    pub environment: String,
    /// The tenant's name of it.
    pub target: EnvironmentId,
    /// The tenant's URL in the one form by which tenants are told apart.
    pub tenant_url: String,
    /// The branch that is the truth.
    pub branch: String,
    /// The records folder, for messages.
    pub folder: String,
    /// Where the key that seals manifests is found, if they are sealed.
    pub seal_key: Option<SecretSource>,
    /// What is known of flows by their bytes, and how they are compared.
    pub index: FlowIndex,
    /// The repository.
    pub source: Arc<S>,
}

//! Whether a manifest is this environment's, before anything in it is gone by.

use std::sync::Arc;

use super::{PassError, PassOptions, Records};
use crate::record::audit::{self, Closing};
use crate::record::{DeploymentId, Identity, Manifest, SealKey, manifest_digest, paths};
use crate::revision::CommitId;
use crate::source::Source;

/// A manifest as git has it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The commit it was read at.
    pub commit: CommitId,
    /// Its text.
    pub text: Arc<[u8]>,
    /// What it says.
    pub manifest: Manifest,
}

/// Whose records were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    /// This environment's.
    Ours,
    /// A person takes them for this environment's: they are of another environment, target or tenant.
    Adopted,
    /// A person takes them although their seal does not say so.
    Unsealed,
}

impl<S: Source> Records<S> {
    /// This environment, as its records name it.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let (environment, target) = (self.environment.clone(), self.target.clone());
        Identity { environment, target, tenant_url: self.tenant_url.clone() }
    }

    /// The key that seals manifests, read now: a file that changed is seen.
    pub(super) fn seal_key(&self) -> Result<Option<SealKey>, PassError> {
        let read = |source: &crate::config::SecretSource| source.read("repository.sealKey").map(SealKey::new);
        Ok(self.seal_key.as_ref().map(read).transpose()?)
    }

    /// Whether a manifest is this environment's.
    ///
    /// # Errors
    ///
    /// It is another's, or its seal does not say so.
    pub fn check_own(&self, recorded: &Recorded) -> Result<(), PassError> {
        self.whose(recorded, &PassOptions::default()).map(drop)
    }

    /// Whose a manifest is.
    ///
    /// # Errors
    ///
    /// It is not this environment's, and nobody said that it is to be taken for that.
    pub(super) fn whose(&self, recorded: &Recorded, options: &PassOptions) -> Result<Whose, PassError> {
        let Recorded { commit, text, manifest } = recorded;
        let differences = self.identity().differences(manifest);
        let seal = match self.seal_key()? {
            Some(key) => key.check(text).err(),
            None => None,
        };
        let whose = match (differences.is_empty(), seal) {
            (true, None) => return Ok(Whose::Ours),
            (true, Some(_)) => Whose::Unsealed,
            (false, _) => Whose::Adopted,
        };
        if options.adopt_records {
            return Ok(whose);
        }
        let mut reasons: Vec<String> = differences.iter().map(ToString::to_string).collect();
        reasons.extend(seal.map(|fault| format!("`repository.sealKey` is set, and {fault}")));
        let path = self.manifest_path();
        Err(self.refuse(format!(
            "the manifest `{path}` at {commit} is not this environment's: {}; nothing was written. Correct the \
             configuration, or restore the manifest from its git history; if these records are meant, pass \
             --adopt-records once",
            reasons.join("; ")
        )))
    }

    /// That an ended manifest is not as it was closed, in words. One that older versions closed says nothing of that.
    pub(super) async fn altered(&self, recorded: &Recorded) -> Result<Option<String>, PassError> {
        let Recorded { commit, text, manifest } = recorded;
        let file = self.audit_file(commit, &manifest.deployment_id).await?;
        let closing = file.and_then(|(_, content)| audit::closing(&content, &manifest.deployment_id));
        let what = match closing {
            None => "no audit record says that it ended",
            Some(Closing { manifest: None, .. }) => return Ok(None),
            Some(Closing { manifest: Some(digest), .. }) if digest == manifest_digest(text) => return Ok(None),
            Some(_) => "it is not as it was closed",
        };
        Ok(Some(format!(
            "the manifest `{}` at {commit} is not flowsync's own record of deployment {}: {what}; `flowsync audit verify` \
             says more",
            self.manifest_path(),
            manifest.deployment_id
        )))
    }

    /// The audit file of a deployment in a commit, and where it stands.
    pub(super) async fn audit_file(
        &self,
        commit: &CommitId,
        deployment: &DeploymentId,
    ) -> Result<Option<(String, Arc<[u8]>)>, PassError> {
        for path in paths::audit_anywhere(&self.environment, deployment) {
            if let Some(content) = self.source.read_record(commit, &path).await? {
                return Ok(Some((path, content)));
            }
        }
        Ok(None)
    }

    /// The manifest's path in the repository.
    pub(super) fn manifest_path(&self) -> String {
        format!("{}/{}", self.folder, paths::manifest(&self.environment))
    }

    /// A refusal that no flow is the cause of.
    pub(super) fn refuse(&self, reason: String) -> PassError {
        PassError::Refused { reason, problems: Vec::new(), quarantined: false }
    }
}

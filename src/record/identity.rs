//! Whose records these are. Records of one environment must not be taken for those of another because somebody
//! changed the configuration, or copied a folder.

use std::fmt;

use super::{Manifest, digest_text};
use crate::flow::EnvironmentId;

/// An environment, as its records name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The configuration's name of it.
    pub environment: String,
    /// The tenant's name of it.
    pub target: EnvironmentId,
    /// The tenant's URL, normalised. Records keep a digest of it.
    pub tenant_url: String,
}

/// Something by which records are those of another environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The member of the manifest.
    pub member: &'static str,
    /// What it says.
    pub recorded: String,
    /// What the configuration says.
    pub configured: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is `{}` in the records and `{}` here", self.member, self.recorded, self.configured)
    }
}

impl Identity {
    /// The digest of the tenant's URL.
    #[must_use]
    pub fn tenant_digest(&self) -> String {
        digest_text(self.tenant_url.as_bytes())
    }

    /// How a manifest is another environment's; nothing where it is this one's. A member that older versions did
    /// not write differs from nothing.
    #[must_use]
    pub fn differences(&self, manifest: &Manifest) -> Vec<Difference> {
        let Self { environment, target, tenant_url } = self;
        let mut differences = Vec::new();
        if manifest.environment != *environment {
            let (recorded, configured) = (manifest.environment.clone(), environment.clone());
            differences.push(Difference { member: "environment", recorded, configured });
        }
        if manifest.target_environment != *target {
            let (recorded, configured) = (manifest.target_environment.to_string(), target.to_string());
            differences.push(Difference { member: "targetEnvironment", recorded, configured });
        }
        let digest = self.tenant_digest();
        if let Some(recorded) = manifest.tenant_digest.clone().filter(|recorded| *recorded != digest) {
            let configured = format!("{digest}` for `{tenant_url}");
            differences.push(Difference { member: "tenantDigest", recorded, configured });
        }
        differences
    }
}

//! The lists of a project, as far as they need not be read again.

use std::sync::Arc;

use super::super::{Call, CallLimits, TenantError};
use super::call::Calls;
use super::client::Client;
use super::heads::Project;
use crate::flow::EnvironmentId;
use crate::format::cognigy::document::{FlowRef, LocaleName};

impl Client {
    /// What is in the project, as far as the write of one flow needs it: the lists of the last export, and that flow's own
    /// head as it is now. Where that is not to be had so, the lists are read anew.
    pub(super) async fn project_for(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        reference: FlowRef,
    ) -> Result<Project, TenantError> {
        let listed = self.memory.listed();
        if let Some(known) = listed.as_ref().and_then(|listed| listed.flow(reference))
            && let Some(head) = calls.flow_head(&known.id).await?
            && head.reference_id == known.reference_id
            && let Some(listed) = listed
        {
            let mut project = Project::clone(&listed);
            project.flows.insert(head.id.clone(), head);
            return Ok(project);
        }
        calls.project(environment.as_str()).await
    }

    /// The name of the locale that charts are read in first: the primary one of the project.
    ///
    /// # Errors
    /// The locales cannot be read.
    pub async fn primary_locale(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<LocaleName>, TenantError> {
        let listed = match self.memory.listed() {
            Some(listed) => listed,
            None => {
                let calls = self.calls(Call::Export, environment, None, limits);
                Arc::new(calls.project(environment.as_str()).await?)
            }
        };
        Ok(listed.locales.primary().map(|locale| locale.name.clone()))
    }
}

//! Freezing a project, and knowing that what is frozen is what was read.

use std::collections::BTreeSet;

use super::super::TenantError;
use super::call::Calls;
use super::client::Client;
use super::heads::FlowHead;
use super::release::Releases;
use crate::flow::EnvironmentId;
use crate::release::Frozen;

impl Client {
    /// Takes a snapshot of the project, and compares what is live after it with what the last export showed: by stamp
    /// and, where a stamp is too young to prove anything, whole.
    pub(super) async fn frozen(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        name: &str,
    ) -> Result<Frozen, TenantError> {
        let releases = Releases { calls, project: environment.as_str() };
        calls.quiet(environment.as_str()).await?;
        let before = self.memory.listed();
        let id = match releases.named(name).await? {
            Some(id) => id,
            None => releases.made(name).await?,
        };
        let project = calls.project(environment.as_str()).await?;
        let reading = self.reading(calls, &project, environment);
        let texts = Box::pin(self.texts(&reading)).await?;
        let heads = before.as_ref().map(|before| &before.flows);
        let is_moved = |head: &FlowHead| {
            let known = heads.and_then(|heads| heads.get(&head.id));
            known.is_none_or(|known| known.last_changed != head.last_changed)
        };
        let mut moved: BTreeSet<String> =
            project.flows.values().filter(|head| is_moved(head)).map(|head| head.name.clone()).collect();
        let went = heads.into_iter().flatten().filter(|(id, _)| !project.flows.contains_key(*id));
        moved.extend(went.map(|(_, head)| head.name.clone()));
        let other = texts.iter().filter(|(id, text)| self.memory.shown(id).as_ref() != Some(text));
        moved.extend(other.map(|(id, _)| id.to_string()));
        self.memory.show_all(texts.into_iter().collect());
        self.memory.list(Some(project));
        Ok(Frozen { id, moved: moved.into_iter().collect() })
    }
}

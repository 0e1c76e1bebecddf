//! What is live, for whoever embeds a stand-in and holds clients to it; and people who put a flow there whole.

use serde_json::Value;

use super::handle::{Handle, HandleError};
use super::mint::Id;
use super::model::flow::Flow;
use super::model::platform::{Moment, Platform};
use super::model::project::Project;
use super::refusal::Refusal;
use super::seed;

impl Handle {
    /// How often the platform has changed, what tasks do included, by now.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.with_platform(|platform, _| platform.revision)
    }

    /// Every flow of a project as the state file has it, one text each: where that is the same, the flow is.
    pub fn kept_flows(&self, project: &str) -> Result<Vec<String>, HandleError> {
        self.in_project(project, |project| project.content.flows.iter().filter_map(text).collect())
    }

    /// `_id` and name of every locale of a project.
    pub fn locales(&self, project: &str) -> Result<Vec<(String, String)>, HandleError> {
        let named = |project: &Project| {
            let locales = project.content.locales.0.iter();
            locales.map(|locale| (locale.id.to_string(), locale.name.clone())).collect()
        };
        self.in_project(project, named)
    }

    /// `_id` and name of every package of a project.
    pub fn packages(&self, project: &str) -> Result<Vec<(String, String)>, HandleError> {
        let named = |project: &Project| {
            project.packages.iter().map(|package| (package.id.to_string(), package.name.clone())).collect()
        };
        self.in_project(project, named)
    }

    /// The reference ids of the flows in a package, once it is packed.
    pub fn package_flows(&self, project: &str, package: &str) -> Result<Vec<String>, HandleError> {
        self.in_project(project, |project| {
            let packed = project.packages.iter().filter(|known| known.id.as_str() == package);
            let flows = packed.filter_map(|package| package.packed.as_ref()).flat_map(|packed| &packed.content.flows);
            flows.map(|flow| flow.reference.to_string()).collect()
        })
    }

    /// Puts a flow into a project, written as in a seed, as somebody would who merges a package of theirs. One that is
    /// there under its reference id keeps its `_id`, and its nodes theirs.
    pub fn put_flow(&self, project: &str, flow: &Value) -> Result<(), HandleError> {
        let project = of_text(project)?;
        let put = self.with_platform(|platform, now| {
            platform.revision += 1;
            seed::put_flow(flow, &project, platform, now)
        });
        Ok(put.map_err(|error| Refusal::invalid(error.to_string()))?)
    }

    /// Deletes a flow, by its name or reference id, as another user would.
    pub fn remove_flow(&self, named: &str) -> Result<(), HandleError> {
        let id: Id = of_text(&self.flow(named)?)?;
        let removed = self.with_platform(|platform, _| {
            platform.revision += 1;
            platform.delete_flow(&id)
        });
        Ok(removed?)
    }

    fn in_project<V>(&self, id: &str, look: impl FnOnce(&Project) -> V) -> Result<V, HandleError> {
        let id: Id = of_text(id)?;
        Ok(self.with_platform(|platform, _| platform.project(&id).map(look))?)
    }

    /// Looks at the platform as it is now: tasks whose time has come are done.
    fn with_platform<V>(&self, look: impl FnOnce(&mut Platform, Moment<'_>) -> V) -> V {
        self.with(|inner| {
            let rules = inner.behaviour.clone();
            let now = Moment { ms: inner.clock.ms(), rules: &rules };
            inner.platform.settle(now);
            look(&mut inner.platform, now)
        })
    }
}

fn of_text(id: &str) -> Result<Id, Refusal> {
    id.parse().map_err(|_| Refusal::invalid(format!("`{id}` is no id")))
}

fn text(flow: &Flow) -> Option<String> {
    serde_json::to_string(flow).ok()
}

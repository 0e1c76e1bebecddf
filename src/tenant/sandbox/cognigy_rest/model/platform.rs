//! Everything there is: projects, and where their ids come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::mint::{Id, Mint};
use super::super::refusal::Refusal;
use super::super::rules::Behaviour;
use super::config::Upgrades;
use super::flow::Flow;
use super::locale::Locales;
use super::meta::Meta;
use super::project::Project;
use super::task::Task;

/// Everything there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) mint: Mint,
    /// Whose keys these are.
    pub(crate) user: Id,
    pub(crate) organisation: Id,
    pub(crate) projects: Vec<Project>,
    pub(crate) upgrades: Upgrades,
    pub(crate) tasks: Vec<Task>,
    /// The package each download link leads to, and until when; milliseconds since 1970.
    #[serde(skip)]
    pub(crate) links: BTreeMap<Id, (Id, u64)>,
    /// Why the next tasks will fail, the next one last.
    #[serde(skip)]
    pub(crate) dooms: Vec<String>,
    /// Counts changes: what is written to the state file is as of one.
    #[serde(skip)]
    pub(crate) revision: u64,
}

/// When a call is carried out, and by which rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// Milliseconds since 1970.
    pub(crate) ms: u64,
    pub(crate) rules: &'a Behaviour,
}

impl Moment<'_> {
    pub(crate) fn seconds(&self) -> u64 {
        self.ms / 1000
    }
}

/// One flow, with what its calls need of what lies around it.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) project: &'a Id,
    pub(crate) organisation: &'a Id,
    pub(crate) locales: &'a Locales,
    pub(crate) upgrades: &'a Upgrades,
    pub(crate) flow: &'a mut Flow,
    pub(crate) mint: &'a mut Mint,
    pub(crate) now: Moment<'a>,
}

impl Platform {
    /// Nothing but a user and an organisation.
    pub(crate) fn new(mut mint: Mint) -> Self {
        let (user, organisation) = (mint.id(), mint.id());
        Self {
            mint,
            user,
            organisation,
            projects: Vec::new(),
            upgrades: Upgrades::new(),
            tasks: Vec::new(),
            links: BTreeMap::new(),
            dooms: Vec::new(),
            revision: 0,
        }
    }

    pub(crate) fn meta(&self, now: Moment<'_>) -> Meta {
        Meta::new(now.seconds(), &self.user)
    }

    pub(crate) fn project(&self, id: &Id) -> Result<&Project, Refusal> {
        let found = self.projects.iter().find(|project| project.id == *id);
        found.ok_or_else(|| Refusal::not_found("Project", id.as_str()))
    }

    pub(crate) fn project_mut(&mut self, id: &Id) -> Result<&mut Project, Refusal> {
        let found = self.projects.iter_mut().find(|project| project.id == *id);
        found.ok_or_else(|| Refusal::not_found("Project", id.as_str()))
    }

    /// The flow `id`, of whatever project, with its surroundings.
    pub(crate) fn site<'a>(&'a mut self, id: &Id, now: Moment<'a>) -> Result<Site<'a>, Refusal> {
        let Self { mint, organisation, projects, upgrades, .. } = self;
        for project in projects {
            let Project { id: project, content, .. } = project;
            if let Some(flow) = content.flows.iter_mut().find(|flow| flow.id == *id) {
                return Ok(Site { project, organisation, locales: &content.locales, upgrades, flow, mint, now });
            }
        }
        Err(Refusal::not_found("Flow", id.as_str()))
    }

    /// The project that has the flow `id`.
    pub(crate) fn project_of_flow(&self, id: &Id) -> Option<&Project> {
        self.projects.iter().find(|project| project.content.flow(id).is_some())
    }
}

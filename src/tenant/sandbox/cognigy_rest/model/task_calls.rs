//! The calls that start tasks, and what tasks do when their time has come.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::mint::Id;
use super::super::refusal::Refusal;
use super::body;
use super::flow_calls::id_in;
use super::intent::{self, ImportMode};
use super::merge::{Merge, Strategy};
use super::package::{File, Package};
use super::platform::{Moment, Platform};
use super::snapshot::check_names;
use super::task::{End, Task, Work};

/// How long a task that has ended is remembered (reported by users: about a week).
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PackBody {
    name: String,
    #[serde(default)]
    description: String,
    resource_ids: Vec<Id>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MergeBody {
    resource_ids: Vec<Id>,
    locale_mapping: Vec<LocalePair>,
    #[serde(default)]
    strategies: Vec<StrategyBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LocalePair {
    agent_locale_id: Id,
    package_locale_id: Id,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StrategyBody {
    #[serde(rename = "_id")]
    id: Id,
    #[serde(default)]
    #[allow(dead_code, reason = "names may be there twice here")]
    auto_rename: bool,
    #[serde(default)]
    identity_conflict_strategy: Strategy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TrainBody {
    locale_id: Id,
    #[serde(default)]
    mode: TrainMode,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum TrainMode {
    #[default]
    Full,
    Quick,
}

impl Platform {
    /// Starts a task; the answer shows it as queued.
    fn start(&mut self, project: &Id, work: Work, now: Moment<'_>) -> Value {
        let time_ms = u64::try_from(now.rules.task_time.as_millis()).unwrap_or(u64::MAX);
        let task = Task {
            id: self.mint.id(),
            project: project.clone(),
            name: work.name().to_owned(),
            end: None,
            data: Map::new(),
            started_ms: now.ms,
            due_ms: now.ms.saturating_add(time_ms),
            work,
            doom: self.dooms.pop(),
        };
        let shown = task.to_json(now.ms);
        self.tasks.push(task);
        shown
    }

    pub(crate) fn create_package(&mut self, mut body: Map<String, Value>, now: Moment<'_>) -> Result<Value, Refusal> {
        let project = id_in(&mut body, "projectId")?;
        let PackBody { name, description, resource_ids } = body::read(body)?;
        if resource_ids.is_empty() {
            return Err(Refusal::invalid("`resourceIds` must not be empty"));
        }
        let content = &self.project(&project)?.content;
        let is_known = |id: &Id| content.flow(id).is_some() || content.things.iter().any(|thing| thing.id == *id);
        if let Some(unknown) = resource_ids.iter().find(|id| !is_known(id)) {
            return Err(Refusal::invalid(format!("`resourceIds`: there is no resource `{unknown}`")));
        }
        let package = self.new_package(&project, name, description, now)?;
        Ok(self.start(&project, Work::Pack { package, resources: resource_ids }, now))
    }

    fn new_package(&mut self, project: &Id, name: String, description: String, now: Moment<'_>) -> Result<Id, Refusal> {
        let (id, meta) = (self.mint.id(), self.meta(now));
        let package = Package { id: id.clone(), name, description, meta, packed: None };
        self.project_mut(project)?.packages.push(package);
        Ok(id)
    }

    /// Takes an upload in; what is wrong with the file is known when its task ends.
    pub(crate) fn upload_package(&mut self, project: &Id, file: Vec<u8>, now: Moment<'_>) -> Result<Value, Refusal> {
        self.project(project)?;
        let package = self.new_package(project, "upload".to_owned(), String::new(), now)?;
        Ok(self.start(project, Work::Unpack { package, file: File(file) }, now))
    }

    /// The project that has a package, and the package.
    pub(crate) fn package(&self, id: &Id) -> Result<(&Id, &Package), Refusal> {
        let found = self.projects.iter().find_map(|project| {
            let package = project.packages.iter().find(|package| package.id == *id)?;
            Some((&project.id, package))
        });
        found.ok_or_else(|| Refusal::not_found("Package", id.as_str()))
    }

    pub(crate) fn delete_package(&mut self, id: &Id) -> Result<(), Refusal> {
        self.package(id)?;
        self.projects.iter_mut().for_each(|project| project.packages.retain(|package| package.id != *id));
        Ok(())
    }

    pub(crate) fn merge_package(
        &mut self,
        id: &Id,
        body: Map<String, Value>,
        now: Moment<'_>,
    ) -> Result<Value, Refusal> {
        let MergeBody { resource_ids, locale_mapping, strategies } = body::read(body)?;
        let (project, package) = self.package(id)?;
        let project = project.clone();
        let packed = package.packed.as_ref().ok_or_else(|| Refusal::conflict("the package is not ready"))?;
        let content = &packed.content;
        if resource_ids.is_empty() {
            return Err(Refusal::invalid("`resourceIds` must not be empty"));
        }
        let is_known = |id: &Id| content.flow(id).is_some() || content.things.iter().any(|thing| thing.id == *id);
        if let Some(unknown) = resource_ids.iter().find(|id| !is_known(id)) {
            return Err(Refusal::invalid(format!("`resourceIds`: `{unknown}` is not in the package")));
        }
        let locales: BTreeMap<Id, Id> =
            locale_mapping.into_iter().map(|pair| (pair.package_locale_id, pair.agent_locale_id)).collect();
        let primary = content.locales.primary();
        if primary.is_some_and(|primary| !locales.contains_key(&primary.id)) {
            return Err(Refusal::invalid("`localeMapping`: the package's primary locale is not mapped"));
        }
        let ours = &self.project(&project)?.content.locales;
        if let Some(unknown) = locales.values().find(|id| ours.get(id).is_none()) {
            return Err(Refusal::invalid(format!("`localeMapping`: there is no locale `{unknown}` in the project")));
        }
        let strategies = strategies.into_iter().map(|by| (by.id, by.identity_conflict_strategy)).collect();
        let merge = Merge { package: id.clone(), resources: resource_ids, locales, strategies };
        Ok(self.start(&project, Work::Merge(merge), now))
    }

    pub(crate) fn create_snapshot(&mut self, mut body: Map<String, Value>, now: Moment<'_>) -> Result<Value, Refusal> {
        let project = id_in(&mut body, "projectId")?;
        let mut text = |name: &str| match body.remove(name) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(Refusal::invalid(format!("expected `{name}` to be text, found {other}"))),
            None => Err(Refusal::missing(name)),
        };
        let (name, description) = (text("name")?, text("description")?);
        check_names(&name, &description)?;
        if let Some(unknown) = body.keys().next() {
            return Err(Refusal::invalid(format!("unknown field `{unknown}`")));
        }
        if self.project(&project)?.snapshots.iter().any(|snapshot| snapshot.name == name) {
            return Err(Refusal::conflict(format!("there is a snapshot `{name}` already")));
        }
        Ok(self.start(&project, Work::Snapshot { name, description }, now))
    }

    pub(crate) fn restore_snapshot(
        &mut self,
        id: &Id,
        mut body: Map<String, Value>,
        now: Moment<'_>,
    ) -> Result<Value, Refusal> {
        let project = id_in(&mut body, "projectId")?;
        if !self.project(&project)?.snapshots.iter().any(|snapshot| snapshot.id == *id) {
            return Err(Refusal::not_found("Snapshot", id.as_str()));
        }
        Ok(self.start(&project, Work::Restore { snapshot: id.clone() }, now))
    }

    /// One that an endpoint uses stays (vendor's reference).
    pub(crate) fn delete_snapshot(&mut self, id: &Id) -> Result<(), Refusal> {
        let holder = self.projects.iter_mut().find(|project| project.snapshots.iter().any(|known| known.id == *id));
        let project = holder.ok_or_else(|| Refusal::not_found("Snapshot", id.as_str()))?;
        if project.endpoints.iter().any(|endpoint| endpoint.entrypoint == *id) {
            return Err(Refusal::conflict("an endpoint uses the snapshot"));
        }
        project.snapshots.retain(|snapshot| snapshot.id != *id);
        Ok(())
    }

    pub(crate) fn import_intents(
        &mut self,
        flow: &Id,
        locale: &Id,
        mode: ImportMode,
        file: &[u8],
        now: Moment<'_>,
    ) -> Result<Value, Refusal> {
        let site = self.site(flow, now)?;
        let project = site.project.clone();
        site.turn(Some(locale))?;
        let work = Work::ImportIntents { flow: flow.clone(), locale: locale.clone(), mode, file: intent::read(file)? };
        Ok(self.start(&project, work, now))
    }

    pub(crate) fn train(&mut self, flow: &Id, body: Map<String, Value>, now: Moment<'_>) -> Result<Value, Refusal> {
        let TrainBody { locale_id, mode: TrainMode::Full | TrainMode::Quick } = body::read(body)?;
        let site = self.site(flow, now)?;
        let project = site.project.clone();
        site.turn(Some(&locale_id))?;
        Ok(self.start(&project, Work::Train { flow: flow.clone() }, now))
    }

    pub(crate) fn task(&self, id: &Id) -> Result<&Task, Refusal> {
        self.tasks.iter().find(|task| task.id == *id).ok_or_else(|| Refusal::not_found("Task", id.as_str()))
    }

    /// Cancels what is under way; of a merge, what it has done may stay.
    pub(crate) fn cancel_task(&mut self, id: &Id, now: Moment<'_>) -> Result<(), Refusal> {
        let task = self.task(id)?.clone();
        if task.end.is_some() {
            return Err(Refusal::conflict("the task has ended"));
        }
        let doom = Some(task.doom.clone().unwrap_or_default());
        _ = self.work(&Task { doom, ..task }, now);
        let task = self.tasks.iter_mut().find(|task| task.id == *id);
        task.into_iter().for_each(|task| task.end = Some(End::Cancelled));
        Ok(())
    }

    /// Ends the tasks whose time has come, in the order in which they are due.
    pub(crate) fn settle(&mut self, now: Moment<'_>) {
        let mut due: Vec<(u64, usize)> = Vec::new();
        for (at, task) in self.tasks.iter().enumerate() {
            if task.end.is_none() && task.due_ms <= now.ms {
                due.push((task.due_ms, at));
            }
        }
        due.sort_unstable();
        for (due_ms, at) in due {
            let task = self.tasks[at].clone();
            let ended = self.work(&task, Moment { ms: due_ms, ..now });
            let task = &mut self.tasks[at];
            match ended {
                Ok(data) => {
                    task.data = data;
                    task.end = Some(End::Done);
                }
                Err(reason) => task.end = Some(End::Error(reason)),
            }
            self.revision += 1;
        }
        let kept_ms = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        self.tasks.retain(|task| task.end.is_none() || task.due_ms.saturating_add(kept_ms) > now.ms);
    }
}

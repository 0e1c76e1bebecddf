//! What tasks do.

use serde_json::{Map, Value};

use super::super::mint::{Id, Mint};
use super::super::parcel;
use super::content::Content;
use super::flow::Flow;
use super::intent;
use super::merge::{Extent, Merge, merge};
use super::meta::Meta;
use super::package::{File, Package, Packed};
use super::platform::{Moment, Platform};
use super::project::Project;
use super::remint::reminted;
use super::snapshot::{SNAPSHOTS_MAX, Snapshot};
use super::task::{Task, Work};

/// What a task leaves in its `data`, or why it failed.
type Ended = Result<Map<String, Value>, String>;

impl Platform {
    /// Does what `task` is for. One that is doomed fails; a merge may leave a half of itself.
    pub(super) fn work(&mut self, task: &Task, now: Moment<'_>) -> Ended {
        if let Some(reason) = &task.doom {
            if let Work::Merge(work) = &task.work
                && now.rules.half_merges
            {
                self.merge(&task.project, work, Extent::Half, now)?;
            }
            return Err(reason.clone());
        }
        match &task.work {
            Work::Pack { package, resources } => self.pack(&task.project, package, resources, now),
            Work::Unpack { package, file } => self.unpack(&task.project, package, file, now),
            Work::Merge(work) => self.merge(&task.project, work, Extent::Whole, now),
            Work::Snapshot { name, description } => self.freeze(&task.project, name, description, now),
            Work::Restore { snapshot } => self.restore(&task.project, snapshot),
            Work::ImportIntents { flow, locale, mode, file } => {
                let site = self.site(flow, now).map_err(|refusal| refusal.detail)?;
                intent::import(&mut site.flow.intents, file.clone(), *mode, locale, site.mint);
                site.flow.is_training_out_of_date = Some(true);
                site.flow.touch(now.seconds());
                Ok(Map::new())
            }
            Work::Train { flow } => {
                let site = self.site(flow, now).map_err(|refusal| refusal.detail)?;
                site.flow.is_training_out_of_date = Some(false);
                Ok(Map::new())
            }
        }
    }

    /// The project of a task, with the mint.
    fn at(&mut self, project: &Id) -> Result<(&mut Project, &mut Mint), String> {
        let found = self.projects.iter_mut().find(|known| known.id == *project);
        Ok((found.ok_or_else(|| format!("there is no project `{project}`"))?, &mut self.mint))
    }

    fn pack(&mut self, project: &Id, package: &Id, resources: &[Id], now: Moment<'_>) -> Ended {
        let (upgrades, organisation) = (self.upgrades.clone(), self.organisation.clone());
        let (project, mint) = self.at(project)?;
        let content = reminted(&only(&project.content, resources), mint)?;
        let Some(kept) = project.packages.iter_mut().find(|kept| kept.id == *package) else {
            return Err("the package was deleted".to_owned());
        };
        let label = parcel::write::Label {
            name: &kept.name,
            description: &kept.description,
            created_at: now.seconds(),
            project: &project.id,
            organisation: &organisation,
        };
        let file = File(parcel::write::file(&content, &label, &upgrades, mint)?);
        kept.packed = Some(Packed { file, content });
        Ok(named(package))
    }

    fn unpack(&mut self, project: &Id, package: &Id, file: &File, now: Moment<'_>) -> Ended {
        let meta = Meta::new(now.seconds(), &self.user);
        let (project, mint) = self.at(project)?;
        let read = parcel::read::file(&file.0, &meta, mint);
        if read.is_err() {
            project.packages.retain(|kept| kept.id != *package);
        }
        let (index, content) = read?;
        let kept = project.packages.iter_mut().find(|kept| kept.id == *package);
        let Package { name, description, packed, .. } = kept.ok_or("the package was deleted")?;
        (*name, *description) = (index.name, index.description);
        *packed = Some(Packed { file: file.clone(), content });
        Ok(named(package))
    }

    fn merge(&mut self, project: &Id, work: &Merge, extent: Extent, now: Moment<'_>) -> Ended {
        let packed = self.package(&work.package).map_err(|refusal| refusal.detail)?.1.packed.clone();
        let packed = packed.ok_or("the package is not ready")?;
        let (project, mint) = self.at(project)?;
        merge(work, &packed.content, &mut project.content, extent, now.seconds(), mint)?;
        Ok(Map::new())
    }

    fn freeze(&mut self, project: &Id, name: &str, description: &str, now: Moment<'_>) -> Ended {
        let meta = Meta::new(now.seconds(), &self.user);
        let (project, mint) = self.at(project)?;
        if project.snapshots.len() >= SNAPSHOTS_MAX {
            return Err(format!("Limit of allowed Snapshots ({SNAPSHOTS_MAX}) reached"));
        }
        let (id, content) = (mint.id(), project.content.clone());
        let (name, description) = (name.to_owned(), description.to_owned());
        project.snapshots.push(Snapshot { id: id.clone(), name, description, content, meta });
        Ok(Map::from_iter([("snapshotId".to_owned(), id.as_str().into())]))
    }

    /// The whole project goes back; every internal id is new (vendor's reference).
    fn restore(&mut self, project: &Id, snapshot: &Id) -> Ended {
        let (project, mint) = self.at(project)?;
        let frozen =
            project.snapshots.iter().find(|frozen| frozen.id == *snapshot).ok_or("the snapshot was deleted")?;
        project.content = reminted(&frozen.content, mint)?;
        Ok(Map::new())
    }
}

fn named(package: &Id) -> Map<String, Value> {
    Map::from_iter([("packageId".to_owned(), package.as_str().into())])
}

/// The resources asked for, with the project's locales. What is attached and not asked for does not come along.
fn only(content: &Content, resources: &[Id]) -> Content {
    let is_in = |id: &Id| resources.contains(id);
    let mut flows: Vec<Flow> = content.flows.iter().filter(|flow| is_in(&flow.id)).cloned().collect();
    for flow in &mut flows {
        flow.attached_flows.retain(is_in);
        flow.lexicons.values_mut().for_each(|lexicons| lexicons.retain(is_in));
    }
    let things = content.things.iter().filter(|thing| is_in(&thing.id)).cloned().collect();
    Content { locales: content.locales.clone(), flows, things }
}

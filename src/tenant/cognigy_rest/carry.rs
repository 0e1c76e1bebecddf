//! The package route: a flow comes in as a package, under the reference ids that it has in git.
//!
//! What a merge did is never taken from its answer alone where that is a no, or none: what is live tells, and the merge
//! is made once more. What was there before stays in the project as a package until the deployment is over.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::{Failure, TenantError};
use super::call::{Calls, Started, Written};
use super::defaults::KnownDefaults;
use super::heads::{FlowHead, Project};
use super::memory::{Leftover, Memory};
use super::names::{self, Ours};
use super::packages::{Conflict, Merged, PackageHead, Packages};
use super::parcel::Parcel;
use super::read::Reading;
use crate::config::Snapshot;
use crate::format::cognigy::document::Flow;

/// How long a new flow's looks are good for: the platform may be upgraded.
const SKELETON_LIVES: Duration = Duration::from_secs(3_600);

/// How long a scan's package may be somebody's who is still at work, in seconds.
const SCAN_LIVES_SECONDS: i64 = 3_600;

/// Carries flows in and out of a project.
#[derive(Clone, Copy)]
pub(super) struct Carrying<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) memory: &'a Memory,
    pub(super) defaults: &'a KnownDefaults,
    /// Whether the project is kept as it was first.
    pub(super) snapshot: Snapshot,
}

/// A package in the project that holds a flow as it was before.
struct Kept {
    package: String,
    is_trained: bool,
}

/// A flow as it is found after a merge that did not say that it was done.
enum AfterMerge {
    Equal,
    Absent,
    Other,
}

impl<'a> Carrying<'a> {
    fn calls(&self) -> &'a Calls<'a> {
        self.reading.calls
    }

    fn packages(&self) -> Packages<'a> {
        Packages { calls: self.reading.calls, project: self.reading.project_id }
    }

    fn impossible(&self, reason: String) -> TenantError {
        self.calls().error(Failure::Impossible { reason })
    }

    /// Waits until nobody else's task changes the project, and keeps that as it is; once a deployment.
    async fn prepare(&self) -> Result<(), TenantError> {
        if !self.memory.is_quiet.load(Ordering::Relaxed) {
            self.calls().quiet(self.reading.project_id).await?;
            self.memory.is_quiet.store(true, Ordering::Relaxed);
        }
        self.snapshot().await;
        Ok(())
    }

    /// Creates a flow. One that is there meanwhile is left alone, unless it is what is wanted.
    ///
    /// # Errors
    /// Of a request or a task; or somebody else has created it meanwhile.
    pub(super) async fn create(&self, desired: &Flow) -> Result<(), TenantError> {
        self.prepare().await?;
        let reference = desired.reference.to_string();
        let kept = self.kept(&reference).await?;
        let is_trained = kept.as_ref().is_some_and(|kept| kept.is_trained);
        let base = match kept {
            Some(Kept { package, .. }) => self.open(&self.packages().fetch(&package).await?, &reference)?,
            None => self.skeleton().await?,
        };
        let train = is_trained && base.has_intents();
        self.bring(&base, desired, Conflict::Abort, None).await?;
        if desired.attached_flows.is_empty() && desired.attached_lexicons.is_empty() && !train {
            return Ok(());
        }
        let flows = self.calls().flows(self.reading.project_id).await?;
        // It may attach itself, which was not there when the project was listed.
        let project = Project { locales: self.reading.project.locales.clone(), flows };
        let reading = self.reading.again(&project);
        let carrying = Carrying { reading: &reading, ..*self };
        let head = project.flow(desired.reference).ok_or_else(|| self.changed(&desired.name))?;
        carrying.attach(head, desired).await?;
        if train { carrying.train(head).await } else { Ok(()) }
    }

    /// Makes a live flow what is wanted. `shown` is what it was when this was decided: another one is not overwritten.
    ///
    /// # Errors
    /// Of a request or a task; or somebody else changed it meanwhile.
    pub(super) async fn replace(
        &self,
        head: &FlowHead,
        desired: &Flow,
        shown: Option<&str>,
    ) -> Result<(), TenantError> {
        self.prepare().await?;
        let reference = desired.reference.to_string();
        let kept = self.kept(&reference).await?;
        let is_trained = match &kept {
            Some(kept) => kept.is_trained,
            None => head.is_training_out_of_date == Some(false),
        };
        let name = if kept.is_some() { self.memory.passing() } else { self.memory.kept(&reference, is_trained) };
        let (package, file) = self.packages().export(&name, &[&head.id]).await?;
        let whole = Parcel::open(&file).map_err(|reason| self.impossible(reason))?;
        let is_first = kept.is_none();
        let before = kept.unwrap_or(Kept { package: package.clone(), is_trained });
        let outcome = self.replace_from(head, desired, shown, &whole, &before).await;
        if is_first {
            self.memory.leave(Leftover::Package(package));
        } else {
            self.drop(package).await;
        }
        outcome
    }

    async fn replace_from(
        &self,
        head: &FlowHead,
        desired: &Flow,
        shown: Option<&str>,
        whole: &Parcel,
        before: &Kept,
    ) -> Result<(), TenantError> {
        if let Some(shown) = shown
            && !self.reading.is_as_shown(head, whole, shown).await?
        {
            return Err(self.left_alone(&head.name));
        }
        let base = whole.only(&head.reference_id).map_err(|reason| self.impossible(reason))?;
        let train = before.is_trained && base.has_intents();
        self.bring(&base, desired, Conflict::Replace, Some(&before.package)).await?;
        self.attach(head, desired).await?;
        if train { self.train(head).await } else { Ok(()) }
    }

    /// Keeps a flow as it is, and deletes it. `shown` is what it was when this was decided.
    ///
    /// # Errors
    /// Of a request or a task; or somebody else changed it meanwhile, or something leads to it that nobody knew of.
    /// `knows` says whether what is known of a flow leads there.
    pub(super) async fn delete(
        &self,
        head: &FlowHead,
        shown: Option<&str>,
        knows: impl Fn(&str) -> bool,
    ) -> Result<(), TenantError> {
        self.prepare().await?;
        self.check_needed(head, knows).await?;
        if self.kept(&head.reference_id).await?.is_none() {
            let is_trained = head.is_training_out_of_date == Some(false);
            let name = self.memory.kept(&head.reference_id, is_trained);
            let (package, file) = self.packages().export(&name, &[&head.id]).await?;
            self.memory.leave(Leftover::Package(package));
            // What cannot be read could not be brought back.
            let whole = Parcel::open(&file).map_err(|reason| self.impossible(reason))?;
            self.open(&file, &head.reference_id)?;
            if let Some(shown) = shown
                && !self.reading.is_as_shown(head, &whole, shown).await?
            {
                return Err(self.left_alone(&head.name));
            }
        }
        self.calls().delete_flow(&head.id, "delete flows").await
    }

    /// Whether something leads to a flow, in the words of the platform itself.
    async fn check_needed(&self, head: &FlowHead, knows: impl Fn(&str) -> bool) -> Result<(), TenantError> {
        let project = self.reading.project_id;
        let query = [("dependencies", "true"), ("packages", "false")];
        let graph: Value = self.calls().json(&["projects", project, "graph"], &query, "read the graph").await?;
        let resources = graph[project]["resources"].as_array().cloned().unwrap_or_default();
        let leads_here = |resource: &&Value| {
            let needs = resource["dependencies"].as_array().into_iter().flatten();
            let mut ids = needs.filter_map(|need| need["_id"].as_str().or_else(|| need.as_str()));
            ids.any(|id| id == head.id || id == head.reference_id)
        };
        let others = resources.iter().filter(leads_here).filter(|resource| resource["_id"] != *head.id);
        let unknown = others.filter(|resource| {
            let reference = resource["referenceId"].as_str().filter(|_| resource["type"] == "flow");
            !reference.is_some_and(&knows)
        });
        let names: Vec<String> = unknown
            .map(|resource| {
                let text = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
                format!("{} `{}`", text("type"), text("name"))
            })
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let name = &head.name;
        Err(self.impossible(format!(
            "`{name}` is not deleted: {} lead to it, and git does not hold that",
            names.join(", ")
        )))
    }

    fn open(&self, file: &[u8], reference: &str) -> Result<Parcel, TenantError> {
        let parcel = Parcel::open(file).and_then(|parcel| parcel.only(reference));
        parcel.map_err(|reason| self.impossible(reason))
    }

    fn changed(&self, name: &str) -> TenantError {
        self.calls().error(Failure::Changed { what: format!("`{name}`") })
    }

    /// The same, where nothing of the flow was written.
    fn left_alone(&self, name: &str) -> TenantError {
        self.calls().error(Failure::ChangedBefore { what: format!("`{name}`") })
    }

    /// Removes a package that nobody needs any more; now, or when the deployment is over.
    async fn drop(&self, package: String) {
        if !self.packages().remove(&package).await {
            self.memory.leave(Leftover::Package(package));
        }
    }

    /// The package in the project that holds a flow as it was before this deployment, whichever process made it. What
    /// else is found of ours is somebody's who is dead: nobody but whoever holds the lease is at work. What an earlier
    /// deployment kept, and could not take away, is not what was there before this one.
    async fn kept(&self, reference: &str) -> Result<Option<Kept>, TenantError> {
        let digits = reference.replace('-', "");
        let packages = self.packages().list().await?;
        let now = self.calls().caller.post.now();
        let is_over = |head: &PackageHead| match names::ours(&head.name) {
            Some(Ours::Passing | Ours::Kept { .. }) => true,
            Some(Ours::Scan) => head.is_older_than(SCAN_LIVES_SECONDS, now),
            None => false,
        };
        let over = packages.iter().filter(|(_, head)| is_over(head));
        over.for_each(|(id, _)| self.memory.leave(Leftover::Package(id.clone())));
        for (id, _) in self.reading.project.flows.iter().filter(|(_, head)| names::is_scaffold(&head.name)) {
            self.memory.leave(Leftover::Scaffold(id.clone()));
        }
        let kept = packages.into_iter().find_map(|(package, head)| match names::ours(&head.name)? {
            Ours::Kept { flow, deployment, is_trained } if flow == digits && self.memory.is_of(&deployment) => {
                Some(Kept { package, is_trained })
            }
            _ => None,
        });
        Ok(kept)
    }

    /// Merges a package that holds what is wanted, made from `base`. Where a replacement fails twice, `before` is merged
    /// back.
    async fn bring(
        &self,
        base: &Parcel,
        desired: &Flow,
        conflict: Conflict,
        before: Option<&str>,
    ) -> Result<(), TenantError> {
        let name = self.memory.passing();
        let locales = self.reading.project.locales.names();
        let parcel = base.with(desired, &locales).and_then(|parcel| parcel.close(&name));
        let file = parcel.map_err(|reason| self.impossible(reason))?;
        let package = self.packages().send(&name, &file).await?;
        let outcome = self.merge(&package, desired, conflict).await;
        if outcome.is_err()
            && let Some(before) = before
        {
            let reference = desired.reference.to_string();
            let back =
                self.packages().merge(before, &reference, &self.reading.project.locales, Conflict::Replace).await;
            if !matches!(back, Ok(Merged::Yes)) {
                tracing::warn!(flow = desired.name, "what was there before could not be merged back");
            }
        }
        self.drop(package).await;
        outcome
    }

    async fn merge(&self, package: &str, desired: &Flow, first: Conflict) -> Result<(), TenantError> {
        let (reference, locales) = (desired.reference.to_string(), &self.reading.project.locales);
        let _turn = self.memory.merging.lock().await;
        let mut conflict = first;
        let mut last = None;
        for _ in 0..2 {
            let merged = self.packages().merge(package, &reference, locales, conflict).await;
            if merged.is_err() {
                // It may go on without us.
                self.memory.is_quiet.store(false, Ordering::Relaxed);
                self.memory.has_left_running.store(true, Ordering::Relaxed);
            }
            let (failure, is_conflict) = match merged? {
                Merged::Yes => return Ok(()),
                Merged::Unknown(failure) => (failure, false),
                Merged::No(reason) => {
                    let is_conflict = reason.to_ascii_lowercase().contains("conflict");
                    (Failure::TaskFailed { what: "merge the package", reason }, is_conflict)
                }
            };
            match (self.found(desired).await?, first) {
                (AfterMerge::Equal, _) => return Ok(()),
                (AfterMerge::Other, Conflict::Abort) if is_conflict => return Err(self.left_alone(&desired.name)),
                // Half of what was merged is ours.
                (AfterMerge::Other, Conflict::Abort) => conflict = Conflict::Replace,
                (AfterMerge::Absent, _) | (AfterMerge::Other, Conflict::Replace) => {}
            }
            tracing::debug!(flow = desired.name, %failure, "a merge is made once more");
            last = Some(failure);
        }
        let failure = last.unwrap_or(Failure::Impossible { reason: "nothing was merged".to_owned() });
        Err(self.calls().error(failure))
    }

    /// What is live of a flow, but for its attachments, which come later.
    async fn found(&self, desired: &Flow) -> Result<AfterMerge, TenantError> {
        let project = self.calls().project(self.reading.project_id).await?;
        let Some(head) = project.flow(desired.reference) else { return Ok(AfterMerge::Absent) };
        let reading = self.reading.again(&project);
        let text = reading.flow(head).await?.text;
        let Ok(live) = Flow::parse(text.as_bytes()) else { return Ok(AfterMerge::Other) };
        let mut wanted = desired.clone();
        self.reading.references.git(&mut wanted);
        let (attached_flows, attached_lexicons) = (live.attached_flows.clone(), live.attached_lexicons.clone());
        let wanted = Flow { attached_flows, attached_lexicons, ..wanted };
        let live = self.defaults.left_out(&live, &wanted);
        Ok(if wanted.to_text() == live.to_text() { AfterMerge::Equal } else { AfterMerge::Other })
    }

    /// What a merge loses: flows and lexicons that were not in the package.
    async fn attach(&self, head: &FlowHead, desired: &Flow) -> Result<(), TenantError> {
        let wanted = self.reading.attachments(desired).await?;
        let path = ["flows", head.id.as_str()];
        let live: Value = self.calls().json(&path, &[], "read a flow").await?;
        let list = |key: &str| live[key].as_array().cloned().unwrap_or_default();
        let mut patch = serde_json::Map::new();
        for (key, wanted) in [("attachedFlows", wanted.flows), ("attachedLexicons", wanted.lexicons)] {
            if list(key) != wanted {
                patch.insert(key.to_owned(), Value::Array(wanted));
            }
        }
        if patch.is_empty() {
            return Ok(());
        }
        match self.calls().write_flow(Method::PATCH, &path, &Value::Object(patch), "change flows").await? {
            Written::Done => Ok(()),
            Written::Gone => Err(self.changed(&desired.name)),
            // To attach what is attached is no change that anybody refuses here: it is seen when everything is read back.
            Written::Unknown(failure) => Err(self.calls().error(failure)),
        }
    }

    /// Trains the intents of a flow that was trained before, in every locale.
    async fn train(&self, head: &FlowHead) -> Result<(), TenantError> {
        let (path, project) = (["flows", head.id.as_str(), "intents", "train"], self.reading.project_id);
        for locale in &self.reading.project.locales.0 {
            let mut started = self.calls().start(&path, &json!({"localeId": locale.id}), "train intents").await?;
            if let Started::Unknown(_) = started {
                // To train twice costs time.
                self.calls().quiet(project).await?;
                started = self.calls().start(&path, &json!({"localeId": locale.id}), "train intents").await?;
            }
            match started {
                Started::Yes(task) => _ = self.calls().finish_well(project, &task, "train the intents").await?,
                Started::Unknown(failure) => return Err(self.calls().error(failure)),
            }
        }
        Ok(())
    }

    /// A package of a flow that was just created, as this platform makes one: with a fresh flow's settings, and nothing
    /// of any other.
    async fn skeleton(&self) -> Result<Parcel, TenantError> {
        let mut known = self.memory.skeleton.lock().await;
        if let Some((since, parcel)) = known.as_ref().filter(|(since, _)| since.elapsed() < SKELETON_LIVES) {
            tracing::trace!(?since, "the skeleton of a new flow is known");
            return Ok(parcel.clone());
        }
        let head = self.scaffold().await?;
        let name = self.memory.passing();
        let exported = self.packages().export(&name, &[&head.id]).await;
        let removed = self.calls().delete(&["flows", &head.id], "delete flows").await;
        let (package, file) = exported?;
        self.drop(package).await;
        if removed.is_err() {
            self.memory.leave(Leftover::Scaffold(head.id.clone()));
        }
        let parcel = self.open(&file, &head.reference_id)?;
        *known = Some((Instant::now(), parcel.clone()));
        Ok(parcel)
    }

    /// A flow that lives until it is exported.
    async fn scaffold(&self) -> Result<FlowHead, TenantError> {
        let name = self.memory.scaffold();
        let body = json!({"projectId": self.reading.project_id, "name": name});
        let mut lost = None;
        for _ in 0..2 {
            match self.calls().start(&["flows"], &body, "create flows").await? {
                Started::Yes(flow) => {
                    let garbage = |_| self.calls().garbage(flow.to_string().as_bytes());
                    return serde_json::from_value(flow.clone()).map_err(garbage);
                }
                Started::Unknown(failure) => {
                    let flows = self.calls().flows(self.reading.project_id).await?;
                    if let Some(head) = flows.into_values().find(|head| head.name == name) {
                        return Ok(head);
                    }
                    lost = Some(failure);
                }
            }
        }
        Err(self.calls().error(lost.unwrap_or(Failure::Impossible { reason: "no flow was created".to_owned() })))
    }
}

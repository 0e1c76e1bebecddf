//! Making a flow equal to a text, by whichever route leads there, and taking one away.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::{Failure, FlowStatus, Imported, TenantError};
use super::call::Calls;
use super::carry::Carrying;
use super::client::Client;
use super::compose::text_of;
use super::heads::{FlowHead, Project};
use super::import::{Route, Writing, Wrote, route};
use super::memory::WrittenCode;
use super::read::Reading;
use crate::config::WriteRoute;
use crate::flow::{EnvironmentId, FlowId};
use crate::format::cognigy::document::{Config, Flow, LocaleName};

/// A flow that is wanted: as git has it, and as the project does.
struct Wanted {
    git: Flow,
    live: Flow,
}

impl Client {
    /// Makes a flow equal to a text, whatever it is now.
    pub(super) async fn write(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
    ) -> Result<Imported, TenantError> {
        let impossible = |reason: String| calls.error(Failure::Impossible { reason });
        let mut git = Flow::parse(body).map_err(|error| impossible(error.to_string()))?;
        only_listed(&mut git, body);
        let mut live = git.clone();
        self.references.live(&mut live);
        let wanted = Wanted { git, live };
        if self.memory.has_left_running.load(Ordering::Relaxed) {
            calls.quiet(environment.as_str()).await?;
            self.memory.has_left_running.store(false, Ordering::Relaxed);
        }
        let project = self.project_for(calls, environment, wanted.live.reference).await?;
        let reading = self.reading(calls, &project, environment);
        let carrying = self.carrying(&reading);
        let outcome = match project.flow(wanted.live.reference) {
            Some(head) => Box::pin(self.update(&carrying, head, id, &wanted)).await.map(|()| Imported::Updated),
            None => {
                self.may_package(calls, &format!("create `{}`", wanted.git.name))?;
                self.memory.note_code(id, written_code(None, &wanted.live));
                self.memory.list(None);
                Box::pin(carrying.create(&wanted.live)).await.map(|()| Imported::Created)
            }
        };
        let shown = outcome.is_ok().then(|| text_of(&wanted.git).ok()).flatten();
        self.memory.note_sent(id, shown.clone());
        self.memory.show(id, shown);
        outcome
    }

    async fn update(
        &self,
        carrying: &Carrying<'_>,
        head: &FlowHead,
        id: &FlowId,
        wanted: &Wanted,
    ) -> Result<(), TenantError> {
        let reading = carrying.reading;
        let (stored, shown) = (self.stored(reading, head), self.memory.shown(id));
        let changed = || reading.calls.changed(format!("`{}`", head.name));
        if let (Some(stored), Some(shown)) = (&stored, &shown)
            && stored != shown
        {
            return Err(changed());
        }
        let is_proven = stored.is_some();
        let text = match stored.or_else(|| shown.clone()) {
            Some(text) => text,
            None => self.text(reading, head).await?,
        };
        let mut outcome = Box::pin(self.update_from(carrying, head, wanted, &text, shown.as_deref(), is_proven)).await;
        if outcome.as_ref().is_err_and(TenantError::left_alone)
            && is_proven
            && let Some(text) = self.with_additions(reading, head, &text).await?
        {
            outcome = Box::pin(self.update_from(carrying, head, wanted, &text, Some(&text), true)).await;
        }
        self.store.forget(&head.id);
        let mut before = Flow::parse(text.as_bytes()).ok();
        before.iter_mut().for_each(|flow| self.references.live(flow));
        let code = written_code(before.as_ref(), &wanted.live);
        self.memory.note_code(id, code.filter(|_| outcome.is_ok()));
        outcome
    }

    /// What a flow is that was found to be another one: its text where the platform has added to it, and nobody else
    /// has changed it.
    async fn with_additions(
        &self,
        reading: &Reading<'_>,
        head: &FlowHead,
        known: &str,
    ) -> Result<Option<String>, TenantError> {
        let now = self.keep(head, reading, None).await?.text;
        let parse = |text: &str| Flow::parse(text.as_bytes()).ok();
        let is_same = now != known
            && parse(&now).zip(parse(known)).is_some_and(|(now, known)| self.defaults.left_out(&now, &known) == known);
        Ok(is_same.then_some(now))
    }

    /// `text` is what is live, as far as is known; where that is not proven it is looked at again before nodes are
    /// written.
    async fn update_from(
        &self,
        carrying: &Carrying<'_>,
        head: &FlowHead,
        wanted: &Wanted,
        text: &str,
        shown: Option<&str>,
        is_proven: bool,
    ) -> Result<(), TenantError> {
        let reading = carrying.reading;
        let impossible = |reason: String| reading.calls.error(Failure::Impossible { reason });
        let Ok(mut live) = Flow::parse(text.as_bytes()) else {
            let what = format!("put `{}` right, whose chart cannot be read", head.name);
            self.may_package(reading.calls, &what)?;
            return Box::pin(carrying.replace(head, &wanted.live, shown)).await;
        };
        self.references.live(&mut live);
        let base = reading.project.locales.primary().map(|locale| locale.name.to_string()).unwrap_or_default();
        let bare = self.defaults.left_out(&live, &wanted.live);
        let plan = match route(&bare, &wanted.live, &base, self.options.write).map_err(impossible)? {
            Route::Package { reason, .. } => {
                tracing::debug!(flow = head.name, reason, "it takes a package");
                return Box::pin(carrying.replace(head, &wanted.live, shown)).await;
            }
            Route::Nodes(plan) => plan,
        };
        if !is_proven && !plan.steps.is_empty() && self.text(reading, head).await? != text {
            return Err(reading.calls.changed(format!("`{}`", head.name)));
        }
        let writing = Writing { reading, head, live: &live, desired: &wanted.live, defaults: &self.defaults };
        match Box::pin(writing.run(&plan)).await? {
            Wrote::All => Ok(()),
            Wrote::TakesPackage => {
                let what = format!("write `{}`: the tenant refuses a node's size or locale", head.name);
                self.may_package(reading.calls, &what)?;
                // Some of it is ours already.
                Box::pin(carrying.replace(head, &wanted.live, None)).await
            }
        }
    }

    /// Deletes a flow, once it is kept; one that is not there is deleted.
    pub(super) async fn remove(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        id: &FlowId,
    ) -> Result<(), TenantError> {
        let project = calls.project(environment.as_str()).await?;
        let reading = self.reading(calls, &project, environment);
        let in_git = |reference: &str| reference.parse().ok().map(|reference| self.references.git_flow(reference));
        let head = project
            .flows
            .values()
            .find(|head| in_git(&head.reference_id).is_some_and(|reference| reference.flow_id() == *id));
        self.memory.note_code(id, None);
        self.memory.note_sent(id, None);
        let Some(head) = head else { return Ok(()) };
        self.may_package(calls, &format!("delete `{}` so that it can be brought back", head.name))?;
        let carrying = self.carrying(&reading);
        // What was planned knew of these.
        let knows = |reference: &str| {
            let shown = in_git(reference).and_then(|reference| self.memory.shown(&reference.flow_id()));
            let here = in_git(&head.reference_id).map(|reference| reference.to_string()).unwrap_or_default();
            shown.is_some_and(|shown| shown.contains(&here))
        };
        self.memory.list(None);
        carrying.delete(head, self.memory.shown(id).as_deref(), knows).await?;
        self.store.forget(&head.id);
        self.memory.show(id, None);
        Ok(())
    }

    fn carrying<'a>(&'a self, reading: &'a Reading<'a>) -> Carrying<'a> {
        Carrying { reading, memory: &self.memory, defaults: &self.defaults, snapshot: self.options.snapshot }
    }

    /// Why no package may be used, where that is so; `what` continues "it takes a package to".
    pub(super) fn objection_to_package(&self, what: &str) -> Option<String> {
        let is_refused = self.options.write == WriteRoute::Nodes;
        is_refused.then(|| format!("it takes a package to {what}; the configuration says `write: nodes`"))
    }

    fn may_package(&self, calls: &Calls<'_>, what: &str) -> Result<(), TenantError> {
        let refused = self.objection_to_package(what).map(|reason| calls.error(Failure::Impossible { reason }));
        refused.map_or(Ok(()), Err)
    }

    /// What became of code that was written: the platform finds errors in it after the answer, and known they are at the
    /// look after that.
    pub(super) async fn code_status(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        id: &FlowId,
    ) -> Result<FlowStatus, TenantError> {
        let Some(code) = self.memory.code(id) else { return Ok(FlowStatus::Deployed) };
        let project = calls.project(environment.as_str()).await?;
        let reading = self.reading(calls, &project, environment);
        let Some(head) = project.flows.values().find(|head| head.reference_id == code.flow) else {
            return Ok(FlowStatus::InProgress("coming".to_owned()));
        };
        let Ok(chart) = reading.chart(head, project.locales.primary()).await? else { return Ok(FlowStatus::Deployed) };
        for (node, locale) in &code.nodes {
            let (Some(node), Some(locale)) = (chart.ids.get(node), project.locales.named(locale)) else {
                return Ok(FlowStatus::InProgress("coming".to_owned()));
            };
            let found = reading.node(head, node, locale).await?;
            if found.config.as_ref().is_some_and(|config| config["hasError"] == true) {
                self.memory.note_code(id, None);
                let name = found.label.filter(|label| !label.is_empty()).unwrap_or(found.reference_id);
                let message = format!("the code of node `{name}` has an error (locale `{}`)", locale.name);
                return Ok(FlowStatus::Failed { status: "wrong code".to_owned(), message });
            }
        }
        if code.was_seen {
            self.memory.note_code(id, None);
            return Ok(FlowStatus::Deployed);
        }
        self.memory.note_code(id, Some(WrittenCode { was_seen: true, ..code }));
        Ok(FlowStatus::InProgress("checking code".to_owned()))
    }

    pub(super) fn reading<'a>(
        &'a self,
        calls: &'a Calls<'a>,
        project: &'a Project,
        environment: &'a EnvironmentId,
    ) -> Reading<'a> {
        Reading {
            calls,
            project,
            project_id: environment.as_str(),
            concurrency: self.concurrency,
            references: &self.references,
            lexicons: tokio::sync::OnceCell::new(),
        }
    }
}

/// A text may be a flow on its way: what it attaches and does not refer to is attached later.
fn only_listed(flow: &mut Flow, body: &[u8]) {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let listed = document["externalReferences"].as_array().into_iter().flatten();
    let listed: BTreeSet<&str> = listed.filter_map(|reference| reference["id"].as_str()).collect();
    let own = flow.reference;
    flow.attached_flows.retain(|it| *it == own || listed.contains(it.flow_id().as_str()));
}

/// Code that differs from what was there.
fn written_code(before: Option<&Flow>, after: &Flow) -> Option<WrittenCode> {
    let code = |flow: &Flow| -> BTreeSet<(String, String, String)> {
        let nodes = flow.nodes().filter(|node| node.kind == "code");
        let entries = nodes.flat_map(|node| {
            let entry = |(locale, config): (&LocaleName, &Config)| {
                (node.reference.to_string(), locale.to_string(), Value::Object(config.clone()).to_string())
            };
            node.config.iter().map(entry).collect::<Vec<_>>()
        });
        entries.collect()
    };
    let before = before.map(code).unwrap_or_default();
    let nodes: Vec<(String, String)> =
        code(after).difference(&before).map(|(node, locale, _)| (node.clone(), locale.clone())).collect();
    let flow = after.reference.to_string();
    (!nodes.is_empty()).then_some(WrittenCode { flow, nodes, was_seen: false })
}

//! Making a live flow equal to a text, field by field.
//!
//! Whatever it is now: it is read, compared, and only what differs is written. Each node is read once more right before
//! it is written, since the vendor knows no revisions; what somebody else changed meanwhile is not overwritten.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::{Failure, TenantError};
use super::call::{Calls, Written};
use super::chart::{Node, Tree, WireNode};
use super::compose::tree_of;
use super::heads::{FlowHead, Locale};
use super::node_plan::{self, NodePlan, Patch, Step};
use super::read::{LiveChart, Reading, Unread};
use crate::format::cognigy::document::{Flow, without_computed};

/// What a write is made with.
pub(super) struct Writing<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) head: &'a FlowHead,
    pub(super) live: &'a Flow,
    pub(super) desired: &'a Flow,
}

/// Fields of the flow itself that differ.
fn flow_patch(live: &Flow, desired: &Flow) -> Map<String, Value> {
    let mut patch = Map::new();
    if live.name != desired.name {
        patch.insert("name".to_owned(), json!(desired.name));
    }
    if live.description != desired.description {
        patch.insert("description".to_owned(), json!(desired.description));
    }
    if live.context != desired.context {
        patch.insert("context".to_owned(), Value::Object(desired.context.clone()));
    }
    patch
}

/// What makes a live flow the one that is wanted.
///
/// # Errors
/// In words, where it takes more than fields to be written.
pub(super) fn plan(live: &Flow, desired: &Flow, locale: &str) -> Result<NodePlan, String> {
    let (ours, theirs) = (tree_of(live, locale), tree_of(desired, locale));
    let plan = node_plan::plan(&ours, &theirs).map_err(|error| error.to_string())?;
    if plan.writes_fields_only() {
        return Ok(plan);
    }
    let node_plan::Count { n_created, n_deleted, n_moved, .. } = plan.count();
    Err(format!(
        "it takes a package to make `{}` what git has (+{n_created} \u{2212}{n_deleted} nodes, {n_moved} moved), and that is not built yet",
        desired.name
    ))
}

impl Writing<'_> {
    fn calls(&self) -> &Calls<'_> {
        self.reading.calls
    }

    /// Writes what differs.
    ///
    /// # Errors
    /// Of a request; or somebody else changed what was to be written.
    pub(super) async fn run(&self) -> Result<(), TenantError> {
        let locales = &self.reading.project.locales;
        let base = locales.primary().map(|locale| locale.name.to_string()).unwrap_or_default();
        let plan = plan(self.live, self.desired, &base);
        let plan = plan.map_err(|reason| self.calls().error(Failure::Impossible { reason }))?;
        self.write_flow().await?;
        if plan.steps.is_empty() {
            return Ok(());
        }
        let chart = self.reading.chart(self.head, locales.primary()).await?;
        let chart = chart.map_err(|Unread { reason, .. }| self.calls().error(Failure::Impossible { reason }))?;
        let seen = tree_of(self.live, &base);
        for step in &plan.steps {
            self.step(step, &chart, &seen).await?;
        }
        Ok(())
    }

    async fn write_flow(&self) -> Result<(), TenantError> {
        let mut patch = flow_patch(self.live, self.desired);
        if self.live.attached_flows != self.desired.attached_flows {
            patch.insert("attachedFlows".to_owned(), self.attached_flows()?);
        }
        if self.live.attached_lexicons != self.desired.attached_lexicons {
            patch.insert("attachedLexicons".to_owned(), self.attached_lexicons().await?);
        }
        if patch.is_empty() {
            return Ok(());
        }
        let path = ["flows", self.head.id.as_str()];
        let written = self.calls().write(Method::PATCH, &path, &Value::Object(patch), "change flows").await?;
        self.settled(written, "the flow")
    }

    fn attached_flows(&self) -> Result<Value, TenantError> {
        let project = self.reading.project;
        let id = |reference| {
            let missing = || self.missing("flow", &format!("{reference}"));
            project.flow(reference).map(|head| Value::from(head.id.as_str())).ok_or_else(missing)
        };
        self.desired.attached_flows.iter().copied().map(id).collect()
    }

    async fn attached_lexicons(&self) -> Result<Value, TenantError> {
        let known = self.calls().lexicons(self.reading.project_id).await?;
        let id = |reference: &_| {
            let found = known.iter().find(|(_, known)| *known == reference).map(|(id, _)| Value::from(id.as_str()));
            found.ok_or_else(|| self.missing("lexicon", &format!("{reference}")))
        };
        self.desired.attached_lexicons.iter().map(id).collect()
    }

    fn missing(&self, kind: &str, reference: &str) -> TenantError {
        let reason = format!("it attaches {kind} `{reference}`, which is not in the project");
        self.calls().error(Failure::Impossible { reason })
    }

    async fn step(&self, step: &Step, chart: &LiveChart, seen: &Tree) -> Result<(), TenantError> {
        match step {
            Step::Write { node, locale, patch } => self.write_node(node, locale, patch, chart, seen).await,
            Step::AddLocale { node, locale } => self.localize(node, locale, "addlocalization", chart).await,
            Step::RemoveLocale { node, locale } => self.localize(node, locale, "removelocalization", chart).await,
            Step::Create(_) | Step::DropBrought { .. } | Step::Move { .. } | Step::Delete { .. } => {
                let reason = "it takes a package, and that is not built yet".to_owned();
                Err(self.calls().error(Failure::Impossible { reason }))
            }
        }
    }

    fn locale(&self, name: &str) -> Result<&Locale, TenantError> {
        let reason = || format!("it has settings in locale `{name}`, which is not in the project");
        let found = self.reading.project.locales.named(name);
        found.ok_or_else(|| self.calls().error(Failure::Impossible { reason: reason() }))
    }

    fn id<'c>(&self, node: &str, chart: &'c LiveChart) -> Result<&'c str, TenantError> {
        chart.ids.get(node).map(String::as_str).ok_or_else(|| self.changed(node))
    }

    fn changed(&self, node: &str) -> TenantError {
        self.calls().error(Failure::Changed { what: format!("node `{node}`") })
    }

    async fn localize(&self, node: &str, locale: &str, verb: &str, chart: &LiveChart) -> Result<(), TenantError> {
        let path = ["flows", self.head.id.as_str(), "chart", "nodes", self.id(node, chart)?, verb];
        let body = json!({"localeId": self.locale(locale)?.id});
        let written = self.calls().write(Method::POST, &path, &body, "change nodes").await?;
        self.settled(written, node)
    }

    async fn write_node(
        &self,
        name: &str,
        locale: &str,
        patch: &Patch,
        chart: &LiveChart,
        seen: &Tree,
    ) -> Result<(), TenantError> {
        let (locale, id) = (self.locale(locale)?, self.id(name, chart)?);
        let before = seen.nodes.iter().find(|node| node.reference == name);
        let live = self.reading.node(self.head, id, locale).await?;
        if reaches(&live, patch) {
            return Ok(());
        }
        if let Some(before) = before.filter(|before| !is_as_seen(&live, before, locale, patch)) {
            return Err(self.changed(&before.reference));
        }
        let mut body = body_of(patch);
        if self.reading.project.locales.0.len() > 1 {
            body.insert("localeId".to_owned(), json!(locale.id));
        }
        let path = ["flows", self.head.id.as_str(), "chart", "nodes", id];
        match self.calls().write(Method::PATCH, &path, &Value::Object(body), "change nodes").await? {
            // An answer that was lost: what is live tells whether it was done.
            Written::Unknown(failure) => {
                let live = self.reading.node(self.head, id, locale).await?;
                if reaches(&live, patch) { Ok(()) } else { Err(self.calls().error(failure)) }
            }
            written => self.settled(written, name),
        }
    }

    fn settled(&self, written: Written, what: &str) -> Result<(), TenantError> {
        match written {
            Written::Done => Ok(()),
            Written::Gone => Err(self.changed(what)),
            Written::Unknown(failure) => Err(self.calls().error(failure)),
        }
    }
}

/// Fields of a node's PATCH.
fn body_of(patch: &Patch) -> Map<String, Value> {
    let Patch { label, comment, comment_color, analytics_label, is_entry_point, is_disabled, config } = patch;
    let fields = [
        ("label", label.as_ref().map(|it| json!(it))),
        ("comment", comment.as_ref().map(|it| json!(it))),
        ("commentColor", comment_color.as_ref().map(|it| json!(it))),
        ("analyticsLabel", analytics_label.as_ref().map(|it| json!(it))),
        ("isEntryPoint", is_entry_point.map(|it| json!(it))),
        ("isDisabled", is_disabled.map(|it| json!(it))),
        ("config", config.clone()),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// A node's field as it is live, by its name in a PATCH.
fn field(live: &WireNode, key: &str) -> Value {
    let text = |text: &Option<String>| json!(text.as_deref().unwrap_or_default());
    match key {
        "label" => text(&live.label),
        "comment" => text(&live.comment),
        "commentColor" => text(&live.comment_color),
        "analyticsLabel" => text(&live.analytics_label),
        "isEntryPoint" => json!(live.is_entry_point.unwrap_or_default()),
        "isDisabled" => json!(live.is_disabled.unwrap_or_default()),
        _ => config_of(live),
    }
}

fn config_of(live: &WireNode) -> Value {
    let mut config = live.config.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    without_computed(&live.kind, &mut config);
    Value::Object(config)
}

/// Whether a node has all that is to be written already: a PATCH of nothing is refused by some servers.
fn reaches(live: &WireNode, patch: &Patch) -> bool {
    body_of(patch).iter().all(|(key, value)| same(&field(live, key), value))
}

/// Whether what is to be overwritten is what the plan saw.
fn is_as_seen(live: &WireNode, seen: &Node, locale: &Locale, patch: &Patch) -> bool {
    let head = &seen.head;
    let seen_field = |key: &str| match key {
        "label" => Some(json!(head.label)),
        "comment" => Some(json!(head.comment)),
        "commentColor" => Some(json!(head.comment_color)),
        "analyticsLabel" => Some(json!(head.analytics_label)),
        "isEntryPoint" => Some(json!(head.is_entry_point)),
        "isDisabled" => Some(json!(head.is_disabled)),
        // A configuration that the node did not have is inherited from another locale.
        _ => seen.configs.get(locale.name.as_str()).cloned(),
    };
    body_of(patch).keys().all(|key| seen_field(key).is_none_or(|seen| same(&field(live, key), &seen)))
}

/// Whether two values are one, numbers by what they are worth.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| same(one, other)))
        }
        (one, other) => one == other,
    }
}

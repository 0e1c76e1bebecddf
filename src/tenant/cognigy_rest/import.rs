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
use super::defaults::KnownDefaults;
use super::equal::same;
use super::heads::{FlowHead, Locale};
use super::node_plan::{self, Count, NodePlan, NodeStep, Patch};
use super::read::{LiveChart, Reading, Unread};
use crate::config::WriteRoute;
use crate::flow::Defaults;
use crate::format::cognigy::document::{Flow, is_marker, without_computed};

/// What a write is made with.
pub(super) struct Writing<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) head: &'a FlowHead,
    pub(super) live: &'a Flow,
    pub(super) desired: &'a Flow,
    pub(super) defaults: &'a KnownDefaults,
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

/// Bytes of a JSON body that servers are known to take.
const BODY_BYTES_MAX: usize = 60 * 1024;

/// How a live flow becomes the one that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Route {
    /// Fields are written, node by node.
    Nodes(NodePlan),
    /// It is replaced by a package, for this reason.
    Package {
        /// What changes.
        count: Count,
        /// In words that continue "it takes a package: ".
        reason: String,
    },
}

/// The route from a flow to another.
///
/// # Errors
/// In words: no route leads there.
pub(super) fn route(live: &Flow, desired: &Flow, locale: &str, write: WriteRoute) -> Result<Route, String> {
    let (ours, theirs) = (tree_of(live, locale), tree_of(desired, locale));
    let plan = node_plan::plan(&ours, &theirs);
    let package = |count: Count, reason: String| match write {
        WriteRoute::Nodes => Err(format!(
            "it takes a package to make `{}` what git has: {reason}; the configuration says `write: nodes`",
            desired.name
        )),
        WriteRoute::Auto | WriteRoute::Package => Ok(Route::Package { count, reason }),
    };
    let plan = match plan {
        Ok(plan) => plan,
        // What a package holds is taken as it comes: a type that nobody here knows may have children that move.
        Err(impossible) if impossible.kind().is_some_and(|kind| !is_marker(kind)) => {
            return package(Count::default(), impossible.to_string());
        }
        Err(impossible) => return Err(impossible.to_string()),
    };
    let count = plan.count();
    if let Some(reason) = lacking(desired) {
        return Err(reason);
    }
    if !plan.writes_fields_only() {
        let Count { n_created, n_deleted, n_moved, .. } = count;
        return package(count, format!("+{n_created} \u{2212}{n_deleted} nodes, {n_moved} moved"));
    }
    if let Some(node) = plan.steps.iter().find_map(too_large) {
        return package(count, format!("node `{node}` is larger than {BODY_BYTES_MAX} bytes"));
    }
    if write == WriteRoute::Package && !plan.steps.is_empty() {
        return package(count, "the configuration says `write: package`".to_owned());
    }
    Ok(Route::Nodes(plan))
}

/// Why a flow cannot be brought in as it is written: a node always has settings in some locale.
pub(super) fn lacking(desired: &Flow) -> Option<String> {
    let bare = desired.nodes().find(|node| !is_marker(&node.kind) && node.config.is_empty())?;
    let named = if bare.head.label.is_empty() { bare.reference.to_string() } else { bare.head.label.clone() };
    let kind = &bare.kind;
    Some(format!(
        "node `{named}` of type `{kind}` has no settings in any locale, which no live node is without: write `\"config\": {{}}`"
    ))
}

/// The node whose PATCH would be larger than servers take.
fn too_large(step: &NodeStep) -> Option<&str> {
    let NodeStep::Write { node, patch, .. } = step else { return None };
    let config = patch.config.as_ref()?;
    (config.to_string().len() > BODY_BYTES_MAX).then_some(node.as_str())
}

/// Whether what came of a PATCH says that a package would do: a body over the limit, or a locale that it refuses.
pub(super) fn takes_a_package(failure: &Failure) -> bool {
    match failure.last() {
        Failure::Refused { status: 413, .. } => true,
        Failure::Refused { status: 400, message } => message.contains("localeId"),
        _ => false,
    }
}

/// How a write by nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    /// Everything that differed.
    All,
    /// Not everything: the rest takes a package.
    TakesPackage,
}

impl Writing<'_> {
    fn calls(&self) -> &Calls<'_> {
        self.reading.calls
    }

    /// Writes what differs.
    ///
    /// # Errors
    /// Of a request; or somebody else changed what was to be written.
    pub(super) async fn run(&self, plan: &NodePlan) -> Result<Wrote, TenantError> {
        let locales = &self.reading.project.locales;
        let base = locales.primary().map(|locale| locale.name.to_string()).unwrap_or_default();
        self.write_flow().await?;
        if plan.steps.is_empty() {
            return Ok(Wrote::All);
        }
        let chart = self.reading.chart(self.head, locales.primary()).await?;
        let chart = chart.map_err(|Unread { reason, .. }| self.calls().error(Failure::Impossible { reason }))?;
        let seen = tree_of(self.live, &base);
        for step in &plan.steps {
            match self.step(step, &chart, &seen).await {
                Err(error) if takes_a_package(&error.failure) => return Ok(Wrote::TakesPackage),
                done => done?,
            }
        }
        Ok(Wrote::All)
    }

    async fn write_flow(&self) -> Result<(), TenantError> {
        let mut patch = flow_patch(self.live, self.desired);
        let (flows, lexicons) = (&self.desired.attached_flows, &self.desired.attached_lexicons);
        let is_other = (&self.live.attached_flows != flows, &self.live.attached_lexicons != lexicons);
        if is_other.0 || is_other.1 {
            let wanted = self.reading.attachments(self.desired).await?;
            let lists =
                [("attachedFlows", wanted.flows, is_other.0), ("attachedLexicons", wanted.lexicons, is_other.1)];
            let lists = lists.into_iter().filter(|(_, _, is_other)| *is_other);
            patch.extend(lists.map(|(key, wanted, _)| (key.to_owned(), Value::Array(wanted))));
        }
        if patch.is_empty() {
            return Ok(());
        }
        let path = ["flows", self.head.id.as_str()];
        let written = self.calls().write_flow(Method::PATCH, &path, &Value::Object(patch), "change flows").await?;
        self.settled(written, "the flow")
    }

    async fn step(&self, step: &NodeStep, chart: &LiveChart, seen: &Tree) -> Result<(), TenantError> {
        match step {
            NodeStep::Write { node, locale, patch } => self.write_node(node, locale, patch, chart, seen).await,
            NodeStep::AddLocale { node, locale } => self.localize(node, locale, "addlocalization", chart).await,
            NodeStep::RemoveLocale { node, locale } => self.localize(node, locale, "removelocalization", chart).await,
            NodeStep::Create(_) | NodeStep::DropBrought { .. } | NodeStep::Move { .. } | NodeStep::Delete { .. } => {
                let reason = "structure is never written node by node".to_owned();
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
        self.calls().changed(format!("node `{node}`"))
    }

    async fn localize(&self, node: &str, locale: &str, verb: &str, chart: &LiveChart) -> Result<(), TenantError> {
        let path = ["flows", self.head.id.as_str(), "chart", "nodes", self.id(node, chart)?, verb];
        let body = json!({"localeId": self.locale(locale)?.id});
        let written = self.calls().write_flow(Method::POST, &path, &body, "change nodes").await?;
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
        if reaches(&live, patch, self.defaults) {
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
        let written = self.calls().write_flow(Method::PATCH, &path, &Value::Object(body), "change nodes").await;
        if written.as_ref().is_err_and(is_refused) && self.is_nothing(&live, patch) {
            return Ok(());
        }
        match written? {
            // An answer that was lost: what is live tells whether it was done.
            Written::Unknown(failure) => {
                let live = self.reading.node(self.head, id, locale).await?;
                if reaches(&live, patch, self.defaults) { Ok(()) } else { Err(self.calls().error(failure)) }
            }
            written => self.settled(written, name),
        }
    }

    /// Whether a PATCH that was refused changes nothing: what the node has on top of what is wanted, the platform gives
    /// to it by itself.
    fn is_nothing(&self, live: &WireNode, patch: &Patch) -> bool {
        let Some(wanted) = patch.config.as_ref().and_then(Value::as_object) else { return false };
        let on_top = config_of(live).into_iter().filter(|(key, _)| !wanted.contains_key(key));
        let mut defaults = Defaults::default();
        on_top.for_each(|(key, value)| defaults.insert(&live.kind, &key, &value));
        let bare = KnownDefaults::of(defaults.clone());
        let is_nothing = !defaults.is_empty() && reaches(live, patch, &bare);
        if is_nothing {
            self.defaults.add(&defaults);
        }
        is_nothing
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
        _ => Value::Object(config_of(live)),
    }
}

fn config_of(live: &WireNode) -> Map<String, Value> {
    let mut config = live.config.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    without_computed(&live.kind, &mut config);
    config
}

/// Whether a node has all that is to be written already: a PATCH of nothing is refused by some servers.
fn reaches(live: &WireNode, patch: &Patch, defaults: &KnownDefaults) -> bool {
    body_of(patch).iter().all(|(key, wanted)| match key.as_str() {
        "config" => {
            let mut config = config_of(live);
            defaults.left_out_of(&live.kind, &mut config, wanted);
            same(&Value::Object(config), wanted)
        }
        key => same(&field(live, key), wanted),
    })
}

/// Whether the tenant says that a request is wrong.
fn is_refused(error: &TenantError) -> bool {
    matches!(error.failure, Failure::Refused { status: 400, .. })
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

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"format":"cognigy-flow/1","id":"flow_11111111000040008000000000000001",
        "referenceId":"11111111-0000-4000-8000-000000000001","name":"A","chart":[
        {"type":"start","ref":"a0000000-0000-4000-8000-000000000000"},"#;
    const END: &str = r#"{"type":"end","ref":"a0000000-0000-4000-8000-000000000009"}]}"#;

    fn flow(nodes: &str) -> Flow {
        Flow::parse(format!("{START}{nodes}{END}").as_bytes()).unwrap()
    }

    fn say(n: u8, text: &str) -> String {
        format!(
            r#"{{"type":"say","ref":"a0000000-0000-4000-8000-00000000000{n}","config":{{"en":{{"say":"{text}"}}}}}},"#
        )
    }

    fn way(live: &str, desired: &str, write: WriteRoute) -> String {
        match route(&flow(live), &flow(desired), "en", write) {
            Ok(Route::Nodes(plan)) => format!("nodes {}", plan.steps.len()),
            Ok(Route::Package { reason, .. }) => format!("package: {reason}"),
            Err(reason) => format!("no: {reason}"),
        }
    }

    #[test]
    fn structure_and_what_is_too_large_takes_a_package_and_the_rest_does_not() {
        let (one, other, two) = (say(1, "a"), say(1, "b"), say(1, "a") + &say(2, "b"));
        let large = say(1, &"x".repeat(70_000));
        assert_eq!(way(&one, &one, WriteRoute::Package), "nodes 0");
        assert_eq!(way(&one, &other, WriteRoute::Auto), "nodes 1");
        assert_eq!(way(&one, &two, WriteRoute::Auto), "package: +1 \u{2212}0 nodes, 0 moved");
        assert!(way(&one, &large, WriteRoute::Auto).contains("is larger than 61440 bytes"));
        assert!(way(&one, &other, WriteRoute::Package).starts_with("package: the configuration says"));
        assert!(way(&one, &two, WriteRoute::Nodes).contains("the configuration says `write: nodes`"));
        let bare = r#"{"type":"stop","ref":"a0000000-0000-4000-8000-000000000003","label":"Halt"},"#;
        assert!(way(&one, bare, WriteRoute::Auto).starts_with("no: node `Halt` of type `stop` has no settings"));
    }
}

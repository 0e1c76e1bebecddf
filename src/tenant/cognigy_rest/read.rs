//! One flow, read whole: its head, its chart, and each configuration in each locale that has one of its own.

use std::collections::{BTreeMap, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::TenantError;
use super::call::{Calls, gone};
use super::chart::{self, Tree, WireChart, WireNode};
use super::compose::{chain_of, text_of, unreadable};
use super::heads::{FlowHead, Locale, Project};
use crate::flow::FlowId;
use crate::format::cognigy::document::{Flow, FlowRef, LexiconRef};

/// A stamp that was this young when it was read may hide another edit, in seconds.
const YOUNG_SECONDS: f64 = 2.0;

/// A flow as it is read alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireFlow {
    reference_id: String,
    name: String,
    description: Option<String>,
    context: Option<Map<String, Value>>,
    attached_flows: Option<Vec<String>>,
    attached_lexicons: Option<Vec<String>>,
    last_changed: i64,
}

/// A flow, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadFlow {
    pub(super) id: FlowId,
    /// The composed document, or what stands for one that cannot be read.
    pub(super) text: String,
    pub(super) stamp: i64,
    /// Whether the same stamp means the same flow.
    pub(super) is_settled: bool,
}

/// A chart with what its nodes are called in paths.
#[derive(Debug, Clone)]
pub(super) struct LiveChart {
    /// `_id`s by reference id.
    pub(super) ids: HashMap<String, String>,
    pub(super) tree: Tree,
    /// Of each node, the reference of the locale whose configuration it shows.
    shown: HashMap<String, Option<String>>,
}

/// Reads flows of one project.
pub(super) struct Reading<'a> {
    pub(super) calls: &'a Calls<'a>,
    pub(super) project: &'a Project,
    pub(super) project_id: &'a str,
    pub(super) concurrency: usize,
    pub(super) lexicons: tokio::sync::OnceCell<BTreeMap<String, LexiconRef>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(calls: &'a Calls<'a>, project: &'a Project, project_id: &'a str, concurrency: usize) -> Self {
        Self { calls, project, project_id, concurrency, lexicons: tokio::sync::OnceCell::new() }
    }

    /// Everything of one flow.
    pub(super) async fn flow(&self, head: &FlowHead) -> Result<ReadFlow, TenantError> {
        let Ok(reference) = head.reference_id.parse::<FlowRef>() else {
            return Err(self.calls.garbage(format!("a flow with the reference id `{}`", head.reference_id).as_bytes()));
        };
        let id = reference.flow_id();
        let path = ["flows", head.id.as_str()];
        let found = self.calls.json_if_there::<WireFlow>(&path, &self.primary(), "read a flow").await?;
        let (wire, now) = found.ok_or_else(|| self.calls.error(gone(&path)))?;
        let (stamp, name) = (wire.last_changed, wire.name.clone());
        let text = match self.document(head, reference, wire).await? {
            Ok(text) => text,
            Err(Unread { reason, found }) => unreadable(id.as_str(), &name, &reason, found),
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let is_settled = now - stamp as f64 > YOUNG_SECONDS;
        Ok(ReadFlow { id, text, stamp, is_settled })
    }

    fn primary(&self) -> Vec<(&'static str, &str)> {
        self.project.locales.primary().map(|locale| ("preferredLocaleId", locale.id.as_str())).into_iter().collect()
    }

    async fn document(
        &self,
        head: &FlowHead,
        reference: FlowRef,
        wire: WireFlow,
    ) -> Result<Result<String, Unread>, TenantError> {
        let WireFlow { name, description, context, attached_flows, attached_lexicons, .. } = wire;
        let mut chart = match self.chart(head, self.project.locales.primary()).await? {
            Ok(chart) => chart,
            Err(unread) => return Ok(Err(unread)),
        };
        for (index, locale) in self.project.locales.0.iter().enumerate() {
            let shown = match index {
                0 => chart.shown.clone(),
                _ => match self.chart(head, Some(locale)).await? {
                    Ok(other) => other.shown,
                    Err(unread) => return Ok(Err(unread)),
                },
            };
            self.configs(head, &mut chart, locale, &shown).await?;
        }
        let flow = |id: &String| self.project.flows.get(id)?.reference_id.parse().ok();
        let lexicons = self.attached_lexicons(attached_lexicons.unwrap_or_default()).await?;
        let composed = chain_of(&chart.tree).and_then(|chain| {
            let flow = Flow {
                reference,
                name,
                description: description.unwrap_or_default(),
                context: context.unwrap_or_default(),
                attached_flows: attached_flows.iter().flatten().filter_map(flow).collect(),
                attached_lexicons: lexicons,
                chart: chain,
            };
            text_of(&flow, self.calls.asked.environment)
        });
        Ok(composed.map_err(|reason| Unread { reason, found: Value::Null }))
    }

    async fn attached_lexicons(&self, ids: Vec<String>) -> Result<Vec<LexiconRef>, TenantError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.lexicons.get_or_try_init(|| self.calls.lexicons(self.project_id)).await?;
        Ok(ids.iter().filter_map(|id| known.get(id).copied()).collect())
    }

    /// The chart in a locale; configurations are elsewhere.
    pub(super) async fn chart(
        &self,
        head: &FlowHead,
        locale: Option<&Locale>,
    ) -> Result<Result<LiveChart, Unread>, TenantError> {
        let path = ["flows", head.id.as_str(), "chart"];
        let query: Vec<_> = locale.map(|locale| ("preferredLocaleId", locale.id.as_str())).into_iter().collect();
        let found: Value = self.calls.json(&path, &query, "read charts").await?;
        let Ok(wire) = WireChart::deserialize(&found) else {
            return Err(self.calls.garbage(found.to_string().as_bytes()));
        };
        let name = locale.map(|locale| locale.name.to_string()).unwrap_or_default();
        let tree = match chart::read(&wire, &head.reference_id, &name) {
            Ok(tree) => tree,
            Err(error) => return Ok(Err(Unread { reason: error.to_string(), found })),
        };
        let by = |node: &WireNode| (node.reference_id.clone(), node.id.clone());
        let shown = |node: &WireNode| (node.reference_id.clone(), node.locale_reference.clone());
        let (ids, shown) = (wire.nodes.iter().map(by).collect(), wire.nodes.iter().map(shown).collect());
        Ok(Ok(LiveChart { ids, tree, shown }))
    }

    /// Reads the configurations of the nodes that have one of their own in a locale.
    async fn configs(
        &self,
        head: &FlowHead,
        chart: &mut LiveChart,
        locale: &Locale,
        shown: &HashMap<String, Option<String>>,
    ) -> Result<(), TenantError> {
        let is_own = |reference: &str| {
            let shown = shown.get(reference).and_then(Option::as_deref);
            shown.is_none_or(|shown| shown == locale.reference || shown == locale.id)
        };
        let nodes = chart.tree.nodes.iter().enumerate();
        let wanted: Vec<(usize, String)> = nodes
            .filter(|(_, node)| !node.kind.is_mere_place() && is_own(&node.reference))
            .filter_map(|(index, node)| Some((index, chart.ids.get(&node.reference)?.clone())))
            .collect();
        let found: Vec<(usize, WireNode)> = stream::iter(wanted)
            .map(|(index, id)| async move { Ok((index, self.node(head, &id, locale).await?)) })
            .buffer_unordered(self.concurrency)
            .try_collect()
            .await?;
        for (index, node) in found {
            let is_own =
                node.locale_reference.as_deref().is_none_or(|shown| shown == locale.reference || shown == locale.id);
            // The chart may lag behind a write; a node alone does not.
            chart.tree.nodes[index].head = chart::head(&node);
            if let Some(config) = node.config.filter(|_| is_own) {
                chart.tree.nodes[index].configs.insert(locale.name.to_string(), config);
            }
        }
        Ok(())
    }

    /// One node in a locale.
    pub(super) async fn node(&self, head: &FlowHead, id: &str, locale: &Locale) -> Result<WireNode, TenantError> {
        let path = ["flows", head.id.as_str(), "chart", "nodes", id];
        self.calls.json(&path, &[("preferredLocaleId", &locale.id)], "read nodes").await
    }
}

/// Why a flow cannot be read as one, and what was found of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unread {
    pub(super) reason: String,
    pub(super) found: Value,
}

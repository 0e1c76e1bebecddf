//! One flow, read whole: its head, its chart, and each configuration in each locale that has one of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{Failure, TenantError};
use super::call::{Calls, gone};
use super::chart::{self, Tree, WireChart, WireNode};
use super::compose::{chain_of, text_of, unreadable};
use super::heads::{FlowHead, Locale, Project};
use super::parcel::{Charts, Parcel};
use super::references::References;
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
    /// How many configurations it has: what it takes to read it node by node.
    pub(super) n_configs: usize,
    /// The flows that it attaches, by `_id`: of one that goes, its stamp says nothing.
    pub(super) attached: BTreeSet<String>,
}

/// What a flow attaches, by `_id`.
pub(super) struct Attachments {
    pub(super) flows: Vec<Value>,
    pub(super) lexicons: Vec<Value>,
}

/// Whether a stamp was old enough when it was read to say something.
fn is_settled(stamp: i64, now: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let age = now - stamp as f64;
    age > YOUNG_SECONDS
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
    pub(super) references: &'a References,
    pub(super) lexicons: tokio::sync::OnceCell<BTreeMap<String, LexiconRef>>,
}

impl<'a> Reading<'a> {
    /// Everything of one flow, node by node.
    pub(super) async fn flow(&self, head: &FlowHead) -> Result<ReadFlow, TenantError> {
        let (reference, wire, now) = self.head(head).await?;
        let (stamp, name, attached) = (wire.last_changed, wire.name.clone(), self.there(&wire));
        let tree = match self.tree(head).await? {
            Ok(tree) => {
                self.text(reference, wire, &tree).await?.map_err(|reason| Unread { reason, found: Value::Null })
            }
            Err(unread) => Err(unread),
        };
        let id = self.references.git_flow(reference).flow_id();
        let (text, n_configs) = match tree {
            Ok(read) => read,
            Err(Unread { reason, found }) => (unreadable(id.as_str(), &name, &reason, found), 0),
        };
        Ok(ReadFlow { id, text, stamp, is_settled: is_settled(stamp, now), n_configs, attached })
    }

    /// The same, from a package that was exported after `head` was listed; `None` where that is not the flow as it is.
    pub(super) async fn packed(&self, head: &FlowHead, charts: &Charts<'_>) -> Result<Option<ReadFlow>, TenantError> {
        let (reference, wire, now) = self.head(head).await?;
        let (stamp, attached) = (wire.last_changed, self.there(&wire));
        if stamp != head.last_changed {
            return Ok(None);
        }
        let tree = charts.read(&head.reference_id);
        let tree = tree.and_then(|packed| packed.tree(&head.reference_id, &self.project.locales.names()));
        let read = match tree {
            Ok(tree) => self.text(reference, wire, &tree).await?,
            Err(reason) => Err(reason),
        };
        let read = read.inspect_err(|reason| tracing::debug!(flow = head.name, reason, "read node by node instead"));
        Ok(read.ok().map(|(text, n_configs)| ReadFlow {
            id: self.references.git_flow(reference).flow_id(),
            text,
            stamp,
            is_settled: is_settled(stamp, now),
            n_configs,
            attached,
        }))
    }

    /// Which of the flows that one attaches are in the project.
    fn there(&self, wire: &WireFlow) -> BTreeSet<String> {
        let attached = wire.attached_flows.iter().flatten();
        attached.filter(|id| self.project.flows.contains_key(*id)).cloned().collect()
    }

    /// Whether a flow, exported as `parcel` just now, is what was shown of it before.
    pub(super) async fn is_as_shown(&self, head: &FlowHead, parcel: &Parcel, shown: &str) -> Result<bool, TenantError> {
        let packed = self.packed(head, &parcel.charts()).await?;
        if packed.is_some_and(|packed| packed.text == shown) {
            return Ok(true);
        }
        // A package may write a setting in a way that nobody here knows: the nodes tell.
        Ok(self.flow(head).await?.text == shown)
    }

    /// What there is to read of a flow besides its chart; and the tenant's time.
    async fn head(&self, head: &FlowHead) -> Result<(FlowRef, WireFlow, f64), TenantError> {
        let Ok(reference) = head.reference_id.parse::<FlowRef>() else {
            return Err(self.calls.garbage(format!("a flow with the reference id `{}`", head.reference_id).as_bytes()));
        };
        let path = ["flows", head.id.as_str()];
        let found = self.calls.json_if_there::<WireFlow>(&path, &self.primary(), "read a flow").await?;
        let (wire, now) = found.ok_or_else(|| self.calls.error(gone(&path)))?;
        Ok((reference, wire, now))
    }

    fn primary(&self) -> Vec<(&'static str, &str)> {
        self.project.locales.primary().map(|locale| ("preferredLocaleId", locale.id.as_str())).into_iter().collect()
    }

    /// The chart, with the configurations of all locales.
    async fn tree(&self, head: &FlowHead) -> Result<Result<Tree, Unread>, TenantError> {
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
        Ok(Ok(chart.tree))
    }

    /// The document, and how many configurations are in it.
    async fn text(
        &self,
        reference: FlowRef,
        wire: WireFlow,
        tree: &Tree,
    ) -> Result<Result<(String, usize), String>, TenantError> {
        let WireFlow { name, description, context, attached_flows, attached_lexicons, .. } = wire;
        let flow = |id: &String| self.project.flows.get(id)?.reference_id.parse().ok();
        let lexicons = self.attached_lexicons(attached_lexicons.unwrap_or_default()).await?;
        let n_configs = tree.nodes.iter().map(|node| node.configs.len()).sum();
        Ok(chain_of(tree).and_then(|chain| {
            let mut flow = Flow {
                reference,
                name,
                description: description.unwrap_or_default(),
                context: context.unwrap_or_default(),
                attached_flows: attached_flows.iter().flatten().filter_map(flow).collect(),
                attached_lexicons: lexicons,
                chart: chain,
            };
            self.references.git(&mut flow);
            Ok((text_of(&flow)?, n_configs))
        }))
    }

    async fn known_lexicons(&self) -> Result<&BTreeMap<String, LexiconRef>, TenantError> {
        self.lexicons.get_or_try_init(|| self.calls.lexicons(self.project_id)).await
    }

    async fn attached_lexicons(&self, ids: Vec<String>) -> Result<Vec<LexiconRef>, TenantError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.known_lexicons().await?;
        Ok(ids.iter().filter_map(|id| known.get(id).copied()).collect())
    }

    /// What a flow that is wanted attaches, by the `_id`s of this project.
    ///
    /// # Errors
    /// Something of it is not in the project.
    pub(super) async fn attachments(&self, desired: &Flow) -> Result<Attachments, TenantError> {
        let missing = |kind: &str, reference: &dyn std::fmt::Display| {
            let reason = format!("it attaches {kind} `{reference}`, which is not in the project");
            self.calls.error(Failure::Impossible { reason })
        };
        let flow = |reference: &FlowRef| {
            let found = self.project.flow(*reference).map(|head| Value::from(head.id.as_str()));
            found.ok_or_else(|| missing("flow", reference))
        };
        let flows = desired.attached_flows.iter().map(flow).collect::<Result<_, _>>()?;
        if desired.attached_lexicons.is_empty() {
            return Ok(Attachments { flows, lexicons: Vec::new() });
        }
        let known = self.known_lexicons().await?;
        let lexicon = |reference: &LexiconRef| {
            let found = known.iter().find(|(_, known)| *known == reference).map(|(id, _)| Value::from(id.as_str()));
            found.ok_or_else(|| missing("lexicon", reference))
        };
        let lexicons = desired.attached_lexicons.iter().map(lexicon).collect::<Result<_, _>>()?;
        Ok(Attachments { flows, lexicons })
    }

    /// A reading of whatever is there by now.
    pub(super) fn again<'b>(&'b self, project: &'b Project) -> Reading<'b> {
        let Self { calls, project_id, concurrency, references, .. } = *self;
        Reading { calls, project, project_id, concurrency, references, lexicons: tokio::sync::OnceCell::new() }
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

    /// How many configurations there are to read of a flow, as far as the chart of the primary locale tells.
    pub(super) async fn size(&self, head: &FlowHead) -> Result<usize, TenantError> {
        let chart = self.chart(head, self.project.locales.primary()).await?;
        let n_nodes =
            chart.map_or(0, |chart| chart.tree.nodes.iter().filter(|node| !node.kind.is_mere_place()).count());
        Ok(n_nodes)
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

//! What is live in a project, as documents: put together from what the stand-in keeps, not by flowsync's own reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use flowsync::flow::FlowId;
use flowsync::format::cognigy::document::{BASIC_EXTENSION, Branch, Flow, FlowRef, Head, Node, is_marker};
use flowsync::tenant::sandbox::cognigy_rest::{Handle, PROJECT};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::super::script::Script;
use super::super::Change;

/// Flows that are there for a moment only are nobody's.
const SCAFFOLD: &str = "flowsync-scaffold-";

/// What was seen last.
pub struct State {
    revision: Option<u64>,
    locales: BTreeMap<String, String>,
    flows: BTreeMap<FlowId, Seen>,
    changes: Vec<Change>,
    n_changes: usize,
    /// Who has asked for a change of each flow last: a task may end while somebody else asks for something. A script
    /// holds its world, and that this.
    writers: BTreeMap<FlowId, Weak<Script>>,
    /// Who has asked for any change last: by one flow another may be changed, too.
    writer: Weak<Script>,
}

struct Seen {
    kept: String,
    flow: Kept,
    attached: Vec<FlowRef>,
    document: Arc<[u8]>,
}

/// A flow as the state file has it.
#[derive(Clone, Deserialize)]
struct Kept {
    id: String,
    reference: String,
    name: String,
    description: String,
    context: Map<String, Value>,
    attached_flows: Vec<String>,
    chart: KeptChart,
}

#[derive(Clone, Deserialize)]
struct KeptChart {
    nodes: BTreeMap<String, KeptNode>,
    relations: BTreeMap<String, KeptRelation>,
}

#[derive(Clone, Deserialize)]
struct KeptNode {
    reference: String,
    kind: String,
    extension: String,
    label: String,
    comment: String,
    comment_color: String,
    analytics_label: Option<String>,
    is_entry_point: bool,
    is_disabled: bool,
    entries: BTreeMap<String, Map<String, Value>>,
}

#[derive(Clone, Deserialize)]
struct KeptRelation {
    children: Vec<String>,
    next: Option<String>,
}

impl State {
    pub fn new(locales: Vec<(String, String)>) -> Self {
        Self {
            revision: None,
            locales: locales.into_iter().collect(),
            flows: BTreeMap::new(),
            changes: Vec::new(),
            n_changes: 0,
            writers: BTreeMap::new(),
            writer: Weak::new(),
        }
    }

    pub fn document(&self, id: &FlowId) -> Option<Arc<[u8]>> {
        self.flows.get(id).map(|seen| seen.document.clone())
    }

    pub fn is_there(&self, reference: FlowRef) -> bool {
        self.flows.contains_key(&reference.flow_id())
    }

    pub fn reference(&self, id: &FlowId) -> Option<String> {
        self.flows.get(id).map(|seen| seen.flow.reference.clone())
    }

    /// The flow of an `_id`.
    pub fn by_id(&self, id: &str) -> Option<FlowId> {
        self.flows.iter().find(|(_, seen)| seen.flow.id == id).map(|(id, _)| id.clone())
    }

    /// Somebody asks for a change.
    pub fn is_asked_for(&mut self, flow: Option<&FlowId>, by: &Arc<Script>) {
        self.writer = Arc::downgrade(by);
        if let Some(flow) = flow {
            self.writers.insert(flow.clone(), Arc::downgrade(by));
        }
    }

    pub fn n_changes(&self) -> usize {
        self.n_changes
    }

    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The same, where somebody has just changed something by hand; what that is.
    pub fn look_away(&mut self, handle: &Handle) -> Vec<FlowId> {
        let before = self.changes.len();
        self.look(handle);
        self.changes.drain(before..).map(|change| change.id).collect()
    }

    /// Looks at what is live now, and notes what has changed.
    pub fn look(&mut self, handle: &Handle) {
        let revision = handle.revision();
        if self.revision == Some(revision) {
            return;
        }
        self.revision = Some(revision);
        let earlier = std::mem::take(&mut self.flows);
        let known: BTreeMap<&str, &Seen> = earlier.values().map(|seen| (&*seen.kept, seen)).collect();
        let read = |kept: String| {
            let flow = match known.get(&*kept) {
                Some(seen) => seen.flow.clone(),
                None => serde_json::from_str(&kept).unwrap(),
            };
            (kept, flow)
        };
        let kept = handle.kept_flows(PROJECT).unwrap().into_iter().map(read);
        let now: Vec<(String, Kept)> = kept.filter(|(_, flow)| !flow.name.starts_with(SCAFFOLD)).collect();
        let references: BTreeMap<String, FlowRef> =
            now.iter().filter_map(|(_, flow)| Some((flow.id.clone(), flow.reference.parse().ok()?))).collect();
        let mut flows = BTreeMap::new();
        for (kept, flow) in now {
            let attached: Vec<FlowRef> =
                flow.attached_flows.iter().filter_map(|id| references.get(id).copied()).collect();
            let same = known.get(&*kept).filter(|seen| seen.attached == attached);
            let document = match same {
                Some(seen) => seen.document.clone(),
                None => self.composed(&flow, &attached).into_bytes().into(),
            };
            let id = flow.reference.parse::<FlowRef>().unwrap().flow_id();
            flows.insert(id, Seen { kept, flow, attached, document });
        }
        let ids: BTreeSet<&FlowId> = earlier.keys().chain(flows.keys()).collect();
        for id in ids {
            let document = |flows: &BTreeMap<FlowId, Seen>| flows.get(id).map(|seen| seen.document.clone());
            let (before, after) = (document(&earlier), document(&flows));
            if before != after {
                self.n_changes += 1;
                let by = self.writers.get(id).unwrap_or(&self.writer).upgrade();
                self.changes.push(Change { by, id: id.clone(), before, after });
            }
        }
        self.flows = flows;
    }

    fn composed(&self, flow: &Kept, attached: &[FlowRef]) -> String {
        let reference: FlowRef = flow.reference.parse().unwrap();
        let start = flow.chart.nodes.iter().find(|(_, node)| node.kind == "start").map(|(id, _)| id.as_str());
        let mut seen = BTreeSet::new();
        let chart = self.chain(&flow.chart, start, &mut seen);
        match chart.filter(|_| seen.len() == flow.chart.nodes.len()) {
            Some(chart) => Flow {
                reference,
                name: flow.name.clone(),
                description: flow.description.clone(),
                context: flow.context.clone(),
                attached_flows: attached.to_vec(),
                attached_lexicons: Vec::new(),
                chart,
            }
            .to_text(),
            None => {
                let found = serde_json::to_string(&flow.name).unwrap();
                format!(r#"{{"id":"{}","name":{found},"unreadable":"{}"}}"#, reference.flow_id(), seen.len())
            }
        }
    }

    /// `None` where it is no tree.
    fn chain<'c>(
        &self,
        chart: &'c KeptChart,
        first: Option<&'c str>,
        seen: &mut BTreeSet<&'c str>,
    ) -> Option<Vec<Node>> {
        let (mut nodes, mut next) = (Vec::new(), first);
        while let Some(id) = next {
            if !seen.insert(id) {
                return None;
            }
            let relation = chart.relations.get(id)?;
            let mut branches = Vec::new();
            for child in &relation.children {
                let mut chain = self.chain(chart, Some(child), seen)?.into_iter();
                branches.push(Branch { node: chain.next()?, body: chain.collect() });
            }
            nodes.push(Node { branches, ..self.node(chart.nodes.get(id)?)? });
            next = relation.next.as_deref();
        }
        Some(nodes)
    }

    fn node(&self, node: &KeptNode) -> Option<Node> {
        let plain = Node::plain(&node.kind, node.reference.parse().ok()?);
        if is_marker(&node.kind) {
            return Some(plain);
        }
        let config = |(locale, config): (&String, &Map<String, Value>)| {
            Some((self.locales.get(locale)?.parse().ok()?, config.clone()))
        };
        let head = Head {
            extension: Some(node.extension.clone()).filter(|extension| extension != BASIC_EXTENSION),
            label: node.label.clone(),
            comment: node.comment.clone(),
            comment_color: node.comment_color.clone(),
            analytics_label: node.analytics_label.clone().unwrap_or_default(),
            is_entry_point: node.is_entry_point,
            is_disabled: node.is_disabled,
            mock: None,
        };
        Some(Node { head, config: node.entries.iter().filter_map(config).collect(), ..plain })
    }
}

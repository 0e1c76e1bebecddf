//! The charts in a package, as if each had been read node by node.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::chart::{self, Tree, WireChart, WireNode, WireRelation};
use super::files::{Member, Parcel, text};
use super::said::from_package;

/// A chart as it stands in a package.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tenant::cognigy_rest) struct PackedChart {
    chart: WireChart,
    /// Reference id of a node, reference id of a locale, and the configuration that the node has of its own there.
    configs: Vec<(String, String, Map<String, Value>)>,
}

impl PackedChart {
    /// The chart as a tree; `locales` are the names of the project's locales by their reference ids.
    ///
    /// # Errors
    /// In words: it is none.
    pub(in crate::tenant::cognigy_rest) fn tree(
        self,
        flow: &str,
        locales: &BTreeMap<String, String>,
    ) -> Result<Tree, String> {
        let Self { chart, configs } = self;
        let mut tree = chart::read(&chart, flow, "").map_err(|error| error.to_string())?;
        let by_reference: HashMap<String, usize> =
            tree.nodes.iter().enumerate().map(|(index, node)| (node.reference.clone(), index)).collect();
        for (node, locale, config) in configs {
            if let (Some(index), Some(name)) = (by_reference.get(&node), locales.get(&locale)) {
                tree.nodes[*index].configs.insert(name.clone(), Value::Object(config));
            }
        }
        Ok(tree)
    }
}

/// Reads several charts of one package.
pub(in crate::tenant::cognigy_rest) struct Charts<'p> {
    parcel: &'p Parcel,
    nodes: HashMap<&'p str, Vec<&'p Member>>,
    locales: BTreeMap<&'p str, &'p str>,
}

impl Parcel {
    /// A reader of its charts.
    pub(in crate::tenant::cognigy_rest) fn charts(&self) -> Charts<'_> {
        let mut nodes: HashMap<&str, Vec<&Member>> = HashMap::new();
        for (_, node) in self.of_kind("nodeData") {
            nodes.entry(text(node, "resourceReference").unwrap_or_default()).or_default().push(node);
        }
        Charts { parcel: self, nodes, locales: self.locales() }
    }

    /// The chart of a flow, by the flow's `_id` inside.
    pub(super) fn chart_of(&self, flow: &str) -> Option<(&str, &Member)> {
        self.of_kind("chart").find(|(_, chart)| text(chart, "resourceReference") == Some(flow))
    }
}

impl Charts<'_> {
    /// The chart of a flow.
    ///
    /// # Errors
    /// In words: it is not in the package, or in no form that is known.
    pub(in crate::tenant::cognigy_rest) fn read(&self, reference: &str) -> Result<PackedChart, String> {
        let missing = || format!("the package does not hold the flow `{reference}`");
        let flow = self.parcel.flow_id(reference).ok_or_else(missing)?;
        let (_, chart) = self.parcel.chart_of(flow).ok_or_else(missing)?;
        let relations = chart.get("relations").cloned().unwrap_or_default();
        let relations: Vec<WireRelation> = serde_json::from_value(relations)
            .map_err(|error| format!("the chart of `{reference}` in the package: {error}"))?;
        let (mut nodes, mut configs) = (Vec::new(), Vec::new());
        for member in self.nodes.get(flow).into_iter().flatten() {
            let node = WireNode::deserialize(Value::Object((*member).clone()))
                .map_err(|error| format!("a node of `{reference}` in the package: {error}"))?;
            for (locale, config) in entries(member) {
                let locale = self.locales.get(locale).copied().unwrap_or(locale);
                configs.push((node.reference_id.clone(), locale.to_owned(), from_package(config)));
            }
            nodes.push(node);
        }
        Ok(PackedChart { chart: WireChart { nodes, relations }, configs })
    }
}

/// The configurations of a node: the locale's `_id` inside, and what stands there.
pub(super) fn entries(node: &Member) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    let entries = node.get("localizedData").and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| Some((entry["localeReference"].as_str()?, entry["config"].as_object()?)))
}

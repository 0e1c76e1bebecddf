//! A package with another chart in it: the flow as it is wanted, everything else as it was exported.
//!
//! Files of nodes that stay are kept, with whatever they hold that nobody here knows; of a configuration that is equal the
//! exported form stays. `relations` name exactly the nodes that are there: the vendor imports anything else without a
//! word, and broken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::super::chart::{Node, Tree, relate};
use super::super::compose::tree_of;
use super::super::equal::same;
use super::files::{Member, Parcel, text};
use super::read::entries;
use super::said::{from_package, preview, to_package};
use crate::format::cognigy::document::{Flow, without_computed};

/// Characters of an `_id`.
const ID_CHARACTERS: usize = 24;

/// What everything of a flow points at.
struct Owners {
    flow: String,
    chart: String,
    /// Members that say whose everything is, copied from what is there.
    house: Vec<(String, Value)>,
}

impl Parcel {
    /// This package of one flow, with the flow that is wanted in its place. `locales` are the names of the project's
    /// locales by their reference ids.
    ///
    /// # Errors
    /// In words: the package is not of one flow, or lacks a locale that is wanted.
    pub(in crate::tenant::cognigy_rest) fn with(
        &self,
        desired: &Flow,
        locales: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let mut files = self.files.clone();
        let mut flows = self.of_kind("flow");
        let (Some((flow_file, flow)), None) = (flows.next(), flows.next()) else {
            return Err("expected a package of one flow".to_owned());
        };
        let flow_id = text(flow, "_id").ok_or("the flow in the package has no `_id`")?.to_owned();
        let (chart_file, chart) = self.chart_of(&flow_id).ok_or("the flow in the package has no chart")?;
        let chart_id = text(chart, "_id").unwrap_or_default().to_owned();
        let house = ["projectReference", "organisationReference"];
        let house = house.iter().filter_map(|key| Some(((*key).to_owned(), chart.get(*key)?.clone()))).collect();
        files.insert(flow_file.to_owned(), Value::Object(head(flow, desired)));
        let editing = Editing {
            tree: tree_of(desired, ""),
            inside: self.inside(locales),
            base: self.nodes_by_reference(),
            owners: Owners { flow: flow_id, chart: chart_id, house },
        };
        let mut taken: BTreeSet<String> =
            self.files.values().filter_map(|file| file["_id"].as_str().map(str::to_owned)).collect();
        let ids = editing.ids(&mut taken);
        files.retain(|name, _| !name.starts_with("nodeData/"));
        for (index, id) in ids.iter().enumerate() {
            files.insert(format!("nodeData/{id}"), Value::Object(editing.node(index, id)?));
        }
        let mut chart = chart.clone();
        chart.insert("relations".to_owned(), editing.relations(&ids, &chart, &mut taken));
        files.insert(chart_file.to_owned(), Value::Object(chart));
        Ok(Self { files })
    }

    /// The locales inside, by their names in the project.
    fn inside(&self, locales: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let named = |(id, reference): (&str, &str)| Some((locales.get(reference)?.clone(), id.to_owned()));
        self.locales().into_iter().filter_map(named).collect()
    }

    fn nodes_by_reference(&self) -> HashMap<&str, &Member> {
        self.of_kind("nodeData").filter_map(|(_, node)| Some((text(node, "referenceId")?, node))).collect()
    }
}

/// The flow itself. What is attached is not in the package and would be lost: it is attached afterwards.
fn head(flow: &Member, desired: &Flow) -> Member {
    let mut head = flow.clone();
    head.insert("referenceId".to_owned(), desired.reference.to_string().into());
    head.insert("name".to_owned(), desired.name.as_str().into());
    head.insert("description".to_owned(), desired.description.as_str().into());
    head.insert("context".to_owned(), Value::Object(desired.context.clone()));
    head
}

struct Editing<'p> {
    tree: Tree,
    /// `_id`s of the locales in the package, by their names in the project.
    inside: BTreeMap<String, String>,
    base: HashMap<&'p str, &'p Member>,
    owners: Owners,
}

impl Editing<'_> {
    /// The node of the package that a wanted one is.
    fn base_of(&self, node: &Node) -> Option<&Member> {
        let base = *self.base.get(node.reference.as_str())?;
        (text(base, "type") == Some(&node.kind.name)).then_some(base)
    }

    /// Each node's `_id` inside: the one it had, or one of its own.
    fn ids(&self, taken: &mut BTreeSet<String>) -> Vec<String> {
        let id = |node: &Node| {
            let kept = self.base_of(node).and_then(|base| text(base, "_id")).map(str::to_owned);
            kept.unwrap_or_else(|| minted(&node.reference, taken))
        };
        self.tree.nodes.iter().map(id).collect()
    }

    fn node(&self, index: usize, id: &str) -> Result<Member, String> {
        let node = &self.tree.nodes[index];
        let base = self.base_of(node);
        let mut file = base.cloned().unwrap_or_else(|| self.new_node(node, id));
        if node.kind.is_mere_place() {
            return Ok(file);
        }
        let head = &node.head;
        file.insert("label".to_owned(), head.label.as_str().into());
        set_text(&mut file, "comment", &head.comment);
        set_text(&mut file, "commentColor", &head.comment_color);
        set_text(&mut file, "analyticsLabel", &head.analytics_label);
        file.insert("isEntryPoint".to_owned(), head.is_entry_point.into());
        file.insert("isDisabled".to_owned(), head.is_disabled.into());
        match &head.mock {
            Some(mock) => _ = file.insert("mock".to_owned(), mock.clone()),
            // What is off and empty may be written in several ways.
            None if base.is_some_and(|base| means_nothing(base.get("mock"))) => {}
            None => _ = file.insert("mock".to_owned(), no_mock()),
        }
        file.insert("localizedData".to_owned(), self.localized(node, base)?);
        Ok(file)
    }

    fn new_node(&self, node: &Node, id: &str) -> Member {
        let Owners { flow, chart, house } = &self.owners;
        let value = json!({
            "_id": id, "referenceId": node.reference, "type": node.kind.name, "extension": node.kind.extension,
            "label": node.kind.name, "comment": "", "commentColor": "", "analyticsLabel": null,
            "isEntryPoint": false, "isDisabled": false, "mock": no_mock(),
            "localizedData": [], "chartReference": chart, "resourceReference": flow,
        });
        let mut file = value.as_object().cloned().unwrap_or_default();
        file.extend(house.iter().cloned());
        if node.kind.is_mere_place() {
            let place = |id: &String| json!({"config": {}, "preview": "", "localeReference": id});
            file.insert("localizedData".to_owned(), self.inside.values().take(1).map(place).collect());
        }
        file
    }

    /// The configurations of a node.
    fn localized(&self, node: &Node, base: Option<&Member>) -> Result<Value, String> {
        let old: HashMap<&str, &Map<String, Value>> = base.map(|base| entries(base).collect()).unwrap_or_default();
        let whole = |id: &str| {
            let entries = base?.get("localizedData")?.as_array()?.iter();
            entries.clone().find(|entry| entry["localeReference"] == *id).cloned()
        };
        let mut found = Vec::new();
        for (locale, config) in &node.configs {
            let missing = || format!("the package does not hold locale `{locale}`, which `{}` has", node.reference);
            let id = self.inside.get(locale).ok_or_else(missing)?;
            let is_same = old.get(id.as_str()).is_some_and(|old| {
                let mut old = from_package(old);
                without_computed(&node.kind.name, &mut old);
                same(&Value::Object(old), config)
            });
            let kept = whole(id).filter(|_| is_same);
            let config = config.as_object().cloned().unwrap_or_default();
            found.push(kept.unwrap_or_else(|| {
                let preview = preview(&node.kind.name, &config);
                json!({"config": to_package(&config), "preview": preview, "localeReference": id})
            }));
        }
        Ok(Value::Array(found))
    }

    /// One relation a node; those that stay keep their `_id`s.
    fn relations(&self, ids: &[String], chart: &Member, taken: &mut BTreeSet<String>) -> Value {
        let old = chart.get("relations").and_then(Value::as_array).into_iter().flatten();
        let old: HashMap<&str, &Value> = old.filter_map(|it| Some((it["node"].as_str()?, it))).collect();
        let relation = |relation: super::super::chart::WireRelation| {
            let kept = old.get(relation.node.as_str()).and_then(|old| old["_id"].as_str()).map(str::to_owned);
            let id = kept.unwrap_or_else(|| minted(&format!("relation {}", relation.node), taken));
            json!({"_id": id, "node": relation.node, "children": relation.children, "next": relation.next})
        };
        relate(&self.tree, |index| ids[index].clone()).into_iter().map(relation).collect()
    }
}

fn no_mock() -> Value {
    json!({"isEnabled": false, "code": ""})
}

fn means_nothing(mock: Option<&Value>) -> bool {
    mock.is_some_and(|mock| mock["isEnabled"] != true && mock["code"].as_str().is_none_or(str::is_empty))
}

/// An empty text may be `null`, and stays that.
fn set_text(file: &mut Member, key: &str, to: &str) {
    let is_empty = file.get(key).is_none_or(|old| old.as_str().unwrap_or_default().is_empty());
    if !(is_empty && to.is_empty()) {
        let value = if to.is_empty() && key == "analyticsLabel" { Value::Null } else { to.into() };
        file.insert(key.to_owned(), value);
    }
}

/// An `_id` that nothing else has, made from what it is for: the same package, the same ids.
fn minted(what: &str, taken: &mut BTreeSet<String>) -> String {
    for turn in 0_u64.. {
        let id = format!("{:032x}", xxh3_128(format!("{turn} {what}").as_bytes()))[..ID_CHARACTERS].to_owned();
        if taken.insert(id.clone()) {
            return id;
        }
    }
    String::new()
}

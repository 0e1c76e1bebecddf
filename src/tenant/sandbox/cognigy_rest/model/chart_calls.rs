//! The calls about a flow's chart and its nodes.

use serde_json::{Map, Value};

use super::super::mint::Id;
use super::super::refusal::Refusal;
use super::body::{self, At, Localization, NEW_NODE, NewNode, NodeFields};
use super::chart::Chart;
use super::config;
use super::kinds;
use super::node::Node;
use super::place::Place;
use super::platform::Site;

impl Site<'_> {
    /// The locales that are looked at in turn; one that is asked for must be there.
    pub(crate) fn turn(&self, preferred: Option<&Id>) -> Result<Vec<Id>, Refusal> {
        match preferred.filter(|id| self.locales.get(id).is_none()) {
            Some(unknown) => Err(Refusal::not_found("Locale", unknown.as_str())),
            None => Ok(self.locales.in_turn(preferred)),
        }
    }

    pub(crate) fn read_chart(&mut self, preferred: Option<&Id>) -> Result<Value, Refusal> {
        let turn = self.turn(preferred)?;
        Ok(self.flow.chart_as_read().to_json(&turn))
    }

    pub(crate) fn list_nodes(&mut self, preferred: Option<&Id>) -> Result<Vec<Value>, Refusal> {
        let turn = self.turn(preferred)?;
        let chart = self.flow.chart_as_read();
        let in_list = |node: &Node| {
            let mut item = node.in_list();
            if self.now.rules.configs_in_lists {
                item["config"] = node.config(&turn, self.upgrades);
            }
            item
        };
        Ok(chart.nodes.values().map(in_list).collect())
    }

    pub(crate) fn read_node(&mut self, id: &Id, preferred: Option<&Id>) -> Result<Value, Refusal> {
        let turn = self.turn(preferred)?;
        if self.now.rules.stale_nodes && self.flow.stale.is_some() {
            let chart = self.flow.chart_as_read();
            return Ok(self.whole(chart.node(id)?, &chart.id, &turn));
        }
        let whole = self.whole(self.flow.chart.node(id)?, &self.flow.chart.id, &turn);
        self.flow.chart.node_mut(id)?.is_settled = true;
        Ok(whole)
    }

    /// A node as it is, whatever a read would still show; in the primary locale.
    pub(crate) fn fresh_node(&self, id: &Id) -> Result<Value, Refusal> {
        Ok(self.whole(self.flow.chart.node(id)?, &self.flow.chart.id, &self.turn(None)?))
    }

    fn whole(&self, node: &Node, chart: &Id, turn: &[Id]) -> Value {
        let mut whole = node.head(turn);
        whole["config"] = node.config(turn, self.upgrades);
        whole["chartReference"] = chart.as_str().into();
        whole["resourceReference"] = self.flow.id.as_str().into();
        whole["projectReference"] = self.project.as_str().into();
        whole["organisationReference"] = self.organisation.as_str().into();
        whole
    }

    /// Makes a node at a place, with the children that its type brings along; the answer shows the node alone.
    pub(crate) fn create_node(&mut self, body: Map<String, Value>) -> Result<Value, Refusal> {
        for needed in ["type", "mode", "target"] {
            if !body.contains_key(needed) {
                return Err(Refusal::missing(needed));
            }
        }
        let (at, fields) = body::split(body, &NEW_NODE);
        let (NewNode { kind, extension, at }, fields) = (body::read(at)?, body::read::<NodeFields>(fields)?);
        let known = kinds::kind(&kind, &extension);
        if known.is_some_and(|kind| !kind.creatable) {
            return Err(Refusal::invalid(format!("a node of type `{kind}` cannot be created")));
        }
        let locales = self.locales_of_new(fields.locale_id.as_ref())?;
        let mut node = Node::new(self.mint.id(), self.mint.reference(), &kind, &extension, &locales);
        if let Some(config) = &fields.config {
            let config = config::checked(&kind, &extension, config.clone(), self.upgrades)?;
            // What was not sent has its default (unconfirmed).
            node.entries.values_mut().for_each(|entry| entry.extend(config.clone()));
        } else if kind == "aiAgentJob" {
            config::checked(&kind, &extension, Map::new(), self.upgrades)?;
        }
        node.is_settled = false;
        set_head(&mut node, &fields);
        let id = node.id.clone();
        let mut chart = self.flow.chart.clone();
        chart.add(node, self.mint);
        chart.attach(&id, &Place::from(at))?;
        for child in known.map_or(&[] as &[_], |kind| kind.children) {
            let child = Node::new(self.mint.id(), self.mint.reference(), child, &extension, &locales);
            let child_id = child.id.clone();
            chart.add(child, self.mint);
            chart.relation(&id).children.push(child_id);
        }
        self.replace_chart(chart);
        let turn = self.turn(fields.locale_id.as_ref())?;
        Ok(self.whole(self.flow.chart.node(&id)?, &self.flow.chart.id, &turn))
    }

    /// The primary locale, and the one that is named.
    fn locales_of_new(&self, named: Option<&Id>) -> Result<Vec<Id>, Refusal> {
        let primary = self.locales.primary().map(|locale| locale.id.clone());
        let named = named.map(|id| self.known_locale(id)).transpose()?;
        Ok(primary.into_iter().chain(named).collect())
    }

    /// A locale of this project.
    fn known_locale(&self, id: &Id) -> Result<Id, Refusal> {
        let locale = self.locales.get(id).map(|locale| locale.id.clone());
        locale.ok_or_else(|| Refusal::invalid(format!("`localeId`: there is no locale `{id}` in this project")))
    }

    /// The locale that a PATCH writes: the one it names, else the primary one.
    pub(crate) fn locale_written(&self, named: Option<&Id>) -> Result<Id, Refusal> {
        if named.is_some() && !self.now.rules.locale_in_patches {
            return Err(Refusal::invalid("unknown field `localeId`"));
        }
        let primary = || self.locales.primary().map(|locale| locale.id.clone());
        match named {
            Some(id) => self.known_locale(id),
            None => primary().ok_or_else(|| Refusal::internal("the project has no primary locale")),
        }
    }

    /// Changes what is named of a node; a config is replaced whole (reported by users).
    pub(crate) fn patch_node(&mut self, id: &Id, body: Map<String, Value>) -> Result<(), Refusal> {
        let fields: NodeFields = body::read(body)?;
        let locale = self.locale_written(fields.locale_id.as_ref())?;
        let mut node = self.flow.chart.node(id)?.clone();
        let is_fixed = node.known().is_some_and(|kind| !kind.creatable);
        if is_fixed && !self.now.rules.marker_patches {
            return Err(Refusal::invalid(format!("a node of type `{}` cannot be changed", node.kind)));
        }
        set_head(&mut node, &fields);
        if let Some(config) = fields.config {
            if !node.entries.contains_key(&locale) {
                return Err(Refusal::invalid(format!("the node has no localization for the locale `{locale}`")));
            }
            let config = config::checked(&node.kind, &node.extension, config, self.upgrades)?;
            node.entries.insert(locale, config);
        }
        if node == *self.flow.chart.node(id)? {
            return if self.now.rules.empty_patches { Ok(()) } else { Err(nothing_changed()) };
        }
        node.is_settled = false;
        let mut chart = self.flow.chart.clone();
        chart.nodes.insert(id.clone(), node);
        self.replace_chart(chart);
        Ok(())
    }

    pub(crate) fn move_node(&mut self, id: &Id, body: Map<String, Value>) -> Result<(), Refusal> {
        self.flow.chart.node(id)?;
        for needed in ["mode", "target"] {
            if !body.contains_key(needed) {
                return Err(Refusal::missing(needed));
            }
        }
        if let Some(unknown) = body.keys().find(|key| !NEW_NODE[2..].contains(&key.as_str())) {
            return Err(Refusal::invalid(format!("unknown field `{unknown}`")));
        }
        let at: At = body::read(body)?;
        let mut chart = self.flow.chart.clone();
        chart.shift(id, &Place::from(at))?;
        self.replace_chart(chart);
        Ok(())
    }

    pub(crate) fn delete_node(&mut self, id: &Id) -> Result<(), Refusal> {
        let mut chart = self.flow.chart.clone();
        chart.remove(id)?;
        self.replace_chart(chart);
        Ok(())
    }

    /// Gives a node an entry for a locale: a copy of another one's.
    pub(crate) fn add_node_locale(&mut self, id: &Id, body: Map<String, Value>) -> Result<(), Refusal> {
        let Localization { locale_id, inherit_from_locale_id } = body::read(body)?;
        let locale = self.known_locale(&locale_id)?;
        let from = inherit_from_locale_id.map(|id| self.known_locale(&id)).transpose()?;
        let turn = self.locales.in_turn(Some(from.as_ref().unwrap_or(&locale)));
        let mut chart = self.flow.chart.clone();
        let node = chart.node_mut(id)?;
        if node.entries.contains_key(&locale) {
            return Err(Refusal::invalid(format!("the node is localized for `{locale}` already")));
        }
        let config = node.entry(&turn).map(|(_, config)| config.clone()).unwrap_or_default();
        node.entries.insert(locale, config);
        self.replace_chart(chart);
        Ok(())
    }

    /// Takes a node's entry for a locale away; that of the primary locale stays.
    pub(crate) fn remove_node_locale(&mut self, id: &Id, body: Map<String, Value>) -> Result<(), Refusal> {
        let Localization { locale_id, .. } = body::read(body)?;
        let locale = self.known_locale(&locale_id)?;
        self.not_primary(&locale)?;
        let mut chart = self.flow.chart.clone();
        if chart.node_mut(id)?.entries.remove(&locale).is_none() {
            return Err(Refusal::invalid(format!("the node has no localization for the locale `{locale}`")));
        }
        self.replace_chart(chart);
        Ok(())
    }

    fn not_primary(&self, locale: &Id) -> Result<(), Refusal> {
        match self.locales.primary().is_some_and(|primary| primary.id == *locale) {
            true => Err(Refusal::invalid("the localization of the primary locale cannot be removed")),
            false => Ok(()),
        }
    }

    /// Gives the flow itself an entry for a locale, or takes it away.
    pub(crate) fn set_flow_locale(&mut self, body: Map<String, Value>, is_added: bool) -> Result<(), Refusal> {
        let Localization { locale_id, inherit_from_locale_id } = body::read(body)?;
        let locale = self.known_locale(&locale_id)?;
        let is_there = self.flow.lexicons.contains_key(&locale);
        if is_there == is_added {
            let state = if is_there { "is localized already" } else { "has no localization" };
            return Err(Refusal::invalid(format!("the flow {state} for the locale `{locale}`")));
        }
        if is_added {
            let turn = self.locales.in_turn(Some(inherit_from_locale_id.as_ref().unwrap_or(&locale)));
            let lexicons = self.flow.lexicons_in(&turn).map(|(_, lexicons)| lexicons.clone()).unwrap_or_default();
            self.flow.lexicons.insert(locale, lexicons);
        } else {
            self.not_primary(&locale)?;
            self.flow.lexicons.remove(&locale);
        }
        self.flow.touch(self.now.seconds());
        Ok(())
    }

    /// Puts a changed chart in place of the present one, which is read once more.
    fn replace_chart(&mut self, chart: Chart) {
        let before = std::mem::replace(&mut self.flow.chart, chart);
        self.flow.stale = self.now.rules.stale_charts.then_some(before);
        self.flow.touch(self.now.seconds());
    }
}

/// A PATCH that changes nothing (reported by users: refused before version 4.97).
pub(crate) fn nothing_changed() -> Refusal {
    Refusal::invalid("nothing was changed")
}

fn set_head(node: &mut Node, fields: &NodeFields) {
    let NodeFields { label, comment, comment_color, is_entry_point, is_disabled, analytics_label, .. } = fields;
    let texts = [(&mut node.label, label), (&mut node.comment, comment), (&mut node.comment_color, comment_color)];
    for (kept, written) in texts {
        if let Some(written) = written {
            kept.clone_from(written);
        }
    }
    node.is_entry_point = is_entry_point.unwrap_or(node.is_entry_point);
    node.is_disabled = is_disabled.unwrap_or(node.is_disabled);
    if let Some(label) = analytics_label {
        node.analytics_label.clone_from(label);
    }
}

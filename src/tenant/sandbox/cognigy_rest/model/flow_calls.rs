//! The calls about flows themselves: their fields, settings and intents.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::mint::Id;
use super::super::refusal::Refusal;
use super::body::{self, FlowFields};
use super::chart_calls::nothing_changed;
use super::content::Content;
use super::flow::Flow;
use super::intent;
use super::platform::{Moment, Platform, Site};
use super::thing::ThingKind;

/// What can be attached to a flow.
#[derive(Debug, Default)]
struct Around {
    flows: BTreeSet<Id>,
    lexicons: BTreeSet<Id>,
}

impl Around {
    fn of(content: &Content) -> Self {
        let lexicons = content.things.iter().filter(|thing| thing.kind == ThingKind::Lexicons);
        Self {
            flows: content.flows.iter().map(|flow| flow.id.clone()).collect(),
            lexicons: lexicons.map(|thing| thing.id.clone()).collect(),
        }
    }
}

impl Platform {
    /// Makes an empty flow. The server chooses its reference id, and a name may be there twice: doing it again makes
    /// another one (vendor's reference).
    pub(crate) fn create_flow(&mut self, mut body: Map<String, Value>, now: Moment<'_>) -> Result<Value, Refusal> {
        let project = id_in(&mut body, "projectId")?;
        let fields: FlowFields = body::read(body)?;
        if fields.locale_id.is_some() {
            return Err(Refusal::invalid("unknown field `localeId`"));
        }
        let name = fields.name.as_deref().filter(|name| !name.is_empty()).ok_or_else(|| Refusal::missing("name"))?;
        let meta = self.meta(now);
        let Self { mint, projects, organisation, .. } = self;
        let found = projects.iter_mut().find(|known| known.id == project);
        let content = &mut found.ok_or_else(|| Refusal::not_found("Project", project.as_str()))?.content;
        let primary: Vec<Id> = content.locales.primary().map(|locale| locale.id.clone()).into_iter().collect();
        let mut flow = Flow::new(name, &primary, meta, mint);
        set_fields(&mut flow, &fields, primary.first(), &Around::of(content))?;
        let whole = flow.whole(&primary, &project, organisation);
        content.flows.push(flow);
        Ok(whole)
    }

    pub(crate) fn patch_flow(&mut self, id: &Id, body: Map<String, Value>, now: Moment<'_>) -> Result<(), Refusal> {
        let fields: FlowFields = body::read(body)?;
        if fields.name.as_deref() == Some("") {
            return Err(Refusal::invalid("`name` must not be empty"));
        }
        let around = self.project_of_flow(id).map(|project| Around::of(&project.content)).unwrap_or_default();
        let site = self.site(id, now)?;
        let locale = site.locale_written(fields.locale_id.as_ref())?;
        let mut flow = site.flow.clone();
        set_fields(&mut flow, &fields, Some(&locale), &around)?;
        let same = |one: &Flow, other: &Flow| {
            one.lexicons == other.lexicons && one.whole(&[], &one.id, &one.id) == other.whole(&[], &one.id, &one.id)
        };
        if same(&flow, site.flow) {
            return if now.rules.empty_patches { Ok(()) } else { Err(nothing_changed()) };
        }
        flow.touch(now.seconds());
        *site.flow = flow;
        Ok(())
    }

    pub(crate) fn delete_flow(&mut self, id: &Id) -> Result<(), Refusal> {
        for project in &mut self.projects {
            let before = project.content.flows.len();
            project.content.flows.retain(|flow| flow.id != *id);
            if project.content.flows.len() < before {
                return Ok(());
            }
        }
        Err(Refusal::not_found("Flow", id.as_str()))
    }
}

impl Site<'_> {
    pub(crate) fn read_flow(&self, preferred: Option<&Id>) -> Result<Value, Refusal> {
        Ok(self.flow.whole(&self.turn(preferred)?, self.project, self.organisation))
    }

    pub(crate) fn read_settings(&self) -> Value {
        let settings = &self.flow.settings;
        let mut values = settings.values.clone();
        values.insert("_id".to_owned(), settings.id.as_str().into());
        Value::Object(values)
    }

    /// Settings move no change time (unconfirmed).
    pub(crate) fn patch_settings(&mut self, body: Map<String, Value>) -> Result<(), Refusal> {
        let values = &mut self.flow.settings.values;
        for (key, value) in &body {
            if value.is_null() {
                return Err(Refusal::invalid(format!("`{key}` must not be null")));
            }
            if !values.contains_key(key) {
                return Err(Refusal::invalid(format!("unknown field `{key}`")));
            }
        }
        values.extend(body);
        Ok(())
    }

    /// Intents at the top, or all of them.
    pub(crate) fn list_intents(&self, preferred: Option<&Id>, with_children: bool) -> Result<Vec<Value>, Refusal> {
        let turn = self.turn(preferred)?;
        let listed = self.flow.intents.iter().filter(|intent| with_children || intent.parent.is_none());
        Ok(listed.map(|intent| intent.head(&turn)).collect())
    }

    pub(crate) fn export_intents(&self, mut body: Map<String, Value>) -> Result<Value, Refusal> {
        let locale = id_in(&mut body, "localeId")?;
        self.turn(Some(&locale))?;
        match body.remove("format") {
            Some(format) if format == "json" => {}
            Some(format) => return Err(Refusal::invalid(format!("expected the format `json`, found {format}"))),
            None => return Err(Refusal::missing("format")),
        }
        Ok(json!(intent::written(&self.flow.intents, &locale)))
    }
}

/// Takes an internal id out of a body; a UUID in its place is refused (vendor's reference).
pub(crate) fn id_in(body: &mut Map<String, Value>, name: &str) -> Result<Id, Refusal> {
    let value = body.remove(name).ok_or_else(|| Refusal::missing(name))?;
    let text =
        value.as_str().ok_or_else(|| Refusal::invalid(format!("expected `{name}` to be text, found {value}")))?;
    text.parse().map_err(|error| Refusal::invalid(format!("`{name}`: {error}")))
}

fn set_fields(flow: &mut Flow, fields: &FlowFields, locale: Option<&Id>, around: &Around) -> Result<(), Refusal> {
    let FlowFields { name, description, context, attached_flows, attached_lexicons, img, locale_id: _ } = fields;
    for (kept, written) in [(&mut flow.name, name), (&mut flow.description, description), (&mut flow.img, img)] {
        if let Some(written) = written {
            kept.clone_from(written);
        }
    }
    if let Some(context) = context {
        flow.context.clone_from(context);
    }
    if let Some(flows) = attached_flows {
        if let Some(unknown) = flows.iter().find(|id| !around.flows.contains(id)) {
            return Err(Refusal::invalid(format!("`attachedFlows`: there is no flow `{unknown}` in this project")));
        }
        flow.attached_flows.clone_from(flows);
    }
    if let Some(lexicons) = attached_lexicons {
        if let Some(unknown) = lexicons.iter().find(|id| !around.lexicons.contains(id)) {
            return Err(Refusal::invalid(format!("`attachedLexicons`: there is no lexicon `{unknown}`")));
        }
        if let Some(locale) = locale {
            flow.lexicons.insert(locale.clone(), lexicons.clone());
        }
    }
    Ok(())
}

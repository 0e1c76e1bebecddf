//! From a seed as written to what the platform holds.

use std::collections::BTreeMap;

use super::super::super::yaml::Loose;
use super::super::mint::{Id, Mint};
use super::super::model::content::Content;
use super::super::model::endpoint::Endpoint;
use super::super::model::flow::Flow;
use super::super::model::intent::Intent;
use super::super::model::locale::{Locale, Locales};
use super::super::model::meta::Meta;
use super::super::model::platform::{Moment, Platform};
use super::super::model::project::Project;
use super::super::model::thing::{Thing, ThingKind};
use super::chart;
use super::identity::reference;
use super::written::{Named, WrittenEndpoint, WrittenFlow, WrittenLocale, WrittenProject};

/// Adds a project; the error says what is wrong with it.
pub(super) fn project(written: WrittenProject, platform: &mut Platform, now: Moment<'_>) -> Result<(), String> {
    let meta = platform.meta(now);
    let mint = &mut platform.mint;
    let id = match &written.id {
        Some(id) => id.parse().map_err(|error| format!("`id`: {error}"))?,
        None => mint.id(),
    };
    if platform.projects.iter().any(|project| project.id == id) {
        return Err(format!("there is a project `{id}` already"));
    }
    let things = things(&written, &meta, mint)?;
    let locales = locales(written.locales, &meta, mint)?;
    let mut content = Content { locales, flows: Vec::new(), things };
    for flow in &written.flows {
        let empty = empty_flow(flow, &content, &meta, mint)?;
        content.flows.push(empty);
    }
    fill(&mut content, &written.flows, mint)?;
    let endpoints = written.endpoints.iter().map(|written| endpoint(written, &content, &id, &meta, mint));
    let endpoints = endpoints.collect::<Result<_, _>>()?;
    let reference = mint.reference();
    let (snapshots, packages) = (Vec::new(), Vec::new());
    platform.projects.push(Project {
        id,
        reference,
        name: written.name,
        meta,
        content,
        endpoints,
        snapshots,
        packages,
    });
    Ok(())
}

fn things(written: &WrittenProject, meta: &Meta, mint: &mut Mint) -> Result<Vec<Thing>, String> {
    let lists: [(ThingKind, &[Loose<Named>]); 7] = [
        (ThingKind::Lexicons, &written.lexicons),
        (ThingKind::Connections, &written.connections),
        (ThingKind::Functions, &written.functions),
        (ThingKind::Extensions, &written.extensions),
        (ThingKind::LargeLanguageModels, &written.large_language_models),
        (ThingKind::KnowledgeStores, &written.knowledge_stores),
        (ThingKind::AiAgents, &written.ai_agents),
    ];
    let mut things = Vec::new();
    for (kind, list) in lists {
        for Loose(Named { name, reference_id }) in list {
            let reference = reference(reference_id.as_deref(), mint)?;
            things.push(Thing { id: mint.id(), reference, kind, name: name.clone(), meta: meta.clone() });
        }
    }
    Ok(things)
}

fn locales(written: Vec<Loose<WrittenLocale>>, meta: &Meta, mint: &mut Mint) -> Result<Locales, String> {
    let mut written: Vec<WrittenLocale> = written.into_iter().map(|Loose(locale)| locale).collect();
    if written.is_empty() {
        written.push(WrittenLocale { name: "en-US".to_owned(), reference_id: None, fallback: None });
    }
    let mut locales = Locales::default();
    for WrittenLocale { name, reference_id, fallback } in written {
        let fallback = match fallback {
            Some(other) => {
                Some(locales.named(&other).ok_or_else(|| format!("there is no locale `{other}` before `{name}`"))?)
            }
            None => locales.primary(),
        };
        let fallback = fallback.map(|locale| locale.id.clone());
        locales.0.push(Locale {
            id: mint.id(),
            reference: reference(reference_id.as_deref(), mint)?,
            primary: locales.0.is_empty(),
            nlu_language: name.clone(),
            name,
            fallback,
            meta: meta.clone(),
        });
    }
    Ok(locales)
}

/// A flow with its fields; what leads to other flows comes when all are there.
fn empty_flow(written: &WrittenFlow, content: &Content, meta: &Meta, mint: &mut Mint) -> Result<Flow, String> {
    let primary: Vec<_> = content.locales.primary().map(|locale| locale.id.clone()).into_iter().collect();
    let mut flow = Flow::new(&written.name, &primary, meta.clone(), mint);
    flow.reference = reference(written.reference_id.as_deref(), mint)?;
    for (kind, given) in [("start", &written.start), ("end", &written.end)] {
        let node = flow.chart.nodes.values_mut().find(|node| node.kind == kind);
        if let (Some(node), Some(given)) = (node, given) {
            node.reference = reference(Some(given), mint)?;
        }
    }
    flow.description.clone_from(&written.description);
    flow.context.clone_from(&written.context);
    for Loose(intent) in &written.intents {
        let mut planted = Intent::new(&intent.name, mint);
        planted.sentences.extend(primary.iter().map(|locale| (locale.clone(), intent.sentences.clone())));
        flow.intents.push(planted);
    }
    Ok(flow)
}

fn fill(content: &mut Content, written: &[WrittenFlow], mint: &mut Mint) -> Result<(), String> {
    let around = Around::of(content);
    let Content { locales, flows, .. } = content;
    flows.iter_mut().zip(written).try_for_each(|(flow, written)| around.fill(flow, written, locales, mint))
}

/// What flows lead to, by name.
struct Around {
    flows: BTreeMap<String, Id>,
    lexicons: BTreeMap<String, Id>,
    starts: chart::Starts,
}

impl Around {
    fn of(content: &Content) -> Self {
        let lexicons = content.things.iter().filter(|thing| thing.kind == ThingKind::Lexicons);
        let starts = content.flows.iter().filter_map(|flow| {
            let start = flow.chart.only("start")?;
            Some((flow.name.clone(), (flow.reference.clone(), start.reference.clone())))
        });
        Self {
            flows: content.flows.iter().flat_map(names).collect(),
            lexicons: lexicons.map(|thing| (thing.name.clone(), thing.id.clone())).collect(),
            starts: starts.collect(),
        }
    }

    /// Gives an empty flow what it leads to, and its chart.
    fn fill(&self, flow: &mut Flow, written: &WrittenFlow, locales: &Locales, mint: &mut Mint) -> Result<(), String> {
        let of_flow = |message: String| format!("flow `{}`: {message}", written.name);
        let id_of = |known: &BTreeMap<String, Id>, name: &String| {
            known.get(name).cloned().ok_or_else(|| format!("there is no `{name}` to be attached"))
        };
        let attached = written.attached_flows.iter().map(|name| id_of(&self.flows, name));
        flow.attached_flows = attached.collect::<Result<_, _>>().map_err(of_flow)?;
        let attached = written.attached_lexicons.iter().map(|name| id_of(&self.lexicons, name));
        let attached: Vec<_> = attached.collect::<Result<_, _>>().map_err(of_flow)?;
        flow.lexicons.values_mut().for_each(|lexicons| lexicons.clone_from(&attached));
        chart::grow(&mut flow.chart, &written.chart, locales, &self.starts, mint).map_err(of_flow)
    }
}

/// By what a flow may be attached: its name, or its reference id.
fn names(flow: &Flow) -> [(String, Id); 2] {
    [flow.name.clone(), flow.reference.to_string()].map(|name| (name, flow.id.clone()))
}

/// Puts a flow into a project. One that is there under its reference id keeps its id, and its nodes theirs.
pub(super) fn put_flow(
    written: &WrittenFlow,
    project: &Id,
    platform: &mut Platform,
    now: Moment<'_>,
) -> Result<(), String> {
    let meta = platform.meta(now);
    let Platform { mint, projects, .. } = platform;
    let found = projects.iter_mut().find(|known| known.id == *project);
    let content = &mut found.ok_or_else(|| format!("there is no project `{project}`"))?.content;
    let mut flow = empty_flow(written, content, &meta, mint)?;
    Around::of(content).fill(&mut flow, written, &content.locales, mint)?;
    match content.flows.iter_mut().find(|there| there.reference == flow.reference) {
        Some(there) => {
            flow.id = there.id.clone();
            flow.meta = there.meta.clone();
            flow.touch(now.seconds());
            flow.chart.keep_ids_of(&there.chart);
            *there = flow;
        }
        None => content.flows.push(flow),
    }
    Ok(())
}

fn endpoint(
    written: &WrittenEndpoint,
    content: &Content,
    project: &super::super::mint::Id,
    meta: &Meta,
    mint: &mut Mint,
) -> Result<Endpoint, String> {
    let WrittenEndpoint { name, flow, locale } = written;
    let flow = content.flows.iter().find(|known| known.name == *flow);
    let flow = flow.ok_or_else(|| format!("endpoint `{name}`: there is no flow `{}`", written.flow))?;
    let locale = match locale {
        Some(locale) => content.locales.named(locale),
        None => content.locales.primary(),
    };
    let locale = locale.ok_or_else(|| format!("endpoint `{name}`: there is no such locale"))?;
    Ok(Endpoint {
        id: mint.id(),
        reference: mint.reference(),
        name: name.clone(),
        channel: "rest".to_owned(),
        flow: flow.reference.to_string(),
        locale: locale.reference.to_string(),
        entrypoint: project.clone(),
        meta: meta.clone(),
    })
}

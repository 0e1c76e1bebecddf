//! From a seed as written to what the platform holds.

use std::collections::BTreeMap;

use super::super::super::yaml::Loose;
use super::super::mint::Mint;
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
    let flows = content.flows.iter().map(|flow| (flow.name.clone(), flow.id.clone()));
    let flows: BTreeMap<_, _> = flows.collect();
    let lexicons = content.things.iter().filter(|thing| thing.kind == ThingKind::Lexicons);
    let lexicons: BTreeMap<_, _> = lexicons.map(|thing| (thing.name.clone(), thing.id.clone())).collect();
    let id_of = |known: &BTreeMap<String, _>, name: &String| {
        known.get(name).cloned().ok_or_else(|| format!("there is no `{name}` to be attached"))
    };
    let starts = content.flows.iter().filter_map(|flow| {
        let start = flow.chart.only("start")?;
        Some((flow.name.clone(), (flow.reference.clone(), start.reference.clone())))
    });
    let starts: BTreeMap<_, _> = starts.collect();
    for (flow, written) in content.flows.iter_mut().zip(written) {
        let of_flow = |message: String| format!("flow `{}`: {message}", written.name);
        let attached = written.attached_flows.iter().map(|name| id_of(&flows, name));
        flow.attached_flows = attached.collect::<Result<_, _>>().map_err(of_flow)?;
        let attached = written.attached_lexicons.iter().map(|name| id_of(&lexicons, name));
        let attached: Vec<_> = attached.collect::<Result<_, _>>().map_err(of_flow)?;
        flow.lexicons.values_mut().for_each(|lexicons| lexicons.clone_from(&attached));
        chart::grow(&mut flow.chart, &written.chart, &content.locales, &starts, mint).map_err(of_flow)?;
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

//! What the platform does when nothing is in the way: a call, carried out and answered.

use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::mint::Id;
use super::super::model::body;
use super::super::model::endpoint::{Endpoint, EndpointFields};
use super::super::model::graph::{self, Depth};
use super::super::model::kinds;
use super::super::model::platform::{Moment, Platform, Site};
use super::super::model::project::Project;
use super::super::model::thing::ThingKind;
use super::super::refusal::Refusal;
use super::super::rules::MoveRoute;
use super::asked::Asked;
use super::done::Done;
use super::list;
use super::perform_tasks::{self, perform_task, project};

/// Carries `asked` out.
pub(super) fn perform(platform: &mut Platform, asked: &mut Asked, now: Moment<'_>) -> Result<Done, Refusal> {
    let writes = asked.call.writes();
    let done = match collected(platform, asked, now)? {
        Collected::Done(done) => done,
        Collected::List(items) => Done::Page(list::page(items, &asked.query)?),
    };
    platform.revision += u64::from(writes);
    Ok(done)
}

/// What a call gave, before a list is cut into pages.
enum Collected {
    Done(Done),
    List(Vec<Value>),
}

fn collected(platform: &mut Platform, asked: &mut Asked, now: Moment<'_>) -> Result<Collected, Refusal> {
    let done = match asked.call {
        Call::ListProjects => return listed(platform.projects.iter().map(Project::to_json)),
        Call::ReadProject => Ok(Done::Shown(platform.project(asked.id(0)?)?.to_json())),
        Call::ReadGraph => {
            let depth = Depth { dependencies: asked.is_on("dependencies"), packages: asked.is_on("packages") };
            Ok(Done::Shown(graph::of_project(platform.project(asked.id(0)?)?, depth)))
        }
        Call::ListLocales | Call::ListFlows | Call::ListThings | Call::ListEndpoints => {
            return list_in_project(platform, asked).map(Collected::List);
        }
        Call::ListIntents | Call::ListNodes => {
            return list_in_flow(&mut platform.site(asked.id(0)?, now)?, asked).map(Collected::List);
        }
        Call::ReadLocale | Call::ReadThing | Call::ReadEndpoint => read_in_projects(platform, asked),
        Call::UpdateEndpoint => update_endpoint(platform, asked, now),
        Call::CreateFlow => platform.create_flow(std::mem::take(&mut asked.body), now).map(Done::Created),
        Call::UpdateFlow => {
            let body = std::mem::take(&mut asked.body);
            platform.patch_flow(asked.id(0)?, body, now)?;
            Ok(Done::Written(platform.site(asked.id(0)?, now)?.read_flow(None)?))
        }
        Call::DeleteFlow => platform.delete_flow(asked.id(0)?).map(|()| Done::Written(Value::Null)),
        Call::ListSnapshots | Call::ListPackages | Call::ListTasks | Call::ListSnapshotResources => {
            return perform_tasks::list(platform, asked, now).map(Collected::List);
        }
        _ => match perform_task(platform, asked, now) {
            Some(done) => done,
            None => at_flow(&mut platform.site(asked.id(0)?, now)?, asked),
        },
    };
    done.map(Collected::Done)
}

fn listed(items: impl Iterator<Item = Value>) -> Result<Collected, Refusal> {
    Ok(Collected::List(items.collect()))
}

fn thing_kind(asked: &Asked) -> Result<ThingKind, Refusal> {
    let kind = ThingKind::ALL.into_iter().find(|kind| kind.plural() == asked.collection);
    kind.ok_or_else(Refusal::no_path)
}

fn list_in_project(platform: &Platform, asked: &Asked) -> Result<Vec<Value>, Refusal> {
    let project = project(platform, asked)?;
    let content = &project.content;
    Ok(match asked.call {
        Call::ListLocales => content.locales.0.iter().map(|locale| locale.to_json()).collect(),
        Call::ListFlows => content.flows.iter().map(|flow| flow.head()).collect(),
        Call::ListEndpoints => project.endpoints.iter().map(Endpoint::to_json).collect(),
        _ => {
            let kind = thing_kind(asked)?;
            content.things.iter().filter(|thing| thing.kind == kind).map(|thing| thing.to_json()).collect()
        }
    })
}

fn list_in_flow(site: &mut Site<'_>, asked: &Asked) -> Result<Vec<Value>, Refusal> {
    let preferred = asked.id_in_query("preferredLocaleId")?;
    match asked.call {
        Call::ListIntents => site.list_intents(preferred.as_ref(), asked.is_on("includeChildren")),
        _ => site.list_nodes(preferred.as_ref()),
    }
}

fn read_in_projects(platform: &Platform, asked: &Asked) -> Result<Done, Refusal> {
    let id = asked.id(0)?;
    let found = platform.projects.iter().find_map(|project| match asked.call {
        Call::ReadLocale => project.content.locales.get(id).map(|locale| locale.to_json()),
        Call::ReadEndpoint => project.endpoints.iter().find(|endpoint| endpoint.id == *id).map(Endpoint::to_json),
        _ => {
            let of_kind = thing_kind(asked).ok()?;
            let thing = project.content.things.iter().find(|thing| thing.id == *id && thing.kind == of_kind);
            thing.map(|thing| thing.to_json())
        }
    });
    found.map(Done::Shown).ok_or_else(|| Refusal::not_found("Resource", id.as_str()))
}

/// Points an endpoint elsewhere, in one write (vendor's reference).
fn update_endpoint(platform: &mut Platform, asked: &mut Asked, now: Moment<'_>) -> Result<Done, Refusal> {
    let id = asked.id(0)?.clone();
    let EndpointFields { name, entrypoint, flow_id, locale_id } = body::read(std::mem::take(&mut asked.body))?;
    let holder = platform.projects.iter_mut().find(|project| project.endpoints.iter().any(|known| known.id == id));
    let project = holder.ok_or_else(|| Refusal::not_found("Endpoint", id.as_str()))?;
    if let Some(entrypoint) = &entrypoint {
        check_entrypoint(project, entrypoint)?;
    }
    let Some(endpoint) = project.endpoints.iter_mut().find(|known| known.id == id) else {
        return Err(Refusal::not_found("Endpoint", id.as_str()));
    };
    endpoint.entrypoint = entrypoint.unwrap_or_else(|| endpoint.entrypoint.clone());
    endpoint.name = name.unwrap_or_else(|| endpoint.name.clone());
    endpoint.flow = flow_id.map_or_else(|| endpoint.flow.clone(), String::from);
    endpoint.locale = locale_id.unwrap_or_else(|| endpoint.locale.clone());
    endpoint.meta.touch(now.seconds());
    Ok(Done::Written(endpoint.to_json()))
}

fn check_entrypoint(project: &Project, entrypoint: &Id) -> Result<(), Refusal> {
    let is_snapshot = project.snapshots.iter().any(|snapshot| snapshot.id == *entrypoint);
    if is_snapshot || *entrypoint == project.id {
        return Ok(());
    }
    Err(Refusal::invalid(format!("`entrypoint`: `{entrypoint}` is neither the project nor one of its snapshots")))
}

/// The calls about one flow.
fn at_flow(site: &mut Site<'_>, asked: &mut Asked) -> Result<Done, Refusal> {
    let preferred = asked.id_in_query("preferredLocaleId")?;
    let preferred = preferred.as_ref();
    let body = std::mem::take(&mut asked.body);
    match asked.call {
        Call::ReadFlow => site.read_flow(preferred).map(Done::Shown),
        Call::ReadSettings => Ok(Done::Shown(site.read_settings())),
        Call::UpdateSettings => {
            site.patch_settings(body)?;
            Ok(Done::Written(site.read_settings()))
        }
        Call::AddFlowLocalization => written(site.set_flow_locale(body, true)),
        Call::RemoveFlowLocalization => written(site.set_flow_locale(body, false)),
        Call::ExportIntents => site.export_intents(body).map(Done::Shown),
        Call::ListDescriptors => {
            let items = if site.now.rules.descriptors { kinds::descriptors() } else { Vec::new() };
            let total = items.len();
            Ok(Done::Shown(json!({ "items": items, "total": total, "nextCursor": null, "previousCursor": null })))
        }
        Call::ReadChart => site.read_chart(preferred).map(Done::Shown),
        Call::CreateNode => site.create_node(body).map(Done::Created),
        _ => at_node(site, asked, body, preferred),
    }
}

/// The calls about one node.
fn at_node(
    site: &mut Site<'_>,
    asked: &Asked,
    body: Map<String, Value>,
    preferred: Option<&Id>,
) -> Result<Done, Refusal> {
    let id = asked.id(1)?;
    match asked.call {
        Call::ReadNode => site.read_node(id, preferred).map(Done::Shown),
        Call::UpdateNode if body.contains_key("mode") && site.now.rules.move_route == MoveRoute::Node => {
            site.move_node(id, body)?;
            Ok(Done::Written(site.fresh_node(id)?))
        }
        Call::UpdateNode => {
            site.patch_node(id, body)?;
            Ok(Done::Written(site.fresh_node(id)?))
        }
        Call::DeleteNode => written(site.delete_node(id)),
        Call::MoveNode => {
            let here = if asked.is_patch { MoveRoute::Patch } else { MoveRoute::Post };
            if site.now.rules.move_route != here {
                return Err(Refusal::method());
            }
            site.move_node(id, body)?;
            Ok(Done::Written(site.fresh_node(id)?))
        }
        Call::AddNodeLocalization => written(site.add_node_locale(id, body)),
        Call::RemoveNodeLocalization => written(site.remove_node_locale(id, body)),
        _ => Err(Refusal::no_path()),
    }
}

fn written(done: Result<(), Refusal>) -> Result<Done, Refusal> {
    done.map(|()| Done::Written(Value::Null))
}

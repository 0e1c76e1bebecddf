//! The calls about packages, snapshots and tasks, and those that start one.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::mint::Id;
use super::super::model::body;
use super::super::model::graph;
use super::super::model::platform::{Moment, Platform};
use super::super::model::project::Project;
use super::super::refusal::Refusal;
use super::asked::Asked;
use super::done::Done;

/// How long a download link is good for (reported by users: about 2 h).
const LINK_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Carries a call out, if it is one of these.
pub(super) fn perform_task(
    platform: &mut Platform,
    asked: &mut Asked,
    now: Moment<'_>,
) -> Option<Result<Done, Refusal>> {
    let body = std::mem::take(&mut asked.body);
    let done = match asked.call {
        Call::CreatePackage => platform.create_package(body, now).map(Done::Shown),
        Call::UploadPackage => upload(platform, asked, now),
        Call::CreateSnapshot => platform.create_snapshot(body, now).map(Done::Shown),
        Call::ReadPackage => with_id(asked, |id| Ok(Done::Shown(platform.package(id)?.1.to_json()))),
        Call::DeletePackage => with_id(asked, |id| platform.delete_package(id).map(|()| Done::Written(Value::Null))),
        Call::LinkPackage => with_id(asked, |id| link(platform, id, &asked.host, now)),
        Call::MergePackage => with_id(asked, |id| platform.merge_package(id, body, now).map(Done::Shown)),
        Call::ReadSnapshot => with_id(asked, |id| read_snapshot(platform, id)),
        Call::DeleteSnapshot => with_id(asked, |id| platform.delete_snapshot(id).map(|()| Done::Written(Value::Null))),
        Call::RestoreSnapshot => with_id(asked, |id| platform.restore_snapshot(id, body, now).map(Done::Shown)),
        Call::ReadTask => with_id(asked, |id| Ok(Done::Shown(platform.task(id)?.to_json(now.ms)))),
        Call::CancelTask => with_id(asked, |id| platform.cancel_task(id, now).map(|()| Done::Written(Value::Null))),
        Call::ImportIntents => with_id(asked, |id| import_intents(platform, id, asked, now)),
        Call::TrainIntents => with_id(asked, |id| platform.train(id, body, now).map(Done::Shown)),
        _ => {
            asked.body = body;
            return None;
        }
    };
    Some(done)
}

fn with_id(asked: &Asked, call: impl FnOnce(&Id) -> Result<Done, Refusal>) -> Result<Done, Refusal> {
    call(asked.id(0)?)
}

/// The items of a list.
pub(super) fn list(platform: &Platform, asked: &Asked, now: Moment<'_>) -> Result<Vec<Value>, Refusal> {
    if asked.call == Call::ListSnapshotResources {
        return snapshot_resources(platform, asked);
    }
    let project = project(platform, asked)?;
    Ok(match asked.call {
        Call::ListSnapshots => project.snapshots.iter().map(|snapshot| snapshot.to_json()).collect(),
        Call::ListPackages => project.packages.iter().map(|package| package.to_json()).collect(),
        _ => {
            let tasks = platform.tasks.iter().filter(|task| task.project == project.id);
            tasks.map(|task| task.to_json(now.ms)).collect()
        }
    })
}

/// The project that a list is of.
pub(super) fn project<'p>(platform: &'p Platform, asked: &Asked) -> Result<&'p Project, Refusal> {
    let id = asked.id_in_query("projectId")?.ok_or_else(|| Refusal::missing("projectId"))?;
    platform.project(&id)
}

fn snapshot_resources(platform: &Platform, asked: &Asked) -> Result<Vec<Value>, Refusal> {
    let id = asked.id(0)?;
    let mut snapshots = platform.projects.iter().flat_map(|project| &project.snapshots);
    let snapshot = snapshots.find(|snapshot| snapshot.id == *id);
    let content = &snapshot.ok_or_else(|| Refusal::not_found("Snapshot", id.as_str()))?.content;
    let wanted = asked.query("resourceType");
    let resources = graph::of_content(content, false).into_iter();
    Ok(resources.filter(|resource| wanted.is_none_or(|wanted| resource["type"] == wanted)).collect())
}

fn read_snapshot(platform: &Platform, id: &Id) -> Result<Done, Refusal> {
    let mut snapshots = platform.projects.iter().flat_map(|project| &project.snapshots);
    let snapshot = snapshots.find(|snapshot| snapshot.id == *id);
    snapshot.map(|snapshot| Done::Shown(snapshot.to_json())).ok_or_else(|| Refusal::not_found("Snapshot", id.as_str()))
}

fn upload(platform: &mut Platform, asked: &Asked, now: Moment<'_>) -> Result<Done, Refusal> {
    let project: Id =
        asked.part("projectId")?.parse().map_err(|error| Refusal::invalid(format!("`projectId`: {error}")))?;
    let file = asked.parts.get("file").cloned().ok_or_else(|| Refusal::missing("file"))?;
    platform.upload_package(&project, file, now).map(Done::Shown)
}

fn import_intents(platform: &mut Platform, flow: &Id, asked: &Asked, now: Moment<'_>) -> Result<Done, Refusal> {
    let locale: Id =
        asked.part("localeId")?.parse().map_err(|error| Refusal::invalid(format!("`localeId`: {error}")))?;
    let mode = body::word("mode", &asked.part("mode")?)?;
    let file = asked.parts.get("file").ok_or_else(|| Refusal::missing("file"))?;
    platform.import_intents(flow, &locale, mode, file, now).map(Done::Shown)
}

/// Where the file of a package can be fetched; 409 while it is being packed (vendor's reference).
fn link(platform: &mut Platform, id: &Id, host: &str, now: Moment<'_>) -> Result<Done, Refusal> {
    if platform.package(id)?.1.packed.is_none() {
        return Err(Refusal::conflict("the package is still being packed"));
    }
    let until_ms = now.ms.saturating_add(u64::try_from(LINK_LIFETIME.as_millis()).unwrap_or(u64::MAX));
    let token = platform.mint.id();
    let shown = json!({ "downloadLink": format!("http://{host}/download/{token}") });
    platform.links.retain(|_, (_, until_ms)| *until_ms > now.ms);
    platform.links.insert(token, (id.clone(), until_ms));
    Ok(Done::Shown(shown))
}

/// The file that a link leads to, while it does.
pub(super) fn linked(platform: &Platform, token: &str, now_ms: u64) -> Option<Vec<u8>> {
    let (package, until_ms) = platform.links.get(&token.parse().ok()?)?;
    let packed = platform.package(package).ok()?.1.packed.as_ref()?;
    (*until_ms > now_ms).then(|| packed.file.0.clone())
}

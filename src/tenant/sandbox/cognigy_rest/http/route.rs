//! Which call a request is: by method and path.

use super::super::call::Call;
use super::super::mint::Id;
use super::super::refusal::Refusal;

/// Every route: method, path below the base (`:` is an id), call. A literal stands before an id in its place.
const ROUTES: &[(&str, &str, Call)] = &[
    ("GET", "projects", Call::ListProjects),
    ("GET", "projects/:", Call::ReadProject),
    ("GET", "projects/:/graph", Call::ReadGraph),
    ("GET", "locales", Call::ListLocales),
    ("GET", "locales/:", Call::ReadLocale),
    ("GET", "flows", Call::ListFlows),
    ("POST", "flows", Call::CreateFlow),
    ("GET", "flows/:", Call::ReadFlow),
    ("PATCH", "flows/:", Call::UpdateFlow),
    ("DELETE", "flows/:", Call::DeleteFlow),
    ("POST", "flows/:/addlocalization", Call::AddFlowLocalization),
    ("POST", "flows/:/removelocalization", Call::RemoveFlowLocalization),
    ("GET", "flows/:/settings", Call::ReadSettings),
    ("PATCH", "flows/:/settings", Call::UpdateSettings),
    ("GET", "flows/:/chart", Call::ReadChart),
    ("GET", "flows/:/chart/descriptors", Call::ListDescriptors),
    ("GET", "flows/:/chart/nodes", Call::ListNodes),
    ("POST", "flows/:/chart/nodes", Call::CreateNode),
    ("GET", "flows/:/chart/nodes/:", Call::ReadNode),
    ("PATCH", "flows/:/chart/nodes/:", Call::UpdateNode),
    ("DELETE", "flows/:/chart/nodes/:", Call::DeleteNode),
    ("POST", "flows/:/chart/nodes/:/move", Call::MoveNode),
    ("PATCH", "flows/:/chart/nodes/:/move", Call::MoveNode),
    ("POST", "flows/:/chart/nodes/:/addlocalization", Call::AddNodeLocalization),
    ("POST", "flows/:/chart/nodes/:/removelocalization", Call::RemoveNodeLocalization),
    ("GET", "flows/:/intents", Call::ListIntents),
    ("POST", "flows/:/intents/export", Call::ExportIntents),
    ("POST", "flows/:/intents/import", Call::ImportIntents),
    ("POST", "flows/:/intents/train", Call::TrainIntents),
    ("GET", "snapshots", Call::ListSnapshots),
    ("POST", "snapshots", Call::CreateSnapshot),
    ("GET", "snapshots/:", Call::ReadSnapshot),
    ("DELETE", "snapshots/:", Call::DeleteSnapshot),
    ("POST", "snapshots/:/restore", Call::RestoreSnapshot),
    ("GET", "snapshots/:/resources", Call::ListSnapshotResources),
    ("GET", "packages", Call::ListPackages),
    ("POST", "packages", Call::CreatePackage),
    ("POST", "packages/upload", Call::UploadPackage),
    ("GET", "packages/:", Call::ReadPackage),
    ("DELETE", "packages/:", Call::DeletePackage),
    ("POST", "packages/:/downloadlink", Call::LinkPackage),
    ("POST", "packages/:/merge", Call::MergePackage),
    ("GET", "tasks", Call::ListTasks),
    ("GET", "tasks/:", Call::ReadTask),
    ("POST", "tasks/:/cancel", Call::CancelTask),
    ("GET", "endpoints", Call::ListEndpoints),
    ("GET", "endpoints/:", Call::ReadEndpoint),
    ("PATCH", "endpoints/:", Call::UpdateEndpoint),
    ("GET", "lexicons", Call::ListThings),
    ("GET", "lexicons/:", Call::ReadThing),
    ("GET", "connections", Call::ListThings),
    ("GET", "connections/:", Call::ReadThing),
    ("GET", "functions", Call::ListThings),
    ("GET", "functions/:", Call::ReadThing),
    ("GET", "extensions", Call::ListThings),
    ("GET", "extensions/:", Call::ReadThing),
    ("GET", "largelanguagemodels", Call::ListThings),
    ("GET", "largelanguagemodels/:", Call::ReadThing),
    ("GET", "knowledgestores", Call::ListThings),
    ("GET", "knowledgestores/:", Call::ReadThing),
    ("GET", "aiagents", Call::ListThings),
    ("GET", "aiagents/:", Call::ReadThing),
];

/// The call of a request, by its method and its path below the base.
pub(super) fn call_of(method: &str, below: &[&str]) -> Result<Call, Refusal> {
    let fitting = || ROUTES.iter().filter(|(_, path, _)| fits(path, below));
    // A path that is written out hides those that take an id in its place.
    let path = fitting().next().map(|(_, path, _)| *path).ok_or_else(Refusal::no_path)?;
    let found = fitting().find(|(verb, other, _)| *verb == method && *other == path);
    found.map(|(_, _, call)| *call).ok_or_else(Refusal::method)
}

fn fits(path: &str, below: &[&str]) -> bool {
    let mut parts = path.split('/');
    below.iter().all(|segment| parts.next().is_some_and(|part| part == ":" || part == *segment))
        && parts.next().is_none()
}

/// The ids in a path: what stands where a route has `:`. Anything but 24 letters and digits is refused, a UUID too
/// (vendor's reference).
pub(super) fn ids(below: &[&str]) -> Result<Vec<Id>, Refusal> {
    let route = ROUTES.iter().find(|(_, path, _)| fits(path, below));
    let parts = route.map_or("", |(_, path, _)| *path).split('/');
    let ids = parts.zip(below).filter(|(part, _)| *part == ":");
    ids.map(|(_, id)| id.parse().map_err(|error| Refusal::invalid(format!("an id in the path: {error}")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_by_method_and_path() {
        let call = |method: &str, path: &str| call_of(method, &path.split('/').collect::<Vec<_>>());
        assert_eq!(call("GET", "flows/x/chart/nodes/y"), Ok(Call::ReadNode));
        assert_eq!(call("POST", "flows/x/intents/export"), Ok(Call::ExportIntents));
        assert_eq!(call("PUT", "flows"), Err(Refusal::method()));
        assert_eq!(call("GET", "flowers"), Err(Refusal::no_path()));
        assert_eq!(call("GET", "flows/x/chart/nodes/y/z"), Err(Refusal::no_path()));
    }
}

//! The calls of the API, under the names that the log and a fault plan use.

use super::refusal::Refusal;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Full,
    /// Reading.
    ReadOnly,
    /// Everything but packages and snapshots.
    NoPackages,
}

/// Defines the calls with their names.
macro_rules! calls {
    ($($call:ident $name:literal,)*) => {
        /// A call of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Call {
            $($call,)*
        }

        /// Every call by its name, and what stands for several in a fault plan.
        pub(crate) const NAMES: &[&str] = &["any", "reads", "writes", $($name,)*];

        impl Call {
            /// As the log and a fault plan name it.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$call => $name,)*
                }
            }

            pub(crate) fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$call),)*
                    _ => None,
                }
            }
        }
    };
}

calls! {
    ListProjects "listProjects",
    ReadProject "readProject",
    ReadGraph "readGraph",
    ListLocales "listLocales",
    ReadLocale "readLocale",
    ListFlows "listFlows",
    CreateFlow "createFlow",
    ReadFlow "readFlow",
    UpdateFlow "updateFlow",
    DeleteFlow "deleteFlow",
    AddFlowLocalization "addFlowLocalization",
    RemoveFlowLocalization "removeFlowLocalization",
    ReadSettings "readSettings",
    UpdateSettings "updateSettings",
    ReadChart "readChart",
    ListNodes "listNodes",
    CreateNode "createNode",
    ReadNode "readNode",
    UpdateNode "updateNode",
    DeleteNode "deleteNode",
    MoveNode "moveNode",
    AddNodeLocalization "addNodeLocalization",
    RemoveNodeLocalization "removeNodeLocalization",
    ListDescriptors "listDescriptors",
    ListIntents "listIntents",
    ExportIntents "exportIntents",
    ListThings "listThings",
    ReadThing "readThing",
    ListEndpoints "listEndpoints",
    ReadEndpoint "readEndpoint",
    UpdateEndpoint "updateEndpoint",
    ImportIntents "importIntents",
    TrainIntents "trainIntents",
    ListSnapshots "listSnapshots",
    ReadSnapshot "readSnapshot",
    CreateSnapshot "createSnapshot",
    DeleteSnapshot "deleteSnapshot",
    RestoreSnapshot "restoreSnapshot",
    ListSnapshotResources "listSnapshotResources",
    ListPackages "listPackages",
    ReadPackage "readPackage",
    CreatePackage "createPackage",
    DeletePackage "deletePackage",
    LinkPackage "linkPackage",
    UploadPackage "uploadPackage",
    MergePackage "mergePackage",
    ListTasks "listTasks",
    ReadTask "readTask",
    CancelTask "cancelTask",
}

impl Call {
    /// Whether it changes what the platform holds.
    pub(crate) fn writes(self) -> bool {
        !["list", "read", "export", "link"].iter().any(|verb| self.as_str().starts_with(verb))
    }

    /// Whether somebody of that role may make it.
    pub(crate) fn allowed_to(self, role: Role) -> Result<(), Refusal> {
        let name = self.as_str();
        let allowed = match role {
            Role::Full => true,
            Role::NoPackages => !name.contains("Package") && !name.contains("Snapshot") || !self.writes(),
            Role::ReadOnly => !self.writes(),
        };
        if allowed { Ok(()) } else { Err(Refusal::forbidden(&format!("the user has no right to `{name}`"))) }
    }

    /// Whether it starts a task.
    pub(crate) fn starts_task(self) -> bool {
        matches!(
            self,
            Self::CreatePackage
                | Self::UploadPackage
                | Self::MergePackage
                | Self::CreateSnapshot
                | Self::RestoreSnapshot
                | Self::ImportIntents
                | Self::TrainIntents
        )
    }

    /// Whether its body is a form with a file.
    pub(crate) fn is_upload(self) -> bool {
        matches!(self, Self::UploadPackage | Self::ImportIntents)
    }

    /// Whether a chart, or part of one, is read.
    pub(crate) fn reads_chart(self) -> bool {
        matches!(self, Self::ReadChart | Self::ListNodes | Self::ReadNode)
    }

    /// The names that may stand in its query; lists have more.
    pub(crate) fn query(self) -> &'static [&'static str] {
        match self {
            Self::ReadFlow | Self::ReadChart | Self::ListNodes | Self::ReadNode => &["preferredLocaleId"],
            Self::ListIntents => &["preferredLocaleId", "includeChildren", "includeFeedbackReport", "parent"],
            Self::ReadGraph => &["dependencies", "packages", "snapshots"],
            Self::ListSnapshotResources => &["resourceType"],
            Self::ReadTask => &["projectId"],
            _ => &[],
        }
    }

    /// Whether it answers with a list in pages.
    pub(crate) fn is_list(self) -> bool {
        self.as_str().starts_with("list") && self != Self::ListDescriptors
    }
}

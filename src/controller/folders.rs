//! Flows that stand in folders, as files that are proposed: each under the names and in the hand that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desired::documents;
use super::{Engine, PassError};
use crate::format::{self, Files, NewFolder, Unit};
use crate::local::LocalState;
use crate::plan::{Desired, DesiredFlow};
use crate::revision::{BlobId, Origin};
use crate::source::{FlowEntry, Source, SourceError};
use crate::tenant::Tenant;

/// Most folders that are looked at to find out how a new one is written.
const BESIDE_MAX: usize = 50;

/// The files of a flow, from the root of the repository, and the one that heads its folder.
pub(super) struct InFolder {
    pub(super) path: String,
    pub(super) files: BTreeMap<String, Option<Vec<u8>>>,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Whether flows stand in folders.
    pub(super) fn in_folders(&self) -> bool {
        self.records.source.format().head().is_some()
    }

    /// The files of a flow's folder, as git has them.
    pub(super) async fn unit_of(&self, path: &str, folder: &BlobId) -> Result<Unit, PassError> {
        let entry = FlowEntry { path: path.to_owned(), blob: folder.clone(), bytes: 0 };
        let unit = self.records.source.read_units(&[entry]).await?.into_iter().next().flatten();
        Ok(unit.ok_or_else(|| SourceError::missing_blob(path, folder))?)
    }

    /// What removes a flow's folder.
    pub(super) async fn without_folder(&self, flow: &DesiredFlow) -> Result<InFolder, PassError> {
        let unit = self.unit_of_flow(flow).await?;
        let files = unit.files.keys().map(|file| (unit.path_of(file), None)).collect();
        Ok(InFolder { path: flow.path.clone(), files })
    }

    /// The files that change where a flow that git has is to say `text`; an error is in words.
    pub(super) async fn folder_rewritten(
        &self,
        flow: &DesiredFlow,
        text: &Arc<[u8]>,
        desired: &Desired,
    ) -> Result<Result<InFolder, String>, PassError> {
        let unit = self.unit_of_flow(flow).await?;
        let others = self.documents_named(text, desired).await?;
        let files = format::rewritten(&unit, text, &others);
        Ok(files.map(|files| InFolder { path: unit.path.clone(), files: in_place(&unit.path, files) }))
    }

    /// A folder for a flow that git does not have, called otherwise than those that are `taken`.
    pub(super) async fn folder_written(
        &self,
        text: &Arc<[u8]>,
        desired: &Desired,
        taken: &BTreeSet<String>,
    ) -> Result<Result<InFolder, String>, PassError> {
        let others = self.documents_named(text, desired).await?;
        let mut beside = Vec::new();
        for flow in desired.flows.values().take(BESIDE_MAX) {
            beside.push(self.unit_of_flow(flow).await?);
        }
        let made = format::written(text, &others, &beside, taken);
        Ok(made.and_then(|NewFolder { name, files }| {
            let path = self.head_below(&name)?;
            Ok(InFolder { files: in_place(&path, files), path })
        }))
    }

    /// The file that heads a folder, by what that is called in the flows folder; an error is in words.
    pub(super) fn head_below(&self, folder: &str) -> Result<String, String> {
        let flows = self.records.source.flows_folder();
        let head =
            self.records.source.format().head().ok_or("a flow of this environment is one file, and no folder")?;
        Ok(if flows.is_empty() { format!("{folder}/{head}") } else { format!("{flows}/{folder}/{head}") })
    }

    /// Names of folders right below the flows folder, by paths that are taken.
    pub(super) fn folders_taken(&self, paths: &BTreeSet<String>) -> BTreeSet<String> {
        let folder = self.records.source.flows_folder().to_lowercase();
        let below = |path: &String| {
            let below = path.strip_prefix(&folder)?.trim_start_matches('/').to_owned();
            below.split('/').next().map(str::to_owned)
        };
        paths.iter().filter_map(below).collect()
    }

    async fn unit_of_flow(&self, flow: &DesiredFlow) -> Result<Unit, PassError> {
        let folder = flow.origin.as_ref().map(|origin| origin.blob.clone());
        self.unit_of(&flow.path, &folder.unwrap_or_else(|| BlobId(String::new()))).await
    }

    /// The documents of the flows that a text names, as git has them.
    async fn documents_named(&self, text: &Arc<[u8]>, desired: &Desired) -> Result<Vec<Arc<[u8]>>, PassError> {
        let named = format::named_in(text);
        let flows = named.iter().filter_map(|id| desired.flows.get(id));
        let origins: Vec<Origin> = flows.filter_map(|flow| flow.origin.clone()).collect();
        Ok(documents(&*self.records.source, &origins).await?.into_iter().flatten().collect())
    }
}

/// Files by their paths from the root, where those of a flow lie beside the one that heads its folder.
pub(super) fn in_place(head: &str, files: Files) -> BTreeMap<String, Option<Vec<u8>>> {
    let unit = Unit { path: head.to_owned(), files: BTreeMap::new() };
    files.into_iter().map(|(file, text)| (unit.path_of(&file), text)).collect()
}

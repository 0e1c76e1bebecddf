//! A unit: the files that a flow stands in.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The files of one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The path by which people know it: that of its one file, or of the file that heads its folder.
    pub path: String,
    /// Its files by their paths from the folder that the first one lies in.
    pub files: BTreeMap<String, Arc<[u8]>>,
}

impl Unit {
    /// The content of its one file, where a flow is one.
    #[must_use]
    pub(crate) fn only_file(&self) -> Arc<[u8]> {
        self.files.values().next().cloned().unwrap_or_else(|| Arc::from(&b""[..]))
    }

    /// The path of one of its files, as people know it.
    #[must_use]
    pub fn path_of(&self, file: &str) -> String {
        match self.path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{file}"),
            None => file.to_owned(),
        }
    }
}

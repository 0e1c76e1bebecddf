//! The audit trail of an environment, read from git and held against git's own history.
//!
//! Each manifest and each audit file is read once, one at a time. What earlier commits held of a file follows
//! from the file itself: it is append-only, and each manifest names the record it ended with. So every commit is
//! known in advance, and git only says where one is not as expected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{PassError, Records};
use crate::record::audit::{self, AuditFault, Closing, Verifier};
use crate::record::{DeploymentId, Status, manifest_digest, paths};
use crate::revision::{BlobId, CommitId};
use crate::source::{Expected, FileVersion, Source, SourceError};

/// An audit file: its path below the audit folder, and its content in git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    /// `<yyyy-mm>/<deployment>.jsonl`, without the month for what older versions wrote.
    pub name: String,
    /// The blob.
    pub blob: BlobId,
}

/// Something wrong with the trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrailFault(pub String);

impl TrailFault {
    /// A fault of a file, by its path below the environment's folder.
    fn of(fault: &AuditFault) -> Self {
        Self(if fault.file.is_empty() { fault.to_string() } else { format!("audit/{fault}") })
    }
}

/// What a manifest of history says of the trail.
#[derive(Debug, Clone)]
struct Stated {
    commit: CommitId,
    deployment: DeploymentId,
    head: Option<String>,
    status: Status,
    /// Its digest.
    digest: String,
}

/// What verifying a trail came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// So many records there are.
    pub n_records: usize,
    /// So many ended manifests are not bound by the trail: older versions closed them.
    pub n_unsealed: usize,
    /// Everything that is wrong.
    pub faults: Vec<TrailFault>,
}

/// The audit files while they are read.
struct Reading<S> {
    source: Arc<S>,
    verifier: Verifier,
    /// The commits whose manifest names a record.
    named: HashMap<String, Vec<CommitId>>,
    expected: HashMap<CommitId, Expected>,
    /// How each deployment was closed.
    closings: HashMap<DeploymentId, Closing>,
}

impl<S: Source> Reading<S> {
    fn file(&mut self, name: &str, content: &[u8]) {
        let deployment: Option<DeploymentId> = last_part(name).strip_suffix(".jsonl").and_then(|id| id.parse().ok());
        if let Some(deployment) = deployment
            && let Some(closing) = audit::closing(content, &deployment)
        {
            self.closings.insert(deployment, closing);
        }
        for record in self.verifier.file(name, content) {
            for commit in self.named.remove(&record.hash).into_iter().flatten() {
                let blob = self.source.blob_id(&content[..record.end]);
                self.expected.insert(commit, Expected { path: name.to_owned(), blob });
            }
        }
    }
}

impl<S: Source> Records<S> {
    /// The audit files at the newest records in the order of the chain, those that are no part of it last; and what is
    /// wrong with files that cannot be read.
    pub async fn trail(&self, tip: &CommitId) -> Result<(Vec<TrailFile>, Vec<TrailFault>), PassError> {
        let mut files = self.source.record_files(tip, &paths::audit_folder(&self.environment)).await?;
        let read = self.read_trail(&files, HashMap::new()).await?;
        let faults = read.verifier.faults().iter().map(TrailFault::of).collect();
        let file = |name: String| Some(TrailFile { blob: files.remove(&name)?, name });
        Ok((read.verifier.order().into_iter().filter_map(file).collect(), faults))
    }

    /// The records of some files, in their order; a file that is not sound has none.
    pub async fn trail_records(&self, files: &[TrailFile]) -> Result<Vec<audit::Record>, PassError> {
        let blobs: Vec<BlobId> = files.iter().map(|file| file.blob.clone()).collect();
        let read = |records: &mut Vec<audit::Record>, _: usize, content: Option<&[u8]>| {
            records.extend(content.and_then(|content| audit::parse(content).ok()).into_iter().flatten());
        };
        Ok(self.source.fold_blobs(blobs, Vec::new(), read).await?)
    }

    /// Everything wrong with the trail: within itself, and against every manifest and every earlier version of its
    /// files that git's history holds.
    pub async fn verify_trail(&self, tip: &CommitId) -> Result<Verified, PassError> {
        let folder = paths::audit_folder(&self.environment);
        let files = self.source.record_files(tip, &folder).await?;
        let stated = self.stated(tip).await?;
        let mut named: HashMap<String, Vec<CommitId>> = HashMap::new();
        for Stated { commit, head, .. } in &stated {
            named.entry(head.clone().unwrap_or_default()).or_default().push(commit.clone());
        }
        named.remove("");
        let Reading { verifier, named, expected, closings, .. } = self.read_trail(&files, named).await?;
        let n_records = verifier.n_records();
        let mut faults = Vec::new();
        let newest = match self.recorded_at(tip).await {
            Ok(newest) => newest,
            Err(error @ (PassError::Manifest(_) | PassError::Source(SourceError::TooLarge { .. }))) => {
                faults.push(TrailFault(crate::error_chain(&error)));
                None
            }
            Err(error) => return Err(error),
        };
        if let (Some(recorded), Some(key)) = (&newest, self.seal_key()?)
            && let Err(fault) = key.check(&recorded.text)
        {
            faults.push(TrailFault(format!("manifest.json: {fault} (`repository.sealKey`)")));
        }
        let head = newest.and_then(|recorded| recorded.manifest.audit_head);
        let broken = verifier.finish(head.as_deref()).err().unwrap_or_default();
        faults.extend(broken.iter().map(TrailFault::of));
        faults.extend(Self::missing(&stated, &files, &named));
        let (altered, n_unsealed) = altered(&stated, &closings);
        faults.extend(altered);
        let versions = self.source.unexpected_versions(tip, &folder, expected).await?;
        faults.extend(self.compare(&files, versions).await?);
        faults.sort();
        faults.dedup();
        Ok(Verified { n_records, n_unsealed, faults })
    }

    /// What each manifest of history says, newest first; unreadable ones are left out.
    async fn stated(&self, tip: &CommitId) -> Result<Vec<Stated>, PassError> {
        let history = self.source.record_history(tip, &paths::manifest(&self.environment)).await?;
        let versions: Vec<_> = history.into_iter().filter_map(|entry| Some((entry.commit, entry.blob?))).collect();
        let (commits, blobs): (Vec<CommitId>, Vec<BlobId>) = versions.into_iter().unzip();
        let read = move |stated: &mut Vec<Stated>, index: usize, content: Option<&[u8]>| {
            let (Some(content), Some(commit)) = (content, commits.get(index)) else { return };
            if let Some(audit::Named { deployment_id: deployment, audit_head: head, status }) =
                audit::Named::read(content)
            {
                let (commit, digest) = (commit.clone(), manifest_digest(content));
                stated.push(Stated { commit, deployment, head, status, digest });
            }
        };
        Ok(self.source.fold_blobs(blobs, Vec::new(), read).await?)
    }

    async fn read_trail(
        &self,
        files: &BTreeMap<String, BlobId>,
        named: HashMap<String, Vec<CommitId>>,
    ) -> Result<Reading<S>, PassError> {
        let (names, blobs): (Vec<String>, Vec<BlobId>) = files.clone().into_iter().unzip();
        let source = Arc::clone(&self.source);
        let (verifier, expected, closings) = (Verifier::default(), HashMap::new(), HashMap::new());
        let reading = Reading { source, verifier, named, expected, closings };
        let read = move |reading: &mut Reading<S>, index: usize, content: Option<&[u8]>| match content {
            Some(content) => reading.file(&names[index], content),
            None => reading.verifier.unread(&names[index]),
        };
        Ok(self.source.fold_blobs(blobs, reading, read).await?)
    }

    /// Records and files that manifests name and that are not there. `named` are the records that were not found.
    fn missing(
        stated: &[Stated],
        files: &BTreeMap<String, BlobId>,
        named: &HashMap<String, Vec<CommitId>>,
    ) -> Vec<TrailFault> {
        let present: HashMap<&str, &String> = files.keys().map(|name| (last_part(name), name)).collect();
        let mut faults = Vec::new();
        for Stated { commit, deployment, head, .. } in stated {
            let path = paths::audit("", deployment);
            let there = present.get(last_part(&path)).map(|name| format!("audit/{name}"));
            let path = there.as_deref().unwrap_or(path.trim_start_matches('/'));
            if let Some(head) = head.as_ref().filter(|head| named.contains_key(*head)) {
                faults.push(TrailFault(format!(
                    "{path}: the manifest of commit {commit} names the record {head}, which is in no file: it was removed or altered"
                )));
            }
            if there.is_none() {
                faults.push(TrailFault(format!("{path}: the file is missing; commit {commit} had it")));
            }
        }
        faults
    }

    /// Holds earlier versions of files against what they are now: each must be a beginning of it.
    async fn compare(
        &self,
        files: &BTreeMap<String, BlobId>,
        versions: Vec<FileVersion>,
    ) -> Result<Vec<TrailFault>, PassError> {
        let now: HashMap<&str, (&String, &BlobId)> =
            files.iter().map(|(name, blob)| (last_part(name), (name, blob))).collect();
        let mut faults = Vec::new();
        let mut earlier: BTreeMap<(&String, &BlobId), Vec<(BlobId, CommitId)>> = BTreeMap::new();
        for FileVersion { path, commit, blob } in versions {
            // A file that somebody moved is the same file: a deployment's id is there once.
            match (now.get(last_part(&path)), blob) {
                (None, Some(_)) => {
                    faults.push(TrailFault(format!("audit/{path}: the file is missing; commit {commit} had it")));
                }
                (Some((_, current)), Some(blob)) if **current == blob => {}
                (Some(current), Some(blob)) => earlier.entry(*current).or_default().push((blob, commit)),
                (_, None) => {}
            }
        }
        for ((name, current), versions) in earlier {
            let (blobs, commits): (Vec<BlobId>, Vec<CommitId>) = versions.into_iter().unzip();
            let blobs = [vec![current.clone()], blobs].concat();
            let mut now = Vec::new();
            let lines = self.source.fold_blobs(blobs, Vec::new(), move |lines, index, content| match content {
                Some(content) if index == 0 => now = content.to_vec(),
                Some(content) => lines.push(first_difference(content, &now)),
                None => lines.push(None),
            });
            let lines = lines.await?;
            let altered = commits.into_iter().zip(lines).filter_map(|(commit, line)| Some((commit, line?)));
            faults.extend(altered.map(|(commit, line)| {
                TrailFault(format!("audit/{name}:{line}: not as commit {commit} had it: the file is append-only"))
            }));
        }
        Ok(faults)
    }
}

/// Ended manifests that are not as the trail says that they were closed, and how many it says nothing of.
fn altered(stated: &[Stated], closings: &HashMap<DeploymentId, Closing>) -> (Vec<TrailFault>, usize) {
    let (mut faults, mut n_unsealed) = (Vec::new(), 0);
    for Stated { commit, deployment, head, status, digest } in stated.iter().filter(|stated| stated.status.is_ended()) {
        let what = match closings.get(deployment) {
            None => format!("says `{status}`, and no record closes deployment {deployment}"),
            Some(Closing { hash, .. }) if Some(hash) != head.as_ref() => {
                format!("names another record than the one that closes deployment {deployment}")
            }
            Some(Closing { manifest: Some(closed), .. }) if closed != digest => {
                format!("was altered: it hashes to {digest}, deployment {deployment} was closed with {closed}")
            }
            Some(Closing { manifest, .. }) => {
                n_unsealed += usize::from(manifest.is_none());
                continue;
            }
        };
        faults.push(TrailFault(format!("manifest.json: the manifest of commit {commit} {what}")));
    }
    (faults, n_unsealed)
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The line of `now` at which `earlier` is no longer its beginning.
fn first_difference(earlier: &[u8], now: &[u8]) -> Option<usize> {
    if now.starts_with(earlier) {
        return None;
    }
    let common = earlier.iter().zip(now).take_while(|(a, b)| a == b).count();
    Some(earlier[..common].iter().filter(|byte| **byte == b'\n').count() + 1)
}

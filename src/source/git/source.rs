//! [`GitSource`]: the seam's own git.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use git2::{Oid, Repository};
use tokio::time::Instant;

use super::cache::Cache;
use super::chance;
use super::fetches::{Fetches, Part, Together};
use super::global;
use super::history::{self, Memory};
use super::local::{Local, Target};
use super::names;
use super::read::{NO_COMMIT, Reader, commit_id};
use super::remote::Remote;
use super::signing::Watched;
use super::versions::Walk;
use super::watch::{RefWatch, watch_local, watch_remote};
use crate::address::{Branch, RepositoryUrl};
use crate::config::{self, Author};
use crate::format::{Format, Unit};
use crate::parallel;
use crate::source::{
    BlobId, BlobSizes, CommitId, Expected, FileVersion, FlowEntry, FlowListing, FlowReading, FlowSelection,
    GitObserver, GitOperation, GitOutcome, HistoryEntry, Proposal, ProposeError, Proposed, PushError, PushProof,
    RecordCommit, SignedHistory, Source, SourceError, Tips, Touched, TreeId,
};
use crate::tls::{CaFileError, Roots};

/// Choices of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GitOptions {
    /// Accept a branch that no longer contains the tip seen last.
    pub allow_rewind: bool,
}

/// A git repository, seen from one environment. Clones share everything.
#[derive(Debug, Clone)]
pub struct GitSource(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) place: Place,
    pub(super) cache: Cache,
    pub(super) url: String,
    pub(super) branch: Branch,
    pub(super) records_branch: Branch,
    pub(super) flows: FlowSelection,
    pub(super) records: String,
    pub(super) author: Author,
    pub(super) options: GitOptions,
    /// What this environment has in common with others.
    pub(super) part: Arc<Part>,
    pub(super) observer: GitObserver,
    memory: Memory,
    /// Races lost in a row.
    n_lost: AtomicU32,
}

/// The longest wait after the first race lost; it doubles.
const BACK_OFF_MILLIS: u64 = 20;
/// The longest wait after a race lost.
const BACK_OFF_MILLIS_MAX: u64 = 2_000;

#[derive(Debug)]
pub(super) enum Place {
    Local(Local),
    Remote(Box<Remote>),
}

impl GitSource {
    /// Checks the settings and says where everything will be; no connection is made, nothing is cloned yet.
    ///
    /// `ca_file` adds to the roots that every https connection to git in this process trusts.
    ///
    /// # Errors
    /// [`SourceError::Setting`] for a URL, branch or folder that flowsync does not use, or a `ca_file`
    /// that cannot be read.
    pub fn open(repository: &config::Repository, cache_dir: &Path, options: GitOptions) -> Result<Self, SourceError> {
        Self::open_with(repository, cache_dir, options, Arc::default(), GitObserver::default())
    }

    /// [`GitSource::open`] among others of this process, which share what they fetch.
    ///
    /// # Errors
    /// As there.
    pub fn open_among(
        others: &Fetches,
        repository: &config::Repository,
        cache_dir: &Path,
        options: GitOptions,
    ) -> Result<Self, SourceError> {
        let (together, observer) = others.of(&super::normal_url(&repository.url));
        Self::open_with(repository, cache_dir, options, together, observer)
    }

    fn open_with(
        repository: &config::Repository,
        cache_dir: &Path,
        options: GitOptions,
        together: Arc<Together>,
        observer: GitObserver,
    ) -> Result<Self, SourceError> {
        let config::Repository {
            url,
            watch: _,
            branch,
            flows: _,
            format: _,
            exclude: _,
            overlays: _,
            records,
            records_branch,
            author,
            seal_key: _,
            commit_message: _,
            credentials,
            ca_file,
            allow_insecure: _,
            forge: _,
        } = repository;
        let cache = Cache::new(cache_dir, &super::normal_url(url));
        let shown = url.to_string();
        let place = match url {
            RepositoryUrl::Local(path) => Place::Local(Local { path: path.clone(), shown: shown.clone() }),
            RepositoryUrl::Remote(remote) => {
                trust(ca_file.as_deref())?;
                let (cache, clones, credentials) = (cache.clone(), Arc::clone(&together.clones), credentials.clone());
                let folders = [&repository.flows, &repository.records, &repository.overlays].map(ToString::to_string);
                Place::Remote(Box::new(Remote { url: remote.clone(), cache, clones, credentials, folders }))
            }
        };
        let records_branch = records_branch.clone().unwrap_or_else(|| branch.clone());
        let (branch, records, author) = (branch.clone(), records.to_string(), author.clone());
        let flows = FlowSelection::of(repository);
        let memory = Memory::default();
        let part = Arc::new(Part::new(together, [&branch, &records_branch]));
        Ok(Self(Arc::new(Inner {
            place,
            cache,
            url: shown,
            branch,
            records_branch,
            flows,
            records,
            author,
            options,
            part,
            observer,
            memory,
            n_lost: AtomicU32::new(0),
        })))
    }

    /// Finds out whether records could be pushed, without pushing any.
    ///
    /// # Errors
    /// [`PushError::Declined`] where the server, or the name of the records branch, forbids it; [`PushError::Source`]
    /// where it cannot be asked.
    pub async fn prove_push(&self) -> Result<PushProof, PushError> {
        self.run(Inner::prove_push).await
    }

    /// Nudges when a branch moves: in a local repository at once, in a remote one when another environment of this
    /// process fetches it.
    ///
    /// # Errors
    /// [`SourceError::Local`] where the system cannot watch; the interval still serves then.
    pub fn watch(&self) -> Result<RefWatch, SourceError> {
        match &self.0.place {
            Place::Remote(_) => Ok(watch_remote(self.0.part.clone())),
            Place::Local(local) => watch_local(local, &self.0.part),
        }
    }

    /// Looks where the branches stand; what was fetched at `since` or later will do.
    async fn fetch_or(&self, since: Option<Instant>) -> Result<Tips, SourceError> {
        let (came, together) = (Instant::now(), &self.0.part.together);
        let _turn = together.turn.lock().await;
        if let (Some(_), Some(error)) = (since, together.failed_since(came)) {
            // That fetch was this one's too.
            return Err(error);
        }
        self.run(move |inner| inner.fetch(since)).await
    }

    /// Whoever loses race upon race waits longer and longer, and not as long as the others.
    async fn back_off(&self, done: &Result<CommitId, PushError>) {
        let n_lost = match done {
            Err(PushError::Lost(_)) => self.0.n_lost.fetch_add(1, Ordering::Relaxed),
            Ok(_) | Err(_) => {
                self.0.n_lost.store(0, Ordering::Relaxed);
                return;
            }
        };
        let millis = (BACK_OFF_MILLIS << n_lost.min(16)).min(BACK_OFF_MILLIS_MAX);
        tokio::time::sleep(chance::pause(0..millis)).await;
    }

    async fn run<T, E>(&self, work: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<SourceError> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let path = inner.url.clone();
        let span = tracing::Span::current();
        match tokio::task::spawn_blocking(move || span.in_scope(|| work(&inner))).await {
            Ok(done) => done,
            Err(error) => Err(SourceError::Local { doing: "finish", path, reason: error.to_string() }.into()),
        }
    }
}

fn outcome_of(error: &PushError) -> GitOutcome {
    match error {
        PushError::Lost(_) => GitOutcome::Lost,
        PushError::Declined(_) => GitOutcome::Declined,
        PushError::Source(_) => GitOutcome::Failed,
    }
}

fn trust(ca_file: Option<&Path>) -> Result<(), SourceError> {
    let Some(ca_file) = ca_file else { return Ok(()) };
    let unusable =
        |error: CaFileError| SourceError::Setting(format!("`repository.caFile`: {}", crate::error_chain(&error)));
    Roots::read(ca_file).map_err(unusable)?;
    global::trust(ca_file).map_err(|error| {
        let (path, why) = (ca_file.display(), error.message());
        SourceError::Setting(format!("expected trusted roots in PEM form in `{path}` (`caFile`): {why}"))
    })
}

impl Inner {
    /// Runs a read. One that fails marks a clone, so that the next fetch makes it anew.
    fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, SourceError>) -> Result<T, SourceError> {
        let done = match &self.place {
            Place::Local(local) => read(&Reader { repo: &local.open()?, shown: &local.shown }),
            Place::Remote(remote) => {
                let read = |repo: &Repository| read(&Reader { repo, shown: &remote.shown() });
                remote.clones.read(&self.cache.clone, || remote.open(), read)
            }
        };
        let damaged = match &done {
            Err(SourceError::Local { doing, .. }) => *doing != NO_COMMIT,
            // As shallow as what was served when it was made; that may have been mended since.
            Err(SourceError::Shallow { .. }) => true,
            Ok(_) | Err(_) => false,
        };
        match (&self.place, done) {
            (Place::Remote(_), Err(SourceError::Shallow { .. })) => {
                self.cache.suspect();
                let remedy = "let the server hold the whole history (`git fetch --unshallow` there)".to_owned();
                Err(SourceError::Shallow { path: self.url.clone(), remedy })
            }
            (Place::Remote(_), done) if damaged => {
                self.cache.suspect();
                done
            }
            (_, done) => done,
        }
    }

    /// Lists, while others read what was found so far: looking up a size keeps one core busy at most, for libgit2 has one
    /// lock for all of them.
    fn list_reading<R: FlowReading>(
        &self,
        commit: &CommitId,
        sizes: &BlobSizes,
        reading: &R,
    ) -> Result<FlowListing, SourceError> {
        let list = |hand_over: &mut dyn FnMut(FlowEntry)| {
            let mut found = |entry: &FlowEntry| {
                if reading.wants(entry) {
                    hand_over(entry.clone());
                }
            };
            self.read(|reader| reader.list_flows(commit, &self.flows, sizes, &mut found))
        };
        let read = |entries: &mut dyn Iterator<Item = FlowEntry>| {
            let Some(first) = entries.next() else { return Ok(()) };
            self.read(|reader| {
                for entry in std::iter::once(first).chain(entries) {
                    reading.take(&entry, reader.flow(&entry)?);
                }
                Ok(())
            })
        };
        parallel::try_feed(list, read)
    }

    fn commit(&self, base: Option<&CommitId>, change: &RecordCommit) -> Result<CommitId, PushError> {
        let _lock = self.cache.lock()?;
        let Self { records_branch: branch, records, author, .. } = self;
        let target = Target { branch, records, author };
        let done = match &self.place {
            Place::Local(local) => local.commit(&target, base, change)?,
            Place::Remote(remote) => remote.commit(&target, base, change)?,
        };
        // Not the newest tip, perhaps, but one that the branch must contain from now on.
        if let (Ok(id), true) = (Oid::from_str(&done.0), self.cache.seen(branch).map(commit_id).as_ref() == base) {
            let _ = self.cache.set_seen(branch, Some(id));
        }
        self.part.note_pushed(&done);
        Ok(done)
    }

    fn record_path(&self, path: &str) -> String {
        names::below(&self.records, path)
    }
}

impl Source for GitSource {
    async fn fetch(&self) -> Result<Tips, SourceError> {
        self.fetch_or(None).await
    }

    async fn fetch_since(&self, since: Instant) -> Result<Tips, SourceError> {
        self.fetch_or(Some(since)).await
    }

    fn flows_folder(&self) -> &str {
        self.0.flows.folder()
    }

    fn overlays_folder(&self) -> Option<&str> {
        self.0.flows.overlays()
    }

    async fn list_flows_sized(&self, commit: &CommitId, sizes: BlobSizes) -> Result<FlowListing, SourceError> {
        let commit = commit.clone();
        self.run(move |inner| inner.read(|reader| reader.list_flows(&commit, &inner.flows, &sizes, &mut |_| {}))).await
    }

    async fn list_flows_reading<R: FlowReading>(
        &self,
        commit: &CommitId,
        sizes: BlobSizes,
        reading: R,
    ) -> Result<FlowListing, SourceError> {
        let commit = commit.clone();
        self.run(move |inner| inner.list_reading(&commit, &sizes, &reading)).await
    }

    async fn flows_tree(&self, commit: &CommitId) -> Result<Option<TreeId>, SourceError> {
        let commit = commit.clone();
        self.run(move |inner| inner.read(|reader| reader.flows_id(&commit, &inner.flows))).await
    }

    async fn records_tree(&self, commit: &CommitId, folder: &str) -> Result<Option<TreeId>, SourceError> {
        let (commit, folder) = (commit.clone(), self.0.record_path(folder));
        self.run(move |inner| inner.read(|reader| reader.tree_id(&commit, &folder))).await
    }

    async fn blob_sizes(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, SourceError> {
        let blobs = blobs.to_vec();
        self.run(move |inner| inner.read(|reader| reader.sizes(&blobs))).await
    }

    async fn read_blobs(&self, blobs: &[BlobId]) -> Result<Vec<Option<Arc<[u8]>>>, SourceError> {
        let blobs = blobs.to_vec();
        self.run(move |inner| parallel::try_shares(&blobs, |some| inner.read(|reader| reader.blobs(some)))).await
    }

    fn format(&self) -> Format {
        self.0.flows.format()
    }

    async fn read_units(&self, entries: &[FlowEntry]) -> Result<Vec<Option<Unit>>, SourceError> {
        let entries = entries.to_vec();
        self.run(move |inner| parallel::try_shares(&entries, |some| inner.read(|reader| reader.units(some)))).await
    }

    async fn fold_blobs<T: Send + 'static>(
        &self,
        blobs: Vec<BlobId>,
        state: T,
        step: impl FnMut(&mut T, usize, Option<&[u8]>) + Send + 'static,
    ) -> Result<T, SourceError> {
        self.run(move |inner| inner.read(|reader| reader.fold_blobs(&blobs, state, step))).await
    }

    async fn read_record(&self, commit: &CommitId, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        let (commit, path) = (commit.clone(), self.0.record_path(path));
        self.run(move |inner| inner.read(|reader| reader.file(&commit, &path))).await
    }

    async fn list_records(&self, commit: &CommitId, folder: &str) -> Result<Vec<String>, SourceError> {
        let (commit, folder) = (commit.clone(), folder.to_owned());
        self.run(move |inner| inner.read(|reader| reader.list(&commit, &inner.records, &folder))).await
    }

    async fn record_files(&self, commit: &CommitId, folder: &str) -> Result<BTreeMap<String, BlobId>, SourceError> {
        let (commit, folder) = (commit.clone(), self.0.record_path(folder));
        self.run(move |inner| inner.read(|reader| reader.files(&commit, &folder))).await
    }

    async fn unexpected_versions(
        &self,
        tip: &CommitId,
        folder: &str,
        expected: HashMap<CommitId, Expected>,
    ) -> Result<Vec<FileVersion>, SourceError> {
        let (tip, folder) = (tip.clone(), self.0.record_path(folder));
        self.run(move |inner| inner.read(|reader| Walk::new(reader, &folder, expected).run(&tip))).await
    }

    fn blob_id(&self, content: &[u8]) -> BlobId {
        super::blob_of(content)
    }

    async fn contains(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool, SourceError> {
        let (commit, ancestor) = (commit.clone(), ancestor.clone());
        self.run(move |inner| inner.read(|reader| reader.contains(&commit, &ancestor))).await
    }

    async fn record_history(&self, tip: &CommitId, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
        let (tip, path) = (tip.clone(), self.0.record_path(path));
        self.run(move |inner| inner.read(|reader| history::history(reader, &inner.memory, &tip, &path))).await
    }

    async fn flow_blob(&self, commit: &CommitId, path: &str) -> Result<Option<BlobId>, SourceError> {
        let (commit, path) = (commit.clone(), path.to_owned());
        self.run(move |inner| inner.read(|reader| reader.flow_at(&commit, &inner.flows, &path))).await
    }

    async fn flow_history(&self, tip: &CommitId, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
        if !names::holds(self.0.flows.folder(), path) {
            return Ok(Vec::new());
        }
        // A flow changes with its folder.
        let head = self.0.flows.format().is_head(path);
        let path = if head { path.rsplit_once('/').map_or("", |(folder, _)| folder) } else { path };
        let (tip, path) = (tip.clone(), path.to_owned());
        self.run(move |inner| inner.read(|reader| history::history(reader, &inner.memory, &tip, &path))).await
    }

    async fn signed_history(
        &self,
        tip: &CommitId,
        since: Option<&CommitId>,
        approved: &str,
    ) -> Result<SignedHistory, SourceError> {
        let (tip, since, additions) = (tip.clone(), since.cloned(), self.0.record_path(approved));
        self.run(move |inner| {
            let folders = [Some(inner.flows.folder()), inner.flows.overlays()];
            let watched = Watched { folders: folders.into_iter().flatten().collect(), additions };
            inner.read(|reader| reader.signed_history(&tip, since.as_ref(), &watched))
        })
        .await
    }

    async fn touched(&self, commit: &CommitId) -> Result<Touched, SourceError> {
        let commit = commit.clone();
        self.run(move |inner| inner.read(|reader| reader.touched(&commit, &inner.records))).await
    }

    async fn commit_records(&self, base: Option<&CommitId>, change: &RecordCommit) -> Result<CommitId, PushError> {
        let (base, change) = (base.cloned(), change.clone());
        let done = self.run(move |inner| inner.commit(base.as_ref(), &change)).await;
        let outcome = done.as_ref().map_or_else(outcome_of, |_| GitOutcome::Done);
        self.0.observer.tell(GitOperation::Push, outcome);
        self.back_off(&done).await;
        done
    }

    async fn standing_proposal(&self, branch: &str, base: &CommitId) -> Result<Option<String>, SourceError> {
        let (branch, base) = (branch.to_owned(), base.clone());
        self.run(move |inner| inner.standing_proposal(&branch, &base)).await
    }

    async fn propose(&self, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        let proposal = proposal.clone();
        let done = self.run(move |inner| inner.propose(&proposal)).await;
        let outcome = match &done {
            Ok(_) => GitOutcome::Done,
            Err(ProposeError::Push(error)) => outcome_of(error),
            Err(_) => GitOutcome::Declined,
        };
        self.0.observer.tell(GitOperation::Propose, outcome);
        done
    }
}

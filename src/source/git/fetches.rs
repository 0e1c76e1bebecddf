//! What the environments of one process know together of a repository: which branches they read, and what was fetched
//! last. So a fetch serves them all, and whoever finds that a branch moved wakes the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use git2::Oid;
use tokio::sync::watch;
use tokio::time::Instant;

use super::clones::Clones;
use super::local_watch::LocalWatch;
use super::remote::Advertised;
use crate::address::Branch;
use crate::source::{CommitId, GitObserver, SourceError};

/// The repositories of one process.
#[derive(Debug, Default)]
pub struct Fetches {
    open: Mutex<HashMap<String, Weak<Together>>>,
    observer: GitObserver,
}

/// What is known of one repository.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// One conversation at a time: whoever waits may find that there is nothing left to do.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// How many environments read a branch.
    branches: Mutex<BTreeMap<String, usize>>,
    last: watch::Sender<Option<Fetched>>,
    /// The last fetch that failed: when it was over, and why.
    failed: Mutex<Option<(Instant, SourceError)>>,
    /// Its clone, open for whoever reads next.
    pub(super) clones: Arc<Clones>,
    /// The watch over the branches of a local repository.
    pub(super) watch: Mutex<Weak<LocalWatch>>,
}

/// What a fetch found.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    /// Whatever was pushed before this moment is in it.
    pub(super) began: Instant,
    pub(super) advertised: Arc<Advertised>,
    /// The branches whose commits are here.
    branches: BTreeSet<String>,
}

/// An environment's part in it, for as long as it lives.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) together: Arc<Together>,
    /// The branch with the flows and the one with the records, which may be the same.
    branches: [String; 2],
    /// Their full names.
    pub(super) references: [String; 2],
    /// Where they stood when this environment looked last.
    seen: Mutex<Option<Stand>>,
}

/// Where the two branches stand.
pub(super) type Stand = [Option<Oid>; 2];

impl Fetches {
    /// Repositories that tell of what is done with them.
    #[must_use]
    pub fn telling(observer: GitObserver) -> Self {
        Self { open: Mutex::default(), observer }
    }

    /// What is known of the repository with this normal URL, and who is told of the work with it.
    pub(super) fn of(&self, url: &str) -> (Arc<Together>, GitObserver) {
        let mut open = lock(&self.open);
        open.retain(|_, together| together.strong_count() > 0);
        let together = open.get(url).and_then(Weak::upgrade).unwrap_or_default();
        open.insert(url.to_owned(), Arc::downgrade(&together));
        (together, self.observer.clone())
    }
}

impl Together {
    /// Everything that was fetched, whenever that changes.
    pub(super) fn listen(&self) -> watch::Receiver<Option<Fetched>> {
        self.last.subscribe()
    }

    /// Why the fetch failed that was under way at `since`, or began later.
    pub(super) fn failed_since(&self, since: Instant) -> Option<SourceError> {
        lock(&self.failed).as_ref().filter(|(over, _)| *over >= since).map(|(_, error)| error.clone())
    }

    pub(super) fn note_failure(&self, error: &SourceError) {
        *lock(&self.failed) = Some((Instant::now(), error.clone()));
    }
}

impl Part {
    /// One more environment, which reads these branches.
    pub(super) fn new(together: Arc<Together>, branches: [&Branch; 2]) -> Self {
        let (references, branches) = (branches.map(Branch::full), branches.map(ToString::to_string));
        let part = Self { together, branches, references, seen: Mutex::default() };
        for branch in part.reads() {
            *lock(&part.together.branches).entry(branch.clone()).or_default() += 1;
        }
        part
    }

    fn reads(&self) -> BTreeSet<&String> {
        self.branches.iter().collect()
    }

    /// The branches to fetch: those of every environment.
    pub(super) fn wanted(&self) -> Vec<String> {
        lock(&self.together.branches).keys().cloned().collect()
    }

    /// What was fetched at `since` or later, where it holds what this environment reads.
    pub(super) fn fetched_since(&self, since: Instant) -> Option<Fetched> {
        let last = self.together.last.borrow();
        let holds = |last: &&Fetched| last.began >= since && self.branches.iter().all(|it| last.branches.contains(it));
        last.as_ref().filter(holds).cloned()
    }

    /// Tells the others of a fetch of the branches `wanted`.
    pub(super) fn note(&self, began: Instant, wanted: Vec<String>, advertised: Arc<Advertised>) {
        let fetched = Fetched { began, advertised, branches: wanted.into_iter().collect() };
        self.together.last.send_replace(Some(fetched));
    }

    /// Where this environment's branches stand there; it has seen that now.
    pub(super) fn see(&self, advertised: &Advertised) -> Stand {
        let stand = self.stand(advertised);
        *lock(&self.seen) = Some(stand);
        stand
    }

    /// Whether this environment has not seen its branches where they stand there.
    pub(super) fn is_news(&self, advertised: &Advertised) -> bool {
        lock(&self.seen).is_some_and(|seen| seen != self.stand(advertised))
    }

    fn stand(&self, advertised: &Advertised) -> Stand {
        [0, 1].map(|at: usize| advertised.get(&self.references[at]).copied())
    }

    /// The branch with the records holds this commit of ours. That is no news to anybody.
    pub(super) fn note_pushed(&self, commit: &CommitId) {
        let Ok(tip) = Oid::from_str(&commit.0) else { return };
        let [flows, records] = &self.references;
        if let Some(seen) = &mut *lock(&self.seen) {
            *seen = [if flows == records { Some(tip) } else { seen[0] }, Some(tip)];
        }
        self.together.last.send_if_modified(|last| {
            if let Some(last) = last {
                Arc::make_mut(&mut last.advertised).insert(records.clone(), tip);
            }
            false
        });
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut branches = lock(&self.together.branches);
        for branch in self.reads() {
            let n_left = branches.get(branch).map_or(0, |n_readers| n_readers.saturating_sub(1));
            if n_left == 0 {
                branches.remove(branch);
            } else {
                branches.insert(branch.clone(), n_left);
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

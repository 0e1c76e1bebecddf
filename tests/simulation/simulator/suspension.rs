//! People suspend the environment, and resume it.

use flowsync::record::{Suspension, paths};
use flowsync::revision::CommitId;
use flowsync::source::memory::Edits;

use super::world::{ENVIRONMENT, World};

impl World {
    /// Somebody suspends it.
    pub fn suspend(&self) {
        let text = Suspension { since: Some(self.now()), ..Suspension::default() }.to_text();
        self.say(|| "suspended".into());
        self.commit_suspension(Some(text));
    }

    /// Somebody resumes it, if it is suspended.
    pub fn resume(&self) {
        let tip = self.remote.tip(&self.folders.records_branch);
        if tip.is_some_and(|tip| self.is_suspended_at(&tip)) {
            self.say(|| "resumed".into());
            self.commit_suspension(None);
        }
    }

    /// Whether a commit says so.
    pub fn is_suspended_at(&self, commit: &CommitId) -> bool {
        self.remote.file(commit, &self.suspension()).is_some()
    }

    fn commit_suspension(&self, content: Option<Vec<u8>>) {
        let edits = Edits::from([(self.suspension(), content)]);
        self.remote.commit(&self.folders.records_branch, "suspend or resume", self.now(), &edits);
    }

    fn suspension(&self) -> String {
        format!("{}/{}", self.folders.records, paths::suspended(ENVIRONMENT))
    }
}

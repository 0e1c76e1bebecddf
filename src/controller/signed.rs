//! Whether the commits that changed what is deployed are signed by those who are trusted.
//!
//! What counts is what a commit changes, never who is said to have written it: records of deployments need no signature,
//! flows, overlays and approvals do. Once a history was found good, only what came since is looked at.

use super::{PassError, Records};
use crate::config::Verify;
use crate::index::SignedSoFar;
use crate::record::{Manifest, hex_sha256, paths};
use crate::revision::CommitId;
use crate::signature::{Keys, KeysError, SignatureFault, Signed};
use crate::source::{SignedCommit, SignedHistory, Source};

/// So many commits are named.
const TOLD_MAX: usize = 5;

/// After so many that are refused, the rest is not looked at.
const FAULTS_MAX: usize = 50;

/// Most characters of an author's name.
const AUTHOR_CHARS_MAX: usize = 100;

/// What checking some commits came to.
struct Checked {
    good: Vec<CommitId>,
    faults: Vec<(SignedCommit, SignatureFault)>,
}

impl<S: Source> Records<S> {
    /// Whether every commit since the last completed deployment, or ever, that changes flows, overlays or approvals of
    /// this environment is signed by somebody of `verify`. `counted` is the manifest that counts and is as it was closed.
    ///
    /// # Errors
    ///
    /// [`PassError::Refused`] that names commit, author and reason; or git, keys or programs cannot be used.
    pub async fn check_signed(
        &self,
        verify: Option<&Verify>,
        tip: &CommitId,
        counted: Option<&Manifest>,
    ) -> Result<(), PassError> {
        let Some(verify) = verify else { return Ok(()) };
        let keys = Keys::open(verify)?;
        let watched = (&self.environment, self.source.flows_folder(), self.source.overlays_folder());
        let key = hex_sha256(format!("{}\n{watched:?}", keys.digest()).as_bytes());
        let mut known = self.index.signed_so_far(&key);
        if known.tip.as_ref() == Some(tip) {
            return Ok(());
        }
        let deployed = counted.and_then(|counted| counted.last_deployed.as_ref()?.commit.clone());
        let mut since = None;
        for commit in [known.tip.clone(), deployed].into_iter().flatten() {
            if self.source.contains(tip, &commit).await? {
                since = Some(commit);
                break;
            }
        }
        let approved = paths::approved_folder(&self.environment);
        let SignedHistory { commits, is_cut } = self.source.signed_history(tip, since.as_ref(), &approved).await?;
        let after = since.map_or("in the history".to_owned(), |since| format!("since {}", since.short()));
        if is_cut {
            return Err(self.refuse(format!(
                "there are more commits {after} than signatures are checked of (`sync.verify`); nothing was written. Deploy \
                 once without `sync.verify` from a commit that you trust"
            )));
        }
        let open: Vec<SignedCommit> = commits.into_iter().filter(|it| !known.good.contains(&it.commit)).collect();
        let checked =
            tokio::task::spawn_blocking(move || check(&keys, open)).await.map_err(|_| KeysError::Broken)??;
        if checked.faults.is_empty() {
            self.index.keep_signed(key, SignedSoFar { tip: Some(tip.clone()), ..SignedSoFar::default() });
            return Ok(());
        }
        known.good.extend(checked.good);
        self.index.keep_signed(key, known);
        Err(self.refuse(told(&checked.faults, &after)))
    }
}

/// Checks one commit after the other. Blocks.
fn check(keys: &Keys, commits: Vec<SignedCommit>) -> Result<Checked, KeysError> {
    let mut checked = Checked { good: Vec::new(), faults: Vec::new() };
    if commits.is_empty() {
        return Ok(checked);
    }
    let checker = keys.checker()?;
    for commit in commits {
        let time = commit.time;
        let signed = commit.signature.clone();
        let signed = signed.map(|signature| Signed { signature: signature.text, content: signature.content, time });
        match checker.check(signed.as_ref())? {
            Ok(()) => checked.good.push(commit.commit),
            Err(fault) => checked.faults.push((commit, fault)),
        }
        if checked.faults.len() == FAULTS_MAX {
            break;
        }
    }
    Ok(checked)
}

fn told(faults: &[(SignedCommit, SignatureFault)], after: &str) -> String {
    let one = |(SignedCommit { commit, author, path, .. }, fault): &(SignedCommit, SignatureFault)| {
        let author: String = author.chars().take(AUTHOR_CHARS_MAX).collect();
        format!("commit {commit} by {author}, which changes `{path}`: {fault}")
    };
    let some: Vec<String> = faults.iter().take(TOLD_MAX).map(one).collect();
    let more = faults.len() - some.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let n = faults.len();
    format!(
        "{n} commit(s) {after} are not signed by anybody who is trusted (`sync.verify`), and nothing was written: {}{more}",
        some.join("; ")
    )
}

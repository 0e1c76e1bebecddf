//! Whether records could be written, found out without writing any: a reference of its own is made and removed.

use std::fs;

use git2::{Direction, Oid, Repository};

use super::chance;
use super::global;
use super::local::Local;
use super::names::branch_ref;
use super::push::{Outcome, judge};
use super::read::local_error;
use super::remote::{Advertised, Remote};
use super::source::{Inner, Place};
use crate::source::{PushError, PushProof, SourceError};

/// Where the reference stands: no branch, so that nothing is built for it, and no rule for branches applies.
const FOLDER: &str = "refs/flowsync/doctor";

impl Inner {
    pub(super) fn prove_push(&self) -> Result<PushProof, PushError> {
        let _lock = self.cache.lock()?;
        match &self.place {
            Place::Local(local) => self.prove_local(local),
            Place::Remote(remote) => self.prove_remote(remote),
        }
    }

    fn prove_local(&self, local: &Local) -> Result<PushProof, PushError> {
        let repo = local.open()?;
        check_room(&local.references(&repo), &self.records_branch)?;
        let tip = local.tip(&repo, &self.branch)?;
        let tip = tip.ok_or_else(|| SourceError::Setting(format!("there is no branch `{}`", self.branch)))?;
        let failed = |doing, error: git2::Error| PushError::Source(local_error(&local.shown, doing, &error));
        let objects = repo.commondir().join("objects");
        let file = tempfile::Builder::new().prefix("tmp_obj_flowsync_").tempfile_in(&objects);
        file.and_then(tempfile::NamedTempFile::close).map_err(|error| SourceError::Local {
            doing: "write an object",
            path: local.shown.clone(),
            reason: error.to_string(),
        })?;
        let name = own_name();
        let mut reference =
            repo.reference(&name, tip, false, "flowsync: doctor").map_err(|e| failed("make a reference", e))?;
        reference.delete().map_err(|e| failed("remove a reference", e))?;
        // An empty folder is nothing to git, and to nobody else.
        _ = fs::remove_dir(repo.commondir().join(FOLDER));
        Ok(PushProof::OwnReference(name))
    }

    fn prove_remote(&self, remote: &Remote) -> Result<PushProof, PushError> {
        let (repo, advertised) = remote.fetch(&[&self.branch])?;
        let names: Vec<String> = advertised.keys().cloned().collect();
        check_room(&names, &self.records_branch)?;
        let tip = advertised.get(&branch_ref(&self.branch)?).copied();
        let tip = tip.ok_or_else(|| SourceError::Setting(format!("there is no branch `{}`", self.branch)))?;
        let name = own_name();
        match remote.move_reference(&repo, &name, Some(tip))? {
            Outcome::Taken => {}
            // Some servers take branches and tags only. What is left to ask is whether they would begin to listen.
            Outcome::Declined(declined) if is_about_the_name(&declined) => {
                remote.begin_push(&repo)?;
                return Ok(PushProof::Greeting { declined });
            }
            Outcome::Declined(why) | Outcome::Raced(why) => return Err(PushError::Declined(why)),
            outcome => return Err(outcome.unread(SourceError::Setting("the push came to nothing".to_owned()))),
        }
        match remote.move_reference(&repo, &name, None)? {
            Outcome::Taken => Ok(PushProof::OwnReference(name)),
            Outcome::Declined(why) | Outcome::Raced(why) => Ok(PushProof::Left { reference: name, why }),
            outcome => Err(outcome.unread(SourceError::Setting("the reference could not be removed".to_owned()))),
        }
    }
}

/// How servers say that a reference may not be called so.
const NAME_WORDS: [&str; 8] = [
    "hidden ref",
    "refname",
    "ref name",
    "invalid ref",
    "unknown ref",
    "unsupported ref",
    "unrecognized ref",
    "not permitted: create",
];

fn is_about_the_name(why: &str) -> bool {
    let why = why.to_lowercase();
    NAME_WORDS.iter().any(|words| why.contains(words))
}

fn own_name() -> String {
    format!("{FOLDER}/{}", chance::name())
}

/// A branch cannot stand where another one is, or begins with its name and a slash.
fn check_room(names: &[String], branch: &str) -> Result<(), PushError> {
    let full = branch_ref(branch)?;
    let collides = |name: &&String| {
        let below = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        below(&full, name) || below(name, &full)
    };
    match names.iter().find(collides) {
        None => Ok(()),
        Some(other) => Err(PushError::Declined(format!(
            "`{full}` and `{}` cannot both be there; choose another branch for the records (`repository.recordsBranch`)",
            super::names::shown(other)
        ))),
    }
}

impl Remote {
    /// Makes a reference, moves it, or removes it.
    fn move_reference(&self, repo: &Repository, name: &str, to: Option<Oid>) -> Result<Outcome, SourceError> {
        let talk = self.talk()?;
        let _network = global::network();
        let mut remote = self.anonymous(repo)?;
        let refspec = format!("{}:{name}", to.map(|to| to.to_string()).unwrap_or_default());
        let pushed = remote.push(&[refspec], Some(&mut talk.plain_push_options()));
        Ok(judge(&talk, pushed))
    }

    /// Opens a conversation for a push, and ends it before anything is sent.
    fn begin_push(&self, repo: &Repository) -> Result<Advertised, SourceError> {
        let talk = self.talk()?;
        let _network = global::network();
        let mut remote = self.anonymous(repo)?;
        let failed = |error: git2::Error| talk.failed("push to", &error);
        let connection =
            remote.connect_auth(Direction::Push, Some(talk.callbacks()), Some(talk.proxy())).map_err(failed)?;
        let heads = connection.list().map_err(failed)?;
        Ok(heads.iter().map(|head| (head.name().to_owned(), head.oid())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_has_room_beside_others_and_none_above_or_below() {
        let names = ["refs/heads/main".to_owned(), "refs/heads/flowsync".to_owned(), "HEAD".to_owned()];
        check_room(&names, "flowsync-records").unwrap();
        check_room(&names, "main").unwrap();
        for branch in ["flowsync/records", "main/x/y"] {
            let declined = check_room(&names, branch).unwrap_err().to_string();
            assert!(declined.contains("repository.recordsBranch"), "{declined}");
        }
        check_room(&["refs/heads/a/b".to_owned()], "a").unwrap_err();
    }
}

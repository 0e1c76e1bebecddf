//! Suspending an environment, and lifting that: a commit to its records, so that every replica sees it.
//!
//! No tenant is asked, and no lock of this machine is taken: it must be possible while a deployment runs, which comes to
//! its own end.

use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::{SubjectTemplate, SubjectValues};
use crate::plan::Hold;
use crate::problem::code_span;
use crate::record::{Reason, Suspended, Suspension, paths};
use crate::revision::CommitId;
use crate::source::{OUR_TRAILER, PushError, RecordCommit, Source, SourceError, Tips};

use super::outbox::{RACES_MAX, race_pause};
use super::{PassError, Records};

/// Most characters of a reason in a commit message.
const REASON_CHARS_MAX: usize = 1_000;

/// What suspends an environment, and lifts that.
pub struct Suspender<'a, S> {
    /// The environment's records.
    pub records: &'a Records<S>,
    /// Subject of the commit.
    pub subject: &'a SubjectTemplate,
    /// Time and chance.
    pub clock: &'a dyn Clock,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The commit that did it; `None` where it was so already.
    pub commit: Option<CommitId>,
    /// How the environment stands now.
    pub suspended: Suspended,
}

impl<S: Source> Records<S> {
    /// Whether the environment is suspended, as a commit of its records has it.
    ///
    /// # Errors
    ///
    /// git cannot be read. That the file cannot is no error here: what has begun comes to its end whatever it says.
    pub async fn suspended_at(&self, commit: &CommitId) -> Result<Suspended, PassError> {
        let text = match self.source.read_record(commit, &paths::suspended(&self.environment)).await {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(Suspended::No),
            Err(error @ SourceError::TooLarge { .. }) => return Ok(Suspended::Unreadable(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        Ok(Suspension::read(&text).map_or_else(|fault| Suspended::Unreadable(fault.to_string()), Suspended::Yes))
    }

    /// What a suspension keeps from being done.
    ///
    /// # Errors
    ///
    /// [`PassError::Refused`] where the file cannot be read: who knows what it is to say.
    pub fn hold_of(&self, suspended: &Suspended) -> Result<Option<Hold>, PassError> {
        match suspended {
            Suspended::No => Ok(None),
            Suspended::Yes(Suspension { reason, since, by }) => {
                Ok(Some(Hold::Suspended { reason: reason.clone(), since: *since, who: by.clone() }))
            }
            Suspended::Unreadable(why) => Err(self.refuse(format!(
                "`{}/{}` cannot be read, so that nobody knows whether `{name}` is suspended; nothing was written: {why}. \
                 `flowsync suspend --env {name}` writes it anew, `flowsync resume --env {name}` removes it",
                self.folder,
                paths::suspended(&self.environment),
                name = self.environment
            ))),
        }
    }
}

impl<S: Source> Suspender<'_, S> {
    /// Suspends the environment. One that is suspended stays so as it is.
    ///
    /// # Errors
    ///
    /// git cannot be read, or the commit cannot be pushed.
    pub async fn suspend(&self, by: &str, reason: Option<&Reason>) -> Result<Switched, PassError> {
        let reason_text = reason.map(|reason| reason.as_str().to_owned());
        // A person reads it in the file.
        let since = Timestamp::from_second(self.clock.now().as_second()).ok();
        let wanted = Suspension { reason: reason_text, since, by: Some(by.to_owned()) };
        let is_so = |suspended: &Suspended| matches!(suspended, Suspended::Yes(_));
        self.switch("suspended", reason, Suspended::Yes(wanted), is_so).await
    }

    /// Lifts a suspension, whatever its file says.
    ///
    /// # Errors
    ///
    /// As [`Suspender::suspend`].
    pub async fn resume(&self, reason: Option<&Reason>) -> Result<Switched, PassError> {
        self.switch("resumed", reason, Suspended::No, |suspended| *suspended == Suspended::No).await
    }

    /// Commits what is wanted, unless it `is_so` already; again where somebody else was faster.
    async fn switch(
        &self,
        status: &str,
        reason: Option<&Reason>,
        wanted: Suspended,
        is_so: impl Fn(&Suspended) -> bool,
    ) -> Result<Switched, PassError> {
        let content = match &wanted {
            Suspended::Yes(suspension) => Some(suspension.to_text()),
            Suspended::No | Suspended::Unreadable(_) => None,
        };
        let mut races = 0;
        loop {
            let tips = self.records.source.fetch().await?;
            let stands = match &tips.records {
                Some(tip) => self.records.suspended_at(tip).await?,
                None => Suspended::No,
            };
            if is_so(&stands) {
                return Ok(Switched { commit: None, suspended: stands });
            }
            let change = RecordCommit {
                message: self.message(&tips, status, reason),
                files: [(paths::suspended(&self.records.environment), content.clone())].into(),
                time: self.clock.now(),
            };
            match self.records.source.commit_records(tips.records.as_ref(), &change).await {
                Ok(commit) => return Ok(Switched { commit: Some(commit), suspended: wanted }),
                Err(PushError::Lost(_)) if races < RACES_MAX => {
                    races += 1;
                    race_pause(self.clock, races).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The reason is somebody's text, and stands in it as code.
    fn message(&self, tips: &Tips, status: &str, reason: Option<&Reason>) -> String {
        let environment = self.records.environment.as_str();
        let subject = self.subject.fill(&SubjectValues {
            environment,
            status,
            deployment: "none",
            commit: tips.flows.short(),
            branch: &self.records.branch,
        });
        let reason = reason.map(|reason| format!("{}\n\n", code_span(reason.as_str(), REASON_CHARS_MAX)));
        format!("{subject}\n\n{}{OUR_TRAILER}: {environment}\n", reason.unwrap_or_default())
    }
}

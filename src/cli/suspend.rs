//! `flowsync suspend` and `flowsync resume`: an environment is left alone until somebody lifts that.

use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::arguments::{Form, SuspendArgs};
use super::context::{Context, the_one};
use super::output::{self, Failure};
use crate::clock::SystemClock;
use crate::config::Environment;
use crate::controller::{Suspender, Switched};
use crate::plan::Hold;
use crate::problem::escape_terminal;
use crate::record::Suspended;
use crate::revision::CommitId;
use crate::source::LocalRepository;

/// Suspends an environment.
pub(super) async fn suspend(context: &Context, arguments: &SuspendArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let records = context.records(environment)?;
    let subject = &environment.repository.commit_message;
    let suspender = Suspender { records: &records, subject, clock: &SystemClock };
    let switched = suspender.suspend(&who(environment), arguments.reason.as_ref()).await?;
    let hold = match switched.suspended {
        Suspended::Yes(_) => records.hold_of(&switched.suspended)?,
        Suspended::No | Suspended::Unreadable(_) => None,
    };
    show(environment, &switched, hold.as_ref(), arguments.output);
    Ok(0)
}

/// Lifts a suspension.
pub(super) async fn resume(context: &Context, arguments: &SuspendArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let records = context.records(environment)?;
    let subject = &environment.repository.commit_message;
    let suspender = Suspender { records: &records, subject, clock: &SystemClock };
    let switched = suspender.resume(arguments.reason.as_ref()).await?;
    show(environment, &switched, None, arguments.output);
    Ok(0)
}

/// The person at this machine: as git would name the author of a commit here, else as the system knows the user.
fn who(environment: &Environment) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let git = || {
        let here = std::env::current_dir().ok()?;
        LocalRepository::author_in(&here)
    };
    variable("GIT_AUTHOR_NAME")
        .or_else(git)
        .or_else(|| variable("USER"))
        .unwrap_or_else(|| environment.repository.author.name.clone())
}

/// What became of the wish.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SwitchedView<'a> {
    environment: &'a str,
    /// `suspended` or `resumed`.
    result: &'static str,
    /// The commit that did it; none where it was so already.
    record_commit: Option<&'a CommitId>,
    held: Option<&'a Hold>,
}

fn show(environment: &Environment, switched: &Switched, held: Option<&Hold>, form: Form) {
    let result = if held.is_some() { "suspended" } else { "resumed" };
    let view = SwitchedView { environment: &environment.name, result, record_commit: switched.commit.as_ref(), held };
    match form {
        Form::Json => output::json(&json!(view)),
        Form::Text => output::print(&format!("{view}\n")),
    }
}

impl fmt::Display for SwitchedView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match (self.record_commit, self.held) {
            (Some(commit), Some(hold)) => format!("{hold}, commit {}", commit.short()),
            (Some(commit), None) => format!("resumed, commit {}", commit.short()),
            (None, Some(hold)) => format!("already {hold}"),
            (None, None) => "not suspended".to_owned(),
        };
        write!(f, "{}: {}", self.environment, escape_terminal(&done))
    }
}

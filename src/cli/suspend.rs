//! `flowsync suspend` and `flowsync resume`: an environment is left alone until somebody lifts that.

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

fn show(environment: &Environment, switched: &Switched, hold: Option<&Hold>, form: Form) {
    let name = &environment.name;
    let state = if hold.is_some() { "suspended" } else { "resumed" };
    match form {
        Form::Json => {
            output::json(
                &json!({ "environment": name, "result": state, "recordCommit": switched.commit, "held": hold }),
            );
        }
        Form::Text => {
            let done = match (&switched.commit, hold) {
                (Some(commit), Some(hold)) => format!("{hold}, commit {}", commit.short()),
                (Some(commit), None) => format!("resumed, commit {}", commit.short()),
                (None, Some(hold)) => format!("already {hold}"),
                (None, None) => "not suspended".to_owned(),
            };
            output::print(&format!("{name}: {}\n", escape_terminal(&done)));
        }
    }
}

//! Progress on stderr: a bar on a terminal, a line a stage elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use super::context::Context;
use super::line::About;
use super::output::{say, say_of};
use super::screen::Bar;
use crate::deploy::{Progress, ProgressStep};

/// Progress of one environment.
pub(super) fn of(context: &Context, environment: &str) -> Progress {
    if context.quiet() {
        return Arc::new(|_| {});
    }
    let name = environment.to_owned();
    if std::io::stderr().is_terminal() { bar(name) } else { lines(name) }
}

fn lines(environment: String) -> Progress {
    let known: Mutex<Option<String>> = Mutex::new(None);
    Arc::new(move |step| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let say = |text: &str| say_of(About::environment(&environment, known.as_deref()), text);
        match step {
            ProgressStep::Stage(stage, n_flows) => say(&format!("{environment}: {stage} ({n_flows} flows)")),
            ProgressStep::Failed(id) => say(&format!("{environment}: failed {id}")),
            ProgressStep::Began { deployment, .. } | ProgressStep::Continued { deployment } => {
                *known = Some(deployment.to_owned())
            }
            ProgressStep::Done(_) | ProgressStep::Over => {}
        }
    })
}

fn bar(environment: String) -> Progress {
    let bar: Mutex<Option<Bar>> = Mutex::new(None);
    Arc::new(move |step| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            ProgressStep::Stage(stage, n_flows) => {
                // The old one goes first, so that no screen shows both.
                drop(bar.take());
                *bar = Some(Bar::new(format!("{environment} {stage}"), n_flows));
            }
            ProgressStep::Done(id) => {
                if let Some(bar) = bar.as_ref() {
                    bar.step(id.to_string());
                }
            }
            ProgressStep::Failed(id) => say(&format!("{environment}: failed {id}")),
            ProgressStep::Began { .. } | ProgressStep::Continued { .. } => {}
            ProgressStep::Over => drop(bar.take()),
        }
    })
}

//! Progress on stderr: a bar on a terminal, a line a stage elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::output::say;
use crate::deploy::{Progress, Step};

/// Progress of one environment.
pub(super) fn of(context: &Context, environment: &str) -> Progress {
    if context.quiet() {
        return Arc::new(|_| {});
    }
    let name = environment.to_owned();
    if std::io::stderr().is_terminal() { bar(name) } else { lines(name) }
}

fn lines(environment: String) -> Progress {
    Arc::new(move |step| match step {
        Step::Stage(stage, n_flows) => say(&format!("{environment}: {stage} ({n_flows} flows)")),
        Step::Failed(id) => say(&format!("{environment}: failed {id}")),
        Step::Done(_) => {}
    })
}

fn bar(environment: String) -> Progress {
    let bar: Mutex<Option<ProgressBar>> = Mutex::new(None);
    Arc::new(move |step| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            Step::Stage(stage, n_flows) => {
                let new = ProgressBar::with_draw_target(Some(n_flows as u64), ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}") {
                    new.set_style(style);
                }
                new.set_prefix(format!("{environment} {stage}"));
                if let Some(old) = bar.replace(new) {
                    old.finish_and_clear();
                }
            }
            Step::Done(id) => {
                if let Some(bar) = bar.as_ref() {
                    bar.set_message(id.to_string());
                    bar.inc(1);
                    if bar.length() == Some(bar.position()) {
                        bar.finish_and_clear();
                    }
                }
            }
            Step::Failed(id) => {
                if let Some(bar) = bar.as_ref() {
                    bar.suspend(|| say(&format!("failed {id}")));
                }
            }
        }
    })
}

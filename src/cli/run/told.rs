//! What `run` says to people: results on stdout, everything else on stderr. A result is told when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::output::{complain, say, show_problems};
use crate::cli::{progress, sync};
use crate::config::format_duration;
use crate::controller::EnvironmentReport;
use crate::controller::run::{Event, Heard, Listener, Moved};
use crate::deploy::{Progress, Step};

/// Tells what it hears until there is no more.
pub(super) async fn tell(context: Context, mut listener: Listener) {
    let mut people = People { context, reports: BTreeMap::new(), progress: BTreeMap::new() };
    while let Some(heard) = listener.next().await {
        match heard {
            Heard::Event(event) => people.hear(event),
            Heard::Missed(n_missed) => tracing::warn!("{n_missed} events came too fast to be told"),
        }
    }
}

struct People {
    context: Context,
    /// What was told last of each environment.
    reports: BTreeMap<Arc<str>, Arc<EnvironmentReport>>,
    progress: BTreeMap<Arc<str>, Progress>,
}

impl People {
    fn hear(&mut self, event: Event) {
        match event {
            Event::PassEnded { environment, report, .. } => self.report(environment, report),
            Event::Gone { environment } => {
                say(&format!("{environment}: not in the configuration any more"));
                self.reports.remove(&environment);
                self.progress.remove(&environment);
            }
            Event::Reloaded { error: None } => say("read the configuration again"),
            Event::Reloaded { error: Some(unusable) } => {
                complain(&format!("alarm: the configuration in use is kept: {}", unusable.message));
                show_problems(&unusable.problems);
            }
            Event::StageBegan { environment, stage, n_flows } => self.step(&environment, Step::Stage(stage, n_flows)),
            Event::FlowMoved { environment, flow, moved: Moved::Done, .. } => {
                self.step(&environment, Step::Done(&flow))
            }
            Event::FlowMoved { environment, flow, moved: Moved::Failed, .. } => {
                self.step(&environment, Step::Failed(&flow));
            }
            Event::DeploymentOver { environment } => self.step(&environment, Step::Over),
            Event::PassOverdue { environment, deadline } => {
                let deadline = format_duration(deadline);
                complain(&format!(
                    "alarm: {environment}: this pass takes longer than `sync.passDeadline` ({deadline}); it is asked to end"
                ));
            }
            Event::Added { .. }
            | Event::PassStarted { .. }
            | Event::Waits { .. }
            | Event::DeploymentBegan { .. }
            | Event::TenantRequest { .. }
            | Event::Throttled { .. }
            | Event::ConcurrencyLimit { .. }
            | Event::GitOperation { .. }
            | Event::Ended => {}
        }
    }

    fn report(&mut self, environment: Arc<str>, report: Arc<EnvironmentReport>) {
        if self.reports.get(&environment) == Some(&report) {
            return;
        }
        sync::tell(&report);
        say(sync::text(&report).trim_end());
        self.reports.insert(environment, report);
    }

    fn step(&mut self, environment: &Arc<str>, step: Step<'_>) {
        let progress =
            self.progress.entry(environment.clone()).or_insert_with(|| progress::of(&self.context, environment));
        progress(step);
    }
}

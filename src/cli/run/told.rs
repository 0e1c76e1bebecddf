//! What `run` says to people: results on stdout, everything else on stderr. A result is told when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::line::About;
use crate::cli::output::{complain, complain_of, say, say_of, show_problems};
use crate::cli::{progress, repeats, sync};
use crate::config::format_duration;
use crate::controller::EnvironmentReport;
use crate::controller::run::{Event, Heard, Listener, Moved};
use crate::deploy::{Progress, ProgressStep};
use crate::problem::escape_terminal;

/// Tells what it hears until there is no more.
pub(super) async fn tell(context: Context, mut listener: Listener) {
    let mut people = People { context, told: BTreeMap::new(), progress: BTreeMap::new() };
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
    told: BTreeMap<Arc<str>, Told>,
    progress: BTreeMap<Arc<str>, Progress>,
}

impl People {
    fn hear(&mut self, event: Event) {
        match event {
            Event::PassEnded { environment, report, .. } => self.report(environment, report),
            Event::Gone { environment } => {
                let text = format!("{environment}: not in the configuration any more");
                say_of(About::environment(&environment, None), &text);
                self.told.remove(&environment);
                self.progress.remove(&environment);
            }
            Event::Reloaded { error: None } => say("read the configuration again"),
            Event::Reloaded { error: Some(unusable) } => {
                complain(&format!("alarm: the configuration in use is kept: {}", unusable.message));
                show_problems(&unusable.problems);
            }
            Event::DeploymentBegan { environment, deployment, .. }
            | Event::DeploymentContinued { environment, deployment } => {
                self.step(&environment, ProgressStep::Continued { deployment: &deployment });
            }
            Event::StageBegan { environment, stage, n_flows } => {
                self.step(&environment, ProgressStep::Stage(stage, n_flows))
            }
            Event::FlowMoved { environment, flow, moved: Moved::Done, .. } => {
                self.step(&environment, ProgressStep::Done(&flow))
            }
            Event::FlowMoved { environment, flow, moved: Moved::Failed, .. } => {
                self.step(&environment, ProgressStep::Failed(&flow));
            }
            Event::DeploymentOver { environment } => self.step(&environment, ProgressStep::Over),
            Event::PassOverdue { environment, deadline } => {
                let deadline = format_duration(deadline);
                let text = format!(
                    "alarm: {environment}: this pass takes longer than `sync.passDeadline` ({deadline}); it is asked to end"
                );
                complain_of(About::environment(&environment, None), &text);
            }
            Event::Added { .. }
            | Event::PassStarted { .. }
            | Event::Waits { .. }
            | Event::TenantRequest { .. }
            | Event::Throttled { .. }
            | Event::ConcurrencyLimit { .. }
            | Event::GitOperation { .. }
            | Event::Ended => {}
        }
    }

    fn report(&mut self, environment: Arc<str>, report: Arc<EnvironmentReport>) {
        if let Some(told) = self.told.get_mut(&environment) {
            if told.is_same(&report) {
                told.again();
                return;
            }
            told.end();
        }
        sync::tell(&report);
        say_of(sync::about(&report), sync::text(&report).trim_end());
        self.told.insert(environment, Told::new(report));
    }

    fn step(&mut self, environment: &Arc<str>, step: ProgressStep<'_>) {
        let progress =
            self.progress.entry(environment.clone()).or_insert_with(|| progress::of(&self.context, environment));
        progress(step);
    }
}

/// What was told of an environment, and how often it came since.
struct Told {
    report: Arc<EnvironmentReport>,
    /// The report without its numbers.
    shape: EnvironmentReport,
    n_times: u64,
    /// How often it had come when that was said last.
    n_said: u64,
}

impl Told {
    fn new(report: Arc<EnvironmentReport>) -> Self {
        Self { shape: shape_of(&report), report, n_times: 1, n_said: 1 }
    }

    fn is_same(&self, report: &EnvironmentReport) -> bool {
        *self.report == *report || self.shape == shape_of(report)
    }

    /// It came once more: a failure is told again at the 2nd, 4th, 8th … time.
    fn again(&mut self) {
        self.n_times += 1;
        if self.n_times.is_power_of_two() {
            self.count("so far");
        }
    }

    /// Something else came.
    fn end(&mut self) {
        if self.n_times > self.n_said {
            self.count("in all");
        }
    }

    fn count(&mut self, when: &str) {
        if self.report.result.is_success() {
            return;
        }
        self.n_said = self.n_times;
        let Self { report, n_times, .. } = self;
        let (environment, result) = (&report.environment, report.result.as_str());
        let error = report.error.as_ref().map(|error| format!(": {}", escape_terminal(error))).unwrap_or_default();
        let about = About { n_times: Some(*n_times), ..sync::about(report) };
        complain_of(about, &format!("{environment}: {result} {n_times} times in a row {when}{error}"));
    }
}

/// A report as far as it is told: how long something took makes it no other one.
fn shape_of(report: &EnvironmentReport) -> EnvironmentReport {
    let mut shape = report.clone();
    shape.error = shape.error.as_deref().map(repeats::shape);
    shape.alarms.iter_mut().for_each(|alarm| *alarm = repeats::shape(alarm));
    shape
}

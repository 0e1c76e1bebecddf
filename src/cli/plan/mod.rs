//! `flowsync plan`: what a deployment of the work tree, or of a commit, would change.

mod approval;
mod folders;
mod found;
mod ground;
mod held;
mod inside;
mod json;
mod limits;
mod lines;
mod markdown;
mod raw;
mod released;
mod tell;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use self::approval::{Judged, Standing};
use self::ground::{Ground, What, basis_of, ground};
use self::held::{Holding, holding};
use self::json::{Document, Documents};
use self::limits::PLAN_BYTES_MAX;
use self::markdown::Section;
use self::text::{Inside, Style};
use super::arguments::{PlanArgs, PlanForm};
use super::context::{Context, RealEngine, note, select};
use super::output::{self, Failure, complain};
use crate::config::{ApprovalPolicy, Environment, Protect};
use crate::controller::view::{Basis, PlanView, ReleaseView};
use crate::controller::{PassError, PassOptions, Prepared, Seen, left_out_note};
use crate::flow::{BodyAbsent, Comparison};
use crate::index::Comparing;
use crate::plan::{Hold, ReleasePlan};
use crate::problem::escape_terminal;
use crate::record::Kind;
use crate::record::approval::ApprovalVerdict;
use crate::revision::CommitId;
use crate::source::{LocalRepository, Tips};

pub(super) use ground::flows_here;

/// What was planned for one environment.
struct Planned {
    environment: String,
    target: String,
    commit: Option<CommitId>,
    basis: Basis,
    prepared: Prepared,
    refused: Option<String>,
    /// What keeps it from being carried out for now.
    held: Option<Hold>,
    /// Of each change, where approvals are asked for.
    verdicts: Option<Vec<ApprovalVerdict>>,
    /// The file by which it was proposed.
    proposed: Option<String>,
    /// What is not deleted.
    protect: Protect,
    comparison: Arc<Comparison>,
}

impl Planned {
    fn view(&self) -> PlanView<'_> {
        let Prepared { plan, problems, costs, release, .. } = &self.prepared;
        let mut view = PlanView::new(&self.environment, &self.target, plan, problems);
        view.price(costs);
        view.mark_protected(&self.protect);
        if let Some(verdicts) = &self.verdicts {
            view.judge(verdicts);
        }
        let (refused, proposed) = (self.refused.as_deref(), self.proposed.as_deref());
        let held = self.held.as_ref();
        let (basis, release) = (Some(&self.basis), release.as_ref().map(ReleaseView::new));
        PlanView { commit: self.commit.as_ref(), basis, refused, held, proposed, release, ..view }
    }

    fn exit_code(&self, detailed: bool) -> u8 {
        let is_due = self.prepared.release.as_ref().is_some_and(ReleasePlan::is_due);
        match (&self.refused, detailed && (is_due || !self.prepared.plan.changes.is_empty())) {
            (Some(_), _) => 3,
            (None, true) => 2,
            (None, false) => 0,
        }
    }
}

impl From<BodyAbsent> for Failure {
    fn from(error: BodyAbsent) -> Self {
        Self::of(&error)
    }
}

/// What was found for one environment.
struct PlannedEnvironment {
    environment: String,
    planned: Result<Planned, Failure>,
}

pub(super) async fn run(context: &Context, arguments: &PlanArgs) -> Result<u8, Failure> {
    let usage = |message: &str| Failure { code: output::USAGE, ..Failure::other(message) };
    if arguments.raw && arguments.output != PlanForm::Text {
        return Err(usage("--raw is a form of the text: leave out --output, or --raw"));
    }
    let config = context.config()?;
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let selected = select(&config, &names)?;
    if arguments.out.is_some() && selected.len() != 1 {
        return Err(usage("--out writes one plan: name the environment with --env"));
    }
    let style = Style {
        inside: if arguments.raw { Inside::Raw } else { Inside::Told },
        color: context.color_stdout(),
        n_plans: selected.len(),
    };
    let mut all = Vec::new();
    let mut code = 0;
    for (environment, chosen) in selected {
        let mut planned = match chosen {
            Ok(chosen) => one(context, chosen, arguments).await,
            Err(failure) => Err(failure),
        };
        if arguments.output == PlanForm::Text {
            planned = planned.and_then(|planned| print_text(planned, style));
        }
        code = code.max(match &planned {
            Ok(planned) => {
                say(planned, arguments);
                planned.exit_code(arguments.detailed_exitcode)
            }
            Err(failure) => output::fail(failure, context.color()),
        });
        all.push(PlannedEnvironment { environment, planned });
    }
    match arguments.output {
        PlanForm::Text => {}
        PlanForm::Json => print_json(&all)?,
        PlanForm::Markdown => output::print(&comment(&all, arguments.env.as_deref())?),
    }
    Ok(code)
}

/// Prints a plan as soon as it is there.
fn print_text(planned: Planned, style: Style) -> Result<Planned, Failure> {
    output::print(&text::text(&planned.view(), &planned.comparison, style)?);
    Ok(planned)
}

impl PlannedEnvironment {
    fn document(&self, n_plans: usize) -> Result<Document<'_>, BodyAbsent> {
        match &self.planned {
            Ok(planned) => json::planned(planned.view(), &planned.comparison, n_plans),
            Err(failure) => Ok(json::failed(&self.environment, failure)),
        }
    }

    fn section(&self) -> Section<'_> {
        match &self.planned {
            Ok(planned) => Section::Planned { view: Box::new(planned.view()), comparison: &planned.comparison },
            Err(failure) => Section::Failed { environment: &self.environment, failure },
        }
    }
}

/// What a person should hear besides the plan, on stderr.
fn say(planned: &Planned, arguments: &PlanArgs) {
    if arguments.output != PlanForm::Json {
        output::show_problems(&planned.prepared.problems);
    }
    match &planned.proposed {
        Some(file) => output::say(&format!("{}: proposed by `{}`", planned.environment, escape_terminal(file))),
        None if arguments.propose => {
            output::say(&format!("{}: nothing changes, so nothing is proposed", planned.environment));
        }
        None => {}
    }
    if let Some(hold) = &planned.held {
        output::say(&format!("{}: {}", planned.environment, escape_terminal(&hold.to_string())));
    }
    if let Some(reason) = &planned.refused {
        output::say(&format!("{}: refused: {}", planned.environment, escape_terminal(reason)));
    }
}

/// One document: of one environment its plan, else a list.
fn print_json(all: &[PlannedEnvironment]) -> Result<(), Failure> {
    let text = if let [alone] = all {
        output::laid_out(&alone.document(1)?, PLAN_BYTES_MAX)?
    } else {
        let environments = all.iter().map(|found| found.document(all.len())).collect::<Result<_, _>>()?;
        output::laid_out(&Documents { environments }, PLAN_BYTES_MAX)?
    };
    output::print(&text);
    Ok(())
}

/// The comment of a pull request.
fn comment(all: &[PlannedEnvironment], asked_for: Option<&str>) -> Result<String, Failure> {
    let sections: Vec<Section<'_>> = all.iter().map(PlannedEnvironment::section).collect();
    Ok(markdown::page(&sections, asked_for)?)
}

/// Reads git and looks at the tenant, again where something is found out about how flows are compared.
async fn prepare(
    context: &Context,
    engine: &RealEngine,
    environment: &Environment,
    repository: Option<&LocalRepository>,
    what: What<'_>,
) -> Result<(Ground, Prepared), Failure> {
    let read = || ground(engine, environment, repository, what);
    let mut ground = read().await?;
    if let Some(text) = left_out_note(&ground.left_out) {
        note(context, &escape_terminal(&text));
    }
    ground.check(&environment.name)?;
    let mut prepared = engine.prepare(Arc::clone(&ground.desired), ground.manifest.as_ref()).await?;
    while engine.leave_out_defaults(None) == Comparing::Anew {
        ground = read().await?;
        prepared = engine.prepare(Arc::clone(&ground.desired), ground.manifest.as_ref()).await?;
    }
    ground.texts.place(&mut prepared.problems);
    engine.load_reported(&mut prepared).await?;
    prepared.problems.extend(ground.problems.iter().cloned());
    prepared.problems.sort();
    Ok((ground, prepared))
}

async fn one(context: &Context, environment: &Environment, arguments: &PlanArgs) -> Result<Planned, Failure> {
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let what = What { reference: arguments.reference.as_deref(), merge_into: arguments.merge_into.as_deref() };
    let repository = LocalRepository::find(&here)?;
    if repository.is_none() && what.merge_into.is_some() {
        return Err(Failure::other("`--merge-into` merges in a git repository: run it in one"));
    }
    let basis = basis_of(repository.as_ref(), environment, what);
    note(context, &format!("{}: planning {}", environment.name, escape_terminal(&basis.to_string())));
    let (ground, prepared) = prepare(context, &engine, environment, repository.as_ref(), what).await?;
    let commit = ground.commit.clone();
    let tips = Tips { flows: commit.clone().unwrap_or_else(|| CommitId(String::new())), records: None };
    let seen = Seen { manifest: ground.manifest.clone(), ..Seen::of(tips) };
    let records = match &repository {
        Some(repository) => approval::records_here(context, &engine, environment, repository)?,
        None => engine.records.clone(),
    };
    let is_asked = arguments.propose || environment.sync.approval == ApprovalPolicy::Manifest;
    let judged =
        if is_asked { approval::judged(&records, environment, &ground, &prepared).await? } else { Judged::default() };
    judged.alarms.iter().for_each(|alarm| complain(&format!("alarm: {}", escape_terminal(alarm))));
    let Holding { hold: held, refused: unknown } = holding(&records, environment, repository.as_ref(), &ground).await?;
    let refused = match engine.judge(&prepared, &seen, &PassOptions::default()) {
        Ok(()) => unknown,
        Err(PassError::Refused { reason, .. }) => Some(reason),
        Err(error) => return Err(error.into()),
    };
    if let Some(file) = &arguments.out {
        let mut pending = engine.new_manifest(&seen, &prepared.plan, &prepared, Kind::Sync).await?;
        pending.source.commit.clone_from(&commit);
        std::fs::write(file, pending.to_text())
            .map_err(|error| Failure::other(format!("cannot write `{}`: {error}", file.display())))?;
    }
    let standing = Standing { what, seen: &seen, ground: &ground, prepared: &prepared, judged: &judged };
    let proposed = if arguments.propose {
        approval::propose(&engine, environment, repository.as_ref(), &standing, arguments.push.as_deref()).await?
    } else {
        None
    };
    let protect = environment.sync.protect.clone();
    let (environment, target) = (environment.name.clone(), engine.records.target.to_string());
    let comparison = engine.reader.comparison();
    let verdicts = judged.verdicts;
    Ok(Planned { environment, target, commit, basis, prepared, refused, held, verdicts, proposed, protect, comparison })
}

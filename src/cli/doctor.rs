//! `flowsync doctor`: is everything there that a pass needs? What it writes to find out, it removes again.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::DoctorArgs;
use super::context::{Context, RealEngine, select};
use super::output::{self, Failure};
use crate::clock::in_future;
use crate::config::Repository;
use crate::controller::read_desired;
use crate::forge::Forge;
use crate::local::{LocalError, LocalState};
use crate::problem::{any_error, escape_terminal};
use crate::release::Serving;
use crate::signature::Keys;
use crate::source::PushProof;
use crate::tenant::cognigy_rest::{Finding, ProbeDepth, ProbeVerdict};
use crate::tenant::{CallLimits, Export, StartLimit, Tenant};

pub(super) async fn run(context: &Context, arguments: &DoctorArgs) -> Result<u8, Failure> {
    let path = context.config_path();
    let config = context.config()?;
    line("configuration", Ok(format!("{} holds", path.display())));
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let mut healthy = line("state directory", context.state_dir().map_err(|it| it.message).and_then(|it| room(&it)));
    healthy &= line("cache directory", context.cache_dir().map_err(|it| it.message).and_then(|it| room(&it)));
    if let Some(repository) = config.environments.values().map(|it| &it.repository).find(|it| has_token(it)) {
        healthy &= line("forge", forge(repository).await);
    }
    for (name, environment) in select(&config, &names)? {
        let engine = environment.and_then(|environment| context.engine(environment, Arc::new(|_| {}), true));
        healthy &= match engine {
            Ok(engine) => {
                let is_healthy = examine(&engine).await;
                is_healthy & (!arguments.probe || Box::pin(probe(&engine, arguments)).await)
            }
            Err(failure) => line(&name, Err(failure.message)),
        };
    }
    Ok(u8::from(!healthy))
}

/// Whether there is a forge to be asked for pull requests. Every environment has the same one.
fn has_token(repository: &Repository) -> bool {
    repository.forge.as_ref().is_some_and(|forge| forge.token.is_some())
}

async fn forge(repository: &Repository) -> Result<String, String> {
    let forge = Forge::open(repository).map_err(|error| crate::error_chain(&error))?;
    forge.check().await.map_err(|error| error.to_string())?;
    Ok(format!("{} takes the token and shows the project", forge.name()))
}

fn line(what: &str, result: Result<String, String>) -> bool {
    let (mark, text) = match &result {
        Ok(text) => ("ok  ", text),
        Err(text) => ("FAIL", text),
    };
    output::print(&format!("{mark} {what}: {}\n", escape_terminal(text)));
    result.is_ok()
}

/// What the endpoints show, and how much more can be kept.
fn shown(serving: Serving) -> String {
    let endpoints: Vec<String> =
        serving.endpoints.iter().map(|endpoint| format!("`{}` shows {}", endpoint.name, endpoint.shows)).collect();
    format!("{}; room for {} more snapshot(s)", endpoints.join(", "), serving.room)
}

async fn examine(engine: &RealEngine) -> bool {
    let name = &engine.records.environment;
    let git = git(engine).await;
    let mut healthy = line(&format!("{name}: git"), git);
    let push = engine.records.source.prove_push().await;
    healthy &= line(&format!("{name}: git, push"), push.map(proven).map_err(|error| crate::error_chain(&error)));
    let limits = CallLimits::before_deployment();
    let export = engine.tenant.export(&engine.records.target, &engine.reader, &limits).await;
    healthy &= line(
        &format!("{name}: tenant, flows:read"),
        export.map(|export| live_flows(&export)).map_err(|error| error.to_string()),
    );
    let (right, found) = engine.tenant.examine(&engine.records.target, &limits).await;
    healthy &= line(&format!("{name}: tenant, {right}"), found.map_err(|error| error.to_string()));
    if let Some(release) = &engine.policy.release {
        let serving = engine.tenant.serving(&engine.records.target, &release.endpoints, &limits).await;
        healthy &= line(&format!("{name}: endpoints"), serving.map(shown).map_err(|error| error.to_string()));
    }
    if let Some(verify) = &engine.policy.verify {
        let checker = Keys::open(verify).and_then(|keys| keys.checker());
        let checked = checker.map(|_| "the keys and the programs that check them are there".to_owned());
        healthy &= line(&format!("{name}: signatures"), checked.map_err(|error| crate::error_chain(&error)));
    }
    healthy &= line(
        &format!("{name}: lock"),
        match engine.local.lock() {
            Ok(_) => Ok("no other process holds this environment".to_owned()),
            Err(LocalError::Held { .. }) => {
                Ok("another flowsync process is working on this environment now".to_owned())
            }
            Err(error) => Err(crate::error_chain(&error)),
        },
    );
    healthy
}

/// How long a probe may take: it trains intents, among others.
const PROBE_TIME: Duration = Duration::from_secs(45 * 60);

/// Finds out what only a live tenant can tell. Nobody of this machine deploys meanwhile.
async fn probe(engine: &RealEngine, arguments: &DoctorArgs) -> bool {
    let name = &engine.records.environment;
    let what = format!("{name}: probe");
    let _guard = match engine.local.lock() {
        Ok(guard) => guard,
        Err(error) => return line(&what, Err(crate::error_chain(&error))),
    };
    match engine.records.observe().await {
        Ok(seen) if seen.interrupted => {
            return line(
                &what,
                Err("a deployment is under way, or was interrupted: run `flowsync sync` first".to_owned()),
            );
        }
        Ok(_) => {}
        Err(error) => return line(&what, Err(crate::error_chain(&error))),
    }
    let depth = if arguments.probe_limits { ProbeDepth::Limits } else { ProbeDepth::Harmless };
    let limits = CallLimits { lease: StartLimit::none(), give_up_at: in_future(PROBE_TIME) };
    let mut is_as_assumed = true;
    let mut tell = |finding: Finding| {
        let mark = match finding.verdict {
            ProbeVerdict::AsAssumed => "ok  ",
            ProbeVerdict::Differs => "DIFF",
            ProbeVerdict::Unknown => "FAIL",
        };
        is_as_assumed &= finding.verdict == ProbeVerdict::AsAssumed;
        output::print(&format!("{mark} {what}, {}\n", escape_terminal(&finding.to_string())));
    };
    let target = &engine.records.target;
    match engine.tenant.probe(target, depth, arguments.yes, &limits, &mut tell).await {
        None => line(&what, Ok("nothing is open with `api: flows-v2`".to_owned())),
        Some(Ok(())) => is_as_assumed,
        Some(Err(refusal)) => line(&what, Err(refusal.to_string())),
    }
}

/// How many flows are live, and which of them cannot be read.
fn live_flows(export: &Export) -> String {
    let unreadable: Vec<String> = export
        .flows
        .values()
        .filter_map(|flow| Some(format!("`{}` cannot be read: {}", flow.id(), flow.reading().unreadable()?)))
        .collect();
    let n_flows = export.flows.len();
    let rest = if unreadable.is_empty() { String::new() } else { format!("; {}", unreadable.join("; ")) };
    format!("{n_flows} live flows{rest}")
}

/// What a deployment may need at most of a folder, and more than a full disk gives.
const ROOM_BYTES: usize = 4 * 1024 * 1024;

/// Whether a folder can be written to, and has room.
fn room(folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".doctor-").tempfile_in(folder)?;
        file.write_all(&vec![b'x'; ROOM_BYTES])?;
        file.as_file().sync_all()?;
        file.close()
    };
    let done: std::io::Result<()> = write();
    done.map(|()| format!("`{shown}` can be written to and has room"))
        .map_err(|error| format!("cannot write {} MiB to `{shown}`: {error}", ROOM_BYTES / 1024 / 1024))
}

/// What is known of pushing.
fn proven(proof: PushProof) -> String {
    match proof {
        PushProof::OwnReference(name) => format!("allowed: the reference `{name}` was made and removed again"),
        PushProof::Left { reference, why } => {
            format!("allowed: the reference `{reference}` was made; it stays, because it cannot be removed ({why})")
        }
        PushProof::Greeting { declined } => format!(
            "the server begins to listen, and takes no reference of our own ({declined}); whether it takes records, the \
             first deployment shows"
        ),
    }
}

async fn git(engine: &RealEngine) -> Result<String, String> {
    let seen = engine.records.observe().await.map_err(|error| crate::error_chain(&error))?;
    let (desired, problems) =
        read_desired(&*engine.records.source, &seen.tips.flows, engine.reader.index(), &engine.records.target)
            .await
            .map_err(|error| crate::error_chain(&error))?;
    if any_error(&problems) {
        return Err(format!("commit {} has invalid flows: run `flowsync validate`", seen.tips.flows.short()));
    }
    Ok(format!("branch `{}` at {}, {} flows", engine.records.branch, seen.tips.flows.short(), desired.flows.len()))
}

//! A file a command: arguments in, text out. Results go to stdout, everything else to stderr.

mod adopt;
mod annotations;
mod arguments;
mod audit;
mod build;
mod context;
mod dialect;
mod doctor;
mod editors;
mod fmt;
mod graph;
mod history;
mod import;
mod init;
mod line;
mod logging;
mod offer;
mod output;
mod panics;
mod plan;
mod process;
mod progress;
mod promote;
mod pull;
mod records;
mod repeats;
mod rollback;
mod run;
pub mod sandbox;
mod sandbox_cognigy;
mod schema;
mod screen;
mod signals;
mod status;
mod suspend;
mod sync;
mod validate;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::runtime::Handle;

pub use arguments::{Arguments, Command};
use arguments::{DemoArgs, SandboxApi};
use context::Context;
use output::{Failure, USAGE};
use signals::{Hangup, heed};

use crate::traces::{NoTraces, Sending};

/// Threads for what blocks, such as git and the disk: hundreds of environments that begin at once wait for one of these
/// instead of each for the others in a thread of its own. Nothing that blocks waits for another that does.
const BLOCKING_THREADS_MAX: usize = 24;

/// Runs the command line and says how the process ends.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let code = match Arguments::try_parse_from(&arguments) {
        Ok(parsed) => run_command(parsed),
        Err(error) => usage(&error, &arguments),
    };
    ExitCode::from(output::exit_code(code))
}

fn usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let text = error.to_string();
    if asked {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        output::print(&if coloured { error.render().ansi().to_string() } else { text });
        return 0;
    }
    if is_json(&["--log-format"], arguments) {
        output::say_in_json();
        output::complain(text.trim_end());
    } else {
        _ = error.print();
    }
    if is_json(&["--output", "--format"], arguments) {
        let first: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = first.join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        output::json(&serde_json::json!({ "error": message, "problems": [] }));
    }
    USAGE
}

/// Whether one of these options is `json`, as far as arguments that could not be read can tell.
fn is_json(options: &[&str], arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let alone = |option: &&str| words.windows(2).any(|pair| pair == [*option, "json"]);
    let joined = |option: &&str| words.contains(&format!("{option}=json").as_str());
    options.iter().any(|option| alone(option) || joined(option))
}

fn run_command(arguments: Arguments) -> u8 {
    let Arguments { globals, command } = arguments;
    process::raise_descriptors();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(BLOCKING_THREADS_MAX);
    let runtime = builder.enable_all().build();
    let traces = runtime.as_ref().map_or(Ok(None), |runtime| traces_of(&command, runtime.handle()));
    logging::start(&globals, traces.as_ref().ok().and_then(Option::as_ref).map(Sending::listener));
    panics::tell();
    let json = command.wants_json();
    let lists_environments =
        matches!(command, Command::Sync(_) | Command::Rollback(_) | Command::Status(_) | Command::History(_));
    let fail = |failure: &Failure, color: bool| {
        if json {
            output::json(&failure.document(lists_environments));
        }
        output::fail(failure, color)
    };
    let context = Context::new(globals);
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::other(format!("cannot start: {error}")), context.color()),
    };
    let traces = traces.unwrap_or_else(|error| {
        tracing::warn!("no traces are sent: {}", crate::error_chain(&error));
        None
    });
    let result = runtime.block_on(async {
        process::survive_file_limit().map_err(|error| Failure::other(format!("cannot start: {error}")))?;
        panics::command(dispatch(&context, command)).await
    });
    screen::clear();
    traces.into_iter().for_each(Sending::end);
    // A blocking git call that hangs must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => fail(&failure, context.color()),
    }
}

/// What sends traces of a command's passes, where there are any and the environment asks for it.
fn traces_of(command: &Command, runtime: &Handle) -> Result<Option<Sending>, NoTraces> {
    match command {
        Command::Sync(_) | Command::Run(_) | Command::Rollback(_) => {
            crate::traces::start(&|name| std::env::var(name).ok(), runtime)
        }
        _ => Ok(None),
    }
}

async fn dispatch(context: &Context, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Validate(arguments) => validate::run(context, &arguments),
        Command::Pull(arguments) => pull::run(context, &arguments).await,
        Command::Build(arguments) => build::run(context, &arguments).await,
        Command::Plan(arguments) => plan::run(context, &arguments).await,
        Command::Sync(arguments) => {
            heed(context, arguments.once.grace, Hangup::Ends, sync::run(context, &arguments)).await
        }
        Command::Run(arguments) => heed(context, arguments.grace, Hangup::Reloads, run::run(context, &arguments)).await,
        Command::Status(arguments) => status::run(context, &arguments).await,
        Command::History(arguments) => history::run(context, &arguments).await,
        Command::Rollback(arguments) => {
            heed(context, arguments.once.grace, Hangup::Ends, rollback::run(context, &arguments)).await
        }
        Command::Suspend(arguments) => suspend::suspend(context, &arguments).await,
        Command::Resume(arguments) => suspend::resume(context, &arguments).await,
        Command::Adopt(arguments) => adopt::run(context, &arguments).await,
        Command::Promote(arguments) => promote::run(context, &arguments).await,
        Command::Audit(arguments) => audit::run(context, &arguments).await,
        Command::Import(arguments) => import::run(context, &arguments),
        Command::Fmt(arguments) => fmt::run(context, &arguments),
        Command::Graph(arguments) => graph::run(context, &arguments),
        Command::Sandbox(arguments) => {
            let ended = sandbox::run(arguments, &mut std::io::stdout()).await;
            let code = |error: &sandbox::SandboxError| if error.is_misuse() { USAGE } else { 1 };
            ended.map(|()| 0).map_err(|error| Failure { code: code(&error), ..Failure::of(&error) })
        }
        Command::Demo(DemoArgs { api: SandboxApi::FlowsV2 }) => {
            crate::demo::run_flows_v2(context.color()).await.map_err(|error| Failure::of(&*error))
        }
        Command::Demo(DemoArgs { api: SandboxApi::CognigyRest }) => {
            crate::demo::run_cognigy_rest(context.color()).await.map_err(|error| Failure::of(&*error))
        }
        Command::Init(arguments) => init::run(&arguments),
        Command::Doctor(arguments) => doctor::run(context, &arguments).await,
        Command::Schema(arguments) => Ok(schema::run(&arguments)),
        Command::Completions { shell } => Ok(schema::completions(shell)),
    }
}

//! A file a command: arguments in, text out. Results go to stdout, everything else to stderr.

mod annotations;
mod arguments;
mod audit;
mod context;
mod diff;
mod doctor;
mod graph;
mod history;
mod init;
mod logging;
mod output;
mod plan;
mod progress;
mod pull;
mod records;
mod rollback;
mod run;
pub mod sandbox;
mod schema;
mod status;
mod sync;
mod validate;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

pub use arguments::{Arguments, Command};
use context::Context;
use output::Failure;

/// Wrong usage.
const USAGE: u8 = 64;

/// Runs the command line and says how the process ends.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    match Arguments::try_parse_from(&arguments) {
        Ok(parsed) => ExitCode::from(run_command(parsed)),
        Err(error) => ExitCode::from(usage(&error, &arguments)),
    }
}

fn usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // A reader that went away is no error of ours.
    _ = error.print();
    if asked {
        return 0;
    }
    if wants_json(arguments) {
        let text = error.to_string();
        output::json(&serde_json::json!({ "error": text.lines().next().unwrap_or_default() }));
    }
    USAGE
}

fn wants_json(arguments: &[OsString]) -> bool {
    let pair = |pair: &[OsString]| (pair[0] == "--output" || pair[0] == "--format") && pair[1] == "json";
    arguments.windows(2).any(pair) || arguments.iter().any(|word| word == "--output=json" || word == "--format=json")
}

fn run_command(arguments: Arguments) -> u8 {
    let Arguments { globals, command } = arguments;
    logging::start(&globals);
    let json = command.wants_json();
    let context = Context::new(globals);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&Failure::other(format!("cannot start: {error}")), json, context.color()),
    };
    let result = runtime.block_on(dispatch(&context, command));
    // A blocking git call that hangs must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => output::fail(&failure, json, context.color()),
    }
}

async fn dispatch(context: &Context, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Validate(arguments) => validate::run(context, &arguments),
        Command::Pull(arguments) => pull::run(context, &arguments).await,
        Command::Plan(arguments) => plan::run(context, &arguments).await,
        Command::Sync(arguments) => sync::run(context, &arguments).await,
        Command::Run(arguments) => run::run(context, &arguments).await,
        Command::Status(arguments) => status::run(context, &arguments).await,
        Command::History(arguments) => history::run(context, &arguments).await,
        Command::Rollback(arguments) => rollback::run(context, &arguments).await,
        Command::Audit(arguments) => audit::run(context, &arguments).await,
        Command::Graph(arguments) => graph::run(context, &arguments),
        Command::Sandbox(arguments) => {
            sandbox::run(arguments, &mut std::io::stdout()).await.map_err(|error| Failure::of(&error))?;
            Ok(0)
        }
        Command::Demo => crate::demo::run(context.color()).await.map_err(|error| Failure::of(&*error)),
        Command::Init(arguments) => init::run(&arguments),
        Command::Doctor(arguments) => doctor::run(context, &arguments).await,
        Command::Schema(arguments) => Ok(schema::run(&arguments)),
        Command::Completions { shell } => Ok(schema::completions(shell)),
    }
}

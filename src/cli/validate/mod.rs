//! `flowsync validate`: an offline check of flows, in folders, in files, or on stdin.

mod overlays;
mod read;
mod target;

use std::path::Path;

use serde_json::{Value, json};

use self::read::read_stdin;
use super::annotations;
use super::arguments::{ValidateArgs, ValidateForm};
use super::context::{Context, note};
use super::output::{self, Failure};
use super::records::{NotJudged, last_deployed};
use crate::config::Config;
use crate::controller::left_out_note;
use crate::problem::{Colour, Problem, any_error, render};
use crate::source::{LeftOut, LeftOutReason};

pub(super) use read::{Folder, read_folder};
pub(super) use target::{Target, default_folders};

/// Everything that was checked.
struct Checked {
    folders: Vec<Folder>,
    not_judged: Vec<NotJudged>,
}

pub(super) fn run(context: &Context, arguments: &ValidateArgs) -> Result<u8, Failure> {
    let Checked { folders, not_judged } = check(context, arguments)?;
    let mut problems: Vec<Problem> = folders.iter().flat_map(|folder| folder.problems.clone()).collect();
    problems.sort();
    problems.dedup();
    let left_out: Vec<LeftOut> = folders.iter().flat_map(|folder| folder.left_out.clone()).collect();
    let sources = folders.iter().flat_map(|folder| folder.sources.clone()).collect();
    let n_files: usize = folders.iter().map(|folder| folder.n_files).sum();
    let n_overlays: usize = folders.iter().map(|folder| folder.n_overlays).sum();
    let n_flows: usize = folders.iter().map(|folder| folder.checked.flows.len()).sum();
    let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
    let n_warnings = problems.len() - n_errors;
    match arguments.format {
        ValidateForm::Json => output::json(&json!({
            "valid": n_errors == 0, "files": n_files, "overlays": n_overlays, "flows": n_flows, "errors": n_errors,
            "warnings": n_warnings, "problems": problems,
            "leftOut": left_out.iter().map(left_out_document).collect::<Vec<_>>(),
            "notJudged": not_judged.iter().map(NotJudged::document).collect::<Vec<_>>(),
        })),
        ValidateForm::Sarif => output::json(&annotations::sarif(&problems)),
        ValidateForm::Github => output::print(&annotations::github(&problems)),
        ValidateForm::Text => {
            let colour = if context.color_stdout() { Colour::Always } else { Colour::Never };
            output::print(&render(&problems, &sources, colour));
            let overlays = if n_overlays > 0 { format!("{n_overlays} overlays, ") } else { String::new() };
            output::print(&format!(
                "{n_files} files, {overlays}{n_flows} flows: {n_errors} errors, {n_warnings} warnings\n"
            ));
        }
    }
    if let Some(text) = left_out_note(&left_out) {
        note(context, &text);
    }
    not_judged.iter().for_each(|it| note(context, &it.to_string()));
    Ok(if any_error(&problems) { 3 } else { 0 })
}

fn check(context: &Context, arguments: &ValidateArgs) -> Result<Checked, Failure> {
    let (stdin, paths): (Vec<_>, Vec<_>) = arguments.paths.iter().partition(|path| *path == Path::new("-"));
    let config = Config::load(&context.config_path());
    let only = arguments.env.as_deref();
    let environments = overlays::environments(context, config.as_ref().ok(), only)?;
    let targets = if arguments.paths.is_empty() {
        default_folders(context, only)?
    } else {
        let typed = paths.into_iter().map(|path| Target::typed(path, config.as_ref().ok()));
        overlays::with_flows_of_overlays(context, typed.collect::<Result<_, _>>()?, &environments)?
    };
    let mut checked = Checked { folders: Vec::new(), not_judged: Vec::new() };
    for group in target::groups(targets) {
        let mut folder = read_folder(&group)?;
        folder.add_overlays(&group, &environments)?;
        if let (Ok(config), None) = (&config, only) {
            folder.problems.extend(overlays::unread_folders(config, &group)?);
        }
        if let (Some(first), true) = (group.first(), folder.n_files > 0) {
            let (mut deployed, not_judged) = last_deployed(&config, first.root_here(), first.kin_folder());
            deployed.retain(|it| only.is_none_or(|only| it.environment() == only));
            folder.compare_versions(&deployed);
            checked.not_judged.extend(not_judged);
        }
        checked.folders.push(folder);
    }
    if !stdin.is_empty() {
        checked.folders.push(read_stdin()?);
        checked.not_judged.push(NotJudged::new(None, "a flow on stdin belongs to no environment"));
    }
    checked.not_judged.sort();
    checked.not_judged.dedup();
    Ok(checked)
}

fn left_out_document(LeftOut { path, reason }: &LeftOut) -> Value {
    let reason = match reason {
        LeftOutReason::Excluded => "excluded",
        LeftOutReason::DotFolder => "dot-folder",
        LeftOutReason::LooksLikeFlow => "looks-like-flow",
        LeftOutReason::OtherFile => "other-file",
    };
    json!({ "path": path, "reason": reason })
}

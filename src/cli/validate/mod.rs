//! `flowsync validate`: an offline check of flows, in folders, in files, or on stdin.

mod overlays;
mod read;
mod target;
mod view;

use std::path::Path;

use self::read::read_stdin;
use self::view::ValidateView;
use super::arguments::ValidateArgs;
use super::context::{Context, note};
use super::output::Failure;
use super::records::{NotJudged, last_deployed};
use crate::config::Config;
use crate::controller::left_out_note;
use crate::problem::Colour;

pub(super) use read::{Folder, read_folder};
pub(super) use target::{Target, default_folders};

/// Everything that was checked.
struct Checked {
    folders: Vec<Folder>,
    not_judged: Vec<NotJudged>,
}

pub(super) fn run(context: &Context, arguments: &ValidateArgs) -> Result<u8, Failure> {
    let Checked { folders, not_judged } = check(context, arguments)?;
    let view = ValidateView::of(folders, not_judged);
    view.print(arguments.format, if context.color_stdout() { Colour::Always } else { Colour::Never });
    if let Some(text) = left_out_note(&view.left_out) {
        note(context, &text);
    }
    view.not_judged.iter().for_each(|it| note(context, &it.to_string()));
    Ok(if view.valid { 0 } else { 3 })
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

//! `flowsync init`: a commented configuration to start from, and what editors need.

use std::fs::OpenOptions;
use std::io::Write;

use super::arguments::InitArgs;
use super::context::shown;
use super::editors;
use super::output::{self, Failure};
use crate::config::{FILE_NAME, init_template};

pub(super) fn run(arguments: &InitArgs) -> Result<u8, Failure> {
    if arguments.editors {
        output::print(&editors::write(&arguments.path)?);
        return Ok(0);
    }
    let failed = |what: &str, error: std::io::Error| Failure::other(format!("cannot {what}: {error}"));
    let path = arguments.path.join(FILE_NAME);
    let flows = arguments.path.join("flows");
    std::fs::create_dir_all(&flows).map_err(|error| failed(&format!("create `{}`", flows.display()), error))?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return Failure::other(format!(
                "`{}` is there already; nothing was changed (`flowsync init --editors` writes schemas and settings for editors)",
                path.display()
            ));
        }
        failed(&format!("create `{}`", path.display()), error)
    })?;
    file.write_all(init_template().as_bytes())
        .map_err(|error| failed(&format!("write `{}`", path.display()), error))?;
    let for_editors = editors::write(&arguments.path)?;
    output::print(&format!(
        "{} written; flows go to {}\n{for_editors}next: fill it in, then `flowsync doctor`, `flowsync pull`, `flowsync plan`\n",
        shown(&path),
        shown(&flows)
    ));
    Ok(0)
}

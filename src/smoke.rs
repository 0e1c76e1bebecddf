//! The smoke test: a program of the user's, run against what was released, for a bounded time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// So much of what it says last is kept.
const SAID_BYTES_MAX: usize = 64 * 1024;
/// So much of that is repeated.
const SAID_CHARS_MAX: usize = 300;

/// What is to be run, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// The program and its arguments.
    pub(crate) command: &'a [String],
    /// Where.
    pub(crate) folder: &'a Path,
    /// For how long at most.
    pub(crate) time: Duration,
    /// Variables of this process that are none of its business.
    pub(crate) withheld: &'a BTreeSet<String>,
    /// Variables that it is given.
    pub(crate) given: &'a BTreeMap<&'static str, String>,
}

/// Runs it. Ended early, with all that it has started, where nobody waits for it any more.
///
/// # Errors
/// In words: it cannot be started, does not end in time, or says that something is wrong.
pub(crate) async fn run(run: Run<'_>) -> Result<(), String> {
    let Some((program, arguments)) = run.command.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(run.folder).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run.withheld.iter().for_each(|name| _ = command.env_remove(name));
    command.envs(run.given);
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn().map_err(|error| format!("the smoke test `{program}` cannot be started: {error}"))?;
    let mut child = Group { id: child.id(), child };
    let (stdout, stderr) = (child.child.stdout.take(), child.child.stderr.take());
    let ended = timeout(run.time, async {
        let (stdout, stderr, status) = tokio::join!(last(stdout), last(stderr), child.child.wait());
        status.map(|status| (status, if stderr.is_empty() { stdout } else { stderr }))
    });
    let ended = ended.await;
    if ended.is_ok() {
        child.id = None;
    }
    match ended {
        Ok(Ok((status, _))) if status.success() => Ok(()),
        Ok(Ok((status, said))) => {
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            Err(format!("the smoke test `{program}` failed ({status}){said}"))
        }
        Ok(Err(error)) => Err(format!("the smoke test `{program}` cannot be waited for: {error}")),
        Err(_) => Err(format!("the smoke test `{program}` has not ended after {} s", run.time.as_secs_f64())),
    }
}

/// A program with all that it has started; none of it outlives this.
struct Group {
    child: Child,
    /// Of the group, as long as it may run.
    id: Option<u32>,
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.id.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// The last line that a stream says; the rest is let pass.
async fn last(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut said, mut some) = (Vec::new(), [0; 4096]);
    while let Ok(n_bytes) = stream.read(&mut some).await {
        if n_bytes == 0 {
            break;
        }
        said.extend_from_slice(&some[..n_bytes]);
        let n_spare = said.len().saturating_sub(SAID_BYTES_MAX);
        said.drain(..n_spare);
    }
    let said = String::from_utf8_lossy(&said);
    let line = said.trim().lines().last().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, time: Duration) -> Result<(), String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let (withheld, given) = (["HOME".to_owned()].into(), [("FLOWSYNC_SNAPSHOT", "s-1".to_owned())].into());
        run(Run { command: &command, folder: Path::new("/"), time, withheld: &withheld, given: &given }).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_is_given_what_it_needs_and_no_secret_and_its_last_words_are_kept() {
        let good = sh(
            "test \"$FLOWSYNC_SNAPSHOT\" = s-1 && test -z \"$HOME\" && test \"$PWD\" = / && test -n \"$PATH\"",
            LONG,
        );
        assert_eq!(good.await, Ok(()));
        let bad = sh("echo first >&2; echo 'no greeting' >&2; exit 3", LONG).await.unwrap_err();
        assert!(bad.starts_with("the smoke test `sh` failed (") && bad.ends_with("): no greeting"), "{bad}");
        let much = sh("head -c 1000000 /dev/zero | tr '\\0' x; exit 1", LONG).await.unwrap_err();
        assert!(much.len() < 400, "{much}");
    }

    #[tokio::test]
    async fn what_does_not_end_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        let late = sh(&script, Duration::from_millis(500)).await.unwrap_err();
        assert!(late.contains("has not ended after 0.5 s"), "{late}");
        let id: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let is_there = || {
            let id = rustix::process::Pid::from_raw(id).unwrap();
            rustix::process::test_kill_process(id).is_ok()
                && !std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()))
                    .is_ok_and(|it| it.contains(") Z "))
        };
        for _ in 0..1_000 {
            if !is_there() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("process {id} goes on");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told() {
        let command = ["no-such-program-of-anybodys".to_owned()];
        let (withheld, given) = (BTreeSet::new(), BTreeMap::new());
        let folder = Path::new("/");
        let run = run(Run { command: &command, folder, time: LONG, withheld: &withheld, given: &given }).await;
        assert!(run.unwrap_err().contains("cannot be started"));
    }
}

//! A program of somebody else's, run without a shell, for a bounded time, with a bounded output.

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// One run may take this long.
const RUN_MAX: Duration = Duration::from_secs(30);

/// So much of what it says is kept of either stream.
const OUTPUT_BYTES_MAX: u64 = 256 * 1024;

/// How a program is looked at while it runs.
const PAUSE: Duration = Duration::from_millis(2);

/// A program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be started, or talked to.
    #[error("cannot run `{program}`")]
    Run {
        /// Which.
        program: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It does not end.
    #[error("`{program}` has not ended after {} s", RUN_MAX.as_secs())]
    Endless {
        /// Which.
        program: &'static str,
    },
    /// It says something that is not understood.
    #[error("`{program}` failed: {said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// Its own words.
        said: String,
    },
}

/// What a run came to.
pub(super) struct Ran {
    pub(super) is_success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    /// Its last words, on one line.
    pub(super) fn said(&self) -> String {
        let text = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let line = text.trim().lines().last().unwrap_or_default();
        line.chars().filter(|c| !c.is_control()).take(300).collect()
    }
}

/// Whether a program is found where programs are looked for.
pub(super) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs a program with this on its stdin and `home` for whatever it takes for its home.
pub(super) fn run<A: AsRef<OsStr>>(
    program: &'static str,
    arguments: &[A],
    home: &Path,
    stdin: &[u8],
) -> Result<Ran, ProgramError> {
    let failed = |source| ProgramError::Run { program, source };
    let mut command = Command::new(program);
    // Nothing of this process's environment, secrets among it, is theirs.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LC_ALL", "C").env("TZ", "UTC").env("HOME", home).current_dir(home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.args(arguments).spawn().map_err(failed)?;
    let input = child.stdin.take().map(|mut pipe| {
        let content = stdin.to_vec();
        // Whoever ends before it has read all has no need of it.
        thread::spawn(move || _ = pipe.write_all(&content))
    });
    let (sender, ended) = channel::<()>();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    let readers = streams.map(|pipe| {
        let sender = sender.clone();
        thread::spawn(move || {
            let text = pipe.map(bounded).unwrap_or_default();
            drop(sender);
            text
        })
    });
    drop(sender);
    // Both streams end with the program, or the time does.
    let is_over = matches!(ended.recv_timeout(RUN_MAX), Err(RecvTimeoutError::Disconnected));
    let status = if is_over { wait(&mut child).map_err(failed)? } else { None };
    if status.is_none() {
        child.kill().and_then(|()| child.wait()).map_err(failed)?;
        return Err(ProgramError::Endless { program });
    }
    let [stdout, stderr] = readers.map(|reader| reader.join().unwrap_or_default());
    input.map(thread::JoinHandle::join);
    Ok(Ran { is_success: status.is_some_and(|status: ExitStatus| status.success()), stdout, stderr })
}

/// What a stream says, up to a bound; the rest is let pass.
fn bounded(mut pipe: Box<dyn Read + Send>) -> String {
    let mut text = Vec::new();
    _ = pipe.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut text);
    _ = std::io::copy(&mut pipe, &mut std::io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

/// How a program ended that has closed its streams; `None` where it goes on without.
fn wait(child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    for _ in 0..RUN_MAX.as_millis() / PAUSE.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(PAUSE);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, stdin: &[u8]) -> Ran {
        run("sh", &["-c", script], Path::new("/"), stdin).unwrap()
    }

    #[test]
    fn it_reads_and_says_and_has_nothing_of_ours() {
        let ran = sh("cat; echo oops >&2; exit 3", b"hello");
        assert_eq!((ran.is_success, ran.stdout.as_str(), ran.said().as_str()), (false, "hello", "oops"));
        assert!(sh("true", &vec![b'x'; 1 << 20]).is_success, "it need not read");
        let names = sh("env", b"").stdout;
        let names: Vec<&str> = names.lines().filter_map(|line| line.split('=').next()).collect();
        assert!(
            names.iter().all(|name| ["PATH", "LC_ALL", "TZ", "HOME", "PWD", "SHLVL", "_", "OLDPWD"].contains(name)),
            "{names:?}"
        );
    }

    #[test]
    fn what_it_says_is_bounded() {
        let ran = sh("head -c 1000000 /dev/zero | tr '\\0' x; echo end >&2", b"");
        assert_eq!((ran.is_success, ran.stdout.len() as u64), (true, OUTPUT_BYTES_MAX));
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        assert!(is_there("sh") && !is_there("no-such-program-of-anybodys"));
        let error = run("no-such-program-of-anybodys", &["x"], Path::new("/"), b"").err().unwrap();
        assert_eq!(error.to_string(), "cannot run `no-such-program-of-anybodys`");
    }
}

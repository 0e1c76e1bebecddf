//! What a demo is told on: a folder, a repository with people, this binary, and the screen.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::repository::People;

pub(super) type AnyError = Box<dyn Error + Send + Sync>;

/// Where one demo takes place.
pub(super) struct Stage {
    /// Everything lies in it, and stays there to be looked at.
    pub(super) folder: PathBuf,
    pub(super) people: People,
    /// What stands in the environment of every command.
    secrets: &'static [(&'static str, &'static str)],
    color: bool,
}

impl Stage {
    pub(super) fn new(color: bool, secrets: &'static [(&'static str, &'static str)]) -> Result<Self, AnyError> {
        let folder = tempfile::Builder::new().prefix("flowsync-demo-").tempdir()?.keep();
        let people = People::new(&folder.join("flows.git"))?;
        Ok(Self { folder, people, secrets, color })
    }

    pub(super) fn configure(&self, text: &str) -> Result<(), AnyError> {
        Ok(fs::write(self.folder.join("flowsync.yaml"), text)?)
    }

    /// The newest text of files.
    pub(super) fn texts(&self, paths: &[&str]) -> Result<BTreeMap<String, String>, AnyError> {
        paths.iter().map(|path| Ok(((*path).to_owned(), self.people.read(path)?))).collect()
    }

    /// Runs this binary, shows what it says, and holds it to the exit code expected.
    pub(super) async fn flowsync(&self, words: &[&str], expected: i32) -> Result<(), AnyError> {
        self.print(&format!("{}\n", self.paint("1", &format!("$ flowsync {}", words.join(" ")))))?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(words)
            .current_dir(&self.folder)
            .envs(self.secrets.iter().copied())
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("FLOWSYNC_STATE_DIR", self.folder.join("state"))
            .env("FLOWSYNC_CONFIG", self.folder.join("flowsync.yaml"))
            .env("GIT_CEILING_DIRECTORIES", parent(&self.folder));
        let status = tokio::task::spawn_blocking(move || command.status()).await??;
        self.print("\n")?;
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(format!("expected exit code {expected} of `flowsync {}`, found {status}", words.join(" ")).into())
    }

    /// Every deployment, the manifest, the audit trail, and where to look on.
    pub(super) async fn records(&self, number: u8) -> Result<(), AnyError> {
        self.tell(&format!("{number}. The records. Every deployment, from git:"))?;
        self.flowsync(&["history"], 0).await?;
        let manifest = self.people.read("deployments/production/manifest.json")?;
        self.tell("The manifest of the newest one begins:")?;
        let head: Vec<String> = manifest.lines().take(16).map(|line| format!("  {line}\n")).collect();
        self.print(&head.concat())?;
        self.tell("The audit trail is chained by hashes; checked against git's history:")?;
        self.flowsync(&["audit", "verify"], 0).await?;
        self.tell("That was all. To look around:")?;
        let folder = self.folder.display();
        self.print(&format!(
            "  the repository   git -C {folder}/flows.git log --stat main\n  \
             the manifest     git -C {folder}/flows.git show main:deployments/production/manifest.json\n  \
             the audit trail  git -C {folder}/flows.git ls-tree -r --name-only main deployments/production/audit\n  \
             configuration    {folder}/flowsync.yaml\n"
        ))
    }

    pub(super) fn tell(&self, text: &str) -> Result<(), AnyError> {
        self.print(&format!("{}\n", self.paint("1;36", text)))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn print(&self, text: &str) -> Result<(), AnyError> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

fn parent(folder: &Path) -> PathBuf {
    folder.parent().map_or_else(|| folder.to_owned(), Path::to_owned)
}

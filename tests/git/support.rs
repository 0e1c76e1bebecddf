//! Repositories to test with, and servers that end with the test.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flowsync::address::{Branch, Insecure, RepositoryUrl};
use flowsync::config::{Author, Credentials, Exclude, Repository, SubjectTemplate};
use flowsync::source::{CommitId, GitOptions, GitSource, PushError, RecordCommit, Source, Tips};
use jiff::Timestamp;
use tempfile::TempDir;

/// Runs git away from anybody's configuration; its output, trimmed.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let output = git_command(dir).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn git_command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env("TZ", "UTC").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
    }
    command
}

/// A bare `origin.git` with one commit, a work tree `work` that tracks it, and a cache.
pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        git(place.dir.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"]);
        git(place.dir.path(), &["init", "--quiet", "--initial-branch=main", "work"]);
        git(&place.work(), &["remote", "add", "origin", "../origin.git"]);
        git(&place.origin(), &["config", "http.receivepack", "true"]);
        place.write("flows/a.json", "{\"a\":1}");
        place.write("README.md", "hello");
        place.commit("first");
        place.push();
        place
    }

    pub fn origin(&self) -> PathBuf {
        self.dir.path().join("origin.git")
    }

    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// The only clone in the cache.
    pub fn clone_dir(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.cache().join("clones")).unwrap().map(|entry| entry.unwrap().path());
        let mut clones = entries.filter(|path| path.join("objects").is_dir());
        clones.next().unwrap()
    }

    pub fn write(&self, path: &str, content: &str) {
        let file = self.work().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    pub fn commit(&self, message: &str) -> CommitId {
        git(&self.work(), &["add", "--all"]);
        git(&self.work(), &["commit", "--quiet", "--allow-empty", "-m", message]);
        CommitId(git(&self.work(), &["rev-parse", "HEAD"]))
    }

    pub fn push(&self) {
        git(&self.work(), &["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
    }

    /// Installs a hook in `origin.git`.
    pub fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let hook = self.origin().join("hooks").join(name);
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn source(&self, url: &str) -> GitSource {
        GitSource::open(&settings(url), &self.cache(), GitOptions::default()).unwrap()
    }

    pub fn signed_in(&self, url: &str, credentials: Credentials) -> GitSource {
        let settings = Repository { credentials: Some(credentials), ..settings(url) };
        GitSource::open(&settings, &self.cache(), GitOptions::default()).unwrap()
    }

    /// The bare repository, opened in place.
    pub fn local(&self) -> GitSource {
        self.source(self.origin().to_str().unwrap())
    }

    pub fn origin_file(&self, path: &str) -> String {
        git(&self.origin(), &["show", &format!("main:{path}")])
    }

    pub fn origin_tip(&self, branch: &str) -> CommitId {
        CommitId(git(&self.origin(), &["rev-parse", &format!("refs/heads/{branch}")]))
    }

    /// A secret file.
    pub fn secret(&self, name: &str, content: &str) -> flowsync::config::SecretSource {
        let file = self.dir.path().join(name);
        std::fs::write(&file, content).unwrap();
        flowsync::config::SecretSource::File(file)
    }
}

pub fn settings(url: &str) -> Repository {
    Repository {
        url: RepositoryUrl::parse(url, Path::new(""), Insecure::Refuse).unwrap(),
        watch: None,
        branch: Branch::default(),
        flows: "flows".parse().unwrap(),
        format: flowsync::format::Format::default(),
        overlays: "overlays/production".parse().unwrap(),
        records: "deployments".parse().unwrap(),
        records_branch: None,
        exclude: Exclude::default(),
        author: Author { name: "flowsync".to_owned(), email: "flowsync@example.com".to_owned() },
        commit_message: SubjectTemplate::default(),
        credentials: None,
        seal_key: None,
        ca_file: None,
        allow_insecure: false,
        forge: None,
    }
}

/// A commit of one record; no content removes it.
pub fn record(path: &str, content: Option<&str>) -> RecordCommit {
    RecordCommit {
        message: format!("record {path}\n\nFlowsync-Environment: production\n"),
        files: BTreeMap::from([(path.to_owned(), content.map(|content| content.as_bytes().to_vec()))]),
        time: Timestamp::from_second(1_800_000_000).unwrap(),
    }
}

/// Fetches and commits until it is in; how often the race was lost.
pub async fn commit_until_in(source: &GitSource, change: &RecordCommit) -> u32 {
    for n_lost in 0.. {
        let Tips { records, .. } = source.fetch().await.unwrap();
        match source.commit_records(records.as_ref(), change).await {
            Ok(_) => return n_lost,
            Err(PushError::Lost(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

/// A server process, killed with the test.
pub struct Server(pub Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server on a free port and waits until it answers; tries again where the port was taken meanwhile.
pub fn serve(start: impl Fn(u16) -> Command) -> (Server, u16) {
    for _ in 0..10 {
        let port = free_port();
        let child = start(port).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Server(child);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) && server.0.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return (server, port);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    panic!("the server does not start")
}

/// A `git daemon` over the folder, pushes allowed.
pub fn daemon(base: &Path) -> (Server, String) {
    let program = PathBuf::from(git(base, &["--exec-path"])).join("git-daemon");
    let (server, port) = serve(|port| {
        let mut command = Command::new(&program);
        command.args(["--reuseaddr", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1"]);
        command.arg(format!("--port={port}")).arg(format!("--base-path={}", base.display()));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    });
    (server, format!("git://127.0.0.1:{port}/origin.git"))
}

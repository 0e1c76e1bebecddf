//! One controller that is left alone with a restless world: commits, drift, limits, outages, reloads, suspensions, signals.
//!
//! `cargo test --bench worlds -- soak=10` for ten minutes. It prints what the process holds over time, then what became of
//! every change.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowsync::tenant::sandbox::{FaultPlan, Running, Sandbox, Settings};
use git2::{FileMode, Repository, Signature};

use crate::Row;
use crate::http_server::{HttpServer, Rules};
use crate::measure::{holds, memory_mib};
use crate::soaked::{Deployed, Outage, covered, deployments, row, some, unexplained};
use crate::support::git;
use crate::world::{KEY, binary, flow, repository};

const N_TENANTS: usize = 4;
/// Of each tenant.
const N_ENVIRONMENTS: usize = 5;
const N_ALL: usize = N_TENANTS * N_ENVIRONMENTS;
/// Of each environment, in a folder of its own.
const N_FLOWS: usize = 10;
/// The number of a flow that is nobody's in git.
const FOREIGN: usize = 900_000;
/// An outage lasts so long.
const OUTAGE: Duration = Duration::from_secs(3);
/// Whatever began before an outage ends so long after it at most.
const AFTER: Duration = Duration::from_secs(6);
/// In the end, so long is waited for rest.
const REST: Duration = Duration::from_secs(120);
const SAMPLE: Duration = Duration::from_secs(5);
const THREADS_MAX: f64 = 40.0;

/// The world, and what was done in it.
pub(crate) struct Restless {
    folder: tempfile::TempDir,
    tenants: Vec<Running>,
    server: HttpServer,
    /// Of each flow, the revision that git holds.
    revisions: Vec<usize>,
    /// Environments that are suspended.
    suspended: Vec<usize>,
    /// The last environment is in the configuration.
    is_whole: bool,
    outages: Vec<Outage>,
    done: [usize; DEEDS.len()],
}

const DEEDS: [&str; 8] =
    ["commits", "drifts", "bursts of 429", "tenant outages", "git outages", "reloads", "suspensions", "SIGTERMs"];
/// How often each, among this many.
const WEIGHTS: [usize; DEEDS.len()] = [48, 16, 5, 4, 2, 8, 6, 4];

/// A life of the controller.
struct Life {
    child: Child,
    said: Arc<Mutex<Vec<(Instant, String)>>>,
}

/// What a life holds at one moment.
struct Sample {
    life: usize,
    at: Duration,
    mib: f64,
    threads: u64,
    descriptors: usize,
}

impl Restless {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut tenants = Vec::new();
        for _ in 0..N_TENANTS {
            tenants.push(Sandbox::start(Settings::default(), "127.0.0.1:0".parse().unwrap()).await.unwrap());
        }
        // Each environment has a flow that git never held.
        for number in 0..N_ALL {
            let state = tenants[number % N_TENANTS].state();
            state.put_flow(&format!("env_{number}"), &flow(FOREIGN, 0, &[])).unwrap();
        }
        let flows: Vec<String> = (0..N_ALL * N_FLOWS).map(|index| flow(index, 0, &[])).collect();
        let path = folder.path().join("flows.git");
        repository(&path, &flows, N_FLOWS);
        git(&path, &["config", "http.receivepack", "true"]);
        let server = HttpServer::start(folder.path(), Rules::default());
        let (revisions, done) = (vec![0; flows.len()], [0; DEEDS.len()]);
        let world = Self {
            folder,
            tenants,
            server,
            revisions,
            suspended: Vec::new(),
            is_whole: true,
            outages: Vec::new(),
            done,
        };
        world.configure();
        world
    }

    fn configure(&self) {
        let mut environments = String::new();
        for number in 0..N_ALL - usize::from(!self.is_whole) {
            let api = self.tenants[number % N_TENANTS].base_url();
            writeln!(
                environments,
                "  e{number}:\n    flows: flows/{number:03}\n    tenant: {{ url: \"{api}\", environmentId: env_{number}, auth: {{ apiKey: {{ env: SANDBOX_KEY }} }} }}\n    sync: {{ interval: 2s }}"
            )
            .unwrap();
        }
        let url = self.server.url("flows.git");
        let text = format!("version: 1\nrepository: {{ url: \"{url}\" }}\nenvironments:\n{environments}");
        std::fs::write(self.folder.path().join("next.yaml"), text).unwrap();
        std::fs::rename(self.folder.path().join("next.yaml"), self.folder.path().join("flowsync.yaml")).unwrap();
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("flows.git")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).current_dir(self.folder.path()).env("SANDBOX_KEY", KEY);
        command.env("XDG_CACHE_HOME", self.folder.path().join("cache")).env("MALLOC_ARENA_MAX", "2");
        command.env("FLOWSYNC_STATE_DIR", self.folder.path().join("state"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Whether a command ended with 0.
    fn runs(&self, words: &[&str]) -> bool {
        self.command(words).status().unwrap().success()
    }

    fn begin(&self) -> Life {
        let mut child = self.command(&["run", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = said.clone();
        std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push((Instant::now(), line))));
        Life { child, said }
    }

    /// Somebody's commit of one flow.
    fn commit(&mut self, index: usize) {
        self.revisions[index] += 1;
        let text = flow(index, self.revisions[index], &[]);
        let repository = Repository::open_bare(self.repository()).unwrap();
        let file = format!("flows/{:03}/{:04}.json", index / N_FLOWS, index % N_FLOWS);
        // Again where a record was pushed meanwhile.
        loop {
            let parent = repository.find_reference("refs/heads/main").unwrap().peel_to_commit().unwrap();
            let mut update = git2::build::TreeUpdateBuilder::new();
            update.upsert(&file, repository.blob(text.as_bytes()).unwrap(), FileMode::Blob);
            let tree = update.create_updated(&repository, &parent.tree().unwrap()).unwrap();
            let (tree, author) =
                (repository.find_tree(tree).unwrap(), Signature::now("bench", "bench@example.com").unwrap());
            let commit = repository.commit(None, &author, &author, "flows", &tree, &[&parent]).unwrap();
            if repository.reference_matching("refs/heads/main", commit, true, parent.id(), "bench").is_ok() {
                return;
            }
        }
    }

    /// Somebody edits a live flow, of whatever version it is.
    fn drift(&self, index: usize) {
        let environment = format!("env_{}", index / N_FLOWS);
        let tenant = self.tenants[index / N_FLOWS % N_TENANTS].state();
        let Some(text) = tenant.flows(&environment).remove(&format!("flow_{index:06}")) else { return };
        let text =
            std::str::from_utf8(&text).unwrap().replacen(&format!("\"environmentId\":\"{environment}\","), "", 1);
        tenant.put_flow(&environment, &text.replace("how we may help", "what somebody typed")).unwrap();
    }

    /// One thing happens; whether it was the end of a life, where that may be.
    fn act(&mut self, may_end: bool) -> bool {
        let mut choice = fastrand::usize(0..WEIGHTS.iter().sum());
        let deed = WEIGHTS.iter().position(|weight| choice.checked_sub(*weight).map(|left| choice = left).is_none());
        let deed = deed.unwrap();
        if DEEDS[deed] == "SIGTERMs" && !may_end {
            return false;
        }
        self.done[deed] += 1;
        let index = fastrand::usize(0..N_ALL * N_FLOWS);
        let environment = index / N_FLOWS;
        let answer = |status: &str| {
            let rule = |call| format!("- {{ match: {{ call: {call} }}, fault: {{ answer: {{ {status} }} }} }}\n");
            FaultPlan::parse(&["export", "import", "status"].map(rule).concat()).unwrap()
        };
        match DEEDS[deed] {
            "commits" => self.commit(index),
            "drifts" => self.drift(index),
            "bursts of 429" => self.out(environment, Some(answer("status: 429, retryAfter: 1"))),
            "tenant outages" => self.out(environment, Some(answer("status: 503"))),
            "git outages" => self.out(environment, None),
            "reloads" => {
                self.is_whole = !self.is_whole;
                self.configure();
            }
            "suspensions" => self.suspend(environment),
            _ => return true,
        }
        false
    }

    /// The tenant of an environment fails in this way for a while; without a way, git does.
    fn out(&mut self, environment: usize, plan: Option<FaultPlan>) {
        let began = Instant::now();
        let of_tenant = plan.is_some();
        let tenant = self.tenants[environment % N_TENANTS].state();
        match plan {
            Some(plan) => tenant.set_faults(plan),
            None => self.server.set(Rules { login: Some(("nobody".into(), "knows".into())), ..Rules::default() }),
        }
        std::thread::sleep(OUTAGE);
        tenant.set_faults(FaultPlan::default());
        self.server.set(Rules::default());
        let tenant = of_tenant.then_some(environment % N_TENANTS);
        self.outages.push(Outage { from: began, to: Instant::now() + AFTER, tenant });
    }

    /// Suspends an environment, or lifts that where one is.
    fn suspend(&mut self, environment: usize) {
        if let Some(suspended) = self.suspended.pop() {
            assert!(self.runs(&["resume", "--env", &format!("e{suspended}")]));
        } else if self.runs(&["suspend", "--env", &format!("e{environment}"), "--reason", "soak"]) {
            self.suspended.push(environment);
        }
    }

    /// Environments that are not live as git has them.
    fn unlike(&self) -> Vec<usize> {
        let is_live = |number: &usize| {
            let live = self.tenants[number % N_TENANTS].state().flows(&format!("env_{number}"));
            let versions = (0..N_FLOWS).map(|at| {
                let index = number * N_FLOWS + at;
                let text = live.get(&format!("flow_{index:06}"))?;
                let text = std::str::from_utf8(text).ok()?;
                let is_same = text.contains(&format!("\"version\":\"1.{}.0\"", self.revisions[index]));
                (is_same && !text.contains("what somebody typed")).then_some(())
            });
            versions.collect::<Option<Vec<()>>>().is_some() && live.len() == N_FLOWS + 1
        };
        (0..N_ALL).filter(|number| !is_live(number)).collect()
    }

    /// Waits until all is live as git has it; how long that took.
    fn rest(&mut self) -> Option<Duration> {
        let start = Instant::now();
        for suspended in std::mem::take(&mut self.suspended) {
            assert!(self.runs(&["resume", "--env", &format!("e{suspended}")]));
        }
        (self.is_whole, _) = (true, self.tenants.iter().for_each(|it| it.state().set_faults(FaultPlan::default())));
        self.configure();
        while start.elapsed() < REST {
            if self.unlike().is_empty() {
                return Some(start.elapsed());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("not at rest: {:?}", self.unlike());
        None
    }
}

impl Life {
    fn sample(&self, life: usize, at: Duration) -> Sample {
        let (threads, descriptors) = holds(&self.child);
        Sample { life, at, mib: memory_mib(&self.child, "VmRSS").unwrap_or_default(), threads, descriptors }
    }

    /// Ends it by SIGTERM: its exit code, and how long it took.
    fn end(mut self) -> (Option<i32>, Duration, Vec<(Instant, String)>) {
        let start = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        (code, start.elapsed(), std::mem::take(&mut self.said.lock().unwrap()))
    }
}

/// So many minutes of it.
pub(crate) async fn soak(n_minutes: u64) -> Vec<Row> {
    let mut world = Restless::new().await;
    let (start, until) = (Instant::now(), Duration::from_secs(n_minutes * 60));
    let (mut life, mut samples, mut ends, mut said) = (world.begin(), Vec::new(), Vec::new(), Vec::new());
    while start.elapsed() < until {
        if samples.last().is_none_or(|last: &Sample| start.elapsed() > last.at + SAMPLE) {
            samples.push(life.sample(ends.len(), start.elapsed()));
        }
        // The second half is one life.
        if world.act(start.elapsed() < until / 2) {
            let (code, took, lines) = life.end();
            ends.push((code, took));
            said.extend(lines);
            life = world.begin();
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(200..1_500)));
    }
    let rest = world.rest();
    samples.push(life.sample(ends.len(), start.elapsed()));
    let (code, took, lines) = life.end();
    ends.push((code, took));
    said.extend(lines);
    told(&samples);
    let deeds: Vec<String> = world.done.iter().zip(DEEDS).map(|(n, deed)| format!("{n} {deed}")).collect();
    let Deployed { n_deployed, n_taken_back, twice, missing } = deployments(&world.repository(), &world.revisions);
    let (unexplained, n_meant) = unexplained(&said, &world.outages, N_TENANTS);
    let share = 100 - covered(&world.outages, start) * 100 / start.elapsed().as_millis() as usize;
    unexplained.iter().take(20).for_each(|line| eprintln!("unexplained: {line}"));
    let is_sound = world.runs(&["audit", "verify"]);
    let is_flat = is_flat(&samples);
    let slowest = ends.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let n_lives = ends.len();
    vec![
        row("a restless world", deeds.join(", "), true),
        row("at rest after it is left alone", format!("{rest:.1?}"), rest.is_some()),
        row(
            "deployments",
            format!(
                "{n_deployed}, {n_taken_back} taken back; changes deployed twice: {}; never: {}",
                some(&twice),
                some(&missing)
            ),
            twice.is_empty() && missing.is_empty(),
        ),
        row(
            "lines of errors and alarms outside of outages of their own tenant or of git",
            format!(
                "{} beside {n_meant} that are meant; an environment is outside of any {share} % of the time",
                unexplained.len()
            ),
            unexplained.is_empty(),
        ),
        row("audit trails", if is_sound { "whole" } else { "NOT whole" }.to_owned(), is_sound),
        row(
            &format!("ends of {n_lives} lives"),
            format!("slowest {slowest:.1?}, exit codes {:?}", ends.iter().map(|(code, _)| *code).collect::<Vec<_>>()),
            // 4 says that a deployment under way was taken back.
            ends.iter().all(|(code, _)| matches!(code, Some(0 | 4))),
        ),
        row("memory, threads and descriptors of the longest life", is_flat.1, is_flat.0),
    ]
}

/// A unit, and what there is of it.
type Measure = (&'static str, fn(&Sample) -> f64);

fn told(samples: &[Sample]) {
    eprintln!("| s | life | MiB | threads | descriptors |\n|---|---|---|---|---|");
    for Sample { life, at, mib, threads, descriptors } in samples.iter().step_by(6) {
        eprintln!("| {} | {life} | {mib:.1} | {threads} | {descriptors} |", at.as_secs());
    }
}

/// Whether the longest life holds no more in its last third than in its first, by a tenth, and never more threads than it
/// may; and what it held.
fn is_flat(samples: &[Sample]) -> (bool, String) {
    let n_of = |life: usize| samples.iter().filter(|sample| sample.life == life).count();
    let longest = samples.iter().map(|sample| sample.life).max_by_key(|life| n_of(*life)).unwrap_or_default();
    // What a start costs is no part of it.
    let of: Vec<&Sample> = samples.iter().filter(|sample| sample.life == longest).skip(3).collect();
    if of.len() < 6 {
        return (true, "no life was long enough".to_owned());
    }
    let third = of.len() / 3;
    let mean = |some: &[&Sample], what: fn(&Sample) -> f64| {
        some.iter().map(|sample| what(sample)).sum::<f64>() / some.len() as f64
    };
    let measures: [Measure; 3] = [
        ("MiB", |sample| sample.mib),
        ("threads", |sample| sample.threads as f64),
        ("descriptors", |sample| sample.descriptors as f64),
    ];
    let mut told = format!("{} s: ", (of[of.len() - 1].at - of[0].at).as_secs());
    let mut is_flat = true;
    for (unit, what) in measures {
        let (first, last) = (mean(&of[..third], what), mean(&of[of.len() - third..], what));
        let most = of.iter().map(|sample| what(sample)).fold(0.0, f64::max);
        write!(told, "{unit} {first:.1} in its first third, {last:.1} in its last, at most {most:.1}; ").unwrap();
        is_flat &= match unit {
            "MiB" => last <= first * 1.1 + 2.0,
            "threads" => most <= THREADS_MAX,
            // They follow what goes wrong just then.
            _ => last <= first * 1.5 + 16.0,
        };
    }
    (is_flat, told.trim_end_matches("; ").to_owned())
}

//! One controller that looks after many environments, on a few branches of its repository and of a few tenants.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flowsync::tenant::sandbox::{Running, Sandbox, Settings};

use crate::Row;
use crate::http_server::{HttpServer, Rules};
use crate::measure::{holds, memory_mib, ms, ticks};
use crate::support::git;
use crate::world::{KEY, binary, flow, repository};

const N_BRANCHES: usize = 10;
/// Of each branch.
const N_ENVIRONMENTS: usize = 20;
/// Of each environment, in a folder of its own.
const N_FLOWS: usize = 100;
const INTERVAL: Duration = Duration::from_secs(60);
/// Intervals over which it is watched.
const N_INTERVALS: u32 = 3;

/// The world: a tenant a branch, and every flow live as git has it.
struct Many {
    folder: tempfile::TempDir,
    tenants: Vec<Running>,
    server: HttpServer,
}

impl Many {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut tenants, mut environments) = (Vec::new(), String::new());
        let server = HttpServer::start(folder.path(), Rules::default());
        let path = folder.path().join("flows.git");
        for branch in 0..N_BRANCHES {
            let tenant = Sandbox::start(Settings::default(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
            let first = branch * N_ENVIRONMENTS * N_FLOWS;
            let flows: Vec<String> = (0..N_ENVIRONMENTS * N_FLOWS).map(|index| flow(first + index, 0, &[])).collect();
            repository(&path, &flows, N_FLOWS);
            git(&path, &["branch", "--force", &format!("b{branch}"), "main"]);
            let api = tenant.base_url();
            for (number, flows) in flows.chunks(N_FLOWS).enumerate() {
                flows.iter().for_each(|flow| tenant.state().put_flow(&format!("env_{number}"), flow).unwrap());
                writeln!(
                    environments,
                    "  e{branch}-{number}:\n    branch: b{branch}\n    flows: flows/{number:03}\n    tenant: {{ url: \"{api}\", environmentId: env_{number}, auth: {{ apiKey: {{ env: SANDBOX_KEY }} }} }}\n    sync: {{ interval: {}s }}",
                    INTERVAL.as_secs()
                )
                .unwrap();
            }
            tenants.push(tenant);
        }
        git(&path, &["config", "http.receivepack", "true"]);
        let url = server.url("flows.git");
        let config = format!("version: 1\nrepository: {{ url: \"{url}\" }}\nenvironments:\n{environments}");
        std::fs::write(folder.path().join("flowsync.yaml"), config).unwrap();
        Self { folder, tenants, server }
    }

    fn start(&self) -> (Child, String) {
        let mut command = Command::new(binary());
        command.args(["run", "--quiet", "--listen", "127.0.0.1:0"]).current_dir(self.folder.path());
        command.env("SANDBOX_KEY", KEY).env("XDG_CACHE_HOME", self.folder.path().join("cache"));
        command.env("FLOWSYNC_STATE_DIR", self.folder.path().join("state"));
        // As in the image and in the unit of systemd.
        command.env("MALLOC_ARENA_MAX", "2");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("listening on")).unwrap();
        let address = line.rsplit("http://").next().unwrap().trim().to_owned();
        std::thread::spawn(move || {
            lines.for_each(|line| {
                if line.contains("error") {
                    eprintln!("{line}")
                }
            })
        });
        (child, address)
    }

    /// How often the repository was asked where its branches stand.
    fn n_fetches(&self) -> usize {
        let heard = self.server.heard();
        heard.lines().filter(|line| line.contains("info/refs?service=git-upload-pack")).count()
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// How many passes have ended so, or, without a word, at all.
fn n_passes(address: &str, result: &str) -> f64 {
    let metrics = get(address, "/metrics");
    let ended = |line: &&str| line.starts_with("flowsync_passes_total") && line.contains(&format!("result=\"{result}"));
    metrics.lines().filter(ended).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// The most of threads and descriptors while something lasts.
fn watched(child: &Child, mut lasts: impl FnMut() -> bool) -> (u64, usize) {
    let mut most = (0, 0);
    while lasts() {
        let (threads, descriptors) = holds(child);
        most = (most.0.max(threads), most.1.max(descriptors));
        std::thread::sleep(Duration::from_millis(20));
    }
    most
}

/// From the start to the end of everybody's first pass, and what it costs to be there then.
pub(crate) async fn many() -> Vec<Row> {
    let world = Many::new().await;
    let start = Instant::now();
    let (mut child, address) = world.start();
    let first = watched(&child, || !get(&address, "/readyz").starts_with("HTTP/1.1 200"));
    let (wall, processor) = (start.elapsed(), Duration::from_millis(ticks(&child) * 10));
    let n_bad = ["error", "refused", "busy", "rolled-back", "rollback-incomplete"]
        .map(|it| n_passes(&address, it))
        .iter()
        .sum::<f64>();
    let peak = memory_mib(&child, "VmHWM").unwrap();
    // What the first passes did is over, their records are seen.
    watched(&child, {
        let rest = Instant::now();
        move || rest.elapsed() < INTERVAL
    });
    let (n_fetches, n_passes_before) = (world.n_fetches(), n_passes(&address, ""));
    let (before, start) = (ticks(&child), Instant::now());
    let idle = watched(&child, || start.elapsed() < INTERVAL * N_INTERVALS);
    let share = (ticks(&child) - before) as f64 * 0.01 / start.elapsed().as_secs_f64() * 100.0;
    let n_fetches = (world.n_fetches() - n_fetches) as f64 / f64::from(N_INTERVALS);
    let n_made = (n_passes(&address, "") - n_passes_before) / f64::from(N_INTERVALS);
    let (memory, peak_later) = (memory_mib(&child, "VmRSS").unwrap(), memory_mib(&child, "VmHWM").unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    for tenant in world.tenants {
        tenant.shutdown().await;
    }
    let n_environments = N_BRANCHES * N_ENVIRONMENTS;
    let row = |what: &str, reach: &str, measured: String, is_reached| Row {
        what: what.to_owned(),
        against: String::new(),
        reach: reach.to_owned(),
        measured,
        is_reached,
    };
    vec![
        row(
            &format!(
                "{n_environments} environments of {N_FLOWS} flows on {N_BRANCHES} branches of one repository, one controller, from the start to the end of all first passes"
            ),
            "150 MiB, 40 threads",
            format!(
                "{}, processor {}, {peak:.0} MiB, {} threads, {} descriptors, {n_bad} passes failed",
                ms(wall),
                ms(processor),
                first.0,
                first.1
            ),
            peak < 150.0 && first.0 <= 40 && n_bad == 0.0,
        ),
        row(
            &format!("the same with nothing to do, an interval of {} s", INTERVAL.as_secs()),
            "1 % of one core, 150 MiB, 40 threads",
            format!(
                "{share:.2} %, {memory:.0} MiB (peak {peak_later:.0}), {} threads, {} descriptors, {n_made:.0} passes an interval",
                idle.0, idle.1
            ),
            share < 1.0 && peak_later < 150.0 && idle.0 <= 40,
        ),
        row(
            "the same, conversations with the repository an interval",
            "1",
            format!("{n_fetches:.2}"),
            // A pass comes up to a tenth earlier than its interval.
            n_fetches < 1.3,
        ),
    ]
}

//! What it costs to find nothing to do.

use std::process::Command;
use std::time::Duration;

use crate::Row;
use crate::measure::{Run, median, ms, run};
use crate::world::{KEY, World, flow};

/// A warm world of so many flows that are as git has them.
pub(crate) async fn world(n_flows: usize) -> World {
    let flows: Vec<String> = (0..n_flows).map(|index| flow(index, 0, &[])).collect();
    let world = World::new(&flows, &flows, 8, "60s").await;
    world.latency(Duration::from_millis(5));
    // The first pass adopts and fills the caches, the second sees its own record.
    run(&mut world.flowsync(&["sync"]));
    run(&mut world.flowsync(&["sync"]));
    world
}

/// A plain download of so many pages.
pub(crate) fn curl(world: &World, n_pages: usize) -> Run {
    let base = world.tenant.base_url();
    let config: String = (0..n_pages)
        .map(|page| {
            format!(
                "url = \"{base}/flows?limit=100&offset={}&environmentId=env_prod\"\noutput = \"/dev/null\"\n",
                page * 100
            )
        })
        .collect();
    let file = world.folder.path().join("curl.txt");
    std::fs::write(&file, config).unwrap();
    run(Command::new("curl")
        .args(["--silent", "--no-progress-meter", "--parallel", "--parallel-max", "8", "--header"])
        .arg(format!("X-API-Key: {KEY}"))
        .arg("--config")
        .arg(file))
}

/// Keeps a warm world of so many flows for a profiler, and says where, until the process is ended.
pub(crate) async fn hold(n_flows: usize) {
    let world = world(n_flows).await;
    println!("{}", world.folder.path().display());
    std::future::pending::<()>().await;
}

/// 10,000 unchanged flows of 5 KB, warm cache, 5 ms a request.
pub(crate) async fn ten_thousand() -> Vec<Row> {
    let world = world(10_000).await;
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..5 {
        theirs.push(curl(&world, 100).wall);
        let pass = run(&mut world.flowsync(&["sync"]));
        ours.push(pass.wall);
        peak = peak.max(pass.peak_mib);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let allowed = theirs.mul_f64(1.5) + Duration::from_millis(100);
    world.tenant.shutdown().await;
    vec![
        Row {
            what: "10,000 unchanged flows of 5 KB, warm cache, 5 ms a request".into(),
            against: format!("curl, the same 100 pages, 8 at once: {}", ms(theirs)),
            reach: format!("1.5 x + 100 ms = {}", ms(allowed)),
            measured: ms(ours),
            is_reached: ours <= allowed,
        },
        Row {
            what: "the same".into(),
            against: "peak memory".into(),
            reach: "100 MiB".into(),
            measured: format!("{peak:.0} MiB"),
            is_reached: peak <= 100.0,
        },
    ]
}

/// As many flows as fit, with their folders, into the 100,000 entries that are read.
const N_FLOWS_MANY: usize = 90_000;

/// A world a size, ten times as large as the one before or nearly so.
pub(crate) async fn growth() -> Vec<Row> {
    let mut points = Vec::new();
    let mut peak = 0.0;
    for n_flows in [1_000, 10_000, N_FLOWS_MANY] {
        let world = world(n_flows).await;
        let runs: Vec<Run> = (0..3).map(|_| run(&mut world.flowsync(&["sync"]))).collect();
        peak = runs.iter().map(|run| run.peak_mib).fold(0.0, f64::max);
        points.push((n_flows, median(runs.iter().map(|run| run.wall).collect())));
        world.tenant.shutdown().await;
    }
    let exponent = |a: usize, b: usize| {
        let (n, m) = (points[a].0 as f64, points[b].0 as f64);
        (points[b].1.as_secs_f64() / points[a].1.as_secs_f64()).ln() / (m / n).ln()
    };
    let whole = exponent(0, 2);
    let times: Vec<String> = points.iter().map(|(n, time)| format!("{n}: {}", ms(*time))).collect();
    vec![
        Row {
            what: format!("1,000, 10,000, {N_FLOWS_MANY} unchanged flows"),
            against: "exponent of growth in time".into(),
            reach: "1.1".into(),
            measured: format!("{whole:.2} ({:.2}, {:.2}); {}", exponent(0, 1), exponent(1, 2), times.join(", ")),
            is_reached: exponent(1, 2) <= 1.1,
        },
        Row {
            what: format!("{N_FLOWS_MANY} unchanged flows"),
            against: "peak memory".into(),
            reach: "250 MiB".into(),
            measured: format!("{peak:.0} MiB"),
            is_reached: peak <= 250.0,
        },
    ]
}

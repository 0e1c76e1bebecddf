//! What must not grow with the number of deployments.

use std::path::Path;
use std::time::Duration;

use crate::Row;
use crate::http_server::{HttpServer, Rules};
use crate::measure::{median, ms, run};
use crate::support::git;
use crate::world::{World, flow};

/// A world in which every commit changes all of so many flows.
async fn world(n_flows: usize) -> World {
    let flows: Vec<String> = (0..n_flows).map(|index| flow(index, 0, &[])).collect();
    World::new(&[], &flows, 8, "60s").await
}

/// One deployment of all flows.
fn deploy(world: &World, n_flows: usize, revision: usize) {
    if revision > 0 {
        let flows: Vec<(usize, String)> = (0..n_flows).map(|index| (index, flow(index, revision, &[]))).collect();
        world.commit(&flows);
    }
    run(&mut world.flowsync(&["sync"]));
}

/// A pass with nothing to do.
fn quiet(world: &World) -> Duration {
    median((0..7).map(|_| run(&mut world.flowsync(&["sync"])).wall).collect())
}

/// `audit verify`, and a pass with nothing to do, after so many deployments of 6 flows, all in one month.
pub(crate) async fn trail(counts: &[usize]) -> Vec<Row> {
    let n_flows = 6;
    let world = world(n_flows).await;
    let (mut points, mut passes, mut peak) = (Vec::new(), Vec::new(), 0.0_f64);
    for revision in 0..counts[counts.len() - 1] {
        deploy(&world, n_flows, revision);
        if counts.contains(&(revision + 1)) {
            let runs: Vec<_> = (0..3).map(|_| run(&mut world.flowsync(&["audit", "verify"]))).collect();
            peak = runs.iter().map(|run| run.peak_mib).fold(peak, f64::max);
            points.push((revision + 1, median(runs.iter().map(|run| run.wall).collect())));
            passes.push(quiet(&world));
        }
    }
    world.tenant.shutdown().await;
    let (first, last) = (points[0], points[points.len() - 1]);
    let exponent = (last.1.as_secs_f64() / first.1.as_secs_f64()).ln() / (last.0 as f64 / first.0 as f64).ln();
    let times: Vec<String> = points.iter().map(|(n, time)| format!("{n}: {}", ms(*time))).collect();
    let (first_pass, last_pass) = (passes[0], passes[passes.len() - 1]);
    // What 5,000 would take if the rest grew with the exponent that is allowed.
    let at_5000 = last.1.mul_f64((5000.0 / last.0 as f64).max(1.0).powf(1.1));
    vec![
        Row {
            what: format!("`audit verify` of {n_flows} flows after so many deployments"),
            against: "exponent of growth in time".into(),
            reach: "1.1".into(),
            measured: format!("{exponent:.2}; {} ({peak:.0} MiB)", times.join(", ")),
            is_reached: exponent <= 1.1,
        },
        Row {
            what: "the same, 5,000 deployments".into(),
            against: if last.0 < 5000 { "reckoned from the last".into() } else { String::new() },
            reach: "under 20 s".into(),
            measured: ms(at_5000),
            is_reached: at_5000 < Duration::from_secs(20),
        },
        Row {
            what: format!("the same, a pass with nothing to do after {} deployments", last.0),
            against: format!("after {}: {}", first.0, ms(first_pass)),
            reach: "not slower".into(),
            measured: ms(last_pass),
            is_reached: last_pass <= first_pass.mul_f64(1.15),
        },
    ]
}

/// The clone in the cache after so many deployments of 40 flows over http.
pub(crate) async fn clone(n_deployments: usize) -> Vec<Row> {
    let n_flows = 40;
    let world = world(n_flows).await;
    let server = HttpServer::start(world.folder.path(), Rules::default());
    git(&world.folder.path().join("flows.git"), &["config", "http.receivepack", "true"]);
    world.configure(&server.url("flows.git"), 8, "60s");
    deploy(&world, n_flows, 0);
    let before = quiet(&world);
    let (mut most_packs, mut most_times) = (0, 0.0_f64);
    for revision in 1..n_deployments {
        deploy(&world, n_flows, revision);
        if revision % 10 == 0 || revision + 1 == n_deployments {
            let (n_packs, _, bytes) = stock(&world.clone_dir());
            most_packs = most_packs.max(n_packs);
            most_times = most_times.max(bytes as f64 / fresh(&world) as f64);
        }
    }
    let (n_packs, n_files, bytes) = stock(&world.clone_dir());
    let (fresh, after) = (fresh(&world), quiet(&world));
    world.tenant.shutdown().await;
    vec![
        Row {
            what: format!("the clone in the cache, remote over http, {n_deployments} deployments of {n_flows} flows"),
            against: format!("`git clone --bare`: {} KiB", fresh / 1024),
            reach: "20 packs, 2 x".into(),
            measured: format!(
                "{n_packs} packs, {n_files} files, {} KiB = {:.2} x; at most {most_packs} packs, {most_times:.2} x",
                bytes / 1024,
                bytes as f64 / fresh as f64
            ),
            is_reached: most_packs <= 20 && most_times <= 2.0,
        },
        Row {
            what: "the same, a pass with nothing to do".into(),
            against: format!("after the first deployment: {}", ms(before)),
            reach: "not slower".into(),
            measured: ms(after),
            is_reached: after <= before.mul_f64(1.15),
        },
    ]
}

/// Packs, files, and bytes on the disk of a clone's objects.
fn stock(clone: &Path) -> (usize, usize, u64) {
    let (mut n_packs, mut n_files, mut bytes) = (0, 0, 0);
    let mut open = vec![clone.join("objects")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
                continue;
            }
            n_files += 1;
            n_packs += usize::from(entry.path().extension().is_some_and(|extension| extension == "pack"));
            bytes += entry.metadata().unwrap().len().div_ceil(4096) * 4096;
        }
    }
    (n_packs, n_files, bytes)
}

fn fresh(world: &World) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", world.folder.path().join("flows.git").display());
    git(folder.path(), &["clone", "--quiet", "--bare", &url, "fresh.git"]);
    stock(&folder.path().join("fresh.git")).2
}

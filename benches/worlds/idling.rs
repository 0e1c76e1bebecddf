//! What it costs to be there.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Row;
use crate::measure::{median, memory_mib, ticks};
use crate::world::{World, binary, flow};

/// `flowsync --version`.
pub(crate) fn start_up() -> Row {
    let once = |_| {
        let start = Instant::now();
        let status = Command::new(binary()).arg("--version").stdout(Stdio::null()).status();
        assert!(status.unwrap().success());
        start.elapsed()
    };
    let time = median((0..21).map(once).collect());
    Row {
        what: "start-up of `flowsync --version`".into(),
        against: "".into(),
        reach: "under 10 ms".into(),
        measured: format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        is_reached: time < Duration::from_millis(10),
    }
}

/// A controller of one environment with nothing to do.
pub(crate) async fn idle() -> Row {
    let flows: Vec<String> = (0..50).map(|index| flow(index, 0, &[])).collect();
    let world = World::new(&flows, &flows, 8, "10m").await;
    let mut child = world.flowsync(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (before, start) = (ticks(&child), Instant::now());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let share = (ticks(&child) - before) as f64 * 0.01 / start.elapsed().as_secs_f64() * 100.0;
    let memory = memory_mib(&child, "VmRSS").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    world.tenant.shutdown().await;
    Row {
        what: "idle controller, one environment, between ticks".into(),
        against: "".into(),
        reach: "under 25 MiB, under 0.2 % of one core".into(),
        measured: format!("{memory:.1} MiB, {share:.2} %"),
        is_reached: memory < 25.0 && share < 0.2,
    }
}

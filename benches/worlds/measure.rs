//! Running a program and looking at it from outside: wall time, peak memory, processor time.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a run went.
pub(crate) struct Run {
    pub wall: Duration,
    /// Of all its threads, as far as it was seen: in steps of 10 ms. What a busy machine does not change much.
    pub processor: Duration,
    pub peak_mib: f64,
}

/// Runs a command to its end, watching its peak memory.
pub(crate) fn run(command: &mut Command) -> Run {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut peak_mib = 0.0_f64;
    let (status, n_ticks) = loop {
        peak_mib = peak_mib.max(memory_mib(&child, "VmHWM").unwrap_or(0.0));
        let n_ticks = ticks(&child);
        if let Some(status) = child.try_wait().unwrap() {
            break (status, n_ticks);
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let wall = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    Run { wall, processor: Duration::from_millis(n_ticks * 10), peak_mib }
}

/// A line of `/proc/<pid>/status`, in MiB.
pub(crate) fn memory_mib(child: &Child, key: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Processor time of a running process, in clock ticks of 10 ms.
pub(crate) fn ticks(child: &Child) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// What a running process holds: threads and descriptors.
pub(crate) fn holds(child: &Child) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse().unwrap();
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    (threads, descriptors)
}

/// The median of some runs.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

//! Windows in which the environment may be written to, and out of which it may not.

use std::path::Path;

use fastrand::Rng;
use flowsync::config::{Config, Window};
use flowsync::plan;
use jiff::SignedDuration;

use super::script::Script;
use super::world::World;

/// Never open.
const CLOSED: &[&str] = &["deny | * * * * * | 1h"];

/// Sets of windows, each of which opens and closes several times in a life.
const SETS: &[&[&str]] = &[
    &["allow | */20 * * * * | 7m"],
    &["deny | */15 * * * * | 6m"],
    &["allow | */10 * * * * | 8m", "deny | */30 * * * * | 12m"],
    &["allow | 5-59/10 * * * * | 1m"],
];

/// Windows that are closed for ever.
pub fn closed() -> Vec<Window> {
    windows(CLOSED)
}

/// Windows that open and close.
pub fn any(rng: &mut Rng) -> Vec<Window> {
    windows(SETS[rng.usize(..SETS.len())])
}

/// Windows of lines of `kind | schedule | duration`.
fn windows(lines: &[&str]) -> Vec<Window> {
    let item = |line: &&str| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [kind, schedule, duration] = parts[..] else { panic!("{line}") };
        format!("        - {{ kind: {kind}, schedule: \"{schedule}\", duration: {duration} }}\n")
    };
    let items: String = lines.iter().map(item).collect();
    let text = format!(
        "version: 1\nrepository: {{ url: /r }}\nenvironments:\n  e:\n    tenant: {{ url: \"https://a.b\", environmentId: e, \
         auth: {{ apiKey: {{ env: K }} }} }}\n    sync:\n      windows:\n{items}"
    );
    Config::parse(&text, Path::new("flowsync.yaml")).unwrap().environments["e"].sync.windows.clone()
}

impl World {
    /// The windows are these from now on, in the configuration of every machine.
    pub fn set_windows(&self, windows: Vec<Window>) {
        self.say(|| format!("{} windows", windows.len()));
        *self.windows.lock().unwrap() = windows;
    }

    /// As the configuration has them now.
    pub fn windows(&self) -> Vec<Window> {
        self.windows.lock().unwrap().clone()
    }

    /// Whether the windows were closed ever since a process began, to the minute, whichever of the times it went by that its
    /// clocks have shown it.
    pub fn is_closed_since_start(&self, script: &Script) -> bool {
        let windows = self.windows();
        let n_minutes = i64::try_from(script.started.elapsed().as_secs() / 60).unwrap();
        let is_closed = |time| plan::closed(&windows, time).is_some();
        let was_closed = |shown: jiff::Timestamp| {
            (0..=n_minutes).all(|minutes| is_closed(shown - SignedDuration::from_mins(minutes)))
        };
        script.clocks.shown_since(script.started).into_iter().all(was_closed)
    }
}

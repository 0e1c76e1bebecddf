//! The bars on stderr, those of all environments together, and how anything else is written there beside them.

use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

static BARS: LazyLock<MultiProgress> = LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Whether there ever was a bar: without one, nothing is drawn and nothing taken away.
static ANY: AtomicBool = AtomicBool::new(false);

/// A bar of its own, for as long as this value lives.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar of so many steps.
    pub(super) fn new(title: String, n_steps: usize) -> Self {
        ANY.store(true, Ordering::Relaxed);
        let bar = BARS.add(ProgressBar::new(n_steps as u64));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(title);
        Self(bar)
    }

    /// One step is done.
    pub(super) fn step(&self, what: String) {
        self.0.set_message(what);
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
        BARS.remove(&self.0);
    }
}

/// Writes with the bars out of the way.
pub(super) fn aside<R>(write: impl FnOnce() -> R) -> R {
    if ANY.load(Ordering::Relaxed) { BARS.suspend(write) } else { write() }
}

/// Takes every bar off the screen, whatever became of what it showed.
pub(super) fn clear() {
    if ANY.load(Ordering::Relaxed) {
        // A terminal that is gone shows nothing.
        _ = BARS.clear();
    }
}

/// Standard error, beside the bars.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        aside(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

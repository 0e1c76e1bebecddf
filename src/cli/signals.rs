//! Signals, one mechanism for every command that writes to a tenant: the first asks to end, the second ends
//! at once.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::sync::watch;

use super::context::Context;
use super::output::{Failure, say};

/// Whoever does not let go after a second signal is ended after this long.
const AT_ONCE: Duration = Duration::from_millis(500);

/// What SIGHUP means to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hangup {
    /// The terminal is gone: it asks to end.
    Ends,
    /// The configuration is to be read again.
    Reloads,
}

/// A signal that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signal {
    name: &'static str,
    number: u8,
}

/// Does work that may write to a tenant. The first signal asks it to end within `grace`; at the second it is
/// dropped where it stands.
pub(super) async fn heed(
    context: &Context,
    grace: Duration,
    hangup: Hangup,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    let mut signals = Signals::listen(hangup).map_err(|error| Failure::other(format!("cannot start: {error}")))?;
    let (second, mut at_once) = watch::channel(None);
    let (shutdown, nudges) = (context.shutdown.clone(), context.nudges.clone());
    let listening = tokio::spawn(async move {
        loop {
            let signal = signals.next().await;
            if signal.name == HANGUP && hangup == Hangup::Reloads {
                nudges.reload();
            } else if shutdown.asked().is_none() {
                let seconds = grace.as_secs_f64();
                let told = format!("{}: ending within {seconds} s; once more to end at once", signal.name);
                shutdown.ask(signal.name, grace);
                say(&told);
            } else {
                second.send_replace(Some(signal));
                tokio::time::sleep(AT_ONCE).await;
                #[allow(clippy::disallowed_methods, reason = "a second signal means now; the journal is on the disk")]
                std::process::exit(code(signal).into());
            }
        }
    });
    let ended = tokio::select! {
        biased;
        done = work => done,
        Ok(signal) = at_once.wait_for(Option::is_some) => {
            let signal = signal.unwrap_or(Signal { name: "signal", number: 0 });
            let message = format!("ended at once by {}; the next pass goes on with what was begun", signal.name);
            Err(Failure { code: code(signal), ..Failure::other(message) })
        }
    };
    listening.abort();
    ended
}

/// What a shell says of a process that a signal ended.
fn code(signal: Signal) -> u8 {
    signal.number.saturating_add(128)
}

const HANGUP: &str = "SIGHUP";

#[cfg(unix)]
struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    fn listen(hangup: Hangup) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut listened = vec![("SIGINT", SignalKind::interrupt()), ("SIGTERM", SignalKind::terminate())];
        // `nohup` has said that a terminal may go.
        if hangup == Hangup::Reloads || !is_ignored(SignalKind::hangup().as_raw_value()) {
            listened.push((HANGUP, SignalKind::hangup()));
        }
        let listen = |(name, kind): (&'static str, SignalKind)| {
            let number = u8::try_from(kind.as_raw_value()).unwrap_or_default();
            Ok((Signal { name, number }, signal(kind)?))
        };
        listened.into_iter().map(listen).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            let ready = |(signal, stream): &mut (Signal, tokio::signal::unix::Signal)| {
                stream.poll_recv(context).is_ready().then_some(*signal)
            };
            self.0.iter_mut().find_map(ready).map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// Whether this process was started with a signal ignored; false where nobody can tell.
#[cfg(unix)]
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    u32::try_from(number).is_ok_and(|bit| mask.checked_shr(bit.saturating_sub(1)).is_some_and(|mask| mask & 1 == 1))
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "same shape as on unix")]
impl Signals {
    fn listen(_: Hangup) -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        drop(tokio::signal::ctrl_c().await);
        Signal { name: "SIGINT", number: 2 }
    }
}

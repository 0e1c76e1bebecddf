//! A panic is a bug of ours. It ends what it happened in with an error, and nothing beside that.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures_util::FutureExt;

use super::output::{Failure, complain, is_json_log};
use crate::controller::{EnvironmentReport, internal_error, panic_words};
use crate::problem::escape_terminal;

/// From now on a panic is told like any other error, with its place.
pub(super) fn tell() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        let text = format!("internal error{place}: {}", escape_terminal(panic_words(panic.payload())));
        // The log knows which environment's pass it is.
        if is_json_log() {
            tracing::error!("{text}")
        } else {
            complain(&text)
        }
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            complain(&backtrace.to_string());
        }
    }));
}

/// A pass over an environment: a panic in it is its error and keeps the others.
pub(super) async fn pass(environment: &str, pass: impl Future<Output = EnvironmentReport>) -> EnvironmentReport {
    let ended = AssertUnwindSafe(pass).catch_unwind().await;
    ended.unwrap_or_else(|panic| EnvironmentReport::of_panic(environment, &*panic))
}

/// A command: a panic in it is its failure.
pub(super) async fn command(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(Failure::other(internal_error(&*panic))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::SyncResult;

    #[tokio::test]
    async fn a_panic_ends_one_environments_pass_and_no_other() {
        let well = || async { EnvironmentReport::new("staging", SyncResult::InSync) };
        let index = std::hint::black_box(7);
        let badly = async {
            tokio::task::yield_now().await;
            let report = well().await;
            assert!([0; 3].get(index).is_some(), "no place {index}");
            report
        };
        let reports =
            futures_util::future::join_all([pass("production", badly).boxed(), pass("staging", well()).boxed()]);
        let reports = reports.await;
        assert_eq!((reports[0].result, reports[1].result), (SyncResult::Error, SyncResult::InSync));
        assert_eq!(reports[0].environment, "production");
        assert!(reports[0].error.as_ref().is_some_and(|error| error.starts_with("internal error: no place 7")));
        assert_eq!(reports[0].result.exit_code(), 1);
    }

    #[tokio::test]
    async fn a_panic_of_a_command_is_its_failure() {
        let failure = command(async { std::panic::panic_any(7_u8) }).await.unwrap_err();
        assert_eq!((failure.code, failure.message.contains("no words")), (1, true));
    }
}

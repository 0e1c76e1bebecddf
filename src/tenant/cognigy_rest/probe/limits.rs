//! Questions about limits: snapshots, and the rate of requests.

use futures_util::stream::{self, StreamExt};
use reqwest::header::HeaderMap;

use super::super::request::Root;
use super::super::snapshots::Taken;
use super::asking::{Answered, Asking, ProbeDepth, Seen};
use super::ground::{Ground, told};
use crate::web::text;

/// More snapshots are not taken to find out how many there may be.
const SNAPSHOTS_MAX: usize = 12;
/// More requests are not made to find out how many there may be.
const REQUESTS_MAX: usize = 3_000;
/// So many are made side by side.
const REQUESTS_AT_ONCE: usize = 8;
const DESCRIPTION: &str = "flowsync doctor --probe";
/// What may say how many requests there may be, and when there are more.
const HEADERS: [&str; 7] = [
    "retry-after",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Asks about snapshots.
pub(super) async fn ask_snapshots(ground: &Ground<'_>, depth: ProbeDepth, asking: &mut Asking<'_>) {
    let assumed = "one is found by its name and can be removed; there are 10 at most";
    asking.ask("snapshots", assumed, snapshots(ground, depth)).await;
}

async fn snapshots(ground: &Ground<'_>, depth: ProbeDepth) -> Answered {
    let n_before = ground.snapshots().list().await?.len();
    let n_wanted = if depth == ProbeDepth::Limits { SNAPSHOTS_MAX } else { 1 };
    let (mut taken, mut refused) = (Vec::new(), None);
    while taken.len() < n_wanted && refused.is_none() {
        match ground.snapshots().take(&ground.client.memory.probe(), DESCRIPTION).await? {
            Taken::Yes(id) => taken.push(id),
            Taken::No(reason) => refused = Some(reason),
        }
    }
    for id in &taken {
        ground.snapshots().remove(id).await?;
    }
    let n_left = ground.snapshots().list().await?.len();
    let n_most = n_before + taken.len();
    let is_gone = n_left == n_before;
    let is_as_assumed = match &refused {
        Some(_) => n_most == 10,
        None => n_most <= 10,
    };
    let limit =
        refused.map_or_else(|| "no limit was met".to_owned(), |reason| format!("no more than {n_most}: {reason}"));
    let gone = if is_gone { "" } else { ", not all of which can be removed" };
    let text = format!("{n_before} there, {} taken{gone}; {limit}", taken.len());
    Ok(Seen::judged(is_gone && is_as_assumed, text))
}

/// Asks about the rate, which is the last thing to be asked: afterwards the tenant answers nothing for a while.
pub(super) async fn ask_rate(ground: &Ground<'_>, depth: ProbeDepth, asking: &mut Asking<'_>) {
    let headers = "either: what they say is heeded";
    asking.ask("headers about the rate", headers, rate_headers(ground)).await;
    if depth == ProbeDepth::Limits {
        let assumed = "429, with or without a word of when to come again";
        asking.ask("the rate of requests", assumed, provoke(ground)).await;
    }
}

/// What headers say of the rate.
fn shown(headers: &HeaderMap) -> String {
    let found: Vec<String> =
        HEADERS.iter().filter_map(|name| Some(format!("{name}: {}", text(headers, name)?))).collect();
    if found.is_empty() { "none".to_owned() } else { found.join(", ") }
}

async fn rate_headers(ground: &Ground<'_>) -> Answered {
    let sent = ground.calls.requests().get(Root::Today, &["projects", ground.environment.as_str()], &[], "read");
    Ok(Seen::either(shown(&ground.any(sent).await?.headers)))
}

/// Makes requests until one is refused.
async fn provoke(ground: &Ground<'_>) -> Answered {
    let one = async || {
        let path = ["projects", ground.environment.as_str()];
        let sent = ground.calls.requests().get(Root::Today, &path, &[], "read the project");
        ground.calls.caller.call_at_once(&ground.calls.asked, &sent).await
    };
    let n_before = ground.calls.attempts() as usize;
    let mut answers = stream::iter(0..REQUESTS_MAX).map(|_| one()).buffer_unordered(REQUESTS_AT_ONCE);
    let mut n_answered = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        match answer.status {
            200..=299 => n_answered += 1,
            429 => {
                let n_all = n_before + n_answered;
                return Ok(Seen::either(format!(
                    "429 after {n_all} requests of this probe; {}",
                    shown(&answer.headers)
                )));
            }
            _ => return Ok(Seen::judged(false, told(ground.calls, &answer))),
        }
    }
    Ok(Seen::either(format!("no 429 in {REQUESTS_MAX} requests")))
}

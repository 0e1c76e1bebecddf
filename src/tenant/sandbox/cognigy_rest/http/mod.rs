//! The wire: every request passes through [`handle`], in the order in which its lines stand.

mod answer;
mod asked;
mod control;
mod done;
pub(super) mod inside;
mod list;
mod multipart;
mod perform;
mod perform_tasks;
mod route;
mod token;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::DATE;
use axum::response::Response;
use tokio::time::sleep;

use super::super::fault::{Delivery, suffer};
use super::super::log::LoggedRequest;
use super::super::wire::{Incoming, KillSwitch, Reply};
use super::call::Call;
use super::fault::InjectedFault;
use super::model::platform::Moment;
use super::refusal::Refusal;
use super::rules::Behaviour;
use super::shared::Shared;
use asked::{Asked, UPLOAD_BYTES_MAX};

/// What somebody hears who came by another name.
const MISDIRECTED: &str =
    "expected a `Host` that names this machine, such as `localhost`; other names are answered with `--allow-remote`";

/// Everything the listener serves.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

/// What the log will say of a request.
#[derive(Default)]
struct Trace {
    call: Option<Call>,
    flow: Option<String>,
    project: Option<String>,
    fault: Option<&'static str>,
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<KillSwitch>,
    request: Request,
) -> Response {
    if !shared.reach.covers(&request) {
        let body = serde_json::json!({ "title": "Misdirected request", "status": 421, "detail": MISDIRECTED });
        return Reply::json(421, &body).into_response();
    }
    let Ok(incoming) = Incoming::read(request, UPLOAD_BYTES_MAX).await else {
        switch.cut();
        return Response::default();
    };
    if let Some((first, rest)) = incoming.segments.split_first()
        && first == "sandbox"
    {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let reply = control::answer(&mut shared.lock(), &incoming, &rest);
        return saved(&shared, reply).await.into_response();
    }
    let from = switch.peer().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    // A task of its own: a request goes on, as in the real thing, when its client has lost patience.
    let mut response = match tokio::spawn(serve_and_log(Arc::clone(&shared), incoming, from)).await {
        Ok(delivery) => delivery.into_response(&switch),
        Err(error) => Reply::bytes(500, error.to_string()).into_response(),
    };
    // The platform's own time, in which its change times are.
    if let Ok(date) = shared.lock().clock.http_date_in(Duration::ZERO).parse() {
        response.headers_mut().insert(DATE, date);
    }
    response
}

async fn serve_and_log(shared: Arc<Shared>, incoming: Incoming, from: IpAddr) -> Delivery {
    let _in_flight = shared.enter();
    let behaviour = shared.lock().behaviour.clone();
    if !behaviour.latency.is_zero() {
        sleep(behaviour.latency).await;
    }
    let mut trace = Trace::default();
    let delivery = serve(&shared, &incoming, from, &behaviour, &mut trace).await;
    log(&shared, &incoming, trace, delivery.status());
    delivery
}

/// Limits, lets in, strikes and performs one request.
async fn serve(shared: &Shared, incoming: &Incoming, from: IpAddr, rules: &Behaviour, trace: &mut Trace) -> Delivery {
    let segments: Vec<&str> = incoming.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["auth", "oauth2", "token"] => return Delivery::Whole(token::answer(&mut shared.lock(), incoming, rules)),
        ["download", token] => return Delivery::Whole(download(shared, token)),
        _ => {}
    }
    let n_requests = shared.lock().log.total + 1;
    let refused = |refusal: &Refusal| answer::refused(incoming, refusal, n_requests);
    if let Some(limit) = rules.limit {
        let mut inner = shared.lock();
        let (now_ms, clock) = (inner.clock.ms(), inner.clock);
        if let Err(wait) = inner.limiter.admit(limit, from, now_ms) {
            let reply = refused(&Refusal::too_many());
            return Delivery::Whole(answer::throttled(reply, wait, rules.come_again, clock));
        }
    }
    let (call, below) = match admitted(shared, incoming, &segments, rules) {
        Ok(admitted) => admitted,
        Err(refusal) => return Delivery::Whole(refused(&refusal)),
    };
    trace.call = Some(call);
    let mut asked = Asked::read(incoming, call, below, rules);
    if let Ok(asked) = &asked {
        (trace.flow, trace.project) = asked.subject();
    }
    let fault = shared.lock().faults.strike(call, &incoming.target);
    trace.fault = fault.as_ref().map(InjectedFault::name);
    let perform = async {
        let done = match &mut asked {
            Ok(asked) => {
                let mut inner = shared.lock();
                let now = Moment { ms: inner.clock.ms(), rules };
                inner.platform.settle(now);
                perform::perform(&mut inner.platform, asked, now)
            }
            Err(refusal) => Err(refusal.clone()),
        };
        let reply = match done {
            Ok(done) => answer::done(incoming, done, rules),
            Err(refusal) => refused(&refusal),
        };
        saved(shared, reply).await
    };
    match fault {
        None => Delivery::Whole(perform.await),
        Some(InjectedFault::Task(reason)) => {
            shared.lock().platform.dooms.push(reason);
            Delivery::Whole(perform.await)
        }
        Some(InjectedFault::Any(trouble)) => suffer(trouble, |status| refused(&Refusal::fault(status)), perform).await,
    }
}

/// Who asks for what: the call, and the path below the base.
fn admitted<'s>(
    shared: &Shared,
    incoming: &Incoming,
    segments: &'s [&'s str],
    rules: &Behaviour,
) -> Result<(Call, &'s [&'s str]), Refusal> {
    let (below, is_new) = below_base(segments)?;
    let inner = shared.lock();
    let role = inner.access.role(incoming.credential(), inner.clock.ms())?;
    let call = route::call_of(incoming.method.as_str(), below)?;
    call.allowed_to(role)?;
    // Which of the two bases charts are read under is unconfirmed.
    if call.reads_chart() && is_new && rules.old_charts {
        return Err(Refusal::no_path());
    }
    Ok((call, below))
}

/// What a download link leads to: whoever knows it may have the file, for a while.
fn download(shared: &Shared, token: &str) -> Reply {
    let inner = shared.lock();
    match perform_tasks::linked(&inner.platform, token, inner.clock.ms()) {
        Some(file) => Reply { content_type: "application/zip", ..Reply::bytes(200, file) },
        None => Reply::bytes(404, "the link has expired"),
    }
}

/// The path below the base, and whether that is the one in use today.
fn below_base<'s>(segments: &'s [&'s str]) -> Result<(&'s [&'s str], bool), Refusal> {
    match segments {
        ["new", "v2.0", below @ ..] => Ok((below, true)),
        ["v2.0", below @ ..] => Ok((below, false)),
        _ => Err(Refusal::no_path()),
    }
}

/// `reply`, once the state file holds what it tells of; an error where it cannot.
async fn saved(shared: &Shared, reply: Reply) -> Reply {
    match shared.save().await {
        Ok(()) => reply,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            Reply::bytes(500, format!("{error}{cause}"))
        }
    }
}

fn log(shared: &Shared, incoming: &Incoming, trace: Trace, status: Option<u16>) {
    let Trace { call, flow, project, fault } = trace;
    shared.lock().log.add(LoggedRequest {
        seq: 0,
        at_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        method: incoming.method.to_string(),
        path: incoming.target.clone(),
        status,
        call: call.map(Call::as_str),
        flow,
        environment: project,
        fault,
    });
}

//! The wire: every request passes through [`handle`], in the order in which its lines stand.

mod call;
mod control;
mod perform;
mod refuse;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::time::{Instant, sleep};

use super::super::fault::{Delivery, suffer};
use super::super::log::LoggedRequest;
use super::super::wire::{Incoming, KillSwitch, Reply};
use super::fault::{InjectedFault, Subject};
use super::limiter::whole_seconds;
use super::shared::Shared;
use super::world::{Keep, View};
use crate::tenant::Call;

use call::{Asked, Route};
use perform::{Twist, perform, said};
use refuse::BODY_BYTES_MAX;

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
    environment: Option<String>,
    fault: Option<&'static str>,
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<KillSwitch>,
    request: Request,
) -> Response {
    if !shared.reach.covers(&request) {
        return Reply::error(421, "misdirected", MISDIRECTED).into_response();
    }
    let Ok(incoming) = Incoming::read(request, BODY_BYTES_MAX).await else {
        switch.cut();
        return Response::default();
    };
    if let Some((first, rest)) = incoming.segments.split_first()
        && first == "sandbox"
    {
        let reply = control::answer(&mut shared.lock(), &incoming, rest);
        return saved(&shared, reply).await.into_response();
    }
    // A task of its own: a request goes on, as in a real tenant, when its client has lost patience.
    match tokio::spawn(serve_and_log(shared, incoming)).await {
        Ok(delivery) => delivery.into_response(&switch),
        Err(error) => Reply::error(500, "internal", error.to_string()).into_response(),
    }
}

async fn serve_and_log(shared: Arc<Shared>, incoming: Incoming) -> Delivery {
    let _in_flight = shared.enter();
    let mut trace = Trace::default();
    let delivery = serve(&shared, &incoming, &mut trace).await;
    log(&shared, &incoming, trace, &delivery);
    delivery
}

/// Slows, limits, lets in, strikes and performs one request.
async fn serve(shared: &Shared, incoming: &Incoming, trace: &mut Trace) -> Delivery {
    let behaviour = shared.lock().behaviour.clone();
    pause(behaviour.latency).await;
    let route = match Route::of(incoming, &behaviour) {
        Ok(route) => route,
        Err(reply) => return Delivery::Whole(reply),
    };
    trace.call = Some(route.call());
    if let Err(reply) = admit(shared, incoming, route.call()) {
        return Delivery::Whole(reply);
    }
    let asked = route.asked(incoming);
    if let Ok(asked) = &asked {
        (trace.flow, trace.environment) = asked.subject();
    }
    let subject =
        Subject { call: route.call(), flow: trace.flow.as_deref(), environment: trace.environment.as_deref() };
    let fault = shared.lock().faults.strike(subject);
    trace.fault = fault.as_ref().map(InjectedFault::name);
    let doing = Doing { shared, asked: &asked };
    match fault {
        None => Delivery::Whole(doing.perform(&Twist::NONE).await),
        Some(fault) => doing.perform_with(fault, route.call()).await,
    }
}

/// The rate limit, then the credential. The token endpoint has neither.
fn admit(shared: &Shared, incoming: &Incoming, call: Call) -> Result<(), Reply> {
    if call == Call::Token {
        return Ok(());
    }
    let now = Instant::now();
    let mut inner = shared.lock();
    inner.take_from_bucket(now).map_err(|wait| Reply::throttled(whole_seconds(wait)))?;
    Ok(inner.access.check(incoming.credential(), call.scope(), now)?)
}

/// A request that was let in.
struct Doing<'a> {
    shared: &'a Shared,
    asked: &'a Result<Asked, Reply>,
}

impl Doing<'_> {
    async fn perform(&self, twist: &Twist) -> Reply {
        let reply = match self.asked {
            Ok(asked) => perform(&mut self.shared.lock(), asked, twist, Instant::now()),
            Err(reply) => reply.clone(),
        };
        saved(self.shared, reply).await
    }

    async fn keep(&self, keep: Keep) -> Delivery {
        Delivery::Whole(self.perform(&Twist { keep, ..Twist::NONE }).await)
    }

    async fn view(&self, view: View) -> Delivery {
        Delivery::Whole(self.perform(&Twist { view, ..Twist::NONE }).await)
    }

    async fn perform_with(&self, fault: InjectedFault, call: Call) -> Delivery {
        match fault {
            InjectedFault::Refuse { status, message, violations } => {
                Delivery::Whole(Reply::violations(status, message, &violations))
            }
            InjectedFault::Any(trouble) => {
                let said = |status| Reply::error(status, "fault", "answered by the fault plan");
                suffer(trouble, said, self.perform(&Twist::NONE)).await
            }
            InjectedFault::Say(verdict) if call == Call::Status => Delivery::Whole(said(&verdict)),
            InjectedFault::Say(verdict) => self.keep(Keep::AndSay(verdict)).await,
            InjectedFault::Ignore => self.keep(Keep::Not).await,
            InjectedFault::Mutate => self.keep(Keep::Changed).await,
            InjectedFault::Normalise => self.keep(Keep::Normalised).await,
            InjectedFault::Neighbour => self.keep(Keep::AndNeighbour).await,
            InjectedFault::Stale => self.view(View::Stale).await,
            InjectedFault::Short => self.view(View::Short).await,
        }
    }
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

/// `reply`, once the state file holds what it tells of; an error where it cannot.
async fn saved(shared: &Shared, reply: Reply) -> Reply {
    match shared.save().await {
        Ok(()) => reply,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            Reply::error(500, "state_file", format!("{error}{cause}"))
        }
    }
}

fn log(shared: &Shared, incoming: &Incoming, trace: Trace, delivery: &Delivery) {
    let Trace { call, flow, environment, fault } = trace;
    let status = delivery.status();
    let at_ms = u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let method = incoming.method.to_string();
    let path = incoming.target.clone();
    let call = call.map(Call::as_str);
    shared.lock().log.add(LoggedRequest { seq: 0, at_ms, method, path, status, call, flow, environment, fault });
}

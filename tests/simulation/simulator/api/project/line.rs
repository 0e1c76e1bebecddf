//! The line between flowsync's client and the project: what happens to each request, and what it changes.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowsync::flow::FlowId;
use flowsync::tenant::sandbox::cognigy_rest::{Answer, Handle, PROJECT, Request};
use flowsync::tenant::{Answering, Call, InsideAnswer, InsideRequest, InsideServer, NoAnswer};
use tokio::time::{Instant, sleep};

use super::super::super::faults::{Fault, Happening, Op};
use super::super::super::script::{DOZE, Script};
use super::Project;
use super::trouble::{RequestFault, is_request_for_content, writes};

/// One process's line.
pub struct Line {
    project: Project,
    script: Mutex<Option<Arc<Script>>>,
    /// What was asked for above the seam and has written nothing so far.
    asked: Mutex<BTreeMap<FlowId, Asked>>,
}

/// A call above the seam.
pub struct Asked {
    pub call: Call,
    pub body: Option<Vec<u8>>,
    pub at: Instant,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl InsideServer for Line {
    fn answer(&self, request: InsideRequest) -> Answering<'_> {
        Box::pin(self.answered(request))
    }
}

impl Line {
    pub fn new(project: Project) -> Self {
        Self { project, script: Mutex::default(), asked: Mutex::default() }
    }

    /// Requests are those of this run from now on.
    pub fn lead(&self, script: Arc<Script>) {
        *self.script.lock().unwrap() = Some(script);
        self.asked.lock().unwrap().clear();
    }

    /// A call above the seam begins.
    pub fn begin(&self, flow: &FlowId, asked: Asked) {
        self.asked.lock().unwrap().insert(flow.clone(), asked);
    }

    /// It ended; whether it has written nothing.
    pub fn end(&self, flow: &FlowId) -> bool {
        self.asked.lock().unwrap().remove(flow).is_some()
    }

    async fn answered(&self, request: InsideRequest) -> Result<InsideAnswer, NoAnswer> {
        let script = self.script.lock().unwrap().clone().unwrap();
        script.tells_the_time();
        // Signing in, and files, whose links anybody may follow.
        let Some(call) = Handle::call_of(&request.method, &request.target) else {
            return self.pass_on(request, &script).await;
        };
        let is_write = is_request_for_content(call);
        if is_write {
            self.announce(&script, call, &request);
        }
        let fault = script.decide(Op::Request(call));
        if fault.is_some() {
            script.world().say(|| format!("{}: {} {}", script.holder, request.method, request.target));
        }
        let way = self.suffer(fault, call, request, &script);
        if is_write { script.under_way(way).await } else { way.await }
    }

    async fn suffer(
        &self,
        fault: Option<Fault>,
        call: &'static str,
        request: InsideRequest,
        script: &Arc<Script>,
    ) -> Result<InsideAnswer, NoAnswer> {
        use RequestFault as F;
        let latency = script.latency_of_one();
        if !latency.is_zero() {
            sleep(latency).await;
        }
        match fault {
            Some(Fault::CrashBefore) => pending().await,
            Some(Fault::CrashAfter) => {
                _ = self.pass_on(request, script).await;
                return pending().await;
            }
            Some(Fault::Happens(Happening::Sleeps { .. })) if !writes(call) => sleep(DOZE).await,
            Some(Fault::Request(fault)) => match fault {
                F::Slow(time) => sleep(time).await,
                F::NotSent => return Err(NoAnswer::NotSent),
                F::LostBefore => return Err(NoAnswer::Lost),
                F::LostAfter => {
                    _ = self.pass_on(request, script).await;
                    return Err(NoAnswer::Lost);
                }
                F::Unavailable => return Ok(answer(503, "out of service")),
                F::UnavailableAfter => {
                    _ = self.pass_on(request, script).await;
                    return Ok(answer(502, "bad gateway"));
                }
                F::Throttled { says } => {
                    let said = says.then(|| ("retry-after".to_owned(), "7".to_owned()));
                    return Ok(InsideAnswer { headers: said.into_iter().collect(), ..answer(429, "too many") });
                }
                F::Refused => return Ok(answer(if writes(call) { 400 } else { 403 }, "no, thank you")),
                F::Garbage => {
                    _ = self.pass_on(request, script).await;
                    return Ok(answer(200, "<html>"));
                }
                F::KeptBack => return Ok(answer(200, "<html>")),
                F::TaskFails => self.project.handle().fail_next_task("the worker went away"),
                F::TaskSlow(time) => return self.pass_on_slowly(request, time, script).await,
            },
            _ => {}
        }
        self.pass_on(request, script).await
    }

    /// The task that a request starts takes its time.
    async fn pass_on_slowly(
        &self,
        request: InsideRequest,
        time: Duration,
        script: &Arc<Script>,
    ) -> Result<InsideAnswer, NoAnswer> {
        let set = |time: Duration| {
            let mut before = Duration::ZERO;
            self.project.handle().change(|behaviour| before = std::mem::replace(&mut behaviour.task_time, time));
            before
        };
        let usual = set(time);
        let answer = self.pass_on(request, script).await;
        set(usual);
        answer
    }

    /// The request takes effect.
    async fn pass_on(&self, request: InsideRequest, script: &Arc<Script>) -> Result<InsideAnswer, NoAnswer> {
        script.world().see_changes();
        let InsideRequest { method, target, headers, body } = request;
        let answer = self.project.handle().ask(Request { method, target, headers, body }).await;
        script.world().see_changes();
        let Answer { status, headers, body } = answer.ok_or(NoAnswer::Lost)?;
        Ok(InsideAnswer { status, headers, body })
    }

    /// Something in flows is about to be changed: may it be?
    fn announce(&self, script: &Arc<Script>, call: &'static str, request: &InsideRequest) {
        let id = self.subject(call, &request.target);
        script.world().see_changes();
        self.project.look().is_asked_for(id.as_ref(), script);
        if let Some(id) = &id
            && let Some(Asked { call, body, at }) = self.asked.lock().unwrap().remove(id)
        {
            return script.world().asked_at(script, call, id, body.as_deref(), at);
        }
        script.world().requested(script, call, id.as_ref());
    }

    /// The flow that a request is about; none where it is no flow of anybody's.
    fn subject(&self, call: &str, target: &str) -> Option<FlowId> {
        let id = target.trim_start_matches("/new/v2.0/").split(['/', '?']).nth(1)?;
        match call {
            "createFlow" => None,
            "mergePackage" => {
                let references = self.project.handle().package_flows(PROJECT, id).unwrap_or_default();
                references.first().and_then(|reference| flow_of(reference))
            }
            _ => self.project.look().by_id(id),
        }
    }
}

fn flow_of(reference: &str) -> Option<FlowId> {
    format!("flow_{}", reference.replace('-', "")).parse().ok()
}

fn answer(status: u16, body: &str) -> InsideAnswer {
    InsideAnswer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

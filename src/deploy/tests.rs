//! Deployments over a tenant in memory: flows as `b2>a` (flow `b`, second edition, which needs `a`), outcomes as words.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Beside, Deployer, Journal, Looked, Looks, Pushed, Restored, Standing, Undo};
use crate::clock::SystemClock;
use crate::flow::{Comparison, Definition, EnvironmentId, FlowId};
use crate::index::{FlowIndex, LiveReader};
use crate::local::{MemoryState, StateFault, StateHook, StateWrite};
use crate::plan::{Change, Desired, DesiredFlow, Last, Live, Policy, plan};
use crate::record::audit::parse;
use crate::shutdown::Shutdown;
use crate::tenant::memory::{MemoryClient, MemoryTenant, TenantFault, TenantHook};
use crate::tenant::{Call, CallLimits, StartLimit, Tenant as _};

fn target() -> EnvironmentId {
    EnvironmentId("env".to_owned())
}

fn id(name: &str) -> FlowId {
    format!("flow_{name}").parse().unwrap()
}

/// `b2>a,c`: a flow's text.
fn text(flow: &str) -> String {
    let (head, needs) = flow.split_once('>').unwrap_or((flow, ""));
    let (name, edition) = head.split_at(1);
    let needs: Vec<String> = needs
        .split(',')
        .filter(|need| !need.is_empty())
        .map(|need| format!(r#"{{"type":"flow","id":"flow_{need}","environmentId":"env"}}"#))
        .collect();
    format!(
        r#"{{"id":"flow_{name}","name":"{edition}","version":"1.{edition}.0","externalReferences":[{}]}}"#,
        needs.join(",")
    )
}

fn definition(flow: &str) -> Arc<Definition> {
    Arc::new(Definition::from_file(Arc::from(text(flow).as_bytes()), &Comparison::default()).unwrap())
}

/// What goes wrong, each once: at the first such call about a flow.
#[derive(Default)]
struct Faults(Mutex<Vec<(Call, FlowId, TenantFault)>>);

impl TenantHook for Faults {
    fn next(&self, call: Call, flow: Option<&FlowId>, _: Option<&[u8]>) -> TenantFault {
        let mut faults = self.0.lock().unwrap();
        let found = faults.iter().position(|(at, id, _)| *at == call && Some(id) == flow);
        found.map_or(TenantFault::None, |found| faults.remove(found).2)
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(10)
    }

    fn wrote(&self, _: Call, _: &FlowId, _: Option<&[u8]>) {}

    fn dangled(&self, flow: &FlowId, missing: &str) {
        panic!("{flow} was written before {missing}, which it needs");
    }
}

/// A disk to which nothing can be appended.
struct Full;

impl StateHook for Full {
    fn next(&self, write: StateWrite) -> StateFault {
        if write == StateWrite::Append { StateFault::Fails(ErrorKind::StorageFull) } else { StateFault::None }
    }
}

/// One deployment.
struct Case {
    tenant: MemoryTenant,
    changes: Vec<Change>,
    faults: Vec<(Call, FlowId, TenantFault)>,
    lease: StartLimit,
    disk: MemoryState,
}

impl Case {
    /// From what is live, all of it managed, to what git has.
    async fn new(live: &str, git: &str) -> Self {
        let tenant = MemoryTenant::default();
        live.split_whitespace().for_each(|flow| tenant.edit(&target(), text(flow).as_bytes()));
        let reader = LiveReader::new(FlowIndex::in_memory(Arc::default()));
        let client = MemoryClient::new(tenant.clone(), Arc::new(()));
        let limits = CallLimits::before_deployment();
        let export = client.export(&target(), &reader, &limits).await.unwrap();
        let last = live.split_whitespace().map(definition).map(|flow| (flow.id.clone(), flow.equality_hash));
        let last = Last { flows: last.collect(), ..Last::default() };
        let live = Live { flows: export.flows, foreign: Vec::new() };
        let desired = |flow: &str| {
            let definition = definition(flow);
            let path = format!("{}.json", definition.id);
            (definition.id.clone(), DesiredFlow { definition, path, origin: None, overlay: None })
        };
        let desired = Desired { flows: git.split_whitespace().map(desired).collect(), unread: BTreeSet::new() };
        let changes = plan(&desired, &live, &last, Policy::strict(&target())).unwrap().changes;
        let lease = StartLimit::at(Instant::now() + Duration::from_secs(600));
        Self { tenant, changes, faults: Vec::new(), lease, disk: MemoryState::default() }
    }

    fn failing(mut self, call: Call, flow: &str, fault: TenantFault) -> Self {
        self.faults.push((call, id(flow), fault));
        self
    }

    /// What is live, as a word each.
    fn live(&self) -> String {
        let shown = |(id, raw): (FlowId, Arc<[u8]>)| {
            let flow = Definition::from_live(&raw, &Comparison::default()).unwrap();
            let needs: Vec<&str> =
                flow.references.iter().map(|reference| reference.id.trim_start_matches("flow_")).collect();
            let needs = if needs.is_empty() { String::new() } else { format!(">{}", needs.join(",")) };
            format!("{}{}{needs}", id.as_str().trim_start_matches("flow_"), flow.name)
        };
        self.tenant.flows(&target()).into_iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// Pushes, and takes back what was touched where that fails: how each flow fared on both ways, with the trail.
    async fn run(&self) -> (String, String, Vec<String>) {
        let client = MemoryClient::new(self.tenant.clone(), Arc::new(Faults(Mutex::new(self.faults.clone()))));
        let journal = Journal::new(Arc::new(self.disk.clone()), Arc::new(SystemClock), "production", "d1", None);
        let (_stop, stopped) = watch::channel(false);
        let (shutdown, beside) = (Shutdown::default(), Beside::of(std::iter::empty(), &self.changes));
        let progress: super::Progress = Arc::new(|_: super::ProgressStep<'_>| {});
        let now = Instant::now();
        let deployer = Deployer {
            tenant: &client,
            target: &target(),
            reader: LiveReader::new(FlowIndex::in_memory(Arc::default())),
            journal: &journal,
            limits: CallLimits { lease: self.lease.clone(), give_up_at: now + Duration::from_secs(900) },
            concurrency: 4,
            verify_timeout: Duration::from_secs(3),
            stop: stopped,
            looks: Looks::planned(Looked { began: now, took: Duration::from_secs(1) }),
            beside: &beside,
            disown: Box::new(|_| Box::pin(std::future::ready(Ok(())))),
            shutdown: &shutdown,
            progress: &progress,
        };
        let pushed = deployer.push(&self.changes, &Standing::default()).await;
        let there = words(pushed.flows.iter().map(|(id, pushed)| (id, word_of(pushed))));
        let is_touched = |change: &&Change| matches!(pushed.flows[&change.id], Pushed::Done { .. } | Pushed::Failed(_));
        let undo = |change: &Change| Undo::of(change, pushed.flows[&change.id].existed());
        let undos: Vec<Undo> = self.changes.iter().filter(is_touched).map(undo).collect();
        let back = if pushed.is_complete() { None } else { Some(deployer.restore(&undos).await) };
        let back = back.map(|back| words(back.flows.iter().map(|(id, back)| (id, word_back(back)))));
        let records = parse(&journal.snapshot().0).unwrap();
        let trail = records.iter().map(|it| format!("{} {}", it.text("event"), it.text("flow")).trim_end().to_owned());
        (there, back.unwrap_or_default(), trail.collect())
    }
}

fn words<'a>(flows: impl Iterator<Item = (&'a FlowId, &'static str)>) -> String {
    let word = |(id, word): (&FlowId, &str)| format!("{}:{word}", id.as_str().trim_start_matches("flow_"));
    flows.map(word).collect::<Vec<_>>().join(" ")
}

fn word_of(pushed: &Pushed) -> &'static str {
    match pushed {
        Pushed::Done { existed: true } => "somebody's",
        Pushed::Done { existed: false } => "done",
        Pushed::Failed(_) => "failed",
        Pushed::Unsent(_) => "unsent",
        Pushed::NotAttempted => "-",
    }
}

fn word_back(restored: &Restored) -> &'static str {
    match restored {
        Restored::Untouched => "untouched",
        Restored::Done => "restored",
        Restored::Not(_) => "not",
    }
}

/// How a deployment fares that nothing goes wrong with but `fault`, and what is live in the end.
async fn check(live: &str, git: &str, fault: Option<(Call, &str, TenantFault)>, fared: &str, back: &str, end: &str) {
    let mut case = Case::new(live, git).await;
    if let Some((call, flow, fault)) = fault {
        case = case.failing(call, flow, fault);
    }
    let (pushed, restored, trail) = case.run().await;
    assert_eq!((&*pushed, &*restored, &*case.live()), (fared, back, end), "{live} -> {git}, {fault:?}: {trail:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_needed_comes_first_and_goes_last() {
    check("", "a1 b1>a c1>b", None, "a:done b:done c:done", "", "a1 b1>a c1>b").await;
    check("a1 b1>a", "a2", None, "a:done b:done", "", "a2").await;
    check("a1>b b1>a", "", None, "a:done b:done", "", "").await;
    check("", "a1>b b1>c c1>a", None, "a:done b:done c:done", "", "a1>b b1>c c1>a").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_takes_back_what_was_touched_and_begins_nothing_more() {
    let refused = |call, flow| Some((call, flow, TenantFault::Refused));
    check("a1", "a2 b1>a c1>b", refused(Call::Import, "b"), "a:done b:failed c:-", "a:restored b:untouched", "a1")
        .await;
    check("a1 b1", "a2", refused(Call::Delete, "b"), "a:done b:failed", "a:restored b:untouched", "a1 b1").await;
    let failed = Some((Call::Import, "a", TenantFault::StatusFailed));
    check("a1", "a2 b1>a", failed, "a:failed b:-", "a:restored", "a1").await;
}

#[tokio::test(start_paused = true)]
async fn the_verdict_is_what_is_read_back() {
    let lost = Some((Call::Import, "a", TenantFault::LostOnce));
    check("", "a1", lost, "a:done", "", "a1").await;
    let corrupt = Some((Call::Import, "b", TenantFault::Corrupt));
    check("a1 b1", "a2 b2", corrupt, "a:done b:failed", "a:restored b:restored", "a1 b1").await;
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_somebody_created_meanwhile_stays() {
    let case = Case::new("", "a1 b1>a").await.failing(Call::Import, "b", TenantFault::Refused);
    case.tenant.edit(&target(), text("a9").as_bytes());
    let (pushed, restored, _) = case.run().await;
    assert_eq!((&*pushed, &*restored), ("a:somebody's b:failed", "a:not b:untouched"));
    assert_eq!(case.live(), "a1", "what was overwritten of it stands in the record, and nobody deletes it");
}

#[tokio::test(start_paused = true)]
async fn an_intent_stands_before_every_write_and_without_one_nothing_is_written() {
    let case = Case::new("a1", "a2 b1>a").await;
    let (_, _, trail) = case.run().await;
    let order = ["intent flow_a", "outcome flow_a", "intent flow_b", "outcome flow_b", "verified"];
    assert_eq!(trail, order);
    let mut case = Case::new("a1", "a2 b1>a").await;
    case.disk = MemoryState::default().through(Arc::new(Full));
    let (pushed, restored, _) = case.run().await;
    assert_eq!((&*pushed, &*restored, &*case.live()), ("a:unsent b:-", "", "a1"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_once_the_lease_is_over() {
    let mut case = Case::new("a1", "a2").await;
    case.lease = StartLimit::at(Instant::now());
    tokio::time::advance(Duration::from_secs(1)).await;
    let n_writes = case.tenant.n_writes();
    let (pushed, _, _) = case.run().await;
    assert_eq!((&*pushed, &*case.live(), case.tenant.n_writes()), ("a:failed", "a1", n_writes));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_between_two_writes_leaves_the_rest_to_whoever_holds_the_next() {
    // How each flow fared, on the way back too; what is live; how many were written and announced.
    let mut ends = Vec::new();
    for millis in (0..400).step_by(5) {
        let mut case = Case::new("a1 b1>a c1>b", "a2 b2>a c2>b").await;
        let n_before = case.tenant.n_writes();
        case.lease = StartLimit::at(Instant::now() + Duration::from_millis(millis));
        let (pushed, restored, trail) = case.run().await;
        let n_intents = trail.iter().filter(|line| line.starts_with("intent")).count();
        let end =
            format!("{pushed} | {restored} | {} | {} {n_intents}", case.live(), case.tenant.n_writes() - n_before);
        if ends.last() != Some(&end) {
            ends.push(end);
        }
    }
    insta::assert_snapshot!(ends.join("\n"), @r"
    a:failed b:- c:- | a:not | a2 b1>a c1>b | 1 1
    a:done b:failed c:- | a:not b:not | a2 b1>a c1>b | 1 2
    a:done b:failed c:- | a:not b:not | a2 b2>a c1>b | 2 2
    a:done b:done c:failed | a:not b:not c:not | a2 b2>a c1>b | 2 3
    a:done b:done c:failed | a:not b:not c:not | a2 b2>a c2>b | 3 3
    a:done b:done c:done | a:not b:not c:not | a2 b2>a c2>b | 3 3
    a:done b:done c:done |  | a2 b2>a c2>b | 3 3
    ");
}

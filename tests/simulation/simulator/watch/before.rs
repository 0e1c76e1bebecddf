//! A request that changes the tenant is about to be made: may it be?

use std::sync::Arc;
use std::sync::atomic::Ordering;

use flowsync::deploy::{LOOK_AGE, LOOK_SHARE};
use flowsync::flow::{ContentHash, Definition, FlowId, without_raw_references};
use flowsync::format::Format;
use flowsync::local::LocalState;
use flowsync::record::{FlowAction, Manifest, ManifestFlow, Status};
use flowsync::tenant::Call;
use serde_json::Value;
use tokio::time::Instant;

use super::super::invariant::Invariant;
use super::super::script::Script;
use super::super::world::{World, reaches};
use super::Notes;

/// One request, and what git says of its flow.
struct Request<'a> {
    script: &'a Script,
    manifest: &'a Manifest,
    call: Call,
    id: &'a FlowId,
    /// Nothing: the deployment does not change the flow.
    flow: Option<&'a ManifestFlow>,
    body: Option<Definition>,
    /// When it was decided on.
    at: Instant,
    /// This machine's journal of the deployment.
    journal: String,
    /// It could not be written: what is taken back then is announced in memory.
    is_unwritten: bool,
    /// Where the deployment stands for this process: `restoring` may be on the disk alone, where git is away.
    status: Status,
}

impl Request<'_> {
    /// Whether the request was announced, for the target with its hash or for a delete, before the journal failed: such
    /// a write comes to its end.
    fn was_under_way(&self) -> bool {
        let hash = self.flow.and_then(|flow| flow.content_hash);
        let is_target = hash.is_some() && hash == self.body.as_ref().map(|body| body.content_hash);
        let about = format!("\"flow\":\"{}\"", self.id);
        let newest = self.journal.lines().rev().find(|line| line.contains(&about)).unwrap_or_default();
        let is_delete = self.call == Call::Delete && self.flow.is_some_and(|flow| flow.action == FlowAction::Delete);
        let tells = |what: &str| newest.contains("\"event\":\"intent\"") && newest.contains(what);
        let is_announced = match hash.filter(|_| is_target) {
            Some(hash) => tells(&hash.to_string()),
            None => is_delete && tells("\"call\":\"delete\""),
        };
        self.is_unwritten && is_announced
    }
}

impl World {
    /// A request that changes the tenant is about to be made.
    pub fn asked(&self, script: &Script, call: Call, id: &FlowId, body: Option<&[u8]>) {
        self.asked_at(script, call, id, body, Instant::now());
    }

    /// The same, decided on at an earlier moment.
    pub fn asked_at(&self, script: &Script, call: Call, id: &FlowId, body: Option<&[u8]>, at: Instant) {
        self.say(|| format!("{}: {call} {id}", script.holder));
        let Some(manifest) = self.check_holder(script, &format!("{call} of {id}")) else { return };
        self.check_lease(&manifest, &format!("{call} of {id}"));
        let flow = manifest.flows.iter().find(|flow| flow.id == *id && flow.action != FlowAction::None);
        let body = body.and_then(|body| Definition::from_live(body, &self.comparison).ok());
        let journal = self.journal(script, &manifest);
        let is_unwritten = script.knows().unwritten.contains(manifest.deployment_id.as_str());
        let is_taken_back = is_unwritten || is_taken_back(&journal);
        let status = if is_taken_back { Status::Restoring } else { manifest.status() };
        let request = Request { script, manifest: &manifest, call, id, flow, body, at, journal, is_unwritten, status };
        let status = if request.was_under_way() { manifest.status() } else { status };
        let request = Request { status, ..request };
        self.note_first(&request);
        self.check_journal(&request);
        self.check_looked(&request);
        self.check_kept(&request);
        match call {
            Call::Delete => self.check_delete(&request),
            _ => self.check_written(&request),
        }
        self.notes().asked_for.insert(id.clone(), manifest.deployment_id.clone());
        self.notes().asked.insert((manifest.deployment_id.clone(), id.clone()));
    }

    /// A flow's status is asked for: by now git knows of a flow that was somebody else's.
    pub fn asked_status(&self, script: &Script, id: &FlowId) {
        let Some(manifest) = self.pushed_manifest() else { return };
        let is_foreign = script.knows().foreign.contains(&(manifest.deployment_id.clone(), id.clone()));
        if is_foreign && !manifest.flows.iter().any(|flow| flow.id == *id && flow.existed) {
            self.violated(Invariant::SomebodysStays, format!("{id} was there, and git was not told before going on"));
        }
    }

    fn note_first(&self, request: &Request<'_>) {
        let Request { script, manifest, id, .. } = request;
        let key = (manifest.deployment_id.clone(), (*id).clone());
        let is_first = !self.notes().has_written(&manifest.deployment_id, id);
        let first = &mut script.knows().first;
        _ = if is_first { first.insert(key) } else { first.remove(&key) };
    }

    /// The newest record of a flow in this machine's journal is the intent, or that the change of it begins.
    fn check_journal(&self, request: &Request<'_>) {
        let Request { call, id, journal, .. } = request;
        let about = format!("\"flow\":\"{id}\"");
        let newest = journal.lines().rev().find(|line| line.contains(&about)).unwrap_or_default();
        let kind = self.api.announced_by().as_str();
        let is_announced =
            newest.contains(&format!("\"event\":\"{kind}\"")) && newest.contains(&format!("\"call\":\"{call}\""));
        if !is_announced && !request.is_unwritten {
            let how = format!("{call} of {id} has no {kind} record before it, only: {newest}");
            self.violated(Invariant::IntentFirst, how);
        }
    }

    fn journal(&self, script: &Script, manifest: &Manifest) -> String {
        let journal = script.disk.read_journal(manifest.deployment_id.as_str()).ok().flatten();
        String::from_utf8(journal.unwrap_or_default()).unwrap_or_default()
    }

    /// A flow appears or goes on the strength of a look that is new and showed it so.
    fn check_looked(&self, request: &Request<'_>) {
        let Request { script, manifest, id, flow, status, at, .. } = request;
        let Some(flow) = flow.filter(|flow| matches!(flow.action, FlowAction::Create | FlowAction::Delete)) else {
            return;
        };
        let key = (manifest.deployment_id.clone(), (*id).clone());
        // One that was untied is deleted as what it was made.
        let is_untied = flow.action == FlowAction::Delete && self.notes().asked.contains(&key);
        let is_first = *status == Status::Deploying && !self.may_have_written(manifest, id) && !is_untied;
        if !is_first || flow.existed {
            return;
        }
        let mut knows = script.knows();
        // A request may have waited for the lease since then.
        let is_new = knows.shown.as_ref().is_some_and(|shown| {
            at.saturating_duration_since(shown.asked) <= LOOK_AGE.max(shown.took * LOOK_SHARE)
                || knows.renewed.is_some_and(|renewed| renewed >= shown.asked)
        });
        if !is_new {
            self.violated(
                Invariant::LookedFirst,
                format!("{id} is to {:?}, and was not looked at just before", flow.action),
            );
        }
        if flow.action == FlowAction::Create && knows.shown_of(id).is_some() {
            knows.foreign.insert((manifest.deployment_id.clone(), (*id).clone()));
            self.violated(Invariant::LookedFirst, format!("{id} is created as if it were not there, and was seen"));
        }
    }

    /// Whether the deployment has written the flow, under this name or, where somebody forged that, another.
    pub(super) fn may_have_written(&self, manifest: &Manifest, id: &FlowId) -> bool {
        let notes = self.notes();
        let by_any = || notes.written.iter().any(|(_, other, _)| other == id);
        notes.has_written(&manifest.deployment_id, id) || self.forged.load(Ordering::Relaxed) && by_any()
    }

    /// What this process has seen live of the flow is in git, in the audit record, or its deployment's own.
    fn check_kept(&self, request: &Request<'_>) {
        let Request { script, manifest, call, id, flow, journal, .. } = request;
        let Some(raw) = script.knows().shown_of(id).cloned() else { return };
        let Some(seen) = Definition::from_live(&raw, &self.comparison).ok().map(|seen| seen.content_hash) else {
            return;
        };
        let in_git = flow.is_some_and(|flow| {
            let last = flow.last_flow().map(|last| last.content_hash);
            [flow.content_hash, flow.previous_hash, last].contains(&Some(seen))
        });
        let ours = (manifest.deployment_id.clone(), (*id).clone(), Some(seen));
        if in_git || request.is_unwritten || self.notes().written.contains(&ours) {
            return;
        }
        let kept = |line: &str| {
            line.contains("\"event\":\"overwritten\"")
                && line.contains(&format!("\"flow\":\"{id}\""))
                && line.contains(&seen.to_string())
        };
        if !journal.lines().any(kept) {
            self.violated(Invariant::Kept, format!("{call} of {id}, which was seen as {seen}, and is kept nowhere"));
        }
    }

    fn check_delete(&self, request: &Request<'_>) {
        let Request { script, manifest, id, flow, journal, status, .. } = request;
        let action = flow.map(|flow| flow.action);
        let is_meant = match (status, action) {
            (Status::Restoring, Some(FlowAction::Create)) => self.may_be_its_own(manifest, id),
            (Status::Deploying, Some(FlowAction::Delete)) => self.is_dropped(manifest, id),
            _ => false,
        };
        if !is_meant {
            let how = format!("delete of {id} ({action:?}) while {} is {status}", manifest.deployment_id);
            self.violated(Invariant::DeletesMeant, how);
        }
        let is_asked = self.notes().asked.contains(&(manifest.deployment_id.clone(), (*id).clone()));
        let foreign = self.notes().somebodys.contains::<FlowId>(id) && action == Some(FlowAction::Create);
        let is_told = script.knows().foreign.contains(&(manifest.deployment_id.clone(), (*id).clone()))
            || flow.is_some_and(|flow| flow.existed)
            || journal.lines().any(|line| tells_existed(line, id));
        if foreign && is_told {
            self.violated(Invariant::SomebodysStays, format!("delete of {id}, which somebody else had created"));
        }
        // Who lost the trail takes what is live as the commit has it for the deployment's own.
        if foreign && !is_asked && !self.is_target(request) {
            self.violated(Invariant::SomebodysStays, format!("delete of {id}, for which no request had been made"));
        }
        if *status == Status::Deploying {
            self.check_dependents(manifest, id);
        }
    }

    /// Whether a flow is live as the deployment would leave it, but for references.
    fn is_target(&self, request: &Request<'_>) -> bool {
        let text = request.flow.and_then(|flow| self.remote.blob(flow.blob.as_ref()?));
        let live = self.live(request.id);
        text.zip(live).is_some_and(|(text, live)| is_same_but_references(&text, &live))
    }

    /// Whether the deployment can have created the flow. Where nobody forges records, it says so itself; what
    /// somebody created meanwhile looks like its own.
    fn may_be_its_own(&self, manifest: &Manifest, id: &FlowId) -> bool {
        let is_written = self.notes().has_written(&manifest.deployment_id, id);
        let ended = self.newest_ended.lock().unwrap().clone().and_then(|commit| self.manifest_at(&commit));
        let is_managed = ended.is_some_and(|ended| ended.last_flows().contains_key(id));
        is_written || !is_managed || self.drifted_since(id, None) || !self.forged.load(Ordering::Relaxed)
    }

    /// Whether this process takes the newest deployment back, whether git says so or not.
    pub(super) fn is_taking_back(&self, script: &Script) -> bool {
        let Some(manifest) = self.pushed_manifest() else { return false };
        let is_unwritten = script.knows().unwritten.contains(manifest.deployment_id.as_str());
        is_unwritten || is_taken_back(&self.journal(script, &manifest))
    }

    /// The commit holds the flow no more, and a deployment has left it live.
    fn is_dropped(&self, manifest: &Manifest, id: &FlowId) -> bool {
        let Some(commit) = &manifest.source.commit else { return false };
        let known = self.notes().commits.get(commit).cloned();
        let flows = known.unwrap_or_else(|| {
            let flows = Arc::new(self.flows_at(commit).into_keys().collect());
            self.notes().commits.insert(commit.clone(), Arc::clone(&flows));
            flows
        });
        let is_left = manifest.flows.iter().any(|flow| flow.id == *id && flow.last.is_some());
        !flows.contains(id) && is_left
    }

    /// Nothing that is about to be deleted too still needs the flow.
    fn check_dependents(&self, manifest: &Manifest, id: &FlowId) {
        for other in manifest.flows.iter().filter(|flow| flow.action == FlowAction::Delete && flow.id != *id) {
            let needs = self
                .live(&other.id)
                .is_some_and(|live| live.references.iter().any(|reference| reference.id == id.as_str()));
            if needs && !self.was_in_a_cycle(manifest, id, &other.id) && !self.drifted_since_begun(manifest, &other.id)
            {
                self.violated(Invariant::NeededFirst, format!("{id} is deleted while {} needs it", other.id));
            }
        }
    }

    /// Whether two flows that a deployment deletes needed each other when it began. A tenant that takes what leads nowhere
    /// takes members of a cycle in any order, and a jump from one to the other is nothing that can be untied first; once
    /// one of them is gone, what is live shows no cycle any more.
    fn was_in_a_cycle(&self, manifest: &Manifest, one: &FlowId, other: &FlowId) -> bool {
        if self.api.format() != Format::CognigyFlow {
            return false;
        }
        let before = |flow: &ManifestFlow| {
            let text = self.remote.blob(flow.before.as_ref()?)?;
            let references = Definition::from_live(&text, &self.comparison).ok()?.references;
            Some((flow.id.clone(), references.into_iter().map(|reference| reference.id).collect()))
        };
        let deleted = manifest.flows.iter().filter(|flow| flow.action == FlowAction::Delete);
        let needs = deleted.filter_map(before).collect();
        reaches(&needs, one, other) && reaches(&needs, other, one)
    }

    /// Whether somebody has edited a flow by hand since a deployment began; at any time, of one whose beginning nobody saw.
    pub(super) fn drifted_since_begun(&self, manifest: &Manifest, id: &FlowId) -> bool {
        let begun = self.notes().begun.get(&manifest.deployment_id).copied();
        self.drifted_since(id, begun)
    }

    fn check_written(&self, request: &Request<'_>) {
        let Request { manifest, call, id, flow, body, status, .. } = request;
        let Some(flow) = flow else {
            let how = format!("{call} of {id}, which {} does not change", manifest.deployment_id);
            return self.violated(Invariant::AsCommitted, how);
        };
        let Some(body) = body else { return };
        if *status == Status::Deploying && flow.content_hash == Some(body.content_hash) {
            self.check_order(manifest, body);
        }
        let (wanted, text) = match (status, flow.action) {
            (Status::Deploying, FlowAction::Create | FlowAction::Update) => (flow.content_hash, &flow.blob),
            (Status::Restoring, FlowAction::Create) => (flow.content_hash, &flow.blob),
            (Status::Deploying | Status::Restoring, _) => (flow.previous_hash, &flow.before),
            _ => (None, &None),
        };
        let blob = || text.as_ref().and_then(|blob| self.remote.blob(blob));
        if wanted != Some(body.content_hash) && !blob().is_some_and(|text| is_same_but_references(&text, body)) {
            let how = format!("{call} of {id} with {}, expected {wanted:?}", body.content_hash);
            self.violated(Invariant::AsCommitted, how);
        }
    }

    /// Everything a flow needs and that the deployment writes too was written before, except in a cycle.
    fn check_order(&self, manifest: &Manifest, definition: &Definition) {
        let flow = |id: &FlowId| manifest.flows.iter().find(|flow| flow.id == *id && flow.action != FlowAction::None);
        for needed in manifest.dependency_graph.get(&definition.id).into_iter().flatten() {
            let Ok(needed) = needed.parse::<FlowId>() else { continue };
            let Some(hash) = flow(&needed).and_then(|flow| flow.content_hash) else { continue };
            let was_written = was_ever_written(&self.notes(), &needed, hash);
            // Where a write takes many requests, somebody may edit the flow between two of them.
            let is_mixed = self.api.format() == Format::CognigyFlow && self.drifted_since_begun(manifest, &needed);
            if !was_written && !is_mixed && !reaches(&manifest.dependency_graph, &needed, &definition.id) {
                let how = format!("{} was written before {needed}, which it needs", definition.id);
                self.violated(Invariant::NeededFirst, how);
            }
        }
    }
}

/// Whether the newest word of the journal on where the deployment stands is that it is taken back.
fn is_taken_back(journal: &str) -> bool {
    let says = |line: &&str| ["begun", "continued", "restoring"].iter().any(|word| line.contains(&event(word)));
    journal.lines().rev().find(says).is_some_and(|line| line.contains(&event("restoring")))
}

fn event(word: &str) -> String {
    format!("\"event\":\"{word}\"")
}

fn was_ever_written(notes: &Notes, id: &FlowId, hash: ContentHash) -> bool {
    notes.written.iter().any(|(_, other, content)| other == id && *content == Some(hash))
}

fn tells_existed(line: &str, id: &FlowId) -> bool {
    line.contains("\"existed\":true") && line.contains(&format!("\"flow\":\"{id}\""))
}

/// Members of cycles, and what is about to be deleted, are written without their references.
fn is_same_but_references(text: &[u8], body: &Definition) -> bool {
    let bare = |text: &[u8]| {
        let mut value: Value = serde_json::from_slice(text).ok()?;
        let members = value.as_object_mut()?;
        members.remove("externalReferences");
        members.remove("environmentId");
        Some(value)
    };
    let is_same = |body: &[u8]| match (bare(text), bare(body)) {
        (Some(text), Some(body)) => text == body,
        // Nobody parses either: by their bytes.
        (None, None) => without_raw_references(text).is_some_and(|text| Some(text) == without_raw_references(body)),
        _ => false,
    };
    body.text.as_deref().is_some_and(is_same)
}

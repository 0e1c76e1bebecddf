//! A table of forgeries: a sound deployment, one thing changed, and what is doubted then.

use super::*;
use crate::record::{
    DeploymentId, FlowStatus, Held, LastDeployed, LastFlow, LastState, ManifestSource, Release, Released,
    RollbackState, RollbackTo,
};
use crate::revision::Composed;

fn commit(digit: char) -> CommitId {
    CommitId(digit.to_string().repeat(40))
}

fn blob(digit: char) -> BlobId {
    BlobId(digit.to_string().repeat(40))
}

fn hash(byte: u8) -> ContentHash {
    ContentHash([byte; 32])
}

fn id(name: &str) -> FlowId {
    format!("flow_{name}").parse().unwrap()
}

fn deployment(digit: char) -> DeploymentId {
    format!("20261122T172257Z-{}", digit.to_string().repeat(8)).parse().unwrap()
}

fn flow(name: &str, action: FlowAction) -> ManifestFlow {
    ManifestFlow {
        id: id(name),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        content_hash: Some(hash(1)),
        status: FlowStatus::Pending,
        action,
        cause: None,
        previous_version: None,
        previous_hash: None,
        before: None,
        path: Some(format!("flows/{name}.json")),
        blob: Some(blob('1')),
        composed: None,
        held: None,
        equality_hash: None,
        previous_equality_hash: None,
        last: None,
        orphaned: false,
        existed: false,
        error: None,
    }
}

/// The manifest of commit 1 as it was begun: `a` is updated, `b` created, `c` left, `d` deleted, `e` orphaned.
fn manifest() -> Manifest {
    let last = LastDeployed { deployment_id: deployment('0'), commit: Some(commit('0')) };
    let mut updated = flow("a", FlowAction::Update);
    (updated.before, updated.previous_hash) = (Some(blob('a')), Some(hash(10)));
    let mut deleted = flow("d", FlowAction::Delete);
    (deleted.before, deleted.previous_hash) = (Some(blob('d')), Some(hash(13)));
    (deleted.blob, deleted.content_hash) = (None, None);
    let mut orphan = flow("e", FlowAction::None);
    (orphan.orphaned, orphan.blob) = (true, Some(blob('e')));
    orphan.held = Some(Held { commit: commit('0'), path: "flows/e.json".to_owned(), blob: blob('e') });
    Manifest {
        manifest_version: "1.0.0".to_owned(),
        generated_at: jiff::Timestamp::UNIX_EPOCH,
        target_environment: crate::flow::EnvironmentId("env".to_owned()),
        tenant_digest: None,
        environment: "production".to_owned(),
        deployment_id: deployment('1'),
        kind: Kind::Sync,
        status: Status::Deploying,
        source: ManifestSource { branch: "main".to_owned(), commit: Some(commit('1')), flows_digest: String::new() },
        plan_digest: "sha256:1".to_owned(),
        holder: None,
        last_deployed: Some(last.clone()),
        previous_deployment: Some(last),
        rollback: None,
        audit_head: None,
        hash_algorithm: String::new(),
        ignore: Vec::new(),
        defaults: crate::flow::Defaults::default(),
        failure: None,
        quarantine: None,
        approvals: Vec::new(),
        bound_to: None,
        release: None,
        flows: vec![updated, flow("b", FlowAction::Create), flow("c", FlowAction::None), deleted, orphan],
        dependency_graph: BTreeMap::new(),
    }
}

fn origin(digit: char) -> Origin {
    Origin::plain(blob(digit))
}

fn held(name: &str) -> (FlowId, HeldFlow) {
    (id(name), HeldFlow { path: format!("flows/{name}.json"), origin: origin('1'), content_hash: hash(1) })
}

fn previous_flow(name: &str, byte: u8) -> PreviousFacts {
    PreviousFacts::Flow { id: id(name), content_hash: hash(byte) }
}

/// What git says of it where all is as it should be.
fn facts() -> Facts {
    Facts {
        branch: "main".to_owned(),
        source: SourceFacts::Flows(["a", "b", "c"].map(held).into()),
        begun: BegunFacts::Alone { commit: commit('b'), manifest: Box::new(manifest()) },
        owned: [("a", 'a'), ("c", '1'), ("d", 'd'), ("e", 'e')]
            .map(|(name, digit)| (id(name), Some(origin(digit))))
            .into(),
        last_deployed: manifest().last_deployed,
        previous: [(blob('a'), previous_flow("a", 10)), (blob('d'), previous_flow("d", 13))].into(),
        wanted: None,
        pruning: Pruning::On,
        unapproved: BTreeMap::new(),
        releases: ["r1".to_owned()].into(),
    }
}

/// A rollback to the state before deployment 0, in which `a` and `z` were live.
fn rollback() -> (Manifest, Facts) {
    let mut manifest = manifest();
    manifest.kind = Kind::Rollback;
    manifest.rollback = Some(RollbackTo { deployment_id: deployment('0'), state: RollbackState::Before });
    manifest.flows.retain(|flow| flow.id == id("a") || flow.id == id("d"));
    let mut back = flow("z", FlowAction::Create);
    back.blob = Some(blob('9'));
    manifest.flows.push(back);
    let mut facts = facts();
    facts.wanted = Some(Ok([(id("a"), (origin('1'), hash(1))), (id("z"), (origin('9'), hash(1)))].into()));
    facts.begun = BegunFacts::Alone { commit: commit('b'), manifest: Box::new(manifest.clone()) };
    facts.pruning = Pruning::Off;
    (manifest, facts)
}

fn told(manifest: &Manifest, facts: &Facts) -> String {
    doubts(manifest, facts).iter().map(|doubt| format!("{doubt}\n")).collect()
}

/// Changes the manifest as somebody would who began it so: the commit that began it says the same.
#[track_caller]
fn forged((manifest, facts): (Manifest, Facts), change: impl FnOnce(&mut Manifest), doubt: &str) {
    let (mut manifest, mut facts) = (manifest, facts);
    change(&mut manifest);
    if let BegunFacts::Alone { manifest: begun, .. } = &mut facts.begun {
        **begun = Manifest { status: Status::Deploying, ..manifest.clone() };
    }
    let told = told(&manifest, &facts);
    assert!(told.contains(doubt), "expected `{doubt}` in\n{told}");
}

#[track_caller]
fn doubted(change: impl FnOnce(&mut Facts), doubt: &str) {
    let mut facts = facts();
    change(&mut facts);
    let told = told(&manifest(), &facts);
    assert!(told.contains(doubt), "expected `{doubt}` in\n{told}");
}

fn sound() -> (Manifest, Facts) {
    (manifest(), facts())
}

fn of(manifest: &mut Manifest, name: &str) -> usize {
    manifest.flows.iter().position(|flow| flow.id == id(name)).unwrap()
}

fn set(name: &'static str, change: impl FnOnce(&mut ManifestFlow)) -> impl FnOnce(&mut Manifest) {
    move |manifest| {
        let index = of(manifest, name);
        change(&mut manifest.flows[index]);
    }
}

fn add(flow: ManifestFlow) -> impl FnOnce(&mut Manifest) {
    move |manifest| manifest.flows.push(flow)
}

/// A flow as somebody would list it who wants it written or gone.
fn listed(name: &str, action: FlowAction, before: Option<char>) -> ManifestFlow {
    let previous_hash = before.map(|_| hash(10));
    ManifestFlow { before: before.map(blob), previous_hash, ..flow(name, action) }
}

#[test]
fn a_release_that_no_deployment_made_is_doubted() {
    let released = |name: Option<&str>| Released {
        name: name.map(str::to_owned),
        flows_digest: "sha256:1".to_owned(),
        endpoints: BTreeSet::new(),
        unmanaged: BTreeMap::new(),
    };
    let with = |target: Option<&str>, earlier: &str| {
        let release = Release::showing(released(target), Vec::new(), vec![released(Some(earlier))]);
        move |manifest: &mut Manifest| manifest.release = Some(release)
    };
    let (mut manifest, mut facts) = sound();
    with(None, "r1")(&mut manifest);
    facts.begun = BegunFacts::Alone { commit: commit('b'), manifest: Box::new(manifest.clone()) };
    assert_eq!(told(&manifest, &facts), "");
    forged(sound(), with(Some("mine"), "r1"), "the release \"mine\"");
    forged(sound(), with(None, "mine"), "the release \"mine\"");
    let altered = Manifest { release: None, ..manifest };
    assert!(told(&altered, &facts).contains("`release` differs"), "{}", told(&altered, &facts));
}

#[test]
fn what_git_proves_is_not_doubted() {
    for status in [Status::Deploying, Status::Restoring] {
        let mut manifest = manifest();
        manifest.status = status;
        // What changes while a deployment runs.
        manifest.generated_at = jiff::Timestamp::MAX;
        manifest.holder = Some(super::super::Holder { id: "h".to_owned(), deadline: jiff::Timestamp::MAX });
        manifest.audit_head = Some("0".repeat(64));
        manifest.failure = Some("bad luck".to_owned());
        manifest.flows[1].existed = true;
        manifest.flows[0].status = FlowStatus::Failed;
        manifest.flows[0].error = Some("bad luck".to_owned());
        assert_eq!(told(&manifest, &facts()), "", "{status}");
    }
    let (manifest, facts) = rollback();
    assert_eq!(told(&manifest, &facts), "", "a rollback deletes although pruning is off");
}

#[test]
fn a_flow_that_the_commit_does_not_hold_so_is_doubted() {
    let not_held = "`flow_x`: the flows of its commit do not hold it";
    for status in [Status::Deploying, Status::Restoring] {
        let with = |(mut manifest, facts): (Manifest, Facts)| {
            manifest.status = status;
            (manifest, facts)
        };
        forged(with(sound()), add(listed("x", FlowAction::Create, None)), not_held);
        forged(with(sound()), add(listed("x", FlowAction::Update, Some('a'))), not_held);
        forged(with(sound()), add(listed("x", FlowAction::None, None)), not_held);
        forged(with(sound()), add(listed("x", FlowAction::Delete, Some('a'))), "`flow_x`: no completed deployment");
    }
    forged(sound(), set("a", |flow| flow.blob = Some(blob('7'))), "`flow_a`: `blob` is not as in the flows");
    let composed = || Some(Composed { overlay: Some(blob('7')), environment: "env".to_owned() });
    forged(sound(), set("a", move |flow| flow.composed = composed()), "`flow_a`: `composed` is not as in the flows");
    forged(sound(), set("a", |flow| flow.blob = None), "`flow_a`: `blob` is not as in the flows");
    forged(sound(), set("b", |flow| flow.path = Some("flows/c.json".into())), "`flow_b`: `path` is not as in");
    forged(sound(), set("c", |flow| flow.content_hash = Some(hash(9))), "`flow_c`: `contentHash` is not as in");
    forged(
        sound(),
        |manifest| drop(manifest.flows.remove(2)),
        "`flow_c`: the flows of its commit hold it, and it is not",
    );
}

#[test]
fn a_delete_is_of_what_was_deployed_and_is_not_held_any_more() {
    let gone = |flow: &mut ManifestFlow| {
        flow.action = FlowAction::Delete;
        (flow.before, flow.previous_hash) = (Some(blob('a')), Some(hash(10)));
    };
    forged(sound(), set("a", gone), "`flow_a`: it is to be deleted, and the flows of its commit hold it");
    forged(sound(), set("b", gone), "`flow_b`: it is to be deleted, and the flows of its commit hold it");
    forged(sound(), add(listed("x", FlowAction::Delete, Some('d'))), "`flow_x`: no completed deployment");
    doubted(|facts| drop(facts.owned.remove(&id("d"))), "`flow_d`: no completed deployment");
    doubted(|facts| facts.pruning = Pruning::Off, "`flow_d`: it is to be deleted, and `prune` is off");
    let mut facts = facts();
    facts.pruning = Pruning::Settled;
    assert_eq!(told(&manifest(), &facts), "");
}

#[test]
fn what_was_to_be_approved_and_was_not_is_doubted() {
    doubted(
        |facts| _ = facts.unapproved.insert(id("a"), Missing::Never { used: None }),
        "`flow_a`: it was not approved: never approved",
    );
}

#[test]
fn an_orphan_is_what_the_deployment_before_left() {
    doubted(|facts| drop(facts.owned.remove(&id("e"))), "`flow_e`: no completed deployment");
    forged(sound(), set("e", |flow| flow.blob = Some(blob('7'))), "`flow_e`: no completed deployment");
    let update = |flow: &mut ManifestFlow| {
        flow.action = FlowAction::Update;
        (flow.before, flow.previous_hash) = (Some(blob('a')), Some(hash(10)));
    };
    forged(sound(), set("e", update), "`flow_e`: no completed deployment");
}

#[test]
fn a_previous_definition_is_that_flow_with_that_hash() {
    forged(sound(), set("a", |flow| flow.before = Some(blob('d'))), "`flow_a`: its previous definition (blob dddd");
    forged(sound(), set("a", |flow| flow.previous_hash = Some(hash(11))), "does not hash to `previousHash`");
    forged(sound(), set("a", |flow| flow.before = None), "`flow_a`: `before` and `previousHash` do not go with");
    forged(sound(), set("d", |flow| flow.previous_hash = None), "`flow_d`: `before` and `previousHash` do not");
    forged(sound(), set("b", |flow| flow.before = Some(blob('a'))), "`flow_b`: `before` and `previousHash` do not");
    forged(sound(), set("a", |flow| flow.before = Some(blob('7'))), "is not in git");
    let facts_of = |fact: PreviousFacts| move |facts: &mut Facts| drop(facts.previous.insert(blob('a'), fact));
    doubted(facts_of(PreviousFacts::Gone), "`flow_a`: its previous definition (blob aaaa");
    doubted(facts_of(PreviousFacts::NoFlow), "is not that flow");
    doubted(facts_of(previous_flow("b", 10)), "is not that flow");
    doubted(facts_of(PreviousFacts::TooLarge(400_000_000)), "has 400000000 bytes and was not read");
}

#[test]
fn the_commit_is_on_the_branch_passes_the_checks_and_follows() {
    doubted(|facts| facts.source = SourceFacts::NotOnBranch, "is not in the history of branch `main`");
    doubted(|facts| facts.source = SourceFacts::Invalid(3), "do not pass the checks (3 errors)");
    doubted(|facts| facts.source = SourceFacts::Rewound { before: commit('9') }, "does not follow 9999");
    doubted(|facts| facts.source = SourceFacts::Unnamed, "it names no commit");
    forged(sound(), |manifest| manifest.source.commit = None, "it names no commit");
}

#[test]
fn the_commit_that_began_it_touches_records_alone_and_said_the_same() {
    doubted(|facts| facts.begun = BegunFacts::Nowhere, "no commit began it");
    doubted(|facts| facts.begun = BegunFacts::ByMerge(commit('b')), "the merge bbbb");
    let more = BegunFacts::WithMore { commit: commit('b'), path: "flows/a.json".to_owned() };
    doubted(|facts| facts.begun = more, "touches more than records: `flows/a.json`");
    let begun = |change: fn(&mut Manifest)| {
        let mut begun = manifest();
        change(&mut begun);
        move |facts: &mut Facts| {
            facts.begun = BegunFacts::Alone { commit: commit('b'), manifest: Box::new(begun) };
        }
    };
    doubted(begun(|begun| begun.status = Status::Restoring), "began it as `restoring`");
    doubted(begun(|begun| begun.status = Status::Deployed), "began it as `deployed`");
    doubted(begun(|begun| begun.plan_digest = "sha256:2".into()), "`planDigest` differs");
    doubted(begun(|begun| begun.source.commit = Some(commit('2'))), "`source` differs");
    doubted(begun(|begun| begun.kind = Kind::Rollback), "`kind` differs");
    doubted(begun(|begun| begun.previous_deployment = None), "`previousDeployment` differs");
    doubted(begun(|begun| begun.flows[2].action = FlowAction::Create), "the flow `flow_c` differs");
    doubted(begun(|begun| begun.flows[0].before = Some(blob('7'))), "the flow `flow_a` differs");
    doubted(begun(|begun| drop(begun.flows.pop())), "the flow `flow_e` differs");
    doubted(begun(|begun| begun.ignore = vec!["/x".into()]), "a member differs");
}

#[test]
fn what_was_deployed_last_is_what_the_manifest_before_says() {
    doubted(|facts| facts.last_deployed = None, "`lastDeployed` is not that of the manifest before it");
    let other = LastDeployed { deployment_id: deployment('7'), commit: Some(commit('0')) };
    forged(sound(), |manifest| manifest.last_deployed = Some(other), "`lastDeployed` is not that");
    let last = LastFlow {
        content_hash: hash(1),
        equality_hash: hash(1),
        version: String::new(),
        blob: Some(blob('1')),
        path: None,
        composed: None,
        held: None,
    };
    doubted(
        |facts| {
            let mut begun = manifest();
            begun.flows[0].set_last(Some(last));
            facts.begun = BegunFacts::Alone { commit: commit('b'), manifest: Box::new(begun) };
        },
        "the flow `flow_a` differs",
    );
}

#[test]
fn a_rollback_goes_to_a_state_that_is_proven() {
    let refused = |reason: &str| {
        let (manifest, mut facts) = rollback();
        facts.wanted = Some(Err(reason.to_owned()));
        told(&manifest, &facts)
    };
    assert!(refused("altered").contains("the state it goes back to is not proven: altered"));
    let (manifest, mut facts) = rollback();
    facts.wanted = None;
    assert!(told(&manifest, &facts).contains("is not proven"));
    forged(rollback(), set("z", |flow| flow.blob = Some(blob('7'))), "`flow_z`: the state that it goes back to has it");
    forged(rollback(), set("z", |flow| flow.content_hash = Some(hash(7))), "`flow_z`: the state that it goes back to");
    forged(rollback(), add(listed("x", FlowAction::Create, None)), "`flow_x`: the state that it goes back to");
    forged(
        rollback(),
        |manifest| drop(manifest.flows.pop()),
        "`flow_z`: the flows of its commit hold it, and it is not",
    );
    forged(rollback(), set("d", |flow| flow.id = id("y")), "`flow_y`: no completed deployment");
    forged(sound(), |manifest| manifest.kind = Kind::Rollback, "is not proven");
    forged(sound(), |manifest| manifest.kind = Kind::Adoption, "is not gone on with");
}

#[test]
fn what_is_left_as_it_was_is_the_same_said_in_a_word_or_in_full() {
    let as_it_stands = |action| {
        let mut flow = flow("a", action);
        flow.equality_hash = Some(hash(2));
        flow.held = Some(Held { commit: commit('0'), path: "flows/a.json".to_owned(), blob: blob('1') });
        flow
    };
    let mut said = as_it_stands(FlowAction::None);
    let last = LastFlow {
        content_hash: hash(1),
        equality_hash: hash(2),
        version: "1.0.0".to_owned(),
        blob: Some(blob('1')),
        path: said.path.clone(),
        composed: None,
        held: said.held.clone(),
    };
    said.set_last(Some(last.clone()));
    assert_eq!((said.last.clone(), said.last_flow()), (Some(LastState::Same), Some(last.clone())));
    let others = [
        LastFlow { content_hash: hash(3), ..last.clone() },
        LastFlow { equality_hash: hash(3), ..last.clone() },
        LastFlow { version: "0.9.0".to_owned(), ..last.clone() },
        LastFlow { blob: None, ..last.clone() },
        LastFlow { path: Some("flows/b.json".to_owned()), ..last.clone() },
        LastFlow { held: None, ..last.clone() },
    ];
    for other in others {
        said.set_last(Some(other.clone()));
        assert!(matches!(said.last, Some(LastState::Was(_))), "{other:?}");
        assert_eq!(said.last_flow(), Some(other));
    }
    said.set_last(None);
    assert_eq!(said.last_flow(), None);
    // A delete leaves nothing, so that nothing of it is the same.
    let mut deleted = as_it_stands(FlowAction::Delete);
    deleted.set_last(Some(last.clone()));
    assert_eq!(deleted.last_flow(), Some(last));
    deleted.last = Some(LastState::Same);
    assert_eq!(deleted.last_flow(), None);
}

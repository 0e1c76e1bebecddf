//! Plans by example, then their laws.
//!
//! A world is a line such as `a -> b c; b*; c?`: flows between semicolons, each with the flows it needs and a mark for
//! how git, the tenant and the last deployment see it.
//!
//! | mark | git | live | last deployed |
//! |---|---|---|---|
//! | none | 1 | 1 | 1 |
//! | `*` changed in git | 2 | 1 | 1 |
//! | `!` drifted | 1 | 3 | 1 |
//! | `*!` both | 2 | 3 | 1 |
//! | `+` new in git | 1 | – | – |
//! | `=` in both, never deployed | 1 | 1 | – |
//! | `-` gone from git | – | 1 | 1 |
//! | `~` gone from the tenant | 1 | – | 1 |
//! | `?` only live | – | 1 | – |
//! | `*=` changed in both alike | 2 | 2 | 1 |
//! | `-~` gone from both | – | – | 1 |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Change, Desired, DesiredFlow, Last, Live, Plan, Policy, Present, Step, missing, plan};
use crate::config::{Drift, Prune};
use crate::flow::{BodyAbsent, Comparison, ContentHash, Definition, EnvironmentId, FlowId, KnownFlow, LiveFlow};

const MARKS: [&str; 11] = ["", "*", "!", "*!", "+", "=", "-", "~", "?", "*=", "-~"];

/// The three sides of a plan.
#[derive(Debug, Clone, Default)]
struct World {
    desired: Desired,
    live: Live,
    last: Last,
}

fn target() -> EnvironmentId {
    EnvironmentId("env".to_owned())
}

fn id(name: &str) -> FlowId {
    format!("flow_{name}").parse().unwrap()
}

/// A flow that needs others, and differs from its other editions.
fn definition(name: &str, needs: &[&str], edition: u8) -> Arc<Definition> {
    let references: Vec<String> =
        needs.iter().map(|other| format!(r#"{{"type":"flow","id":"flow_{other}","environmentId":"env"}}"#)).collect();
    let text = format!(
        r#"{{"id":"flow_{name}","name":"{name}","version":"1.0.{edition}","externalReferences":[{}]}}"#,
        references.join(",")
    );
    Arc::new(Definition::from_file(Arc::from(text.as_bytes()), &Comparison::default()).unwrap())
}

fn world(line: &str) -> World {
    let mut world = World::default();
    for entry in line.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (head, needs) = entry.split_once("->").unwrap_or((entry, ""));
        let name = head.trim().trim_end_matches(|c: char| !c.is_alphanumeric());
        let mark = head.trim().strip_prefix(name).unwrap();
        let needs: Vec<&str> = needs.split_whitespace().collect();
        let (git, live, last) = match mark {
            "" => (Some(1), Some(1), Some(1)),
            "*" => (Some(2), Some(1), Some(1)),
            "!" => (Some(1), Some(3), Some(1)),
            "*!" => (Some(2), Some(3), Some(1)),
            "+" => (Some(1), None, None),
            "=" => (Some(1), Some(1), None),
            "-" => (None, Some(1), Some(1)),
            "~" => (Some(1), None, Some(1)),
            "?" => (None, Some(1), None),
            "*=" => (Some(2), Some(2), Some(1)),
            "-~" => (None, None, Some(1)),
            mark => panic!("what is `{mark}`?"),
        };
        let of = |edition: u8| definition(name, &needs, edition);
        if let Some(edition) = git {
            let flow = DesiredFlow {
                definition: of(edition),
                path: format!("flows/{name}.json"),
                origin: None,
                overlay: None,
            };
            world.desired.flows.insert(id(name), flow);
        }
        world.live.flows.extend(live.map(|edition| (id(name), LiveFlow::Read(of(edition)))));
        world.last.flows.extend(last.map(|edition| (id(name), of(edition).equality_hash)));
    }
    world
}

fn planned(world: &World, drift: Drift, prune: Prune) -> Plan {
    plan(&world.desired, &world.live, &world.last, Policy { target: &target(), drift, prune }).unwrap()
}

fn word(change: &Change) -> String {
    format!("{} {}", change.action(), change.id.as_str().trim_start_matches("flow_"))
}

fn words(changes: &[Change]) -> String {
    changes.iter().map(word).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn check(line: &str, expected: &str) {
    assert_eq!(words(&planned(&world(line), Drift::Correct, Prune::Remove).changes), expected, "{line}");
}

#[test]
fn what_differs_is_changed_and_nothing_else() {
    check("a; b; c", "");
    check("a -> b; b; a2*", "update a2");
    check("a -> b; b*", "update b");
    check("a+; b; c-; d~; e!; f*!", "create a; create d; update e; update f; delete c");
}

/// A world in which a live flow was only recognised.
fn recognised(line: &str, name: &str) -> World {
    let mut world = world(line);
    let live = world.live.flows.get_mut(&id(name)).unwrap();
    let (content_hash, equality_hash) = (live.content_hash(), live.equality_hash());
    *live = LiveFlow::Recognised(KnownFlow { id: id(name), content_hash, equality_hash });
    world
}

#[test]
fn what_was_only_recognised_is_as_it_was_and_is_never_changed() {
    let unchanged = recognised("a; b*", "a");
    assert_eq!(words(&planned(&unchanged, Drift::Correct, Prune::Remove).changes), "update b");
    for line in ["a*", "a!", "a-"] {
        let World { desired, live, last } = recognised(line, "a");
        let policy = Policy { target: &target(), drift: Drift::Correct, prune: Prune::Remove };
        assert_eq!(plan(&desired, &live, &last, policy), Err(BodyAbsent { id: id("a") }), "{line}");
    }
}

#[test]
fn what_a_live_flow_needs_is_asked_of_one_that_was_read() {
    let world = recognised("a-; b?", "b");
    let plan = planned(&world, Drift::Correct, Prune::Remove);
    let found = missing(&world.desired, &world.live, &plan, &Present::new(), &target());
    assert_eq!(found, Err(BodyAbsent { id: id("b") }));
}

#[test]
fn what_a_flow_needs_comes_before_it() {
    check("a+ -> b; b+ -> c; c+", "create c; create b; create a");
    check("a* -> z; z*; m*", "update m; update z; update a");
    check("a+ -> b; b*", "update b; create a");
}

#[test]
fn members_of_a_cycle_stand_together() {
    let plan = planned(&world("a+ -> b; b+ -> a; c+ -> a; d+"), Drift::Correct, Prune::Remove);
    assert_eq!(words(&plan.changes), "create a; create b; create d; create c");
    let unit = |name: &str| plan.changes.iter().find(|change| change.id == id(name)).unwrap().unit;
    assert!(unit("a") == unit("b") && unit("c") != unit("a") && unit("d") != unit("a"));
    assert_eq!(plan.changes.iter().map(|change| change.wave).collect::<Vec<_>>(), [0, 0, 0, 1]);
}

#[test]
fn deletes_come_last_and_dependents_first() {
    check("a- -> b; b-; c+", "create c; delete a; delete b");
    check("z- -> y; y- -> x; x-", "delete z; delete y; delete x");
}

#[test]
fn what_git_never_held_is_left_alone() {
    let plan = planned(&world("a?; b; c-"), Drift::Correct, Prune::Remove);
    assert_eq!((words(&plan.changes).as_str(), plan.unmanaged), ("delete c", vec!["flow_a".to_owned()]));
}

#[test]
fn what_left_git_stays_without_pruning() {
    let plan = planned(&world("a; b-"), Drift::Correct, Prune::Keep);
    assert_eq!((plan.changes.len(), plan.orphaned), (0, vec![id("b")]));
}

#[test]
fn drift_is_only_reported_where_that_is_wanted() {
    let plan = planned(&world("a!; b*; c*!; d~"), Drift::Report, Prune::Keep);
    assert_eq!(
        (words(&plan.changes).as_str(), words(&plan.reported).as_str()),
        ("update b; update c", "update a; create d")
    );
}

#[test]
fn what_git_and_tenant_came_to_agree_on_is_told_apart_from_what_was_deployed() {
    let plan = planned(&world("a; b*=; c-~; d=; e*; f!; g+; h-; i~; j?"), Drift::Report, Prune::Keep);
    assert_eq!(plan.agreed_since, [id("b"), id("c"), id("d")]);
    assert_eq!(plan.unchanged, [id("a"), id("b"), id("d")]);
}

#[test]
fn who_moved_is_the_cause() {
    let causes = |line: &str| {
        let changes = planned(&world(line), Drift::Correct, Prune::Remove).changes;
        changes.iter().map(|change| change.cause.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(causes("a*; b!; c*!; d+; e~; f-"), "commit drift both commit drift commit");
}

#[test]
fn a_plan_is_bound_to_git_and_to_live() {
    let digest = |line: &str| planned(&world(line), Drift::Correct, Prune::Remove).digest;
    assert_eq!(digest("a*; b"), digest("b; a*"));
    assert_ne!(digest("a*; b"), digest("a*!; b"), "live moved");
    assert_ne!(digest("a*; b"), digest("a*; b*"), "git moved");
}

/// What is live after the first `n` changes.
fn after(live: &Live, changes: &[Change], n: usize) -> Live {
    let mut live = live.clone();
    for change in &changes[..n] {
        match &change.step {
            Step::Create { after } | Step::Update { after, .. } => {
                live.flows.insert(change.id.clone(), LiveFlow::Read(after.definition.clone()));
            }
            Step::Delete { .. } => drop(live.flows.remove(&change.id)),
        }
    }
    live
}

/// The same, taken back from the newest on.
fn undone(mut live: Live, changes: &[Change]) -> Live {
    for change in changes.iter().rev() {
        match change.before() {
            Some(before) => drop(live.flows.insert(change.id.clone(), LiveFlow::Read(before.clone()))),
            None => drop(live.flows.remove(&change.id)),
        }
    }
    live
}

/// Worlds of up to eight flows, each with any mark and any needs.
fn any_world() -> impl Strategy<Value = String> {
    let flow = (0..MARKS.len(), proptest::collection::vec(0..8_usize, 0..3));
    proptest::collection::vec(flow, 0..8).prop_map(|flows| {
        let n_flows = flows.len();
        let entry = |(index, (mark, needs)): (usize, (usize, Vec<usize>))| {
            let needs: BTreeSet<String> = needs
                .into_iter()
                .map(|other| other % n_flows)
                .filter(|other| *other != index)
                .map(|n| format!("f{n}"))
                .collect();
            let needs = needs.into_iter().collect::<Vec<_>>().join(" ");
            format!("f{index}{} -> {needs}", MARKS[mark])
        };
        flows.into_iter().enumerate().map(entry).collect::<Vec<_>>().join("; ")
    })
}

/// Hashes of what git manages: flows it holds or held.
fn managed(world: &World, live: &Live) -> BTreeMap<FlowId, ContentHash> {
    let is_managed = |id: &FlowId| world.desired.flows.contains_key(id) || world.last.flows.contains_key(id);
    live.flows.iter().filter(|(id, _)| is_managed(id)).map(|(id, flow)| (id.clone(), flow.equality_hash())).collect()
}

proptest! {
    #[test]
    fn applying_a_plan_reaches_git_and_a_second_plan_is_empty(line in any_world()) {
        let mut world = world(&line);
        let changes = planned(&world, Drift::Correct, Prune::Remove).changes;
        let live = after(&world.live, &changes, changes.len());
        let wanted = world.desired.flows.iter().map(|(id, flow)| (id.clone(), flow.definition.equality_hash));
        prop_assert_eq!(managed(&world, &live), wanted.collect());
        world.last.flows = world.desired.flows.iter().map(|(id, flow)| (id.clone(), flow.definition.equality_hash)).collect();
        world.live = live;
        prop_assert_eq!(planned(&world, Drift::Correct, Prune::Remove).changes.len(), 0);
    }

    #[test]
    fn undoing_any_prefix_in_reverse_restores_live(line in any_world(), share in 0.0..=1.0) {
        let world = world(&line);
        let changes = planned(&world, Drift::Correct, Prune::Remove).changes;
        let n = (changes.len() as f64 * share) as usize;
        prop_assert_eq!(undone(after(&world.live, &changes, n), &changes[..n]), world.live);
    }

    #[test]
    fn unmanaged_flows_are_in_no_change(line in any_world()) {
        let world = world(&line);
        for change in planned(&world, Drift::Correct, Prune::Remove).changes {
            prop_assert!(world.desired.flows.contains_key(&change.id) || world.last.flows.contains_key(&change.id));
        }
    }

    #[test]
    fn nothing_is_written_before_what_it_needs_but_in_a_cycle(line in any_world()) {
        let world = world(&line);
        let changes = planned(&world, Drift::Correct, Prune::Remove).changes;
        let place: BTreeMap<&FlowId, usize> = changes.iter().enumerate().map(|(place, change)| (&change.id, place)).collect();
        for (place_of_it, change) in changes.iter().enumerate() {
            let is_delete = matches!(change.step, Step::Delete { .. });
            for reference in &change.definition().references {
                let Some(other) = reference.id.parse().ok().and_then(|id: FlowId| place.get(&id).copied()) else { continue };
                let (needed, is_needed_deleted) = (&changes[other], matches!(changes[other].step, Step::Delete { .. }));
                match (is_delete, is_needed_deleted) {
                    _ if needed.unit == change.unit => {}
                    (false, false) => prop_assert!(other < place_of_it, "{} before {}", word(change), word(needed)),
                    (true, true) => prop_assert!(place_of_it < other, "{} before {}", word(needed), word(change)),
                    (is_delete, _) => prop_assert_eq!(is_delete, other < place_of_it, "deletes come last"),
                }
            }
        }
    }
}

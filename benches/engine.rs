//! The engine's inner loops: `cargo bench --bench engine`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowsync::config::{Drift, Prune};
use flowsync::flow::diff::{View, diff};
use flowsync::flow::{Comparison, Definition, Document, EnvironmentId, FlowId, LiveFlow, check_file};
use flowsync::plan::graph::{Needs, Order};
use flowsync::plan::{Desired, DesiredFlow, Last, Live, Policy, plan};

const FLOW: &str = include_str!("../examples/flows-repo/flows/production/core/main-menu.json");
const N_FLOWS: usize = 10_000;

fn id(index: usize) -> FlowId {
    format!("flow_{index:06}").parse().unwrap()
}

fn documents(criterion: &mut Criterion) {
    let comparison = Comparison::default();
    let bytes: Arc<[u8]> = FLOW.as_bytes().into();
    let mut group = criterion.benchmark_group("document");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("parse", |bench| bench.iter(|| Document::parse(black_box(bytes.clone())).unwrap()));
    let document = Document::parse(bytes.clone()).unwrap();
    group.bench_function("hash", |bench| bench.iter(|| black_box(&document).equality_hash(&comparison)));
    group.bench_function("parse and hash", |bench| {
        bench.iter(|| Document::parse(black_box(bytes.clone())).unwrap().equality_hash(&comparison));
    });
    group.bench_function("check", |bench| bench.iter(|| check_file("a.json", black_box(bytes.clone()), &comparison)));
    group.finish();
}

fn definition(index: usize, revision: usize) -> Arc<Definition> {
    let text = FLOW.replace("flow_mainMenu", id(index).as_str()).replacen("Main menu", &format!("{revision}"), 1);
    Arc::new(Definition {
        text: None,
        ..Definition::from_file(text.as_bytes().into(), &Comparison::default()).unwrap()
    })
}

fn plans(criterion: &mut Criterion) {
    let flow = |index| DesiredFlow {
        definition: definition(index, 0),
        path: format!("{index}.json"),
        origin: None,
        overlay: None,
    };
    let desired = Desired { flows: (0..N_FLOWS).map(|index| (id(index), flow(index))).collect(), ..Desired::default() };
    let revision = |index: usize| usize::from(index.is_multiple_of(100));
    let live: BTreeMap<_, _> =
        (0..N_FLOWS).map(|index| (id(index), LiveFlow::Read(definition(index, revision(index))))).collect();
    let live = Live { flows: live, foreign: Vec::new() };
    let target = EnvironmentId("env_prod".into());
    let policy = Policy { target: &target, drift: Drift::Correct, prune: Prune::Keep };
    criterion.bench_function("plan of 10,000 flows, 100 changed", |bench| {
        bench.iter(|| plan(black_box(&desired), &live, &Last::default(), policy));
    });
}

fn graphs(criterion: &mut Criterion) {
    let needs: Needs =
        (0..N_FLOWS).map(|index| (id(index), BTreeSet::from([id((index * 7 + 1) % N_FLOWS), id(index / 2)]))).collect();
    criterion.bench_function("order of 10,000 flows", |bench| bench.iter(|| Order::of(black_box(&needs))));
}

/// A flow of `n_nodes` nodes in the order given, each saying `text` and its place, an edge from each to the next.
fn large(order: impl Iterator<Item = usize>, text: &dyn Fn(usize) -> String) -> Arc<[u8]> {
    let places: Vec<usize> = order.collect();
    let node = |at: &usize| {
        let text = text(*at);
        format!(
            r#"{{"id":"n{at}","type":"action","label":"Node {at}","configuration":{{"action":"say","text":["{text}","Is there anything else?"],"retries":3}}}}"#
        )
    };
    let edge =
        |at: &usize| format!(r#"{{"from":"n{at}","to":"n{}","condition":"input.step == {}"}}"#, at + 1, text(*at));
    let list = |item: &dyn Fn(&usize) -> String| places.iter().map(item).collect::<Vec<_>>().join(",");
    let (nodes, edges) = (list(&node), list(&edge));
    format!(r#"{{"id":"flow_large","name":"Large","version":"1.0.0","nodes":[{nodes}],"edges":[{edges}]}}"#)
        .as_bytes()
        .into()
}

/// Two texts to what is printed as JSON: parsed, seen as people draw them, compared, cut to 5 MB.
fn diffs(criterion: &mut Criterion) {
    const N_NODES: usize = 5_000;
    let comparison = Comparison::default();
    let view = |text: &Arc<[u8]>| View::of_document(&Document::parse(text.clone()).unwrap(), &comparison);
    let same = |at: usize| format!("Sentence number {at}, said as it always was");
    let before = large(0..N_NODES, &same);
    let mut group = criterion.benchmark_group("diff of 5,000 nodes and edges");
    let mut bench = |name: &str, after: &Arc<[u8]>| {
        group.bench_function(name, |bench| {
            bench.iter(|| diff(&view(black_box(&before)), &view(black_box(after))).within(5_000_000));
        });
    };
    let some = |at: usize| if at.is_multiple_of(500) { format!("Another sentence {at}") } else { same(at) };
    bench("10 changed", &large(0..N_NODES, &some));
    bench("all changed", &large(0..N_NODES, &|at| format!("Another sentence {at}")));
    bench("all in reverse order", &large((0..N_NODES).rev(), &same));
    bench("none in common", &large(N_NODES..2 * N_NODES, &same));
    bench("all of one id", &large((0..N_NODES).map(|_| 0), &same));
    group.finish();
}

criterion_group!(benches, documents, plans, graphs, diffs);
criterion_main!(benches);

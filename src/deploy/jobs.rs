//! Which change may start when: a flow waits for what it needs, and for nothing else. Pure.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::flow::EnvironmentId;
use crate::plan::Change;
use crate::plan::graph::needed_flows;

/// The changes of one unit, done together.
#[derive(Debug, Clone)]
pub(super) struct Job<'a> {
    /// In plan order.
    pub changes: Vec<&'a Change>,
    waits_for: usize,
    dependents: Vec<usize>,
    longest_remaining: usize,
}

/// Jobs, and which of them are ready: the one with the longest way behind it first.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    jobs: Vec<Job<'a>>,
    ready: BinaryHeap<(usize, std::cmp::Reverse<usize>)>,
}

/// Who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Dependents wait for what they need: imports.
    NeededFirst,
    /// What is needed waits for its dependents: deletes.
    DependentsFirst,
}

impl<'a> Schedule<'a> {
    /// Schedules `changes`, which are in plan order.
    pub(super) fn new(changes: &[&'a Change], target: &EnvironmentId, direction: Direction) -> Self {
        let mut jobs: Vec<Job<'a>> = Vec::new();
        let mut by_unit: BTreeMap<usize, usize> = BTreeMap::new();
        let mut by_flow = BTreeMap::new();
        for change in changes {
            let job = *by_unit.entry(change.unit).or_insert_with(|| {
                jobs.push(Job { changes: Vec::new(), waits_for: 0, dependents: Vec::new(), longest_remaining: 1 });
                jobs.len() - 1
            });
            jobs[job].changes.push(change);
            by_flow.insert(change.id.clone(), job);
        }
        for (first, second) in edges(&jobs, &by_flow, target, direction) {
            jobs[first].dependents.push(second);
            jobs[second].waits_for += 1;
        }
        // Plan order is a topological order, so every dependent comes later.
        for index in (0..jobs.len()).rev() {
            let behind = jobs[index].dependents.iter().map(|other| jobs[*other].longest_remaining).max();
            jobs[index].longest_remaining = behind.unwrap_or(0) + 1;
        }
        let mut schedule = Self { jobs, ready: BinaryHeap::new() };
        (0..schedule.jobs.len()).filter(|index| schedule.jobs[*index].waits_for == 0).for_each(|index| {
            schedule.ready.push((schedule.jobs[index].longest_remaining, std::cmp::Reverse(index)));
        });
        schedule
    }

    /// Takes the next ready job.
    pub(super) fn next(&mut self) -> Option<(usize, Vec<&'a Change>)> {
        let (_, std::cmp::Reverse(index)) = self.ready.pop()?;
        Some((index, self.jobs[index].changes.clone()))
    }

    /// A job is done: what waited only for it becomes ready.
    pub(super) fn done(&mut self, index: usize) {
        for dependent in std::mem::take(&mut self.jobs[index].dependents) {
            let job = &mut self.jobs[dependent];
            job.waits_for -= 1;
            if job.waits_for == 0 {
                self.ready.push((job.longest_remaining, std::cmp::Reverse(dependent)));
            }
        }
    }
}

fn edges(
    jobs: &[Job<'_>],
    by_flow: &BTreeMap<crate::flow::FlowId, usize>,
    target: &EnvironmentId,
    direction: Direction,
) -> BTreeSet<(usize, usize)> {
    let mut edges = BTreeSet::new();
    for (index, job) in jobs.iter().enumerate() {
        for change in &job.changes {
            for needed in needed_flows(change.definition(), target).filter_map(|id| by_flow.get(&id).copied()) {
                match direction {
                    _ if needed == index => {}
                    Direction::NeededFirst => _ = edges.insert((needed, index)),
                    Direction::DependentsFirst => _ = edges.insert((index, needed)),
                }
            }
        }
    }
    edges
}

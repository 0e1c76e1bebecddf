//! Faults on purpose: which request meets one, and which.

mod plan;

use serde_json::{Value, json};

use super::super::fault::Tally;
use super::call::Call;

pub use plan::FaultPlan;
pub(super) use plan::InjectedFault;
use plan::Rule;

/// A plan in force, with its counts.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<(Rule, Tally)>,
}

impl Faults {
    pub(super) fn new(plan: FaultPlan) -> Self {
        let armed = plan.rules.into_iter().map(|rule| {
            let tally = Tally::new(rule.turn.clone());
            (rule, tally)
        });
        Self { armed: armed.collect() }
    }

    /// The fault that a call meets. Every rule counts every call that matches it, whichever rule strikes.
    pub(super) fn strike(&mut self, call: Call, path: &str) -> Option<InjectedFault> {
        let mut struck = None;
        for (rule, tally) in &mut self.armed {
            if rule.is_about(call, path) && tally.is_due() && struck.is_none() {
                tally.fired += 1;
                struck = Some(rule.fault.clone());
            }
        }
        struck
    }

    /// The rules as written, each with its counts.
    pub(super) fn to_json(&self) -> Value {
        let rules = self
            .armed
            .iter()
            .map(|(rule, tally)| json!({ "rule": rule.source, "seen": tally.seen, "fired": tally.fired }));
        json!({ "rules": rules.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(plan: &str, calls: &[(Call, &str)]) -> String {
        let mut faults = Faults::new(FaultPlan::parse(plan).unwrap());
        let names = calls.iter().map(|(call, path)| faults.strike(*call, path).map_or("-", |fault| fault.name()));
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_rule_that_fires_decides_and_all_of_them_count() {
        let plan = "
- match: { call: updateNode, path: /n1, nth: 2 }
  fault: { drop: after }
- match: { call: writes, every: 3 }
  fault: { answer: { status: 503 } }
- match: { call: mergePackage }
  fault: { task: out of luck }
";
        let calls = [
            (Call::UpdateNode, "/flows/f/chart/nodes/n1"),
            (Call::UpdateNode, "/flows/f/chart/nodes/n1"),
            (Call::ReadChart, "/flows/f/chart"),
            (Call::UpdateNode, "/flows/f/chart/nodes/n2"),
            (Call::MergePackage, "/packages/p/merge"),
        ];
        assert_eq!(strikes(plan, &calls), "- drop - answer task");
    }

    #[test]
    fn a_wrong_plan_is_explained() {
        for (plan, expected) in [
            ("- match: { call: updateNod }\n  fault: { drop: after }", "did you mean `updateNode`?"),
            ("- fault: { dorp: after }", "did you mean `drop`?"),
            ("- fault: {}", "rule 1: expected a fault, found none"),
            ("- fault: { drop: after, truncate: 1 }", "found `drop` and `truncate`"),
            ("- fault: { task: x }", "rule 1: `task` needs `call` to be one that starts a task"),
            ("- match: { nth: 0 }\n  fault: { drop: after }", "`nth` counts from 1"),
        ] {
            let message = FaultPlan::parse(plan).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}

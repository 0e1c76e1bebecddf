//! Faults on purpose: which request meets one, and which.

mod plan;
mod spec;

use serde_json::{Value, json};

use crate::tenant::Call;

pub use plan::FaultPlan;
pub(super) use plan::InjectedFault;

use super::super::fault::Tally;
use plan::{Matching, Rule};

/// A plan in force, with its counts.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    rule: Rule,
    tally: Tally,
}

/// What a request is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) call: Call,
    pub(super) flow: Option<&'a str>,
    pub(super) environment: Option<&'a str>,
}

impl Faults {
    pub(super) fn new(plan: FaultPlan) -> Self {
        let armed = plan.rules.into_iter().map(|rule| {
            let tally = Tally::new(rule.matching.turn.clone());
            Armed { rule, tally }
        });
        Self { armed: armed.collect() }
    }

    /// The fault that this request meets. Every rule counts every request that matches it, whichever rule strikes.
    pub(super) fn strike(&mut self, subject: Subject<'_>) -> Option<InjectedFault> {
        let mut struck = None;
        for armed in &mut self.armed {
            if armed.is_due(subject) && struck.is_none() {
                armed.tally.fired += 1;
                struck = Some(armed.rule.fault.clone());
            }
        }
        struck
    }

    /// The rules as written, each with its counts.
    pub(super) fn to_json(&self) -> Value {
        let rules = self
            .armed
            .iter()
            .map(|Armed { rule, tally }| json!({ "rule": rule.source, "seen": tally.seen, "fired": tally.fired }));
        json!({ "rules": rules.collect::<Vec<_>>() })
    }
}

impl Armed {
    fn is_due(&mut self, subject: Subject<'_>) -> bool {
        self.rule.matching.is_about(subject) && self.tally.is_due()
    }
}

impl Matching {
    fn is_about(&self, subject: Subject<'_>) -> bool {
        self.call.is_none_or(|call| call == subject.call)
            && self.flow.as_deref().is_none_or(|flow| subject.flow == Some(flow))
            && self.environment.as_deref().is_none_or(|environment| subject.environment == Some(environment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(plan: &str, requests: &[(Call, &str)]) -> String {
        let mut faults = Faults::new(FaultPlan::parse(plan).unwrap());
        let names = requests.iter().map(|(call, flow)| {
            let subject = Subject { call: *call, flow: Some(flow), environment: Some("env") };
            faults.strike(subject).map_or("-", |fault| fault.name())
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_rule_that_fires_decides_and_all_of_them_count() {
        let plan = "
- match: { call: import, flow: flow_a, nth: 2 }
  fault: { drop: after }
- match: { call: import, every: 2 }
  fault: refuse
- match: { times: 1, from: 5 }
  fault: { answer: { status: 503, retryAfter: 2 } }
";
        let requests = [
            (Call::Import, "flow_a"),
            (Call::Import, "flow_a"),
            (Call::Import, "flow_b"),
            (Call::Import, "flow_b"),
            (Call::Status, "flow_b"),
            (Call::Status, "flow_b"),
        ];
        assert_eq!(strikes(plan, &requests), "- drop - refuse answer -");
    }

    #[test]
    fn chance_is_seeded() {
        let plan = "[{match: {probability: 0.5, seed: 7}, fault: {truncate: 3}}]";
        let requests = [(Call::Export, ""); 64];
        let first = strikes(plan, &requests);
        assert_eq!(first, strikes(plan, &requests));
        assert!(first.contains('-') && first.contains("truncate"), "{first}");
    }

    #[test]
    fn a_wrong_plan_is_explained() {
        for (plan, expected) in [
            ("- match: {call: import}\n  fault: {dorp: after}", "unknown field `dorp`"),
            ("- match: {call: import}\n  fault: {dorp: after}", "did you mean `drop`?"),
            ("- match: {call: import}\n  fault: {dorp: after}", "line 2 column 11"),
            ("- match: {call: imprt}\n  fault: ignore", "did you mean `import`?"),
            ("- fault: ingore", "did you mean `ignore`?"),
            ("- fault: ignore", "rule 1: `ignore` needs `call` to be one of import, rollback, delete"),
            ("- fault: {}", "rule 1: expected a fault, found none"),
            ("- fault: {drop: after, truncate: 1}", "found `drop` and `truncate`"),
            ("- match: {nth: 0}\n  fault: {drop: after}", "`nth` counts from 1"),
            ("- match: {probability: 1.5}\n  fault: {drop: after}", "from 0 to 1"),
            ("- fault: {answer: {status: 99}}", "from 200 to 599"),
            ("- fault: {delay: soon}", "expected a duration"),
            ("- fault: {answer: {status: 503, retryAfter: {dateln: 2s}}}", "did you mean `dateIn`?"),
        ] {
            let message = FaultPlan::parse(plan).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(FaultPlan::parse("").unwrap().rules.is_empty());
    }
}

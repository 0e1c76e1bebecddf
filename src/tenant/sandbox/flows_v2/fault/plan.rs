//! The fault plan as meant: rules that are complete and make sense for the call they match.

use std::time::Duration;

use serde_json::Value;

use super::super::super::yaml::{self, ReadError};
use super::super::world::{Verdict, Violation};
use super::spec::{
    AnswerSpec, CallSpec, Corruption, DelaySpec, FaultSpec, MatchSpec, RetryAfter, RuleSpec, When, Word,
};
use crate::tenant::Call;

/// What goes wrong, and when: an ordered list of rules. The first rule that fires decides.
///
/// The grammar is in `docs/sandbox.md`.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    pub(super) rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) matching: Matching,
    pub(super) fault: Fault,
    /// As written, to be shown.
    pub(super) source: Value,
}

/// Which requests a rule is about, and which of those it strikes.
#[derive(Debug, Clone)]
pub(super) struct Matching {
    pub(super) call: Option<Call>,
    pub(super) flow: Option<String>,
    pub(super) environment: Option<String>,
    /// The first and the last matching request struck, counted from 1.
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) every: u64,
    pub(super) times: u64,
    pub(super) probability: f64,
    pub(super) seed: u64,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Refuse { status: u16, message: String, violations: Vec<Violation> },
    Answer { status: u16, retry_after: Option<RetryAfter>, body: Option<String>, when: When },
    Delay { before: Duration, after: Duration },
    Drop { when: When, wait: Duration },
    Truncate(usize),
    Corrupt(Corruption),
    Say(Verdict),
    Ignore,
    Mutate,
    Normalise,
    Neighbour,
    Stale,
    Short,
}

impl Fault {
    /// The word the plan uses.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Answer { .. } => "answer",
            Self::Delay { .. } => "delay",
            Self::Drop { .. } => "drop",
            Self::Truncate(_) => "truncate",
            Self::Corrupt(_) => "corrupt",
            Self::Say(_) => "status",
            Self::Ignore => "ignore",
            Self::Mutate => "mutate",
            Self::Normalise => "normalise",
            Self::Neighbour => "neighbour",
            Self::Stale => "stale",
            Self::Short => "short",
        }
    }

    /// The calls it can strike; none is any call.
    fn calls(&self) -> Option<&'static [Call]> {
        match self {
            Self::Say(_) => Some(&[Call::Import, Call::Status, Call::Rollback]),
            Self::Ignore => Some(&[Call::Import, Call::Rollback, Call::Delete]),
            Self::Mutate | Self::Normalise | Self::Neighbour => Some(&[Call::Import, Call::Rollback]),
            Self::Stale => Some(&[Call::Export]),
            Self::Short => Some(&[Call::Export, Call::Intents, Call::Entities, Call::Variables]),
            _ => None,
        }
    }
}

impl FaultPlan {
    /// Reads a plan, YAML or JSON. An empty text is an empty plan.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        let specs: Option<Vec<RuleSpec>> = yaml::read(text)?;
        let sources: Option<Vec<Value>> = yaml::read(text)?;
        let pairs = specs.unwrap_or_default().into_iter().zip(sources.unwrap_or_default());
        let rules = pairs.enumerate().map(|(index, (spec, source))| {
            rule(spec, source).map_err(|message| ReadError::new(format!("rule {}: {message}", index + 1)))
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }
}

fn rule(spec: RuleSpec, source: Value) -> Result<Rule, String> {
    let RuleSpec { matching, fault } = spec;
    let fault = meant(fault.0)?;
    let matching = matching_meant(matching)?;
    if let Some(calls) = fault.calls()
        && matching.call.is_none_or(|call| !calls.contains(&call))
    {
        let calls: Vec<&str> = calls.iter().map(|call| call.as_str()).collect();
        return Err(format!("`{}` needs `call` to be one of {}", fault.name(), calls.join(", ")));
    }
    Ok(Rule { matching, fault, source })
}

fn matching_meant(spec: MatchSpec) -> Result<Matching, String> {
    let MatchSpec { call, flow, environment, nth, from, to, every, times, probability, seed } = spec;
    if nth.is_some() && (from.is_some() || to.is_some()) {
        return Err("`nth` cannot stand beside `from` or `to`".to_owned());
    }
    let counts = [("nth", nth), ("from", from), ("to", to), ("every", every), ("times", times)];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
        return Err(format!("`{name}` counts from 1, found 0"));
    }
    let probability = probability.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&probability) {
        return Err(format!("expected `probability` from 0 to 1, found {probability}"));
    }
    Ok(Matching {
        call: call_meant(call),
        flow,
        environment,
        from: nth.or(from).unwrap_or(1),
        to: nth.or(to).unwrap_or(u64::MAX),
        every: every.unwrap_or(1),
        times: times.unwrap_or(u64::MAX),
        probability,
        seed: seed.unwrap_or(0),
    })
}

fn call_meant(call: CallSpec) -> Option<Call> {
    Some(match call {
        CallSpec::Any => return None,
        CallSpec::Token => Call::Token,
        CallSpec::Export => Call::Export,
        CallSpec::Intents => Call::Intents,
        CallSpec::Entities => Call::Entities,
        CallSpec::Variables => Call::Variables,
        CallSpec::Import => Call::Import,
        CallSpec::Status => Call::Status,
        CallSpec::Rollback => Call::Rollback,
        CallSpec::Delete => Call::Delete,
    })
}

fn meant(spec: FaultSpec) -> Result<Fault, String> {
    let FaultSpec { refuse, answer, delay, drop, wait, truncate, corrupt, status, message, word } = spec;
    if message.is_some() && status.is_none() {
        return Err("`message` belongs beside `status`, or inside `refuse`".to_owned());
    }
    if wait.is_some() && drop.is_none() {
        return Err("`wait` belongs beside `drop`".to_owned());
    }
    let faults = [
        word.map(|word| Ok(worded(word))),
        refuse.map(|refuse| {
            let status = status_in(400, refuse.status.unwrap_or(400))?;
            Ok(Fault::Refuse { status, message: message_or_default(refuse.message), violations: refuse.violations })
        }),
        answer.map(answered),
        delay.map(|delay| {
            let DelaySpec { before, after } = delay.0;
            Ok(Fault::Delay { before: before.unwrap_or_default().0, after: after.unwrap_or_default().0 })
        }),
        drop.map(|when| Ok(Fault::Drop { when, wait: wait.unwrap_or_default().0 })),
        truncate.map(|n_bytes| Ok(Fault::Truncate(n_bytes))),
        corrupt.map(|corruption| Ok(Fault::Corrupt(corruption))),
        status.map(|status| Ok(Fault::Say(Verdict { status, message }))),
    ];
    let mut faults = faults.into_iter().flatten();
    match (faults.next(), faults.next()) {
        (Some(fault), None) => fault,
        (None, _) => Err("expected a fault, found none".to_owned()),
        (Some(first), Some(second)) => {
            Err(format!("expected one fault, found `{}` and `{}`", first?.name(), second?.name()))
        }
    }
}

fn worded(word: Word) -> Fault {
    match word {
        Word::Refuse => Fault::Refuse { status: 400, message: message_or_default(None), violations: Vec::new() },
        Word::Ignore => Fault::Ignore,
        Word::Mutate => Fault::Mutate,
        Word::Normalise => Fault::Normalise,
        Word::Neighbour => Fault::Neighbour,
        Word::Stale => Fault::Stale,
        Word::Short => Fault::Short,
    }
}

fn answered(spec: AnswerSpec) -> Result<Fault, String> {
    let AnswerSpec { status, retry_after, body, takes_effect } = spec;
    let when = if takes_effect { When::After } else { When::Before };
    let retry_after = retry_after.map(|retry_after| retry_after.0);
    Ok(Fault::Answer { status: status_in(200, status)?, retry_after, body, when })
}

fn message_or_default(message: Option<String>) -> String {
    message.unwrap_or_else(|| "refused by the fault plan".to_owned())
}

fn status_in(least: u16, status: u16) -> Result<u16, String> {
    if (least..=599).contains(&status) {
        Ok(status)
    } else {
        Err(format!("expected an HTTP status from {least} to 599, found {status}"))
    }
}

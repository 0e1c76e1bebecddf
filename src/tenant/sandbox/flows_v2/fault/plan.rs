//! The fault plan as meant: rules that are complete and make sense for the call they match.

use serde_json::Value;

use super::super::super::fault::{Trouble, Turn, TurnWritten, answered, delayed, status_in};
use super::super::super::yaml::{self, ReadError};
use super::super::world::{ShownStatus, Violation};
use super::spec::{CallSpec, FaultSpec, MatchSpec, RuleSpec, Word};
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
    pub(super) fault: InjectedFault,
    /// As written, to be shown.
    pub(super) source: Value,
}

/// Which requests a rule is about, and which of those it strikes.
#[derive(Debug, Clone)]
pub(super) struct Matching {
    pub(super) call: Option<Call>,
    pub(super) flow: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) turn: Turn,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InjectedFault {
    Refuse {
        status: u16,
        message: String,
        violations: Vec<Violation>,
    },
    /// What may happen to any request.
    Any(Trouble),
    Say(ShownStatus),
    Ignore,
    Mutate,
    Normalise,
    Neighbour,
    Stale,
    Short,
}

impl InjectedFault {
    /// The word the plan uses.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Any(trouble) => trouble.name(),
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
    let turn = Turn::meant(&TurnWritten { nth, from, to, every, times, probability, seed })?;
    Ok(Matching { call: call_meant(call), flow, environment, turn })
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

fn meant(spec: FaultSpec) -> Result<InjectedFault, String> {
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
            Ok(InjectedFault::Refuse {
                status,
                message: message_or_default(refuse.message),
                violations: refuse.violations,
            })
        }),
        answer.map(|answer| answered(answer).map(InjectedFault::Any)),
        delay.map(|delay| Ok(InjectedFault::Any(delayed(delay.0)))),
        drop.map(|when| Ok(InjectedFault::Any(Trouble::Drop { when, wait: wait.unwrap_or_default().0 }))),
        truncate.map(|n_bytes| Ok(InjectedFault::Any(Trouble::Truncate(n_bytes)))),
        corrupt.map(|corruption| Ok(InjectedFault::Any(Trouble::Corrupt(corruption)))),
        status.map(|status| Ok(InjectedFault::Say(ShownStatus { status, message }))),
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

fn worded(word: Word) -> InjectedFault {
    match word {
        Word::Refuse => {
            InjectedFault::Refuse { status: 400, message: message_or_default(None), violations: Vec::new() }
        }
        Word::Ignore => InjectedFault::Ignore,
        Word::Mutate => InjectedFault::Mutate,
        Word::Normalise => InjectedFault::Normalise,
        Word::Neighbour => InjectedFault::Neighbour,
        Word::Stale => InjectedFault::Stale,
        Word::Short => InjectedFault::Short,
    }
}

fn message_or_default(message: Option<String>) -> String {
    message.unwrap_or_else(|| "refused by the fault plan".to_owned())
}

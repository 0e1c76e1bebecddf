//! The fault plan: an ordered list of rules.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::super::super::fault::{
    AnswerSpec, Corruption, DelaySpec, Trouble, Turn, TurnWritten, When, answered, delayed,
};
use super::super::super::span::Span;
use super::super::super::yaml::{self, Loose, ReadError};
use super::super::call::{Call, NAMES};

/// What goes wrong, and when. The first rule that fires decides. The grammar is in `docs/sandbox.md`.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    pub(super) rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    about: About,
    path: Option<String>,
    pub(super) turn: Turn,
    pub(super) fault: InjectedFault,
    /// As written, to be shown.
    pub(super) source: Value,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InjectedFault {
    /// What may happen to any request.
    Any(Trouble),
    /// The task that the call starts fails, for this reason.
    Task(String),
}

/// Which calls a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum About {
    #[default]
    Any,
    Reads,
    Writes,
    One(Call),
}

impl<'de> Deserialize<'de> for About {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match name.as_str() {
            "any" => Ok(Self::Any),
            "reads" => Ok(Self::Reads),
            "writes" => Ok(Self::Writes),
            name => Call::named(name).map(Self::One).ok_or_else(|| D::Error::unknown_variant(name, NAMES)),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    #[serde(rename = "match", default)]
    matching: MatchSpec,
    fault: FaultSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MatchSpec {
    call: About,
    path: Option<String>,
    nth: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
    every: Option<u64>,
    times: Option<u64>,
    probability: Option<f64>,
    seed: Option<u64>,
}

/// What goes wrong: exactly one of these; `wait` belongs to `drop`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FaultSpec {
    answer: Option<AnswerSpec>,
    delay: Option<Loose<DelaySpec>>,
    drop: Option<When>,
    wait: Option<Span>,
    truncate: Option<usize>,
    corrupt: Option<Corruption>,
    task: Option<String>,
}

impl InjectedFault {
    /// The word the plan uses.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Any(trouble) => trouble.name(),
            Self::Task(_) => "task",
        }
    }
}

impl Rule {
    pub(super) fn is_about(&self, call: Call, path: &str) -> bool {
        let is_call = match self.about {
            About::Any => true,
            About::Reads => !call.writes(),
            About::Writes => call.writes(),
            About::One(one) => one == call,
        };
        is_call && self.path.as_deref().is_none_or(|part| path.contains(part))
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

fn rule(RuleSpec { matching, fault }: RuleSpec, source: Value) -> Result<Rule, String> {
    let MatchSpec { call: about, path, nth, from, to, every, times, probability, seed } = matching;
    let fault = meant(fault)?;
    let starts_task = matches!(about, About::One(call) if call.starts_task());
    if matches!(fault, InjectedFault::Task(_)) && !starts_task {
        return Err("`task` needs `call` to be one that starts a task".to_owned());
    }
    let turn = Turn::meant(&TurnWritten { nth, from, to, every, times, probability, seed })?;
    Ok(Rule { about, path, turn, fault, source })
}

fn meant(spec: FaultSpec) -> Result<InjectedFault, String> {
    let FaultSpec { answer, delay, drop, wait, truncate, corrupt, task } = spec;
    if wait.is_some() && drop.is_none() {
        return Err("`wait` belongs beside `drop`".to_owned());
    }
    let faults = [
        answer.map(|answer| answered(answer).map(InjectedFault::Any)),
        delay.map(|Loose(delay)| Ok(InjectedFault::Any(delayed(delay)))),
        drop.map(|when| Ok(InjectedFault::Any(Trouble::Drop { when, wait: wait.unwrap_or_default().0 }))),
        truncate.map(|n_bytes| Ok(InjectedFault::Any(Trouble::Truncate(n_bytes)))),
        corrupt.map(|corruption| Ok(InjectedFault::Any(Trouble::Corrupt(corruption)))),
        task.map(|reason| Ok(InjectedFault::Task(reason))),
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

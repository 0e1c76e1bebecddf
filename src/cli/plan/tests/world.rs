//! Plans made in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::json;
use super::super::limits::PLAN_BYTES_MAX;
use super::super::markdown::{Section, page};
use super::super::text::{Inside, Style, text};
use crate::cli::output;
use crate::config::{Drift, Prune};
use crate::controller::view::PlanView;
use crate::flow::{Comparison, Definition, EnvironmentId, FlowId, LiveFlow};
use crate::plan::{self, Desired, DesiredFlow, Last, Live, Plan, Policy};

/// A flow of which parts can be replaced.
pub(super) const FLOW: &str = r#"{"id": "flow_pay", "name": "Payment", "version": "1.0.0", "owner": "billing",
  "nodes": [
    {"id": "start", "type": "start", "configuration": {"entry": "voice"}},
    {"id": "ask", "type": "action", "label": "Ask amount", "configuration": {"action": "say",
      "text": ["How much would you like to pay today?", "Which amount?"], "code": "let a = 1;\nlet b = 2;\nreturn a + b;\n",
      "replies": [{"id": "r1", "title": "All of it"}, {"id": "r2", "title": "A part"}]}},
    {"id": "wants", "type": "intent", "configuration": {"intent": "intent_pay", "minScore": 0.7}},
    {"id": "done", "type": "end", "configuration": {"outcome": "paid"}}
  ],
  "edges": [
    {"from": "start", "to": "ask", "condition": null},
    {"from": "ask", "to": "wants", "condition": "input.amount > 0"},
    {"from": "wants", "to": "done", "condition": null}
  ],
  "externalReferences": [{"type": "intent", "id": "intent_pay", "environmentId": "env_prod"}]}"#;

/// The flow with parts of it replaced.
#[track_caller]
pub(super) fn flow(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(FLOW.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

pub(super) fn planned(git: &[String], live: &[String]) -> Plan {
    let comparison = Comparison::default();
    let read = |text: &String| Arc::new(Definition::from_file(text.as_bytes().into(), &comparison).unwrap());
    let desired = |text: &String| {
        let definition = read(text);
        let path = format!("flows/{}.json", definition.id);
        (definition.id.clone(), DesiredFlow { definition, path, origin: None, overlay: None })
    };
    let desired = Desired { flows: git.iter().map(desired).collect(), ..Desired::default() };
    let flows: BTreeMap<FlowId, LiveFlow> =
        live.iter().map(read).map(|definition| (definition.id.clone(), LiveFlow::Read(definition))).collect();
    let deployed = flows.iter().map(|(id, flow)| (id.clone(), flow.equality_hash())).collect();
    let last = Last { flows: deployed, ..Last::default() };
    let target = EnvironmentId("env_prod".to_owned());
    let policy = Policy { target: &target, drift: Drift::Correct, prune: Prune::Remove };
    plan::plan(&desired, &Live { flows, foreign: Vec::new() }, &last, policy).unwrap()
}

pub(super) fn shown(git: &[String], live: &[String], inside: Inside) -> String {
    let plan = planned(git, live);
    let view = PlanView::new("production", "env_prod", &plan, &[]);
    text(&view, &Comparison::default(), Style { inside, color: false, n_plans: 1 }).unwrap()
}

/// The text of an update that replaces parts of the flow.
#[track_caller]
pub(super) fn update(edits: &[(&str, &str)]) -> String {
    shown(&[flow(edits)], &[FLOW.to_owned()], Inside::Told)
}

pub(super) fn comment(git: &[String], live: &[String]) -> String {
    let plan = planned(git, live);
    let view = PlanView::new("production", "env_prod", &plan, &[]);
    page(&[Section::Planned { view: Box::new(view), comparison: &Comparison::default() }], Some("production")).unwrap()
}

pub(super) fn document(git: &[String], live: &[String]) -> String {
    let plan = planned(git, live);
    let view = PlanView::new("production", "env_prod", &plan, &[]);
    let document = json::planned(view, &Comparison::default(), 1).unwrap();
    output::laid_out(&document, PLAN_BYTES_MAX).unwrap()
}

//! `flows-v2`: a flow is a document, and the tenant one in memory.

use std::sync::Arc;
use std::time::Duration;

use flowsync::flow::{EnvironmentId, FlowId};
use flowsync::format::Format;
use flowsync::record::audit::EventKind;
use flowsync::tenant::memory::{Garble, MemoryClient, MemoryTenant};
use tokio::time::Instant;

use super::super::people::Meant;
use super::super::script::Script;
use super::{Api, Change, Client, Desk};

pub struct FlowsV2 {
    tenant: MemoryTenant,
    target: EnvironmentId,
}

impl FlowsV2 {
    pub fn new() -> Arc<Self> {
        let (tenant, target) = (MemoryTenant::default(), EnvironmentId("env_prod".into()));
        tenant.add_intent(&target, "hello");
        Arc::new(Self { tenant, target })
    }
}

impl Api for FlowsV2 {
    fn target(&self) -> EnvironmentId {
        self.target.clone()
    }

    fn format(&self) -> Format {
        Format::FlowsV2
    }

    fn operations(&self) -> usize {
        120
    }

    fn id(&self, name: &str) -> FlowId {
        format!("flow_{name}").parse().unwrap()
    }

    fn text(&self, name: &str, flow: &Meant) -> String {
        let target = self.target.as_str();
        let reference = |kind: &str, id: &str| format!(r#"{{"type":"{kind}","id":"{id}","environmentId":"{target}"}}"#);
        let mut references: Vec<String> =
            flow.needs.iter().map(|need| reference("flow", self.id(need).as_str())).collect();
        references.extend(flow.needs_intent.then(|| reference("intent", "hello")));
        let start = if flow.is_bad { "" } else { r#"{"id":"s","type":"start","configuration":{}}"# };
        format!(
            r#"{{"id":"flow_{name}","name":"{name} {}","version":"1.0.{}","nodes":[{start}],"edges":[],"externalReferences":[{}]}}"#,
            flow.revision,
            flow.version,
            references.join(",")
        )
    }

    fn files(&self, name: &str, flow: &Meant) -> Vec<(String, Vec<u8>)> {
        vec![(flow.path.clone(), self.text(name, flow).into_bytes())]
    }

    fn foreign(&self) -> String {
        r#"{"id":"flow_zz","name":"z","version":"1.0.0","nodes":[],"edges":[]}"#.to_owned()
    }

    fn flow(&self, id: &FlowId) -> Option<Arc<[u8]>> {
        self.tenant.flow(&self.target, id)
    }

    fn edit(&self, body: &[u8]) -> Vec<FlowId> {
        self.tenant.edit(&self.target, body);
        Vec::new()
    }

    fn remove(&self, id: &FlowId) -> Vec<FlowId> {
        self.tenant.remove(&self.target, id);
        Vec::new()
    }

    fn garble(&self, id: &FlowId, how: Garble) -> bool {
        self.tenant.garble(&self.target, id, how)
    }

    fn n_writes(&self) -> usize {
        self.tenant.n_writes()
    }

    fn set_delay(&self, delay: Duration) {
        self.tenant.set_delay(delay);
    }

    fn move_list_until(&self, instant: Instant) {
        self.tenant.move_list_until(instant);
    }

    /// Its client tells of each.
    fn changes(&self) -> Vec<Change> {
        Vec::new()
    }

    fn announced_by(&self) -> EventKind {
        EventKind::Intent
    }

    fn client(&self, _: &Arc<Desk>, script: &Arc<Script>) -> Client {
        Client::Memory(MemoryClient::new(self.tenant.clone(), script.clone()))
    }
}

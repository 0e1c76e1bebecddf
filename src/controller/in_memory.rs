//! An engine over memory, for the tests of this room: one environment, `production`, on branch `main`.

use std::sync::Arc;

use super::{Engine, Records};
use crate::clock::SimulatedClock;
use crate::config::{SubjectTemplate, SyncPolicy};
use crate::flow::EnvironmentId;
use crate::index::{FlowIndex, LiveReader};
use crate::local::MemoryState;
use crate::shutdown::Shutdown;
use crate::source::memory::{Folders, MemoryRemote, MemorySource, SourceHook};
use crate::tenant::memory::{MemoryClient, MemoryTenant, TenantHook};

/// An engine that speaks to nothing but memory.
pub(super) type MemoryEngine = Engine<MemoryClient, MemorySource, MemoryState>;

/// What an engine is made of.
pub(super) struct Parts<'a> {
    pub(super) remote: &'a MemoryRemote,
    pub(super) tenant: &'a MemoryTenant,
    pub(super) target: &'a EnvironmentId,
    pub(super) index: FlowIndex,
    pub(super) local: MemoryState,
    pub(super) clock: Arc<SimulatedClock>,
}

impl Parts<'_> {
    /// An engine whose calls to the tenant, and whose git, somebody watches or breaks.
    pub(super) fn engine(self, calls: Arc<dyn TenantHook>, git: Arc<dyn SourceHook>) -> MemoryEngine {
        let Parts { remote, tenant, target, index, local, clock } = self;
        let folders = Folders {
            branch: "main".into(),
            records_branch: "main".into(),
            flows: "flows".into(),
            records: "deployments".into(),
        };
        let records = Records {
            environment: "production".into(),
            target: target.clone(),
            tenant_url: "memory".into(),
            branch: "main".into(),
            folder: "deployments".into(),
            seal_key: None,
            index: index.clone(),
            source: Arc::new(MemorySource::new(remote.clone(), folders, git)),
        };
        Engine {
            records,
            subject: SubjectTemplate::default(),
            policy: SyncPolicy::default(),
            reader: LiveReader::new(index),
            tenant: Arc::new(MemoryClient::new(tenant.clone(), calls)),
            local: Arc::new(local),
            clock,
            progress: Arc::new(|_| {}),
            shutdown: Shutdown::default(),
        }
    }
}

//! Reading what is live: what its stamp still proves, from the cache; the rest node by node, or, where that is much,
//! from one package.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::super::{Failure, TenantError};
use super::client::Client;
use super::defaults::added;
use super::heads::FlowHead;
use super::memory::Leftover;
use super::names;
use super::packages::Packages;
use super::parcel::Parcel;
use super::read::{ReadFlow, Reading};
use super::store::Known;
use crate::config::Scan;
use crate::flow::FlowId;
use crate::format::cognigy::document::{Flow, FlowRef};

/// Flows that are read side by side; the nodes of each are, as well.
const FLOWS_AT_ONCE: usize = 2;
/// More nodes than this are read from a package, where that may be chosen.
const NODE_READS_MAX: usize = 50;
/// What is read anew although nothing says that it changed takes this part of the requests, where it is read by nodes.
const ROTATION_SHARE: usize = 10;

impl Client {
    /// Every flow as it is live.
    pub(super) async fn texts(&self, reading: &Reading<'_>) -> Result<Vec<(FlowId, String)>, TenantError> {
        let key = self.key(reading);
        let (mut texts, mut due, mut stale) = (Vec::new(), Vec::new(), Vec::new());
        let doubles = self.doubles(reading.project);
        let is_read = |head: &&FlowHead| !names::is_scaffold(&head.name) && !doubles.contains(&head.reference_id);
        for head in reading.project.flows.values().filter(is_read) {
            match self.known(reading, head, &key) {
                Some((id, known)) if known.is_due => due.push((head.clone(), (id, known.text))),
                Some((id, known)) => texts.push((id, known.text)),
                None => stale.push(head.clone()),
            }
        }
        stale.extend(due.iter().map(|(head, _)| head.clone()));
        let mut packed = match self.wants_package(reading, &stale).await? {
            true => self.read_package(reading, &stale).await?,
            false => {
                texts.extend(self.put_off(due, &mut stale));
                HashMap::new()
            }
        };
        let flows: Vec<ReadFlow> = stream::iter(stale)
            .map(|head| {
                let packed = packed.remove(&head.id);
                async move { self.keep(&head, reading, packed).await }
            })
            .buffer_unordered(FLOWS_AT_ONCE)
            .try_collect()
            .await?;
        texts.extend(flows.into_iter().map(|flow| (flow.id, flow.text)));
        Ok(texts)
    }

    /// One flow as it is live.
    pub(super) async fn text(&self, reading: &Reading<'_>, head: &FlowHead) -> Result<String, TenantError> {
        match self.stored(reading, head) {
            Some(text) => Ok(text),
            None => Ok(self.keep(head, reading, None).await?.text),
        }
    }

    /// What a reading depends on besides the flows themselves.
    fn key(&self, reading: &Reading<'_>) -> String {
        reading.project.locales.key() + &self.references.key()
    }

    /// What is known of a flow still, without reading it again.
    pub(super) fn stored(&self, reading: &Reading<'_>, head: &FlowHead) -> Option<String> {
        let is_there = |id: &str| reading.project.flows.contains_key(id);
        self.store.get(&head.id, &self.key(reading), head.last_changed, self.now(), is_there)
    }

    fn known(&self, reading: &Reading<'_>, head: &FlowHead, key: &str) -> Option<(FlowId, Known)> {
        let reference: FlowRef = head.reference_id.parse().ok()?;
        let is_there = |id: &str| reading.project.flows.contains_key(id);
        let known = self.store.kept_of(&head.id, key, head.last_changed, self.now(), is_there)?;
        Some((self.references.git_flow(reference).flow_id(), known))
    }

    /// Of flows whose stamps stand still, those that are not read anew this time: node by node that takes no more than a
    /// share of the requests that there are.
    fn put_off(&self, due: Vec<(FlowHead, (FlowId, String))>, stale: &mut Vec<FlowHead>) -> Vec<(FlowId, String)> {
        let n_most = self.options.requests_per_5_minutes as usize / ROTATION_SHARE;
        let n_configs = |text: &str| {
            let flow = Flow::parse(text.as_bytes()).ok();
            flow.map_or(1, |flow| flow.nodes().map(|node| node.config.len()).sum::<usize>() + 2)
        };
        let is_put_off =
            |(_, (_, text)): &(FlowHead, (FlowId, String))| !self.memory.may_rotate(n_configs(text), n_most);
        let (put_off, _): (Vec<_>, Vec<_>) = due.into_iter().partition(is_put_off);
        stale.retain(|head| !put_off.iter().any(|(other, _)| other.id == head.id));
        put_off.into_iter().map(|(_, known)| known).collect()
    }

    /// A flow, read; and kept as long as its stamp proves it.
    pub(super) async fn keep(
        &self,
        head: &FlowHead,
        reading: &Reading<'_>,
        packed: Option<ReadFlow>,
    ) -> Result<ReadFlow, TenantError> {
        let flow = match packed {
            Some(flow) => flow,
            None => reading.flow(head).await?,
        };
        self.learn(head, reading, &flow);
        if flow.is_settled {
            self.store.put(&head.id, &self.key(reading), self.now(), &flow);
        }
        self.memory.note_size(&head.id, flow.n_configs);
        Ok(flow)
    }

    /// Finds out what the platform has added to a flow by itself: since it was read with the same stamp, or to what was
    /// written.
    fn learn(&self, head: &FlowHead, reading: &Reading<'_>, flow: &ReadFlow) {
        let same_stamp = self.store.before(&head.id, &self.key(reading), flow.stamp).filter(|_| flow.is_settled);
        let sent = self.memory.sent(&flow.id);
        let parse = |text: &String| Flow::parse(text.as_bytes()).ok();
        let Some(after) = parse(&flow.text) else { return };
        for before in same_stamp.iter().chain(&sent).filter(|before| **before != flow.text).filter_map(parse) {
            self.defaults.add(&added(&before, &after));
        }
        if let Some(sent) = sent.as_ref().and_then(parse)
            && self.defaults.left_out(&after, &sent).to_text() == sent.to_text()
        {
            self.memory.note_sent(&flow.id, None);
        }
    }

    /// Whether so much is to be read that a package is the shorter way.
    async fn wants_package(&self, reading: &Reading<'_>, stale: &[FlowHead]) -> Result<bool, TenantError> {
        let has_none = self.memory.has_no_packages.load(Ordering::Relaxed);
        match self.options.scan {
            Scan::Nodes => return Ok(false),
            Scan::Package => return Ok(!stale.is_empty()),
            Scan::Auto if has_none => return Ok(false),
            Scan::Auto => {}
        }
        let mut n_reads = 0;
        for head in stale {
            n_reads += match self.memory.size(&head.id) {
                Some(n_configs) => n_configs,
                None => reading.size(head).await?,
            };
            if n_reads > NODE_READS_MAX {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads flows from one package; those that are not as they were listed are left out.
    async fn read_package(
        &self,
        reading: &Reading<'_>,
        stale: &[FlowHead],
    ) -> Result<HashMap<String, ReadFlow>, TenantError> {
        let packages = Packages { calls: reading.calls, project: reading.project_id };
        let ids: Vec<&str> = stale.iter().map(|head| head.id.as_str()).collect();
        let exported = packages.export(&self.memory.scan(), &ids).await;
        let (package, file) = match exported {
            Ok(exported) => exported,
            Err(error) if self.options.scan == Scan::Auto && may_do_without(&error) => {
                tracing::warn!("flows are read node by node: {error}");
                self.memory.has_no_packages.store(true, Ordering::Relaxed);
                return Ok(HashMap::new());
            }
            Err(error) => return Err(error),
        };
        let parcel = Parcel::open(&file);
        if !packages.remove(&package).await {
            self.memory.leave(Leftover::Package(package));
        }
        let parcel = parcel.map_err(|reason| reading.calls.error(Failure::Impossible { reason }))?;
        let charts = &parcel.charts();
        let packed: Vec<(String, Option<ReadFlow>)> = stream::iter(stale.to_vec())
            .map(|head| async move { Ok::<_, TenantError>((head.id.clone(), reading.packed(&head, charts).await?)) })
            .buffer_unordered(self.concurrency)
            .try_collect()
            .await?;
        Ok(packed.into_iter().filter_map(|(id, flow)| Some((id, flow?))).collect())
    }
}

/// Whether a package that cannot be had is no reason to read nothing.
fn may_do_without(error: &TenantError) -> bool {
    matches!(
        error.failure.last(),
        Failure::NoRight { .. } | Failure::TaskFailed { .. } | Failure::Unsupported { .. } | Failure::TooLarge { .. }
    )
}

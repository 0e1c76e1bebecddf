//! Questions about a whole flow: as a package, trained, replaced, and what a merge leaves that does not end well.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::super::{Failure, TenantError};
use super::super::call::Started;
use super::super::heads::FlowHead;
use super::super::packages::{Conflict, Merged};
use super::super::parcel::Parcel;
use super::super::task::{Ended, may_change};
use super::asking::{Answered, Asking, Seen};
use super::ground::{Ground, is_well, told};
use crate::format::cognigy::document::{Flow, Node, NodeRef};

/// Asks about a whole flow.
pub(super) struct Whole<'g, 'a> {
    pub(super) ground: &'g Ground<'a>,
}

/// Intents as an import takes them.
const INTENTS: &str = r#"[{"name":"flowsyncProbe","exampleSentences":["probe one","probe two","probe three"]}]"#;
/// References of nodes that are added one after the other.
const ADDED: [&str; 2] = ["f10c5000-0000-4000-8000-000000000001", "f10c5000-0000-4000-8000-000000000002"];

impl Whole<'_, '_> {
    /// Asks everything.
    pub(super) async fn ask(&self, asking: &mut Asking<'_>) {
        asking.ask("a flow in a package", "it says what its nodes say", self.packed()).await;
        let trained = "`isTrainingOutOfDate` is false afterwards";
        asking.ask("intents and their training", trained, self.train()).await;
        let kept = "the flow's id, reference ids and intents stay, it is trained again, `lastChanged` moves";
        asking.ask("a flow that is replaced", kept, self.replaced()).await;
        asking.ask("a merge of what is there", "the reason says `conflict`", self.conflict()).await;
        let cut = "whatever it leaves, merging again puts it right";
        asking.ask("a merge that is cut half-way", cut, self.cut()).await;
        asking.ask("names of tasks", "those that change a project are known by theirs", self.tasks()).await;
    }

    fn impossible(&self, reason: String) -> TenantError {
        self.ground.calls.error(Failure::Impossible { reason })
    }

    fn flow(&self, text: &str) -> Result<Flow, TenantError> {
        Flow::parse(text.as_bytes()).map_err(|error| self.impossible(format!("the flow cannot be read: {error}")))
    }

    /// The flow as its nodes tell.
    async fn text(&self) -> Result<String, TenantError> {
        let (project, head) = self.ground.again().await?;
        Ok(self.ground.reading(&project).flow(&head).await?.text)
    }

    /// The flow as a package that is exported now.
    async fn parcel(&self, head: &FlowHead) -> Result<Parcel, TenantError> {
        let name = self.ground.client.memory.passing();
        let (package, file) = self.ground.packages().export(&name, &[&head.id]).await?;
        self.ground.packages().remove(&package).await;
        Parcel::open(&file).map_err(|reason| self.impossible(reason))
    }

    async fn packed(&self) -> Answered {
        let (project, head) = self.ground.again().await?;
        let reading = self.ground.reading(&project);
        let nodes = reading.flow(&head).await?.text;
        let parcel = self.parcel(&head).await?;
        let tree = parcel.charts().read(&head.reference_id);
        tree.map_err(|reason| self.impossible(reason))?;
        let Some(packed) = reading.packed(&head, &parcel.charts()).await? else {
            return Ok(Seen::judged(false, "it cannot be read as its nodes can"));
        };
        let pair = [&nodes, &packed.text].map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
        Ok(match different(&pair[0], &pair[1]) {
            None => Seen::either("the same"),
            Some(at) => Seen::judged(false, format!("another value at {at}")),
        })
    }

    async fn n_intents(&self, head: &FlowHead) -> Result<usize, TenantError> {
        let path = ["flows", head.id.as_str(), "intents"];
        let list: Value = self.ground.calls.json(&path, &[], "list intents").await?;
        Ok(list["items"].as_array().map_or(0, Vec::len))
    }

    async fn train(&self) -> Answered {
        let (calls, project) = (self.ground.calls, self.ground.environment.as_str());
        let locale = self.ground.primary().ok_or_else(|| self.impossible("the project has no locale".to_owned()))?;
        let path = |verb| ["flows", self.ground.head.id.as_str(), "intents", verb];
        let fields = [("mode", "overwrite"), ("localeId", locale.id.as_str())];
        let unknown = |started| match started {
            Started::Yes(task) => Ok(task),
            Started::Unknown(failure) => Err(calls.error(failure)),
        };
        let started = calls.upload(&path("import"), &fields, INTENTS.as_bytes(), "import intents").await?;
        calls.finish_well(project, &unknown(started)?, "import intents").await?;
        let started = calls.start(&path("train"), &json!({"localeId": locale.id}), "train intents").await?;
        calls.finish_well(project, &unknown(started)?, "train the intents").await?;
        let (_, head) = self.ground.again().await?;
        let n_intents = self.n_intents(&head).await?;
        let shown = match head.is_training_out_of_date {
            Some(true) => "true",
            Some(false) => "false",
            None => "not there",
        };
        let is_so = head.is_training_out_of_date == Some(false) && n_intents == 1;
        Ok(Seen::judged(is_so, format!("`isTrainingOutOfDate` is {shown}, {n_intents} intent(s)")))
    }

    /// The flow with one node more, at its beginning.
    fn with_node(&self, text: &str, reference: &str) -> Result<Flow, TenantError> {
        let mut flow = self.flow(text)?;
        let reference: NodeRef = reference.parse().map_err(|error| self.impossible(format!("{error}")))?;
        let said = json!({"say": {"type": "text", "text": ["One more"], "data": "", "linear": false, "loop": false}});
        let like = flow.nodes().find(|node| node.kind == "say").cloned();
        let like = like.ok_or_else(|| self.impossible("the flow has no `say` node".to_owned()))?;
        let config =
            like.config.keys().take(1).map(|locale| (locale.clone(), said.as_object().cloned().unwrap_or_default()));
        flow.chart.insert(1, Node { config: config.collect(), ..Node::plain("say", reference) });
        Ok(flow)
    }

    /// By the very way that deployments take.
    async fn replaced(&self) -> Answered {
        let (_, before) = self.ground.again().await?;
        let n_intents = self.n_intents(&before).await?;
        let wanted = self.with_node(&self.text().await?, ADDED[0])?.to_text();
        let id = self.flow(&wanted)?.reference.flow_id();
        let client = self.ground.client;
        Box::pin(client.write(self.ground.calls, self.ground.environment, &id, wanted.as_bytes())).await?;
        let (_, after) = self.ground.again().await?;
        let live = self.text().await?;
        let kept = self.n_intents(&after).await?;
        let was_trained = before.is_training_out_of_date == Some(false);
        let checks = [
            (live == wanted, "the chart is what was merged", "the chart is not what was merged"),
            (before.id == after.id, "its id stays", "its id is another"),
            (kept == n_intents, "its intents stay", "its intents are gone"),
            (
                !was_trained || after.is_training_out_of_date == Some(false),
                "it is trained",
                "its training is out of date",
            ),
            (after.last_changed > before.last_changed, "`lastChanged` moved", "`lastChanged` stood still"),
        ];
        let seen: Vec<&str> = checks.iter().map(|(is_so, yes, no)| if *is_so { *yes } else { *no }).collect();
        Ok(Seen::judged(checks.iter().all(|(is_so, ..)| *is_so), seen.join(", ")))
    }

    /// A package in the project that holds a flow: its `_id`.
    async fn sent(&self, head: &FlowHead, flow: &Flow) -> Result<String, TenantError> {
        let name = self.ground.client.memory.passing();
        let base = self.parcel(head).await?.only(&head.reference_id);
        let parcel = base.and_then(|base| base.with(flow, &self.ground.project.locales.names()));
        let file = parcel.and_then(|parcel| parcel.close(&name)).map_err(|reason| self.impossible(reason))?;
        self.ground.packages().send(&name, &file).await
    }

    async fn conflict(&self) -> Answered {
        let (project, head) = self.ground.again().await?;
        let text = self.text().await?;
        let package = self.sent(&head, &self.flow(&text)?).await?;
        let packages = self.ground.packages();
        let merged = packages.merge(&package, &head.reference_id, &project.locales, Conflict::Abort).await;
        packages.remove(&package).await;
        Ok(match merged? {
            Merged::No(reason) => Seen::judged(reason.to_ascii_lowercase().contains("conflict"), reason),
            Merged::Yes => Seen::judged(false, "it is merged all the same"),
            Merged::Unknown(failure) => return Err(self.ground.calls.error(failure)),
        })
    }

    async fn cut(&self) -> Answered {
        let (project, head) = self.ground.again().await?;
        let before = self.text().await?;
        let wanted = self.with_node(&before, ADDED[1])?;
        let package = self.sent(&head, &wanted).await?;
        let seen = Box::pin(self.cut_with(&project, &head, &package, &before, &wanted.to_text())).await;
        self.ground.packages().remove(&package).await;
        seen
    }

    async fn cut_with(
        &self,
        project: &super::super::heads::Project,
        head: &FlowHead,
        package: &str,
        before: &str,
        wanted: &str,
    ) -> Answered {
        let (calls, packages) = (self.ground.calls, self.ground.packages());
        let (reference, project_id) = (&head.reference_id, self.ground.environment.as_str());
        let started = packages.begin_merge(package, reference, &project.locales, Conflict::Replace).await?;
        let Started::Yes(task) = started else { return Err(self.impossible("no merge began".to_owned())) };
        let id = task["_id"].as_str().unwrap_or_default();
        let cancel = calls.requests().write(Method::POST, &["tasks", id, "cancel"], &json!({}), "cancel tasks");
        let cancelled = self.ground.any(cancel).await?;
        let ended = match calls.finish(project_id, &task, "merge the package").await? {
            Ended::Well(_) => "it ended well".to_owned(),
            Ended::Badly(reason) => reason,
        };
        let live = self.text().await?;
        let left = match &live {
            live if live == before => "the flow is as it was",
            live if live == wanted => "the flow is merged whole",
            _ => "a half of it is there",
        };
        let again = packages.merge(package, reference, &project.locales, Conflict::Replace).await?;
        let is_right = again == Merged::Yes && self.text().await? == wanted;
        let then = if is_right { "merged again it is whole" } else { "merged again it is not whole" };
        let cancelled = if is_well(&cancelled) {
            "cancelled".to_owned()
        } else {
            format!("cannot be cancelled, {}", told(calls, &cancelled))
        };
        Ok(Seen::judged(is_right, format!("{cancelled}: {ended}; {left}; {then}")))
    }

    async fn tasks(&self) -> Answered {
        let names = self.ground.calls.task_names(self.ground.environment.as_str()).await?;
        let unknown: Vec<&String> = names.iter().filter(|name| !may_change(name) && !is_snapshot(name)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Seen::judged(unknown.is_empty() && !names.is_empty(), names.join(", ")))
    }
}

/// Whether a task takes a snapshot, which changes nothing.
fn is_snapshot(name: &str) -> bool {
    name.to_ascii_lowercase().contains("snapshot")
}

/// The first place where two values differ, as a JSON pointer.
fn different(one: &Value, other: &Value) -> Option<String> {
    let below = |key: &str, one: &Value, other: &Value| different(one, other).map(|rest| format!("/{key}{rest}"));
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            let value = |side: &serde_json::Map<String, Value>, key: &str| side.get(key).cloned().unwrap_or_default();
            keys.into_iter().find_map(|key| below(key, &value(one, key), &value(other, key)))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(index, (one, other))| below(&index.to_string(), one, other))
        }
        (one, other) => (one != other).then(String::new),
    }
}

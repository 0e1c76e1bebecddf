//! Questions about the nodes of a flow.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::super::{Failure, TenantError};
use super::super::heads::Locale;
use super::super::import::takes_a_package;
use super::asking::{Answered, Asking, Seen};
use super::ground::{Ground, is_well, told};

/// Looks at a chart, or at code, before it is taken for granted that nothing comes any more.
const LOOKS_MAX: usize = 6;
/// Between two looks at a chart that lags.
const PAUSE: Duration = Duration::from_millis(200);
/// Change times are whole seconds.
const A_SECOND: Duration = Duration::from_millis(1_100);

/// Asks about a flow's chart.
pub(super) struct Chart<'g, 'a> {
    pub(super) ground: &'g Ground<'a>,
}

/// The nodes that are tried on, by `_id`.
struct Nodes {
    say: String,
    code: String,
    go_to: String,
    branch: String,
}

fn said(text: &str) -> Value {
    json!({"say": {"type": "text", "text": [text], "data": "", "linear": false, "loop": false}})
}

impl Chart<'_, '_> {
    /// Asks everything.
    pub(super) async fn ask(&self, asking: &mut Asking<'_>) {
        let mut made = None;
        let root = "under /new/v2.0, or under /v2.0 alone";
        asking.ask("where charts are read", root, async { Ok(self.root()) }).await;
        let brought = "an `if` comes with `then` and `else`";
        asking
            .ask("new nodes", brought, async { self.make().await.map(|(nodes, seen)| (made = Some(nodes), seen).1) })
            .await;
        let Some(nodes) = made else { return };
        let either = "either: each node is read by itself";
        asking.ask("settings in a list of nodes", either, self.list()).await;
        asking.ask("the answer to a PATCH", "the node or nothing", self.patch(&nodes)).await;
        let lag = "a chart may lag, a node read alone does not";
        asking.ask("a read right after a write", lag, self.lag(&nodes)).await;
        asking.ask("a PATCH of nothing", "either: none is sent", self.nothing(&nodes)).await;
        asking.ask("a setting that is left out", "it is gone", self.left_out(&nodes)).await;
        let locale = "`localeId` is taken, or refused by name: such a change goes by package";
        asking.ask("a PATCH of one locale", locale, self.locale(&nodes)).await;
        asking.ask("a PATCH of a `start`", "either: none is sent", self.start()).await;
        asking.ask("descriptors of node types", "either: the usual ones are known", self.descriptors()).await;
        let moved = "either: structure goes by package";
        asking.ask("a move of a node", moved, self.moved(&nodes)).await;
        let size = "60 kB are taken; 413 to more, which goes by package";
        asking.ask("the size of a body", size, self.size(&nodes)).await;
        asking.ask("a GET with a body", "either: none has one", self.get_with_body()).await;
        asking.ask("an error in code", "known at the second look", self.wrong_code(&nodes)).await;
        asking.ask("`lastChanged` after an edit", "it moves", self.stamp(&nodes)).await;
    }

    fn root(&self) -> Seen {
        let is_older = self.ground.client.older_charts.load(Ordering::Relaxed);
        Seen::either(if is_older { "under /v2.0 alone" } else { "under /new/v2.0" })
    }

    async fn make(&self) -> Result<(Nodes, Seen), TenantError> {
        let ground = self.ground;
        let say = ground.append(&ground.start, "say", "Probe", said("Hello")).await?;
        let code = ground.append(&say, "code", "Probe code", json!({"code": "const a = 1;\r\n"})).await?;
        let start = ground.node(&ground.start, None).await?["referenceId"].clone();
        let go_to = json!({"flowNode": {"flow": ground.head.reference_id, "node": start}, "absorbContext": false,
            "executionMode": "continue", "injectedText": "probe", "injectedData": "{}", "parseIntents": false,
            "parseKeyphrases": false});
        let go_to = ground.append(&code, "goTo", "Probe goTo", go_to).await?;
        let rule =
            json!({"type": "rule", "condition": "", "rule": {"left": "input.intent", "operand": "eq", "right": "x"}});
        let branch = ground.append(&say, "if", "Probe if", json!({"condition": rule})).await?;
        let kinds = self.children_of(&branch).await?;
        let seen = Seen::judged(kinds == ["then", "else"], format!("an `if` came with {}", list(&kinds)));
        Ok((Nodes { say, code, go_to, branch }, seen))
    }

    /// The types of a node's children, in their order, once the chart shows them.
    async fn children_of(&self, parent: &str) -> Result<Vec<String>, TenantError> {
        let mut kinds = Vec::new();
        for _ in 0..LOOKS_MAX {
            let chart = self.ground.chart().await?;
            let of = |id: &Value| {
                let nodes = chart["nodes"].as_array()?;
                nodes.iter().find(|node| node["_id"] == *id)?["type"].as_str().map(str::to_owned)
            };
            let mut relations = chart["relations"].as_array().into_iter().flatten();
            let relation = relations.find(|relation| relation["node"] == parent);
            kinds = relation.and_then(|it| it["children"].as_array()).into_iter().flatten().filter_map(of).collect();
            if !kinds.is_empty() {
                break;
            }
            sleep(PAUSE).await;
        }
        Ok(kinds)
    }

    async fn list(&self) -> Answered {
        let path = ["flows", self.ground.head.id.as_str(), "chart", "nodes"];
        let list: Value = self.ground.calls.json(&path, &[], "list nodes").await?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let n_with = items.iter().filter(|node| node["config"].is_object()).count();
        Ok(Seen::either(format!("in {n_with} of {} nodes", items.len())))
    }

    /// A PATCH that must go well.
    async fn write(&self, node: &str, body: &Value) -> Result<u16, TenantError> {
        let answer = self.ground.write(Method::PATCH, &["nodes", node], body).await?;
        let reason = || format!("a PATCH of a node was answered {}", told(self.ground.calls, &answer));
        if is_well(&answer) { Ok(answer.status) } else { Err(self.impossible(reason())) }
    }

    fn impossible(&self, reason: String) -> TenantError {
        self.ground.calls.error(Failure::Impossible { reason })
    }

    async fn patch(&self, nodes: &Nodes) -> Answered {
        let answer = self.ground.write(Method::PATCH, &["nodes", &nodes.say], &json!({"label": "Probe 1"})).await?;
        let shown = if answer.body.is_empty() { "nothing" } else { "the node" };
        Ok(Seen::judged(is_well(&answer), format!("{}, {shown}", told(self.ground.calls, &answer))))
    }

    async fn lag(&self, nodes: &Nodes) -> Answered {
        let label_in_chart = async || -> Result<Value, TenantError> {
            let chart = self.ground.chart().await?;
            let node = chart["nodes"].as_array().into_iter().flatten().find(|node| node["_id"] == *nodes.say).cloned();
            Ok(node.unwrap_or_default()["label"].clone())
        };
        // Whatever an earlier write left is read first.
        label_in_chart().await?;
        self.write(&nodes.say, &json!({"label": "Probe 2"})).await?;
        let is_fresh = self.ground.node(&nodes.say, None).await?["label"] == "Probe 2";
        label_in_chart().await?;
        self.write(&nodes.say, &json!({"label": "Probe 3"})).await?;
        let mut n_late = 0;
        while n_late < LOOKS_MAX && label_in_chart().await? != "Probe 3" {
            n_late += 1;
            sleep(PAUSE).await;
        }
        let node = if is_fresh { "a node is as written" } else { "a node is as it was" };
        let chart = match n_late {
            0 => "so is the chart".to_owned(),
            LOOKS_MAX => format!("the chart is not, {LOOKS_MAX} reads long"),
            n_late => format!("the chart lags, {n_late} read(s) long"),
        };
        Ok(Seen::judged(is_fresh && n_late < LOOKS_MAX, format!("{node}, {chart}")))
    }

    async fn nothing(&self, nodes: &Nodes) -> Answered {
        let answer = self.ground.write(Method::PATCH, &["nodes", &nodes.say], &json!({"label": "Probe 3"})).await?;
        Ok(Seen::either(told(self.ground.calls, &answer)))
    }

    /// Whether a PATCH replaces the settings whole.
    async fn left_out(&self, nodes: &Nodes) -> Answered {
        let mut config = self.ground.node(&nodes.go_to, None).await?["config"].clone();
        let members = config.as_object_mut();
        members.and_then(|members| members.remove("injectedText"));
        self.write(&nodes.go_to, &json!({"config": config})).await?;
        let after = self.ground.node(&nodes.go_to, None).await?["config"].clone();
        Ok(match after.get("injectedText") {
            None => Seen::either("it is gone"),
            Some(Value::String(text)) if text == "probe" => Seen::judged(false, "it stays as it was"),
            Some(value) => Seen::judged(false, format!("it comes back as {value}")),
        })
    }

    async fn locale(&self, nodes: &Nodes) -> Answered {
        let [primary, other, ..] = self.ground.project.locales.0.as_slice() else {
            return Ok(Seen::either("not asked, the project has one locale"));
        };
        let body = json!({"localeId": other.id, "inheritFromLocaleId": primary.id});
        let added = self.ground.write(Method::POST, &["nodes", &nodes.say, "addlocalization"], &body).await?;
        if !is_well(&added) {
            let text = format!("a locale cannot be added to a node: {}", told(self.ground.calls, &added));
            return Ok(Seen::judged(false, text));
        }
        let body = json!({"config": said("Hallo"), "localeId": other.id});
        let answer = self.ground.write(Method::PATCH, &["nodes", &nodes.say], &body).await?;
        if !is_well(&answer) {
            let message = String::from_utf8_lossy(&answer.body).into_owned();
            let is_known = takes_a_package(&Failure::Refused { status: answer.status, message });
            return Ok(Seen::judged(is_known, told(self.ground.calls, &answer)));
        }
        let text = async |locale: &Locale| -> Result<Value, TenantError> {
            Ok(self.ground.node(&nodes.say, Some(locale)).await?["config"]["say"]["text"][0].clone())
        };
        let (here, there) = (text(other).await? == "Hallo", text(primary).await? == "Hello");
        Ok(match (here, there) {
            (true, true) => Seen::either("it is written, and the other locale is as it was"),
            (true, false) => Seen::judged(false, "it writes the other locale too"),
            (false, _) => Seen::judged(false, "it writes another locale"),
        })
    }

    async fn start(&self) -> Answered {
        let body = json!({"comment": "probe"});
        let answer = self.ground.write(Method::PATCH, &["nodes", &self.ground.start], &body).await?;
        Ok(Seen::either(told(self.ground.calls, &answer)))
    }

    async fn descriptors(&self) -> Answered {
        let answer = self.ground.read(&["descriptors"], None).await?;
        let found: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let items = found.as_array().or_else(|| found["items"].as_array()).map_or(0, Vec::len);
        Ok(Seen::either(match (is_well(&answer), found["total"].as_u64()) {
            (true, Some(total)) => format!("{total} types"),
            (true, None) => format!("{items} types"),
            (false, _) => told(self.ground.calls, &answer),
        }))
    }

    async fn moved(&self, nodes: &Nodes) -> Answered {
        let (node, body) = (nodes.branch.as_str(), json!({"mode": "append", "target": nodes.code}));
        let ways: [(&str, Method, &[&str]); 3] = [
            ("POST \u{2026}/move", Method::POST, &["nodes", node, "move"]),
            ("PATCH \u{2026}/move", Method::PATCH, &["nodes", node, "move"]),
            ("PATCH of the node", Method::PATCH, &["nodes", node]),
        ];
        let mut refused = Vec::new();
        for (way, method, below) in ways {
            let answer = self.ground.write(method, below, &body).await?;
            if is_well(&answer) {
                return Ok(Seen::either(format!("by {way}")));
            }
            refused.push(format!("{way}: {}", told(self.ground.calls, &answer)));
        }
        Ok(Seen::either(format!("by none of them: {}", refused.join(", "))))
    }

    async fn size(&self, nodes: &Nodes) -> Answered {
        let patch = |n_bytes: usize| json!({"config": {"code": format!("// {}", "x".repeat(n_bytes))}});
        let (small, large) = (patch(58 * 1024), patch(70 * 1024));
        let small = self.ground.write(Method::PATCH, &["nodes", &nodes.code], &small).await?;
        let large = self.ground.write(Method::PATCH, &["nodes", &nodes.code], &large).await?;
        let is_known = [&small, &large].iter().all(|answer| is_well(answer) || answer.status == 413);
        let shown = |answer| told(self.ground.calls, answer);
        Ok(Seen::judged(is_known, format!("58 kB: {}, 70 kB: {}", shown(&small), shown(&large))))
    }

    async fn get_with_body(&self) -> Answered {
        let answer = self.ground.read(&["nodes"], Some(&json!({}))).await?;
        Ok(Seen::either(told(self.ground.calls, &answer)))
    }

    /// When the platform says that code is wrong; the code is right again afterwards.
    async fn wrong_code(&self, nodes: &Nodes) -> Answered {
        self.write(&nodes.code, &json!({"config": {"code": "const a = @@;"}})).await?;
        let mut known_at = None;
        for look in 1..=LOOKS_MAX {
            if self.ground.node(&nodes.code, None).await?["config"]["hasError"] == true {
                known_at = Some(look);
                break;
            }
            if look > 1 {
                sleep(PAUSE).await;
            }
        }
        self.write(&nodes.code, &json!({"config": {"code": "const a = 1;\r\n"}})).await?;
        Ok(match known_at {
            Some(look) => Seen::judged(look <= 2, format!("known at look {look}")),
            None => Seen::judged(false, format!("not known after {LOOKS_MAX} looks")),
        })
    }

    async fn stamp(&self, nodes: &Nodes) -> Answered {
        let before = self.ground.again().await?.1.last_changed;
        sleep(A_SECOND).await;
        self.write(&nodes.say, &json!({"label": "Probe 4"})).await?;
        let after = self.ground.again().await?.1.last_changed;
        let moved = format!("{} s later", after - before);
        Ok(Seen::judged(after > before, if after == before { "it stands still".to_owned() } else { moved }))
    }
}

fn list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(", ") }
}

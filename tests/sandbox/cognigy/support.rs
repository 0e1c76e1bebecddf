//! One running stand-in for the vendor's API, and a client that holds its key.

use std::time::Duration;

use flowsync::tenant::sandbox::cognigy_rest::rules::Behaviour;
use flowsync::tenant::sandbox::cognigy_rest::settings::Settings;
use flowsync::tenant::sandbox::cognigy_rest::{CognigySandbox, Handle, Running, Seed};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::super::support::{Answer, answer};

/// The project of [`SEED`].
pub(crate) const PROJECT: &str = "64c0ffee0000000000000001";

/// A project in two locales, with a flow of everything.
pub(crate) const SEED: &str = r#"
projects:
  - name: Hotel
    id: 64c0ffee0000000000000001
    locales: [en-US, de-DE]
    lexicons: [Cities]
    connections: [{ name: CRM, referenceId: 0a0a0a0a-0000-4000-8000-000000000001 }]
    endpoints: [{ name: Web, flow: Main }]
    flows:
      - name: Main
        referenceId: 11111111-1111-4111-8111-111111111111
        attachedFlows: [Other]
        intents: [book, { name: cancel, sentences: [stop it, never mind] }]
        chart:
          - { say: Hello, label: Greet, locales: { de-DE: { say: { type: text, text: [Hallo] } } } }
          - type: if
            label: Book?
            config: { condition: { type: rule, condition: "", rule: { left: input.intent, operand: eq, right: book } } }
            branches:
              - { type: then, chart: [{ goTo: Other, label: Pay }] }
          - type: switch
            label: Which
            branches:
              - { type: case, label: One, config: { case: { value: one } }, chart: [{ say: "1", label: In one }] }
              - { type: case, label: Two, config: { case: { value: two } } }
          - { code: "const a = 1;\r\n", label: Count }
      - name: Other
"#;

/// A client with the stand-in it talks to.
pub(crate) struct Cognigy {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

impl Cognigy {
    /// One with [`SEED`], whose charts are read fresh.
    pub(crate) async fn start() -> Self {
        Self::with(|behaviour| behaviour.stale_charts = false).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Behaviour)) -> Self {
        let mut settings = Settings { seed: Seed::parse(SEED).unwrap(), ..Settings::default() };
        change(&mut settings.behaviour);
        Self::of(settings).await
    }

    pub(crate) async fn of(settings: Settings) -> Self {
        let running = CognigySandbox::start(settings, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let tls = flowsync::tls::nobody().unwrap();
        let client = Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let client = client.timeout(Duration::from_secs(20)).build().unwrap();
        Self { running, client }
    }

    pub(crate) fn state(&self) -> Handle {
        self.running.state()
    }

    /// A request below the base, without anything else.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/new/v2.0{path}", self.running.base_url()))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("X-API-Key", "sandbox-key").header("Accept", "application/json")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// What a read that must go well shows.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("Content-Type", "application/json");
        answer(request.body(body.to_string())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    /// The path of a flow.
    pub(crate) fn flow(&self, name: &str) -> String {
        format!("/flows/{}", self.state().flow(name).unwrap())
    }

    /// The path of a node.
    pub(crate) fn node(&self, flow: &str, label: &str) -> String {
        format!("{}/chart/nodes/{}", self.flow(flow), self.id(flow, label))
    }

    /// The `_id` of a node.
    pub(crate) fn id(&self, flow: &str, label: &str) -> String {
        self.state().node(flow, label).unwrap()
    }

    /// Makes a node in the flow `Main`.
    pub(crate) async fn create(&self, kind: &str, mode: &str, target: &str) -> Answer {
        let mut body = json!({ "type": kind, "mode": mode, "target": target, "label": format!("new {kind}") });
        if mode == "insertChildAt" {
            body["position"] = json!(1);
        }
        self.post(&format!("{}/chart/nodes", self.flow("Main")), &body).await
    }

    pub(crate) async fn move_to(&self, label: &str, mode: &str, target: &str) -> Answer {
        let path = format!("{}/move", self.node("Main", label));
        self.patch(&path, &json!({ "mode": mode, "target": target })).await
    }

    /// The chart of a flow as text: a chain in a row, branches in brackets, loose nodes after a bar.
    pub(crate) async fn drawn(&self, flow: &str) -> String {
        let chart = self.read(&format!("{}/chart", self.flow(flow))).await;
        draw(&chart)
    }
}

/// A chart as text.
pub(crate) fn draw(chart: &Value) -> String {
    let relations = chart["relations"].as_array().unwrap();
    let relation = |id: &Value| relations.iter().find(|relation| relation["node"] == *id).unwrap();
    let node = |id: &Value| chart["nodes"].as_array().unwrap().iter().find(|node| node["_id"] == *id).unwrap().clone();
    let mut drawn = Vec::new();
    fn chain<'v>(
        first: &Value,
        node: &dyn Fn(&Value) -> Value,
        relation: &dyn Fn(&Value) -> &'v Value,
        drawn: &mut Vec<Value>,
    ) -> String {
        let (mut text, mut id) = (Vec::new(), first.clone());
        while !id.is_null() {
            drawn.push(id.clone());
            let branches = relation(&id)["children"].as_array().unwrap();
            let branches: Vec<String> = branches.iter().map(|child| chain(child, node, relation, drawn)).collect();
            let brackets = if branches.is_empty() { String::new() } else { format!("[{}]", branches.join(" | ")) };
            text.push(format!("{}{brackets}", node(&id)["label"].as_str().unwrap()));
            id = relation(&id)["next"].clone();
        }
        text.join(" ")
    }
    let start = chart["nodes"].as_array().unwrap().iter().find(|node| node["type"] == "start").unwrap();
    let main = chain(&start["_id"], &node, &relation, &mut drawn);
    let loose = chart["nodes"].as_array().unwrap().iter().filter(|node| !drawn.contains(&node["_id"]));
    let mut loose: Vec<String> = loose.map(|node| node["label"].as_str().unwrap().to_owned()).collect();
    loose.sort();
    if loose.is_empty() { main } else { format!("{main} || {}", loose.join(" ")) }
}

/// Status and the vendor's number of an error.
pub(crate) fn refusal(answer: &Answer) -> (u16, u64) {
    (answer.status, answer.json()["code"].as_u64().unwrap_or_default())
}
